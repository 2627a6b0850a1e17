/** Going through all choices of letters of a query, of many models at once: where does a model without a
 *  part predict another token than the whole one?
 *
 *    clh_necessity_walk walk = {0};
 *    if (clh_necessity_walk_open(&walk, &tables, task, by, changed, doubtful, &err)) ...
 *    clh_necessity_walk_position(&walk, position, &stop, worker);
 *    clh_necessity_walk_deinit(&walk);
 */
#ifndef CLH_NECESSITY_WALK_H
#define CLH_NECESSITY_WALK_H

#include "prove/failures.h"
#include "prove/removed.h"

enum { CLH_LEVELS = CLH_CERTIFY_LETTERS + 1 };

/** Over the slots from a level on, of one model: sums of ends of columns. */
typedef struct clh_necessity_ends {
    double *least, *most; /**< [outputs] */
    double *low, *high;   /**< [outputs], with the slack of a row taken off, or added */
} clh_necessity_ends;

typedef struct clh_necessity_walk {
    clh_removed rows;
    clh_failures *changed;  /**< [CLH_NECESSITY_PARTS]: inputs that change for certain */
    clh_failures *doubtful; /**< and those that may */
    double *sum[CLH_LEVELS][CLH_MODELS]; /**< [columns]: base and rows of the levels before */
    clh_necessity_ends ends[CLH_LEVELS][CLH_MODELS];
    double *ends_room, *total;
} clh_necessity_walk;

/** `changed` and `doubtful` are shared by all workers. */
clh_status clh_necessity_walk_open(clh_necessity_walk *walk, const clh_tables *tables,
                                   const clh_task *task, clh_removal by, clh_failures *changed,
                                   clh_failures *doubtful, clh_error *err);
void clh_necessity_walk_deinit(clh_necessity_walk *walk);

/** Every input's prediction at the query at `position`. */
void clh_necessity_walk_position(clh_necessity_walk *walk, size_t position, clh_stop *stop,
                                 size_t worker);

#endif
