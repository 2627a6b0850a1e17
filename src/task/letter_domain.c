#include "task/letter_domain.h"

#include <assert.h>
#include <stdbool.h>

#include "base/random.h"
#include "task/letter_rank.h"
#include "task/vocab_parts.h"

enum { HELD_OUT_ONE_IN = 5, ROUND_BITS = 40 };

/* ways(0, 0) = 1, ways(0, q) = 0: with r slots left and q of the m letters missing, the next slot
 * takes one of the missing or one of the others:
 *   ways(r, q) = q ways(r-1, q-1) + (m-q) ways(r-1, q). */
static void count_completions(clh_letter_class *class, unsigned n)
{
    unsigned m = class->different;
    class->completions[0][0] = 1;
    for (unsigned r = 1; r <= n; r++)
        for (unsigned q = 0; q <= m; q++)
            class->completions[r][q] = (q ? q * class->completions[r - 1][q - 1] : 0) +
                                       (m - q) * class->completions[r - 1][q];
}

static clh_letter_class make_class(const clh_letter_domain *domain, unsigned different)
{
    clh_letter_class class = {.different = different};
    class.sets = clh_choose(domain->alphabet, different);
    class.held_out = class.sets / HELD_OUT_ONE_IN;
    class.places =
        clh_shuffle_make(domain->seed, CLH_STREAM_SPLIT | (uint64_t)different << 8, class.sets);
    count_completions(&class, domain->n);
    class.arrangements =
        domain->letters == CLH_LETTERS_SORTED ? 1 : class.completions[domain->n][different];
    assert(class.held_out > 0 && class.held_out < class.sets);
    return class;
}

static uint64_t sets_in(const clh_letter_class *class, clh_split split)
{
    return split == CLH_SPLIT_TEST ? class->held_out : class->sets - class->held_out;
}

clh_letter_domain clh_letter_domain_make(clh_letters letters, unsigned n, unsigned alphabet,
                                         uint64_t seed)
{
    assert(n >= 1 && n <= CLH_LETTERS_MOST && alphabet <= CLH_VOCAB_LETTERS);
    clh_letter_domain domain = {.letters = letters, .n = n, .alphabet = alphabet, .seed = seed};
    for (unsigned m = letters == CLH_LETTERS_TUPLES ? 1 : n; m <= n; m++) {
        clh_letter_class class = make_class(&domain, m);
        domain.size += class.sets * class.arrangements;
        for (int split = CLH_SPLIT_TRAIN; split <= CLH_SPLIT_TEST; split++)
            domain.split_size[split] += sets_in(&class, (clh_split)split) * class.arrangements;
        domain.classes[domain.class_count++] = class;
    }
    return domain;
}

/* One row a kind, in the order of clh_letters. */
static const struct {
    uint64_t (*rank)(unsigned size, const uint8_t *letters, unsigned n);
    void (*unrank)(unsigned size, uint64_t rank, unsigned n, uint8_t *letters);
} kinds[] = {
    [CLH_LETTERS_SORTED] = {clh_combination_rank, clh_combination_unrank},
    [CLH_LETTERS_ORDERED] = {clh_arrangement_rank, clh_arrangement_unrank},
    [CLH_LETTERS_TUPLES] = {clh_tuple_rank, clh_tuple_unrank},
};

uint64_t clh_letter_domain_rank(const clh_letter_domain *domain, const uint8_t *letters)
{
    assert(!clh_letter_domain_objection(domain, letters));
    return kinds[domain->letters].rank(domain->alphabet, letters, domain->n);
}

void clh_letter_domain_unrank(const clh_letter_domain *domain, uint64_t rank, uint8_t *letters)
{
    assert(rank < domain->size);
    kinds[domain->letters].unrank(domain->alphabet, rank, domain->n, letters);
}

/* The set of letters as bits, letter i at bit i. */
static uint64_t letter_set(const uint8_t *letters, unsigned n)
{
    uint64_t set = 0;
    for (unsigned i = 0; i < n; i++) {
        assert(letters[i] < CLH_VOCAB_LETTERS);
        set |= (uint64_t)1 << letters[i];
    }
    return set;
}

const char *clh_letter_domain_objection(const clh_letter_domain *domain, const uint8_t *letters)
{
    assert(domain && letters);
    if (letter_set(letters, domain->n) >> domain->alphabet)
        return "a letter is kept from it";
    if (domain->letters == CLH_LETTERS_TUPLES)
        return NULL;
    if ((unsigned)__builtin_popcountll(letter_set(letters, domain->n)) < domain->n)
        return "a letter is repeated";
    for (unsigned i = 1; i < domain->n && domain->letters == CLH_LETTERS_SORTED; i++)
        if (letters[i - 1] > letters[i])
            return "the letters are not in the order of the vocabulary";
    return NULL;
}

clh_split clh_letter_domain_split_of(const clh_letter_domain *domain, const uint8_t *letters)
{
    uint64_t set = letter_set(letters, domain->n);
    uint8_t sorted[CLH_LETTERS_MOST];
    unsigned m = 0;
    for (; set; set &= set - 1)
        sorted[m++] = (uint8_t)__builtin_ctzll(set);
    const clh_letter_class *class = &domain->classes[m - domain->classes[0].different];
    assert(class->different == m);
    uint64_t place =
        clh_shuffle_index(&class->places, clh_combination_rank(domain->alphabet, sorted, m));
    return place < class->held_out ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN;
}

/* The rank-th way, in lexicographic order, to fill n slots with all of the sorted letters. With
 * m = n this is the rank-th permutation, so rank 0 is the sorted order itself. */
static void arrange(const clh_letter_class *class, unsigned n, uint64_t rank, const uint8_t *sorted,
                    uint8_t *letters)
{
    unsigned missing = class->different, seen = 0;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned s = 0;; s++) {
            assert(s < class->different);
            unsigned fresh = !(seen >> s & 1);
            uint64_t ways = missing >= fresh ? class->completions[n - 1 - i][missing - fresh] : 0;
            if (rank < ways) {
                letters[i] = sorted[s];
                missing -= fresh;
                seen |= 1u << s;
                break;
            }
            rank -= ways;
        }
    }
}

uint64_t clh_letter_round_stream(uint64_t stream, clh_split split, unsigned n, uint64_t round)
{
    assert(stream < 1 << 8 && n <= CLH_LETTERS_MOST);
    uint64_t recurring = round & (((uint64_t)1 << ROUND_BITS) - 1); /* above it is the shuffle's */
    return stream | (uint64_t)split << 8 | (uint64_t)n << 12 | recurring << 16;
}

void clh_letter_domain_draw(const clh_letter_domain *domain, clh_split split, uint64_t k,
                            uint8_t *letters)
{
    uint64_t size = domain->split_size[split];
    uint64_t stream = clh_letter_round_stream(CLH_STREAM_ORDER, split, domain->n, k / size);
    clh_shuffle order = clh_shuffle_make(domain->seed, stream, size);
    uint64_t element = clh_shuffle_at(&order, k % size);
    const clh_letter_class *class = domain->classes;
    while (element >= sets_in(class, split) * class->arrangements) {
        element -= sets_in(class, split) * class->arrangements;
        class ++;
        assert(class < domain->classes + domain->class_count);
    }
    uint64_t place = element / class->arrangements;
    if (split == CLH_SPLIT_TRAIN)
        place += class->held_out;
    uint8_t sorted[CLH_LETTERS_MOST];
    clh_combination_unrank(domain->alphabet, clh_shuffle_at(&class->places, place),
                           class->different, sorted);
    arrange(class, domain->n, element % class->arrangements, sorted, letters);
}
