/* The curves of an MLP in every build, at every length, against their formulas in double. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double inside(double x)
{
    return 2 * sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x);
}

static double value_of(clh_curve curve, double x)
{
    const double values[CLH_CURVES] = {
        [CLH_CURVE_RELU] = fmax(x, 0),
        [CLH_CURVE_GELU] = x * 0.5 * erfc(-x * sqrt(0.5)),
        [CLH_CURVE_GELU_NEW] = x * sigmoid(inside(x)),
        [CLH_CURVE_SILU] = x * sigmoid(x),
    };
    return values[curve];
}

/* By differences: (f(x + h) - f(x - h)) / 2h, whose error is of the size h^2. */
static double slope_of(clh_curve curve, double x)
{
    const double h = 1e-5;
    return (value_of(curve, x + h) - value_of(curve, x - h)) / (2 * h);
}

static void check_curves(const clh_kernels *kernel, size_t n, size_t shift)
{
    row x, y, gy, gx;
    for (clh_curve curve = CLH_CURVE_RELU; curve < CLH_CURVES; curve++) {
        row_fill(&x, n, shift, n);
        row_fill(&gy, n, 15 - shift, n + 1);
        row_fill(&y, n, shift, n + 2);
        row_fill(&gx, n, 15 - shift, n + 3);
        for (size_t i = 0; i < n; i++) /* from far below 0 to far above, and near it */
            x.at[i] *= i % 3 == 0 ? 30 : i % 3 == 1 ? 3 : (clh_real)0.01;
        kernel->curve(curve, n, x.at, y.at);
        kernel->curve_back(curve, n, x.at, gy.at, gx.at);
        guards_hold(&y, n);
        guards_hold(&gx, n);
        for (size_t i = 0; i < n; i++) {
            const double in = (double)x.at[i], g = (double)gy.at[i], most = fmax(1, fabs(in));
            close_to(y.at[i], value_of(curve, in), 1e-6 * most);
            if (curve != CLH_CURVE_RELU || fabs(in) > 1e-4)
                close_to(gx.at[i], g * slope_of(curve, in), 2e-6 * most * fmax(1, fabs(g)));
        }
    }
}

static void curves_are_right_at_every_length(void **state)
{
    (void)state;
    for_each_length(check_curves);
}

/* What is not a number stays one; far out a curve is x, or nothing. */
static void check_ends(const clh_kernels *kernel, size_t n, size_t shift)
{
    row x, y, gy, gx;
    if (n < 3)
        return;
    for (clh_curve curve = CLH_CURVE_RELU; curve < CLH_CURVES; curve++) {
        row_fill(&x, n, shift, n);
        row_fill(&y, n, shift, n);
        row_fill(&gy, n, shift, n);
        row_fill(&gx, n, shift, n);
        x.at[n - 3] = (clh_real)NAN;
        x.at[n - 2] = 1000;
        x.at[n - 1] = -1000;
        gy.at[n - 2] = gy.at[n - 1] = 2;
        kernel->curve(curve, n, x.at, y.at);
        kernel->curve_back(curve, n, x.at, gy.at, gx.at);
        assert_true(isnan(y.at[n - 3]));
        close_to(y.at[n - 2], 1000, 0);
        close_to(y.at[n - 1], 0, 1e-25);
        close_to(gx.at[n - 2], 2, 0);
        close_to(gx.at[n - 1], 0, 1e-25);
    }
}

static void ends_are_kept(void **state)
{
    (void)state;
    for_each_length(check_ends);
}

static void vectors_give_the_same_bits(void **state)
{
    (void)state;
    const clh_kernels *avx2, *avx512;
    row x, gy, a, b;
    if (!kernels_of_avx(&avx2, &avx512))
        return;
    row_fill(&x, ROW_LONGEST, 0, 1);
    row_fill(&gy, ROW_LONGEST, 0, 2);
    for (clh_curve curve = CLH_CURVE_RELU; curve < CLH_CURVES; curve++) {
        row_fill(&a, ROW_LONGEST, 0, 3);
        row_fill(&b, ROW_LONGEST, 0, 3);
        avx2->curve(curve, ROW_LONGEST, x.at, a.at);
        avx512->curve(curve, ROW_LONGEST, x.at, b.at);
        assert_memory_equal(a.at, b.at, ROW_LONGEST * sizeof *a.at);
        avx2->curve_back(curve, ROW_LONGEST, x.at, gy.at, a.at);
        avx512->curve_back(curve, ROW_LONGEST, x.at, gy.at, b.at);
        assert_memory_equal(a.at, b.at, ROW_LONGEST * sizeof *a.at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_are_right_at_every_length),
        cmocka_unit_test(ends_are_kept),
        cmocka_unit_test(vectors_give_the_same_bits),
    };
    return cmocka_run_group_tests_name("kernels_curves", tests, NULL, NULL);
}
