/* The kernels for one instruction set: built several times, with CLH_ISA the name of the build. */
#include <math.h>

#include "math/kernels.h"
#include "math/simd.h"
#include "math/simd_gemm.h"

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define TEXT2(a) #a
#define TEXT(a) TEXT2(a)

/* ---- Rows: reductions keep CLH_LANES partial sums ----------------------------------------------
 */

static clh_real simd_sum(size_t n, const clh_real *x)
{
    vec sum[PARTS] = {{0}};
    size_t i = 0;
    for (; i + CLH_LANES <= n; i += CLH_LANES)
        for (size_t p = 0; p < PARTS; p++)
            sum[p] += vec_load(x + i + p * LANE);
    for (size_t p = 0, count; (count = part_count(n - i, p)) > 0 && p < PARTS; p++)
        sum[p] += vec_load_part(x + i + p * LANE, count);
    return lanes_sum(sum);
}

static clh_real simd_dot(size_t n, const clh_real *x, const clh_real *y)
{
    vec sum[PARTS] = {{0}};
    size_t i = 0;
    for (; i + CLH_LANES <= n; i += CLH_LANES)
        for (size_t p = 0; p < PARTS; p++)
            sum[p] = vec_fma(vec_load(x + i + p * LANE), vec_load(y + i + p * LANE), sum[p]);
    for (size_t p = 0, count; (count = part_count(n - i, p)) > 0 && p < PARTS; p++)
        sum[p] = vec_fma(vec_load_part(x + i + p * LANE, count),
                         vec_load_part(y + i + p * LANE, count), sum[p]);
    return lanes_sum(sum);
}

static void simd_axpy(size_t n, clh_real alpha, const clh_real *x, clh_real *y)
{
    vec scale = vec_set(alpha);
    size_t i = 0;
    for (; i + LANE <= n; i += LANE)
        vec_store(y + i, vec_fma(scale, vec_load(x + i), vec_load(y + i)));
    if (i < n)
        vec_store_part(
            y + i, vec_fma(scale, vec_load_part(x + i, n - i), vec_load_part(y + i, n - i)), n - i);
}

#ifdef CLH_DOUBLE
INLINE vec vec_exp(vec x)
{
    for (size_t i = 0; i < LANE; i++)
        x[i] = exp(x[i]);
    return x;
}
#else
typedef uint32_t ivec __attribute__((vector_size(sizeof(vec)))); /* unsigned: a NaN's bits wrap */

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; ln 2 in two parts so that r is exact
 * (Cody & Waite 1980), exp(r) by its Taylor polynomial of degree 7, whose remainder is below
 * 0.35^8 / 8! = 6e-9. For x <= 88; below -87.3, where 2^n leaves the normal range, 0; NaN stays. */
INLINE vec vec_exp(vec x)
{
    const vec magic = vec_set(0x1.8p23f);
    vec inside = vec_max(vec_set(-87.3f), x);
    vec t = vec_fma(inside, vec_set(0x1.715476p0f), magic);
    vec n = t - magic;
    vec r = vec_fma(n, vec_set(-0x1.62e4p-1f), inside);
    r = vec_fma(n, vec_set(0x1.7f7d1cp-20f) * -1, r);
    vec p = vec_set(1.0f / 5040);
    p = vec_fma(p, r, vec_set(1.0f / 720));
    p = vec_fma(p, r, vec_set(1.0f / 120));
    p = vec_fma(p, r, vec_set(1.0f / 24));
    p = vec_fma(p, r, vec_set(1.0f / 6));
    p = vec_fma(p, r, vec_set(0.5f));
    p = vec_fma(p, r, vec_set(1.0f));
    p = vec_fma(p, r, vec_set(1.0f));
    vec power = (vec)(((ivec)t << 23) + 0x3f800000); /* the low bits of t hold n */
    return vec_unless_below(x, -87.3f, p * power);
}
#endif

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

static clh_real simd_softmax(size_t n, const clh_real *x, clh_real *p)
{
    clh_real max = row_max(n, x);
    if (isinf(max) && max < 0) {
        clh_real all = 0; /* or NaN: row_max() does not see it */
        for (size_t i = 0; i < n; i++)
            all = isnan(x[i]) ? x[i] : all;
        for (size_t i = 0; i < n; i++)
            p[i] = all;
        return isnan(all) ? all : max;
    }
    vec sum[PARTS] = {{0}}, shift = vec_set(max);
    size_t i = 0;
    for (; i + CLH_LANES <= n; i += CLH_LANES)
        for (size_t q = 0; q < PARTS; q++) {
            vec e = vec_exp(vec_load(x + i + q * LANE) - shift);
            vec_store(p + i + q * LANE, e);
            sum[q] += e;
        }
    for (size_t q = 0, count; (count = part_count(n - i, q)) > 0 && q < PARTS; q++) {
        vec e = vec_exp(vec_load_part(x + i + q * LANE, count) - shift);
        vec_store_part(p + i + q * LANE, e, count);
        sum[q] += vec_load_part(p + i + q * LANE, count);
    }
    clh_real total = lanes_sum(sum);
    vec inverse = vec_set(1 / total);
    for (i = 0; i + LANE <= n; i += LANE)
        vec_store(p + i, vec_load(p + i) * inverse);
    if (i < n)
        vec_store_part(p + i, vec_load_part(p + i, n - i) * inverse, n - i);
    return max + (clh_real)log((double)total);
}

static void simd_softmax_backward(size_t n, const clh_real *p, const clh_real *dp, clh_real *ds)
{
    vec mean = vec_set(simd_dot(n, p, dp));
    size_t i = 0;
    for (; i + LANE <= n; i += LANE)
        vec_store(ds + i, vec_load(p + i) * (vec_load(dp + i) - mean));
    if (i < n)
        vec_store_part(ds + i, vec_load_part(p + i, n - i) * (vec_load_part(dp + i, n - i) - mean),
                       n - i);
}

