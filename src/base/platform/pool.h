/** A pool of threads made once.
 *
 *    clh_pool *pool = NULL;
 *    if (clh_pool_open(&pool, 2, err)) ...
 *    clh_pool_run(pool, n_tasks, work, context);   // work(context, task, worker) for every task
 *    clh_pool_close(pool);
 *
 *  The calling thread is worker 0. Which worker runs a task is not determined, so a task writes
 *  only what belongs to its number, and anything shared by a worker must not reach the results.
 *  Where the process may use as many processors as there are workers each started thread is pinned
 *  to one, and makes way where the caller comes to be on it: left alone, two threads of one process
 *  were seen to share one virtual processor. The caller itself is not touched. The thread that
 *  opened a pool is the one that runs and closes it.
 */
#ifndef CLH_POOL_H
#define CLH_POOL_H

#include "base/base.h"
#include "base/stop.h"

typedef struct clh_pool clh_pool;

/** One task; `worker` < clh_pool_size(). */
typedef void clh_pool_work(void *context, size_t task, size_t worker);

/** A pool of `threads` >= 1 workers. One worker makes no thread. */
clh_status clh_pool_open(clh_pool **out, size_t threads, clh_error *err);

/** Number of workers; 1 for NULL. */
size_t clh_pool_size(const clh_pool *pool);

/** Run tasks 0 … count-1, return when the last has ended. NULL runs them here, in order.
 *  One call at a time, and not from inside a task. */
void clh_pool_run(clh_pool *pool, size_t count, clh_pool_work *work, void *context);

/** The same, to be ended early. The caller looks at the watch of `stop` (NULL: nobody does) before
 *  each of its tasks and while it waits for the others; once that says stop no task begins, and a
 *  long one may look at clh_stop_said() itself. Tasks count their steps: clh_stop_step(). */
void clh_pool_run_watched(clh_pool *pool, size_t count, clh_pool_work *work, void *context,
                          clh_stop *stop);

/** End the threads. NULL is fine. */
void clh_pool_close(clh_pool *pool);

#endif
