/** How something that takes its time is done: with how many threads, and who is told how far it is and
 *  may stop it.
 *
 *    static bool show(size_t done, size_t count, void *user)
 *    {
 *        printf("%zu of %zu\r", done, count);
 *        return !*(const bool *)user;                      // false: stop
 *    }
 *    ...
 *    bool wants_to_stop = false;
 *    clh_evaluation evaluation = {0};
 *    const clh_watch watch = {.progress = show, .user = &wants_to_stop};
 *    const clh_how how = {.threads = 2, .watch = &watch};
 *    if (clh_evaluate(&evaluation, model, task, CLH_SPLIT_TEST, 0, 20, &how, &err)) ...
 *    clh_evaluation_deinit(&evaluation);
 *
 *  What is stopped returns CLH_STOPPED with a line that says how far it was; it has freed what it
 *  had, and what it was to fill in is as after any other failure. Asking again gives the same
 *  numbers as if nothing had been.
 */
#ifndef CLEARHEAD_WATCH_H
#define CLEARHEAD_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "clearhead/api.h"

CLH_BEGIN_DECLS

/** Told how far something is; may stop it. Plain values, borrowed while the call lasts. */
typedef struct clh_watch {
    /** `done` of `count` steps are done; more than once for the same `done` where a step is long.
     *  False: stop. Called by the thread that asked, never by another. May be NULL. */
    bool (*progress)(size_t done, size_t count, void *user);
    void *user; /**< handed on */
} clh_watch;

/** How something is done: changes no byte of what comes out. Where one is asked for, NULL stands for
 *  one thread and no watch. */
typedef struct clh_how {
    size_t threads;         /**< 0 stands for 1 */
    const clh_watch *watch; /**< may be NULL */
} clh_how;

/** Tell `watch`, which may be NULL; false when it says stop. */
static inline bool clh_watch_call(const clh_watch *watch, size_t done, size_t count)
{
    return !watch || !watch->progress || watch->progress(done, count, watch->user);
}

CLH_END_DECLS

#endif
