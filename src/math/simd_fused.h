/** Rows that take several loops, most of them the fused path's, for one instruction set: part of
 *  kernels_simd.c, included there only.
 *  The contract is fused_rows.h, the definition kernels_plain.c.
 */
#ifndef CLH_SIMD_FUSED_H
#define CLH_SIMD_FUSED_H

#include <math.h>

#include "math/simd_along.h"

/* v, with -inf in the lanes past the row's end. */
INLINE vec or_least(vec v, place w)
{
    const vec least = vec_set(-(clh_real)INFINITY);
    return w.count == LANE ? v : vec_first_or(v, w.count, least);
}

/* The largest of a row so far, by lanes. */
typedef struct largest {
    vec lane[PARTS];
} largest;

INLINE largest largest_of_none(void)
{
    largest l;
    for (size_t p = 0; p < PARTS; p++)
        l.lane[p] = vec_set(-(clh_real)INFINITY);
    return l;
}

INLINE void largest_step(place w, const clh_real *x, largest *l)
{
    l->lane[w.part] = vec_max(l->lane[w.part], or_least(get(x, w), w));
}

INLINE void zero_step(place w, clh_real *x)
{
    put(x, w, vec_set(0));
}

/* Each kernel takes its rows through a loop at a time: what a row has to wait for, a sum over it or
 * a largest, is then ready, and the rows are still in the innermost cache. */

/* ---- Queries
 * --------------------------------------------------------------------------------------- */

INLINE void score_step(place w, const clh_query q, const vec kind[PARTS], largest *l)
{
    vec of_kind = q.kinds <= CLH_LANES ? vec_pick(kind, q.of + w.at, w.count)
                                       : vec_gather(q.kind, q.of + w.at, w.count);
    vec parts = get(q.position, w) + get(q.token, w) + of_kind;
    vec score = vec_fma(parts, vec_set(q.scale) * get(q.inverse, w), get(q.bias, w));
    put(q.scores, w, score);
    l->lane[w.part] = vec_max(l->lane[w.part], or_least(score, w));
}

static void row_scores(const clh_query q, largest *most)
{
    vec kind[PARTS];
    memcpy(kind, q.kind, sizeof kind);
    *most = largest_of_none();
    ALONG(q.keys, score_step, q, kind, most);
}

static clh_real row_exponentials(const clh_query q, const largest *most)
{
    vec sum[PARTS] = {{0}};
    ALONG(q.keys, exp_step, q.scores, vec_set(lanes_max(most->lane)), q.pattern, sum);
    ALONG(q.end - q.keys, zero_step, q.pattern + q.keys);
    return lanes_sum(sum);
}

static void simd_attend(size_t count, const clh_query *q)
{
    largest most[CLH_ROWS_TOGETHER];
    clh_real total[CLH_ROWS_TOGETHER];
    for (size_t r = 0; r < count; r++)
        row_scores(q[r], &most[r]);
    for (size_t r = 0; r < count; r++)
        total[r] = row_exponentials(q[r], &most[r]);
    for (size_t r = 0; r < count; r++)
        ALONG(q[r].keys, scale_step, vec_set(1 / total[r]), q[r].pattern);
}

INLINE void attend_back_step(place w, const clh_query_back q, vec along_query[PARTS])
{
    vec score = get(q.scores, w);
    vec g_score = get(q.pattern, w) * (get(q.g, w) - vec_set(q.mean));
    vec g = g_score * (vec_set(q.scale) * get(q.inverse, w));
    add(q.sum, w, g_score);
    put(q.along, w, vec_fma(g_score, score, get(q.along, w)));
    along_query[w.part] = vec_fma(g_score, score - get(q.bias, w), along_query[w.part]);
    put(q.g, w, g);
    put(q.g_position, w, q.fresh ? g : get(q.g_position, w) + g);
    add(q.g_token, w, g);
}

static void simd_attend_back(size_t count, const clh_query_back *query)
{
    for (size_t r = 0; r < count; r++) {
        const clh_query_back q = query[r];
        vec along_query[PARTS] = {{0}};
        ALONG(q.keys, attend_back_step, q, along_query);
        *q.along_query += lanes_sum(along_query);
        ALONG(q.end - q.keys, zero_step, q.g + q.keys);
        if (q.fresh)
            ALONG(q.end - q.keys, zero_step, q.g_position + q.keys);
    }
}

/* ---- Predictions
 * ----------------------------------------------------------------------------------- */

INLINE void square_step(place w, const clh_prediction *r, vec sum[PARTS])
{
    vec tp = get(r->token, w) + get(r->position, w);
    sum[w.part] = vec_fma(get(r->z, w), get(r->row, w) + (tp + tp), sum[w.part]);
}

INLINE void logit_step(place w, const clh_real *t, const clh_real *p, const clh_real *bias,
                       vec inverse, clh_real *y_row, clh_real *logits)
{
    vec y = get(y_row, w) + (get(t, w) + get(p, w));
    put(y_row, w, y);
    put(logits, w, vec_fma(y, inverse, get(bias, w)));
}

/* y = inverse g with g = p scale, p the exponentials less the target's part. */
INLINE void loss_step(place w, const clh_real *p, vec scale, vec inverse, clh_real *g_bias,
                      clh_real *y_row, vec along[PARTS])
{
    vec g = get(p, w) * scale;
    along[w.part] = vec_fma(g, get(y_row, w), along[w.part]);
    add(g_bias, w, g);
    put(y_row, w, g * inverse);
}

