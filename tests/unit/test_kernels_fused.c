/* The rows of the fused path, every build against the definition in kernels_plain.c, and what the
 * definition promises: patterns sum to 1, gradients are derivatives of the loss. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

enum { STREAM = 501, ROWS = CLH_ROWS_TOGETHER + 5, MOST = 160, SETS = 16, GUARD = 24 };

/* Numbers in memory that is NaN around them: set `s` of a bench, MOST numbers a row. */
typedef struct numbers {
    clh_real at[ROWS * MOST + 2 * GUARD];
} numbers;

typedef struct bench {
    numbers set[SETS];
    uint32_t of[MOST], number[ROWS], target[ROWS];
    double loss[ROWS], loss_sum;
    size_t wrong;
} bench;

static clh_real *row_of(bench *b, size_t set, size_t number)
{
    return b->set[set].at + GUARD + number * MOST;
}

/* The first `n` numbers of each row of each set are deviates, all else NaN. */
static void fill(bench *b, size_t n, uint64_t seed)
{
    memset(b, 0, sizeof *b);
    for (size_t s = 0; s < SETS; s++) {
        for (size_t i = 0; i < CLH_COUNT(b->set[s].at); i++)
            b->set[s].at[i] = (clh_real)NAN;
        for (size_t r = 0; r < ROWS; r++)
            for (size_t i = 0; i < n; i++)
                row_of(b, s, r)[i] = (clh_real)clh_random_normal(seed + s, STREAM, r * MOST + i);
    }
}

typedef void run_fn(bench *b, const clh_kernels *kernel, size_t n, uint64_t seed);

/* `run` by every build: what is NaN stays so, the rest is the definition's to rounding; AVX2 and
 * AVX-512 agree in every bit. */
static void builds_agree(run_fn *run, size_t least)
{
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    static bench want, got, avx2;
    for (size_t n = least; n + 20 <= MOST; n += n < 40 ? 1 : 7) {
        fill(&want, n, n);
        run(&want, &clh_kernels_plain, n, n);
        for (size_t k = 1; k < builds; k++) {
            fill(&got, n, n);
            run(&got, kernel[k], n, n);
            for (size_t s = 0; s < SETS; s++)
                for (size_t i = 0; i < CLH_COUNT(got.set[s].at); i++) {
                    const double x = (double)got.set[s].at[i], y = (double)want.set[s].at[i];
                    if (isnan(x) != isnan(y) || fabs(x - y) > 2e-5 * (1 + fabs(y)))
                        fail_msg("%s, %zu long: number %zu of set %zu is %.9g, want %.9g",
                                 kernel[k]->name, n, i, s, x, y);
                }
            for (size_t r = 0; r < ROWS; r++)
                assert_true(fabs(got.loss[r] - want.loss[r]) <= 2e-5 * (1 + want.loss[r]));
            assert_true(fabs(got.loss_sum - want.loss_sum) <= 2e-5 * (1 + want.loss_sum));
            assert_int_equal(got.wrong, want.wrong);
            if (strcmp(kernel[k]->name, "avx2") == 0)
                avx2 = got;
            if (strcmp(kernel[k]->name, "avx512") == 0)
                assert_memory_equal(&avx2, &got, sizeof got);
        }
    }
}

/* ---- Queries
 * --------------------------------------------------------------------------------------- */

enum {
    POSITION,
    TOKEN,
    KIND,
    INVERSE,
    BIAS,
    SCORES,
    PATTERN,
    G,
    G_POSITION,
    G_TOKEN,
    SUM,
    ALONG,
    SCALE
};

static size_t rows_for(size_t n)
{
    return n < ROWS ? n : ROWS;
}

/* What each row has of its own, whatever the length of a row: 1 / s, and a sum to add to. */
static void scale_of_rows(bench *b)
{
    for (size_t r = 0; r < ROWS; r++) {
        row_of(b, SCALE, 0)[r] = (clh_real)(0.7 + 0.1 * (double)r);
        row_of(b, SCALE, 1)[r] = (clh_real)r;
    }
}

