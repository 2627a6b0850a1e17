/* certify: on which inputs of a whole domain the model writes the right tokens. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ask/certified.h"
#include "base/platform/decimal.h"
#include "prove/tables.h"

typedef struct certify_settings {
    unsigned domain, way;
    bool margins, histogram;
    size_t count;
    char keep[CLH_PATH_MAX];
    double keep_seconds;
} certify_settings;

static const clh_key keys[] = {
    CLH_ROW(certify_settings, domain, CHOICE, "own", "sorted|ordered|tuples|own",
            "which inputs: different letters in the order of the vocabulary, in any order, any "
            "letters; own: those of the run's task"),
    CLH_ROW(certify_settings, way, CHOICE, "auto", "auto|bounds|forward",
            "by bounds over many inputs at once, or by a forward pass of each; auto: by bounds "
            "where the model allows it"),
    CLH_ROW(certify_settings, margins, BOOL, "true", NULL,
            "find the smallest margin of each class too"),
    CLH_ROW(
        certify_settings, histogram, BOOL, "false", NULL,
        "compute the margin of every prediction, and count them by it: seconds of n = 4, minutes with "
        "tuples"),
    CLH_ROW(certify_settings, count, SIZE, "10", "[0, 10000000]",
            "how many counterexamples to show: the first of the domain, the worst of them first"),
    CLH_ROW_AUTO(certify_settings, keep, TEXT, NULL, "STATE",
                 "go on from this file where it is there, and write it when stopped and every "
                 "--keep-seconds; removed at the end"),
    CLH_ROW(certify_settings, keep_seconds, REAL, "10", "[0.001, 86400]",
            "how often that file is written"),
};

#define OF_CLASS(class, what)                                                                      \
    {                                                                                              \
        "failures." class, "inputs", what " of which a prediction is not right",                   \
            .flags = CLH_DETAIL                                                                    \
    }
#define MARGIN_OF_CLASS(class, what)                                                               \
    {                                                                                              \
        "margin_min." class, "logits", "smallest margin of " what, MARGIN, 4, .flags = CLH_DETAIL  \
    }
#define MARGIN "least over predictions of logit(right token) - largest other logit"

static const clh_field numbers[] = {
    {"inputs", "inputs", "of the domain, each with all its scored predictions decided",
     .flags = CLH_HEADLINE},
    {"failures", "inputs", "of which a prediction is not right", .flags = CLH_HEADLINE},
    {"failures.tokens", "predictions", "that are not right", .flags = CLH_HEADLINE},
    CLH_FIELD_COUNT(
        "undecided", "predictions",
        "of which neither double precision nor interval arithmetic can tell which token "
        "has the largest logit: counted as failures"),
    CLH_FIELD_COUNT("ties", "predictions",
                    "of which the right token's logit is exactly another's and none is larger: "
                    "counted as failures"),
    CLH_FIELD_COUNT("rounded", "predictions",
                    "that are right in real numbers and not in this library's forward pass, or the "
                    "other way round: counted as failures"),
    {"margin_min", "logits", "smallest margin of all", MARGIN, 4, .flags = CLH_HEADLINE},
    OF_CLASS("sorted", "letters in order"),
    OF_CLASS("unsorted", "different letters out of order"),
    OF_CLASS("pair", "one letter twice,"),
    OF_CLASS("two_pairs", "two letters twice,"),
    OF_CLASS("triple", "one letter three times,"),
    OF_CLASS("same", "one letter in every slot,"),
    OF_CLASS("other", "other inputs"),
    MARGIN_OF_CLASS("sorted", "letters in order"),
    MARGIN_OF_CLASS("unsorted", "different letters out of order"),
    MARGIN_OF_CLASS("pair", "one letter twice"),
    MARGIN_OF_CLASS("two_pairs", "two letters twice"),
    MARGIN_OF_CLASS("triple", "one letter three times"),
    MARGIN_OF_CLASS("same", "one letter in every slot"),
    MARGIN_OF_CLASS("other", "other inputs"),
    {"by_bounds", "predictions", "decided by a bound that holds for several inputs at once",
     .flags = CLH_DETAIL},
    {"one_by_one", "predictions",
     "whose margin was computed, in double precision: bounds left them open, or a smallest margin "
     "was looked for",
     .flags = CLH_DETAIL},
    {"by_enclosure", "predictions",
     "of which double precision could not tell what the real function says, and interval arithmetic with more digits could",
     .flags = CLH_DETAIL},
    {"by_forward", "predictions", "decided by this library's forward pass", .flags = CLH_DETAIL},
    {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("every_input", "Does the model write the right tokens on every input?",
                      "yes when no prediction of any input fails"),
    CLH_FIELD_VERDICT("proved", "What is decided?",
                      "both claims by bounds with their errors; the forward pass alone otherwise"),
    {0}};
static const clh_field class_columns[] = {
    CLH_FIELD_COUNT("inputs", "inputs", "of this class in the domain"),
    CLH_FIELD_COUNT("failures", "inputs", "of which a prediction is not right"),
    {"share", "share", "of these inputs, those that fail", .decimals = 6, .flags = CLH_SHARE,
     .panel = "inputs that fail"},
    CLH_FIELD_COUNT("tokens", "predictions", "that are not right"),
    {"margin", "logits", "smallest", MARGIN, 4, .panel = "smallest margin"},
    CLH_FIELD_TEXT("input", "that has it: its letters, or its rank", 0),
    CLH_FIELD_COUNT("position", "position", "of the predicted token there"),
    {0}};
static const clh_field position_columns[] = {{"failures", "predictions",
                                              "of the token at this position that are not right",
                                              .panel = "predictions that fail"},
                                             CLH_FIELD_TEXT("label", "what stands there", 0),
                                             {0}};
static const clh_field example_columns[] = {
    CLH_FIELD_TEXT("input", "its letters, or its rank in the domain", 0),
    CLH_FIELD_COUNT("position", "position", "of the prediction with the smallest margin"),
    CLH_FIELD_TEXT("expected", "the right token there", 0),
    CLH_FIELD_TEXT("predicted", "what the model says", 0),
    {"margin", "logits", "there, in this library's forward pass", MARGIN, .decimals = 4},
    CLH_FIELD_COUNT("mistakes", "predictions", "of this input that are not right"),
    {0}};
static const clh_field bin_columns[] = {
    CLH_FIELD_COUNT("predictions", "predictions",
                    "whose margin lies between this one and the next row's"),
    {0}};
static const clh_field depth_columns[] = {
    CLH_FIELD_COUNT("predictions", "predictions", "decided so"),
    {"share", "share", "of all predictions of the domain", .decimals = 6, .flags = CLH_SHARE,
     .panel = "predictions decided"},
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "classes", "every class of inputs", .keys = "class", .draw = "rows",
     .fields = class_columns},
    {CLH_PART_TABLE, "counterexamples", "inputs that fail, the first of the domain, worst first",
     .keys = "#index", .flags = CLH_OWN_FILE, .fields = example_columns},
    {CLH_PART_TABLE, "positions", "where predictions fail", .keys = "#position", .draw = "rows",
     .flags = CLH_DETAIL, .fields = position_columns},
    {CLH_PART_TABLE, "decided", "how predictions were decided", .keys = "by", .draw = "rows",
     .flags = CLH_DETAIL, .fields = depth_columns},
    {CLH_PART_TABLE, "margins", "predictions by their margin, in logits", .keys = "#margin",
     .draw = "curve", .flags = CLH_DETAIL, .fields = bin_columns},
    {CLH_PART_ARRAY, "proof", "what was decided by which bound: examples/check_proof.py checks it",
     .flags = CLH_DETAIL | CLH_OWN_FILE},
    {0}};

static void put_classes(clh_result *out, const clh_certificate *c, const clh_task *task)
{
    char name[48];
    for (clh_certify_class k = 0; k <= CLH_CLASS_OTHER; k++) {
        const clh_certify_row *row = &c->classes[k];
        if (row->inputs == 0)
            continue;
        clh_result_row(out, "classes", clh_certify_class_name(k));
        clh_row_label(out, clh_certify_class_text(k), NULL);
        clh_row_put_numbers(out, {"inputs", (double)row->inputs},
                            {"failures", (double)row->failures},
                            {"share", (double)row->failures / (double)row->inputs},
                            {"tokens", (double)row->tokens});
        (void)snprintf(name, sizeof name, "failures.%s", clh_certify_class_name(k));
        clh_result_put_number(out, name, (double)row->failures);
        if (isnan(row->margin))
            continue;
        clh_row_put_numbers(out, {"margin", row->margin},
                            {"position", (double)row->margin_position});
        clh_certified_input(out, c, task, &row->margin_input);
        (void)snprintf(name, sizeof name, "margin_min.%s", clh_certify_class_name(k));
        clh_result_put_number(out, name, row->margin);
    }
}

static void put_examples(clh_result *out, const clh_certificate *c, const clh_task *task)
{
    char key[24], symbol[16];
    for (size_t i = 0; i < c->counterexample_count; i++) {
        const clh_counterexample *one = &c->counterexamples[i];
        clh_result_row(out, "counterexamples", clh_key_text(key, i));
        clh_certified_input(out, c, task, one);
        clh_row_put_numbers(out, {"position", (double)one->position}, {"margin", one->margin},
                            {"mistakes", (double)one->mistakes});
        clh_task_symbol(task, one->expected, symbol);
        clh_row_text(out, "expected", symbol);
        clh_task_symbol(task, one->predicted, symbol);
        clh_row_text(out, "predicted", symbol);
    }
}

/* From the first bin with a prediction to the last. */
static void put_margins(clh_result *out, const clh_certificate *c)
{
    char key[24];
    size_t begin = 0, end = CLH_MARGIN_BINS;
    while (begin < end && !c->histogram[begin])
        begin++;
    while (end > begin && !c->histogram[end - 1])
        end--;
    for (size_t b = begin; b < end; b++) {
        (void)clh_snprintf(key, sizeof key, "%.2f", clh_margin_edge(b));
        clh_result_row(out, "margins", key);
        clh_row_put_number(out, "predictions", (double)c->histogram[b]);
    }
}

