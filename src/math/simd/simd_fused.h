/** Rows of weights and tables, most of them the fused path's, for one instruction set: part of
 *  kernels_simd.c, included there only. The contract is kernels.h and fused_rows.h, the definition
 *  kernels_plain.c.
 */
#ifndef CLH_SIMD_FUSED_H
#define CLH_SIMD_FUSED_H

#include "math/simd/simd_along.h"

/* ---- SoLU
 * ------------------------------------------------------------------------------------------ */

INLINE void solu_mean_step(place w, const clh_real *x, const clh_real *gy, const clh_real *s,
                           vec sum[PARTS])
{
    sum[w.part] = vec_fma(get(gy, w) * get(x, w), get(s, w), sum[w.part]);
}

INLINE void solu_step(place w, const clh_real *x, const clh_real *gy, vec mean, clh_real *gx)
{
    vec g = get(gy, w);
    put(gx, w, get(gx, w) * (vec_fma(g, get(x, w), g) - mean));
}

static void simd_solu_backward(size_t n, const clh_real *x, const clh_real *gy, clh_real *gx)
{
    vec sum[PARTS] = {{0}};
    simd_softmax(n, x, gx);
    ALONG(n, solu_mean_step, x, gy, gx, sum);
    ALONG(n, solu_step, x, gy, vec_set(lanes_sum(sum)), gx);
}

/* ---- Weights and tables
 * ---------------------------------------------------------------------------- */

INLINE void centre_step(place w, const clh_real *x, vec mean, vec scale, clh_real *y,
                        vec sum[PARTS])
{
    vec c = (get(x, w) - mean) * scale;
    put(y, w, c);
    c = first(c, w);
    sum[w.part] = vec_fma(c, c, sum[w.part]);
}

static clh_real simd_centre(size_t n, const clh_real *x, clh_real scale, clh_real *y)
{
    vec sum[PARTS] = {{0}};
    vec mean = vec_set(simd_sum(n, x) / (clh_real)n);
    ALONG(n, centre_step, x, mean, vec_set(scale), y, sum);
    return lanes_sum(sum);
}

INLINE void add_rows_step(place w, size_t rows, const clh_real *x, size_t row, clh_real *y)
{
    vec sum = get(y, w);
    for (size_t r = 0; r < rows; r++)
        sum += get(x + r * row, w);
    put(y, w, sum);
}

static void simd_add_rows(size_t n, size_t rows, const clh_real *x, size_t row, clh_real *y)
{
    ALONG(n, add_rows_step, rows, x, row, y);
}

INLINE void unfold_step(place w, vec by_w, vec by_b, const clh_real *x, const clh_real *gy,
                        const clh_real *gz, clh_real *gx, vec gw[PARTS], vec gb[PARTS])
{
    vec y = get(gy, w), z = get(gz, w), of = get(x, w);
    put(gx, w, vec_fma(by_b, z, by_w * y));
    gw[w.part] = vec_fma(y, of, gw[w.part]);
    gb[w.part] = vec_fma(z, of, gb[w.part]);
}

static void simd_unfold(size_t n, clh_real w, clh_real b, const clh_real *x, const clh_real *gy,
                        const clh_real *gz, clh_real *gx, clh_real *gw, clh_real *gb)
{
    vec sum_w[PARTS] = {{0}}, sum_b[PARTS] = {{0}};
    ALONG(n, unfold_step, vec_set(w), vec_set(b), x, gy, gz, gx, sum_w, sum_b);
    *gw += lanes_sum(sum_w);
    *gb += lanes_sum(sum_b);
}

/* ---- Rows from a token's and a position's, and back
 * ---------------------------------------------------- */

INLINE void combine_step(place w, const clh_real *t, const clh_real *p, vec scale,
                         const clh_real *bias, clh_real *y)
{
    put(y, w, vec_fma(get(t, w) + get(p, w), scale, get(bias, w)));
}

static void simd_combine(const clh_combine *rows)
{
    const clh_combine c = *rows;
    for (size_t r = 0; r < c.rows; r++) {
        const clh_real *t = row_of_token(&c.token, r), *p = c.position + r * c.position_row;
        clh_real *y = c.y + r * c.n;
        ALONG(c.n, combine_step, t, p, vec_set(c.scale[r]), c.bias, y);
    }
}

typedef struct spread_row {
    const clh_real *t, *p, *g;
    clh_real *g_t, *g_p;
    vec scale, along[PARTS];
} spread_row;

INLINE void spread_step(place w, const int scaled, const int fresh, spread_row *r)
{
    vec g = get(r->g, w);
    if (scaled) {
        r->along[w.part] = vec_fma(g, get(r->t, w) + get(r->p, w), r->along[w.part]);
        g *= r->scale;
    }
    add(r->g_t, w, g);
    put(r->g_p, w, fresh ? g : get(r->g_p, w) + g);
}

INLINE void spread_rows(const clh_spread_rows *s, const int scaled, const int fresh)
{
    for (size_t r = 0; r < s->rows; r++) {
        spread_row row = {.g = s->g + r * s->g_row,
                          .g_t = s->g_token + s->token.number[r] * s->sum_row,
                          .g_p = s->g_position + r * s->sum_row};
        if (scaled) {
            row.t = row_of_token(&s->token, r);
            row.p = s->position + r * s->position_row;
            row.scale = vec_set(s->scale[r]);
        }
        ALONG(s->n, spread_step, scaled, fresh, &row);
        if (scaled)
            s->along[r] += lanes_sum(row.along) * s->scale[r];
    }
}

static void simd_spread(const clh_spread_rows *rows)
{
    const clh_spread_rows s = *rows;
    if (s.scale && s.fresh)
        spread_rows(&s, 1, 1);
    else if (s.scale)
        spread_rows(&s, 1, 0);
    else if (s.fresh)
        spread_rows(&s, 0, 1);
    else
        spread_rows(&s, 0, 0);
}

#endif
