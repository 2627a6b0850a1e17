/** Which inputs fail: sets of letters in some of the slots, whatever stands in the others.
 *
 *    clh_failures failures = {0};
 *    if (clh_failures_open(&failures, &asked, &err)) ...
 *    clh_failures_add(&failures, letters, mask);            // from any thread
 *    clh_failures_count(&failures, count, keep, most, &kept);
 *    clh_failures_deinit(&failures);
 */
#ifndef CLH_PROVE_FAILURES_H
#define CLH_PROVE_FAILURES_H

#include <stdatomic.h>

#include "prove/tables/letters.h"

enum { CLH_MASKS = 1 << 6 /**< of the slots of an input that is decided by bounds: at most 6 */ };

typedef struct clh_failures {
    const clh_letters_asked *asked;
    _Atomic(uint64_t) *bits[CLH_MASKS]; /**< by the letters' number, of each mask */
    atomic_bool any[CLH_MASKS];
} clh_failures;

/** CLH_ERANGE where the inputs do not fit memory that can be counted in. */
clh_status clh_failures_open(clh_failures *out, const clh_letters_asked *asked, clh_error *err);
void clh_failures_deinit(clh_failures *failures);

/** Words of `bits` of a mask. */
size_t clh_failures_words(const clh_failures *failures, unsigned mask);

/** Every input with these letters in the slots of `mask` fails. */
void clh_failures_add(clh_failures *failures, const uint8_t *letters, unsigned mask);

/** The same for each letter of a set in one more slot. */
void clh_failures_add_last(clh_failures *failures, const uint8_t *letters, unsigned mask,
                           size_t slot, uint64_t which);

/** Whether that was said with just this mask; and all that is in `from` into `to`, of the same inputs. */
bool clh_failures_has(const clh_failures *failures, const uint8_t *letters, unsigned mask);
void clh_failures_join(clh_failures *to, const clh_failures *from);

/** Of the letters `which` in one more slot, those that were said with just that mask. */
uint64_t clh_failures_last(const clh_failures *failures, const uint8_t *letters, unsigned mask,
                           size_t slot, uint64_t which);

/** How many inputs of all classes are in it; the first of them. */
uint64_t clh_failures_all(const clh_failures *failures, clh_counterexample *first, size_t *kept);

/** How many inputs of each class fail; the first `most` of them, in the order of letters, into `keep`,
 *  *kept of them. */
void clh_failures_count(const clh_failures *failures, uint64_t count[CLH_CERTIFY_CLASSES],
                        clh_counterexample *keep, size_t most, size_t *kept);

/** These alone: it ends with the last of them. */
void clh_failures_first(const clh_failures *failures, clh_counterexample *keep, size_t most,
                        size_t *kept);

#endif
