/* program_diff: two programs beside each other. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ask/shared/program_given.h"

typedef struct diff_settings {
    char a[CLH_PATH_MAX], b[CLH_PATH_MAX];
    size_t n;
} diff_settings;

static const clh_key keys[] = {
    CLH_ROW_AUTO(diff_settings, a, TEXT, NULL, "A", "a program, or a run or checkpoint: RUN@STEP"),
    CLH_ROW_AUTO(diff_settings, b, TEXT, NULL, "B", "another"),
    CLH_ROW(diff_settings, n, SIZE, "4", "[1, 6]",
            "letters, where neither a file nor a run says which task it is of"),
};

static const clh_field numbers[] = {
    {"rules", NULL, "scored positions", .flags = CLH_HEADLINE},
    {"different", "rules", "that are not the same in both", .flags = CLH_HEADLINE},
    {"sources", "positions", "that the first reads", .flags = CLH_HEADLINE},
    {"sources_other", "positions", "that the second reads", .flags = CLH_HEADLINE},
    {0}};
static const clh_field columns[] = {
    CLH_FIELD_TEXT("this", "what the first says", 0, CLH_FROM(clh_program_difference, one)),
    CLH_FIELD_TEXT("other", "what the second says", 0, CLH_FROM(clh_program_difference, other)),
    {"position", "position", "of the token it writes", .panel = "rules that differ",
     CLH_FROM(clh_program_difference, position)},
    {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("same", "Is it the same program?", "yes when no rule differs"), {0}};
static const clh_schema schema[] = {{CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
                                    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "rules", "rules that differ", .keys = "place",
                                     .draw = "rows", .fields = columns},
                                    {0}};

static clh_status put(clh_result *out, const clh_program *a, const clh_program *b, clh_error *err)
{
    clh_program_sums x = {0}, y = {0};
    clh_program_difference *row = NULL;
    char by[64];
    size_t count = 0;
    clh_status status = clh_program_count(&x, a, err);
    if (!status)
        status = clh_program_count(&y, b, err);
    if (!status)
        status = clh_program_differences(&row, &count, a, b, err);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++) {
        clh_result_row(out, "rules", row[i].place);
        clh_row_read(out, &row[i]);
    }
    clh_free(row);
    clh_result_put_numbers(out, {"rules", (double)x.rules}, {"different", (double)count},
                           {"sources", (double)x.sources}, {"sources_other", (double)y.sources});
    (void)snprintf(by, sizeof by, "%zu of %zu rules differ", count, x.rules);
    clh_result_decide(out, "same", count ? "no" : "yes", by);
    if (count)
        clh_result_no(out);
    return CLH_OK;
}

/* The task of whichever is a run, for a file that names none. */
static clh_status task_of(clh_task **own, clh_subject **run, const clh_task **task,
                          const diff_settings *set, clh_error *err)
{
    bool a_file = false, b_file = false;
    clh_status status = clh_program_is_file(&a_file, set->a, err);
    if (!status)
        status = clh_program_is_file(&b_file, set->b, err);
    const char *what = !a_file ? set->a : !b_file ? set->b : NULL;
    if (!status)
        status = what ? clh_subject_open(run, what, err) : clh_program_task(own, set->n, err);
    *task = status ? NULL : what ? clh_subject_task(*run) : *own;
    return status;
}

static clh_status ask_diff(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    const diff_settings *set = settings;
    assert(set);
    clh_program *a = NULL, *b = NULL;
    clh_task *own = NULL;
    clh_subject *run = NULL;
    const clh_task *task = NULL;
    (void)s;
    clh_status status = task_of(&own, &run, &task, set, err);
    if (!status)
        status = clh_program_given(&a, set->a, task, how, err);
    if (!status)
        status = clh_program_given(&b, set->b, task, how, err);
    if (!status)
        status = put(out, a, b, err);
    clh_program_close(a);
    clh_program_close(b);
    clh_subject_close(run);
    clh_task_close(own);
    return status;
}

const clh_question clh_question_program_diff = {
    .name = "program_diff",
    .summary = "in which rules two programs or models differ",
    .description = "Each of the two is a file of a program, or a run or a checkpoint, which is "
                   "decompiled. Exit status 1 when a rule differs.",
    .examples = "clearhead program diff runs/notebook@100 runs/notebook # two checkpoints\n"
                "clearhead program diff algorithm.txt runs/other # a file and another seed",
    CLH_SETTINGS(keys, diff_settings),
    .words = "a b",
    .needs = CLH_NEEDS_NOTHING,
    .schema = schema,
    .ask = ask_diff};
