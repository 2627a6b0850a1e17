/* scrub: causal scrubbing of the model's own graph under one hypothesis, or under each that comes with
 * the library. */
#include "ask/shared/ratios.h"
#include "base/stop.h"
#include "lens/paths/scrub_find.h"

typedef struct scrub_settings {
    size_t count;
    char hypothesis[CLH_PATH_MAX];
} scrub_settings;

static const clh_key keys[] = {
    CLH_ROW_COUNT(scrub_settings, "500", "[2, 1000000]"),
    CLH_ROW_AUTO(scrub_settings, hypothesis, TEXT, NULL, "NAME|FILE",
                 "only this one: a name of the table, or a JSON file (docs/formats.md)"),
};

typedef struct row {
    clh_interval recovered, of[CLH_RATIOS];
    size_t nodes;
} row;

static const clh_field numbers[] = {
    CLH_FIELD_LOSS("loss_model", "loss of the model as it is: L_model", CLH_HEADLINE),
    CLH_FIELD_LOSS("loss_random", "loss of its answers to other sequences: L_rand", CLH_HEADLINE),
    {0}};
static const clh_field columns[] = {
    {"recovered", "share",
     "of the loss, when all that the hypothesis says is irrelevant is resampled",
     "(L_rand - L_scrub) / (L_rand - L_model); Chan et al. 2022, Causal Scrubbing", 6,
     CLH_BAND_BOOTSTRAP, CLH_HEADLINE, "loss recovered", CLH_FROM(row, recovered)},
    CLH_RATIO_FIELDS(row, of),
    {"nodes", NULL, "heads and MLPs computed for each sequence", .flags = CLH_DETAIL,
     CLH_FROM(row, nodes)},
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "hypotheses", "how much of the loss each recovers", .keys = "hypothesis",
     .draw = "rows", .fields = columns},
    {0},
};

static clh_status try_one(clh_result *out, clh_scrub *scrub, const clh_hypotheses *t, size_t index,
                          const clh_subject *s, size_t count, const clh_watch *watch,
                          clh_error *err)
{
    clh_scrub_result result = {0};
    row r = {0};
    clh_status status =
        clh_scrub_try(scrub, &t->first[index], CLH_ASK_ROUNDS, CLH_ASK_LEVEL, watch, &result, err);
    r.recovered = result.recovered;
    r.nodes = result.nodes;
    if (!status)
        status = clh_ask_intervals(r.of, &result.measure, count, s, watch, err);
    if (!status) {
        clh_result_row(out, "hypotheses", t->first[index].name);
        if (t->preset != SIZE_MAX)
            clh_row_label(out, clh_hypothesis_preset_text(t->preset + index), NULL);
        clh_row_read(out, &r);
    }
    clh_scrub_result_deinit(&result);
    return status;
}

static clh_status ask_scrub(clh_result *out, clh_subject *s, const void *settings,
                            const clh_how *how, clh_error *err)
{
    const scrub_settings *set = settings;
    const clh_sample *sample = NULL;
    clh_scrub *scrub = NULL;
    clh_hypotheses t = {0};
    clh_status status = clh_hypotheses_find(&t, set->hypothesis, err);
    if (!status)
        status = clh_ask_sample(&sample, out, s, set->count, err);
    if (!status)
        status = clh_ask_two(sample, "scrub", err);
    if (!status)
        status =
            clh_scrub_open(&scrub, clh_subject_model(s), sample, clh_subject_seed(s), how, err);
    for (size_t i = 0; i < t.count && !status; i++) {
        clh_watch_part part;
        status = try_one(out, scrub, &t, i, s, sample->count,
                         clh_watch_part_of(&part, how->watch, i, 1, t.count), err);
    }
    if (!status) {
        const clh_tally *plain = &clh_scrub_plain(scrub)->total;
        const clh_tally *random = &clh_scrub_random(scrub)->total;
        clh_result_put_numbers(out, {"loss_model", clh_tally_ratio(plain, CLH_RATIO_LOSS)},
                               {"loss_random", clh_tally_ratio(random, CLH_RATIO_LOSS)});
    }
    clh_scrub_close(scrub);
    return status;
}

const clh_question clh_question_scrub = {
    .name = "scrub",
    .summary = "how much of what a model does a hypothesis accounts for",
    .description =
        "Causal scrubbing: a hypothesis says of every edge of the model's own graph (see paths) "
        "in what the sequence behind it must agree with the one being answered; all else is taken "
        "from other held-out sequences, through the graph. Recovered is (loss of answers to other "
        "sequences - loss scrubbed) / (loss of answers to other sequences - loss): 1 when nothing "
        "that matters was scrubbed, 0 when everything was.\n\n"
        "Without --hypothesis a table of those that come with the library.",
    .examples = "clearhead scrub runs/notebook # a table\n"
                "clearhead scrub runs/notebook --hypothesis algorithm --count 2000 # one, closer\n"
                "clearhead scrub runs/notebook --hypothesis hypothesis.json --json # your own",
    CLH_SETTINGS(keys, scrub_settings),
    .needs = CLH_NEEDS_HELD_OUT | CLH_NEEDS_ATTENTION,
    .schema = schema,
    .over = "algorithm.recovered, qk_resampled.recovered, v_class.recovered",
    .ask = ask_scrub};
