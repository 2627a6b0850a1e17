/* The row kernels of the norms, of every build, against their formulas in double. */
#include <math.h>

#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

static const double eps = 0x1p-24;

/* Numbers a row kernel of the norms is given: a mean and an inverse scale like a norm's own. */
typedef struct bench {
    row x, gy, w, b, y, gw, gb;
    clh_real mean, inverse, through;
} bench;

static void fill(bench *t, size_t n, size_t shift)
{
    row *rows[] = {&t->x, &t->gy, &t->w, &t->b, &t->y, &t->gw, &t->gb};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        row_fill(rows[i], n, (shift + 3 * i) % ROW_SHIFTS, 10 * n + i);
    t->mean = (clh_real)0.3;
    t->inverse = (clh_real)1.7;
    t->through = (clh_real)-0.6;
}

static double u_at(const bench *t, size_t i)
{
    return ((double)t->x.at[i] - (double)t->mean) * (double)t->inverse;
}

static double gu_at(const bench *t, size_t i, bool affine)
{
    return (double)t->gy.at[i] * (affine ? (double)t->w.at[i] : 1);
}

static void check_square(const clh_kernels *kernel, size_t n, size_t shift)
{
    bench t;
    double sum = 0;
    fill(&t, n, shift);
    for (size_t i = 0; i < n; i++)
        sum += pow((double)t.x.at[i] - (double)t.mean, 2);
    close_to(kernel->square(n, t.x.at, t.mean), sum, ((double)n + 3) * eps * sum);
}

static void check_normalize(const clh_kernels *kernel, size_t n, size_t shift)
{
    for (int affine = 0; affine < 2; affine++) {
        bench t;
        fill(&t, n, shift);
        kernel->normalize(n, t.x.at, t.mean, t.inverse, affine ? t.w.at : NULL,
                          affine ? t.b.at : NULL, t.y.at);
        guards_hold(&t.y, n);
        for (size_t i = 0; i < n; i++) {
            double u = u_at(&t, i), w = affine ? (double)t.w.at[i] : 1;
            double b = affine ? (double)t.b.at[i] : 0, at_most = fabs(u * w) + fabs(b) + fabs(w);
            close_to(t.y.at[i], u * w + b, 4 * eps * at_most);
        }
        kernel->normalize(n, t.x.at, t.mean, t.inverse, affine ? t.w.at : NULL,
                          affine ? t.b.at : NULL, t.x.at);
        guards_hold(&t.x, n);
        for (size_t i = 0; i < n; i++)
            assert_true(t.x.at[i] == t.y.at[i]);
    }
}

static void check_sums(const clh_kernels *kernel, size_t n, size_t shift)
{
    for (int mode = 0; mode < 3; mode++) { /* plain; with w; with w and its gradients */
        const bool affine = mode > 0, wanted = mode > 1;
        bench t, before;
        double sum = 0, size = 1;
        fill(&t, n, shift);
        fill(&before, n, shift);
        for (size_t i = 0; i < n; i++) {
            sum += gu_at(&t, i, affine) * u_at(&t, i);
            size += fabs(gu_at(&t, i, affine)) * (fabs(u_at(&t, i)) + 1);
        }
        clh_real got =
            kernel->normalize_sums(n, t.x.at, t.mean, t.inverse, t.gy.at, affine ? t.w.at : NULL,
                                   wanted ? t.gw.at : NULL, wanted ? t.gb.at : NULL);
        close_to(got, sum, ((double)n + 4) * eps * size);
        guards_hold(&t.gw, n);
        guards_hold(&t.gb, n);
        for (size_t i = 0; i < n; i++) {
            double gy = wanted ? (double)t.gy.at[i] : 0, u = u_at(&t, i);
            double gw = (double)before.gw.at[i], gb = (double)before.gb.at[i];
            close_to(t.gw.at[i], gw + gy * u, 4 * eps * (fabs(gw) + fabs(gy) * (fabs(u) + 1)));
            close_to(t.gb.at[i], gb + gy, eps * (fabs(gb) + fabs(gy)));
        }
    }
}

static void check_input(const clh_kernels *kernel, size_t n, size_t shift)
{
    for (int affine = 0; affine < 2; affine++) {
        bench t, before;
        double sum = 0, size = 1;
        fill(&t, n, shift);
        fill(&before, n, shift);
        clh_real got = kernel->normalize_input(n, t.x.at, t.mean, t.inverse, t.through, t.gy.at,
                                               affine ? t.w.at : NULL, t.y.at);
        guards_hold(&t.y, n);
        for (size_t i = 0; i < n; i++) {
            double direct = gu_at(&t, i, affine) * (double)t.inverse;
            double around = (double)t.through * ((double)t.x.at[i] - (double)t.mean);
            double old = (double)before.y.at[i], at_most = fabs(direct) + fabs(around) + 1;
            close_to(t.y.at[i], old + direct + around, 4 * eps * (fabs(old) + at_most));
            sum += direct + around;
            size += at_most;
        }
        close_to(got, sum, ((double)n + 4) * eps * size);
    }
}

static void check_combine_and_shift(const clh_kernels *kernel, size_t n, size_t shift)
{
    bench t;
    fill(&t, n, shift);
    const uint32_t number = 0;
    kernel->combine(&(clh_combine){.rows = 1,
                                   .n = n,
                                   .token = {t.x.at, n, &number},
                                   .position = t.gy.at,
                                   .position_row = n,
                                   .scale = &t.through,
                                   .bias = t.w.at,
                                   .y = t.y.at});
    guards_hold(&t.y, n);
    for (size_t i = 0; i < n; i++) {
        double a = (double)t.x.at[i], b = (double)t.gy.at[i], c = (double)t.w.at[i];
        double scale = (double)t.through;
        close_to(t.y.at[i], (a + b) * scale + c,
                 3 * eps * ((fabs(a) + fabs(b)) * fabs(scale) + fabs(c)));
    }
    bench before = t;
    before.b.at = before.b.room + (t.b.at - t.b.room);
    kernel->shift(n, t.mean, t.b.at);
    guards_hold(&t.b, n);
    for (size_t i = 0; i < n; i++)
        assert_true(t.b.at[i] == before.b.at[i] + t.mean);
}

static void squares_are_summed_about_the_mean(void **state)
{
    (void)state;
    for_each_length(check_square);
}

static void normalized_rows_are_scaled_and_moved_also_in_place(void **state)
{
    (void)state;
    for_each_length(check_normalize);
}

static void sums_of_a_norm_s_gradient_are_right(void **state)
{
    (void)state;
    for_each_length(check_sums);
}

static void gradient_of_a_norm_s_input_is_right(void **state)
{
    (void)state;
    for_each_length(check_input);
}

static void combine_and_shift_are_what_they_say(void **state)
{
    (void)state;
    for_each_length(check_combine_and_shift);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squares_are_summed_about_the_mean),
        cmocka_unit_test(normalized_rows_are_scaled_and_moved_also_in_place),
        cmocka_unit_test(sums_of_a_norm_s_gradient_are_right),
        cmocka_unit_test(gradient_of_a_norm_s_input_is_right),
        cmocka_unit_test(combine_and_shift_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