INLINE void z_step(place w, const clh_real *t, const clh_real *p, const clh_real *z, vec twice,
                   clh_real *row, clh_real *g_z)
{
    put(g_z, w, twice * (get(row, w) + (get(t, w) + get(p, w))));
    put(row, w, twice * get(z, w));
}

static clh_real largest_of(size_t n, const clh_real *x)
{
    largest l = largest_of_none();
    ALONG(n, largest_step, x, &l);
    return lanes_max(l.lane);
}

static clh_real row_inverse(const clh_predict *c, const clh_prediction *r)
{
    vec squares[PARTS] = {{0}};
    ALONG(c->width, square_step, r, squares);
    const clh_real square = r->square + lanes_sum(squares);
    return 1 / (clh_real)sqrt((double)(square < 0 ? 0 : square) / c->d + c->eps);
}

static void row_logits(const clh_predict *c, const clh_prediction *r, clh_real inverse,
                       clh_real *logits)
{
    const clh_real *t = r->token + c->width, *p = r->position + c->width, *bias = c->bias;
    clh_real *y = r->row + c->width;
    const size_t n = c->outputs;
    ALONG(n, logit_step, t, p, bias, vec_set(inverse), y, logits);
    logits[n] = 0;
}

/* Logits become exponentials, the target's less their sum: softmax less one-hot, times the sum. */
static clh_real row_loss(const clh_predict *c, clh_prediction *r, clh_real *logits)
{
    const size_t n = c->outputs + 1;
    const clh_real max = largest_of(n, logits), own = logits[r->target];
    const bool wins = own == max && !(largest_of(r->target, logits) >= own);
    vec sum[PARTS] = {{0}};
    ALONG(n, exp_step, logits, vec_set(max), logits, sum);
    const clh_real total = lanes_sum(sum);
    r->loss = log((double)total) - ((double)own - (double)max);
    r->correct = wins && !isnan(total);
    logits[r->target] -= total;
    return total;
}

static clh_real row_g_square(const clh_predict *c, const clh_prediction *r, clh_real inverse,
                             clh_real total, const clh_real *p)
{
    const clh_real scale = c->weight / total;
    clh_real *y = r->row + c->width, *g_bias = c->g_bias;
    const size_t n = c->outputs;
    vec along[PARTS] = {{0}};
    ALONG(n, loss_step, p, vec_set(scale), vec_set(inverse), g_bias, y, along);
    g_bias[n] += p[n] * scale;
    return -inverse * inverse * inverse / (clh_real)(2 * c->d) * lanes_sum(along);
}

static void row_g_z(const clh_predict *c, const clh_prediction *r)
{
    const size_t n = c->width;
    const clh_real *t = r->token, *p = r->position, *z = r->z;
    clh_real *row = r->row, *g_z = r->g_z;
    ALONG(n, z_step, t, p, z, vec_set(2 * *r->g_square), row, g_z);
}

static void simd_predict(size_t count, const clh_predict *all, clh_prediction *r)
{
    clh_real inverse[CLH_ROWS_TOGETHER], total[CLH_ROWS_TOGETHER];
    clh_real *logits = all->logits;
    const size_t across = all->logits_row;
    for (size_t i = 0; i < count; i++)
        inverse[i] = row_inverse(all, &r[i]);
    for (size_t i = 0; i < count; i++)
        row_logits(all, &r[i], inverse[i], logits + i * across);
    for (size_t i = 0; i < count; i++)
        total[i] = row_loss(all, &r[i], logits + i * across);
    for (size_t i = 0; i < count && r[i].g_z; i++)
        *r[i].g_square = row_g_square(all, &r[i], inverse[i], total[i], logits + i * across);
    for (size_t i = 0; i < count && r[i].g_z; i++)
        row_g_z(all, &r[i]);
}

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
    (void)simd_softmax(n, x, gx);
    ALONG(n, solu_mean_step, x, gy, gx, sum);
    ALONG(n, solu_step, x, gy, vec_set(lanes_sum(sum)), gx);
}

/* ---- Weights and tables
 * ---------------------------------------------------------------------------- */

INLINE void centre_step(place w, const clh_real *x, vec mean, clh_real *y, vec sum[PARTS])
{
    vec c = get(x, w) - mean;
    put(y, w, c);
    if (w.count < LANE)
        c = vec_first(c, w.count);
    sum[w.part] = vec_fma(c, c, sum[w.part]);
}

static clh_real simd_centre(size_t n, const clh_real *x, clh_real *y)
{
    vec sum[PARTS] = {{0}};
    vec mean = vec_set(simd_sum(n, x) / (clh_real)n);
    ALONG(n, centre_step, x, mean, y, sum);
    return lanes_sum(sum);
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

INLINE void values_step(place w, const clh_real *t, const clh_real *p, vec inverse, clh_real *g,
                        vec along[PARTS])
{
    vec of = get(g, w);
    along[w.part] = vec_fma(of, get(t, w) + get(p, w), along[w.part]);
    put(g, w, of * inverse);
}

INLINE void spread_step(place w, const clh_real *g, bool fresh, clh_real *t, clh_real *p)
{
    vec of = get(g, w);
    add(t, w, of);
    put(p, w, fresh ? of : get(p, w) + of);
}

static clh_real simd_spread(const clh_spread *row)
{
    const clh_spread r = *row;
    vec along[PARTS] = {{0}};
    ALONG(r.values, values_step, r.token, r.position, vec_set(r.inverse), r.g, along);
    ALONG(r.n, spread_step, r.g, r.fresh, r.g_token, r.g_position);
    return lanes_sum(along) * r.inverse;
}

#endif
