#include "prove/certificate/kept.h"

#include <math.h>

#include "base/platform/clock.h"
#include "base/platform/file_system.h"

enum { WORD_BITS = 64 };

static const double seconds_between = 10, /* where the caller leaves it open */
    share = 20;                           /* times as long as a writing took is there none */

size_t clh_kept_words(uint64_t bits)
{
    return (size_t)((bits + WORD_BITS - 1) / WORD_BITS);
}

/* The caller alone looks at the clock; the others see that it is time to pause. */
static bool look(size_t done, size_t count, void *user)
{
    clh_kept *k = user;
    if (clh_clock_seconds() >= k->next)
        atomic_store_explicit(&k->pausing, true, memory_order_relaxed);
    return clh_watch_call(k->asks, done, count);
}

clh_status clh_kept_open(clh_kept *k, size_t tasks, const clh_watch *watch, clh_error *err)
{
    const clh_certify_options *o = k->of.options;
    k->tasks = tasks;
    k->asks = watch;
    if (!o->keep)
        return CLH_OK;
    k->every = o->keep_seconds > 0 ? o->keep_seconds : seconds_between;
    k->watch = (clh_watch){look, k};
    k->done = clh_alloc_zeroed(clh_kept_words(tasks), sizeof *k->done, err);
    if (!k->done)
        return CLH_ENOMEM;
    const clh_status status = clh_kept_facts(k, err);
    if (status)
        return status;
    if (clh_path_exists(o->keep))
        return clh_kept_read(k, err);
    k->fresh = clh_kept_write(k, err) == CLH_OK;
    return k->fresh ? CLH_OK : err->status;
}

void clh_kept_deinit(clh_kept *k)
{
    if (k->fresh)
        clh_path_remove(k->of.options->keep); /* of nothing done there is nothing to go on with */
    k->fresh = false;
    clh_free((void *)k->done);
    k->done = NULL;
}

static bool is_done(const clh_kept *k, size_t task)
{
    return atomic_load_explicit(&k->done[task / WORD_BITS], memory_order_relaxed) >>
               task % WORD_BITS &
           1;
}

static void work_one(void *context, size_t task, size_t worker)
{
    clh_kept *k = context;
    if (k->done && (is_done(k, task) || atomic_load_explicit(&k->pausing, memory_order_relaxed)))
        return;
    if (!k->work(k->context, task, worker))
        return;
    clh_stop_step(k->stop);
    if (k->done)
        atomic_fetch_or_explicit(&k->done[task / WORD_BITS], (uint64_t)1 << task % WORD_BITS,
                                 memory_order_relaxed);
}

/* Writing takes a small share of the time, however large the file. */
static clh_status keep(clh_kept *k, clh_error *err)
{
    const double began = clh_clock_seconds();
    const clh_status status = clh_kept_write(k, err);
    k->fresh = k->fresh && status;
    const double end = clh_clock_seconds();
    k->next = end + fmax(k->every, share * (end - began));
    return status;
}

static clh_status keep_stopped(clh_kept *k, clh_error *err)
{
    const clh_error said = *err;
    const clh_status status = keep(k, err);
    return status
               ? status
               : clh_fail(err, CLH_STOPPED, "%s; %s keeps them", said.message, k->of.options->keep);
}

clh_status clh_kept_run(clh_kept *k, clh_pool *pool, clh_kept_work *work, clh_kept_gather *gather,
                        void *context, clh_stop *stop, clh_error *err)
{
    clh_error said = {0};
    clh_stop_init(stop, k->done ? &k->watch : k->asks, k->tasks, k->what);
    k->work = work;
    k->context = context;
    k->stop = stop;
    if (!k->done) {
        clh_pool_run_watched(pool, k->tasks, work_one, k, stop);
        const clh_status status = clh_stop_end(stop, err);
        return status ? status : gather(context, err);
    }
    size_t done = 0;
    for (size_t task = 0; task < k->tasks; task++)
        done += is_done(k, task);
    atomic_store(&stop->done, done);
    k->next = clh_clock_seconds() + k->every;
    clh_status status = CLH_OK;
    do {
        atomic_store(&k->pausing, false);
        clh_pool_run_watched(pool, k->tasks, work_one, k, stop);
        status = gather(context, err);
        if (!status && atomic_load(&k->pausing))
            status = keep(k, err);
    } while (!status && atomic_load(&k->pausing) && !clh_stop_said(stop));
    if (status)
        return status;
    if (clh_stop_end(stop, &said)) {
        *err = said;
        return keep_stopped(k, err);
    }
    return keep(k, err);
}
