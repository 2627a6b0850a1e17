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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_data_has_no_width),
        cmocka_unit_test(an_interval_holds_the_truth_as_often_as_it_says),
        cmocka_unit_test(every_ratio_at_once_is_each_alone),
        cmocka_unit_test(impossible_intervals_are_refused),
    };
    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
