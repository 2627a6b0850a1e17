#include "base/platform/pool.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/platform/thread.h"

/* The tasks of a job are dealt out in equal shares, in order: a worker takes those of its own share
 * first, then what is left of the others'. The same job done again, as in every step of training,
 * so finds a task's memory in the cache of the processor that had it before. Where processors do
 * not share a cache, moving it was seen to cost as much as the second thread brought. */
typedef struct share {
    _Alignas(64) atomic_size_t next; /* of [its begin, end) */
    size_t end;
    clh_thread thread; /* any of the started ones: which worker it is it counts out itself */
    int processor;     /* the one it is pinned to */
} share;

/* A job is published under the mutex by raising `generation`; the last worker to leave (`busy`
 * reaches 0) wakes the caller. Jobs follow each other within microseconds while training, so
 * whoever waits looks for a moment before it sleeps. */
struct clh_pool {
    size_t threads, started;
    clh_mutex mutex;
    clh_condition begin, end;
    _Atomic uint64_t generation;
    atomic_size_t busy;
    atomic_bool closing;
    bool pinned; /* each started thread to a processor of its own, none of them `caller` */
    int caller;  /* the processor the caller was on when last seen */
    clh_pool_work *work;
    void *context;
    clh_stop *stop; /* of the job; NULL: nobody may end it */
    atomic_size_t worker_number;
    share share[]; /* [threads] */
};

static void deal(clh_pool *pool, size_t count)
{
    size_t begin = 0;
    for (size_t i = 0; i < pool->threads; i++) {
        const size_t left = pool->threads - i;
        pool->share[i].end = begin + (count - begin + left - 1) / left;
        atomic_store(&pool->share[i].next, begin);
        begin = pool->share[i].end;
    }
}

/* Before a task: whether it is left out. Only the caller looks at the watch. */
static bool stopped(clh_stop *stop, size_t worker)
{
    return stop && clh_stop_now(stop, worker);
}

static void work_off(clh_pool *pool, size_t worker)
{
    for (size_t i = 0; i < pool->threads; i++) {
        share *s = &pool->share[(worker + i) % pool->threads];
        for (size_t task;
             !stopped(pool->stop, worker) && (task = atomic_fetch_add(&s->next, 1)) < s->end;)
            pool->work(pool->context, task, worker);
    }
}

enum { LOOKS = 4000 }; /* some tens of microseconds */

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Wait for a job after `seen`; false when the pool closes. */
static bool wait_for_job(clh_pool *pool, uint64_t *seen)
{
    for (int i = 0; i < LOOKS && pool->generation == *seen && !pool->closing; i++)
        pause_briefly();
    clh_mutex_lock(&pool->mutex);
    while (pool->generation == *seen && !pool->closing)
        clh_condition_wait(&pool->begin, &pool->mutex);
    *seen = pool->generation;
    clh_mutex_unlock(&pool->mutex);
    return !pool->closing;
}

static void *worker_main(void *argument)
{
    clh_pool *pool = argument;
    size_t worker = atomic_fetch_add(&pool->worker_number, 1);
    uint64_t seen = 0;
    while (wait_for_job(pool, &seen)) {
        work_off(pool, worker);
        if (atomic_fetch_sub(&pool->busy, 1) == 1) {
            clh_mutex_lock(&pool->mutex);
            clh_condition_signal(&pool->end);
            clh_mutex_unlock(&pool->mutex);
        }
    }
    return NULL;
}

/* Until the others have ended, or it is time to look at the watch again. */
static void sleep_until_end(clh_pool *pool)
{
    enum { NANOSECONDS = 5000000 };
    clh_mutex_lock(&pool->mutex);
    if (pool->stop) {
        if (pool->busy > 0)
            clh_condition_wait_for(&pool->end, &pool->mutex, NANOSECONDS);
    } else {
        while (pool->busy > 0)
            clh_condition_wait(&pool->end, &pool->mutex);
    }
    clh_mutex_unlock(&pool->mutex);
}

