/* The loss of every build beside long double, at any margin and offset: of a row alone (excess), of
 * the fused path's rows each, and of these together, where a batch's gradient is wanted too. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

enum { STREAM = 521, LONGEST = 257, ROWS = CLH_ROWS_TOGETHER + 3 };

static const size_t lengths[] = {2, 3, 11, 16, 17, 65, 70, LONGEST};

/* A row of logits, all less than the one at `at` by the margin, or random with it as their size. */
static const struct {
    const char *what;
    double offset, margin;
    bool random;
} rows[] = {
    {"equal", 0, 0, false},
    {"equal, far", 1e8, 0, false},
    {"margin 5", 0, 5, false},
    {"margin 18", 0, 18, false},
    {"margin 18, far", 1e4, 18, false},
    {"margin 40, far below", -1e8, 40, false},
    {"margin 64, far", 1e8, 64, false},
    {"margin 1000", -20, 1000, false},
    {"margin 1e6, far", 1e8, 1e6, false},
    {"beaten by 5", 0, -5, false},
    {"beaten by 1e6", -1e8, -1e6, false},
    {"random, small", 0, 0.1, true},
    {"random", 0, 3, true},
    {"random, wide", 0, 30, true},
    {"random, far", 1e4, 30, true},
    {"random, far below", -1e4, 7, true},
};

/* n logits; the last is 0, as the fused path has it, unless `free`. */
static void fill(clh_real *x, size_t n, size_t which, size_t at, bool free)
{
    for (size_t i = 0; i < n; i++) {
        const double normal = clh_random_normal(which, STREAM, n * LONGEST + i);
        const double own = rows[which].random ? normal * rows[which].margin : 0;
        x[i] = (clh_real)(rows[which].offset + own +
                          (rows[which].random || i != at ? 0 : rows[which].margin));
    }
    x[n - 1] = free ? x[n - 1] : 0;
}

static long double loss_of(const clh_real *x, size_t n, size_t token)
{
    long double most = (long double)x[token], sum = 0, equal = 0;
    for (size_t i = 0; i < n; i++)
        most = fmaxl(most, (long double)x[i]);
    for (size_t i = 0; i < n; i++)
        if (x[i] >= (clh_real)most)
            equal++;
        else
            sum += expl((long double)x[i] - most);
    return (most - (long double)x[token]) + log1pl(sum + (equal - 1));
}

static void hold(const clh_kernels *kernel, const char *how, size_t which, size_t n, double got,
                 long double want, long double within)
{
    if (!(fabsl((long double)got - want) <= within * want + 1e-36L))
        fail_msg("%s, %s, %s, %zu logits: %.12g, want %.12Lg", kernel->name, how, rows[which].what,
                 n, got, want);
}

static void for_each_row(void (*check)(const clh_kernels *kernel, size_t which, size_t n))
{
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (size_t k = 0; k < builds; k++)
        for (size_t which = 0; which < CLH_COUNT(rows); which++)
            for (size_t l = 0; l < CLH_COUNT(lengths); l++)
                check(kernel[k], which, lengths[l]);
}

/* In double but for the exponential, 3e-10 off. */
static void check_alone(const clh_kernels *kernel, size_t which, size_t n)
{
    clh_real room[LONGEST + 2 * CLH_LANES], *x = room + CLH_LANES;
    for (size_t i = 0; i < CLH_COUNT(room); i++)
        room[i] = (clh_real)NAN; /* what stands beside a row is not looked at */
    for (size_t at = 0; at < n; at += 1 + n / 9) {
        fill(x, n, which, at, true);
        const double got = -clh_log_prob(clh_log_sum_of(kernel, n, x), x[at]);
        hold(kernel, "alone", which, n, got, loss_of(x, n, at), 1e-9L);
    }
}

static void a_row_alone_keeps_its_digits(void **state)
{
    (void)state;
    for_each_row(check_alone);
}

