/** The few loops in which the time goes, under one contract.
 *
 *    const clh_kernels *kernel = clh_kernels_best();
 *    kernel->gemm(&(clh_gemm){.m = T, .n = d_head, .k = d_model, .a = x, .a_row = d_model,
 *                              .a_col = 1, .b = W, .b_row = d_head, .b_col = 1, .c = q,
 *                              .c_row = d_head, .alpha = 1});
 *
 *  kernels_plain.c is the definition: loops a reader can check. kernels_simd.c is one source built
 *  once per instruction set; the machine's best is picked at start, or the one CLEARHEAD_ISA names
 *  (plain, base, avx2, avx512, neon).
 *
 *  Same bits with AVX2, AVX-512 and NEON: each element of a product is one chain of fused
 *  multiply-adds over k in blocks of CLH_GEMM_BLOCK, and each reduction keeps CLH_LANES partial
 *  sums, added up as a tree. `plain` and `base` have no fused multiply-add and agree to rounding
 *  only.
 */
#ifndef CLH_KERNELS_H
#define CLH_KERNELS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "clearhead/tensor.h"
#include "math/kernels/curves.h"
#include "math/kernels/fused_rows.h"
#include "math/kernels/packing.h"
#include "math/kernels/prove_rows.h"

enum { CLH_LANES = 16, CLH_GEMM_BLOCK = 256 };

/** C[i,j] = alpha * sum_l A[i,l] B[l,j] + S[i,j], i < m, j < n, l < k. Element [i,l] of A is
 *  a[i * a_row + l * a_col]; of B, b[l * b_row + j * b_col], where one of b_row and b_col is 1; of
 *  C, c[i * c_row + j]; of S, start[i * start_row + j]. S is C itself where a product is added, one
 *  row for all (start_row 0) where it is a bias, and 0 where `start` is NULL. Nothing else overlaps
 *  C.
 *
 *  Queries that see no key past their own make products of which part is known to be 0 or not
 *  asked; most of that is left out when `part` says so. */
typedef enum clh_gemm_part {
    CLH_GEMM_ALL,
    CLH_GEMM_A_LOWER, /**< A[i,l] is 0 for l > i + diagonal */
    CLH_GEMM_A_UPPER, /**< A[i,l] is 0 for l < i - diagonal */
    CLH_GEMM_C_LOWER, /**< C[i,j] is asked for j <= i + diagonal; the others may be anything after
                       */
} clh_gemm_part;

/** Rows in memory that are read soon after a product: `rows` of `columns` numbers, `row` apart. */
typedef struct clh_soon {
    const clh_real *at;
    size_t rows, row, columns;
} clh_soon;

enum { CLH_SOON = 2 };

/** Products that differ only in where their operands lie, as those of heads do: `count` of them in this order, and
 *  how far each operand lies behind that of the one before. A count of 0 is one product, too. */
typedef struct clh_times {
    size_t count, a, b, c, start;
} clh_times;

typedef struct clh_gemm {
    size_t m, n, k;
    const clh_real *a;
    size_t a_row, a_col;
    const clh_real *
        strips; /**< A as clh_strip() has laid it out, of this m and k, or NULL; then a is not read, and
                               `part` is all */
    const clh_real *b;
    size_t b_row, b_col;
    const clh_real
        *packed; /**< B as pack() has laid it out, of this n and k, or NULL; then b is not read */
    clh_real *c;
    size_t c_row;
    clh_real alpha;
    const clh_real *start;
    size_t start_row;
    clh_gemm_part part;
    size_t diagonal;
    const clh_soon *soon; /**< [CLH_SOON] asked for while the product is computed, or NULL */
    size_t chain;    /**< terms added up before they join the rest, at most and 0: CLH_GEMM_BLOCK */
    clh_times times; /**< all read the same `strips` and `packed`, where there are any */
} clh_gemm;

/** The matrix whose rows lie `row` apart. */
static inline clh_matrix clh_rows(const clh_real *at, size_t row)
{
    return (clh_matrix){at, row, 1};
}

