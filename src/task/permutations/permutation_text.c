#include "task/permutations/permutation_text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#include "task/letter_rank.h"
#include "task/vocab_parts.h"

size_t clh_permutation_length(unsigned n)
{
    assert(n >= 1 && n <= CLH_TASK_N_MAX);
    size_t factorial = 1;
    for (unsigned i = 2; i <= n + 1; i++)
        factorial *= i;
    return factorial + 2;
}

/* The next permutation of `order` in lexicographic order; false after the last (Narayana, 14th
 * century; Knuth, TAOCP 4A, 7.2.1.2, algorithm L). */
static bool next_permutation(unsigned *order, unsigned n)
{
    unsigned i = n - 1;
    while (i > 0 && order[i - 1] > order[i])
        i--;
    if (i == 0)
        return false;
    unsigned j = n - 1, held = order[i - 1];
    while (order[j] < held)
        j--;
    order[i - 1] = order[j];
    order[j] = held;
    for (j = n - 1; i < j; i++, j--) {
        held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
    return true;
}

void clh_permutation_write(const uint32_t *letters, unsigned n, size_t length, uint32_t *tokens)
{
    assert(n >= 1 && n <= CLH_TASK_N_MAX && length <= clh_permutation_length(n));
    unsigned order[CLH_TASK_N_MAX] = {0, 1, 2, 3, 4, 5};
    size_t at = 0;
    if (at < length)
        tokens[at++] = CLH_VOCAB_START;
    do {
        if (at < length)
            tokens[at++] = CLH_VOCAB_SPACE;
        for (unsigned i = 0; i < n && at < length; i++)
            tokens[at++] = letters[order[i]];
    } while (at < length && next_permutation(order, n));
    if (at < length)
        tokens[at++] = CLH_VOCAB_PERIOD;
    assert(at == length);
}

clh_token_kind clh_permutation_kind(unsigned n, size_t position)
{
    assert(position < clh_permutation_length(n));
    if (position == 0)
        return CLH_TOKEN_START;
    if (position == clh_permutation_length(n) - 1)
        return CLH_TOKEN_PERIOD;
    return (position - 1) % (n + 1) == 0 ? CLH_TOKEN_SPACE : CLH_TOKEN_LETTER;
}

void clh_permutation_label(unsigned n, size_t position, char out[48])
{
    clh_token_kind kind = clh_permutation_kind(n, position);
    size_t term = (position - 1) / (n + 1) + 1, slot = (position - 1) % (n + 1);
    if (kind == CLH_TOKEN_SPACE)
        (void)snprintf(out, 48, "space %zu", term);
    else if (kind == CLH_TOKEN_LETTER)
        (void)snprintf(out, 48, "term %zu slot %zu", term, slot);
    else
        (void)snprintf(out, 48, "%s", kind == CLH_TOKEN_START ? "start" : "period");
}
