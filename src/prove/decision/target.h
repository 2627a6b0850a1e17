/** What a rule says stands at a position: always the same token, the letter of one slot, or of several
 *  slots the letter that gathers most weight.
 *
 *    clh_target_reduce(&target, false);                     // what never changes the outcome is gone
 *    clh_target_token(&target, &asked, letters)
 *
 *  Equal weights: the letter that is named first.
 */
#ifndef CLH_PROVE_TARGET_H
#define CLH_PROVE_TARGET_H

#include "prove/tables/letters.h"

typedef struct clh_target {
    uint32_t token; /**< where `count` is 0 */
    size_t count;   /**< slots that are read, each once */
    uint8_t slot[CLH_CERTIFY_LETTERS];
    uint32_t position[CLH_CERTIFY_LETTERS]; /**< where the slot's letter is read */
    double weight[CLH_CERTIFY_LETTERS];
} clh_target;

/** Of these letters; and of the tokens of a sequence. */
uint32_t clh_target_token(const clh_target *target, const clh_letters_asked *asked,
                          const uint8_t *letters);
uint32_t clh_target_read(const clh_target *target, const uint32_t *ids);

/** Before letter `slot` is there: the token whenever it is another letter than those of the other slots
 *  read; UINT32_MAX: the letter itself. */
uint32_t clh_target_fresh(const clh_target *target, const clh_letters_asked *asked,
                          const uint8_t *letters, size_t slot);

/** Leave out slots that change no outcome, whichever letters are equal; `distinct`: none are. */
void clh_target_reduce(clh_target *target, bool distinct);

/** Slots that are read, as a set. */
unsigned clh_target_mask(const clh_target *target);

#endif