/** The transpose of the matrix whose rows lie `row` apart. */
static inline clh_matrix clh_transposed(const clh_real *at, size_t row)
{
    return (clh_matrix){at, 1, row};
}

/** One AdamW, Adam or SGD update of `n` numbers; the coefficients are those of one step. */
typedef struct clh_adam_step {
    double beta1, beta2, eps;
    double decay;      /**< decoupled: p *= 1 - decay (lr * weight_decay), 0 for Adam */
    double l2;         /**< coupled: g += l2 * p, 0 for AdamW */
    double step_size;  /**< lr / (1 - beta1^t) */
    double sqrt_bias2; /**< sqrt(1 - beta2^t) */
    double grad_scale; /**< what clipping multiplies gradients by */
} clh_adam_step;

typedef struct clh_kernels {
    const char *name;

    void (*gemm)(const clh_gemm *product);

    /** Part of a matrix that products read as `packed`: math/kernels/packing.h. */
    void (*pack)(const clh_packing *part);

    /** out[j * out_row + i] = in[i * in_row + j], i < m, j < n */
    void (*transpose)(size_t m, size_t n, const clh_real *in, size_t in_row, clh_real *out,
                      size_t out_row);

    /** sum_i x[i] */
    clh_real (*sum)(size_t n, const clh_real *x);

    /** sum_i x[i] y[i] */
    clh_real (*dot)(size_t n, const clh_real *x, const clh_real *y);

    /** y[i] += alpha x[i] */
    void (*axpy)(size_t n, clh_real alpha, const clh_real *x, clh_real *y);

    /** y[i] = (y[i] + x[0][i]) + x[1][i] + …, `rows` of x, `row` apart */
    void (*add_rows)(size_t n, size_t rows, const clh_real *x, size_t row, clh_real *y);

    /** p[i] = exp(x[i] - max) / sum_j exp(x[j] - max); p may be x. A row of -inf gives zeros, as
     *  TransformerLens' nan guard; one with NaN or +inf is NaN all over. The exponential is within
     *  1.25 units in the last place; below -87.3 it is 0. */
    void (*softmax)(size_t n, const clh_real *x, clh_real *p);

    /** The sum of exp(x[i] - max) over all i but one whose x[i] is the largest, max, which goes into
     *  *most: log sum_i exp(x[i]) is max + log1p(excess). Differences and sum are double's, and where
     *  all is small beside the largest, no digit of it is lost. An exponential is within 3e-10 of itself,
     *  0 below -708.7. NaN where a number is NaN or +inf, or all are -inf. n > 0; clh_log_sum_of(). */
    double (*excess)(size_t n, const clh_real *x, double *most);

    /** ds[i] = p[i] (dp[i] - sum_j p[j] dp[j]); ds may be p or dp. The gradient of softmax. */
    void (*softmax_backward)(size_t n, const clh_real *p, const clh_real *dp, clh_real *ds);

    /** The gradient of y = x softmax(x): with s = softmax(x),
     *  gx[i] = s[i] (gy[i] + gy[i] x[i] - sum_j gy[j] x[j] s[j]). gx is neither x nor gy. */
    void (*solu_backward)(size_t n, const clh_real *x, const clh_real *gy, clh_real *gx);

    /** y[i] = f(x[i]) of a curve, and gx[i] = gy[i] f'(x[i]): math/kernels/curves.h. Within 1e-6 of
     *  max(1, |x|) in single precision; the same bits in every build that has vectors. */
    void (*curve)(clh_curve curve, size_t n, const clh_real *x, clh_real *y);
    void (*curve_back)(clh_curve curve, size_t n, const clh_real *x, const clh_real *gy,
                       clh_real *gx);

    /** sum_i (x[i] - mean)^2 */
    clh_real (*square)(size_t n, const clh_real *x, clh_real mean);

    /** y[i] = (x[i] - mean) inverse, then * w[i] + b[i] unless w is NULL. y may be x. */
    void (*normalize)(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                      const clh_real *w, const clh_real *b, clh_real *y);

    /** With u = (x - mean) inverse and gu = gy w (gy where w is NULL): returns sum_i gu[i] u[i];
     * adds gy[i] u[i] to gw[i] and gy[i] to gb[i] unless gw is NULL. */
    clh_real (*normalize_sums)(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                               const clh_real *gy, const clh_real *w, clh_real *gw, clh_real *gb);

    /** gx[i] += gu[i] inverse + through (x[i] - mean), gu as above; returns the sum of what was
     *  added. */
    clh_real (*normalize_input)(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                                clh_real through, const clh_real *gy, const clh_real *w,
                                clh_real *gx);

    /** y[i] = (x[i] - mean of x) scale; returns sum_i y[i]^2. y may be x. */
    clh_real (*centre)(size_t n, const clh_real *x, clh_real scale, clh_real *y);

    /** A gradient through y = w x + ..., z = ... + b x, x a row shared by all columns:
     *  gx[i] = w gy[i] + b gz[i]; *gw += sum_i gy[i] x[i], *gb += sum_i gz[i] x[i]. */
    void (*unfold)(size_t n, clh_real w, clh_real b, const clh_real *x, const clh_real *gy,
                   const clh_real *gz, clh_real *gx, clh_real *gw, clh_real *gb);

    /** Rows of the fused backend: math/kernels/fused_rows.h says what they compute. */
    void (*attend)(const clh_queries *queries);
    void (*attend_back)(const clh_queries_back *queries);
    clh_predicted (*predict)(const clh_predictions *rows);
    void (*combine)(const clh_combine *rows);
    void (*spread)(const clh_spread_rows *rows);

    /** x[i] += c */
    void (*shift)(size_t n, clh_real c, clh_real *x);

    /** torch.optim.Adam(W): m, v and p of n numbers move one step. */
    void (*adam)(size_t n, const clh_adam_step *step, const clh_real *g, clh_real *m, clh_real *v,
                 clh_real *p);

    /** Rows of a certificate: math/kernels/prove_rows.h. The largest score, of which nothing is written; weights
     *  and their sums. */
    clh_real (*letter_scores)(const clh_letter_weights *rows);
    void (*letter_weights)(const clh_letter_weights *rows, clh_real most);

    /** least[i]: the smallest x[r * row + i] - shift[r], most[i]: the largest of x[r * row + i] +
     *  shift[r], r < rows; shift NULL: 0. n is whole CLH_LANES. */
    void (*column_ends)(size_t n, size_t rows, const clh_real *x, size_t row, const clh_real *shift,
                        clh_real *least, clh_real *most);

    /** What of every letter x < CLH_LETTER_ROW stands against its limits: math/kernels/prove_rows.h. */
    uint64_t (*letters_below)(const clh_letter_limits *of, uint64_t *reach);

    /** Bit i of which[i / 64]: x[i] + y[i] >= limit. n is whole CLH_LANES. */
    void (*sum_reaches)(size_t n, const clh_real *x, const clh_real *y, clh_real limit,
                        uint64_t *which);

    /** Rows in double, which decide what floats cannot; the same bits in every build. sum[i] = x[i] + y[i];
     *  y[i] += a x[i]; the sum of x[i]^2, as eight sums of every eighth that are then added in order; the least of
     *  base - (x[i] times + bias[i]), INFINITY without any. */
    void (*exact_add)(size_t n, const double *x, const double *y, double *sum);
    void (*exact_axpy)(size_t n, double a, const double *x, double *y);
    double (*exact_square)(size_t n, const double *x);
    double (*exact_lead)(size_t n, double base, double times, const double *x, const double *bias);

    /** Multiply-adds from registers, nothing else: the machine's own speed. Returns how many
     *  operations `loops` of them were. */
    double (*multiply_adds)(size_t loops);
} clh_kernels;

