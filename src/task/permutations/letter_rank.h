/** Choices of letters as numbers: the place of a choice in lexicographic order, and back, for the
 *  three domains of the permutation task. Letters are 0 … 61 ('a' … '9'), n <= CLH_TASK_N_MAX.
 *
 *    uint64_t rank = clh_combination_rank(letters, 4);    // 0 1 2 3 -> 0, 58 59 60 61 -> 557844
 *    clh_combination_unrank(rank, 4, letters);
 *
 *  Nothing is allocated; letters of the right kind and ranks below the count are the caller's
 *  promise.
 */
#ifndef CLH_LETTER_RANK_H
#define CLH_LETTER_RANK_H

#include <stdint.h>

/** "size choose k", for values that fit 64 bits on the way (62 choose 6 does by far). */
uint64_t clh_choose(unsigned size, unsigned k);

/** Rank of a set of n letters, written ascending, as itertools.combinations orders them: each slot
 *  counts the sets that have a smaller letter there (Knuth, TAOCP 4A, 7.2.1.3). */
uint64_t clh_combination_rank(const uint8_t *letters, unsigned n);
/** The set at `rank` < 62 choose n, ascending. */
void clh_combination_unrank(uint64_t rank, unsigned n, uint8_t *letters);

/** How many ordered choices of n different letters: 62! / (62 - n)!. */
uint64_t clh_arrangement_count(unsigned n);
/** Rank of n different letters in any order, as itertools.permutations(letters, n) orders them:
 *  mixed radix 62, 61, 60, …, each digit a letter's place among those not used before it. */
uint64_t clh_arrangement_rank(const uint8_t *letters, unsigned n);
/** The ordered choice at `rank` < clh_arrangement_count(n). */
void clh_arrangement_unrank(uint64_t rank, unsigned n, uint8_t *letters);

/** How many tuples of n letters, repeats allowed: 62^n. */
uint64_t clh_tuple_count(unsigned n);
/** Rank of n letters, as itertools.product orders them: the number in base 62. */
uint64_t clh_tuple_rank(const uint8_t *letters, unsigned n);
/** The tuple at `rank` < 62^n. */
void clh_tuple_unrank(uint64_t rank, unsigned n, uint8_t *letters);

#endif