/* Row r has r more keys than the first, as under a causal mask; more kinds than lanes for every
 * third length; tokens' rows in an order of their own, some shared. */
static clh_queries queries_of(bench *b, size_t n)
{
    const size_t kinds = n % 3 == 0 && n > CLH_LANES ? n : n < CLH_LANES ? n : CLH_LANES;
    const size_t rows = rows_for(n);
    for (size_t j = 0; j < n; j++)
        b->of[j] = (uint32_t)(j * 7 % kinds);
    for (size_t r = 0; r < ROWS; r++)
        b->number[r] = (uint32_t)(r * 5 % 7);
    return (clh_queries){.rows = rows,
                         .keys = n + 1 - rows,
                         .end = n,
                         .position = row_of(b, POSITION, 0),
                         .position_row = MOST,
                         .token = {row_of(b, TOKEN, 0), MOST, b->number},
                         .kind = row_of(b, KIND, 0),
                         .kind_row = MOST,
                         .kinds = kinds,
                         .of = b->of,
                         .scale = row_of(b, SCALE, 0),
                         .inverse = row_of(b, INVERSE, 0),
                         .bias = row_of(b, BIAS, 0),
                         .scores = row_of(b, SCORES, 0),
                         .pattern = row_of(b, PATTERN, 0),
                         .row = MOST};
}

static void run_attend(bench *b, const clh_kernels *kernel, size_t n, uint64_t seed)
{
    (void)seed;
    const clh_queries q = queries_of(b, n);
    scale_of_rows(b);
    kernel->attend(&q);
    for (size_t r = 0; r < q.rows; r++) {
        const clh_real *pattern = row_of(b, PATTERN, r);
        double sum = 0;
        for (size_t j = 0; j < q.keys + r; j++)
            sum += (double)pattern[j];
        assert_true(fabs(sum - 1) < 1e-5);
        for (size_t j = q.keys + r; j < q.end; j++)
            assert_true(pattern[j] == 0);
    }
}

static void attend_is_its_definition(void **state)
{
    (void)state;
    builds_agree(run_attend, 1);
}

static void attend_hands_on_what_is_not_a_number(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    static bench b;
    for (size_t k = 0; k < builds; k++)
        for (size_t n = 1; n < 50; n++) {
            fill(&b, n, n);
            const clh_queries q = queries_of(&b, n);
            const size_t last = q.rows - 1;
            scale_of_rows(&b);
            row_of(&b, POSITION, last)[n / 2] = (clh_real)NAN;
            kernel[k]->attend(&q);
            for (size_t j = 0; j < n; j++)
                assert_true(isnan(row_of(&b, PATTERN, last)[j]));
        }
}

static void run_attend_back(bench *b, const clh_kernels *kernel, size_t n, uint64_t seed)
{
    const clh_queries q = queries_of(b, n);
    for (size_t r = 0; r < q.rows; r++) /* as large as patterns are */
        for (size_t j = 0; j < n; j++)
            row_of(b, PATTERN, r)[j] /= (clh_real)n;
    scale_of_rows(b);
    kernel->attend_back(&(clh_queries_back){.rows = q.rows,
                                            .keys = q.keys,
                                            .end = q.end,
                                            .scores = q.scores,
                                            .pattern = q.pattern,
                                            .g = row_of(b, G, 0),
                                            .row = MOST,
                                            .scale = q.scale,
                                            .inverse = q.inverse,
                                            .bias = q.bias,
                                            .fresh = seed % 2,
                                            .g_position = row_of(b, G_POSITION, 0),
                                            .position_row = MOST,
                                            .g_token = row_of(b, G_TOKEN, 0),
                                            .token_row = MOST,
                                            .number = b->number,
                                            .sum = row_of(b, SUM, 0),
                                            .along = row_of(b, ALONG, 0),
                                            .along_query = row_of(b, SCALE, 1)});
}

