#include "train/workers.h"

#include <assert.h>
#include <pthread.h>

static clh_status worker_open(clh_worker *worker, const clh_model_config *config, size_t length,
                              clh_workers_need need, clh_error *err)
{
    clh_status status = CLH_OK;
    if (need >= CLH_WORKERS_ACTIVATIONS)
        status = clh_cache_open(&worker->cache, config, CLH_KEEP_BACKWARD, err);
    if (!status && need >= CLH_WORKERS_GRADIENTS)
        status = clh_cache_open(&worker->gradient, config, CLH_KEEP_BACKWARD, err);
    if (status)
        return status;
    worker->sequence.tokens = clh_alloc_array(length, sizeof *worker->sequence.tokens, err);
    worker->sequence.capacity = length;
    return worker->sequence.tokens ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_workers_open(clh_workers **out, const clh_model_config *config, const clh_task *task,
                            size_t threads, clh_workers_need need, clh_error *err)
{
    assert(out && config && task);
    clh_workers *workers = clh_alloc_zeroed(1, sizeof *workers, err);
    if (!workers)
        return CLH_ENOMEM;
    clh_status status = clh_pool_open(&workers->pool, threads, err);
    if (!status) {
        workers->worker = clh_alloc_zeroed(threads, sizeof *workers->worker, err);
        status = workers->worker ? CLH_OK : CLH_ENOMEM;
    }
    for (; !status && workers->count < threads; workers->count++)
        status = worker_open(&workers->worker[workers->count], config, clh_task_length_max(task),
                             need, err);
    if (status) {
        clh_workers_close(workers);
        return status;
    }
    *out = workers;
    return CLH_OK;
}

void clh_workers_close(clh_workers *workers)
{
    if (!workers)
        return;
    clh_pool_close(workers->pool);
    for (size_t i = 0; workers->worker && i < workers->count; i++) {
        clh_cache_close(workers->worker[i].cache);
        clh_cache_close(workers->worker[i].gradient);
        clh_free(workers->worker[i].sequence.tokens);
    }
    clh_free(workers->worker);
    clh_free(workers);
}

/* One run: what to do, and of the tasks that failed the first in order. */
typedef struct job {
    clh_workers *workers;
    clh_workers_fn *fn;
    void *context;
    pthread_mutex_t mutex;
    size_t failed;
    clh_status status;
    clh_error error;
} job;

static void run_task(void *context, size_t task, size_t worker)
{
    job *j = context;
    clh_error error = {0};
    clh_status status = j->fn(j->context, task, &j->workers->worker[worker], &error);
    if (!status)
        return;
    pthread_mutex_lock(&j->mutex);
    if (task < j->failed) {
        j->failed = task;
        j->status = status;
        j->error = error;
    }
    pthread_mutex_unlock(&j->mutex);
}

clh_status clh_workers_run(clh_workers *workers, size_t count, clh_workers_fn *fn, void *context,
                           clh_error *err)
{
    assert(workers && fn);
    job j = {.workers = workers, .fn = fn, .context = context, .failed = SIZE_MAX};
    pthread_mutex_init(&j.mutex, NULL);
    clh_pool_run(workers->pool, count, run_task, &j);
    pthread_mutex_destroy(&j.mutex);
    if (j.status && err)
        *err = j.error;
    return j.status;
}
