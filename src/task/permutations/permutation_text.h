/** The text of the permutation task: "> " + the n! permutations of n letters, in lexicographic
 *  order of position, joined by spaces, + "."
 *
 *    > abc acb bac bca cab cba.
 *    ^^|  |                   ^
 *    01 term 1, space 2 …     period; length (n + 1)! + 2
 *
 *    uint32_t tokens[26], letters[3] = {3, 4, 5};            // token ids
 *    clh_permutation_write(letters, 3, 26, tokens);
 *
 *  Space t stands before term t. Plain functions of n; nothing is allocated.
 */
#ifndef CLH_PERMUTATION_TEXT_H
#define CLH_PERMUTATION_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "clearhead/permutations.h"

enum { CLH_TASK_N_MAX = 6 /**< letters of a sequence */ };

/** Tokens of the text for n <= CLH_TASK_N_MAX letters: (n + 1)! + 2. */
size_t clh_permutation_length(unsigned n);

/** Write the first `length` tokens, at most clh_permutation_length(n), of the text for `letters` [n], any
 *  token ids, repeats included (permutations are of positions, as itertools.permutations makes them),
 *  into `tokens` [length]. */
void clh_permutation_write(const uint32_t *letters, unsigned n, size_t length, uint32_t *tokens);

/** What kind of token stands at `position` < clh_permutation_length(n). */
clh_token_kind clh_permutation_kind(unsigned n, size_t position);

/** Its name: "start", "space 2", "term 3 slot 2" (all counted from 1), "period"; into `out`. */
void clh_permutation_label(unsigned n, size_t position, char out[48]);

#endif
