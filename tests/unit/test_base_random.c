/* Philox is the published Philox, and the normal deviates are normal. */
#include <math.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"

/* Random123's kat_vectors, philox4x32 10: counter = (index, stream), key = seed. */
static void words_are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, stream, index;
        uint32_t word[4];
    } row[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        /* digits of pi: counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0 */
        {0x299f31d0a4093822,
         0x0370734413198a2e,
         0x85a308d3243f6a88,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        uint32_t word[4];
        clh_random_words(row[i].seed, row[i].stream, row[i].index, word);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(word[k], row[i].word[k]);
        assert_true(clh_random_word(row[i].seed, row[i].stream, row[i].index) ==
                    ((uint64_t)row[i].word[1] << 32 | row[i].word[0]));
    }
}

/* Moments of N = 10^6 standard normal deviates; each bound is five standard errors: of the mean
 * 1/sqrt(N), of the variance sqrt(2/N), of the skewness sqrt(6/N) (here the raw third moment,
 * sqrt(15/N)), of the fourth moment sqrt(96/N). Fixed seeds: it passes always or never. */
static void normal_deviates_have_the_moments_of_a_normal(void **state)
{
    (void)state;
    const uint64_t count = 1000000;
    for (uint64_t seed = 0; seed < 3; seed++) {
        double sum[5] = {0}, pairs = 0, before = 0;
        for (uint64_t i = 0; i < count; i++) {
            double x = clh_random_normal(seed, CLH_STREAM_INIT, i);
            assert_true(isfinite(x) && fabs(x) < 9);
            double power = 1;
            for (int k = 1; k < 5; k++)
                sum[k] += power *= x;
            pairs += x * before;
            before = x;
        }
        const double n = (double)count, bound = 5 / sqrt(n);
        assert_true(fabs(sum[1] / n) < bound);
        assert_true(fabs(sum[2] / n - 1) < bound * sqrt(2));
        assert_true(fabs(sum[3] / n) < bound * sqrt(15));
        assert_true(fabs(sum[4] / n - 3) < bound * sqrt(96));
        assert_true(fabs(pairs / n) < bound); /* cosine and sine of a pair are independent */
    }
}

/* Share of deviates within 1, 2, 3 standard deviations, to five standard errors. */
static void normal_deviates_have_the_tails_of_a_normal(void **state)
{
    (void)state;
    const int count = 400000;
    int within[4] = {0};
    for (int i = 0; i < count; i++) {
        double x = fabs(clh_random_normal(7, CLH_STREAM_INIT, (uint64_t)i));
        for (int k = 1; k < 4; k++)
            within[k] += x < k;
    }
    for (int k = 1; k < 4; k++) {
        double share = erf(k / sqrt(2)), error = sqrt(share * (1 - share) / count);
        assert_true(fabs((double)within[k] / count - share) < 5 * error);
    }
}

static void seed_stream_and_index_each_change_the_number(void **state)
{
    (void)state;
    const uint64_t word = clh_random_word(1, 2, 3);
    assert_true(word != clh_random_word(2, 2, 3));
    assert_true(word != clh_random_word((uint64_t)1 << 32 | 1, 2, 3));
    assert_true(word != clh_random_word(1, (uint64_t)1 << 56 | 2, 3));
    assert_true(word != clh_random_word(1, 2, (uint64_t)1 << 32 | 3));
    assert_true(word == clh_random_word(1, 2, 3));
    assert_true(clh_random_normal(1, 2, 6) != clh_random_normal(1, 2, 7));
}

/* Two uses that drew from one stream would draw the same. */
static void every_use_has_its_own_stream(void **state)
{
    (void)state;
    static const clh_stream stream[] = {
        CLH_STREAM_INIT,    CLH_STREAM_SPLIT, CLH_STREAM_ORDER,       CLH_STREAM_MIX,
        CLH_STREAM_CUE,     CLH_STREAM_EDIT,  CLH_STREAM_COMPOSITION, CLH_STREAM_BOOTSTRAP,
        CLH_STREAM_VARIANT, CLH_STREAM_SCRUB};
    for (size_t i = 0; i < CLH_COUNT(stream); i++) {
        assert_true(stream[i] < 256); /* above bit 8 some add what they draw for */
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(stream[i], stream[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_the_published_ones),
        cmocka_unit_test(normal_deviates_have_the_moments_of_a_normal),
        cmocka_unit_test(normal_deviates_have_the_tails_of_a_normal),
        cmocka_unit_test(seed_stream_and_index_each_change_the_number),
        cmocka_unit_test(every_use_has_its_own_stream),
    };
    return cmocka_run_group_tests_name("base random", tests, NULL, NULL);
}
