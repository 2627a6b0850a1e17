/* program_stats: the numbers of a program in a file. */
#include "ask/shared/program_given.h"

typedef struct stats_settings {
    char file[CLH_PATH_MAX];
    size_t n;
} stats_settings;

static const clh_key keys[] = {
    CLH_PROGRAM_FILE_KEY(stats_settings),
    CLH_ROW(stats_settings, n, SIZE, "4", "[1, 6]", "letters, where the file names no task"),
};

static const clh_field numbers[] = {
    CLH_PROGRAM_FIELDS,
    {"scored", "positions", "of a sequence whose token is to be written", .flags = CLH_HEADLINE},
    {0}};
static const clh_field columns[] = {{"rules", NULL, "that read this position first",
                                     .panel = "rules that read it",
                                     CLH_FROM(clh_program_source, rules)},
                                    {0}};
static const clh_schema schema[] = {{CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "sources", "positions that are read",
                                     .keys = "source", .draw = "rows", .fields = columns},
                                    {0}};

static clh_status ask_stats(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const stats_settings *set = settings;
    clh_program *program = NULL;
    clh_program_sums sums = {0};
    clh_task *task = NULL;
    (void)s, (void)how;
    clh_status status = clh_program_task(&task, set->n, err);
    if (!status)
        status = clh_program_read_any(&program, set->file, task, err);
    if (!status)
        status = clh_program_put(out, "numbers", program, &sums, err);
    if (!status)
        status = clh_program_put_sources(out, program, err);
    clh_result_put_number(out, "scored", (double)sums.scored);
    clh_program_close(program);
    clh_task_close(task);
    return status;
}

const clh_question clh_question_program_stats = {
    .name = "program_stats",
    .summary = "how many rules and sources a program has",
    .description = "Counts a program in a file; nothing is asked of a model.",
    .examples = "clearhead program stats algorithm.txt # rules, sources, hubs",
    CLH_SETTINGS(keys, stats_settings),
    .words = "file",
    .needs = CLH_NEEDS_NOTHING,
    .schema = schema,
    .ask = ask_stats};
