/** A certificate by bounds, of one thread and of two, and one by a forward pass of every input: the same rows,
 *  counterexamples, with `histogram` the same histogram.
 *
 *    const uint64_t failures = both_ways(model, task, CLH_DOMAIN_TUPLES, true);
 */
#ifndef CLH_BOTH_WAYS_H
#define CLH_BOTH_WAYS_H

#include "clearhead/certify.h"
#include "clearhead/model.h"

/** How many inputs fail. The test fails where the ways differ. */
uint64_t both_ways(const clh_model *model, const clh_task *task, clh_domain_kind domain,
                   bool histogram);

#endif
