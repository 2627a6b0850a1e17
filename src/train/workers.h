/** Threads that run a model over sequences, one sequence at a time each: training and evaluation
 *  share them.
 *
 *    clh_workers *workers = NULL;
 *    if (clh_workers_open(&workers, &model_config, task, threads, CLH_WORKERS_GRADIENTS,
 *                          err)) ...
 *    clh_workers_run(workers, count, work, context, err);
 *
 *  A worker owns its activations, their gradients and room for one sequence; nothing in them
 *  outlives a task. That is what makes results independent of how tasks fall on workers.
 */
#ifndef CLH_WORKERS_H
#define CLH_WORKERS_H

#include "base/platform/pool.h"
#include "clearhead/model.h"
#include "clearhead/task.h"

/** What each worker has beside room for a sequence. */
typedef enum clh_workers_need {
    CLH_WORKERS_SEQUENCE,    /**< nothing: draws, and the fused path */
    CLH_WORKERS_ACTIVATIONS, /**< for forward passes */
    CLH_WORKERS_GRADIENTS,   /**< and for backward */
} clh_workers_need;

typedef struct clh_worker {
    clh_cache *cache, *gradient; /**< CLH_KEEP_BACKWARD; NULL unless needed */
    clh_sequence sequence;       /**< its tokens belong to the worker */
} clh_worker;

typedef struct clh_workers {
    clh_pool *pool;
    size_t count;
    clh_worker *worker;
} clh_workers;

/** Task `index`; writes only what belongs to that index. */
typedef clh_status clh_workers_fn(void *context, size_t index, clh_worker *worker, clh_error *err);

/** `threads` workers for models of `config` on `task`. */
clh_status clh_workers_open(clh_workers **out, const clh_model_config *config, const clh_task *task,
                            size_t threads, clh_workers_need need, clh_error *err);

/** Free. NULL is fine. */
void clh_workers_close(clh_workers *workers);

/** Run tasks 0 … count-1. When some fail, the failure of the first task in order is returned. */
clh_status clh_workers_run(clh_workers *workers, size_t count, clh_workers_fn *fn, void *context,
                           clh_error *err);

#endif
