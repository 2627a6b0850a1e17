/* Bootstrap intervals: no width where nothing varies, the truth inside as often as they say. */
#include <math.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/measure.h"
#include "clearhead/permutations.h"
#include "support/must.h"

/* A measure of `count` sequences with ten predictions each, each right with probability p. */
static clh_measure made_up(size_t count, double p, uint64_t seed)
{
    clh_measure m = {.sequence = clh_alloc_zeroed(count, sizeof *m.sequence, NULL)};
    assert_non_null(m.sequence);
    for (size_t i = 0; i < count; i++) {
        clh_tally *t = &m.sequence[i];
        *t = (clh_tally){.loss = 2.5, .count = 10, .sequences = 1};
        for (size_t k = 0; k < 10; k++)
            t->correct += (double)(clh_random_word(seed, 99, i * 10 + k) >> 11) * 0x1p-53 < p;
        clh_tally_add(&m.total, t);
    }
    return m;
}

static void constant_data_has_no_width(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_measure m = made_up(40, 0.5, 1);
    clh_interval i;
    must(clh_measure_interval(&i, &m, 40, CLH_RATIO_LOSS, 200, 0.95, 0, NULL, &err), &err);
    assert_true(i.value == 0.25 && i.low == 0.25 && i.high == 0.25);
    must(clh_measure_interval(&i, &m, 40, CLH_RATIO_OF(CLH_TOKEN_LETTER), 200, 0.95, 0, NULL, &err),
         &err);
    assert_true(isnan(i.value) && isnan(i.low) && isnan(i.high));
    clh_measure_deinit(&m);
}

/* Of 300 intervals at 90 % about 270 hold the truth, with a standard deviation of 5.2: 252 to 288
 * is three of them and more to either side. */
static void an_interval_holds_the_truth_as_often_as_it_says(void **state)
{
    (void)state;
    clh_error err = {0};
    const double p = 0.7;
    size_t held = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        clh_measure m = made_up(100, p, seed);
        clh_interval i, again;
        must(clh_measure_interval(&i, &m, 100, CLH_RATIO_ACCURACY, 400, 0.9, seed, NULL, &err),
             &err);
        assert_true(i.low <= i.value && i.value <= i.high);
        held += i.low <= p && p <= i.high;
        if (seed == 0) {
            must(clh_measure_interval(&again, &m, 100, CLH_RATIO_ACCURACY, 400, 0.9, 0, NULL, &err),
                 &err);
            assert_true(again.low == i.low && again.high == i.high);
        }
        clh_measure_deinit(&m);
    }
    assert_in_range(held, 252, 288);
}

/* The same resamples, so the same bits. */
static void every_ratio_at_once_is_each_alone(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_measure m = made_up(50, 0.6, 4);
    clh_interval all[CLH_RATIOS], one;
    must(clh_measure_intervals(all, &m, 50, 100, 0.9, 7, NULL, &err), &err);
    for (int r = 0; r < CLH_RATIOS; r++) {
        must(clh_measure_interval(&one, &m, 50, (clh_ratio)r, 100, 0.9, 7, NULL, &err), &err);
        assert_true(isnan(one.value) ? isnan(all[r].value) : all[r].value == one.value);
        assert_true(isnan(one.low) ? isnan(all[r].low) : all[r].low == one.low);
        assert_true(isnan(one.high) ? isnan(all[r].high) : all[r].high == one.high);
    }
    assert_true(all[CLH_RATIO_ACCURACY].low < all[CLH_RATIO_ACCURACY].high);
    clh_measure_deinit(&m);
}

static void impossible_intervals_are_refused(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_measure m = made_up(3, 0.5, 1);
    clh_interval i;
    assert_int_equal(clh_measure_interval(&i, &m, 0, CLH_RATIO_LOSS, 9, 0.9, 0, NULL, &err),
                     CLH_ERANGE);
    assert_int_equal(clh_measure_interval(&i, &m, 3, CLH_RATIO_LOSS, 0, 0.9, 0, NULL, &err),
                     CLH_ERANGE);
    assert_int_equal(clh_measure_interval(&i, &m, 3, CLH_RATIO_LOSS, 9, 1, 0, NULL, &err),
                     CLH_ERANGE);
    clh_measure_deinit(&m);
}

/* ---- What is exact ---- */

/* Clopper and Pearson's intervals, as scipy.stats.beta.ppf gives them. */
static void shares_have_exact_intervals(void **state)
{
    (void)state;
    static const struct {
        size_t k, n;
        double level, low, high;
    } rows[] = {
        {0, 1, 0.95, 0, 0.975},
        {1, 1, 0.95, 0.025, 1},
        {3, 10, 0.95, 0.06674, 0.65245},
        {10, 100, 0.95, 0.04900, 0.17622},
        {20, 20, 0.95, 0.83157, 1},
        {0, 500, 0.95, 0, 0.00735},
        {499, 500, 0.95, 0.98891, 0.99995},
        {3, 10, 0.9, 0.08726, 0.60662},
    };
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        const clh_interval got = clh_binomial_interval(rows[i].k, rows[i].n, rows[i].level);
        assert_true(fabs(got.value - (double)rows[i].k / (double)rows[i].n) < 1e-15);
        assert_true(fabs(got.low - rows[i].low) < 1e-5);
        assert_true(fabs(got.high - rows[i].high) < 1e-5);
        const clh_interval other =
            clh_binomial_interval(rows[i].n - rows[i].k, rows[i].n, rows[i].level);
        assert_true(fabs(other.low - (1 - got.high)) < 1e-12);
    }
    assert_true(fabs(clh_binomial_most(0, 500, 0.95) - 0.0059735) < 1e-7);
    assert_true(fabs(clh_binomial_most(0, 1000000, 0.95) - 2.9957e-6) < 1e-9);
    assert_true(fabs(clh_binomial_most(3, 10, 0.975) - 0.65245) < 1e-5); /* one side of the two */
    assert_true(clh_binomial_most(10, 10, 0.95) == 1);
    assert_true(isnan(clh_binomial_most(0, 0, 0.95)) && isnan(clh_binomial_most(2, 1, 0.95)));
    assert_true(isnan(clh_binomial_interval(1, 2, 1).low));
}

