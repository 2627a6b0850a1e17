/* The matrix product of every build: whatever the shape, the transposition and the gaps between
 * rows, it is the sum it says it is, and touches nothing else. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "math/kernels/blocking.h"
#include "math/kernels/kernels.h"
#include "support/cmocka_all.h"
#include "support/kernel_bench.h"

enum { STREAM_SHAPE = 301, STREAM_VALUE = 302, GUARD = 24, PRODUCTS = 400 };

/* One product and the memory behind it; what no product may read or write is NaN. */
typedef struct product {
    clh_gemm g;
    clh_real *a, *b, *c, *c_before, *bias;
    size_t c_count;
} product;

static size_t pick(uint64_t seed, uint64_t index, size_t least, size_t most)
{
    return least + (size_t)(clh_random_word(seed, STREAM_SHAPE, index) % (most - least + 1));
}

static size_t pick_edge(uint64_t seed, uint64_t index, size_t most)
{
    static const size_t edges[] = {0, 1, 6, 7, 15, 16, 17, 32, 33, 63, 64, 65, 127, 128};
    return pick(seed, index, 0, 2) ? pick(seed, index + 100, 1, most)
                                   : edges[pick(seed, index + 100, 0, CLH_COUNT(edges) - 1)];
}

static size_t pick_depth(uint64_t seed)
{
    static const size_t edges[] = {0, 1, 2, 255, 256, 257, 511, 512, 513, 700};
    return pick(seed, 5, 0, 3) ? pick(seed, 6, 1, 130)
                               : edges[pick(seed, 6, 0, CLH_COUNT(edges) - 1)];
}

/* Every so often one that is cut into rectangles, or whose B is copied. */
static void make_large(uint64_t seed, clh_gemm *g)
{
    static const struct large {
        size_t m, n, k;
    } large[] = {{40, 385, 512}, {40, 450, 20},  {300, 385, 257},
                 {300, 450, 20}, {1030, 70, 20}, {1030, 33, 257}};
    if (seed % 400 != 200)
        return;
    const struct large *one = &large[seed / 400 % CLH_COUNT(large)];
    g->m = one->m;
    g->n = one->n;
    g->k = one->k;
}

static clh_real *nan_array(size_t count)
{
    clh_real *array = clh_alloc_array(count, sizeof *array, NULL);
    assert_non_null(array);
    for (size_t i = 0; i < count; i++)
        array[i] = (clh_real)NAN;
    return array;
}

/* Small whole numbers, whose products and sums are exact in float, or normal deviates. */
static clh_real value(uint64_t seed, uint64_t index, bool whole)
{
    if (whole)
        return (clh_real)((int)(clh_random_word(seed, STREAM_VALUE, index) % 17) - 8);
    return (clh_real)clh_random_normal(seed, STREAM_VALUE, index);
}

static void fill(clh_real *data, size_t rows, size_t columns, size_t row_step, size_t column_step,
                 uint64_t seed, bool whole)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            data[i * row_step + j * column_step] = value(seed, i * columns + j, whole);
}

