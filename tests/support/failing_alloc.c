#include "support/failing_alloc.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clearhead/alloc.h"
#include "support/cmocka_all.h"

enum { LINE = 64 }; /* in front of a block: how many bytes it has */

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER; /* whose calls come from any thread */

/* Counts one more, and says whether it fails. */
static bool fails_now(failing_alloc *state)
{
    const size_t call = ++state->calls;
    return state->fail_at && (call == state->fail_at || (state->go_on && call > state->fail_at));
}

/* Whether an allocation goes through; it is counted as taken. */
static bool count_in(failing_alloc *state, size_t size)
{
    pthread_mutex_lock(&counting);
    if (size > state->largest)
        state->largest = size;
    const bool fails = fails_now(state) || size > SIZE_MAX - (size_t)2 * LINE;
    state->live += !fails;
    state->bytes += fails ? 0 : size;
    if (state->bytes > state->most)
        state->most = state->bytes;
    pthread_mutex_unlock(&counting);
    return !fails;
}

static void count_out(failing_alloc *state, size_t size)
{
    pthread_mutex_lock(&counting);
    state->live--;
    state->bytes -= size;
    pthread_mutex_unlock(&counting);
}

static void *failing_allocate(void *context, size_t size)
{
    if (!count_in(context, size))
        return NULL;
    char *memory = aligned_alloc(LINE, (size / LINE + 2) * LINE);
    if (memory)
        memcpy(memory, &size, sizeof size);
    else
        count_out(context, size);
    return memory ? memory + LINE : NULL;
}

static void failing_release(void *context, void *memory)
{
    size_t size;
    if (!memory)
        return;
    char *block = (char *)memory - LINE;
    memcpy(&size, block, sizeof size);
    count_out(context, size);
    free(block);
}

static failing_alloc *installed; /* for jansson, whose allocator is set before anything uses it */

static void *json_allocate(size_t size)
{
    pthread_mutex_lock(&counting);
    const bool fails = installed && fails_now(installed);
    pthread_mutex_unlock(&counting);
    return fails ? NULL : malloc(size);
}

__attribute__((constructor)) static void stand_in_for_jansson(void)
{
    json_set_alloc_funcs(json_allocate, free);
}

static void install(failing_alloc *state)
{
    pthread_mutex_lock(&counting);
    installed = state;
    pthread_mutex_unlock(&counting);
}

void failing_alloc_install(failing_alloc *state, size_t fail_at)
{
    *state = (failing_alloc){.fail_at = fail_at};
    install(state);
    clh_allocator_set(&(clh_allocator){failing_allocate, failing_release, state});
}

bool failing_alloc_remove(const failing_alloc *state)
{
    clh_allocator_set(NULL);
    install(NULL);
    return state->fail_at > 0 && state->calls >= state->fail_at;
}

static size_t each(clh_status (*work)(void *context), void *context, bool go_on)
{
    for (size_t k = 1;; k++) {
        failing_alloc state;
        failing_alloc_install(&state, k);
        state.go_on = go_on;
        clh_status status = work(context);
        bool failed = failing_alloc_remove(&state);
        assert_int_equal(state.live, 0);
        assert_int_equal(status, failed ? CLH_ENOMEM : CLH_OK);
        if (!failed)
            return k - 1;
    }
}

size_t failing_alloc_each(clh_status (*work)(void *context), void *context)
{
    return each(work, context, false);
}

size_t failing_alloc_each_on(clh_status (*work)(void *context), void *context)
{
    return each(work, context, true);
}

size_t failing_alloc_next(const failing_alloc_some *some, size_t k, size_t count)
{
    const size_t next = k < some->first ? k + 1 : k + 1 + (k - some->first) / some->thinner;
    if (k + some->last >= count)
        return k + 1;
    return next + some->last > count ? count - some->last : next;
}
