/** The permutation task as its own files see it.
 *
 *    const permutations *task = state;                       // what open made
 *    clh_permutations_draw(task, CLH_SPLIT_TEST, k, &sequence);
 *    const unsigned n = clh_permutations_n(task, sequence.length);
 */
#ifndef CLH_PERMUTATION_TASK_H
#define CLH_PERMUTATION_TASK_H

#include "task/letter_domain.h"
#include "task/permutations/permutation_text.h"
#include "task/task_ops.h"

typedef struct permutations {
    uint64_t seed;
    size_t first_scored; /**< 0: n + 2 */
    size_t unseen;       /**< letters, the last of the vocabulary, that no sequence has */
    size_t length; /**< of a sequence of the largest n: its whole, or as much as the model reads */
    size_t count;
    clh_letter_domain domain[CLH_TASK_N_MAX]; /**< ascending in n */
} permutations;

/** The k-th sequence of a split into `out`. */
void clh_permutations_draw(const permutations *task, clh_split split, uint64_t k,
                           clh_sequence *out);

/** Tokens of a sequence of n letters: a whole one, but for the task's largest n, of which it may be only
 *  a beginning. */
size_t clh_permutations_length(const permutations *task, unsigned n);

/** The text for `letters` [n], 0 … 61, into `out`. */
void clh_permutations_write(const permutations *task, const uint8_t *letters, unsigned n,
                            clh_sequence *out);

/** Which n a sequence of `length` tokens has: the task's own n of that length; else the task's
 *  least n that is longer, of which it is then a beginning; else any n of that length; else 0. */
unsigned clh_permutations_n(const permutations *task, size_t length);

/** The kinds of input the task knows, held-out sequences first: rows in the order of CLH_VARIANT_…
 *  in clearhead/permutations.h. */
enum { CLH_PERMUTATION_VARIANTS = 10 };
extern const clh_variant_row clh_permutation_variants[CLH_PERMUTATION_VARIANTS];

#endif
