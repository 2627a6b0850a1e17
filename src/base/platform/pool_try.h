/** Tasks of a pool that may fail.
 *
 *    if (clh_pool_try(pool, count, draw_one, &draws, err)) ...
 */
#ifndef CLH_POOL_TRY_H
#define CLH_POOL_TRY_H

#include "base/platform/pool.h"

/** One task; writes only what belongs to its number. `worker` < clh_pool_size(). */
typedef clh_status clh_pool_try_fn(void *context, size_t task, size_t worker, clh_error *err);

/** Run tasks 0 … count-1, all of them whatever fails. Of the failures that of the first task in
 *  order is returned, whichever was first in time; *err (may be NULL) gets its line and is left
 *  alone when there is none. Borrows everything. */
clh_status clh_pool_try(clh_pool *pool, size_t count, clh_pool_try_fn *fn, void *context,
                        clh_error *err);

#endif
