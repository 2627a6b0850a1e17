/* repair: a model whose attention depends on positions alone, proved before and after. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ask/ratios.h"
#include "clearhead/certify.h"
#include "clearhead/measure.h"
#include "clearhead/repair.h"

typedef struct repair_settings {
    char by[CLH_PATH_MAX];
    unsigned domain;
    double sharpen;
    size_t rounds, count;
} repair_settings;

static const clh_key keys[] = {
    CLH_ROW(
        repair_settings, by, TEXT, "auto", "NAME|PROGRAM",
        "keys: W_K and b_K are refitted, so that a key is its position's mean over letters; queries: "
        "W_Q and b_Q likewise; both; auto: whichever of these leaves no failure, tried in turn. Or all "
        "four, so that attention is the model's own mean pattern (pattern), all on its strongest "
        "source (one-hot), what the model's program reads (program), or what that of a file "
        "does (docs/formats.md)"),
    CLH_ROW_AUTO(repair_settings, rounds, SIZE, "tries 1, then 2", "[1, 100]",
                 "how often in a row, each time for the means of the time before"),
    CLH_ROW_AUTO(repair_settings, sharpen, REAL, "tries 2, then 1", "[0.01, 1000]",
                 "what all attention scores are multiplied by; 1: nothing"),
    CLH_ROW(
        repair_settings, domain, CHOICE, "tuples", "sorted|ordered|tuples",
        "which inputs decide: different letters in the order of the vocabulary, in any order, any "
        "letters"),
    CLH_ROW_COUNT(repair_settings, "500", "[2, 1000000]"),
};

#define DISTANCE "root mean square over positions and letters of |k - mean over letters of k|"
#define PATTERN                                                                                         \
    "half the sum over keys of |attention - wanted|, of attention's mean over all choices of letters; " \
    "mean over queries of scored predictions"
static const clh_field numbers[] = {
    CLH_FIELD_TEXT("by", "what was refitted", CLH_HEADLINE),
    {"rounds", NULL, "how often in a row", .decimals = 0, .flags = CLH_HEADLINE},
    {"sharpen", NULL, "what all attention scores were multiplied by", .decimals = 2,
     .flags = CLH_HEADLINE},
    {"inputs", "inputs", "of the domain", .flags = CLH_HEADLINE},
    {"failures_before", "inputs", "of which a prediction is not right", .flags = CLH_HEADLINE},
    {"failures", "inputs", "of which the repaired model gets a prediction wrong",
     .flags = CLH_HEADLINE},
    {"loss_before", "nats", "mean -log p(token) on the held-out sample", .decimals = 6,
     .flags = CLH_HEADLINE},
    {"loss", "nats", "the same of the repaired model", .decimals = 6, .flags = CLH_HEADLINE},
    {"margin_min", "logits", "smallest margin of the repaired model",
     "least over predictions of logit(right token) - largest other logit", 4,
     .flags = CLH_HEADLINE},
    {"keys_before", NULL, "how far keys are from the mean of their position", DISTANCE,
     .decimals = 4},
    {"keys", NULL, "the same once refitted, before they are sharpened", DISTANCE, .decimals = 4},
    {"queries_before", NULL, "how far queries are from the mean of their position", DISTANCE,
     .decimals = 4},
    {"queries", NULL, "the same once refitted", DISTANCE, .decimals = 4},
    CLH_FIELD("pattern_before", "share", "how far attention is from the pattern wanted", PATTERN, 4,
              .flags = CLH_HEADLINE),
    CLH_FIELD("pattern", "share", "the same of the repaired model", PATTERN, 4,
              .flags = CLH_HEADLINE),
    CLH_FIELD("pattern_most", "share", "the largest of any query, repaired", PATTERN, 4,
              .flags = CLH_HEADLINE),
    {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT("repaired", "Does the repaired model write the right tokens on every input?",
                      "yes when no prediction of any input fails; certify says what that means"),
    {0}};
static const clh_field columns[] = {
    {"inputs", "inputs", "of this class in the domain", .decimals = 0},
    {"before", "inputs", "of which a prediction is not right", .decimals = 0, .panel = "failures"},
    {"after", "inputs", "of which the repaired model gets one wrong", .decimals = 0,
     .panel = "failures"},
    {"margin", "logits", "smallest of the repaired model", .decimals = 4, .flags = CLH_DETAIL},
    {0}};
static const clh_schema schema[] = {{CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
                                    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "classes", "every class of inputs",
                                     .keys = "class", .draw = "rows", .fields = columns},
                                    {0}};

static const char *const names[] = {"auto",    "keys",    "queries", "both",
                                    "pattern", "one-hot", "program"};

/* A name, or the path of a program, which the caller closes. */
static clh_status options_of(clh_repair_options *out, clh_program **program,
                             const repair_settings *set, const clh_task *task, clh_error *err)
{
    bool file = false;
    *out = (clh_repair_options){.rounds = set->rounds == CLH_UNSET ? 0 : (unsigned)set->rounds,
                                .sharpen = isnan(set->sharpen) ? 0 : set->sharpen};
    for (unsigned by = 0; by < CLH_COUNT(names); by++)
        if (strcmp(set->by, names[by]) == 0) {
            out->by = by;
            return CLH_OK;
        }
    clh_status status = clh_program_is_file(&file, set->by, err);
    if (!status && !file)
        return clh_fail(
            err, CLH_EUSAGE,
            "by is %s, want auto, keys, queries, both, pattern, one-hot, program, or the "
            "file of a program",
            set->by);
    if (!status)
        status = clh_program_read(program, set->by, task, err);
    out->by = CLH_REPAIR_PROGRAM;
    out->program = *program;
    return status;
}

