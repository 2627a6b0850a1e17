/* program_check: on how much of a whole domain a program and a model agree, and what the model loses when its
 * attention is the program's. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ask/certified.h"
#include "ask/program_given.h"
#include "ask/ratios.h"
#include "clearhead/edit.h"

typedef struct check_settings {
    char file[CLH_PATH_MAX];
    unsigned domain, way;
    size_t count, sequences;
} check_settings;

static const clh_key keys[] = {
    CLH_ROW_AUTO(check_settings, file, TEXT, NULL, "FILE",
                 "the program (docs/formats.md); must be given"),
    CLH_ROW(check_settings, domain, CHOICE, "own", "sorted|ordered|tuples|own",
            "which inputs: different letters in the order of the vocabulary, in any order, any "
            "letters; own: those of the run's task"),
    CLH_ROW(check_settings, way, CHOICE, "auto", "auto|bounds|forward",
            "by bounds over many inputs at once, or by a forward pass of each; auto: by bounds "
            "where the model allows it"),
    CLH_ROW(check_settings, count, SIZE, "10", "[0, 10000000]",
            "how many counterexamples to show: the first of the domain, the worst of them first"),
    CLH_ROW(check_settings, sequences, SIZE, "500", "[0, 1000000]",
            "how many held-out sequences the losses are of; 0: no losses"),
};

static const clh_field numbers[] = {
    CLH_FIELD("agreement", "share", "scored tokens on which program and model agree",
              "1 - disagreements / (inputs x scored tokens of an input)", 8,
              .flags = CLH_SHARE | CLH_HEADLINE),
    {"inputs", "inputs", "of the domain", .flags = CLH_HEADLINE},
    {"inputs_apart", "inputs", "on which they disagree somewhere", .flags = CLH_HEADLINE},
    {"disagreements", "predictions", "on which they disagree", .flags = CLH_HEADLINE},
    CLH_FIELD_LOSS("loss_none", "of the model as it is", CLH_HEADLINE),
    CLH_FIELD_LOSS(
        "loss_program",
        "of the model with the program in place of its pattern: each query that a rule is for "
        "attends to what the rule reads",
        CLH_HEADLINE),
    CLH_FIELD_LOSS("loss_reference", "with the logits of another sequence: what recovers nothing",
                   0),
    CLH_FIELD(
        "recovered", "share", "of the loss, 1 when nothing is lost",
        "(loss_reference - loss_program) / (loss_reference - loss_none); Chan et al. 2022, Causal Scrubbing",
        5, .flags = CLH_HEADLINE),
    CLH_FIELD_COUNT("undecided", "predictions",
                    "that double precision cannot tell: counted as disagreements"),
    CLH_FIELD_COUNT(
        "rounded", "predictions",
        "on which real numbers and this library's forward pass are not the same: counted as "
        "disagreements"),
    {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("equal", "Do program and model agree on every input?",
                      "yes when no prediction of any input is another"),
    CLH_FIELD_VERDICT("proved", "What is decided?",
                      "both claims by bounds with their errors; the forward pass alone otherwise"),
    {0}};
static const clh_field class_columns[] = {
    CLH_FIELD_COUNT("inputs", "inputs", "of this class in the domain"),
    CLH_FIELD_COUNT("apart", "inputs", "on which they disagree somewhere"),
    {"share", "share", "of the inputs, those on which they disagree", .decimals = 6,
     .flags = CLH_SHARE, .panel = "inputs on which they disagree"},
    CLH_FIELD_COUNT("disagreements", "predictions", "on which they disagree"),
    {0}};
static const clh_field position_columns[] = {
    {"disagreements", "predictions", "of the token at this position", .panel = "disagreements"},
    CLH_FIELD_TEXT("rule", "of the program", 0),
    {0}};
static const clh_field example_columns[] = {
    CLH_FIELD_TEXT("input", "its letters", 0),
    CLH_FIELD_COUNT("position", "position", "of the prediction that is furthest apart"),
    CLH_FIELD_TEXT("program", "what the program says there", 0),
    CLH_FIELD_TEXT("model", "what the model says", 0),
    {"margin", "logits", "logit(what the program says) - largest other", .decimals = 4},
    CLH_FIELD_COUNT("disagreements", "predictions", "of this input"),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "classes", "every class of inputs", .keys = "class", .draw = "rows",
     .fields = class_columns},
    {CLH_PART_TABLE, "counterexamples",
     "inputs on which they disagree, the first of the domain, worst first", .keys = "#index",
     .fields = example_columns},
    {CLH_PART_TABLE, "positions", "where they disagree", .keys = "#position", .draw = "rows",
     .flags = CLH_DETAIL, .fields = position_columns},
    {0}};

/* ---- Agreement ---------------------------------------------------------------------------------
 */

