/** The sequences that edits take numbers from, by their length.
 *
 *    clh_reference reference = {0};
 *    if (clh_reference_open(&reference, sample, err)) ...
 *    const clh_reference_group *group = clh_reference_of(&reference, 26);
 *
 *  The caller owns the struct; the sample is borrowed.
 */
#ifndef CLH_REFERENCE_H
#define CLH_REFERENCE_H

#include "clearhead/sample.h"

/** Sequences of one length. */
typedef struct clh_reference_group {
    size_t length, count;
    const size_t *member; /**< [count] their places in the sample, ascending */
} clh_reference_group;

typedef struct clh_reference {
    const clh_sample *sample;
    clh_reference_group *group; /**< [count], ascending by length */
    size_t count;
    size_t *member; /**< what the groups' point into */
} clh_reference;

clh_status clh_reference_open(clh_reference *out, const clh_sample *sample, clh_error *err);

/** The group that stands in for sequences of `length`: of that length or the least longer; NULL when
 *  all are shorter. */
const clh_reference_group *clh_reference_of(const clh_reference *reference, size_t length);

/** One of its members as far as `length`, drawn with replacement by Philox: the same for the same
 *  (seed, index). There is a group. */
clh_tokens clh_reference_draw(const clh_reference *reference, size_t length, uint64_t seed,
                              size_t index);

/** Free what it owns. All zero is fine. */
void clh_reference_close(clh_reference *reference);

#endif
