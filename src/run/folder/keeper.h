/** Brings checkpoints into their places while training goes on. A disk takes milliseconds to say that
 *  it has a file, a slow one a hundred times that; a step may take half of one.
 *
 *    if (clh_keeper_give(keeper, &(clh_kept){step, log, log_path, own, newest}, err)) ...
 *    ...                                                   // steps, and more checkpoints
 *    status = clh_keeper_wait(keeper, err);                // they are there, or why not
 *
 *  A checkpoint is two files that are written and not in their places yet: its own, which is of use alone,
 *  and a state, which says that one can go on from there, so that it comes after everything else. On a
 *  thread of its own the keeper takes all that were given meanwhile together:
 *
 *    log synced | own files synced | renamed | last states synced | folder synced | renamed | folder synced
 *
 *  so that after a power cut, too, a state has its own file beside it and the log before it. Of several
 *  taken together only the states of the last two come into their places: the newest, and one to go on
 *  from should that be damaged. From the first failure on nothing more is brought into place; the newest is
 *  then the last one before it.
 */
#ifndef CLH_KEEPER_H
#define CLH_KEEPER_H

#include "base/platform/file.h"

typedef struct clh_keeper clh_keeper;

/** A checkpoint to be kept. All of a keeper have their files in one folder. */
typedef struct clh_kept {
    size_t step;
    int log;              /**< to be synced before it; borrowed until it was waited for */
    const char *log_path; /**< for a message; borrowed likewise */
    clh_file *own, *state;
} clh_kept;

clh_status clh_keeper_open(clh_keeper **out, clh_error *err);

/** Take over a checkpoint's files. Waits only while as many as it holds, 8, are under way. On failure,
 *  which is that of one given before, the files are gone. Where no thread can be had it is all done
 *  here. */
clh_status clh_keeper_give(clh_keeper *keeper, const clh_kept *kept, clh_error *err);

/** Wait for all that was given: CLH_EIO naming the first that failed, which is said once. At once when
 *  there is nothing. */
clh_status clh_keeper_wait(clh_keeper *keeper, clh_error *err);

/** The next checkpoint whose state was seen to be in its place, by give and wait, into *step, in their
 *  order; false, *step untouched, when there is none that was not told. At most 16 are remembered. */
bool clh_keeper_next(clh_keeper *keeper, size_t *step);

/** Wait, and free. NULL is fine. */
void clh_keeper_close(clh_keeper *keeper);

#endif
