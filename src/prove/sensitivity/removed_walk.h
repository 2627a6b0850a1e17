/** Going through the choices of letters of a query: sums of rows of the slots that have letters, and what is so
 *  whatever the letters of the others.
 *
 *    clh_removed_walk walk = {0};
 *    if (clh_removed_walk_open(&walk, &tables, task, by, models, &err)) ...
 *    clh_removed_walk_token(&walk, token);                   // after clh_removed_place(&walk.rows, position)
 *    clh_removed_walk_deinit(&walk);
 *
 *  Of models 0 … models-1 of the rows (removed.h).
 */
#ifndef CLH_REMOVED_WALK_H
#define CLH_REMOVED_WALK_H

#include "prove/sensitivity/removed.h"

enum { CLH_LEVELS = CLH_CERTIFY_LETTERS + 1 };

/** Over the slots from a level on, of one model: sums of ends of columns. */
typedef struct clh_removed_ends {
    double *least, *most; /**< [outputs] */
    double *low, *high;   /**< [outputs], with the slack of a row taken off, or added */
} clh_removed_ends;

typedef struct clh_removed_walk {
    clh_removed rows;
    double *sum[CLH_LEVELS][CLH_MODELS]; /**< [columns]: base and rows of the levels before */
    clh_removed_ends ends[CLH_LEVELS][CLH_MODELS];
    double *ends_room, *total;
} clh_removed_walk;

/** Where a walk stands: which slots have letters; of each model that is still open the tokens that may yet
 * be ahead of `target`. */
typedef struct clh_removed_node {
    unsigned mask;
    size_t level;
    uint8_t letters[CLH_CERTIFY_LETTERS];
    uint32_t
        target; /**< what the whole model predicts, as far as it is known; UINT32_MAX: nothing is */
    bool certain;  /**< whatever the letters that are left */
    unsigned open; /**< models that are not decided, as a set; never model 0 */
    uint8_t count[CLH_MODELS], rivals[CLH_MODELS][CLH_OUTPUTS_MOST];
} clh_removed_node;

typedef enum clh_removed_verdict {
    CLH_REMOVED_HOLDS,
    CLH_REMOVED_FAILS,
    CLH_REMOVED_OPEN
} clh_removed_verdict;

clh_status clh_removed_walk_open(clh_removed_walk *walk, const clh_tables *tables,
                                 const clh_task *task, clh_removal by, size_t models,
                                 clh_error *err);
void clh_removed_walk_deinit(clh_removed_walk *walk);

/** The query's token; where the walk begins. */
clh_removed_node clh_removed_walk_token(clh_removed_walk *walk, uint32_t token);

/** The node with letter x in its level's slot; sums of the models of `open`, and of model 0. */
clh_removed_node clh_removed_walk_letter(clh_removed_walk *walk, const clh_removed_node *at,
                                         size_t x);

/** Which token the sums of a whole choice make largest, in `total` [columns]; false where another is as
 *  good as equal. */
bool clh_removed_predict(const clh_removed *rows, const double *total, uint32_t *says);

/** The same of model m, when all letters are there and the sums of the last level but one. */
bool clh_removed_predict_last(clh_removed_walk *walk, const clh_removed_node *at, size_t m,
                              uint32_t *says);

/** Take what the whole model predicts for the first choice that is left for the target; with another one
 *  every token is its rival again. */
void clh_removed_walk_aim(clh_removed_walk *walk, clh_removed_node *at);

/** Whether a model predicts the target whatever the letters that are left; leaves those tokens among the
 *  rivals that may be ahead of it. */
clh_removed_verdict clh_removed_decide(const clh_removed_walk *walk, clh_removed_node *at,
                                       size_t m);

/** Of the last slot's letter x: whether the target is ahead of every rival, HOLDS, or behind one, FAILS. */
clh_removed_verdict clh_removed_decide_last(const clh_removed_walk *walk,
                                            const clh_removed_node *at, size_t m, size_t x);

#endif
