/* certify: on which inputs of a whole domain the model writes the right tokens. */
#include <stdio.h>

#include "ask/questions/questions.h"
#include "ask/shared/certified_more.h"
#include "base/platform/decimal.h"
#include "prove/tables/tables.h"

typedef struct certify_settings {
    unsigned domain, way;
    bool margins, histogram;
    size_t count;
    char keep[CLH_PATH_MAX];
    double keep_seconds;
    bool decompile;
    char repair[CLH_PATH_MAX];
    size_t sequences;
} certify_settings;

static const clh_key keys[] = {
    CLH_ROW(certify_settings, domain, CHOICE, "own", CLH_DOMAIN_CHOICES, CLH_DOMAIN_TEXT),
    CLH_CERTIFIED_WAY_KEY(certify_settings),
    CLH_ROW(certify_settings, margins, BOOL, "true", NULL,
            "find the smallest margin of each class too"),
    CLH_ROW(
        certify_settings, histogram, BOOL, "false", NULL,
        "compute the margin of every prediction, and count them by it: seconds of n = 4, minutes with "
        "tuples"),
    CLH_CERTIFIED_COUNT_KEY(certify_settings),
    CLH_ROW_AUTO(certify_settings, keep, TEXT, NULL, "STATE",
                 "go on from this file where it is there, and write it when stopped and every "
                 "--keep-seconds; removed at the end"),
    CLH_ROW(certify_settings, keep_seconds, REAL, "10", "[0.001, 86400]",
            "how often that file is written"),
    CLH_ROW(certify_settings, decompile, BOOL, "false", NULL,
            "say of its program too what decompile says: which it is, its rules and sources"),
    CLH_ROW_AUTO(
        certify_settings, repair, TEXT, "not repaired", "NAME|PROGRAM",
        "repair it too, in a way that --by of repair takes, auto for one; failures of each class "
        "before and after, over this domain"),
    CLH_ROW(certify_settings, sequences, SIZE, "500", "[0, 1000000]",
            "how many held-out sequences the losses of --repair are of; 0: no losses"),
};

/* Each class by its name and place, in words, and in words where a verb follows. */
#define CLASSES(ROW)                                                                               \
    ROW("sorted", SORTED, "letters in order", ""),                                                 \
        ROW("unsorted", UNSORTED, "different letters out of order", ""),                           \
        ROW("pair", PAIR, "one letter twice", ","),                                                \
        ROW("two_pairs", TWO_PAIRS, "two letters twice", ","),                                     \
        ROW("triple", TRIPLE, "one letter three times", ","),                                      \
        ROW("same", SAME, "one letter in every slot", ","),                                        \
        ROW("other", OTHER, "other inputs", "")
#define FAILURES(class, place, what, comma)                                                        \
    CLH_FIELD("failures." class, "inputs", what comma " of which a prediction is not right",       \
              .flags = CLH_DETAIL)
