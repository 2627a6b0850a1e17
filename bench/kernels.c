/* The kernels of a training step, each alone: matrix products beside the machine's own speed, loops
 * over rows in nanoseconds.
 *
 *    ninja -C build bench/kernels && taskset -c 0 build/bench/kernels
 *    CLEARHEAD_ISA=avx2 build/bench/kernels
 *
 * Shapes are those of the notebook's model (d_model 128, one head of 64, 65 tokens) at n = 4, and
 * some at n = 5. The least of many rounds, operands in cache. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/clock.h"
#include "clearhead/bench.h"
#include "math/kernels/kernels.h"

enum { ROUNDS = 60 };

typedef struct shape {
    const char *what;
    size_t m, n, k;
    size_t a_row, a_col, b_row, b_col, c_row;
    bool added;
} shape;

static const shape shapes[] = {
    /* fused */
    {"tables: rows of 338", 24, 338, 128, 128, 1, 352, 1, 352, false},
    {"tables back", 24, 128, 210, 224, 1, 128, 1, 128, true},
    {"tables back, W", 24, 64, 139, 1, 128, 224, 1, 352, false},
    {"scores of positions, first block", 24, 24, 64, 128, 1, 121, 1, 160, false},
    {"scores of positions, odd keys", 24, 101, 64, 128, 1, 121, 1, 160, false},
    {"scores of positions, n = 5", 48, 678, 64, 128, 1, 721, 1, 768, false},
    {"z of positions, n = 5", 48, 64, 678, 768, 1, 64, 1, 64, false},
    {"g of keys, n = 5", 630, 64, 48, 1, 768, 64, 1, 224, true},
    {"predictions", 24, 128, 64, 64, 1, 128, 1, 224, false},
    {"predictions, last block", 20, 128, 64, 64, 1, 128, 1, 224, false},
    {"predictions back", 24, 64, 64, 224, 1, 64, 1, 64, true},
    {"g of W_O W_U", 64, 128, 116, 1, 64, 224, 1, 128, false},
    {"one row of 64", 1, 64, 116, 116, 1, 64, 1, 64, true},
    {"one row of 128", 1, 128, 121, 121, 1, 224, 1, 224, false},
    /* general */
    {"x W", 122, 64, 128, 128, 1, 64, 1, 64, true},
    {"x^T g", 128, 64, 122, 1, 128, 64, 1, 64, true},
    {"g W^T", 122, 128, 64, 64, 1, 1, 64, 128, true},
    {"scores, first block", 24, 24, 64, 64, 1, 122, 1, 122, false},
    {"scores, half the keys", 24, 72, 64, 64, 1, 122, 1, 122, false},
    {"scores, last two", 2, 122, 64, 64, 1, 122, 1, 122, false},
    {"z, half the keys", 24, 64, 72, 122, 1, 64, 1, 64, false},
    {"g_v, half the keys", 72, 64, 24, 1, 122, 64, 1, 64, true},
    {"logits", 122, 65, 128, 128, 1, 65, 1, 65, true},
    {"g_U", 128, 65, 122, 1, 128, 65, 1, 65, true},
    {"g U^T", 122, 128, 65, 65, 1, 1, 65, 128, true},
    {"256 cubed", 256, 256, 256, 256, 1, 256, 1, 256, false},
};

/* Seconds a call takes, the least of many rounds of about 0.1 ms. */
#define LEAST_SECONDS(least, times, call)                                                          \
    do {                                                                                           \
        (least) = 1e9;                                                                             \
        for (size_t round_ = 0; round_ < ROUNDS; round_++) {                                       \
            const double began_ = clh_clock_seconds();                                             \
            for (size_t i_ = 0; i_ < (times); i_++)                                                \
                call;                                                                              \
            const double took_ = (clh_clock_seconds() - began_) / (double)(times);                 \
            (least) = took_ < (least) ? took_ : (least);                                           \
        }                                                                                          \
    } while (0)

/* What a matrix of rows * columns needs, its steps being `row` and `col`. */
static size_t extent(size_t rows, size_t columns, size_t row, size_t col)
{
    return (rows - 1) * row + (columns - 1) * col + 1;
}

/* Operands of ones: what is added to stays finite, as alpha is 0 there. */
static clh_real *ones(size_t count)
{
    clh_real *x = clh_alloc_array(count, sizeof *x, NULL);
    for (size_t i = 0; x && i < count; i++)
        x[i] = 1;
    return x;
}