/* Of margins more are computed than had to be decided so: what bounds left is the rest. */
static void put_decided(clh_result *out, const clh_certificate *c, uint64_t bounds)
{
    const double all = c->by_bounds ? (double)c->all.inputs * (double)(c->length - c->first_scored)
                                    : (double)c->forward;
    char name[48];
    for (size_t s = 0; s <= c->n && c->by_bounds; s++) {
        (void)snprintf(name, sizeof name, "bound, %zu slots free", s);
        clh_result_row(out, "decided", name);
        clh_row_put_numbers(out, {"predictions", (double)c->by_depth[s]},
                            {"share", (double)c->by_depth[s] / all});
    }
    clh_result_row(out, "decided", "one by one");
    clh_row_put_numbers(out, {"predictions", all - (double)bounds},
                        {"share", (all - (double)bounds) / all});
}

static void put(clh_result *out, const clh_certificate *c, const clh_task *task)
{
    char key[24], label[48], by[160];
    uint64_t bounds = 0;
    for (size_t s = 0; s <= CLH_CERTIFY_LETTERS; s++)
        bounds += c->by_depth[s];
    clh_result_put_numbers(
        out, {"inputs", (double)c->all.inputs}, {"failures", (double)c->all.failures},
        {"failures.tokens", (double)c->all.tokens}, {"undecided", (double)c->undecided},
        {"ties", (double)c->ties}, {"rounded", (double)c->rounded}, {"by_bounds", (double)bounds},
        {"one_by_one", (double)c->exact}, {"by_enclosure", (double)c->enclosed},
        {"by_forward", (double)c->forward});
    if (!isnan(c->all.margin))
        clh_result_put_number(out, "margin_min", c->all.margin);
    put_classes(out, c, task);
    put_decided(out, c, bounds);
    if (c->histogram)
        put_margins(out, c);
    put_examples(out, c, task);
    for (size_t p = c->first_scored; p < c->length; p++) {
        clh_result_row(out, "positions", clh_key_text(key, p));
        clh_task_label(task, c->length, p, label);
        clh_row_put_number(out, "failures", (double)c->failed_at[p]);
        clh_row_text(out, "label", label);
    }
    (void)snprintf(by, sizeof by, "%llu of %llu inputs fail", (unsigned long long)c->all.failures,
                   (unsigned long long)c->all.inputs);
    clh_result_decide(out, "every_input", c->all.failures ? "no" : "yes", by);
    clh_result_decide(out, "proved", c->by_bounds ? "both claims" : "the forward pass",
                      c->by_bounds ? "the real-valued function of these weights, and this "
                                     "library's forward pass in floats"
                                   : "every input was run; real numbers were not asked");
    if (c->all.failures)
        clh_result_no(out);
}

