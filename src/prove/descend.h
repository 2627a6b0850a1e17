/** Deciding the predictions of one query for every input: a bound for all letters of the slots that
 *  remain; where it does not decide, the same with one slot more fixed.
 */
#ifndef CLH_PROVE_DESCEND_H
#define CLH_PROVE_DESCEND_H

#include "prove/failures.h"
#include "prove/query.h"

/** A prediction that only a forward pass can decide, and what the real function says of it. */
typedef struct clh_pending {
    uint32_t position; /**< of the query */
    uint8_t letters[CLH_CERTIFY_LETTERS];
    bool right, decided;
} clh_pending;

/** What one worker counts; sums over workers and queries are the result. */
typedef struct clh_decided {
    uint64_t tokens[CLH_CERTIFY_CLASSES]; /**< predictions that fail */
    uint64_t undecided, exact;
    uint64_t by_depth[CLH_CERTIFY_LETTERS + 1];
    clh_pending *pending;
    size_t pending_count, pending_room;
    clh_status status;
} clh_decided;

typedef struct clh_descent {
    clh_query query;
    clh_failures *failures;
    clh_decided decided;
    uint64_t failed; /**< predictions of the query's position that fail */
    size_t order[CLH_CERTIFY_LETTERS], slots; /**< free slots, the target's first */
    clh_real *base[CLH_CERTIFY_LETTERS + 1];  /**< [columns] of each level */
    /** Over the slots from a level on: [columns] each, the ends of rows, and of rows with their slack. */
    clh_real *least[CLH_CERTIFY_LETTERS + 1], *most[CLH_CERTIFY_LETTERS + 1];
    clh_real *low[CLH_CERTIFY_LETTERS + 1], *high[CLH_CERTIFY_LETTERS + 1];
} clh_descent;

clh_status clh_descent_open(clh_descent *out, const clh_tables *tables, clh_failures *failures,
                            clh_error *err);
void clh_descent_deinit(clh_descent *descent);

/** Every input's prediction at the query at `position`. */
void clh_descent_position(clh_descent *descent, size_t position, clh_stop *stop, size_t worker);

#endif