static void put_examples(clh_result *out, const clh_certificate *c, const clh_task *task)
{
    char key[24], symbol[16];
    for (size_t i = 0; i < c->counterexample_count; i++) {
        const clh_counterexample *one = &c->counterexamples[i];
        clh_result_row(out, "counterexamples", clh_key_text(key, i));
        clh_certified_input(out, c, task, one);
        clh_row_put_numbers(out, {"position", (double)one->position}, {"margin", one->margin},
                            {"disagreements", (double)one->mistakes});
        clh_task_symbol(task, one->expected, symbol);
        clh_row_text(out, "program", symbol);
        clh_task_symbol(task, one->predicted, symbol);
        clh_row_text(out, "model", symbol);
    }
}

static void put_tables(clh_result *out, const clh_certificate *c, const clh_program *program,
                       const clh_task *task)
{
    char key[24];
    clh_program_rule_view view;
    for (clh_certify_class k = 0; k <= CLH_CLASS_OTHER; k++) {
        const clh_certify_row *row = &c->classes[k];
        if (row->inputs == 0)
            continue;
        clh_result_row(out, "classes", clh_certify_class_name(k));
        clh_row_label(out, clh_certify_class_text(k), NULL);
        clh_row_put_numbers(out, {"inputs", (double)row->inputs}, {"apart", (double)row->failures},
                            {"share", (double)row->failures / (double)row->inputs},
                            {"disagreements", (double)row->tokens});
    }
    put_examples(out, c, task);
    for (size_t p = c->first_scored; p < c->length; p++) {
        if (clh_program_rule(&view, program, p, NULL))
            continue;
        clh_result_row(out, "positions", clh_key_text(key, p));
        clh_row_put_number(out, "disagreements", (double)c->failed_at[p]);
        clh_row_text(out, "rule", view.rule);
    }
}

static void put(clh_result *out, const clh_certificate *c, const clh_program *program,
                const clh_task *task)
{
    char by[160];
    const double scored = (double)c->all.inputs * (double)(c->length - c->first_scored);
    clh_result_put_numbers(
        out, {"agreement", 1 - (double)c->all.tokens / scored}, {"inputs", (double)c->all.inputs},
        {"inputs_apart", (double)c->all.failures}, {"disagreements", (double)c->all.tokens},
        {"undecided", (double)c->undecided}, {"rounded", (double)c->rounded});
    put_tables(out, c, program, task);
    (void)snprintf(by, sizeof by, "they disagree on %llu of %llu inputs",
                   (unsigned long long)c->all.failures, (unsigned long long)c->all.inputs);
    clh_result_decide(out, "equal", c->all.failures ? "no" : "yes", by);
    clh_result_decide(out, "proved", c->by_bounds ? "both claims" : "the forward pass",
                      c->by_bounds ? "the real-valued function of these weights, and this "
                                     "library's forward pass in floats"
                                   : "every input was run; real numbers were not asked");
    if (c->all.failures)
        clh_result_no(out);
}

/* ---- Loss with the program's pattern -----------------------------------------------------------
 */

typedef struct replaced {
    clh_real *pattern; /* [length, length] */
    bool *given;       /* [length] */
    long *queries;     /* [length] */
    size_t count;
} replaced;

static clh_status replaced_open(replaced *r, const clh_program *program, size_t length,
                                clh_error *err)
{
    r->pattern = clh_alloc_zeroed(length * length, sizeof *r->pattern, err);
    r->given = clh_alloc_zeroed(length, sizeof *r->given, err);
    r->queries = clh_alloc_zeroed(length, sizeof *r->queries, err);
    if (!r->pattern || !r->given || !r->queries)
        return CLH_ENOMEM;
    const clh_status status = clh_program_pattern(program, r->pattern, r->given, length, err);
    for (size_t i = 0; i < length && !status; i++)
        if (r->given[i])
            r->queries[r->count++] = (long)i;
    return status;
}

