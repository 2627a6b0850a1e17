#include "support/failing_alloc.h"

#include <stdlib.h>

#include "clearhead/alloc.h"
#include "support/cmocka_all.h"

static void *failing_allocate(void *context, size_t size)
{
    failing_alloc *state = context;
    const size_t line = 64;
    if (size > state->largest)
        state->largest = size;
    if (++state->calls == state->fail_at || size > SIZE_MAX - line)
        return NULL;
    void *memory = aligned_alloc(line, (size / line + 1) * line);
    state->live += memory != NULL;
    return memory;
}

static void failing_release(void *context, void *memory)
{
    failing_alloc *state = context;
    state->live -= memory != NULL;
    free(memory);
}

void failing_alloc_install(failing_alloc *state, size_t fail_at)
{
    *state = (failing_alloc){.fail_at = fail_at};
    clh_allocator_set(&(clh_allocator){failing_allocate, failing_release, state});
}

bool failing_alloc_remove(const failing_alloc *state)
{
    clh_allocator_set(NULL);
    return state->fail_at > 0 && state->calls >= state->fail_at;
}

size_t failing_alloc_each(clh_status (*work)(void *context), void *context)
{
    for (size_t k = 1;; k++) {
        failing_alloc state;
        failing_alloc_install(&state, k);
        clh_status status = work(context);
        bool failed = failing_alloc_remove(&state);
        assert_int_equal(state.live, 0);
        assert_int_equal(status, failed ? CLH_ENOMEM : CLH_OK);
        if (!failed)
            return k - 1;
    }
}
