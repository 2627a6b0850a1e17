/** Choices of letters as numbers: the place of a choice in lexicographic order, and back, for
 *  sorted, ordered and any choices. Letters are 0 … size - 1, of the whole alphabet 0 … 61 ('a' … '9' of
 *  the permutation task, the numbers of the sorting task), n <= CLH_LETTERS_MOST.
 *
 *    uint64_t rank = clh_combination_rank(62, letters, 4);  // 0 1 2 3 -> 0, 58 59 60 61 -> 557844
 *    clh_combination_unrank(62, rank, 4, letters);
 *
 *  Nothing is allocated; letters of the right kind and ranks below the count are the caller's
 *  promise.
 */
#ifndef CLH_LETTER_RANK_H
#define CLH_LETTER_RANK_H

#include <stdint.h>

enum { CLH_LETTERS_MOST = 10 /**< letters of a choice: 62^10 fits 2^62 */ };

/** "size choose k", for values that fit 64 bits on the way (62 choose 6 does by far). */
uint64_t clh_choose(unsigned size, unsigned k);

/** Rank of a set of n letters, written ascending, as itertools.combinations orders them: each slot
 *  counts the sets that have a smaller letter there (Knuth, TAOCP 4A, 7.2.1.3). */
uint64_t clh_combination_rank(unsigned size, const uint8_t *letters, unsigned n);
/** The set at `rank` < size choose n, ascending. */
void clh_combination_unrank(unsigned size, uint64_t rank, unsigned n, uint8_t *letters);

/** How many ordered choices of n different letters: size! / (size - n)!. */
uint64_t clh_arrangement_count(unsigned size, unsigned n);
/** Rank of n different letters in any order, as itertools.permutations(letters, n) orders them:
 *  mixed radix size, size - 1, size - 2, …, each digit a letter's place among those not used
 *  before it. */
uint64_t clh_arrangement_rank(unsigned size, const uint8_t *letters, unsigned n);
/** The ordered choice at `rank` < clh_arrangement_count(size, n). */
void clh_arrangement_unrank(unsigned size, uint64_t rank, unsigned n, uint8_t *letters);

/** How many tuples of n letters, repeats allowed: size^n. */
uint64_t clh_tuple_count(unsigned size, unsigned n);
/** Rank of n letters, as itertools.product orders them: the number in base `size`. */
uint64_t clh_tuple_rank(unsigned size, const uint8_t *letters, unsigned n);
/** The tuple at `rank` < size^n. */
void clh_tuple_unrank(unsigned size, uint64_t rank, unsigned n, uint8_t *letters);

#endif