static void replaced_deinit(replaced *r)
{
    clh_free(r->pattern);
    clh_free(r->given);
    clh_free(r->queries);
}

static clh_status measure(clh_result *out, clh_subject *s, const clh_sample *sample,
                          const replaced *r, size_t length, const clh_how *how, clh_error *err)
{
    clh_edits *edits = NULL;
    clh_edited edited = {0};
    const clh_edit pattern = {.kind = CLH_EDIT_SET,
                              .site = "blocks.*.attn.hook_pattern",
                              .positions = r->queries,
                              .position_count = r->count,
                              .tensor = {.data = r->pattern, .rank = 2, .shape = {length, length}}};
    const clh_edit other = {.kind = CLH_EDIT_RESAMPLE, .site = "logits"};
    const clh_edit_list lists[] = {{.name = "none"},
                                   {.name = "program", .edit = &pattern, .count = r->count > 0},
                                   {.name = "reference", .edit = &other, .count = 1}};
    const clh_edits_setting setting = {.model = clh_subject_model(s),
                                       .sample = sample,
                                       .seed = clh_subject_seed(s),
                                       .threads = how->threads,
                                       .watch = how->watch};
    clh_status status = clh_edits_open(&edits, lists, CLH_COUNT(lists), &setting, err);
    if (!status)
        status = clh_edits_run(&edited, edits, NULL, how, err);
    if (!status) {
        double loss[CLH_COUNT(lists)];
        for (size_t l = 0; l < CLH_COUNT(lists); l++)
            loss[l] = clh_tally_ratio(&edited.list[l].total, CLH_RATIO_LOSS);
        clh_result_put_numbers(out, {"loss_none", loss[0]}, {"loss_program", loss[1]},
                               {"loss_reference", loss[2]},
                               {"recovered", (loss[2] - loss[1]) / (loss[2] - loss[0])});
    }
    clh_edited_deinit(&edited);
    clh_edits_close(edits);
    return status;
}

static clh_status put_losses(clh_result *out, clh_subject *s, const clh_program *program,
                             size_t count, const clh_how *how, clh_error *err)
{
    static const char *const names[] = {"loss_none", "loss_program", "loss_reference", "recovered"};
    const clh_sample *sample = NULL;
    replaced r = {0};
    for (size_t i = 0; i < CLH_COUNT(names) && count == 0; i++)
        clh_result_absent(out, names[i], "no sequences were asked for");
    if (count == 0)
        return CLH_OK;
    const size_t length = clh_task_length_max(clh_subject_task(s));
    clh_status status = clh_ask_sample(&sample, out, s, count, err);
    if (!status)
        status = replaced_open(&r, program, length, err);
    if (!status)
        status = measure(out, s, sample, &r, length, how, err);
    replaced_deinit(&r);
    return status;
}

/* ------------------------------------------------------------------------------------------------
 */

static clh_status ask_check(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const check_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    clh_program *program = NULL;
    clh_certificate certificate = {0};
    clh_watch_part part, rest;
    const clh_how most = {how->threads, clh_watch_part_of(&part, how->watch, 0, 9, 10)};
    const clh_how last = {how->threads, clh_watch_part_of(&rest, how->watch, 9, 1, 10)};
    const clh_certify_options options = {.domain = (clh_domain_kind)set->domain,
                                         .way = (clh_certify_way)set->way,
                                         .counterexamples = set->count};
    clh_status status = clh_program_read(&program, set->file, task, err);
    if (!status)
        status = clh_program_check(&certificate, program, clh_subject_model(s), task, &options,
                                   &most, err);
    if (!status) {
        put(out, &certificate, program, task);
        status = put_losses(out, s, program, set->sequences, &last, err);
    }
    clh_certificate_deinit(&certificate);
    clh_program_close(program);
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const check_settings *set = settings;
    (void)s;
    return *set->file
               ? CLH_OK
               : clh_fail(err, CLH_EUSAGE, "FILE is missing; see clearhead program check -h");
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
        "clearhead program check algorithm.txt runs/notebook --checkpoints # since when?",
    CLH_SETTINGS(keys, check_settings),
    .words = "file",
    .needs = CLH_NEEDS_TASK | CLH_NEEDS_ONE_N | CLH_NEEDS_LETTERS,
    .schema = schema,
    .over = "agreement, disagreements, loss_none, loss_program, recovered",
    .ask = ask_check,
    .check = check};
