/* Softmax of every build and its gradient: the exponential's error, what is not finite, in place.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

static void check_softmax(const clh_kernels *kernel, size_t n, size_t shift)
{
    row x, p;
    row_fill(&x, n, shift, n);
    row_fill(&p, n, 15 - shift, n + 1);
    for (size_t i = 0; i < n; i++)
        x.at[i] = i % 5 == 3 ? -(clh_real)INFINITY : x.at[i] * 20;
    double max = -INFINITY, total = 0;
    for (size_t i = 0; i < n; i++)
        max = fmax(max, (double)x.at[i]);
    for (size_t i = 0; i < n; i++)
        total += exp((double)x.at[i] - max);
    kernel->softmax(n, x.at, p.at);
    guards_hold(&p, n);
    for (size_t i = 0; i < n; i++) {
        double want = exp((double)x.at[i] - max) / total;
        /* the difference x - max is rounded, and is the exponent's relative error */
        close_to(p.at[i], want,
                 want * 0x1p-24 * (8 + (double)n + fmin(1e3, fabs((double)x.at[i] - max))) +
                     (want < 1e-37 ? 1e-37 : 0));
        assert_true(p.at[i] > 0 || want < 1e-37);
    }
    kernel->softmax(n, x.at, x.at);
    guards_hold(&x, n);
    if (n > 0)
        assert_memory_equal(x.at, p.at, n * sizeof *p.at);
}

static void softmax_is_right_at_every_length_and_in_place(void **state)
{
    (void)state;
    for_each_length(check_softmax);
}

static void check_extremes(const clh_kernels *kernel, size_t n, size_t shift)
{
    row x;
    if (n == 0)
        return;
    const clh_real far = (clh_real)3e38, infinity = (clh_real)INFINITY;
    row_fill(&x, n, shift, n);
    for (size_t i = 0; i < n; i++)
        x.at[i] = -infinity;
    kernel->softmax(n, x.at, x.at);
    for (size_t i = 0; i < n; i++)
        assert_true(x.at[i] == 0);
    for (size_t i = 0; i < n; i++)
        x.at[i] = i == n / 2 ? far : -far; /* their difference is infinite */
    kernel->softmax(n, x.at, x.at);
    for (size_t i = 0; i < n; i++)
        assert_true(x.at[i] == (i == n / 2 ? 1 : 0));
    const clh_real bad[] = {(clh_real)NAN, infinity};
    for (size_t b = 0; b < 2; b++)
        for (int finite = 0; finite < 2; finite++) {
            for (size_t i = 0; i < n; i++)
                x.at[i] = finite ? (clh_real)i : -infinity;
            x.at[n / 3] = bad[b];
            kernel->softmax(n, x.at, x.at);
            for (size_t i = 0; i < n; i++)
                assert_true(isnan(x.at[i]));
        }
    guards_hold(&x, n);
}

static void softmax_of_nothing_is_zero_and_of_nan_is_nan(void **state)
{
    (void)state;
    for_each_length(check_extremes);
}

/* Distance in units in the last place of `want` rounded to float. */
static double ulps(double got, double want)
{
    float at = (float)want;
    return fabs(got - want) / ((double)nextafterf(at, INFINITY) - (double)at);
}

/* exp(x) for x in [-87.3, -20] is to be read off softmax of 0 and 15 such numbers: their sum is too
 * small to change the total of 1. Every 11th float of the range. */
static void exponential_is_within_1_25_ulp(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    double worst[8] = {0};
    for (float x = -20; x >= -87.3F;) {
        clh_real in[16] = {0}, out[16];
        double want[16];
        for (size_t i = 1; i < 16; i++) {
            uint32_t bits;
            in[i] = x;
            want[i] = exp((double)x);
            memcpy(&bits, &x, sizeof bits);
            bits += 11;
            memcpy(&x, &bits, sizeof x);
        }
        for (size_t k = 0; k < builds; k++) {
            kernel[k]->softmax(16, in, out);
            assert_true(out[0] == 1);
            for (size_t i = 1; i < 16 && in[i] >= -87.3F; i++)
                worst[k] = fmax(worst[k], ulps((double)out[i], want[i]));
        }
    }
    for (size_t k = 0; k < builds; k++) {
        print_message("# exp of %s: %.3f ulp at most\n", kernel[k]->name, worst[k]);
        assert_true(worst[k] > 0 && worst[k] <= 1.25);
    }
}

/* Nearer to 0 the total counts: the ratio of two probabilities is exp(x) times two roundings. */
static void exponential_near_zero_is_as_good_but_for_roundings(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (size_t k = 0; k < builds; k++)
        for (double x = -20; x < 0; x += 0x1p-15) {
            clh_real in[2] = {0, (clh_real)x}, out[2];
            kernel[k]->softmax(2, in, out);
            double got = (double)out[1] / (double)out[0];
            assert_true(ulps(got, exp((double)in[1])) <= 2.75);
        }
}

static void below_the_normal_range_the_exponential_is_zero(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (size_t k = 1; k < builds; k++) { /* the definition goes on to 0 through subnormals */
        clh_real x[5] = {0, -87.3F, nextafterf(-87.3F, -100), -100, -FLT_MAX};
        kernel[k]->softmax(5, x, x);
        assert_true(x[1] > FLT_MIN);
        assert_true(x[2] == 0 && x[3] == 0 && x[4] == 0);
    }
}

static void check_softmax_backward(const clh_kernels *kernel, size_t n, size_t shift)
{
    row p, dp, ds;
    row_fill(&p, n, shift, n);
    row_fill(&dp, n, 15 - shift, n + 1);
    row_fill(&ds, n, shift, n + 2);
    kernel->softmax(n, p.at, p.at);
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)p.at[i] * (double)dp.at[i];
    kernel->softmax_backward(n, p.at, dp.at, ds.at);
    guards_hold(&ds, n);
    for (size_t i = 0; i < n; i++)
        close_to(ds.at[i], (double)p.at[i] * ((double)dp.at[i] - mean), 1e-6 * (double)p.at[i] * 5);
    row over_p = p, over_dp = dp;
    over_p.at = over_p.room + (p.at - p.room);
    over_dp.at = over_dp.room + (dp.at - dp.room);
    kernel->softmax_backward(n, over_p.at, dp.at, over_p.at);
    kernel->softmax_backward(n, p.at, over_dp.at, over_dp.at);
    for (size_t i = 0; i < n; i++)
        assert_true(over_p.at[i] == ds.at[i] && over_dp.at[i] == ds.at[i]);
    guards_hold(&over_p, n);
    guards_hold(&over_dp, n);
}

static void softmax_backward_is_right_also_in_place(void **state)
{
    (void)state;
    for_each_length(check_softmax_backward);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_is_right_at_every_length_and_in_place),
        cmocka_unit_test(softmax_of_nothing_is_zero_and_of_nan_is_nan),
        cmocka_unit_test(exponential_is_within_1_25_ulp),
        cmocka_unit_test(exponential_near_zero_is_as_good_but_for_roundings),
        cmocka_unit_test(below_the_normal_range_the_exponential_is_zero),
        cmocka_unit_test(softmax_backward_is_right_also_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