/* Of bounds there is a proof, of forward passes none. */
static bool may_prove(const clh_certify_options *o, const clh_model *model)
{
    return o->way != CLH_CERTIFY_FORWARD && o->domain != CLH_DOMAIN_TASK &&
           !clh_tables_objection(model);
}

static clh_status ask_certify(clh_result *out, clh_subject *s, const void *settings,
                              const clh_how *how, clh_error *err)
{
    const certify_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    clh_certificate certificate = {0};
    clh_certify_options options = {.domain = (clh_domain_kind)set->domain,
                                   .way = (clh_certify_way)set->way,
                                   .margins = set->margins,
                                   .histogram = set->histogram,
                                   .counterexamples = set->count,
                                   .keep = *set->keep ? set->keep : NULL,
                                   .keep_seconds = set->keep_seconds};
    clh_status status = CLH_OK;
    if (options.domain == CLH_DOMAIN_TASK)
        status = clh_certify_domain(&options.domain, task, err);
    options.proof = clh_result_wants(out, "proof");
    if (!status && options.proof && !may_prove(&options, clh_subject_model(s)))
        status = clh_fail(err, CLH_EUSAGE,
                          "certify has no proof of this model as it was asked, want another part");
    if (!status)
        status = clh_certify(&certificate, clh_subject_model(s), task, &options, how, err);
    if (!status)
        put(out, &certificate, task);
    if (!status)
        status =
            clh_certified_proof(out, &certificate, clh_subject_model(s), task, &options, how, err);
    clh_certificate_deinit(&certificate);
    return status;
}

