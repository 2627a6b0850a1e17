/* Whether a prediction of the fused path is right, in every build: its target is the first of the
 * largest logits, every one a number. Rows, tokens and positions are 0, so logits are the biases. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "math/kernels/kernels.h"
#include "model/whole/loss_row.h"
#include "support/cmocka_all.h"

enum { STREAM = 511, OUTPUTS_MAX = 70 };

typedef struct bench {
    clh_real bias[OUTPUTS_MAX + 1], zero[OUTPUTS_MAX + 1], row[OUTPUTS_MAX + 1];
    clh_real logits[CLH_ROWS_TOGETHER * (OUTPUTS_MAX + 1)], square;
    size_t outputs;
} bench;

static clh_predicted predict(bench *b, const clh_kernels *kernel, uint32_t target)
{
    const uint32_t number = 0;
    return kernel->predict(&(clh_predictions){.rows = 1,
                                              .outputs = b->outputs,
                                              .d = 4,
                                              .eps = 1e-4,
                                              .bias = b->bias,
                                              .z = b->zero,
                                              .token = {b->zero, 0, &number},
                                              .position = b->zero,
                                              .square = &b->square,
                                              .target = &target,
                                              .logits = b->logits,
                                              .logits_row = OUTPUTS_MAX + 1,
                                              .row = b->row});
}

/* Biases of few different sizes, so that many are equal, some to the last logit's 0. */
static bench bench_of(size_t outputs, uint64_t seed)
{
    bench b = {.outputs = outputs, .square = 4};
    for (size_t i = 0; i < outputs; i++)
        b.bias[i] = (clh_real)(clh_random_word(seed, STREAM, i) % 4) - (clh_real)(seed % 4);
    return b;
}

static void for_each_build(void (*check)(const clh_kernels *kernel, bench *b))
{
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (size_t k = 0; k < builds; k++)
        for (size_t outputs = 1; outputs <= OUTPUTS_MAX; outputs += outputs < 40 ? 1 : 6)
            for (uint64_t seed = 0; seed < 8; seed++) {
                bench b = bench_of(outputs, seed);
                check(kernel[k], &b);
            }
}

static void check_right(const clh_kernels *kernel, bench *b)
{
    size_t right = 0;
    double p = 0;
    for (uint32_t target = 0; target <= b->outputs; target++) {
        const clh_predicted out = predict(b, kernel, target);
        memset(b->row, 0, sizeof b->row);
        assert_int_equal(out.wrong, !clh_loss_is_largest(b->outputs + 1, b->bias, target));
        right += out.wrong == 0;
        p += exp(-out.loss);
    }
    assert_int_equal(right, 1); /* of equal logits the first, and no other */
    assert_true(fabs(p - 1) < 1e-5);
}

static void the_first_of_the_largest_is_right(void **state)
{
    (void)state;
    for_each_build(check_right);
}

static void check_nan(const clh_kernels *kernel, bench *b)
{
    for (size_t at = 0; at < b->outputs; at += 1 + b->outputs / 5) {
        const clh_real before = b->bias[at];
        b->bias[at] = (clh_real)NAN;
        for (uint32_t target = 0; target <= b->outputs; target++) {
            const clh_predicted out = predict(b, kernel, target);
            memset(b->row, 0, sizeof b->row);
            assert_int_equal(out.wrong, 1);
            assert_true(isnan(out.loss));
        }
        b->bias[at] = before;
    }
}

static void nothing_is_right_where_a_logit_is_no_number(void **state)
{
    (void)state;
    for_each_build(check_nan);
}

/* A square that rounding took below 0 counts as 0: the norm's scale is then that of eps. */
static void check_square(const clh_kernels *kernel, bench *b)
{
    double loss[2];
    for (int below = 0; below < 2; below++) {
        b->square = below ? (clh_real)-1e-3 : 0;
        for (size_t i = 0; i < b->outputs; i++)
            b->row[i] = (clh_real)0.001 * (clh_real)i;
        loss[below] = predict(b, kernel, 0).loss;
    }
    assert_true(isfinite(loss[0]));
    assert_true(loss[0] == loss[1]);
}

static void a_square_is_never_less_than_0(void **state)
{
    (void)state;
    for_each_build(check_square);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_the_largest_is_right),
        cmocka_unit_test(nothing_is_right_where_a_logit_is_no_number),
        cmocka_unit_test(a_square_is_never_less_than_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