static void attend_back_is_its_definition(void **state)
{
    (void)state;
    builds_agree(run_attend_back, 1);
}

/* ---- Predictions
 * ----------------------------------------------------------------------------------- */

enum { Z = 0, T, P, ROW, G_Z, SQUARE, U_BIAS, G_BIAS, LOGITS };

static size_t width_of(size_t n)
{
    return n / 3;
}

/* Each row's loss is asked on the way forward only, as in an evaluation. */
static void predict(bench *b, const clh_kernels *kernel, size_t n, bool back)
{
    const size_t width = width_of(n), outputs = n - width;
    row_of(b, G_BIAS, 0)[outputs] = 0;
    for (size_t r = 0; r < ROWS; r++) {
        b->number[r] = (uint32_t)(r * 5 % ROWS);
        b->target[r] = (uint32_t)(r * 11 % (outputs + 1));
        row_of(b, SQUARE, 0)[r] = (clh_real)(60 + 3 * r);
    }
    const clh_predicted out =
        kernel->predict(&(clh_predictions){.rows = ROWS,
                                           .width = width,
                                           .outputs = outputs,
                                           .d = 7,
                                           .eps = 1e-5,
                                           .weight = (clh_real)0.4,
                                           .bias = row_of(b, U_BIAS, 0),
                                           .z = row_of(b, Z, 0),
                                           .z_row = MOST,
                                           .token = {row_of(b, T, 0), MOST, b->number},
                                           .position = row_of(b, P, 0),
                                           .position_row = MOST,
                                           .square = row_of(b, SQUARE, 0),
                                           .target = b->target,
                                           .logits = row_of(b, LOGITS, 0),
                                           .logits_row = MOST,
                                           .row = row_of(b, ROW, 0),
                                           .row_row = MOST,
                                           .g_z = back ? row_of(b, G_Z, 0) : NULL,
                                           .g_square = row_of(b, SQUARE, 1),
                                           .g_bias = row_of(b, G_BIAS, 0),
                                           .each = back ? NULL : b->loss});
    b->loss_sum = out.loss;
    b->wrong = out.wrong;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t o = 0; o <= outputs; o++) /* room: anything */
            row_of(b, LOGITS, r)[o] = 0;
}

static void run_predict(bench *b, const clh_kernels *kernel, size_t n, uint64_t seed)
{
    (void)seed;
    predict(b, kernel, n, true);
}

static void run_predict_forward(bench *b, const clh_kernels *kernel, size_t n, uint64_t seed)
{
    (void)seed;
    predict(b, kernel, n, false);
}

static void predict_is_its_definition(void **state)
{
    (void)state;
    builds_agree(run_predict, 1);
    builds_agree(run_predict_forward, 1);
}

/* The loss moves by what the gradients say when what they belong to moves. */
static void gradients_of_a_prediction_are_derivatives(void **state)
{
    (void)state;
    enum { N = 60 };
    static bench b, moved;
    const double step = sizeof(clh_real) == 4 ? 1e-2 : 1e-5, weight = 0.4;
    const double within = sizeof(clh_real) == 4 ? 2e-3 : 1e-8;
    fill(&b, N, 3);
    run_predict(&b, &clh_kernels_plain, N, 0);
    for (size_t i = 0; i < N; i++) {
        double loss[2];
        for (int side = 0; side < 2; side++) { /* what a token's row brings, one number of it */
            fill(&moved, N, 3);
            row_of(&moved, T, 2)[i] += (clh_real)(side ? step : -step);
            run_predict_forward(&moved, &clh_kernels_plain, N, 0);
            loss[side] = weight * moved.loss[3];
        }
        /* of token and position rows: [2 g_square z, inverse g] is the gradient */
        assert_true(fabs((loss[1] - loss[0]) / (2 * step) - (double)row_of(&b, ROW, 3)[i]) <
                    within);
    }
}

