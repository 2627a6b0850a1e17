/** Being stopped: what a function does with the watch it was given. On one thread:
 *
 *    for (size_t i = 0; i < count && !status; i++) {
 *        status = clh_watch_check(watch, i, count, "sequences", err);
 *        ...
 *    }
 *
 *  On several, where the thread that asked looks at the watch and the others at what it said:
 *
 *    clh_stop stop;
 *    clh_stop_init(&stop, watch, count, "sequences");
 *    clh_pool_run_watched(pool, count, work, context, &stop);   // each task ends with
 *    status = clh_stop_end(&stop, err);                         // clh_stop_step(&stop)
 *
 *  What calls something that takes a watch of its own hands it a part:
 *
 *    clh_watch_part part;
 *    inner(..., clh_watch_part_of(&part, watch, i, 1, count), err);
 *
 *  CLH_STOPPED goes the way of every other failure, so what is stopped frees what it has as after
 *  one. What has ended tells the watch once more that all is done, and is stopped even then.
 */
#ifndef CLH_STOP_H
#define CLH_STOP_H

#include <stdatomic.h>

#include "base/base.h"
#include "clearhead/watch.h"

/** Threads to use, 1 where none are named, and the watch, NULL where there is none. */
static inline size_t clh_how_threads(const clh_how *how)
{
    return how && how->threads ? how->threads : 1;
}

static inline const clh_watch *clh_how_watch(const clh_how *how)
{
    return how ? how->watch : NULL;
}

/** Tell `watch` (may be NULL) that `done` of `count` are done. CLH_STOPPED when it says so, with
 *  the line "stopped after `done` of `count` `what`". */
clh_status clh_watch_check(const clh_watch *watch, size_t done, size_t count, const char *what,
                           clh_error *err);

/** Set `bytes` of memory to 0, looking at `watch` in between: to take hold of memory takes its time.
 *  `done` of `count` as above. */
clh_status clh_watch_zero(void *memory, size_t bytes, const clh_watch *watch, size_t done,
                          size_t count, const char *what, clh_error *err);

/** A watch that is told of a part what the watch of the whole is told as that much of the whole. */
typedef struct clh_watch_part {
    clh_watch watch;
    const clh_watch *whole;
    size_t begin, width, count;
} clh_watch_part;

/** The watch of steps begin … begin+width-1 of `count`, kept in `part`, which must last as long;
 *  NULL where `whole` is. A width of 0: what comes before step `begin`, or after the last, and takes
 *  its time too. */
const clh_watch *clh_watch_part_of(clh_watch_part *part, const clh_watch *whole, size_t begin,
                                   size_t width, size_t count);

/** A watch over what several threads do. */
typedef struct clh_stop {
    const clh_watch *watch; /**< may be NULL */
    const char *what;       /**< of what there are `count`: "sequences"; borrowed */
    size_t count;
    atomic_size_t done; /**< steps ended, whoever did them */
    atomic_bool said;   /**< to stop */
    clh_watch inner[2]; /**< for what tasks call: of the thread that asked, of the others */
} clh_stop;

/** Make one; it must stay where it is. */
void clh_stop_init(clh_stop *stop, const clh_watch *watch, size_t count, const char *what);

/** The thread that asked: tell the watch how far it is. True from the time it says stop. */
bool clh_stop_ask(clh_stop *stop);

/** Any thread: whether it was said. */
bool clh_stop_said(const clh_stop *stop);

/** Worker `worker` of a pool, in a long task or before one: the caller (0) asks, others look whether
 *  it was said. */
bool clh_stop_now(clh_stop *stop, size_t worker);

/** Any thread: one more step is done. */
void clh_stop_step(clh_stop *stop);

/** The watch for what worker `worker` of a pool calls: the caller's (0) is told that nothing more is
 *  done yet, the others' only passes on what was said. */
const clh_watch *clh_stop_watch(const clh_stop *stop, size_t worker);

/** CLH_OK, or CLH_STOPPED with the line of clh_watch_check(). */
clh_status clh_stop_status(const clh_stop *stop, clh_error *err);

/** The thread that asked, when nothing is left to do: tells the watch once more, then the same. */
clh_status clh_stop_end(clh_stop *stop, clh_error *err);

#endif