#define LEAST(class, place, what, comma)                                                           \
    CLH_FIELD("margin_min." class, "logits", "smallest margin of " what, MARGIN, 4,                \
              .flags = CLH_DETAIL, AT(classes[CLH_CLASS_##place].margin))
#define AT(member) CLH_FROM(clh_certificate, member)
#define MARGIN "least over predictions of logit(right token) - largest other logit"

static const clh_field numbers[] = {
    {"inputs", "inputs", "of the domain, each with all its scored predictions decided",
     .flags = CLH_HEADLINE, AT(all.inputs)},
    {"failures", "inputs", "of which a prediction is not right", .flags = CLH_HEADLINE,
     AT(all.failures)},
    {"failures.tokens", "predictions", "that are not right", .flags = CLH_HEADLINE, AT(all.tokens)},
    CLH_FIELD_COUNT(
        "undecided", "predictions",
        "of which neither double precision nor interval arithmetic can tell which token "
        "has the largest logit: counted as failures",
        AT(undecided)),
    CLH_FIELD_COUNT("ties", "predictions",
                    "of which the right token's logit is exactly another's and none is larger: "
                    "counted as failures",
                    AT(ties)),
    CLH_FIELD_COUNT("rounded", "predictions",
                    "that are right in real numbers and not in this library's forward pass, or the "
                    "other way round: counted as failures",
                    AT(rounded)),
    {"margin_min", "logits", "smallest margin of all", MARGIN, 4, .flags = CLH_HEADLINE,
     AT(all.margin)},
    CLASSES(FAILURES),
    CLASSES(LEAST),
    {"by_bounds", "predictions", "decided by a bound that holds for several inputs at once",
     .flags = CLH_DETAIL},
    {"one_by_one", "predictions",
     "whose margin was computed, in double precision: bounds left them open, or a smallest margin "
     "was looked for",
     .flags = CLH_DETAIL, AT(exact)},
    {"by_enclosure", "predictions",
     "of which double precision could not tell what the real function says, and interval arithmetic with more digits could",
     .flags = CLH_DETAIL, AT(enclosed)},
    {"by_forward", "predictions", "decided by this library's forward pass", .flags = CLH_DETAIL,
     AT(forward)},
    {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("every_input", "Does the model write the right tokens on every input?",
                      "yes when no prediction of any input fails"),
    CLH_FIELD_VERDICT("proved", "What is decided?",
                      "both claims by bounds with their errors; the forward pass alone otherwise"),
    {0}};
#define OF(member) CLH_FROM(clh_shown_class, member)
static const clh_field class_columns[] = {
    CLH_FIELD_COUNT("inputs", "inputs", "of this class in the domain", OF(inputs)),
    CLH_FIELD_COUNT("failures", "inputs", "of which a prediction is not right", OF(failures)),
    {"share", "share", "of these inputs, those that fail", .decimals = 6, .flags = CLH_SHARE,
     .panel = "inputs that fail", OF(share)},
    CLH_FIELD_COUNT("tokens", "predictions", "that are not right", OF(tokens)),
    {"margin", "logits", "smallest", MARGIN, 4, .panel = "smallest margin", OF(margin)},
    CLH_FIELD_TEXT("input", "that has it: its letters, or its rank", 0, OF(input)),
    CLH_FIELD_COUNT("position", "position", "of the predicted token there", OF(position)),
    {0}};
#undef OF
static const clh_field position_columns[] = {{"failures", "predictions",
                                              "of the token at this position that are not right",
                                              .panel = "predictions that fail"},
                                             CLH_FIELD_TEXT("label", "what stands there", 0),
                                             {0}};
#define OF(member) CLH_FROM(clh_shown_input, member)
static const clh_field example_columns[] = {
    CLH_FIELD_TEXT("input", "its letters, or its rank in the domain", 0, OF(input)),
    CLH_FIELD_COUNT("position", "position", "of the prediction with the smallest margin",
                    OF(position)),
    CLH_FIELD_TEXT("expected", "the right token there", 0, OF(expected)),
    CLH_FIELD_TEXT("predicted", "what the model says", 0, OF(predicted)),
    {"margin", "logits", "there, in this library's forward pass", MARGIN, 4, OF(margin)},
    CLH_FIELD_COUNT("mistakes", "predictions", "of this input that are not right", OF(mistakes)),
    {0}};
static const clh_field bin_columns[] = {
    CLH_FIELD_COUNT("predictions", "predictions",
                    "whose margin lies between this one and the next row's"),
    {0}};
static const clh_field depth_columns[] = {
    CLH_FIELD_COUNT("predictions", "predictions", "decided so",
                    CLH_FROM(clh_shown_decided, predictions)),
    {"share", "share", "of all predictions of the domain", .decimals = 6, .flags = CLH_SHARE,
     .panel = "predictions decided", CLH_FROM(clh_shown_decided, share)},
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
    CLH_CERTIFIED_MORE,
    {0}};

/* How predictions were decided, by how far they are from wrong, and where they fail. */
static void put_tables(clh_result *out, const clh_certificate *c, const clh_task *task)
{
    char key[24], label[48];
    size_t begin, end;
    clh_shown_decided decided[CLH_SHOWN_DECIDED];
    const size_t ways = clh_shown_decided_of(decided, c);
    for (size_t i = 0; i < ways; i++) {
        clh_result_row(out, "decided", decided[i].by);
        clh_row_read(out, &decided[i]);
    }
    clh_shown_bins(&begin, &end, c);
    for (size_t b = begin; b < end; b++) {
        (void)clh_snprintf(key, sizeof key, "%.2f", clh_margin_edge(b));
        clh_result_row(out, "margins", key);
        clh_row_put_number(out, "predictions", (double)c->histogram[b]);
    }
    for (size_t p = c->first_scored; p < c->length; p++) {
        clh_result_row(out, "positions", clh_key_text(key, p));
        clh_task_label(task, c->length, p, label);
        clh_row_put_number(out, "failures", (double)c->failed_at[p]);
        clh_row_text(out, "label", label);
    }
}

static void put(clh_result *out, const clh_certificate *c, const clh_task *task, size_t count)
{
    char name[48], by[160];
    clh_result_read(out, "numbers", c);
    clh_result_put_number(out, "by_bounds", (double)clh_shown_bounds(c));
    for (clh_certify_class k = 0; k <= CLH_CLASS_OTHER; k++)
        if (c->classes[k].inputs > 0) {
            (void)snprintf(name, sizeof name, "failures.%s", clh_certify_class_name(k));
            clh_result_put_number(out, name, (double)c->classes[k].failures);
        }
    clh_certified_classes(out, c, task);
    clh_certified_examples(out, c, task, count);
    put_tables(out, c, task);
    (void)snprintf(by, sizeof by, "%llu of %llu inputs fail", (unsigned long long)c->all.failures,
                   (unsigned long long)c->all.inputs);
    clh_result_decide(out, "every_input", c->all.failures ? "no" : "yes", by);
    clh_certified_proved(out, c);
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
    clh_certify_options options = {.way = (clh_certify_way)set->way,
                                   .margins = set->margins,
                                   .histogram = set->histogram,
                                   .counterexamples = clh_certified_count(out, set->count),
                                   .keep = *set->keep ? set->keep : NULL,
                                   .keep_seconds = set->keep_seconds};
    clh_status status = clh_certified_domain(&options.domain, set->domain, task, err);
    const bool may = may_prove(&options, clh_subject_model(s));
    options.proof = may && clh_result_reads(out, "proof");
    if (!status && !may && clh_result_wants(out, "proof"))
        status = clh_fail(err, CLH_EUSAGE,
                          "certify has no proof of this model as it was asked, want another part");
    if (!status)
        status = clh_certify(&certificate, clh_subject_model(s), task, &options, how, err);
    if (!status)
        put(out, &certificate, task, set->count);
    if (!status)
        status =
            clh_certified_proof(out, &certificate, clh_subject_model(s), task, &options, how, err);
    if (!status)
        status = clh_certified_decompile(out, s, set->decompile, how, err);
    if (!status)
        status = clh_certified_repair(out, s, set->repair, set->sequences, options.domain,
                                      &certificate, how, err);
    clh_certificate_deinit(&certificate);
    return status;
}

/* That the subject can be decompiled and repaired, as far as it is asked: what those questions say. */
static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const certify_settings *set = settings;
    const clh_repair_asked ask = {
        .model = clh_subject_model(s), .task = clh_subject_task(s), .by = set->repair};
    clh_status status = set->decompile ? clh_needs_check(&clh_question_decompile, s, err) : CLH_OK;
    if (!status && *set->repair)
        status = clh_needs_check(&clh_question_repair, s, err);
    return status || !*set->repair ? status : clh_repair_asked_check(&ask, err);
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
        "clearhead certify runs/notebook --counterexamples wrong.csv # all of them, the worst first\n"
        "clearhead certify runs/three --histogram --part margins --figure margins.pdf # how far from wrong\n"
        "clearhead certify runs/notebook --proof proof.npz # for examples/check_proof.py\n"
        "clearhead certify runs/notebook --checkpoints # over training\n"
        "clearhead certify runs/notebook --seeds 8 # is it so for other seeds?\n"
        "clearhead certify runs/notebook --decompile --repair auto --seeds 64 # a population",
    CLH_SETTINGS(keys, certify_settings),
    .needs = CLH_NEEDS_TASK,
    .schema = schema,
    .over = "failures, failures.tokens, margin_min, rules, sources, explained, repair.failures, "
            "repair.margin_min, repair.loss_before, repair.loss, repaired.sorted.before, "
            "repaired.sorted.after, repaired.unsorted.before, repaired.unsorted.after, "
            "repaired.pair.before, repaired.pair.after, repaired.two_pairs.before, "
            "repaired.two_pairs.after, repaired.triple.before, repaired.triple.after, "
            "repaired.same.before, repaired.same.after",
    .ask = ask_certify,
    .check = check,
    .goes_on = "keep"};
