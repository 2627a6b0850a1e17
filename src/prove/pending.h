/** Deciding by this library's own pass what a descent has left pending, of one worker.
 *
 *    clh_pending_pass pass = {0};
 *    clh_descent_position(&descent, position, &stop, worker);
 *    status = clh_pending_run(&pass, &descent);               // and of the next position
 *    clh_pending_deinit(&pass);
 */
#ifndef CLH_PROVE_PENDING_H
#define CLH_PROVE_PENDING_H

#include "prove/descend.h"

typedef struct clh_pending_pass {
    clh_cache *cache;    /**< NULL: nothing was pending so far */
    uint32_t *ids, *row; /**< tokens of the sequence; of the keys that are there */
    size_t rows;
    clh_error error; /**< the first one; then nothing is run */
} clh_pending_pass;

/** Counts what is pending in what the descent has decided, and as failing; after it nothing is. */
clh_status clh_pending_run(clh_pending_pass *pass, clh_descent *descent);

/** Decide by interval arithmetic what the real function says of those that double precision left open, if
 *  they are not too many. Nothing without MPFI. ids [length] is borrowed. CLH_ENOMEM. */
clh_status clh_pending_enclose(clh_descent *descent, uint32_t *ids, clh_error *err);

void clh_pending_deinit(clh_pending_pass *pass);

#endif
