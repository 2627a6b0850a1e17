/** Rows of the plain pass that writes stand in, as they were: what clh_forward_writes() puts back.
 *
 *      the last pass wrote here        this pass comes by, activation after activation
 *
 *      held: q [0, 122)                clh_undo_put_back()   those rows are the plain ones again
 *                                      clh_undo_keep()       rows that this pass is about to write
 *                                      clh_undo_leave()      the next activation
 *                                      clh_undo_turn()       kept is held, at the end
 *
 *  Invariants: `held` and `kept` ascend by activation; a row is in `held` when a write of the last
 *  pass stands there and nothing before that write could have changed it, so that the plain number
 *  is nowhere else. What was computed behind a write is not kept: it is computed again. So there is
 *  never a second cache, only what was overwritten. Blocks that fell free are used again; more than
 *  SPARE_MOST bytes of them are given back. All zero is a valid, empty one.
 */
#ifndef CLH_UNDO_H
#define CLH_UNDO_H

#include "model/memory/blob.h"
#include "model/memory/window.h"

/** Rows of an activation of one sequence: positions (of scores and pattern queries) and heads;
 *  where there are none, head 0. */
typedef struct clh_rows_at {
    size_t activation;
    clh_window at, heads;
} clh_rows_at;

typedef struct clh_block {
    clh_real *data;
    size_t capacity; /**< numbers */
} clh_block;

typedef struct clh_kept {
    clh_rows_at rows;
    clh_block block; /**< data NULL: taken over by another */
} clh_kept;

typedef struct clh_kept_list {
    clh_kept *item;
    size_t count, capacity;
} clh_kept_list;

enum { CLH_SPARE_BLOCKS = 16 };

typedef struct clh_undo {
    clh_kept_list held, kept;
    size_t first, next; /**< held [first, next): of the activation at hand */
    clh_block spare[CLH_SPARE_BLOCKS];
    clh_window wanted; /**< positions whose logits the last pass renewed; none: nothing is held */
} clh_undo;

/** The activation that is put back next; SIZE_MAX: none is left. */
static inline size_t clh_undo_next(const clh_undo *undo)
{
    return undo->next < undo->held.count ? undo->held.item[undo->next].rows.activation : SIZE_MAX;
}

/** Put back what is held of `activation`, which is that of clh_undo_next() or has nothing, but for
 *  positions `computed` anew. Returns the hull of the positions held. */
clh_window clh_undo_put_back(clh_undo *undo, const clh_blob *values, size_t activation,
                             clh_window computed);

/** Keep rows of the activation at hand as they are now. */
clh_status clh_undo_keep(clh_undo *undo, const clh_blob *values, clh_rows_at rows, clh_error *err);

/** Done with the activation at hand. */
void clh_undo_leave(clh_undo *undo);

/** The pass has ended: what was kept is held. */
void clh_undo_turn(clh_undo *undo);

/** Nothing is held: another pass fills the cache. */
void clh_undo_forget(clh_undo *undo);

/** Numbers held. */
size_t clh_undo_count(const clh_undo *undo, const clh_blob *values);

/** Free. All zero is fine. */
void clh_undo_deinit(clh_undo *undo);

#endif
