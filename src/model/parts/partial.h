/** A partial pass: the walk of a whole one, over what writes can have changed and nothing else.
 *
 *  Each activation has two windows of positions. `changed`: what may differ from what the cache held
 *  before the pass; it is computed. `edited`, within it: what may differ from the plain pass when
 *  this pass has ended, because of its own writes; the rest of `changed` is the last pass undone.
 *  Both grow along the walk as pass.h says. At an activation, after its window was computed:
 *
 *    1. rows that the last pass wrote are put back, where they were not computed just now;
 *    2. rows that are about to be written are kept, but those of `edited`: the next pass computes
 *       these again, as its `changed` holds this pass's `edited`;
 *    3. they are written, in the order of the writes.
 *
 *  So after the walk the cache holds what a whole pass with the same writes in flight would, and
 *  the plain number of every row is either in the cache, or kept, or follows from those that are.
 */
#ifndef CLH_PARTIAL_H
#define CLH_PARTIAL_H

#include "model/parts/pass.h"

typedef struct clh_reach {
    clh_window changed, edited;
} clh_reach;

typedef struct clh_partial {
    clh_reach of[CLH_A_COUNT]; /**< of the layer being computed */
    clh_window wanted;         /**< positions whose logits are asked for */
    const clh_write *write;    /**< those that are still to be made … */
    size_t writes;
    clh_undo *undo; /**< NULL: the caller wrote, and puts back (clh_forward_from()) */
    const clh_row_place
        *next;  /**< the next activation with rows to write or put back; NULL: none */
    bool begun; /**< the first of them has been reached: before, all windows are empty */
} clh_partial;

static inline bool clh_partial_is_next(const clh_partial *p, size_t id, size_t layer)
{
    return p->next && p->next->id == id && p->next->layer == layer;
}

/** Whether anything before (id, layer), or it itself, can have changed. */
static inline bool clh_partial_reached(const clh_partial *p, size_t id, size_t layer)
{
    return p->begun || clh_partial_is_next(p, id, layer);
}

/** clh_pass_due(), clh_pass_due_keys() and clh_pass_due_first() in a partial pass. Rows are written
 *  here where nothing is to be computed. */
bool clh_partial_due(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id a, clh_act_id b);
bool clh_partial_due_keys(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id own,
                          clh_act_id keys);
void clh_partial_first(clh_pass *pass, clh_act_id out, size_t layer);

/** Write and put back rows of an activation that is next, and whose window is computed. */
void clh_partial_write(clh_pass *pass, clh_act_id id, size_t layer);

/** Look for the next activation with rows to write or put back: before the walk, and when those of one are made. */
void clh_partial_find_next(clh_partial *partial, const clh_blob *values);

/** How many heads rows of an activation have. */
size_t clh_partial_heads(const clh_blob *values, size_t activation);

/** To the next layer: of all windows only that of its resid_pre stays. That of hook_pos_embed, which every
 *  layer of a shortformer reads, lies within it since the first. */
void clh_partial_go_up(clh_partial *partial);

#endif
