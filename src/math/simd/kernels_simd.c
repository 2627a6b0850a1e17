/* The kernels for one instruction set: built several times, with CLH_ISA the name of the build. */
#include <math.h>

#include "math/kernels/kernels.h"
#include "math/simd/simd_curves.h"
#include "math/simd/simd_excess.h"
#include "math/simd/simd_gemm.h"

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define TEXT2(a) #a
#define TEXT(a) TEXT2(a)

/* ---- Rows --------------------------------------------------------------------------------------
 */

INLINE void sum_step(place w, const clh_real *x, vec sum[PARTS])
{
    sum[w.part] += get(x, w);
}

static clh_real simd_sum(size_t n, const clh_real *x)
{
    vec sum[PARTS] = {{0}};
    ALONG(n, sum_step, x, sum);
    return lanes_sum(sum);
}

INLINE void dot_step(place w, const clh_real *x, const clh_real *y, vec sum[PARTS])
{
    sum[w.part] = vec_fma(get(x, w), get(y, w), sum[w.part]);
}

static clh_real simd_dot(size_t n, const clh_real *x, const clh_real *y)
{
    vec sum[PARTS] = {{0}};
    ALONG(n, dot_step, x, y, sum);
    return lanes_sum(sum);
}

INLINE void axpy_step(place w, vec scale, const clh_real *x, clh_real *y)
{
    put(y, w, vec_fma(scale, get(x, w), get(y, w)));
}

static void simd_axpy(size_t n, clh_real alpha, const clh_real *x, clh_real *y)
{
    ALONG(n, axpy_step, vec_set(alpha), x, y);
}

INLINE void shift_step(place w, vec c, clh_real *x)
{
    add(x, w, c);
}

static void simd_shift(size_t n, clh_real c, clh_real *x)
{
    ALONG(n, shift_step, vec_set(c), x);
}

/* ---- Softmax -----------------------------------------------------------------------------------
 */

