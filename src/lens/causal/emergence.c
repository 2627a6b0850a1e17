#include "clearhead/emergence.h"

#include <assert.h>

#include "base/stop.h"
#include "clearhead/edit.h"
#include "clearhead/run.h"
#include "measure/numbers/interval.h"
#include "run/folder/checkpoint.h"
#include "run/folder/folder.h"

/* What is taken from another model under each swap. */
static const struct swap_row {
    const char *name;
    bool base_final;     /* the checkpoint gives the circuit, the final model the rest */
    const char *circuit; /* NULL: none */
} swaps[CLH_SWAPS] = {
    [CLH_SWAP_NONE] = {"then", false, NULL},       [CLH_SWAP_QK_THEN] = {"qk_then", true, "qk"},
    [CLH_SWAP_OV_THEN] = {"ov_then", true, "ov"},  [CLH_SWAP_QK_LAST] = {"qk_last", false, "qk"},
    [CLH_SWAP_OV_LAST] = {"ov_last", false, "ov"},
};

typedef struct swapper {
    const clh_model *last;
    clh_model *then, *mixed;
    const clh_sample *sample;
    const clh_how *how;
    uint64_t seed; /* of the resamples: the run's */
} swapper;

const char *clh_swap_name(clh_swap swap)
{
    return swap < CLH_SWAPS ? swaps[swap].name : NULL;
}

static clh_status mix(const swapper *s, const struct swap_row *row, clh_error *err)
{
    const clh_model *base = row->base_final ? s->last : s->then;
    const clh_model *other = row->base_final ? s->then : s->last;
    clh_status status = clh_model_graft(s->mixed, base, NULL, err);
    return status || !row->circuit ? status : clh_model_graft(s->mixed, other, row->circuit, err);
}

static clh_status measure_row(const swapper *s, const char *path, clh_emergence_row *row,
                              const clh_watch *watch, clh_error *err)
{
    char *file = clh_checkpoint_path(path, row->step, err);
    clh_status status = file ? clh_model_load(s->then, file, err) : CLH_ENOMEM;
    for (int k = 0; k < CLH_SWAPS && !status; k++) {
        clh_watch_part part;
        const clh_how how = {clh_how_threads(s->how),
                             clh_watch_part_of(&part, watch, (size_t)k, 1, CLH_SWAPS)};
        clh_measure measure = {0};
        status = mix(s, &swaps[k], err);
        if (!status)
            status = clh_measure_run(&measure, s->mixed, s->sample, NULL, &how, err);
        row->tally[k] = measure.total;
        if (!status && k == CLH_SWAP_NONE)
            status =
                clh_measure_intervals(row->then, &measure, s->sample->count, CLH_INTERVAL_ROUNDS,
                                      CLH_INTERVAL_LEVEL, s->seed, NULL, err);
        clh_measure_deinit(&measure);
    }
    if (status)
        clh_fail_context(err, status, "checkpoint of step %zu", row->step);
    clh_free(file);
    return status;
}

/* The checkpoints up to `until`, which must be one of them unless it is CLH_LAST. */
static clh_status rows_make(clh_emergence *e, const char *path, size_t until, clh_error *err)
{
    size_t *steps = NULL;
    if (!clh_is_folder(path))
        return clh_fail(err, CLH_EINPUT, "%s is no run folder, want one with its checkpoints",
                        path);
    clh_status status = clh_checkpoint_list(path, &steps, &e->count, err);
    if (!status && e->count == 0)
        status = clh_fail(err, CLH_EINPUT, "%s has no checkpoints", path);
    while (!status && e->count > 1 && steps[e->count - 1] > until)
        e->count--;
    if (!status && until != CLH_LAST && steps[e->count - 1] != until)
        status = clh_fail(err, CLH_EINPUT, "%s has no checkpoint of step %zu", path, until);
    if (!status) {
        e->row = clh_alloc_zeroed(e->count, sizeof *e->row, err);
        status = e->row ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t i = 0; i < e->count && !status; i++)
        e->row[i].step = steps[i];
    clh_free(steps);
    return status;
}

/* The run with the weights its end is measured by. */
static clh_status open_end(clh_run **out, const char *path, size_t until, clh_error *err)
{
    if (until == CLH_LAST)
        return clh_run_open(out, path, err);
    char *file = clh_checkpoint_path(path, until, err);
    clh_status status = file ? clh_run_open(out, file, err) : CLH_ENOMEM;
    clh_free(file);
    return status;
}

clh_status clh_emergence_run(clh_emergence *out, const char *path, size_t until,
                             const clh_sample *sample, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && path && sample, err, "a run folder, a sample, and room for the rows");
    const clh_watch *watch = clh_how_watch(how);
    clh_run *run = NULL;
    clh_emergence e = {0};
    swapper s = {.sample = sample, .how = how};
    clh_status status = rows_make(&e, path, until, err);
    if (!status)
        status = open_end(&run, path, until, err);
    if (!status) {
        s.last = clh_run_model(run);
        s.seed = clh_run_get_config(run)->seed;
        status = clh_model_open(&s.then, clh_model_get_config(s.last), err);
    }
    if (!status)
        status = clh_model_open(&s.mixed, clh_model_get_config(s.last), err);
    for (size_t i = 0; i < e.count && !status; i++) {
        clh_watch_part part;
        status =
            measure_row(&s, path, &e.row[i], clh_watch_part_of(&part, watch, i, 1, e.count), err);
    }
    if (!status)
        status = clh_watch_check(watch, e.count, e.count, "checkpoints", err);
    clh_model_close(s.mixed);
    clh_model_close(s.then);
    clh_run_close(run);
    if (status)
        clh_emergence_deinit(&e);
    else
        *out = e;
    return status;
}

size_t clh_emergence_from(const clh_emergence *emergence, clh_swap swap, clh_ratio ratio,
                          double least)
{
    if (!emergence || !emergence->row || swap >= CLH_SWAPS || ratio == CLH_RATIO_LOSS)
        return emergence ? emergence->count : 0;
    size_t from = emergence->count;
    while (from > 0 && clh_tally_ratio(&emergence->row[from - 1].tally[swap], ratio) >= least)
        from--;
    return from;
}

void clh_emergence_deinit(clh_emergence *emergence)
{
    if (!emergence)
        return;
    clh_free(emergence->row);
    *emergence = (clh_emergence){0};
}
