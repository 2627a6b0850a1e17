/* invariance: on how many inputs of a whole domain attention looks at the same positions. */
#include <stdio.h>

#include "ask/shared/certified.h"
#include "clearhead/invariance.h"

typedef struct invariance_settings {
    unsigned domain;
} invariance_settings;

static const clh_key keys[] = {
    CLH_ROW(invariance_settings, domain, CHOICE, "own", CLH_DOMAIN_CHOICES, CLH_DOMAIN_TEXT),
};

static const clh_field numbers[] = {
    {"inputs", "inputs", "of the domain", .flags = CLH_HEADLINE},
    {"same", "inputs", "of which every prediction's source is the usual one",
     .flags = CLH_HEADLINE},
    {"share", "share", "of the predictions of all inputs, those whose source is the usual one",
     .decimals = 4, .flags = CLH_HEADLINE | CLH_SHARE},
    {"positions", "positions", "of a scored prediction", .flags = CLH_HEADLINE},
    {"positions.same", "positions", "of which every input has the same source",
     .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT("undecided", "inputs",
                    "that may have other sources: two scores are as good as equal in double "
                    "precision; not counted as the same"),
    CLH_FIELD_TEXT("first", "input that is not the same", 0),
    {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("by_position", "Do letters decide where attention looks?",
                      "no when every input has the same source at every position"),
    {0}};
static const clh_field columns[] = {
    {"share", "share", "of the inputs, those that have the usual source", .decimals = 6,
     .flags = CLH_SHARE, .panel = "inputs with the usual source"},
    CLH_FIELD_COUNT("source", "position", "that most inputs attend to most"),
    CLH_FIELD_TEXT("of", "what stands at the source", 0),
    CLH_FIELD_COUNT("other", "position", "the next most usual source"),
    CLH_FIELD_COUNT("others", "inputs", "that have that one"),
    CLH_FIELD_TEXT("label", "what is predicted", 0),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "positions", "every predicted position, and the source attended to most",
     .keys = "#position", .draw = "rows", .flags = CLH_DETAIL, .fields = columns},
    {0}};

static void put(clh_result *out, const clh_invariance *v, const clh_task *task)
{
    clh_shown_input first;
    char key[24], label[48], by[96];
    double share = 0;
    size_t same = 0;
    const size_t positions = v->length - v->first_scored;
    for (size_t p = v->first_scored; p < v->length; p++) {
        const clh_invariance_row *row = &v->at[p];
        clh_result_row(out, "positions", clh_key_text(key, p));
        clh_row_put_numbers(out, {"share", (double)row->same / (double)v->inputs},
                            {"source", (double)row->source});
        clh_task_label(task, v->length, row->source, label);
        clh_row_text(out, "of", label);
        if (row->others)
            clh_row_put_numbers(out, {"other", (double)row->other},
                                {"others", (double)row->others});
        clh_task_label(task, v->length, p, label);
        clh_row_text(out, "label", label);
        share += (double)row->same / (double)v->inputs / (double)positions;
        same += row->same == v->inputs;
    }
    clh_result_put_numbers(out, {"inputs", (double)v->inputs}, {"same", (double)v->same},
                           {"share", share}, {"positions", (double)positions},
                           {"positions.same", (double)same}, {"undecided", (double)v->undecided});
    clh_shown_input_of(&first, v->token, v->n, task, &v->first);
    if (v->same < v->inputs)
        clh_result_put_text(out, "first", first.input);
    else
        clh_result_absent(out, "first", "every input is the same");
    (void)snprintf(by, sizeof by, "%zu of %zu positions have one source for every input", same,
                   positions);
    clh_result_decide(out, "by_position", v->same == v->inputs ? "no" : "yes", by);
}

static clh_status ask_invariance(clh_result *out, clh_subject *s, const void *settings,
                                 const clh_how *how, clh_error *err)
{
    const invariance_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    clh_invariance invariance = {0};
    clh_domain_kind domain = CLH_DOMAIN_TASK;
    clh_status status = clh_certified_domain(&domain, set->domain, task, err);
    if (!status)
        status = clh_invariance_find(&invariance, clh_subject_model(s), task, domain, how, err);
    if (!status)
        put(out, &invariance, task);
    clh_invariance_deinit(&invariance);
    return status;
}

const clh_question clh_question_invariance = {
    .name = "invariance",
    .summary = "whether attention looks at the same places for all inputs",
    .description =
        "The source of a prediction is the position its query attends to most. For each predicted "
        "position the usual source is that of most inputs of the domain; an input counts as the same "
        "when every one of its predictions has the usual source. Every input is decided, in double "
        "precision. For models of one layer and one head, attention only.",
    .examples = "clearhead invariance runs/notebook # every set of letters\n"
                "clearhead invariance runs/notebook --full # every position\n"
                "clearhead invariance runs/notebook --out sources.svg # a picture\n"
                "clearhead invariance runs/notebook --checkpoints # over training\n"
                "clearhead invariance runs/notebook --seeds 8 # is it so for other seeds?",
    CLH_SETTINGS(keys, invariance_settings),
    .needs = CLH_NEEDS_BOUNDS,
    .schema = schema,
    .over = "same, share, positions.same",
    .ask = ask_invariance};