/* A tail summed up term by term, for every k and n up to 60, and for large ones at a few places. */
static void the_ends_are_where_the_tails_are(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 60; n++)
        for (size_t k = 1; k < n; k++) {
            const double p = clh_binomial_interval(k, n, 0.95).low;
            double term = pow(1 - p, (double)n), below = 0;
            for (size_t i = 0; i < k; i++) {
                below += term;
                term *= (double)(n - i) / (double)(i + 1) * p / (1 - p);
            }
            assert_true(fabs(1 - below - 0.025) < 1e-10);
        }
    for (size_t n = 1000; n <= 1000000; n *= 10) { /* about normal: 1.96 deviations and a little */
        const clh_interval got = clh_binomial_interval(n / 2, n, 0.95);
        const double deviation = sqrt(0.25 / (double)n);
        assert_true(fabs((got.high - 0.5) / deviation - 1.96) < 0.05);
        assert_true(fabs((0.5 - got.low) / deviation - 1.96) < 0.05);
    }
}

/* The bootstrap of a sample without a mistake would say [1, 1]. */
static void no_mistake_is_no_certainty(void **state)
{
    static const struct {
        size_t count;
        double p, low, high;
    } rows[] = {{20, 1, 0.83157, 1}, {20, 0, 0, 0.16843}, {500, 1, 0.99265, 1}};
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_error err = {0};
        clh_measure m = made_up(rows[i].count, rows[i].p, 1);
        clh_interval got;
        must(clh_measure_interval(&got, &m, rows[i].count, CLH_RATIO_ACCURACY, 200, 0.95, 0, NULL,
                                  &err),
             &err);
        assert_true(got.value == rows[i].p);
        assert_true(fabs(got.low - rows[i].low) < 1e-5 && fabs(got.high - rows[i].high) < 1e-5);
        clh_measure_deinit(&m);
    }
}

static void one_sequence_has_no_interval(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_measure m = made_up(1, 0.5, 1), other = made_up(1, 0.5, 2);
    clh_interval got[CLH_RATIOS], lost;
    must(clh_measure_intervals(got, &m, 1, 100, 0.95, 0, NULL, &err), &err);
    assert_true(got[CLH_RATIO_LOSS].value == 0.25);
    assert_true(isnan(got[CLH_RATIO_LOSS].low) && isnan(got[CLH_RATIO_LOSS].high));
    assert_true(isnan(got[CLH_RATIO_ACCURACY].low) && isnan(got[CLH_RATIO_ACCURACY].high));
    must(clh_measure_lost(&lost, &m, &other, 1, 100, 0.95, 0, NULL, &err), &err);
    assert_true(isnan(lost.low) && isnan(lost.high));
    clh_measure_deinit(&other);
    clh_measure_deinit(&m);
}

/* What is lost is paired: where two ways are right in the same places, nothing varies. */
static void what_is_lost_is_paired(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_measure plain = made_up(100, 0.6, 3), same = made_up(100, 0.6, 3),
                less = made_up(100, 0.6, 3), other = made_up(100, 0.5, 4);
    clh_interval lost;
    for (size_t i = 0; i < 100; i++)
        less.sequence[i].correct -= less.sequence[i].correct > 0;
    must(clh_measure_lost(&lost, &plain, &same, 100, 200, 0.95, 0, NULL, &err), &err);
    assert_true(lost.value == 0 && fabs(lost.high - 0.03622) < 1e-5 && lost.low == -lost.high);
    must(clh_measure_lost(&lost, &plain, &less, 100, 200, 0.95, 0, NULL, &err), &err);
    assert_true(lost.value > 0.09 && lost.high - lost.low < 0.01);
    must(clh_measure_lost(&lost, &plain, &other, 100, 200, 0.95, 0, NULL, &err), &err);
    assert_true(lost.low < 0.1 && lost.high > 0.1 && lost.high - lost.low > 0.05);
    assert_int_equal(clh_measure_lost(&lost, &plain, &other, 0, 200, 0.95, 0, NULL, &err),
                     CLH_ERANGE);
    clh_measure_deinit(&other);
    clh_measure_deinit(&less);
    clh_measure_deinit(&same);
    clh_measure_deinit(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_data_has_no_width),
        cmocka_unit_test(an_interval_holds_the_truth_as_often_as_it_says),
        cmocka_unit_test(every_ratio_at_once_is_each_alone),
        cmocka_unit_test(impossible_intervals_are_refused),
        cmocka_unit_test(shares_have_exact_intervals),
        cmocka_unit_test(the_ends_are_where_the_tails_are),
        cmocka_unit_test(no_mistake_is_no_certainty),
        cmocka_unit_test(one_sequence_has_no_interval),
        cmocka_unit_test(what_is_lost_is_paired),
    };
    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
