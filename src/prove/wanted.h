/** The pattern of positions that a repair is to make true, and how far a model is from it.
 *
 *    clh_wanted wanted = {0};
 *    if (clh_wanted_open(&wanted, model, task, &asked, &options, how, &err)) ...
 *    if (clh_wanted_distance(&mean, &most, &wanted, model, &asked, how, &err)) ...
 *    clh_wanted_deinit(&wanted);
 */
#ifndef CLH_PROVE_WANTED_H
#define CLH_PROVE_WANTED_H

#include "clearhead/repair.h"
#include "prove/letters.h"

typedef struct clh_wanted {
    size_t length;
    double *pattern; /**< [length, length]: row i of the query at position i */
    bool *given;     /**< [length]: the queries of scored predictions */
} clh_wanted;

/** What options->by, CLH_REPAIR_PATTERN or behind it, makes of a model that clh_tables_objection() takes.
 *  Errors of clh_repair(). */
clh_status clh_wanted_open(clh_wanted *out, const clh_model *model, const clh_task *task,
                           const clh_letters_asked *asked, const clh_repair_options *options,
                           const clh_how *how, clh_error *err);
void clh_wanted_deinit(clh_wanted *wanted);

/** Half the sum of |attention - wanted| over keys, attention being the mean over all choices of letters: mean
 *  over the queries, and the largest. */
clh_status clh_wanted_distance(double *mean, double *most, const clh_wanted *wanted,
                               const clh_model *model, const clh_letters_asked *asked,
                               const clh_how *how, clh_error *err);

#endif
