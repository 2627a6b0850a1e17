/** The one allocator behind the library, replaceable before first use so that a test can make
 *  every allocation fail in turn.
 *
 *    clh_allocator mine = {.allocate = my_alloc, .release = my_free, .context = &state};
 *    clh_allocator_set(&mine);            // before any other call, from one thread
 */
#ifndef CLEARHEAD_ALLOC_H
#define CLEARHEAD_ALLOC_H

#include <stddef.h>

#include "clearhead/api.h"

CLH_BEGIN_DECLS

/** `allocate` returns `size` bytes aligned to 64, or NULL; `release` takes what it returned. */
typedef struct clh_allocator {
    void *(*allocate)(void *context, size_t size);
    void (*release)(void *context, void *memory);
    void *context;
} clh_allocator;

/** Use `allocator` (copied) from now on; NULL restores the default, one that lacks a function changes
 *  nothing. Not thread-safe: call first. */
CLH_API void clh_allocator_set(const clh_allocator *allocator);

/** Free what the library returned as owned text or memory. NULL is fine. */
CLH_API void clh_free(void *memory);

CLH_END_DECLS

#endif
