/** The next token, chosen from a row of logits.
 *
 *    clh_chooser chooser = {0};
 *    if (clh_chooser_open(&chooser, &choice, n, &err)) ...
 *    ids[have] = clh_chooser_next(&chooser, logits, have);
 *    clh_chooser_deinit(&chooser);
 *
 *  What is drawn is a function of the choice (its seed and text), the logits and the position alone.
 *  The caller owns the struct.
 */
#ifndef CLH_CHOOSE_H
#define CLH_CHOOSE_H

#include "clearhead/model.h"

typedef struct clh_candidate {
    clh_real logit;
    uint32_t token;
    double weight;
} clh_candidate;

typedef struct clh_chooser {
    clh_choice choice;
    size_t n;
    clh_candidate *candidate; /**< [n]; NULL where the most likely is taken */
} clh_chooser;

/** For rows of `n` logits; `choice` NULL: the most likely. CLH_ERANGE for a choice that cannot be,
 *  naming what was wanted; CLH_ENOMEM. */
clh_status clh_chooser_open(clh_chooser *out, const clh_choice *choice, size_t n, clh_error *err);

/** The first of the largest where nothing is drawn, or a logit is not a number. */
uint32_t clh_chooser_next(const clh_chooser *chooser, const clh_real *logits, size_t position);

void clh_chooser_deinit(clh_chooser *chooser);

#endif