static bool product_print(const clh_kernels *kernel, const shape *s, double peak)
{
    clh_real *a = ones(extent(s->m, s->k, s->a_row, s->a_col));
    clh_real *b = ones(extent(s->k, s->n, s->b_row, s->b_col));
    clh_real *c = ones(extent(s->m, s->n, s->c_row, 1));
    if (a && b && c) {
        const clh_gemm g = {.m = s->m,
                            .n = s->n,
                            .k = s->k,
                            .a = a,
                            .a_row = s->a_row,
                            .a_col = s->a_col,
                            .b = b,
                            .b_row = s->b_row,
                            .b_col = s->b_col,
                            .c = c,
                            .c_row = s->c_row,
                            .alpha = s->added ? 0 : 1,
                            .start = s->added ? c : NULL,
                            .start_row = s->added ? s->c_row : 0};
        const double operations = 2.0 * (double)s->m * (double)s->n * (double)s->k;
        const size_t times = (size_t)(2e7 / operations) + 1;
        double least;
        LEAST_SECONDS(least, times, kernel->gemm(&g));
        printf("%-34s %4zu %4zu %4zu %9.2f us %7.1f G/s %6.2f\n", s->what, s->m, s->n, s->k,
               least * 1e6, operations / least / 1e9, operations / least / peak);
    }
    const bool failed = !a || !b || !c;
    clh_free(a);
    clh_free(b);
    clh_free(c);
    return !failed;
}

enum { ROW = 721 };

static clh_real x[ROW], y[ROW], z[ROW], w[ROW], v[ROW];
static volatile clh_real sink;

/* Each kernel of rows once, over n numbers that stay finite: what is added is 0. */
#define ROW_KERNEL(name, call)                                                                     \
    static void row_##name(const clh_kernels *k, size_t n)                                         \
    {                                                                                              \
        call;                                                                                      \
    }
ROW_KERNEL(sum, sink = k->sum(n, x))
ROW_KERNEL(dot, sink = k->dot(n, x, y))
ROW_KERNEL(axpy, k->axpy(n, 0, x, y))
ROW_KERNEL(shift, k->shift(n, 0, y))
ROW_KERNEL(softmax, k->softmax(n, x, z))
ROW_KERNEL(softmax_backward, k->softmax_backward(n, x, y, z))
ROW_KERNEL(square, sink = k->square(n, x, 1))
ROW_KERNEL(normalize, k->normalize(n, x, 0, 1, w, w, z))
ROW_KERNEL(normalize_sums, sink = k->normalize_sums(n, x, 0, 0, y, w, z, v))
ROW_KERNEL(normalize_input, sink = k->normalize_input(n, x, 0, 0, 0, y, w, z))
ROW_KERNEL(add_rows, k->add_rows(n, 1, x, 0, z))
ROW_KERNEL(centre, sink = k->centre(n, x, 1, z))

static void rows_print(const clh_kernels *kernel)
{
    static const struct {
        const char *what;
        void (*run)(const clh_kernels *kernel, size_t n);
    } rows[] = {
        {"sum", row_sum},
        {"dot", row_dot},
        {"axpy", row_axpy},
        {"shift", row_shift},
        {"softmax", row_softmax},
        {"softmax_backward", row_softmax_backward},
        {"square", row_square},
        {"normalize", row_normalize},
        {"normalize_sums", row_normalize_sums},
        {"normalize_input", row_normalize_input},
        {"add_rows, one", row_add_rows},
        {"centre", row_centre},
    };
    static const size_t lengths[] = {61, 65, 128, ROW};
    printf("\n%-18s", "ns a row of");
    for (size_t l = 0; l < CLH_COUNT(lengths); l++)
        printf("%8zu", lengths[l]);
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        printf("\n%-18s", rows[i].what);
        for (size_t l = 0; l < CLH_COUNT(lengths); l++) {
            double least;
            memset(z, 0, sizeof z);
            LEAST_SECONDS(least, 2000, rows[i].run(kernel, lengths[l]));
            printf("%8.1f", least * 1e9);
        }
    }
    printf("\n");
}

int main(void)
{
    double peak;
    if (clh_bench_peak(&peak, NULL, NULL))
        return 3;
    const clh_kernels *kernel = clh_kernels_best();
    printf("%s, peak %.1f G operations/s\n%-34s %4s %4s %4s %12s %11s %6s\n", kernel->name,
           peak / 1e9, "product", "m", "n", "k", "time", "speed", "ratio");
    for (size_t i = 0; i < CLH_COUNT(shapes); i++)
        if (!product_print(kernel, &shapes[i], peak))
            return 3;
    rows_print(kernel);
    return 0;
}
