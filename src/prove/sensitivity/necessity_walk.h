/** Going through all choices of letters of a query, of many models at once: where does a model without a
 *  part predict another token than the whole one?
 *
 *    clh_necessity_walk walk = {.changed = changed, .doubtful = doubtful};
 *    if (clh_removed_walk_open(&walk.models, &tables, task, by, CLH_MODELS, &err)) ...
 *    clh_necessity_walk_position(&walk, position, &stop, worker);
 *    clh_removed_walk_deinit(&walk.models);
 */
#ifndef CLH_NECESSITY_WALK_H
#define CLH_NECESSITY_WALK_H

#include "prove/decision/failures.h"
#include "prove/sensitivity/removed_walk.h"

typedef struct clh_necessity_walk {
    clh_removed_walk models;
    clh_failures
        *changed; /**< [CLH_NECESSITY_PARTS]: inputs that change for certain; shared by workers */
    clh_failures *doubtful; /**< and those that may */
} clh_necessity_walk;

/** Every input's prediction at the query at `position`. */
void clh_necessity_walk_position(clh_necessity_walk *walk, size_t position, clh_stop *stop,
                                 size_t worker);

#endif