/* ---- Rows of weights and of the tables
 * ------------------------------------------------------------- */

/* A pattern that is all on one key is as sharp as it can be: nothing comes back, to the last bit,
 * however large the scores. */
static void a_sharp_pattern_gives_nothing_back(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    static bench b;
    for (size_t k = 0; k < builds; k++)
        for (size_t n = 1; n < 50; n++) {
            fill(&b, n, n);
            const clh_queries q = queries_of(&b, n);
            for (size_t r = 0; r < q.rows; r++)
                for (size_t j = 0; j < n; j++) {
                    row_of(&b, PATTERN, r)[j] = j == n / 3 && j < q.keys + r ? (clh_real)n : 0;
                    row_of(&b, SCORES, r)[j] *= (clh_real)1e20;
                }
            run_attend_back(&b, kernel[k], n, 1);
            for (size_t r = 0; r < q.rows; r++)
                for (size_t j = 0; j < n; j++)
                    assert_true(row_of(&b, G_POSITION, r)[j] == 0);
        }
}

static void run_spread(bench *b, const clh_kernels *kernel, size_t n, uint64_t seed)
{
    enum { WITH = 5 };
    clh_real *sums = row_of(b, 9, 1), *scale = row_of(b, 9, 2);
    for (size_t r = 0; r < WITH; r++) {
        sums[r] = (clh_real)(0.3 * (double)r - 0.4); /* is added to */
        scale[r] = (clh_real)(0.6 + 0.2 * (double)r);
        b->number[r] = (uint32_t)(r % 3);
    }
    const clh_token_rows token = {row_of(b, 6, 0), MOST, b->number};
    kernel->combine(&(clh_combine){.rows = WITH,
                                   .n = n,
                                   .token = token,
                                   .position = row_of(b, 6, 3),
                                   .position_row = MOST,
                                   .scale = scale,
                                   .bias = row_of(b, 2, 1),
                                   .y = row_of(b, 12, 0)});
    kernel->spread(&(clh_spread_rows){.rows = WITH,
                                      .n = n,
                                      .scale = seed / 2 % 2 ? scale : NULL,
                                      .token = token,
                                      .position = row_of(b, 6, 3),
                                      .position_row = MOST,
                                      .g = row_of(b, 7, 0),
                                      .g_row = MOST,
                                      .g_token = row_of(b, 8, 0),
                                      .g_position = row_of(b, 8, 3),
                                      .sum_row = MOST,
                                      .along = sums,
                                      .fresh = seed % 2});
}

static void run_weights(bench *b, const clh_kernels *kernel, size_t n, uint64_t seed)
{
    clh_real *sums = row_of(b, 9, 0);
    for (size_t r = 0; r < 3; r++)
        sums[r] = (clh_real)r; /* the last two are added to */
    sums[0] = kernel->centre(n, row_of(b, 0, 0), (clh_real)0.25, row_of(b, 1, 0));
    (void)kernel->centre(n, row_of(b, 0, 1), 1, row_of(b, 0, 1));
    kernel->unfold(n, (clh_real)1.2, (clh_real)-0.4, row_of(b, 2, 0), row_of(b, 3, 0),
                   row_of(b, 4, 0), row_of(b, 5, 0), &sums[1], &sums[2]);
    run_spread(b, kernel, n, seed);
    kernel->solu_backward(n, row_of(b, 10, 0), row_of(b, 10, 1), row_of(b, 11, 0));
}

static void rows_of_weights_are_their_definition(void **state)
{
    (void)state;
    builds_agree(run_weights, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attend_is_its_definition),
        cmocka_unit_test(attend_hands_on_what_is_not_a_number),
        cmocka_unit_test(attend_back_is_its_definition),
        cmocka_unit_test(a_sharp_pattern_gives_nothing_back),
        cmocka_unit_test(predict_is_its_definition),
        cmocka_unit_test(gradients_of_a_prediction_are_derivatives),
        cmocka_unit_test(rows_of_weights_are_their_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
