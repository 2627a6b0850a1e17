/** Brings files into their places while training goes on. A disk takes about a millisecond to say that
 *  it has a file, a slow one a hundred times that; a step may take half of one.
 *
 *    clh_keeper_give(keeper, log, log_path, files, 2);     // written, now to be synced and renamed
 *    ...                                                   // steps
 *    status = clh_keeper_wait(keeper, err);                // they are there, or why not
 */
#ifndef CLH_KEEPER_H
#define CLH_KEEPER_H

#include "base/platform/file.h"

typedef struct clh_keeper clh_keeper;

clh_status clh_keeper_open(clh_keeper **out, clh_error *err);

/** Take over `count` files: on a thread of its own `log` is synced, then one file after the other
 *  brought into its place; from the first failure on nothing more. What was given before has been
 *  waited for. `log_path`, for a message, is borrowed until the next wait. Where no thread can be
 *  had it is all done here. */
void clh_keeper_give(clh_keeper *keeper, int log, const char *log_path, clh_file *const files[],
                     size_t count);

/** Whether something was given and not waited for yet. */
bool clh_keeper_busy(const clh_keeper *keeper);

/** Wait for what was given: CLH_EIO naming the first that failed. At once when there is nothing. */
clh_status clh_keeper_wait(clh_keeper *keeper, clh_error *err);

/** Wait, and free. NULL is fine. */
void clh_keeper_close(clh_keeper *keeper);

#endif