/** C = alpha A B, A [m, k], B [k, n], the rows of C `c_row` apart: still to be asked of gemm(). */
static inline clh_gemm clh_product(size_t m, size_t n, size_t k, double alpha, clh_matrix a,
                                   clh_matrix b, clh_real *c, size_t c_row)
{
    return (clh_gemm){.m = m,
                      .n = n,
                      .k = k,
                      .a = a.at,
                      .a_row = a.row,
                      .a_col = a.col,
                      .b = b.at,
                      .b_row = b.row,
                      .b_col = b.col,
                      .c = c,
                      .c_row = c_row,
                      .alpha = (clh_real)alpha};
}

/** Let it be added to C. */
static inline void clh_product_adds(clh_gemm *g)
{
    g->start = g->c;
    g->start_row = g->c_row;
    g->times.start = g->times.c;
}

/** From one of its `times` to the next. */
static inline void clh_product_steps(clh_gemm *g)
{
    g->a = g->a ? g->a + g->times.a : NULL;
    g->b = g->b ? g->b + g->times.b : NULL;
    g->c += g->times.c;
    g->start = g->start ? g->start + g->times.start : NULL;
}

/** C = alpha A B. */
static inline void clh_multiply(const clh_kernels *kernel, size_t m, size_t n, size_t k,
                                double alpha, clh_matrix a, clh_matrix b, clh_real *c, size_t c_row)
{
    const clh_gemm g = clh_product(m, n, k, alpha, a, b, c, c_row);
    kernel->gemm(&g);
}

