/** Attention on one sequence, for questions that look at a single pattern.
 *
 *    clh_attended a = {0};
 *    if (clh_attended_open(&a, out, s, &set->given, layer, head, err)) ...
 *    a.pattern[(head * a.pos + i) * a.pos + j]            // lives as long as the result
 *    clh_attended_deinit(&a);
 */
#ifndef CLH_ATTENDED_H
#define CLH_ATTENDED_H

#include "ask/shared/given.h"
#include "measure/sequences/symbols.h"

typedef struct clh_attended {
    size_t heads, pos;
    const clh_real *pattern;  /**< [heads, pos, pos] of the layer; the result's */
    const char *const *token; /**< [pos] symbols */
    const char *const *label; /**< [pos] "symbol,position" */
    clh_symbols symbols;      /**< owned, as all below */
    char **labels;
    clh_batch batch;
} clh_attended;

/** One plain pass of the given sequence, or of the first held-out one; stamps what it is. CLH_ERANGE
 *  for a layer or head that there is not; errors of clh_given_open() and clh_forward(). */
clh_status clh_attended_open(clh_attended *out, clh_result *result, clh_subject *s,
                             const clh_given *given, size_t layer, size_t head, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_attended_deinit(clh_attended *attended);

/** The last destination that does not predict what only ever closes a sequence: there is more to see
 *  in what is before it. */
size_t clh_attended_destination(const clh_task *task, size_t pos);

#endif