const clh_question clh_question_certify = {
    .name = "certify",
    .summary = "on which inputs of a whole domain the model is right",
    .description =
        "Decides every scored prediction of every input of a domain: whether the right token has the "
        "largest logit, (1) in the real-valued function that the weights define and (2) in this "
        "library's forward pass. An input fails where either does not hold. Exit status 1 when an "
        "input fails.\n\n"
        "Models of one layer, one head and attention only are decided by bounds over many inputs at "
        "once, with rigorous errors (docs/mathematics.md, \"Certificate\"). Other models, and other "
        "tasks whose domain is counted, are decided by a forward pass of every input: claim (2).",
    .examples =
        "clearhead certify runs/notebook # every set of letters\n"
        "clearhead certify runs/notebook --domain tuples --threads 2 # any letters, 14.8 million\n"
        "clearhead certify runs/notebook --count 1000 --counterexamples wrong.csv # a file\n"
        "clearhead certify runs/three --histogram --part margins --figure margins.pdf # how far from wrong\n"
        "clearhead certify runs/notebook --proof proof.npz # for examples/check_proof.py\n"
        "clearhead certify runs/notebook --checkpoints # over training\n"
        "clearhead certify runs/notebook --seeds 8 # is it so for other seeds?",
    CLH_SETTINGS(keys, certify_settings),
    .needs = CLH_NEEDS_TASK,
    .schema = schema,
    .over = "failures, failures.tokens, margin_min",
    .ask = ask_certify};
