/* generalise: what a model does on inputs unlike those it was trained on. */
#include <stdio.h>

#include "ask/shared/ratios.h"
#include "base/stop.h"
#include "clearhead/variant.h"

typedef struct generalise_settings {
    size_t count;
} generalise_settings;

static const clh_key keys[] = {CLH_ROW(generalise_settings, count, SIZE, "2000", "[1, 1000000]",
                                       "how many sequences of each kind, copies left out")};

static const clh_field columns[] = {CLH_RATIO_FIELDS(clh_ratio_row, of), CLH_FIELD_SEQUENCES, {0}};
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "inputs", "held-out sequences, and the same with one thing changed",
     .keys = "input", .draw = "rows", .fields = columns},
    {0},
};

static clh_status measure_variant(clh_result *out, clh_variant variant, const clh_subject *s,
                                  size_t count, const clh_how *how, bool *fewer, clh_error *err)
{
    const clh_task *task = clh_subject_task(s);
    clh_sample sample = {0};
    clh_measure measure = {0};
    clh_error why = {0};
    clh_result_row(out, "inputs", clh_variant_name(task, variant));
    clh_row_label(out, clh_variant_text(task, variant), NULL);
    if (clh_variant_check(task, variant, &why)) {
        clh_row_absent(out, why.message);
        return CLH_OK;
    }
    clh_status status = clh_variant_draw(&sample, variant, task, count, 0, err);
    if (!status)
        status = clh_measure_run(&measure, clh_subject_model(s), &sample, NULL, how, err);
    if (!status)
        status = clh_ask_put_ratios(out, NULL, &measure, sample.count, s, how->watch, err);
    if (!status)
        clh_ask_put_sequences(out, clh_variant_name(task, variant), &sample);
    *fewer = *fewer || sample.count < sample.asked;
    clh_measure_deinit(&measure);
    clh_sample_deinit(&sample);
    return status;
}

static clh_status ask_generalise(clh_result *out, clh_subject *s, const void *settings,
                                 const clh_how *how, clh_error *err)
{
    const generalise_settings *set = settings;
    const size_t variants = clh_variant_count(clh_subject_task(s));
    char text[96];
    bool fewer = false;
    clh_status status = CLH_OK;
    for (size_t v = 0; v < variants && !status; v++) {
        clh_watch_part part;
        const clh_how one = {how->threads, clh_watch_part_of(&part, how->watch, v, 1, variants)};
        status = measure_variant(out, (clh_variant)v, s, set->count, &one, &fewer, err);
    }
    (void)snprintf(text, sizeof text, "%zu sequences of each kind%s", set->count,
                   fewer ? ", of some fewer, all different" : "");
    clh_result_stamp(out, "sample", text);
    return status;
}

const clh_question clh_question_generalise = {
    .name = "generalise",
    .summary = "what a model does on inputs it never saw the like of",
    .description =
        "Loss and accuracy, by kind of token and of whole sequences, each with a 95 % bootstrap "
        "interval, on held-out sequences and on the same with one thing changed: the letters out "
        "of order, reversed, repeated, or kept from training (train --letters-unseen), the "
        "leading > removed, one term of the context wrong.",
    .examples = "clearhead generalise runs/notebook # every kind of change\n"
                "clearhead generalise runs/notebook --figure g.png # and a figure\n"
                "clearhead generalise runs/notebook --json # for a program",
    CLH_SETTINGS(keys, generalise_settings),
    .needs = CLH_NEEDS_HELD_OUT,
    .schema = schema,
    .over = "held out.token_accuracy, shuffled.token_accuracy, one pair.token_accuracy",
    .ask = ask_generalise};