static product product_make(uint64_t seed, bool whole)
{
    product p = {0};
    clh_gemm *g = &p.g;
    g->m = pick_edge(seed, 1, 130);
    g->n = pick_edge(seed, 2, 130);
    g->k = pick_depth(seed);
    make_large(seed, g);
    const bool a_turned = pick(seed, 7, 0, 1), b_turned = pick(seed, 8, 0, 1);
    const size_t a_row = (a_turned ? g->m : g->k) + pick(seed, 9, 0, 5);
    const size_t b_row = (b_turned ? g->k : g->n) + pick(seed, 10, 0, 5);
    const size_t shift = pick(seed, 11, 0, 3);
    g->a_row = a_turned ? 1 : a_row;
    g->a_col = a_turned ? a_row : 1;
    g->b_row = b_turned ? 1 : b_row;
    g->b_col = b_turned ? b_row : 1;
    g->c_row = g->n + pick(seed, 12, 0, 5);
    g->alpha = whole ? (clh_real)2 : (clh_real)0.37;
    const size_t start = pick(seed, 13, 0, 2); /* nothing, C, a row */
    g->chain = pick(seed, 14, 0, 2) ? 0 : pick(seed, 15, 1, CLH_GEMM_BLOCK);
    p.c_count = g->m * g->c_row + shift + GUARD;
    p.a = nan_array((a_turned ? g->k : g->m) * a_row + shift);
    p.b = nan_array((b_turned ? g->n : g->k) * b_row + shift);
    p.c = nan_array(p.c_count);
    p.c_before = nan_array(p.c_count);
    g->a = p.a + shift;
    g->b = p.b + shift;
    g->c = p.c + shift;
    fill(p.a + shift, g->m, g->k, g->a_row, g->a_col, seed + 1, whole);
    fill(p.b + shift, g->k, g->n, g->b_row, g->b_col, seed + 2, whole);
    p.bias = nan_array(g->n + shift);
    fill(p.bias + shift, 1, g->n, 0, 1, seed + 4, whole);
    if (start == 1) {
        fill(p.c_before + shift, g->m, g->n, g->c_row, 1, seed + 3, whole);
        clh_product_adds(g);
    }
    if (start == 2)
        g->start = p.bias + shift;
    return p;
}

static void product_free(product *p)
{
    clh_free(p->a);
    clh_free(p->b);
    clh_free(p->c);
    clh_free(p->c_before);
    clh_free(p->bias);
}

static void run(product *p, const clh_kernels *kernel)
{
    memcpy(p->c, p->c_before, p->c_count * sizeof *p->c);
    kernel->gemm(&p->g);
}

/* Element [i, j] in double, and the sum of the absolute values that make it up. */
static double truth(const product *p, size_t i, size_t j, double *absolute)
{
    const clh_gemm *g = &p->g;
    const double alpha = (double)g->alpha;
    const clh_real *before = p->c_before + (g->c - p->c);
    const clh_real *start = g->start == g->c ? before : g->start;
    double old = start ? (double)start[i * g->start_row + j] : 0;
    double sum = 0, size = 0;
    for (size_t l = 0; l < g->k; l++) {
        double term =
            (double)g->a[i * g->a_row + l * g->a_col] * (double)g->b[l * g->b_row + j * g->b_col];
        sum += term;
        size += fabs(term);
    }
    *absolute = fabs(alpha) * size + fabs(old);
    return alpha * sum + old;
}

/* Bits outside the [m, n] of C are as before. */
static void gaps_hold(const product *p)
{
    const size_t shift = (size_t)(p->g.c - p->c);
    for (size_t at = 0; at < p->c_count; at++) {
        size_t i = at < shift ? p->g.m : (at - shift) / p->g.c_row;
        size_t j = at < shift ? 0 : (at - shift) % p->g.c_row;
        if (i >= p->g.m || j >= p->g.n)
            assert_memory_equal(&p->c[at], &p->c_before[at], sizeof *p->c);
    }
}

/* Each element of a product of whole numbers is exact, so every build has to hit it. A sum of k
 * rounded terms is within (k + 3) eps of the sum of their absolute values. */
static void products_are_right(bool whole)
{
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    const double eps = sizeof(clh_real) == 4 ? 0x1p-24 : 0x1p-53;
    for (uint64_t t = 0; t < PRODUCTS / 4; t++) {
        product p = product_make(1000 + 10 * t, whole);
        for (size_t k = 0; k < builds; k++) {
            run(&p, kernel[k]);
            gaps_hold(&p);
            for (size_t i = 0; i < p.g.m; i++)
                for (size_t j = 0; j < p.g.n; j++) {
                    double size, want = truth(&p, i, j, &size);
                    double got = (double)p.g.c[i * p.g.c_row + j];
                    double allowed = whole ? 0 : (double)(p.g.k + 3) * eps * size;
                    if (!(fabs(got - want) <= allowed))
                        fail_msg("%s: C[%zu,%zu] of [%zu,%zu]x[%zu,%zu] is %.9g, want %.9g",
                                 kernel[k]->name, i, j, p.g.m, p.g.k, p.g.k, p.g.n, got, want);
                }
        }
        product_free(&p);
    }
}