static clh_status make(clh_model **out, clh_subject *s, const void *settings, const clh_how *how,
                       clh_error *err)
{
    const repair_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    clh_program *program = NULL;
    clh_repair_options options, found;
    clh_repair_sums sums;
    clh_certificate after = {0};
    clh_status status = options_of(&options, &program, set, task, err);
    if (!status)
        status = clh_repair_find(out, &sums, &found, &after, clh_subject_model(s), task, &options,
                                 (clh_domain_kind)set->domain, how, err);
    clh_certificate_deinit(&after);
    clh_program_close(program);
    return status;
}

static void put(clh_result *out, const clh_certificate *before, const clh_certificate *after,
                const clh_repair_sums *sums, const clh_repair_options *found)
{
    char text[96];
    clh_result_put_number(out, "inputs", (double)after->all.inputs);
    clh_result_put_number(out, "failures_before", (double)before->all.failures);
    clh_result_put_number(out, "failures", (double)after->all.failures);
    clh_result_put_number(out, "margin_min", after->all.margin);
    clh_result_put_text(out, "by",
                        found->program                 ? "a program of a file"
                        : found->by == CLH_REPAIR_BOTH ? "keys and queries"
                                                       : names[found->by]);
    clh_result_put_number(out, "rounds", found->rounds);
    clh_result_put_number(out, "sharpen", found->sharpen);
    if (found->by > CLH_REPAIR_BOTH)
        clh_result_put_numbers(out, {"pattern_before", sums->pattern_before},
                               {"pattern", sums->pattern_after},
                               {"pattern_most", sums->pattern_most});
    const unsigned refitted = found->by > CLH_REPAIR_BOTH ? 0 : found->by;
    if (refitted & CLH_REPAIR_KEYS) {
        clh_result_put_number(out, "keys_before", sums->keys_before);
        clh_result_put_number(out, "keys", sums->keys_after);
    }
    if (refitted & CLH_REPAIR_QUERIES) {
        clh_result_put_number(out, "queries_before", sums->queries_before);
        clh_result_put_number(out, "queries", sums->queries_after);
    }
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        const clh_certify_row *row = &after->classes[c];
        if (row->inputs == 0)
            continue;
        clh_result_row(out, "classes", clh_certify_class_name((clh_certify_class)c));
        clh_row_put_numbers(out, {"inputs", (double)row->inputs},
                            {"before", (double)before->classes[c].failures},
                            {"after", (double)row->failures}, {"margin", row->margin});
    }
    (void)snprintf(text, sizeof text, "%llu of %llu inputs failed, %llu fail",
                   (unsigned long long)before->all.failures, (unsigned long long)after->all.inputs,
                   (unsigned long long)after->all.failures);
    clh_result_decide(out, "repaired", after->all.failures ? "no" : "yes", text);
    if (after->all.failures)
        clh_result_no(out);
}

