/* causal: which part of a model does what, by some twenty interventions, on held-out sequences and on
 * inputs unlike them. */
#include "ask/shared/ratios.h"
#include "lens/causal/causal_inputs.h"

typedef struct causal_settings {
    size_t count, others;
} causal_settings;

static const clh_key keys[] = {
    CLH_ROW_COUNT(causal_settings, "2000", "[2, 1000000]"),
    CLH_ROW(causal_settings, others, SIZE, "500", "[0, 1000000]",
            "how many sequences of each other kind of input; 0: none"),
};

#define COLUMNS                                                                                    \
    CLH_RATIO_FIELDS(clh_causal_row, ratio),                                                       \
    {                                                                                              \
        "recovered", "share", "of the loss, 1 when nothing is lost",                               \
            "(L_reference - L) / (L_reference - L_none); Chan et al. 2022, Causal Scrubbing", 5,   \
            CLH_BAND_BOOTSTRAP, CLH_HEADLINE, "loss recovered",                                    \
            CLH_FROM(clh_causal_row, recovered)                                                    \
    }
static const clh_field columns[] = {COLUMNS, {0}};
static const clh_field input_columns[] = {COLUMNS, CLH_FIELD_SEQUENCES, {0}};
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

/* A row for every intervention on one kind of input. */
static void put(const clh_causal_seen *seen, void *user)
{
    clh_result *out = user;
    if (seen->why) {
        clh_result_row(out, "inputs", seen->input, "");
        clh_row_label(out, seen->text, NULL);
        clh_row_absent(out, seen->why);
        return;
    }
    for (clh_intervention i = 0; i < CLH_INTERVENTIONS; i++) {
        if (seen->input)
            clh_result_row(out, "inputs", seen->input, clh_intervention_name(i));
        else
            clh_result_row(out, "interventions", clh_intervention_name(i));
        clh_row_label(out, clh_intervention_text(i), seen->input ? NULL : heading_of(i));
        if (seen->result->left_out[i])
            clh_row_absent(out, seen->result->why[i]);
        else
            clh_row_read(out, &seen->row[i]);
        if (seen->input && i == CLH_CAUSAL_NONE)
            clh_ask_put_sequences(out, seen->input, seen->sample);
    }
}

static clh_status ask_causal(clh_result *out, clh_subject *s, const void *settings,
                             const clh_how *how, clh_error *err)
{
    const causal_settings *set = settings;
    clh_causal_asked ask = {.model = clh_subject_model(s),
                            .task = clh_subject_task(s),
                            .seed = clh_subject_seed(s),
                            .others = set->others};
    clh_status status = clh_ask_sample(&ask.sample, out, s, set->count, err);
    if (!status)
        status = clh_ask_two(ask.sample, "causal", err);
    if (!status)
        status = clh_causal_inputs(&ask, put, out, how, err);
    clh_result_note(out,
                    "Means, and the other sequence (one for each, drawn with replacement), are "
                    "those of the held-out sequences, also where other inputs are measured.");
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
