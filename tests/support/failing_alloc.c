#include "support/failing_alloc.h"

#include <stdlib.h>
#include <string.h>

#include "clearhead/alloc.h"
#include "support/cmocka_all.h"

enum { LINE = 64 }; /* in front of a block: how many bytes it has */

static void *failing_allocate(void *context, size_t size)
{
    failing_alloc *state = context;
    if (size > state->largest)
        state->largest = size;
    if (++state->calls == state->fail_at || size > SIZE_MAX - 2 * LINE)
        return NULL;
    char *memory = aligned_alloc(LINE, (size / LINE + 2) * LINE);
    if (!memory)
        return NULL;
    memcpy(memory, &size, sizeof size);
    state->live++;
    state->bytes += size;
    if (state->bytes > state->most)
        state->most = state->bytes;
    return memory + LINE;
}

static void failing_release(void *context, void *memory)
{
    failing_alloc *state = context;
    size_t size;
    if (!memory)
        return;
    char *block = (char *)memory - LINE;
    memcpy(&size, block, sizeof size);
    state->live--;
    state->bytes -= size;
    free(block);
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