/* ---- Norms: a row in blocks of CLH_LANES, PARTS vectors each --------------------------------- */

/* For each part of row x from i on: `count` numbers of it, all LANE but at the row's end. */
#define FOR_PARTS(n, i, p, count)                                                                  \
    for (size_t i = 0; i < (n); i += CLH_LANES)                                                    \
        for (size_t p = 0, count; p < PARTS && (count = part_count((n)-i, p)) > 0; p++)

static clh_real simd_square(size_t n, const clh_real *x, clh_real mean)
{
    vec sum[PARTS] = {{0}}, shift = vec_set(mean);
    FOR_PARTS(n, i, p, count)
    {
        vec c = vec_load_part(x + i + p * LANE, count) - shift;
        sum[p] = vec_fma(c, vec_first(c, count), sum[p]);
    }
    return lanes_sum(sum);
}

static void simd_normalize(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                           const clh_real *w, const clh_real *b, clh_real *y)
{
    vec shift = vec_set(mean), scale = vec_set(inverse);
    for (size_t i = 0; i < n; i += LANE) {
        size_t count = n - i < LANE ? n - i : LANE;
        vec u = (vec_load_part(x + i, count) - shift) * scale;
        if (w)
            u = vec_fma(u, vec_load_part(w + i, count), vec_load_part(b + i, count));
        vec_store_part(y + i, u, count);
    }
}

static clh_real simd_normalize_sums(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                                    const clh_real *gy, const clh_real *w, clh_real *gw,
                                    clh_real *gb)
{
    vec sum[PARTS] = {{0}}, shift = vec_set(mean), scale = vec_set(inverse);
    FOR_PARTS(n, i, p, count)
    {
        size_t at = i + p * LANE;
        vec u = (vec_load_part(x + at, count) - shift) * scale, g = vec_load_part(gy + at, count);
        vec gu = w ? g * vec_load_part(w + at, count) : g;
        sum[p] = vec_fma(gu, u, sum[p]);
        if (gw) {
            vec_store_part(gw + at, vec_fma(g, u, vec_load_part(gw + at, count)), count);
            vec_store_part(gb + at, vec_load_part(gb + at, count) + g, count);
        }
    }
    return lanes_sum(sum);
}

static clh_real simd_normalize_input(size_t n, const clh_real *x, clh_real mean, clh_real inverse,
                                     clh_real through, const clh_real *gy, const clh_real *w,
                                     clh_real *gx)
{
    vec sum[PARTS] = {{0}}, shift = vec_set(mean), scale = vec_set(inverse);
    vec slope = vec_set(through);
    FOR_PARTS(n, i, p, count)
    {
        size_t at = i + p * LANE;
        vec c = vec_load_part(x + at, count) - shift, g = vec_load_part(gy + at, count);
        vec gu = w ? g * vec_load_part(w + at, count) : g;
        vec gc = vec_first(vec_fma(slope, c, gu * scale), count);
        vec_store_part(gx + at, vec_load_part(gx + at, count) + gc, count);
        sum[p] += gc;
    }
    return lanes_sum(sum);
}

#include "math/simd_attend.h"
#include "math/simd_fused.h"
#include "math/simd_predict.h"

static void simd_shift(size_t n, clh_real c, clh_real *x)
{
    vec add = vec_set(c);
    for (size_t i = 0; i < n; i += LANE) {
        size_t count = n - i < LANE ? n - i : LANE;
        vec_store_part(x + i, vec_load_part(x + i, count) + add, count);
    }
}

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

static void simd_adam(size_t n, const clh_adam_step *s, const clh_real *g, clh_real *m, clh_real *v,
                      clh_real *p)
{
    const vec beta1 = vec_set((clh_real)s->beta1), beta2 = vec_set((clh_real)s->beta2);
    const vec rest1 = vec_set((clh_real)(1 - s->beta1)), rest2 = vec_set((clh_real)(1 - s->beta2));
    const vec keep = vec_set((clh_real)(1 - s->decay)), l2 = vec_set((clh_real)s->l2);
    const vec scale = vec_set((clh_real)s->grad_scale), eps = vec_set((clh_real)s->eps);
    const vec size = vec_set((clh_real)s->step_size);
    const vec bias2 = vec_set((clh_real)(1 / s->sqrt_bias2));
    for (size_t i = 0; i < n; i += LANE) {
        size_t count = n - i < LANE ? n - i : LANE;
        vec pi = vec_load_part(p + i, count);
        vec gi = vec_fma(l2, pi, vec_load_part(g + i, count) * scale);
        vec mi = vec_fma(rest1, gi, beta1 * vec_load_part(m + i, count));
        vec vi = vec_fma(rest2, gi * gi, beta2 * vec_load_part(v + i, count));
        vec_store_part(m + i, mi, count);
        vec_store_part(v + i, vi, count);
        vec_store_part(p + i, pi * keep - size * (mi / vec_fma(vec_sqrt(vi), bias2, eps)), count);
    }
}

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
    return 2.0 * CHAINS * LANE * (double)loops;
}

const clh_kernels JOIN(clh_kernels_, CLH_ISA) = {
    .name = TEXT(CLH_ISA),
    .gemm = simd_gemm,
    .transpose = simd_transpose,
    .sum = simd_sum,
    .dot = simd_dot,
    .axpy = simd_axpy,
    .add_rows = simd_add_rows,
    .softmax = simd_softmax,
    .softmax_backward = simd_softmax_backward,
    .solu_backward = simd_solu_backward,
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
    .multiply_adds = simd_multiply_adds,
};