static clh_real row_max(size_t n, const clh_real *x)
{
    clh_real max = -(clh_real)INFINITY;
    size_t i = 0;
    if (n >= LANE) {
        vec most = vec_load(x);
        for (i = LANE; i + LANE <= n; i += LANE)
            most = vec_max(most, vec_load(x + i));
        for (size_t j = 0; j < LANE; j++)
            max = most[j] > max ? most[j] : max;
    }
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

static void simd_softmax(size_t n, const clh_real *x, clh_real *p)
{
    clh_real max = row_max(n, x);
    if (isinf(max) && max < 0) {
        clh_real all = 0; /* or NaN: row_max() does not see it */
        for (size_t i = 0; i < n; i++)
            all = isnan(x[i]) ? x[i] : all;
        for (size_t i = 0; i < n; i++)
            p[i] = all;
        return;
    }
    vec sum[PARTS] = {{0}};
    ALONG(n, exp_step, x, vec_set(max), p, sum);
    ALONG(n, scale_step, vec_set(1 / lanes_sum(sum)), p);
}

static double simd_excess(size_t n, const clh_real *x, double *most)
{
    const clh_real max = row_max(n, x);
    *most = (double)max;
    return excess_above(n, x, max);
}

INLINE void softmax_back_step(place w, vec mean, const clh_real *p, const clh_real *dp,
                              clh_real *ds)
{
    put(ds, w, get(p, w) * (get(dp, w) - mean));
}

static void simd_softmax_backward(size_t n, const clh_real *p, const clh_real *dp, clh_real *ds)
{
    const clh_real mean = simd_dot(n, p, dp);
    ALONG(n, softmax_back_step, vec_set(mean), p, dp, ds);
}

/* ---- Norms -------------------------------------------------------------------------------------
 */

INLINE void square_from_step(place w, const clh_real *x, vec mean, vec sum[PARTS])
{
    vec c = get(x, w) - mean;
    sum[w.part] = vec_fma(c, first(c, w), sum[w.part]);
}

static clh_real simd_square(size_t n, const clh_real *x, clh_real mean)
{
    vec sum[PARTS] = {{0}};
    ALONG(n, square_from_step, x, vec_set(mean), sum);
    return lanes_sum(sum);
}

/* A row's mean and inverse, in every lane. */
typedef struct norm {
    vec mean, inverse;
} norm;

INLINE void normalize_step(place w, const clh_real *x, norm of, clh_real *y)
{
    put(y, w, (get(x, w) - of.mean) * of.inverse);
}

INLINE void normalize_scale_step(place w, const clh_real *x, norm of, const clh_real *scale,
                                 const clh_real *bias, clh_real *y)
{
    put(y, w, vec_fma((get(x, w) - of.mean) * of.inverse, get(scale, w), get(bias, w)));
}

static void simd_normalize(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                           const clh_real *w, const clh_real *b, clh_real *y)
{
    const norm of = {vec_set(mean), vec_set(inverse)};
    if (w)
        ALONG(n, normalize_scale_step, x, of, w, b, y);
    else
        ALONG(n, normalize_step, x, of, y);
}

/* The gradient of u = (x - mean) inverse from that of y = u scale + bias, `scale` NULL for none. */
INLINE vec gradient_of_u(place w, const clh_real *gy, const clh_real *scale)
{
    return scale ? get(gy, w) * get(scale, w) : get(gy, w);
}

INLINE void normalize_sums_step(place w, const clh_real *x, norm of, const clh_real *gy,
                                const clh_real *scale, clh_real *gw, clh_real *gb, vec sum[PARTS])
{
    vec u = (get(x, w) - of.mean) * of.inverse, g = get(gy, w);
    sum[w.part] = vec_fma(gradient_of_u(w, gy, scale), u, sum[w.part]);
    if (gw) {
        put(gw, w, vec_fma(g, u, get(gw, w)));
        add(gb, w, g);
    }
}

static clh_real simd_normalize_sums(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                                    const clh_real *gy, const clh_real *w, clh_real *gw,
                                    clh_real *gb)
{
    const norm of = {vec_set(mean), vec_set(inverse)};
    vec sum[PARTS] = {{0}};
    ALONG(n, normalize_sums_step, x, of, gy, w, gw, gb, sum);
    return lanes_sum(sum);
}

INLINE void normalize_input_step(place w, const clh_real *x, norm of, vec through,
                                 const clh_real *gy, const clh_real *scale, clh_real *gx,
                                 vec sum[PARTS])
{
    vec gu = gradient_of_u(w, gy, scale);
    vec gc = vec_fma(through, get(x, w) - of.mean, gu * of.inverse);
    add(gx, w, gc);
    sum[w.part] += first(gc, w);
}

static clh_real simd_normalize_input(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                                     clh_real through, const clh_real *gy, const clh_real *w,
                                     clh_real *gx)
{
    const norm of = {vec_set(mean), vec_set(inverse)};
    vec sum[PARTS] = {{0}};
    ALONG(n, normalize_input_step, x, of, vec_set(through), gy, w, gx, sum);
    return lanes_sum(sum);
}

#include "math/simd/simd_attend.h"
#include "math/simd/simd_fused.h"
#include "math/simd/simd_predict.h"
#include "math/simd/simd_prove.h"

/* ---- Optimizer ---------------------------------------------------------------------------------
 */

INLINE vec vec_sqrt(vec x)
{
    for (size_t i = 0; i < LANE; i++)
        x[i] = (clh_real)
#ifdef CLH_DOUBLE
            sqrt(x[i]);
#else
            sqrtf(x[i]);
#endif
    return x;
}

/* clh_adam_step in every lane. */
typedef struct adam {
    vec beta1, beta2, rest1, rest2, keep, l2, scale, eps, size, bias2;
} adam;

INLINE void adam_step(place w, const adam *s, const clh_real *g, clh_real *m, clh_real *v,
                      clh_real *p)
{
    vec pi = get(p, w), gi = vec_fma(s->l2, pi, get(g, w) * s->scale);
    vec mi = vec_fma(s->rest1, gi, s->beta1 * get(m, w));
    vec vi = vec_fma(s->rest2, gi * gi, s->beta2 * get(v, w));
    put(m, w, mi);
    put(v, w, vi);
    put(p, w, pi * s->keep - s->size * (mi / vec_fma(vec_sqrt(vi), s->bias2, s->eps)));
}

static void simd_adam(size_t n, const clh_adam_step *s, const clh_real *g, clh_real *m, clh_real *v,
                      clh_real *p)
{
    const adam step = {
        .beta1 = vec_set((clh_real)s->beta1),
        .beta2 = vec_set((clh_real)s->beta2),
        .rest1 = vec_set((clh_real)(1 - s->beta1)),
        .rest2 = vec_set((clh_real)(1 - s->beta2)),
        .keep = vec_set((clh_real)(1 - s->decay)),
        .l2 = vec_set((clh_real)s->l2),
        .scale = vec_set((clh_real)s->grad_scale),
        .eps = vec_set((clh_real)s->eps),
        .size = vec_set((clh_real)s->step_size),
        .bias2 = vec_set((clh_real)(1 / s->sqrt_bias2)),
    };
    ALONG(n, adam_step, &step, g, m, v, p);
}

/* ---- The machine's own speed -------------------------------------------------------------------
 */

/* Twelve chains: more than latency times throughput of any unit so far. They start from what no
 * compiler knows: clang 14 leaves out the one that starts from 1, where it stays. */
static double simd_multiply_adds(size_t loops)
{
    enum { CHAINS = 12 };
    volatile clh_real sink;
    vec x[CHAINS], a = vec_set((clh_real)0.999), b = vec_set((clh_real)0.001);
    UNROLL
    for (size_t i = 0; i < CHAINS; i++)
        x[i] = vec_set((clh_real)(loops + i));
    for (size_t l = 0; l < loops; l++) {
        UNROLL
        for (size_t i = 0; i < CHAINS; i++)
            x[i] = vec_fma(x[i], a, b);
    }
    UNROLL
    for (size_t i = 1; i < CHAINS; i++)
        x[0] += x[i];
    sink = x[0][0];
    (void)sink;
    return 2.0 * (double)CHAINS * (double)LANE * (double)loops;
}

const clh_kernels JOIN(clh_kernels_, CLH_ISA) = {
    .name = TEXT(CLH_ISA),
    .gemm = simd_gemm,
    .pack = simd_pack,
    .transpose = simd_transpose,
    .sum = simd_sum,
    .dot = simd_dot,
    .axpy = simd_axpy,
    .add_rows = simd_add_rows,
    .softmax = simd_softmax,
    .excess = simd_excess,
    .softmax_backward = simd_softmax_backward,
    .solu_backward = simd_solu_backward,
    .curve = simd_curve,
    .curve_back = simd_curve_back,
    .square = simd_square,
    .normalize = simd_normalize,
    .normalize_sums = simd_normalize_sums,
    .normalize_input = simd_normalize_input,
    .combine = simd_combine,
    .centre = simd_centre,
    .unfold = simd_unfold,
    .attend = simd_attend,
    .attend_back = simd_attend_back,
    .predict = simd_predict,
    .spread = simd_spread,
    .shift = simd_shift,
    .adam = simd_adam,
    .letter_scores = simd_letter_scores,
    .letter_weights = simd_letter_weights,
    .column_ends = simd_column_ends,
    .letters_below = simd_letters_below,
    .sum_reaches = simd_sum_reaches,
    .exact_add = simd_exact_add,
    .exact_axpy = simd_exact_axpy,
    .exact_square = simd_exact_square,
    .exact_lead = simd_exact_lead,
    .multiply_adds = simd_multiply_adds,
};
