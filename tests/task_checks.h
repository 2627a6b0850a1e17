/** What the tests of tasks share: failures checked with their message, texts of sequences.
 *
 *    assert_fails(clh_task_open(&task, &config, &err), CLH_ERANGE, &err, "n is 7, want 1 to 6");
 *    assert_string_equal(sequence_text(task, &sequence, text), "> ab ba.");
 */
#ifndef CLH_TASK_CHECKS_H
#define CLH_TASK_CHECKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/task.h"
#include "support/cmocka_all.h"
#include "support/task_of.h"

enum { ROOM = 5042 };

/** The status is the wanted one, in `err` too, and the message is one line that holds `part`. */
static inline void assert_fails(clh_status status, clh_status wanted, clh_error *err,
                                const char *part)
{
    assert_string_equal(clh_status_text(status), clh_status_text(wanted));
    assert_int_equal(err->status, wanted);
    if (!strstr(err->message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, err->message);
    assert_null(strchr(err->message, '\n'));
    *err = (clh_error){0};
}

static inline clh_task *open_task(const clh_task_config *config)
{
    clh_task *task = NULL;
    clh_error err = {0};
    if (clh_task_open(&task, config, &err))
        fail_msg("%s", err.message);
    return task;
}

/** A sequence in `room` [ROOM]. */
static inline clh_sequence sequence_in(uint32_t *room)
{
    return (clh_sequence){.tokens = room, .capacity = ROOM};
}

/** Its text into `out` [ROOM + 1]; returns `out`. */
static inline const char *sequence_text(const clh_task *task, const clh_sequence *sequence,
                                        char *out)
{
    char *text = NULL;
    assert_int_equal(clh_task_decode(task, sequence->tokens, sequence->length, &text, NULL), 0);
    (void)snprintf(out, ROOM + 1, "%s", text);
    clh_free(text);
    return out;
}

/** An allocator that gives memory `left` times and then none; `live` is what is not yet freed. */
typedef struct rationed {
    size_t left, live;
} rationed;

static inline void *rationed_allocate(void *context, size_t size)
{
    rationed *state = context;
    if (state->left == 0)
        return NULL;
    state->left--;
    state->live++;
    return aligned_alloc(64, (size / 64 + 1) * 64);
}

static inline void rationed_release(void *context, void *memory)
{
    rationed *state = context;
    state->live--;
    free(memory);
}

/** Opens the task with 0, 1, 2 … allocations to be had: each time it ends with CLH_ENOMEM, a
 *  message and nothing left behind, until there are enough; returns how many that was. */
static inline size_t assert_survives_want(const clh_task_config *config)
{
    rationed state = {0};
    clh_allocator allocator = {rationed_allocate, rationed_release, &state};
    size_t enough = 0;
    clh_allocator_set(&allocator);
    for (;; enough++) {
        clh_task *task = NULL;
        clh_error err = {0};
        state = (rationed){.left = enough};
        clh_status status = clh_task_open(&task, config, &err);
        clh_task_close(task);
        assert_int_equal(state.live, 0);
        if (status == CLH_OK)
            break;
        assert_fails(status, CLH_ENOMEM, &err, "out of memory");
    }
    clh_allocator_set(NULL);
    return enough;
}

#endif
