/** Being told how far something is that takes its time.
 *
 *    static void show(size_t done, size_t count, void *user)
 *    {
 *        printf("%zu of %zu\r", done, count);
 *    }
 *    ...
 *    clh_evaluation evaluation = {0};
 *    const clh_watch watch = {.progress = show};
 *    if (clh_evaluate(&evaluation, model, task, CLH_SPLIT_TEST, 0, 20, 1, &watch, &err)) ...
 *    clh_evaluation_deinit(&evaluation);
 */
#ifndef CLEARHEAD_WATCH_H
#define CLEARHEAD_WATCH_H

#include <stddef.h>

#include "clearhead/api.h"

CLH_BEGIN_DECLS

/** Told how far something is that takes its time. */
typedef struct clh_watch {
    void (*progress)(size_t done, size_t count, void *user); /**< before step `done` of `count` */
    void *user;
} clh_watch;

/** Tell `watch`, which may be NULL. */
static inline void clh_watch_call(const clh_watch *watch, size_t done, size_t count)
{
    if (watch && watch->progress)
        watch->progress(done, count, watch->user);
}

CLH_END_DECLS

#endif
