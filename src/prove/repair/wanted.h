/** The pattern of positions that a repair is to make true, and how far a model is from it.
 *
 *    clh_wanted wanted = {0};
 *    if (clh_wanted_open(&wanted, model, task, &asked, &options, how, &err)) ...
 *    clh_wanted_distance(&mean, &most, &wanted);                        // of the model as it is
 *    if (clh_wanted_attention(wanted.attention, repaired, &asked, how, &err)) ...
 *    clh_wanted_distance(&mean, &most, &wanted);                        // of the repaired one
 *    clh_wanted_deinit(&wanted);
 */
#ifndef CLH_PROVE_WANTED_H
#define CLH_PROVE_WANTED_H

#include "clearhead/repair.h"
#include "prove/tables/letters.h"

typedef struct clh_wanted {
    size_t length;
    double *pattern; /**< [length, length]: row i of the query at position i */
    bool *given;     /**< [length]: the queries of scored predictions */
    double *
        attention; /**< [length, length]: a model's mean over all choices of letters, of these queries */
} clh_wanted;

/** What options->by, CLH_REPAIR_PATTERN or behind it, makes of a model that clh_tables_objection() takes.
 *  Errors of clh_repair(). */
clh_status clh_wanted_open(clh_wanted *out, const clh_model *model, const clh_task *task,
                           const clh_letters_asked *asked, const clh_repair_options *options,
                           const clh_how *how, clh_error *err);
void clh_wanted_deinit(clh_wanted *wanted);

/** The mean attention of a model into `out`, as `attention` has it: CLH_ENOMEM, CLH_ENUMERIC, CLH_STOPPED. */
clh_status clh_wanted_attention(double *out, const clh_model *model, const clh_letters_asked *asked,
                                const clh_how *how, clh_error *err);

/** Half the sum of |attention - wanted| over keys: mean over the queries, and the largest. */
void clh_wanted_distance(double *mean, double *most, const clh_wanted *wanted);

#endif
