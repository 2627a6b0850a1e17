/* The computed shuffle: a bijection at every size, its own inverse both ways, and as even as one
 * that was drawn. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "base/shuffle.h"
#include "support/cmocka_all.h"

enum { SIZE_MOST = 4097 };

static void assert_bijection(uint64_t seed, size_t size)
{
    static bool seen[SIZE_MOST];
    memset(seen, 0, sizeof seen);
    clh_shuffle order = clh_shuffle_make(seed, CLH_STREAM_ORDER, size);
    for (uint64_t i = 0; i < size; i++) {
        uint64_t element = clh_shuffle_at(&order, i);
        assert_true(element < size);
        assert_false(seen[element]);
        seen[element] = true;
        assert_true(clh_shuffle_index(&order, element) == i);
    }
}

static void every_element_comes_once(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 300; size++)
        assert_bijection(size, size);
    assert_bijection(5, 1000);
    assert_bijection(6, 4096);
    assert_bijection(7, SIZE_MOST);
}

static void index_undoes_at_in_huge_domains(void **state)
{
    (void)state;
    static const uint64_t size[] = {557845, 6471002, ((uint64_t)1 << 40) + 7,
                                    ((uint64_t)1 << 62) - 1, (uint64_t)1 << 62};
    for (size_t k = 0; k < CLH_COUNT(size); k++) {
        clh_shuffle order = clh_shuffle_make(3, CLH_STREAM_ORDER, size[k]);
        for (uint64_t i = 0; i < 2000; i++) {
            uint64_t place = i < 1000 ? i : size[k] - 1 - clh_random_word(k, 9, i) % size[k];
            uint64_t element = clh_shuffle_at(&order, place);
            assert_true(element < size[k]);
            assert_true(clh_shuffle_index(&order, element) == place);
            assert_true(clh_shuffle_at(&order, clh_shuffle_index(&order, place)) == place);
        }
    }
}

/* Two orders of N elements agree at about one place, as two random permutations do: the number of
 * agreements is nearly Poisson(1), above 8 with probability 1e-6. */
static void seed_and_stream_give_other_orders(void **state)
{
    (void)state;
    const uint64_t size = 1000;
    const clh_shuffle first = clh_shuffle_make(0, 2, size);
    const clh_shuffle other[] = {clh_shuffle_make(1, 2, size), clh_shuffle_make(0, 3, size),
                                 clh_shuffle_make((uint64_t)1 << 32, 2, size),
                                 clh_shuffle_make(0, 2 | 1 << 8, size)};
    for (size_t k = 0; k < CLH_COUNT(other); k++) {
        int same = 0;
        for (uint64_t i = 0; i < size; i++)
            same += clh_shuffle_at(&first, i) == clh_shuffle_at(&other[k], i);
        assert_true(same <= 8);
    }
}

/* How far counts of events of probability p are from even, by Pearson's statistic in standard
 * deviations: z = (count - n p)^2 / (n p (1 - p)) has mean 1, and the sum of all, scaled to its
 * `freedom` degrees, is chi-square with deviation sqrt(2 f). The seeds are fixed, so a test passes
 * always or never; unevenness of some percent gives ten and more. */
static double excess(const uint32_t *count, size_t cells, double n, double p, double freedom)
{
    double sum = 0;
    for (size_t i = 0; i < cells; i++)
        sum += (count[i] - n * p) * (count[i] - n * p) / (n * p * (1 - p));
    return (sum * freedom / (double)cells - freedom) / sqrt(2 * freedom);
}

enum { SEEDS = 100000, SEEDS_PLACES = 40000, EXCESS_MAX = 5, SMALL_MOST = 19 };

/* Over many seeds every element is as often at every place. */
static void places_are_even_over_seeds(void **state)
{
    (void)state;
    static const size_t place_size[] = {5, 12, SMALL_MOST};
    for (size_t k = 0; k < CLH_COUNT(place_size); k++) {
        const size_t size = place_size[k];
        uint32_t count[SMALL_MOST * SMALL_MOST] = {0};
        for (uint64_t seed = 0; seed < SEEDS_PLACES; seed++) {
            clh_shuffle order = clh_shuffle_make(seed, CLH_STREAM_ORDER, size);
            for (uint64_t i = 0; i < size; i++)
                count[i * size + clh_shuffle_at(&order, i)]++;
        }
        const double freedom = (double)((size - 1) * (size - 1));
        assert_true(excess(count, size * size, SEEDS_PLACES, 1.0 / (double)size, freedom) <
                    EXCESS_MAX);
    }
}

/* And every pair of different elements at the first two places. */
static void pairs_are_even_over_seeds(void **state)
{
    (void)state;
    static const size_t pair_size[] = {3, 4, 5, 6, 8, 12, 16, SMALL_MOST};
    for (size_t k = 0; k < CLH_COUNT(pair_size); k++) {
        const size_t size = pair_size[k];
        uint32_t count[SMALL_MOST * SMALL_MOST] = {0};
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            clh_shuffle order = clh_shuffle_make(seed, CLH_STREAM_ORDER, size);
            const uint64_t a = clh_shuffle_at(&order, 0), b = clh_shuffle_at(&order, 1);
            assert_true(a != b);
            count[a * (size - 1) + b - (b > a)]++;
        }
        const size_t cells = size * (size - 1);
        assert_true(excess(count, cells, SEEDS, 1.0 / (double)cells, (double)(cells - 1)) <
                    EXCESS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_comes_once),
        cmocka_unit_test(index_undoes_at_in_huge_domains),
        cmocka_unit_test(seed_and_stream_give_other_orders),
        cmocka_unit_test(places_are_even_over_seeds),
        cmocka_unit_test(pairs_are_even_over_seeds),
    };
    return cmocka_run_group_tests_name("base shuffle", tests, NULL, NULL);
}
