/* Rows of a certificate: every build against the plain one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

enum {
    KEYS = 7,
    RIVALS = 40,
    COLUMNS = 128,
    WEIGHTS = KEYS * CLH_LETTER_ROW,
    ENTRIES = COLUMNS * CLH_LETTER_ROW
};

typedef struct numbers {
    clh_real letter[CLH_LETTER_ROW], key[KEYS], scale[WEIGHTS];
    clh_real weight[WEIGHTS], sum[CLH_LETTER_ROW], scaled[CLH_LETTER_ROW];
    clh_real row[ENTRIES], base[RIVALS], target[CLH_LETTER_ROW];
    clh_real slack[CLH_LETTER_ROW];
    clh_real least[COLUMNS], most[COLUMNS];
    uint8_t which[RIVALS];
} numbers;

static numbers *numbers_of(uint64_t seed)
{
    numbers *n = calloc(1, sizeof *n);
    uint64_t k = 0;
    clh_real *parts[] = {n->letter, n->key, n->scale, n->row, n->base, n->target, n->slack};
    const size_t counts[] = {CLH_LETTER_ROW, KEYS,           WEIGHTS,       ENTRIES,
                             RIVALS,         CLH_LETTER_ROW, CLH_LETTER_ROW};
    for (size_t p = 0; p < CLH_COUNT(parts); p++)
        for (size_t i = 0; i < counts[p]; i++)
            parts[p][i] = (clh_real)clh_random_normal(seed, 3, k++);
    for (size_t i = 0; i < RIVALS; i++)
        n->which[i] = (uint8_t)(clh_random_word(seed, 4, i) % COLUMNS);
    n->letter[CLH_LETTER_ROW - 1] = -(clh_real)INFINITY; /* a letter that there is not */
    for (size_t i = 0; i < WEIGHTS; i++)
        n->scale[i] = 1 + (clh_real)fabs((double)n->scale[i]);
    return n;
}

static void weights(const clh_kernels *kernel, numbers *n)
{
    const clh_letter_weights w = {.keys = KEYS,
                                  .end = CLH_LETTER_ROW,
                                  .letter = n->letter,
                                  .key = n->key,
                                  .scale = n->scale,
                                  .weight = n->weight,
                                  .sum = n->sum,
                                  .scaled = n->scaled};
    kernel->letter_weights(&w, kernel->letter_scores(&w));
}

static void check_weights(const clh_kernels *kernel, size_t length, size_t shift)
{
    if (shift != 0)
        return;
    numbers *is = numbers_of(length), *want = numbers_of(length);
    weights(kernel, is);
    weights(&clh_kernels_plain, want);
    for (size_t x = 0; x < CLH_LETTER_ROW; x++) {
        close_to(is->sum[x], (double)want->sum[x], 1e-5 * (double)want->sum[x]);
        close_to(is->scaled[x], (double)want->scaled[x], 1e-5 * (double)want->scaled[x]);
        for (size_t k = 0; k < KEYS; k++)
            close_to(is->weight[k * CLH_LETTER_ROW + x],
                     (double)want->weight[k * CLH_LETTER_ROW + x],
                     1e-5 * (double)want->weight[k * CLH_LETTER_ROW + x]);
    }
    assert_true(is->sum[CLH_LETTER_ROW - 1] == 0 && is->sum[0] > 0);
    free(is);
    free(want);
}

static void weights_are_those_of_the_definition(void **state)
{
    (void)state;
    for_each_length(check_weights);
}

/* Sums and comparisons have no freedom: the same bits. */
static void check_bounds(const clh_kernels *kernel, size_t length, size_t shift)
{
    const size_t rivals = length % (RIVALS + 1);
    numbers *n = numbers_of(length + 1000), *want = numbers_of(length + 1000);
    const clh_kernels *plain = &clh_kernels_plain;
    clh_letter_limits of = {.n = rivals,
                            .which = n->which,
                            .base = n->base,
                            .row = n->row,
                            .target = n->target,
                            .slack = n->slack,
                            .limit = (clh_real)(0.2 * (double)shift),
                            .upper = (clh_real)(0.3 * (double)shift)};
    uint64_t reach, want_reach;
    const uint64_t below = kernel->letters_below(&of, &reach);
    assert_true(below == plain->letters_below(&of, &want_reach) && reach == want_reach);
    assert_true(rivals > 0 || (below == ~(uint64_t)0 && reach == 0));
    const size_t rows = length % CLH_LETTER_ROW;
    const clh_real *slack = length % 2 ? n->slack : NULL;
    kernel->column_ends(COLUMNS, rows, n->row, CLH_LETTER_ROW, slack, n->least, n->most);
    plain->column_ends(COLUMNS, rows, n->row, CLH_LETTER_ROW, slack, want->least, want->most);
    assert_memory_equal(n->least, want->least, sizeof n->least);
    assert_memory_equal(n->most, want->most, sizeof n->most);
    uint64_t bits[2], other[2];
    kernel->sum_reaches(COLUMNS, n->row, n->row + COLUMNS, of.limit, bits);
    plain->sum_reaches(COLUMNS, n->row, n->row + COLUMNS, of.limit, other);
    assert_memory_equal(bits, other, sizeof bits);
    free(n);
    free(want);
}

static void bounds_are_those_of_the_definition(void **state)
{
    (void)state;
    for_each_length(check_bounds);
}

/* Rows in double likewise, of every length. */
static void check_exact(const clh_kernels *kernel, size_t length, size_t shift)
{
    const clh_kernels *plain = &clh_kernels_plain;
    double rows[4][256], is[256], want[256];
    assert_true(length + shift <= CLH_COUNT(is));
    for (size_t i = 0; i < 4 * CLH_COUNT(is); i++)
        rows[i / CLH_COUNT(is)][i % CLH_COUNT(is)] = clh_random_normal(length, 5, i);
    const double *x = rows[0] + shift, *y = rows[1] + shift;
    kernel->exact_add(length, x, y, is);
    plain->exact_add(length, x, y, want);
    kernel->exact_axpy(length, 1.7, x, is);
    plain->exact_axpy(length, 1.7, x, want);
    assert_memory_equal(is, want, length * sizeof *is);
    assert_true(kernel->exact_square(length, x) == plain->exact_square(length, x));
    assert_true(kernel->exact_lead(length, 0.3, 1.1, x, y) ==
                plain->exact_lead(length, 0.3, 1.1, x, y));
    assert_true(kernel->exact_lead(length, 0.3, 1.1, x, y) >= (length ? -20 : INFINITY));
}

static void exact_rows_are_those_of_the_definition(void **state)
{
    (void)state;
    for_each_length(check_exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_of_the_definition),
        cmocka_unit_test(bounds_are_those_of_the_definition),
        cmocka_unit_test(exact_rows_are_those_of_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