static void products_of_whole_numbers_are_exact(void **state)
{
    (void)state;
    products_are_right(true);
}

static void products_are_right_to_rounding(void **state)
{
    (void)state;
    products_are_right(false);
}

static void builds_agree_with_the_definition(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    assert_ptr_equal(kernel[0], &clh_kernels_plain);
    for (uint64_t t = 0; t < PRODUCTS; t++) {
        product p = product_make(90000 + 10 * t, false);
        run(&p, &clh_kernels_plain);
        clh_real *want = nan_array(p.c_count);
        memcpy(want, p.c, p.c_count * sizeof *want);
        for (size_t k = 1; k < builds; k++) {
            run(&p, kernel[k]);
            for (size_t at = 0; at < p.c_count; at++) {
                double got = (double)p.c[at], meant = (double)want[at];
                /* terms are products of normal deviates: their sum is of size sqrt(k) */
                double allowed = 1e-5 * sqrt((double)p.g.k + 1);
                assert_int_equal(isnan(got), isnan(meant));
                assert_true(isnan(got) || fabs(got - meant) <= allowed);
            }
        }
        clh_free(want);
        product_free(&p);
    }
}

/* In four parts, cut anywhere; only they are read, and room for no more is written. */
static clh_real *packed(const clh_gemm *g, const clh_kernels *kernel, uint64_t seed)
{
    clh_real *room = nan_array(g->k * g->n);
    const size_t l = pick(seed, 20, 0, g->k), j = pick(seed, 21, 0, g->n);
    for (int part = 0; part < 4; part++) {
        const size_t l0 = part & 1 ? l : 0, j0 = part & 2 ? j : 0;
        const clh_packing p = {.k = g->k,
                               .n = g->n,
                               .l0 = l0,
                               .j0 = j0,
                               .rows = part & 1 ? g->k - l : l,
                               .columns = part & 2 ? g->n - j : j,
                               .from = {g->b + l0 * g->b_row + j0 * g->b_col, g->b_row, g->b_col},
                               .to = room};
        kernel->pack(&p);
    }
    return room;
}

static void packed_matrices_and_strips_give_the_same_bits(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (size_t k = 0; k < builds; k++)
        for (uint64_t t = 0; t < PRODUCTS; t += 4) {
            product p = product_make(30000 + 10 * t, false);
            run(&p, kernel[k]);
            clh_real *want = nan_array(p.c_count), *room = packed(&p.g, kernel[k], t);
            memcpy(want, p.c, p.c_count * sizeof *want);
            p.g.packed = room;
            p.g.b = NULL;
            run(&p, kernel[k]);
            assert_memory_equal(p.c, want, p.c_count * sizeof *want);
            clh_real *strips = nan_array(clh_strips_rows(p.g.m) * p.g.k);
            if (p.g.a_row == 1) { /* the transpose of rows in memory */
                clh_strip(p.g.m, p.g.k, p.g.a, p.g.a_col, strips);
                p.g.strips = strips;
                p.g.a = NULL;
                run(&p, kernel[k]);
                assert_memory_equal(p.c, want, p.c_count * sizeof *want);
            }
            clh_free(strips);
            clh_free(room);
            clh_free(want);
            product_free(&p);
        }
}

/* `count` numbers to be read. */
static clh_real *values(uint64_t seed, size_t count)
{
    clh_real *x = nan_array(count);
    for (size_t i = 0; i < count; i++)
        x[i] = value(seed, i, false);
    return x;
}

/* Random steps from one product to the next; those of results lie behind one another. */
static clh_times pick_times(uint64_t seed, const clh_gemm *g)
{
    const size_t size = g->m * g->c_row + 3;
    return (clh_times){.count = pick(seed, 30, 0, 4),
                       .a = pick(seed, 31, 0, 2) ? g->a_row + g->a_col : 0,
                       .b = pick(seed, 32, 0, 2) ? g->b_row + g->b_col : 0,
                       .c = size,
                       .start = g->start == g->c ? size : pick(seed, 33, 0, 1)};
}

