/** An allocator whose k-th allocation fails, so that "every allocation made to fail in turn" is one
 *  call:
 *
 *    static clh_status open_and_close(void *path) { ... return status; }
 *    assert_true(failing_alloc_each(open_and_close, path) > 3);
 *
 *  It stands in for the library's allocator, for every thread, while it is installed; memory taken
 *  under it must be given back under it. What jansson allocates is counted and fails too; whether it is
 *  given back is left to the sanitizers.
 */
#ifndef CLH_FAILING_ALLOC_H
#define CLH_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "clearhead/error.h"

typedef struct failing_alloc {
    size_t fail_at; /**< number of the allocation that fails, from 1; 0: none does */
    bool go_on;     /**< and all behind it do */
    size_t calls;   /**< allocations asked for so far */
    size_t live;    /**< blocks not given back yet */
    size_t largest; /**< most bytes asked for at once */
    size_t bytes;   /**< of the blocks not given back yet */
    size_t most;    /**< the most these ever were */
} failing_alloc;

/** Count from now on and fail allocation `fail_at`. `state` must stay until it is removed. */
void failing_alloc_install(failing_alloc *state, size_t fail_at);

/** Put the usual allocator back; whether an allocation was made to fail. */
bool failing_alloc_remove(const failing_alloc *state);

/** Run `work` once for each of its allocations with that one failing, then once with none failing.
 *  Asserts (cmocka) that it ends with CLH_ENOMEM each time but the last, then with CLH_OK, and that
 *  nothing stays allocated. Returns how many allocations were made to fail. */
size_t failing_alloc_each(clh_status (*work)(void *context), void *context);

/** The same with all allocations behind that one failing too. */
size_t failing_alloc_each_on(clh_status (*work)(void *context), void *context);

/** Which allocation of many is made to fail after the k-th of `count`: the first ones each, then fewer and fewer, the
 *  last ones each again, where texts are put together. */
typedef struct failing_alloc_some {
    size_t first, last;
    size_t thinner; /**< the larger, the more of those between */
} failing_alloc_some;
size_t failing_alloc_next(const failing_alloc_some *some, size_t k, size_t count);

#endif
