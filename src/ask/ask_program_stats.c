/* program_stats: the numbers of a program in a file. */
#include <string.h>

#include "ask/program_given.h"

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
static const clh_field columns[] = {
    {"rules", NULL, "that read this position first", .panel = "rules that read it"}, {0}};
static const clh_schema schema[] = {{CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "sources", "positions that are read",
                                     .keys = "source", .draw = "rows", .fields = columns},
                                    {0}};

static clh_status put(clh_result *out, const clh_program *program, clh_error *err)
{
    clh_program_sums sums = {0};
    clh_program_rule_view view;
    clh_status status = clh_program_put(out, "numbers", program, &sums, err);
    size_t *reads = status ? NULL : clh_alloc_zeroed(sums.length, sizeof *reads, err);
    if (!status && !reads)
        status = CLH_ENOMEM;
    for (size_t i = 0; i < sums.length && !status; i++) {
        status = clh_program_rule(&view, program, i, err);
        if (!status && view.reads != SIZE_MAX)
            reads[view.reads]++;
    }
    for (size_t i = 0; i < sums.length && !status; i++) {
        if (reads[i] == 0)
            continue;
        status = clh_program_rule(&view, program, i, err);
        clh_result_row(out, "sources", view.position);
        clh_row_put_number(out, "rules", (double)reads[i]);
    }
    clh_result_put_number(out, "scored", (double)sums.scored);
    clh_free(reads);
    return status;
}

static clh_status ask_stats(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const stats_settings *set = settings;
    clh_program *program = NULL;
    clh_task *task = NULL;
    (void)s, (void)how;
    clh_status status = clh_program_task(&task, set->n, err);
    if (!status)
        status = clh_program_read_any(&program, set->file, task, err);
    if (!status)
        status = put(out, program, err);
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