static void run_one_by_one(clh_gemm g, const clh_kernels *kernel)
{
    const size_t count = g.times.count ? g.times.count : 1;
    for (size_t i = 0; i < count; i++) {
        clh_gemm one = g;
        one.times = (clh_times){0};
        one.a += i * g.times.a;
        one.b += i * g.times.b;
        one.c += i * g.times.c;
        one.start = g.start ? g.start + i * g.times.start : NULL;
        kernel->gemm(&one);
    }
}

/* Of more than one, as of heads, each is what it is by itself. */
static void times_are_products_one_after_the_other(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (uint64_t t = 0; t < PRODUCTS; t += 2) {
        product p = product_make(70000 + 10 * t, false);
        clh_gemm g = p.g;
        g.times = pick_times(t, &g);
        const size_t all = 4 * g.times.c + g.n + 1;
        clh_real *a = values(t, (g.m + 4) * g.a_row + (g.k + 4) * g.a_col);
        clh_real *b = values(t + 1, (g.k + 4) * g.b_row + (g.n + 4) * g.b_col);
        clh_real *bias = values(t + 2, g.n + 4), *before = values(t + 3, all);
        clh_real *c = nan_array(all), *want = nan_array(all);
        g.a = a;
        g.b = b;
        g.start = g.start == g.c ? c : g.start ? bias : NULL;
        g.c = c;
        for (size_t k = 0; k < builds; k++) {
            memcpy(c, before, all * sizeof *c);
            run_one_by_one(g, kernel[k]);
            memcpy(want, c, all * sizeof *c);
            memcpy(c, before, all * sizeof *c);
            kernel[k]->gemm(&g);
            assert_memory_equal(c, want, all * sizeof *c);
        }
        clh_free(a);
        clh_free(b);
        clh_free(bias);
        clh_free(before);
        clh_free(c);
        clh_free(want);
        product_free(&p);
    }
}

static void a_cut_for_any_cache_is_whole_strips(void **state)
{
    (void)state;
    size_t last = 0;
    for (size_t bytes = 1; bytes < SIZE_MAX / 2; bytes *= 2) {
        const clh_blocking cut = clh_blocking_of(bytes);
        assert_true(cut.second_cache == bytes && cut.rows >= last && cut.rows >= CLH_STRIP);
        assert_int_equal(cut.rows % CLH_STRIP, 0);
        last = cut.rows;
    }
    const size_t one = CLH_GEMM_BLOCK * sizeof(clh_real); /* a row of A in a chain */
    assert_in_range(clh_blocking_of(1024 * one).rows, 500, 512);
    assert_true(clh_blocking_of(0).rows == clh_blocking_of(512 << 10).rows);
    assert_true(clh_blocking_here()->rows ==
                clh_blocking_of(clh_blocking_here()->second_cache).rows);
}

static void avx2_and_avx512_give_the_same_bits(void **state)
{
    (void)state;
    const clh_kernels *avx2, *avx512;
    if (!kernels_of_avx(&avx2, &avx512))
        return;
    for (uint64_t t = 0; t < PRODUCTS; t++) {
        product p = product_make(50000 + 10 * t, false);
        run(&p, avx2);
        clh_real *want = nan_array(p.c_count);
        memcpy(want, p.c, p.c_count * sizeof *want);
        run(&p, avx512);
        assert_memory_equal(p.c, want, p.c_count * sizeof *want);
        clh_free(want);
        product_free(&p);
    }
}

/* Whether element [i, l] of A, or [i, j] of C, is on the side of the diagonal that counts. */
static bool counts(const clh_gemm *g, size_t i, size_t other)
{
    return g->part == CLH_GEMM_A_UPPER ? i <= other + g->diagonal : other <= i + g->diagonal;
}