static void wait_for_end(clh_pool *pool)
{
    for (int i = 0; i < LOOKS && pool->busy > 0; i++)
        pause_briefly();
    for (sleep_until_end(pool); pool->busy > 0; sleep_until_end(pool))
        (void)stopped(pool->stop, 0);
}

/* Each started thread gets one processor of those allowed, none the one the caller is on. Failing to
 * pin costs speed only. */
static void pin_workers(clh_pool *pool)
{
    pool->caller = clh_processor_here();
    if (pool->started == 0 || pool->caller < 0 || clh_processor_count() < pool->threads)
        return;
    int processor = pool->caller;
    pool->pinned = true;
    for (size_t i = 0; i < pool->started; i++) {
        share *s = &pool->share[i];
        s->processor = processor = clh_processor_next(processor);
        pool->pinned = clh_thread_pin(&s->thread, processor) && pool->pinned;
    }
}

/* The caller goes where the system puts it. Where that is a thread's processor the two change
 * places: the thread goes where the caller was. */
static void make_way(clh_pool *pool)
{
    const int here = pool->pinned ? clh_processor_here() : pool->caller;
    if (here == pool->caller || here < 0)
        return;
    for (size_t i = 0; i < pool->started; i++) {
        share *s = &pool->share[i];
        if (s->processor == here && clh_thread_pin(&s->thread, pool->caller))
            s->processor = pool->caller;
    }
    pool->caller = here;
}

/* Where there are no threads every worker is the caller. */
clh_status clh_pool_open(clh_pool **out, size_t threads, clh_error *err)
{
    assert(out);
    if (threads < 1 || threads > 1024)
        return clh_fail(err, CLH_ERANGE, "threads is %zu, want 1 to 1024", threads);
    clh_pool *pool = clh_alloc_zeroed(1, sizeof *pool + threads * sizeof pool->share[0], err);
    if (!pool)
        return CLH_ENOMEM;
    pool->threads = threads;
    clh_mutex_init(&pool->mutex);
    clh_condition_init(&pool->begin);
    clh_condition_init(&pool->end);
    atomic_init(&pool->worker_number, 1);
    for (; clh_thread_exists() && pool->started + 1 < threads; pool->started++) {
        int failed = clh_thread_start(&pool->share[pool->started].thread, worker_main, pool);
        if (failed) {
            size_t number = pool->started + 2; /* the caller is the first */
            clh_pool_close(pool);
            return clh_fail(err, CLH_ENOMEM, "cannot start thread %zu of %zu: %s", number, threads,
                            strerror(failed));
        }
    }
    pin_workers(pool);
    *out = pool;
    return CLH_OK;
}

size_t clh_pool_size(const clh_pool *pool)
{
    return pool ? pool->threads : 1;
}

void clh_pool_run_watched(clh_pool *pool, size_t count, clh_pool_work *work, void *context,
                          clh_stop *stop)
{
    assert(work || count == 0);
    if (!pool || pool->started == 0 || count < 2) {
        for (size_t task = 0; task < count && !stopped(stop, 0); task++)
            work(context, task, 0);
        return;
    }
    make_way(pool);
    clh_mutex_lock(&pool->mutex);
    pool->work = work;
    pool->context = context;
    pool->stop = stop;
    deal(pool, count);
    pool->busy = pool->started;
    pool->generation++;
    clh_condition_broadcast(&pool->begin);
    clh_mutex_unlock(&pool->mutex);
    work_off(pool, 0);
    wait_for_end(pool);
}

void clh_pool_run(clh_pool *pool, size_t count, clh_pool_work *work, void *context)
{
    clh_pool_run_watched(pool, count, work, context, NULL);
}

void clh_pool_close(clh_pool *pool)
{
    if (!pool)
        return;
    clh_mutex_lock(&pool->mutex);
    pool->closing = true;
    clh_condition_broadcast(&pool->begin);
    clh_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++)
        clh_thread_join(&pool->share[i].thread);
    clh_condition_deinit(&pool->end);
    clh_condition_deinit(&pool->begin);
    clh_mutex_deinit(&pool->mutex);
    clh_free(pool);
}
