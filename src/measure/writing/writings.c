/* Texts written side by side: each is a task of its own and writes only into its place. */
#include <assert.h>

#include "base/platform/pool.h"
#include "base/stop.h"
#include "measure/writing/writing.h"

typedef struct writings {
    clh_writing *out;
    const clh_model *model;
    const clh_task *task;
    const clh_writing_ask *ask;
    clh_error *error; /* [count] */
    clh_stop stop;
} writings;

static void write_task(void *context, size_t index, size_t worker)
{
    writings *w = context;
    (void)clh_writing_make(&w->out[index], w->model, w->task, &w->ask[index],
                           clh_stop_watch(&w->stop, worker), &w->error[index]);
    clh_stop_step(&w->stop);
}

static clh_status first_failure(const writings *w, size_t count, clh_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (w->error[i].status) {
            if (err)
                *err = w->error[i];
            return w->error[i].status;
        }
    return CLH_OK;
}

clh_status clh_writings_make(clh_writing *out, const clh_model *model, const clh_task *task,
                             const clh_writing_ask *ask, size_t count, const clh_how *how,
                             clh_error *err)
{
    assert(out && model && ask);
    clh_pool *pool = NULL;
    writings w = {.out = out, .model = model, .task = task, .ask = ask};
    for (size_t i = 0; i < count; i++)
        out[i] = (clh_writing){0};
    w.error = clh_alloc_zeroed(count, sizeof *w.error, err);
    clh_status status = w.error ? clh_pool_open(&pool, clh_how_threads(how), err) : CLH_ENOMEM;
    if (!status) {
        clh_stop_init(&w.stop, clh_how_watch(how), count, "texts");
        clh_pool_run_watched(pool, count, write_task, &w, &w.stop);
        status = clh_stop_end(&w.stop, err);
    }
    if (!status)
        status = first_failure(&w, count, err);
    for (size_t i = 0; i < count && status; i++)
        clh_writing_deinit(&out[i]);
    clh_pool_close(pool);
    clh_free(w.error);
    return status;
}