/* What `part` says is 0 or not asked makes no difference to the rest. */
static void parts_are_left_out(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (uint64_t t = 0; t < PRODUCTS; t++) {
        product p = product_make(7000 + 10 * t, true);
        clh_gemm *g = &p.g;
        g->part = (clh_gemm_part)(CLH_GEMM_A_LOWER + t % 3);
        g->diagonal = pick(t, 20, 0, 2) ? pick(t, 21, 0, 140) : 0;
        for (size_t i = 0; i < g->m && g->part != CLH_GEMM_C_LOWER; i++)
            for (size_t l = 0; l < g->k; l++)
                if (!counts(g, i, l))
                    p.a[(size_t)(g->a - p.a) + i * g->a_row + l * g->a_col] = 0;
        for (size_t k = 0; k < builds; k++) {
            run(&p, kernel[k]);
            if (g->c_row > 0)
                gaps_hold(&p);
            for (size_t i = 0; i < g->m; i++)
                for (size_t j = 0; j < g->n; j++) {
                    double size;
                    if (g->part != CLH_GEMM_C_LOWER || counts(g, i, j))
                        assert_true((double)g->c[i * g->c_row + j] == truth(&p, i, j, &size));
                }
        }
        product_free(&p);
    }
}

/* What no row counts is not even looked at by the fast builds, or leaving it out would save nothing:
 * NaN in those rows of B reaches no C, and those columns of C, but for the rest of a vector, keep
 * their bits. */
static void the_fast_builds_do_not_touch_what_no_row_counts(void **state)
{
    (void)state;
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    for (uint64_t t = 0; t < PRODUCTS; t++) {
        product p = product_make(3000 + 10 * t, false);
        clh_gemm *g = &p.g;
        g->part = t % 2 ? CLH_GEMM_A_LOWER : CLH_GEMM_C_LOWER;
        g->diagonal = pick(t, 20, 0, 20);
        const size_t beyond = g->m + g->diagonal;
        for (size_t l = beyond; l < g->k && g->part == CLH_GEMM_A_LOWER; l++)
            for (size_t j = 0; j < g->n; j++)
                p.b[(size_t)(g->b - p.b) + l * g->b_row + j * g->b_col] = (clh_real)NAN;
        for (size_t k = 1; k < builds; k++) {
            run(&p, kernel[k]);
            for (size_t i = 0; i < g->m; i++)
                for (size_t j = 0; j < g->n; j++) {
                    const size_t at = (size_t)(g->c - p.c) + i * g->c_row + j;
                    if (g->part == CLH_GEMM_A_LOWER)
                        assert_true(!isnan(p.c[at]));
                    else if (j >= beyond + (size_t)CLH_LANES && g->k > 0)
                        assert_memory_equal(&p.c[at], &p.c_before[at], sizeof *p.c);
                }
        }
        product_free(&p);
    }
}

static void transposes_are_exact(void **state)
{
    (void)state;
    enum { MOST = 40, ROW = MOST + 3 };
    size_t builds;
    const clh_kernels *const *kernel = clh_kernels_all(&builds);
    clh_real in[MOST * ROW], out[MOST * ROW];
    for (size_t i = 0; i < CLH_COUNT(in); i++)
        in[i] = (clh_real)i;
    for (size_t k = 0; k < builds; k++)
        for (size_t m = 0; m <= MOST; m++)
            for (size_t n = 0; n <= MOST; n++) {
                for (size_t i = 0; i < CLH_COUNT(out); i++)
                    out[i] = -1;
                kernel[k]->transpose(m, n, in, ROW, out, ROW);
                for (size_t j = 0; j < MOST; j++)
                    for (size_t i = 0; i < ROW; i++)
                        assert_true(out[j * ROW + i] ==
                                    (i < m && j < n ? in[i * ROW + j] : (clh_real)-1));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_whole_numbers_are_exact),
        cmocka_unit_test(products_are_right_to_rounding),
        cmocka_unit_test(builds_agree_with_the_definition),
        cmocka_unit_test(packed_matrices_and_strips_give_the_same_bits),
        cmocka_unit_test(times_are_products_one_after_the_other),
        cmocka_unit_test(a_cut_for_any_cache_is_whole_strips),
        cmocka_unit_test(avx2_and_avx512_give_the_same_bits),
        cmocka_unit_test(parts_are_left_out),
        cmocka_unit_test(the_fast_builds_do_not_touch_what_no_row_counts),
        cmocka_unit_test(transposes_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
