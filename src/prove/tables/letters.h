/** Every choice of letters that a task of letters can be asked, and where in the sequence they stand: each
 *  position holds the letter of one slot, or always the same token.
 *
 *    clh_letters_asked asked = {0};
 *    if (clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, &err)) ...
 *    clh_letters_write(&asked, letters, tokens);            // the whole sequence of one choice
 *    clh_letters_asked_deinit(&asked);
 *
 *  Letters are numbers 0 … letters-1 in the order of their tokens; a choice gives each slot one.
 */
#ifndef CLH_PROVE_LETTERS_H
#define CLH_PROVE_LETTERS_H

#include "clearhead/certify.h"
#include "math/kernels/prove_rows.h"
#include "task/letter_rank.h"

typedef struct clh_letters_asked {
    clh_domain_kind domain;
    size_t n, letters, length, first_scored;
    uint32_t token[CLH_LETTER_ROW]; /**< of each letter */
    uint8_t *slot;                  /**< [length]; n where the token is always the same */
    uint32_t *fixed;                /**< [length] that token */
    uint64_t sets[CLH_CERTIFY_LETTERS + 1][CLH_LETTER_ROW + 1]; /**< of k of the letters from x on:
                                                                     [k][x] */
} clh_letters_asked;

/** Found out by asking the task for a few choices. CLH_ESUPPORT for a task without letters, a mixture,
 *  or one whose sequences are not made of slots. */
clh_status clh_letters_asked_open(clh_letters_asked *out, const clh_task *task,
                                  clh_domain_kind domain, clh_error *err);
void clh_letters_asked_deinit(clh_letters_asked *asked);

/** The sequence of a choice: `letters` [n] into `tokens` [length]. */
void clh_letters_write(const clh_letters_asked *asked, const uint8_t *letters, uint32_t *tokens);

/** Which kind of choice it is. */
clh_certify_class clh_letters_class(const uint8_t *letters, size_t n);

/** Letters that slot `slot` may have beside those of the slots of `mask`: *begin … *end-1, less those
 *  that clh_letters_fit() refuses. */
void clh_letters_range(const clh_letters_asked *asked, const uint8_t *letters, unsigned mask,
                       size_t slot, size_t *begin, size_t *end);

/** Whether `letter` may stand in another slot beside those of `mask`. */
static inline bool clh_letters_fit(const clh_letters_asked *asked, const uint8_t *letters,
                                   unsigned mask, uint8_t letter)
{
    if (asked->domain != CLH_DOMAIN_ORDERED)
        return true; /* sorted: the range says it */
    for (size_t s = 0; s < asked->n; s++)
        if (mask >> s & 1 && letters[s] == letter)
            return false;
    return true;
}

/** How many choices of each class have these letters in the slots of `mask`: ADDED to count, `times`
 *  each. */
void clh_letters_count(const clh_letters_asked *asked, const uint8_t *letters, unsigned mask,
                       uint64_t times, uint64_t count[CLH_CERTIFY_CLASSES]);

/** How many choices have these letters in the slots of `mask`. */
uint64_t clh_letters_below(const clh_letters_asked *asked, const uint8_t *letters, unsigned mask);

/** Classes of the choices that have these letters in the slots of `mask`, as a set. It may name
 *  CLH_CLASS_UNSORTED where the only such choice is in order. */
unsigned clh_letters_reached(const clh_letters_asked *asked, const uint8_t *letters, unsigned mask);

/** The letters of `which` (bit x: letter x) by the class of the choice that they complete in `slot`. */
void clh_letters_classes_last(const clh_letters_asked *asked, const uint8_t *letters, size_t slot,
                              uint64_t which, uint64_t set[CLH_CERTIFY_CLASSES]);

/** Of the choices that have these letters in all slots but `slot`, and there one of the set `which` (bit x:
 *  letter x): how many are of each class, ADDED to count. */
void clh_letters_count_last(const clh_letters_asked *asked, const uint8_t *letters, size_t slot,
                            uint64_t which, uint64_t count[CLH_CERTIFY_CLASSES]);

/** How many choices the domain has, the one at `rank` of them, in lexicographic order, and its rank. */
uint64_t clh_letters_inputs(const clh_letters_asked *asked);
void clh_letters_unrank(const clh_letters_asked *asked, uint64_t rank, uint8_t *letters);
uint64_t clh_letters_rank(const clh_letters_asked *asked, const uint8_t *letters);

/** A number for the letters in the slots of `mask`, below clh_letters_numbers(). */
uint64_t clh_letters_number(const clh_letters_asked *asked, const uint8_t *letters, unsigned mask);
uint64_t clh_letters_numbers(const clh_letters_asked *asked, unsigned mask);

#endif
