/** The rows of the fused path for one instruction set: part of kernels_simd.c, included there only.
 *  The contract is fused_rows.h, the definition kernels_plain.c. Each loop has its step as a
 *  function, run on whole vectors and then on the row's last numbers.
 */
#ifndef CLH_SIMD_FUSED_H
#define CLH_SIMD_FUSED_H

#include <math.h>

#include "math/simd.h"

/* Where a step stands in a row: `count` numbers at `at`, the lanes of partial sum `part`. `count`
 * is the constant LANE but at the end of a row. */
typedef struct place {
    size_t at, part, count;
} place;

INLINE vec get(const clh_real *x, place w)
{
    return w.count == LANE ? vec_load(x + w.at) : vec_load_part(x + w.at, w.count);
}

INLINE void put(clh_real *x, place w, vec v)
{
    if (w.count == LANE)
        vec_store(x + w.at, v);
    else
        vec_store_part(x + w.at, v, w.count);
}

INLINE void add(clh_real *x, place w, vec v)
{
    put(x, w, get(x, w) + v);
}

/* `step` all along a row of n. */
#define ALONG(n, step, ...)                                                                        \
    do {                                                                                           \
        size_t at_ = 0;                                                                            \
        for (; at_ + CLH_LANES <= (n); at_ += CLH_LANES)                                           \
            for (size_t part_ = 0; part_ < PARTS; part_++)                                         \
                step((place){at_ + part_ * LANE, part_, LANE}, __VA_ARGS__);                       \
        for (size_t part_ = 0, count_; part_ < PARTS && (count_ = part_count((n)-at_, part_)) > 0; \
             part_++)                                                                              \
            step((place){at_ + part_ * LANE, part_, count_}, __VA_ARGS__);                         \
    } while (0)

/* v, with -inf in the lanes past the row's end. */
INLINE vec or_least(vec v, place w)
{
    const vec least = vec_set(-(clh_real)INFINITY);
    return w.count == LANE ? v : vec_first_or(v, w.count, least);
}

