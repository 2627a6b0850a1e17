/** Being stopped: what a function does with the watch it was given.
 *
 *    for (size_t i = 0; i < count && !status; i++) {
 *        status = clh_watch_check(watch, i, count, "sequences", err);
 *        ...
 *    }
 *
 *  CLH_STOPPED goes the way of every other failure, so what is stopped frees what it has as after
 *  one.
 */
#ifndef CLH_STOP_H
#define CLH_STOP_H

#include "base/base.h"
#include "clearhead/watch.h"

/** Tell `watch` (may be NULL) that `done` of `count` are done. CLH_STOPPED when it says so, with
 *  the line "stopped after `done` of `count` `what`". */
clh_status clh_watch_check(const clh_watch *watch, size_t done, size_t count, const char *what,
                           clh_error *err);

#endif
