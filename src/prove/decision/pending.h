/** Deciding by this library's own pass what a descent has left pending, of one worker.
 *
 *    clh_pending_pass pass = {0};
 *    clh_descent_position(&descent, position, &stop, worker);
 *    status = clh_pending_run(&pass, &descent);               // and of the next position
 *    clh_pending_deinit(&pass);
 */
#ifndef CLH_PROVE_PENDING_H
#define CLH_PROVE_PENDING_H

#include "prove/decision/descend.h"

typedef struct clh_pending_pass {
    clh_cache *cache; /**< NULL: nothing was pending so far */
    uint32_t *ids;    /**< [length] tokens of the sequence */
    /** [length] of each position the token whose key, value and score are there; UINT32_MAX: none. */
    uint32_t *key, *value, *scored;
    size_t position;            /**< of the query whose q and resid_pre are in the cache, */
    uint32_t token;             /**< and its token; UINT32_MAX: there is none */
    clh_real *scores, *pattern; /**< [length] of that query */
    clh_real *gathered, *turned, *fresh; /**< keys whose score is wanted, and these scores */
    size_t *which;                       /**< [length] their positions */
    clh_error error;                     /**< the first one; then nothing is run */
} clh_pending_pass;

/** Counts what is pending in what the descent has decided, and as failing; after it nothing is. */
clh_status clh_pending_run(clh_pending_pass *pass, clh_descent *descent);

/** Decide by interval arithmetic what the real function says of those that double precision left open, if
 *  they are not too many. Nothing without MPFI. ids [length] is borrowed. CLH_ENOMEM. */
clh_status clh_pending_enclose(clh_descent *descent, uint32_t *ids, clh_error *err);

void clh_pending_deinit(clh_pending_pass *pass);

#endif
