/** The causal suite on held-out sequences and on every other kind of input that a task has.
 *
 *    const clh_causal_asked ask = {model, sample, seed, .others = 500};
 *    if (clh_causal_inputs(&ask, show, user, &how, &err)) ...          // show(): each kind of input
 */
#ifndef CLH_CAUSAL_INPUTS_H
#define CLH_CAUSAL_INPUTS_H

#include "clearhead/causal.h"
#include "clearhead/variant.h"

typedef struct clh_causal_asked {
    const clh_model *model;   /**< borrowed, as all here */
    const clh_sample *sample; /**< held-out: means, and others, come from these */
    const clh_task *task;
    uint64_t seed;
    size_t others; /**< sequences of each other kind; 0: none of these */
} clh_causal_asked;

/** One kind of input. */
typedef struct clh_causal_seen {
    const char *input, *text; /**< NULL: held-out sequences */
    const char *why; /**< the task has none of these, and nothing below is there; else NULL */
    const clh_sample *sample;
    const clh_causal_result *result; /**< what was left out */
    const clh_causal_row *row;       /**< [CLH_INTERVENTIONS] */
} clh_causal_seen;

typedef void clh_causal_visit(const clh_causal_seen *seen, void *user);

/** Visit the held-out sequences, then each other kind. Errors of clh_causal_open(), clh_causal_run() and
 *  clh_causal_rows(). */
clh_status clh_causal_inputs(const clh_causal_asked *ask, clh_causal_visit *visit, void *user,
                             const clh_how *how, clh_error *err);

#endif
