#include "base/platform/pool_try.h"

#include <assert.h>

#include "base/platform/thread.h"

/* What to do and, of the tasks that failed, the first in order. */
typedef struct job {
    clh_pool_try_fn *fn;
    void *context;
    clh_mutex mutex;
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
    clh_mutex_lock(&j->mutex);
    if (task < j->failed) {
        j->failed = task;
        j->status = status;
        j->error = error;
    }
    clh_mutex_unlock(&j->mutex);
}

clh_status clh_pool_try(clh_pool *pool, size_t count, clh_pool_try_fn *fn, void *context,
                        clh_error *err)
{
    assert(fn || count == 0);
    job j = {.fn = fn, .context = context, .failed = SIZE_MAX};
    clh_mutex_init(&j.mutex);
    clh_pool_run(pool, count, try_task, &j);
    clh_mutex_deinit(&j.mutex);
    if (j.status && err)
        *err = j.error;
    return j.status;
}
