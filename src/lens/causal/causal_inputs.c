#include "lens/causal/causal_inputs.h"

#include "base/base.h"
#include "base/stop.h"
#include "measure/numbers/interval.h"

typedef struct suite {
    const clh_causal_asked *ask;
    const clh_causal *causal;
    clh_causal_visit *visit;
    void *user;
    const clh_how *how;
    size_t done,
        count; /* sequences, of all samples; a sample that means are taken of counts twice */
} suite;

/* Every intervention on one sample. */
static clh_status measure(suite *u, const clh_causal_seen *input, clh_error *err)
{
    clh_watch_part part, rest;
    clh_causal_seen seen = *input;
    const clh_sample *sample = seen.sample;
    const clh_watch *watch =
        clh_watch_part_of(&part, u->how->watch, u->done, sample->count, u->count);
    clh_causal_result result = {0};
    clh_causal_row row[CLH_INTERVENTIONS];
    clh_status status =
        clh_causal_run(&result, u->causal, sample, &(clh_how){u->how->threads, watch}, err);
    u->done += sample->count;
    if (!status)
        status =
            clh_causal_rows(row, &result, CLH_INTERVAL_ROUNDS, CLH_INTERVAL_LEVEL, u->ask->seed,
                            clh_watch_part_of(&rest, u->how->watch, u->done, 0, u->count), err);
    seen.result = &result;
    seen.row = row;
    if (!status)
        u->visit(&seen, u->user);
    clh_causal_result_deinit(&result);
    return status;
}

static clh_status measure_other(suite *u, clh_variant variant, clh_error *err)
{
    const clh_task *task = u->ask->task;
    clh_sample sample = {0};
    clh_error why = {0};
    clh_causal_seen seen = {.input = clh_variant_name(task, variant),
                            .text = clh_variant_text(task, variant)};
    if (clh_variant_check(task, variant, &why)) {
        seen.why = why.message;
        u->visit(&seen, u->user);
        return CLH_OK;
    }
    const size_t done = u->done + u->ask->others;
    clh_status status = clh_variant_draw(&sample, variant, task, u->ask->others, 0, err);
    seen.sample = &sample;
    if (!status)
        status = measure(u, &seen, err);
    u->done = done; /* copies too */
    clh_sample_deinit(&sample);
    return status;
}

clh_status clh_causal_inputs(const clh_causal_asked *ask, clh_causal_visit *visit, void *user,
                             const clh_how *how, clh_error *err)
{
    clh_causal *causal = NULL;
    clh_watch_part part;
    const size_t variants = clh_variant_count(ask->task), n = ask->sample->count;
    const size_t all = 2 * n + (variants - 1) * ask->others;
    clh_causal_seen held_out = {.sample = ask->sample};
    clh_status status = clh_causal_open(
        &causal, ask->model, ask->sample, ask->seed,
        &(clh_how){how->threads, clh_watch_part_of(&part, how->watch, 0, n, all)}, err);
    suite u = {ask, causal, visit, user, how, n, all};
    if (!status)
        status = measure(&u, &held_out, err);
    for (size_t v = CLH_VARIANT_NONE + 1; v < variants && ask->others > 0 && !status; v++)
        status = measure_other(&u, (clh_variant)v, err);
    clh_causal_close(causal);
    return status;
}
