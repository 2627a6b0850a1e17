#include "task/letter_rank.h"

#include <assert.h>

uint64_t clh_choose(unsigned size, unsigned k)
{
    if (k > size)
        return 0;
    uint64_t count = 1;
    for (unsigned i = 0; i < k; i++) /* after step i: size choose i + 1, a whole number */
        count = count * (size - i) / (i + 1);
    return count;
}

/* Walks the letters from `first` on, giving for each how many sets go on from it with `rest` more
 * letters: (size - 1 - letter choose rest), each from the one before without multiplying out. */
typedef struct walk {
    unsigned size, letter, rest;
    uint64_t count;
} walk;

static walk walk_begin(unsigned size, unsigned first, unsigned rest)
{
    return (walk){size, first, rest, clh_choose(size - 1 - first, rest)};
}

static void walk_next(walk *w)
{
    unsigned above = w->size - 1 - w->letter;
    assert(above > 0);
    w->count = w->count * (above - w->rest) / above;
    w->letter++;
}

uint64_t clh_combination_rank(unsigned size, const uint8_t *letters, unsigned n)
{
    uint64_t rank = 0;
    unsigned first = 0;
    for (unsigned i = 0; i < n; i++) {
        assert(letters[i] >= first && letters[i] < size);
        for (walk w = walk_begin(size, first, n - 1 - i); w.letter < letters[i]; walk_next(&w))
            rank += w.count;
        first = letters[i] + 1u;
    }
    return rank;
}

void clh_combination_unrank(unsigned size, uint64_t rank, unsigned n, uint8_t *letters)
{
    assert(rank < clh_choose(size, n));
    unsigned first = 0;
    for (unsigned i = 0; i < n; i++) {
        walk w = walk_begin(size, first, n - 1 - i);
        for (; rank >= w.count; walk_next(&w))
            rank -= w.count;
        letters[i] = (uint8_t)w.letter;
        first = w.letter + 1;
    }
}

uint64_t clh_arrangement_count(unsigned size, unsigned n)
{
    uint64_t count = 1;
    for (unsigned i = 0; i < n; i++)
        count *= size - i;
    return count;
}

uint64_t clh_arrangement_rank(unsigned size, const uint8_t *letters, unsigned n)
{
    uint64_t rank = 0, used = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t bit = (uint64_t)1 << letters[i];
        assert(letters[i] < size && !(used & bit));
        unsigned smaller_used = (unsigned)__builtin_popcountll(used & (bit - 1));
        rank = rank * (size - i) + (letters[i] - smaller_used);
        used |= bit;
    }
    return rank;
}

void clh_arrangement_unrank(unsigned size, uint64_t rank, unsigned n, uint8_t *letters)
{
    assert(n <= CLH_LETTERS_MOST && rank < clh_arrangement_count(size, n));
    unsigned digit[CLH_LETTERS_MOST] = {0}, used[CLH_LETTERS_MOST];
    for (unsigned i = n; i-- > 0; rank /= size - i)
        digit[i] = (unsigned)(rank % (size - i));
    for (unsigned i = 0; i < n; i++) { /* `used` is ascending: each one at or below shifts by one */
        unsigned letter = digit[i], at = 0;
        for (; at < i && used[at] <= letter; at++)
            letter++;
        for (unsigned j = i; j > at; j--)
            used[j] = used[j - 1];
        used[at] = letter;
        letters[i] = (uint8_t)letter;
    }
}

uint64_t clh_tuple_count(unsigned size, unsigned n)
{
    uint64_t count = 1;
    for (unsigned i = 0; i < n; i++)
        count *= size;
    return count;
}

uint64_t clh_tuple_rank(unsigned size, const uint8_t *letters, unsigned n)
{
    uint64_t rank = 0;
    for (unsigned i = 0; i < n; i++) {
        assert(letters[i] < size);
        rank = rank * size + letters[i];
    }
    return rank;
}

void clh_tuple_unrank(unsigned size, uint64_t rank, unsigned n, uint8_t *letters)
{
    assert(rank < clh_tuple_count(size, n));
    for (unsigned i = n; i-- > 0; rank /= size)
        letters[i] = (uint8_t)(rank % size);
}