INLINE clh_real lanes_max(const vec most[PARTS])
{
    clh_real lane[CLH_LANES];
    memcpy(lane, most, sizeof lane);
    for (size_t apart = CLH_LANES / 2; apart > 0; apart /= 2)
        for (size_t i = 0; i < apart; i++)
            lane[i] = lane[i] > lane[i + apart] ? lane[i] : lane[i + apart];
    return lane[0];
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

/* p = exp(x - shift), and their sum by lanes. */
INLINE void exp_step(place w, const clh_real *x, vec shift, clh_real *p, vec sum[PARTS])
{
    vec e = vec_exp(get(x, w) - shift);
    put(p, w, e);
    sum[w.part] += w.count == LANE ? e : vec_first(e, w.count);
}

INLINE void scale_step(place w, vec scale, clh_real *x)
{
    put(x, w, get(x, w) * scale);
}

/* ---- One query
 * ---------------------------------------------------------------------------------- */

INLINE void score_step(place w, const clh_query *q, const vec kind[PARTS], largest *l)
{
    vec of_kind = q->kinds <= CLH_LANES ? vec_pick(kind, q->of + w.at, w.count)
                                        : vec_gather(q->kind, q->of + w.at, w.count);
    vec parts = get(q->position, w) + get(q->token, w) + of_kind;
    vec score = vec_fma(parts, vec_set(q->scale) * get(q->inverse, w), get(q->bias, w));
    put(q->scores, w, score);
    l->lane[w.part] = vec_max(l->lane[w.part], or_least(score, w));
}

static void simd_attend(const clh_query *q)
{
    vec kind[PARTS], sum[PARTS] = {{0}};
    largest most = largest_of_none();
    memcpy(kind, q->kind, sizeof kind);
    ALONG(q->keys, score_step, q, kind, &most);
    ALONG(q->keys, exp_step, q->scores, vec_set(lanes_max(most.lane)), q->pattern, sum);
    ALONG(q->keys, scale_step, vec_set(1 / lanes_sum(sum)), q->pattern);
}

INLINE void attend_back_step(place w, const clh_query_back *q, vec along_query[PARTS])
{
    vec score = get(q->scores, w);
    vec g_score = get(q->pattern, w) * (get(q->g, w) - vec_set(q->mean));
    vec g = g_score * (vec_set(q->scale) * get(q->inverse, w));
    add(q->sum, w, g_score);
    put(q->along, w, vec_fma(g_score, score, get(q->along, w)));
    along_query[w.part] = vec_fma(g_score, score - get(q->bias, w), along_query[w.part]);
    put(q->g, w, g);
    put(q->g_position, w, q->fresh ? g : get(q->g_position, w) + g);
    add(q->g_token, w, g);
}

static clh_real simd_attend_back(const clh_query_back *q)
{
    vec along_query[PARTS] = {{0}};
    ALONG(q->keys, attend_back_step, q, along_query);
    return lanes_sum(along_query);
}

/* ---- One prediction
 * ----------------------------------------------------------------------------- */

INLINE void square_step(place w, const clh_prediction *r, vec sum[PARTS])
{
    vec tp = get(r->token, w) + get(r->position, w);
    sum[w.part] = vec_fma(get(r->z, w), get(r->row, w) + (tp + tp), sum[w.part]);
}

INLINE void logit_step(place w, const clh_prediction *r, vec inverse, largest *l)
{
    clh_real *y_row = r->row + r->width;
    vec y = get(y_row, w) + (get(r->token + r->width, w) + get(r->position + r->width, w));
    vec logit = vec_fma(y, inverse, get(r->bias, w));
    put(y_row, w, y);
    put(r->logits, w, logit);
    l->lane[w.part] = vec_max(l->lane[w.part], or_least(logit, w));
}

/* y = inverse g with g = p scale, p the exponentials less the target's part. */
INLINE void loss_step(place w, const clh_prediction *r, vec scale, vec inverse, vec along[PARTS])
{
    clh_real *y_row = r->row + r->width;
    vec g = get(r->logits, w) * scale;
    along[w.part] = vec_fma(g, get(y_row, w), along[w.part]);
    add(r->g_bias, w, g);
    put(y_row, w, g * inverse);
}

INLINE void z_step(place w, const clh_prediction *r, vec twice)
{
    vec tp = get(r->token, w) + get(r->position, w);
    put(r->g_z, w, twice * (get(r->row, w) + tp));
    put(r->row, w, twice * get(r->z, w));
}

static clh_real largest_before(size_t n, const clh_real *x)
{
    largest l = largest_of_none();
    ALONG(n, largest_step, x, &l);
    return lanes_max(l.lane);
}

static clh_predicted simd_predict(const clh_prediction *r)
{
    vec squares[PARTS] = {{0}}, sum[PARTS] = {{0}}, along[PARTS] = {{0}};
    largest most = largest_of_none();
    ALONG(r->width, square_step, r, squares);
    clh_real square = r->square + lanes_sum(squares);
    clh_real inverse = 1 / (clh_real)sqrt((double)(square < 0 ? 0 : square) / r->d + r->eps);
    ALONG(r->outputs, logit_step, r, vec_set(inverse), &most);
    const clh_real max = lanes_max(most.lane), own = r->logits[r->target];
    const bool wins = own == max && !(largest_before(r->target, r->logits) >= own);
    ALONG(r->outputs, exp_step, r->logits, vec_set(max), r->logits, sum);
    const clh_real total = lanes_sum(sum);
    clh_predicted out = {.loss = log((double)total) - ((double)own - (double)max),
                         .correct = wins && !isnan(total)};
    if (!r->g_z)
        return out;
    r->logits[r->target] -= total;
    ALONG(r->outputs, loss_step, r, vec_set(r->weight / total), vec_set(inverse), along);
    out.g_square = -inverse * inverse * inverse / (clh_real)(2 * r->d) * lanes_sum(along);
    ALONG(r->width, z_step, r, vec_set(2 * out.g_square));
    return out;
}

#endif
