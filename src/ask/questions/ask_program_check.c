/* program_check: on how much of a whole domain a program and a model agree, and what the model loses when its
 * attention is the program's. */
#include <stdio.h>

#include "ask/shared/certified.h"
#include "ask/shared/program_given.h"
#include "ask/shared/ratios.h"
#include "prove/program/program_report.h"

typedef struct check_settings {
    char file[CLH_PATH_MAX];
    unsigned domain, way;
    size_t count, sequences;
} check_settings;

static const clh_key keys[] = {
    CLH_PROGRAM_FILE_KEY(check_settings),
    CLH_ROW(check_settings, domain, CHOICE, "own", CLH_DOMAIN_CHOICES, CLH_DOMAIN_TEXT),
    CLH_CERTIFIED_WAY_KEY(check_settings),
    CLH_CERTIFIED_COUNT_KEY(check_settings),
    CLH_ROW(check_settings, sequences, SIZE, "500", "[0, 1000000]",
            "how many held-out sequences the losses are of; 0: no losses"),
};

#define NUMBER(type, name, ...) CLH_FIELD(#name, __VA_ARGS__, CLH_FROM(clh_program_report, name)),
static const clh_field numbers[] = {
#include "prove/program/program_numbers.def"
    {0}};
#undef NUMBER
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("equal", "Do program and model agree on every input?",
                      "yes when no prediction of any input is another"),
    CLH_FIELD_VERDICT("proved", "What is decided?",
                      "both claims by bounds with their errors; the forward pass alone otherwise"),
    {0}};
static const clh_field class_columns[] = {
    CLH_FIELD_COUNT("inputs", "inputs", "of this class in the domain",
                    CLH_FROM(clh_shown_class, inputs)),
    CLH_FIELD_COUNT("apart", "inputs", "on which they disagree somewhere",
                    CLH_FROM(clh_shown_class, failures)),
    {"share", "share", "of the inputs, those on which they disagree", .decimals = 6,
     .flags = CLH_SHARE, .panel = "inputs on which they disagree",
     CLH_FROM(clh_shown_class, share)},
    CLH_FIELD_COUNT("disagreements", "predictions", "on which they disagree",
                    CLH_FROM(clh_shown_class, tokens)),
    {0}};
static const clh_field position_columns[] = {
    {"disagreements", "predictions", "of the token at this position", .panel = "disagreements"},
    CLH_FIELD_TEXT("rule", "of the program", 0),
    {0}};
#define OF(member) CLH_FROM(clh_shown_input, member)
static const clh_field example_columns[] = {
    CLH_FIELD_TEXT("input", "its letters", 0, OF(input)),
    CLH_FIELD_COUNT("position", "position", "of the prediction that is furthest apart",
                    OF(position)),
    CLH_FIELD_TEXT("program", "what the program says there", 0, OF(expected)),
    CLH_FIELD_TEXT("model", "what the model says", 0, OF(predicted)),
    {"margin", "logits", "logit(what the program says) - largest other", .decimals = 4, OF(margin)},
    CLH_FIELD_COUNT("disagreements", "predictions", "of this input", OF(mistakes)),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "classes", "every class of inputs", .keys = "class", .draw = "rows",
     .fields = class_columns},
    {CLH_PART_TABLE, "counterexamples",
     "inputs on which they disagree, the first of the domain, worst first", .keys = "#index",
     .flags = CLH_OWN_FILE, .fields = example_columns},
    {CLH_PART_TABLE, "positions", "where they disagree", .keys = "#position", .draw = "rows",
     .flags = CLH_DETAIL, .fields = position_columns},
    {0}};

static void put(clh_result *out, const clh_program_report *r, const clh_program *program,
                const clh_task *task, size_t count)
{
    const clh_certificate *c = &r->certificate;
    char key[24], by[160];
    clh_program_rule_view view;
    clh_result_read(out, "numbers", r);
    clh_certified_classes(out, c, task);
    clh_certified_examples(out, c, task, count);
    for (size_t p = c->first_scored; p < c->length; p++) {
        if (clh_program_rule(&view, program, p, NULL))
            continue;
        clh_result_row(out, "positions", clh_key_text(key, p));
        clh_row_put_number(out, "disagreements", (double)c->failed_at[p]);
        clh_row_text(out, "rule", view.rule);
    }
    (void)snprintf(by, sizeof by, "they disagree on %llu of %llu inputs",
                   (unsigned long long)r->inputs_apart, (unsigned long long)r->inputs);
    clh_result_decide(out, "equal", r->inputs_apart ? "no" : "yes", by);
    clh_certified_proved(out, c);
}

static clh_status ask_check(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const check_settings *set = settings;
    clh_program *program = NULL;
    clh_program_report report = {0};
    const clh_certify_options options = {.domain = (clh_domain_kind)set->domain,
                                         .way = (clh_certify_way)set->way,
                                         .counterexamples = clh_certified_count(out, set->count)};
    clh_program_asked ask = {.model = clh_subject_model(s),
                             .task = clh_subject_task(s),
                             .options = &options,
                             .seed = clh_subject_seed(s)};
    clh_status status = clh_program_read(&program, set->file, ask.task, err);
    if (!status && set->sequences)
        status = clh_ask_sample(&ask.sample, out, s, set->sequences, err);
    ask.program = program;
    if (!status)
        status = clh_program_report_make(&report, &ask, how, err);
    if (!status)
        put(out, &report, program, ask.task, set->count);
    if (!set->sequences)
        clh_result_absent_each(out, "no sequences were asked for", "loss_none", "loss_program",
                               "loss_reference", "recovered");
    clh_program_report_deinit(&report);
    clh_program_close(program);
    return status;
}

const clh_question clh_question_program_check = {
    .name = "program_check",
    .summary = "whether a program and a model agree on a whole domain",
    .description =
        "Holds a program, found by decompile or written by hand, against a model on every scored token "
        "of every input of a domain, as certify does: by bounds for a model of one layer and one head, attention "
        "only, else by a forward pass of each. The program reads the letters as they stand in the sequence. "
        "Exit status 1 when they disagree anywhere.\n\n"
        "The losses are of held-out sequences: the model as it is, and with the program in place of its "
        "attention, in every head of every layer. Queries whose rule writes a token keep their own.",
    .examples =
        "clearhead program check algorithm.txt runs/notebook --domain tuples # any letters\n"
        "clearhead program check examples/hypotheses/first_term.txt runs/notebook # by hand\n"
        "clearhead program check algorithm.txt runs/notebook --counterexamples rows.csv # all of them\n"
        "clearhead program check algorithm.txt runs/notebook --checkpoints # since when?",
    CLH_SETTINGS(keys, check_settings),
    .words = "file",
    .needs = CLH_NEEDS_TASK | CLH_NEEDS_ONE_N | CLH_NEEDS_LETTERS,
    .schema = schema,
    .over = "agreement, disagreements, loss_none, loss_program, recovered",
    .ask = ask_check};
