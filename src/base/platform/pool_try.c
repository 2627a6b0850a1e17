#include "base/platform/pool_try.h"

#include <assert.h>
#include <pthread.h>

/* What to do and, of the tasks that failed, the first in order. */
typedef struct job {
    clh_pool_try_fn *fn;
    void *context;
    pthread_mutex_t mutex;
    size_t failed;
    clh_status status;
    clh_error error;
} job;

static void try_task(void *context, size_t task, size_t worker)
{
    job *j = context;
    clh_error error = {0};
    clh_status status = j->fn(j->context, task, worker, &error);
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

clh_status clh_pool_try(clh_pool *pool, size_t count, clh_pool_try_fn *fn, void *context,
                        clh_error *err)
{
    assert(fn || count == 0);
    job j = {.fn = fn, .context = context, .failed = SIZE_MAX};
    pthread_mutex_init(&j.mutex, NULL);
    clh_pool_run(pool, count, try_task, &j);
    pthread_mutex_destroy(&j.mutex);
    if (j.status && err)
        *err = j.error;
    return j.status;
}