/* What it costs where the model was trained. */
static clh_status put_loss(clh_result *out, clh_subject *s, const clh_model *repaired, size_t count,
                           const clh_how *how, clh_error *err)
{
    const clh_sample *sample = NULL;
    const clh_measure *plain = NULL;
    clh_measure now = {0};
    clh_status status = clh_ask_sample(&sample, out, s, count, err);
    if (!status)
        status = clh_subject_plain(&plain, s, sample, how, err);
    if (!status)
        status = clh_measure_run(&now, repaired, sample, NULL, how, err);
    if (!status) {
        clh_result_put_number(out, "loss_before", plain->total.loss / (double)plain->total.count);
        clh_result_put_number(out, "loss", now.total.loss / (double)now.total.count);
    }
    clh_measure_deinit(&now);
    return status;
}

static clh_status ask_repair(clh_result *out, clh_subject *s, const void *settings,
                             const clh_how *how, clh_error *err)
{
    const repair_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    clh_program *program = NULL;
    clh_repair_options options;
    const clh_certify_options certify = {.domain = (clh_domain_kind)set->domain,
                                         .way = CLH_CERTIFY_BOUNDS};
    clh_model *repaired = NULL;
    clh_repair_options found;
    clh_repair_sums sums;
    clh_certificate before = {0}, after = {0};
    clh_watch_part part, rest;
    const clh_how first = {how->threads, clh_watch_part_of(&part, how->watch, 0, 1, 2)};
    const clh_how second = {how->threads, clh_watch_part_of(&rest, how->watch, 1, 1, 2)};
    clh_status status = options_of(&options, &program, set, task, err);
    if (!status)
        status = clh_certify(&before, clh_subject_model(s), task, &certify, &first, err);
    if (!status)
        status = clh_repair_find(&repaired, &sums, &found, &after, clh_subject_model(s), task,
                                 &options, certify.domain, &second, err);
    if (!status)
        status = put_loss(out, s, repaired, set->count, how, err);
    if (!status)
        put(out, &before, &after, &sums, &found);
    clh_certificate_deinit(&before);
    clh_certificate_deinit(&after);
    clh_model_close(repaired);
    clh_program_close(program);
    return status;
}

const clh_question clh_question_repair = {
    .name = "repair",
    .summary = "attention by position alone, proved before and after",
    .description =
        "Makes a hypothesis true in the weights: attention depends on positions alone. W_K and b_K (W_Q "
        "and b_Q) are refitted in closed form, by least squares over all positions and letters, so "
        "that a key (a query) is the mean over letters of its position; then scores are multiplied by "
        "--sharpen. Several ways are tried until every input of the domain is right, which "
        "certificates decide. What was taken out is what failures came from, as far as they are gone. "
        "Exit status 1 when an input still fails.\n\n"
        "--out with a path that has no ending writes the repaired model as a run, which every command "
        "takes. For models of one layer and one head, attention only, and tasks of letters.",
    .examples =
        "clearhead repair runs/notebook # proved on 14.8 million inputs\n"
        "clearhead repair runs/notebook --out runs/repaired # and the model as a run\n"
        "clearhead repair runs/notebook --by keys --sharpen 1 # least squares of keys alone\n"
        "clearhead repair runs/notebook --by one-hot # all attention on each position's strongest source\n"
        "clearhead repair runs/notebook --seeds 8 # of how many seeds is every input right?",
    CLH_SETTINGS(keys, repair_settings),
    .needs = CLH_NEEDS_TASK | CLH_NEEDS_ONE_N | CLH_NEEDS_ONE_HEAD | CLH_NEEDS_LETTERS |
             CLH_NEEDS_CAUSAL | CLH_NEEDS_POSITIONS,
    .schema = schema,
    .over = "failures_before, failures, loss_before, loss",
    .ask = ask_repair,
    .make = make};