/** C += alpha A B. */
static inline void clh_multiply_add(const clh_kernels *kernel, size_t m, size_t n, size_t k,
                                    double alpha, clh_matrix a, clh_matrix b, clh_real *c,
                                    size_t c_row)
{
    clh_gemm g = clh_product(m, n, k, alpha, a, b, c, c_row);
    clh_product_adds(&g);
    kernel->gemm(&g);
}

/** C = alpha A B of which `part` counts, as of clh_gemm. */
static inline void clh_multiply_part(const clh_kernels *kernel, size_t m, size_t n, size_t k,
                                     double alpha, clh_matrix a, clh_matrix b, clh_real *c,
                                     size_t c_row, clh_gemm_part part, size_t diagonal)
{
    clh_gemm g = clh_product(m, n, k, alpha, a, b, c, c_row);
    g.part = part;
    g.diagonal = diagonal;
    kernel->gemm(&g);
}

/** C += alpha A B, likewise. */
static inline void clh_multiply_add_part(const clh_kernels *kernel, size_t m, size_t n, size_t k,
                                         double alpha, clh_matrix a, clh_matrix b, clh_real *c,
                                         size_t c_row, clh_gemm_part part, size_t diagonal)
{
    clh_gemm g = clh_product(m, n, k, alpha, a, b, c, c_row);
    clh_product_adds(&g);
    g.part = part;
    g.diagonal = diagonal;
    kernel->gemm(&g);
}

/** The definition. */
extern const clh_kernels clh_kernels_plain;

/** Builds of kernels_simd.c; those the compiler made are listed by clh_kernels_all(). */
extern const clh_kernels clh_kernels_base;
extern const clh_kernels clh_kernels_avx2;
extern const clh_kernels clh_kernels_avx512;
extern const clh_kernels clh_kernels_neon;

/** log sum_i exp(x[i]) = most + over: apart, so that of the offset of a row nothing is lost. */
typedef struct clh_log_sum {
    double most, over;
} clh_log_sum;

static inline clh_log_sum clh_log_sum_of(const clh_kernels *kernel, size_t n, const clh_real *x)
{
    clh_log_sum sum;
    sum.over = log1p(kernel->excess(n, x, &sum.most));
    return sum;
}

/** log of what softmax makes of one of these x, in double. */
static inline double clh_log_prob(clh_log_sum sum, clh_real x)
{
    return ((double)x - sum.most) - sum.over;
}

/** Every build this machine can run, `plain` first; *count of them. Static memory. */
const clh_kernels *const *clh_kernels_all(size_t *count);

/** The one in use: the last of clh_kernels_all(), or the one CLEARHEAD_ISA names if it can run. */
const clh_kernels *clh_kernels_best(void);

#endif
