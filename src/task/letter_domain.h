/** All choices of n letters of one kind, split into training and test, each visited in a shuffled
 *  order: everything computed from (seed, k), nothing stored.
 *
 *    clh_letter_domain domain = clh_letter_domain_make(CLH_LETTERS_SORTED, 4, 62, seed);
 *    uint8_t letters[CLH_LETTERS_MOST];                       // 0 … 61
 *    clh_letter_domain_draw(&domain, CLH_SPLIT_TEST, k, letters);
 *    assert(clh_letter_domain_split_of(&domain, letters) == CLH_SPLIT_TEST);
 *
 *  A choice is taken apart into (m, set, arrangement): m different letters, which m-set of the 62,
 *  and how its letters fill the n slots. Sorted and ordered have m = n, tuples m = 1 … n:
 *
 *    kind      arrangements of an m-set
 *    sorted    1
 *    ordered   n!
 *    tuples    onto(n, m), the ways to fill n slots with all of m letters
 *
 *  The split is by set: a shuffle of the (62 choose m) sets, keyed by (seed, m), gives each a
 *  place, and the first fifth of the places is held out. A shuffle is a bijection, so no set is on
 *  both sides, and because n has no part in the key, a set held out for one n is held out for all.
 *
 *  A plain value that owns nothing; copy it freely.
 */
#ifndef CLH_LETTER_DOMAIN_H
#define CLH_LETTER_DOMAIN_H

#include "base/shuffle.h"
#include "clearhead/task.h"
#include "task/letter_rank.h"

/** Which choices of letters there are. */
typedef enum clh_letters {
    CLH_LETTERS_SORTED = 0,  /**< combinations in vocabulary order, as the notebook: C(62, n) */
    CLH_LETTERS_ORDERED = 1, /**< any order, no repeats: 62! / (62-n)! */
    CLH_LETTERS_TUPLES = 2,  /**< repeats allowed: 62^n */
} clh_letters;

/** The choices with `different` letters among their n. */
typedef struct clh_letter_class {
    unsigned different;
    uint64_t sets;         /**< 62 choose different */
    uint64_t held_out;     /**< of them in the test split: a fifth, rounded down */
    uint64_t arrangements; /**< of each set */
    clh_shuffle places;    /**< place -> rank of the set; places below held_out are test */
    /** [slots left][letters still missing] -> ways to fill the slots so that none is missing */
    uint64_t completions[CLH_LETTERS_MOST + 1][CLH_LETTERS_MOST + 1];
} clh_letter_class;

typedef struct clh_letter_domain {
    clh_letters letters;
    unsigned n, alphabet; /**< letters below `alphabet` are drawn */
    uint64_t seed, size;
    uint64_t split_size[2]; /**< CLH_SPLIT_TRAIN, CLH_SPLIT_TEST */
    size_t class_count;
    clh_letter_class classes[CLH_LETTERS_MOST];
} clh_letter_domain;

/** The random stream of one round of visits, of its own for each (split, n, round mod 2^40). */
uint64_t clh_letter_round_stream(uint64_t stream, clh_split split, unsigned n, uint64_t round);

/** The domain of one kind for 1 <= n <= CLH_LETTERS_MOST of the first `alphabet` letters, 62 or fewer
 *  and more than enough for sets of both splits (n + 5). */
clh_letter_domain clh_letter_domain_make(clh_letters letters, unsigned n, unsigned alphabet,
                                         uint64_t seed);

/** Rank of `letters` [n], which the domain holds, in lexicographic order. */
uint64_t clh_letter_domain_rank(const clh_letter_domain *domain, const uint8_t *letters);

/** The choice at `rank` < domain->size into `letters` [n]. */
void clh_letter_domain_unrank(const clh_letter_domain *domain, uint64_t rank, uint8_t *letters);

/** Why the domain does not hold `letters` [n], each below 62; NULL when it does. */
const char *clh_letter_domain_objection(const clh_letter_domain *domain, const uint8_t *letters);

/** Which split a choice that the domain holds belongs to. */
clh_split clh_letter_domain_split_of(const clh_letter_domain *domain, const uint8_t *letters);

/** The k-th choice of a split into `letters` [n]. Any k: each round of split_size draws visits
 *  every choice of the split once, in an order of its own (orders recur after 2^40 rounds). */
void clh_letter_domain_draw(const clh_letter_domain *domain, clh_split split, uint64_t k,
                            uint8_t *letters);

#endif
