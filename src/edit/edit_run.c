/* Lists of edits measured on a sample. A worker has an editor; a sequence writes its own tallies,
 * which are added up in order. */
#include <stdatomic.h>
#include <stdio.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "clearhead/editor.h"
#include "edit/edit_check.h"
#include "measure/numbers/tally.h"
#include "measure/sequences/sample_make.h"

/* What a worker works with. */
typedef struct worker {
    clh_editor *editor;
    double *loss;  /* [stride] of the sequence's tokens, where somebody looks */
    size_t failed; /* the first of its sequences that did; SIZE_MAX: none */
    clh_error error;
} worker;

typedef struct running {
    const clh_edits *edits;
    clh_edits_ask ask;
    const clh_sample *sample;
    size_t threads;
    clh_edited *out;
    worker *worker;       /* [threads] */
    atomic_size_t failed; /* the first sequence that did so far: none behind it is begun */
    clh_stop stop;
} running;

/* As far as scored predictions read it. */
static void ask_for_scored(clh_editor *e, const clh_sample *s, size_t index)
{
    const size_t first = s->first_scored[index], end = s->length[index];
    if (first >= 1 && first < end)
        clh_editor_want(e, first - 1, end - 1);
}

static clh_status measure_list(const running *r, size_t list, size_t index, size_t at,
                               clh_error *err)
{
    clh_editor *e = r->worker[at].editor;
    clh_status status = clh_editor_apply(e, list, err);
    const clh_cache *cache = clh_editor_cache(e);
    if (!status)
        status = clh_tally_take(&r->out->list[list].sequence[index], r->sample, index, cache,
                                CLH_KEEP_ALL, r->worker[at].loss, err);
    if (!status && r->ask.look)
        status = r->ask.look(r->ask.user, list, index, at, cache, r->worker[at].loss, err);
    return status ? clh_edits_context(r->edits, list, status, err) : CLH_OK;
}

static clh_status run_sequence(const running *r, size_t index, size_t at, clh_error *err)
{
    clh_editor *e = r->worker[at].editor;
    clh_status status = clh_editor_begin(e, r->sample, index, err);
    ask_for_scored(e, r->sample, index);
    for (size_t l = 0; l < r->edits->count && !status && !clh_stop_said(&r->stop); l++)
        if (!r->ask.left_out || !r->ask.left_out[l])
            status = measure_list(r, l, index, at, err);
    return status;
}

static void run_task(void *context, size_t index, size_t at)
{
    running *r = context;
    worker *w = &r->worker[at];
    clh_error err = {0};
    size_t first = atomic_load(&r->failed);
    if (index < first && run_sequence(r, index, at, &err) && index < w->failed) {
        w->failed = index;
        w->error = err;
        while (index < first && !atomic_compare_exchange_weak(&r->failed, &first, index)) {
        }
    }
    clh_stop_step(&r->stop);
}

static clh_status run_all(running *r, clh_error *err)
{
    clh_pool *pool = NULL;
    clh_status status = clh_pool_open(&pool, r->threads, err);
    if (!status) {
        clh_pool_run_watched(pool, r->sample->count, run_task, r, &r->stop);
        status = clh_stop_end(&r->stop, err);
    }
    clh_pool_close(pool);
    for (size_t t = 0; t < r->threads && !status; t++)
        if (r->worker[t].failed == atomic_load(&r->failed) && r->worker[t].failed != SIZE_MAX) {
            status = r->worker[t].error.status;
            if (err)
                *err = r->worker[t].error;
        }
    return status;
}

/* ---- Room --------------------------------------------------------------------------------------
 */

/* Of each thread the sequence's pass and, at most, all of it kept; a donor's. */
static clh_status check_memory(const running *r, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(r->edits->setting.model);
    size_t bytes = clh_cache_bytes(c, CLH_KEEP_ALL, 1, r->sample->stride);
    char what[64];
    if (!clh_mul_ok(bytes, (1 + r->edits->donors) * r->threads, &bytes))
        bytes = SIZE_MAX;
    (void)snprintf(what, sizeof what, "activations of %zu tokens for %zu threads",
                   r->sample->stride, r->threads);
    return clh_memory_check(bytes, what, err);
}

static clh_status make_room(running *r, clh_error *err)
{
    clh_edited *out = r->out;
    clh_status status = check_memory(r, err);
    if (status)
        return status;
    r->worker = clh_alloc_zeroed(r->threads, sizeof *r->worker, err);
    out->list = clh_alloc_zeroed(r->edits->count, sizeof *out->list, err);
    out->count = out->list ? r->edits->count : 0;
    status = r->worker && out->list ? CLH_OK : CLH_ENOMEM;
    for (size_t t = 0; t < r->threads && !status; t++) {
        r->worker[t].failed = SIZE_MAX;
        status = clh_editor_open(&r->worker[t].editor, r->edits, err);
        if (status || !r->ask.look)
            continue;
        r->worker[t].loss = clh_alloc_array(r->sample->stride, sizeof(double), err);
        status = r->worker[t].loss ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t l = 0; l < out->count && !status; l++) {
        clh_measure *m = &out->list[l];
        m->sequence = clh_alloc_zeroed(r->sample->count, sizeof *m->sequence, err);
        status = m->sequence ? CLH_OK : CLH_ENOMEM;
    }
    return status;
}

static void free_room(running *r)
{
    for (size_t t = 0; r->worker && t < r->threads; t++) {
        clh_editor_close(r->worker[t].editor);
        clh_free(r->worker[t].loss);
    }
    clh_free(r->worker);
}

/* ---- All of it ---------------------------------------------------------------------------------
 */

clh_status clh_edits_run(clh_edited *out, const clh_edits *edits, const clh_edits_ask *ask,
                         const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && edits, err, "open edits, and room for the measures");
    clh_edited result = {0};
    running r = {.edits = edits,
                 .sample = edits->setting.sample,
                 .threads = clh_how_threads(how),
                 .out = &result,
                 .failed = SIZE_MAX};
    if (ask)
        r.ask = *ask;
    if (r.ask.sample)
        r.sample = r.ask.sample;
    clh_status status = clh_sample_some(r.sample, err);
    if (status)
        return status;
    clh_stop_init(&r.stop, clh_how_watch(how), r.sample->count, "sequences");
    status = make_room(&r, err);
    if (!status)
        status = clh_edits_check_sample(edits, clh_editor_cache(r.worker[0].editor), r.sample, err);
    if (!status)
        status = run_all(&r, err);
    for (size_t l = 0; l < result.count && !status; l++)
        for (size_t k = 0; k < r.sample->count; k++)
            clh_tally_add(&result.list[l].total, &result.list[l].sequence[k]);
    free_room(&r);
    if (status)
        clh_edited_deinit(&result);
    else
        *out = result;
    return status;
}

void clh_edited_deinit(clh_edited *edited)
{
    for (size_t l = 0; edited && edited->list && l < edited->count; l++)
        clh_measure_deinit(&edited->list[l]);
    if (!edited)
        return;
    clh_free(edited->list);
    *edited = (clh_edited){0};
}