/* Rows, tokens and positions are 0, so every row's logits are the biases; targets differ. */
static void check_fused(const clh_kernels *kernel, size_t which, size_t n)
{
    static clh_real bias[LONGEST], zero[ROWS * LONGEST], values[ROWS * LONGEST];
    static clh_real logits[CLH_ROWS_TOGETHER * LONGEST], square[ROWS], g_square[ROWS],
        g_bias[LONGEST];
    uint32_t number[ROWS] = {0}, target[ROWS];
    double each[ROWS];
    long double sum = 0;
    fill(bias, n, which, n / 2, false);
    for (size_t r = 0; r < ROWS; r++) { /* most of them what the model is sure of */
        target[r] = (uint32_t)(r % 4 == 3 ? (n / 2 + r) % n : n / 2);
        sum += loss_of(bias, n, target[r]);
    }
    clh_predictions c = {.rows = ROWS,
                         .outputs = n - 1,
                         .d = 4,
                         .eps = 1e-4,
                         .weight = 1,
                         .bias = bias,
                         .z = zero,
                         .token = {zero, 0, number},
                         .position = zero,
                         .square = square,
                         .target = target,
                         .logits = logits,
                         .logits_row = LONGEST,
                         .row = values,
                         .row_row = LONGEST,
                         .g_square = g_square,
                         .g_bias = g_bias,
                         .each = each};
    memset(values, 0, sizeof values);
    const double alone = kernel->predict(&c).loss;
    hold(kernel, "fused, added up", which, n, alone, sum, 1e-9L);
    for (size_t r = 0; r < ROWS; r++)
        hold(kernel, "fused, each", which, n, each[r], loss_of(bias, n, target[r]), 1e-9L);
    memset(values, 0, sizeof values);
    c.g_z = zero;
    c.each = NULL;
    hold(kernel, "fused, with gradients", which, n, kernel->predict(&c).loss, sum, 2e-7L);
}

static void rows_of_the_fused_path_keep_their_digits(void **state)
{
    (void)state;
    for_each_row(check_fused);
}

/* One row with gradients, whose loss no other one's hides. */
static void check_one(const clh_kernels *kernel, size_t which, size_t n)
{
    static clh_real bias[LONGEST], zero[LONGEST], values[LONGEST], logits[LONGEST], g_bias[LONGEST];
    clh_real square = 0, g_square;
    const uint32_t number = 0, target = (uint32_t)(n / 2);
    fill(bias, n, which, target, false);
    memset(values, 0, sizeof values);
    const clh_predictions c = {.rows = 1,
                               .outputs = n - 1,
                               .d = 4,
                               .eps = 1e-4,
                               .weight = 1,
                               .bias = bias,
                               .z = zero,
                               .token = {zero, 0, &number},
                               .position = zero,
                               .square = &square,
                               .target = &target,
                               .logits = logits,
                               .logits_row = LONGEST,
                               .row = values,
                               .row_row = LONGEST,
                               .g_z = zero,
                               .g_square = &g_square,
                               .g_bias = g_bias};
    hold(kernel, "fused, one with gradients", which, n, kernel->predict(&c).loss,
         loss_of(bias, n, target), 2e-7L);
}

static void one_row_with_gradients_keeps_its_digits(void **state)
{
    (void)state;
    for_each_row(check_one);
}

static void avx2_and_avx512_give_the_same_bits(void **state)
{
    (void)state;
    const clh_kernels *avx2, *avx512;
    if (!kernels_of_avx(&avx2, &avx512))
        return;
    for (size_t which = 0; which < CLH_COUNT(rows); which++)
        for (size_t l = 0; l < CLH_COUNT(lengths); l++) {
            clh_real x[LONGEST];
            double most;
            fill(x, lengths[l], which, lengths[l] / 2, true);
            assert_true(avx512->excess(lengths[l], x, &most) == avx2->excess(lengths[l], x, &most));
        }
}

static void what_is_not_finite_is_not_a_number(void **state)
{
    (void)state;
    static const clh_real bad[] = {(clh_real)NAN, (clh_real)INFINITY};
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (size_t k = 0; k < builds; k++)
        for (size_t l = 0; l < CLH_COUNT(lengths); l++)
            for (size_t at = 0; at < lengths[l]; at++) {
                clh_real x[LONGEST];
                double most;
                for (size_t b = 0; b < CLH_COUNT(bad); b++) {
                    fill(x, lengths[l], 12, 0, true);
                    x[at] = bad[b];
                    assert_true(isnan(kernel[k]->excess(lengths[l], x, &most)));
                }
                fill(x, lengths[l], 0, 0, true);
                x[at] = -(clh_real)INFINITY; /* is impossible, and counts for nothing */
                const double excess = kernel[k]->excess(lengths[l], x, &most);
                assert_true(excess == (double)lengths[l] - 2);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_alone_keeps_its_digits),
        cmocka_unit_test(rows_of_the_fused_path_keep_their_digits),
        cmocka_unit_test(one_row_with_gradients_keeps_its_digits),
        cmocka_unit_test(avx2_and_avx512_give_the_same_bits),
        cmocka_unit_test(what_is_not_finite_is_not_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
