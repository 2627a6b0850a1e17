/* causal: which part of a model does what, by some twenty interventions, on held-out sequences and on
 * inputs unlike them. */
#include "ask/ratios.h"
#include "base/stop.h"
#include "clearhead/causal.h"
#include "clearhead/variant.h"

typedef struct causal_settings {
    size_t count, others;
} causal_settings;

static const clh_key keys[] = {
    CLH_ROW_COUNT(causal_settings, "2000", "[2, 1000000]"),
    CLH_ROW(causal_settings, others, SIZE, "500", "[0, 1000000]",
            "how many sequences of each other kind of input; 0: none"),
};

static const char recovered_is[] =
    "(L_reference - L) / (L_reference - L_none); Chan et al. 2022, Causal Scrubbing";

static const clh_field columns[] = {CLH_RATIO_FIELDS(clh_causal_row, ratio),
                                    {"recovered", "share", "of the loss, 1 when nothing is lost",
                                     recovered_is, 5, CLH_BAND_BOOTSTRAP, CLH_HEADLINE,
                                     "loss recovered", CLH_FROM(clh_causal_row, recovered)},
                                    {0}};
static const clh_field input_columns[] = {
    CLH_RATIO_FIELDS(clh_causal_row, ratio),
    {"recovered", "share", "of the loss, 1 when nothing is lost", recovered_is, 5,
     CLH_BAND_BOOTSTRAP, CLH_HEADLINE, "loss recovered", CLH_FROM(clh_causal_row, recovered)},
    CLH_FIELD_SEQUENCES,
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "interventions",
     "the model with one thing inside it changed, on held-out sequences; the last is the reference",
     .keys = "intervention", .draw = "rows", .fields = columns},
    {CLH_PART_TABLE, "inputs", "the same on other kinds of input", .keys = "input,intervention",
     .flags = CLH_DETAIL, .fields = input_columns},
    {0}};

/* What stands above the first of each group. */
static const char *heading_of(clh_intervention i)
{
    static const char *const heading[CLH_INTERVENTIONS] = {
        [CLH_CAUSAL_Q_TOKEN_MEAN] = "what queries, keys and values know",
        [CLH_CAUSAL_PATTERN_OTHER] = "the pattern",
        [CLH_CAUSAL_ONLY_ANSWER] = "the sources",
        [CLH_CAUSAL_ATTN_ZERO] = "what reaches the logits"};
    return heading[i];
}

typedef struct suite {
    clh_result *out;
    const clh_subject *subject;
    const clh_causal *causal;
    const clh_how *how;
    size_t done,
        count; /* sequences, of all samples; a sample that means are taken of counts twice */
} suite;

/* Every intervention on one sample; `input` NULL: held-out sequences. */
static clh_status measure(suite *u, const clh_sample *sample, const char *input, clh_error *err)
{
    clh_watch_part part, rest;
    const clh_watch *watch =
        clh_watch_part_of(&part, u->how->watch, u->done, sample->count, u->count);
    clh_causal_result result = {0};
    clh_causal_row row[CLH_INTERVENTIONS];
    clh_status status =
        clh_causal_run(&result, u->causal, sample, &(clh_how){u->how->threads, watch}, err);
    u->done += sample->count;
    if (!status)
        status = clh_causal_rows(
            row, &result, CLH_ASK_ROUNDS, CLH_ASK_LEVEL, clh_subject_seed(u->subject),
            clh_watch_part_of(&rest, u->how->watch, u->done, 0, u->count), err);
    for (clh_intervention i = 0; i < CLH_INTERVENTIONS && !status; i++) {
        if (input)
            clh_result_row(u->out, "inputs", input, clh_intervention_name(i));
        else
            clh_result_row(u->out, "interventions", clh_intervention_name(i));
        clh_row_label(u->out, clh_intervention_text(i), input ? NULL : heading_of(i));
        if (result.left_out[i])
            clh_row_absent(u->out, result.why[i]);
        else
            clh_row_read(u->out, &row[i]);
        if (input && i == CLH_CAUSAL_NONE)
            clh_ask_put_sequences(u->out, input, sample);
    }
    clh_causal_result_deinit(&result);
    return status;
}

