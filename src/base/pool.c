#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* A job is published under the mutex by raising `generation`; workers take task numbers from
 * `next` and the last one to leave (`busy` reaches 0) wakes the caller. */
struct clh_pool {
    size_t threads, started;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
    uint64_t generation;
    size_t busy;
    bool closing;
    clh_pool_work *work;
    void *context;
    size_t count;
    atomic_size_t next, worker_number;
    pthread_t thread[];
};

static void work_off(clh_pool *pool, size_t worker)
{
    for (size_t task; (task = atomic_fetch_add(&pool->next, 1)) < pool->count;)
        pool->work(pool->context, task, worker);
}

static void *worker_main(void *argument)
{
    clh_pool *pool = argument;
    size_t worker = atomic_fetch_add(&pool->worker_number, 1);
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->generation == seen && !pool->closing)
            pthread_cond_wait(&pool->begin, &pool->mutex);
        if (pool->closing)
            break;
        seen = pool->generation;
        pthread_mutex_unlock(&pool->mutex);
        work_off(pool, worker);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->end);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Each spawned worker gets one processor of those allowed, the caller's own left out where there
 * is a choice. Failing to pin costs speed only. */
static void pin_workers(clh_pool *pool)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) < 2)
        return;
    int here = sched_getcpu();
    size_t processor = here < 0 ? 0 : (size_t)here;
    for (size_t i = 0; i < pool->started; i++) {
        do
            processor = (processor + 1) % CPU_SETSIZE;
        while (!CPU_ISSET(processor, &allowed));
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(processor, &one);
        (void)pthread_setaffinity_np(pool->thread[i], sizeof one, &one);
    }
}

/* Signals stay with the thread that made the pool. */
static int start_thread(clh_pool *pool, pthread_t *thread)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, worker_main, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

clh_status clh_pool_open(clh_pool **out, size_t threads, clh_error *err)
{
    assert(out);
    if (threads < 1 || threads > 1024)
        return clh_fail(err, CLH_ERANGE, "threads is %zu, want 1 to 1024", threads);
    clh_pool *pool = clh_alloc_zeroed(1, sizeof *pool + threads * sizeof pool->thread[0], err);
    if (!pool)
        return CLH_ENOMEM;
    pool->threads = threads;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->end, NULL);
    atomic_init(&pool->next, 0);
    atomic_init(&pool->worker_number, 1);
    for (; pool->started + 1 < threads; pool->started++) {
        int failed = start_thread(pool, &pool->thread[pool->started]);
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

void clh_pool_run(clh_pool *pool, size_t count, clh_pool_work *work, void *context)
{
    assert(work || count == 0);
    if (!pool || pool->started == 0 || count < 2) {
        for (size_t task = 0; task < count; task++)
            work(context, task, 0);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->work = work;
    pool->context = context;
    pool->count = count;
    pool->busy = pool->started;
    atomic_store(&pool->next, 0);
    pool->generation++;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->mutex);
    work_off(pool, 0);
    pthread_mutex_lock(&pool->mutex);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->end, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void clh_pool_close(clh_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->end);
    pthread_cond_destroy(&pool->begin);
    pthread_mutex_destroy(&pool->mutex);
    clh_free(pool);
}
