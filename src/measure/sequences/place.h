/** Where positions stand in a task of terms and slots, and the destinations that predict a slot.
 *
 *    clh_place *at = clh_alloc_zeroed(pos, sizeof *at, err);
 *    if (clh_places_find(at, task, pos) == 0) ...            // no position stands in a term
 */
#ifndef CLH_PLACE_H
#define CLH_PLACE_H

#include "clearhead/sample.h"

/** Term and slot, from 1; 0 for what is no letter of a term. */
typedef struct clh_place {
    size_t term, slot;
} clh_place;

/** Places of the positions 0 … pos-1 of a sequence of that length, by the task's labels; returns
 *  how many stand in a term. `task` may be NULL. */
size_t clh_places_find(clh_place *at, const clh_task *task, size_t pos);

/** Levels of a source's slot, the same in every sequence of a sample of one length: its slot less
 *  1, or CLH_SLOTS_MAX and its kind of token, into out [length]. */
clh_status clh_key_slots(uint32_t *out, const clh_sample *sample, clh_error *err);

enum { CLH_KEY_SLOTS = CLH_SLOTS_MAX + CLH_TOKEN_KINDS };

/** The kinds of destinations of a sample whose sequences have one length: those that predict slot
 *  1, 2, …, a space, the period, anything else; only those there are, in this order. group[p] is
 *  the kind of the destination that predicts position p, for scored p. */
clh_status clh_slots_find(clh_slots *out, uint32_t *group, const clh_sample *sample,
                          clh_error *err);

#endif