static clh_status measure_other(suite *u, clh_variant variant, size_t count, clh_error *err)
{
    const clh_task *task = clh_subject_task(u->subject);
    clh_sample sample = {0};
    clh_error why = {0};
    if (clh_variant_check(task, variant, &why)) {
        clh_result_row(u->out, "inputs", clh_variant_name(task, variant), "");
        clh_row_label(u->out, clh_variant_text(task, variant), NULL);
        clh_row_absent(u->out, why.message);
        return CLH_OK;
    }
    const size_t done = u->done + count;
    clh_status status = clh_variant_draw(&sample, variant, task, count, 0, err);
    if (!status)
        status = measure(u, &sample, clh_variant_name(task, variant), err);
    u->done = done; /* copies too */
    clh_sample_deinit(&sample);
    return status;
}

static clh_status ask_causal(clh_result *out, clh_subject *s, const void *settings,
                             const clh_how *how, clh_error *err)
{
    const causal_settings *set = settings;
    const clh_sample *sample = NULL;
    clh_causal *causal = NULL;
    const size_t variants = clh_variant_count(clh_subject_task(s));
    clh_watch_part part;
    clh_status status = clh_ask_sample(&sample, out, s, set->count, err);
    if (!status)
        status = clh_ask_two(sample, "causal", err);
    const size_t n = status ? 0 : sample->count;
    const size_t all = 2 * n + (variants - 1) * set->others;
    if (!status)
        status = clh_causal_open(
            &causal, clh_subject_model(s), sample, clh_subject_seed(s),
            &(clh_how){how->threads, clh_watch_part_of(&part, how->watch, 0, n, all)}, err);
    suite u = {out, s, causal, how, n, all};
    if (!status)
        status = measure(&u, sample, NULL, err);
    for (size_t v = CLH_VARIANT_NONE + 1; v < variants && set->others > 0 && !status; v++)
        status = measure_other(&u, (clh_variant)v, set->others, err);
    clh_result_note(out,
                    "Means, and the other sequence (one for each, drawn with replacement), are "
                    "those of the held-out sequences, also where other inputs are measured.");
    clh_causal_close(causal);
    return status;
}

/* The sequences that means and others come from are the first held-out ones, as in ask_causal(). */
static clh_status edits_text(char **out, const clh_subject *s, const void *settings, clh_error *err)
{
    const causal_settings *set = settings;
    const clh_edits_base base = {
        .split = CLH_SPLIT_TEST, .count = set->count, .seed = clh_subject_seed(s), .seeded = true};
    return clh_causal_edits_text(out, &base, err);
}

static const clh_question_file as = {
    "edits", "print the interventions as a file for edit --edits instead; measures nothing",
    edits_text};

const clh_question clh_question_causal = {
    .name = "causal",
    .summary = "which part does what, by interventions",
    .description =
        "Measures the model with one thing inside it changed, some twenty times: queries, keys or "
        "values that know only position or only token; patterns taken from another sequence, "
        "averaged, one-hot, even; attention only on, or without, certain sources; attention's "
        "output or the direct path removed. Each with loss, accuracies and the loss recovered, "
        "with 95 % bootstrap intervals over one set of resamples, on held-out sequences and, with "
        "--full, on inputs unlike those the model was trained on.",
    .examples = "clearhead causal runs/notebook # every intervention\n"
                "clearhead causal runs/notebook --figure causal.png # side by side\n"
                "clearhead causal runs/notebook --as-edits > edits.json # to change and run again\n"
                "clearhead causal runs/notebook --seeds 8 --others 0 # is it so for other seeds?",
    CLH_SETTINGS(keys, causal_settings),
    .needs = CLH_NEEDS_HELD_OUT | CLH_NEEDS_ATTENTION,
    .schema = schema,
    .over = "none.loss, qk_token_mean.loss, v_position_mean.loss, pattern_mean.loss",
    .ask = ask_causal,
    .as = &as};
