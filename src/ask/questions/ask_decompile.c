/* decompile: the algorithm of a model as a program. */
#include <string.h>

#include "ask/shared/certified.h"
#include "ask/shared/program_given.h"
#include "run/folder/folder.h"

static const clh_field numbers[] = {
    CLH_PROGRAM_FIELDS,
    {"changed", "rules", "unlike those of the run's last weights", .flags = CLH_HEADLINE},
    CLH_FIELD_TEXT("program", "its text (docs/formats.md)", CLH_WHOLE),
    {0}};
static const clh_field verdicts[] = {CLH_PROGRAM_VERDICT, {0}};
static const clh_field rule_columns[] = {
    CLH_FIELD_TEXT("rule", "what it says", 0),
    {"position", "position", "of the token it writes", .decimals = 0},
    CLH_FIELD_SHARE(
        "attention",
        "of the attention, that on the letters it names: mean over all choices of letters", 0,
        .panel = "attention", CLH_FROM(clh_program_rule_view, attention)),
    CLH_FIELD_SHARE(
        "least",
        "of the attention, the least there over all choices of letters: the rest depends on tokens",
        0, .panel = "attention", CLH_FROM(clh_program_rule_view, attention_least)),
    {0}};
static const clh_field source_columns[] = {
    {"rules", NULL, "that read this position first", .panel = "rules that read it",
     CLH_FROM(clh_program_source, rules)},
    CLH_FIELD_SHARE("share", "of the rules that copy", 0, CLH_FROM(clh_program_source, share)),
    {0}};
static const clh_schema schema[] = {{CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
                                    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "sources", "positions that are read",
                                     .keys = "source", .draw = "rows", .fields = source_columns},
                                    {CLH_PART_TABLE, "rules",
                                     "every rule, by the position it writes", .keys = "place",
                                     .draw = "rows", .flags = CLH_DETAIL, .fields = rule_columns},
                                    {0}};

static clh_status put_rules(clh_result *out, const clh_program *program, size_t length,
                            clh_error *err)
{
    clh_program_rule_view view;
    clh_status status = CLH_OK;
    for (size_t i = 0; i < length && !status; i++) {
        status = clh_program_rule(&view, program, i, err);
        if (status || strcmp(view.rule, "none") == 0)
            continue;
        clh_result_row(out, "rules", view.position);
        clh_row_text(out, "rule", view.rule);
        clh_row_put_number(out, "position", (double)i);
        if (view.reads != SIZE_MAX)
            clh_row_read(out, &view);
    }
    return status;
}

/* How far it is from the program of the run's last weights. */
static clh_status put_changed(clh_result *out, const clh_subject *s, const clh_program *program,
                              const clh_how *how, clh_error *err)
{
    clh_program *last = NULL;
    clh_subject *whole = NULL;
    size_t changed = 0;
    const char *path = clh_subject_path(s);
    if (!clh_subject_run(s) || (*path && !clh_is_folder(path))) {
        clh_result_absent(out, "changed", "the model is of no run");
        return CLH_OK;
    }
    if (strcmp(clh_run_path(clh_subject_run(s)), path) == 0) { /* these are its last weights */
        clh_result_put_number(out, "changed", 0);
        return CLH_OK;
    }
    const clh_run_data data = clh_run_get_data(clh_subject_run(s));
    clh_status status = clh_subject_open_data(&whole, path, &data, err);
    if (!status)
        status = clh_decompile(&last, clh_subject_model(whole), clh_subject_task(whole), how, err);
    if (!status)
        status = clh_program_diff(&changed, NULL, program, last, err);
    if (!status)
        clh_result_put_number(out, "changed", (double)changed);
    clh_program_close(last);
    clh_subject_close(whole);
    return status;
}

static clh_status ask_decompile(clh_result *out, clh_subject *s, const void *settings,
                                const clh_how *how, clh_error *err)
{
    clh_program *program = NULL;
    clh_program_sums sums = {0};
    clh_watch_part part, rest;
    char *text = NULL;
    const clh_how first = {how->threads, clh_watch_part_of(&part, how->watch, 0, 1, 2)};
    const clh_how second = {how->threads, clh_watch_part_of(&rest, how->watch, 1, 1, 2)};
    (void)settings;
    clh_status status =
        clh_decompile(&program, clh_subject_model(s), clh_subject_task(s), &first, err);
    if (!status)
        status = clh_program_text(&text, program, err);
    if (!status)
        status = clh_program_put(out, "numbers", program, &sums, err);
    if (!status)
        status = put_rules(out, program, sums.length, err);
    if (!status)
        status = clh_program_put_sources(out, program, err);
    if (!status)
        status = put_changed(out, s, program, &second, err);
    if (!status) {
        clh_result_put_text(out, "program", text);
        clh_program_decide(out, &sums);
    }
    clh_free(text);
    clh_program_close(program);
    return status;
}

const clh_question clh_question_decompile = {
    .name = "decompile",
    .summary = "a model's algorithm as a program that runs",
    .description =
        "Says of each scored position what the model does there: writes the same token always, copies "
        "the letter at one earlier position, or of several letters the one with most weight. It is "
        "found in the weights and in the attention over all choices of letters, exactly; the task's "
        "answers are not looked at. docs/formats.md (\"Programs\") has the text's grammar, "
        "docs/mathematics.md (\"Program\") how a rule is found.\n\n"
        "The text is printed as it is, for a file; --full, --json and others have the numbers. For models of one "
        "layer and one head, attention only.",
    .examples = "clearhead decompile runs/notebook > algorithm.txt # the program\n"
                "clearhead program check algorithm.txt runs/notebook --domain tuples # is it so?\n"
                "clearhead decompile runs/notebook --full # its numbers\n"
                "clearhead decompile runs/notebook --checkpoints # the algorithm being born\n"
                "clearhead decompile runs/notebook --seeds 8 # how many different ones there are",
    .needs = CLH_NEEDS_BOUNDS,
    .schema = schema,
    .over = "rules, constant, copy, mixture, sources, hubs, explained, explained_least, changed",
    .ask = ask_decompile};
