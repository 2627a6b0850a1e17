/** The fused path's predictions, for one instruction set: part of kernels_simd.c, included there
 *  only. The contract is fused_rows.h, the definition kernels_plain.c.
 */
#ifndef CLH_SIMD_PREDICT_H
#define CLH_SIMD_PREDICT_H

#include <assert.h>
#include <math.h>

#include "math/simd/simd_excess.h"

/* A few rows of a clh_predictions, and what becomes of them: of each also by how much the target's
 * logit is less than the largest, and whether it is the first of these. */
typedef struct predicting {
    clh_predictions c;
    clh_real inverse[CLH_ROWS_TOGETHER], most[CLH_ROWS_TOGETHER], total[CLH_ROWS_TOGETHER];
    double less[CLH_ROWS_TOGETHER], loss[CLH_ROWS_TOGETHER];
    bool wins[CLH_ROWS_TOGETHER];
} predicting;

typedef struct predict_row {
    const clh_real *t, *p, *z;
    clh_real *row, *logits;
    vec inverse, scale, along[PARTS];
    largest most;
} predict_row;

INLINE predict_row predict_row_at(const predicting *a, size_t r)
{
    return (predict_row){.t = row_of_token(&a->c.token, r),
                         .p = a->c.position + r * a->c.position_row,
                         .z = a->c.z + r * a->c.z_row,
                         .row = a->c.row + r * a->c.row_row,
                         .logits = a->c.logits + r * a->c.logits_row};
}

INLINE void square_step(place w, const predict_row *r, vec sum[PARTS])
{
    vec tp = get(r->t, w) + get(r->p, w);
    sum[w.part] = vec_fma(get(r->z, w), get(r->row, w) + (tp + tp), sum[w.part]);
}

INLINE clh_real row_inverse(const predicting *a, size_t r)
{
    const predict_row row = predict_row_at(a, r);
    vec squares[PARTS] = {{0}};
    ALONG(a->c.width, square_step, &row, squares);
    const clh_real square = a->c.square[r] + lanes_sum(squares);
    return 1 / (clh_real)sqrt((double)(square < 0 ? 0 : square) / a->c.d + a->c.eps);
}

INLINE void logit_step(place w, const predicting *a, const size_t rows, predict_row row[GROUP])
{
    const vec bias = get(a->c.bias, w);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        const size_t width = a->c.width;
        vec tp = get(row[i].t + width, w) + get(row[i].p + width, w);
        vec y = get(row[i].row + width, w) + tp, logit = vec_fma(y, row[i].inverse, bias);
        put(row[i].row + width, w, y);
        put(row[i].logits, w, logit);
        row[i].most.lane[w.part] = vec_max(row[i].most.lane[w.part], or_least(logit, w));
    }
}

INLINE void group_logits(size_t r, const size_t rows, predicting *a)
{
    predict_row row[GROUP];
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        row[i] = predict_row_at(a, r + i);
        row[i].inverse = vec_set(a->inverse[r + i]);
        row[i].most = largest_of_none();
    }
    ALONG(a->c.outputs, logit_step, a, rows, row);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        const clh_real most = lanes_max(row[i].most.lane);
        a->most[r + i] = most > 0 ? most : 0; /* the last logit is 0 */
    }
}

/* Logits become exponentials, each less the row's largest; their sum into total. The last one's,
 * exp(0 - largest), are made for all rows at once. */
INLINE void exponentials(predicting *a)
{
    const size_t n = a->c.outputs;
    clh_real last[CLH_LANES] = {0};
    for (size_t r = 0; r < a->c.rows; r++)
        last[r] = -a->most[r];
    for (size_t i = 0; i < CLH_ROWS_TOGETHER; i += LANE)
        vec_store(last + i, vec_exp(vec_load(last + i)));
    for (size_t r = 0; r < a->c.rows; r++) {
        clh_real *logits = a->c.logits + r * a->c.logits_row;
        vec sum[PARTS] = {{0}};
        ALONG(n, exp_step, logits, vec_set(a->most[r]), logits, sum);
        logits[n] = last[r];
        a->total[r] = lanes_sum(sum) + last[r];
    }
}

/* Where the largest logit, `most`, stands first; the last is 0. */
INLINE size_t first_largest(const predicting *a, size_t r, clh_real most)
{
    const clh_real *logits = a->c.logits + r * a->c.logits_row;
    const size_t n = a->c.outputs;
    size_t at = 0;
    for (; at + LANE <= n; at += LANE) {
        const unsigned equal = vec_equal(vec_load(logits + at), vec_set(most));
        if (equal)
            return at + (size_t)__builtin_ctz(equal);
    }
    const unsigned equal =
        vec_equal(vec_load_part(logits + at, n - at), vec_set(most)) & ((1u << (n - at)) - 1u);
    return equal ? at + (size_t)__builtin_ctz(equal) : n;
}

/* Before logits become exponentials: how each target stands to its row's largest. */
INLINE void compare(predicting *a)
{
    assert(a->c.rows <= CLH_ROWS_TOGETHER);
    for (size_t r = 0; r < a->c.rows; r++) {
        clh_real *logits = a->c.logits + r * a->c.logits_row;
        logits[a->c.outputs] = 0;
        const clh_real own = logits[a->c.target[r]];
        a->less[r] = (double)a->most[r] - (double)own;
        a->wins[r] = own == a->most[r] && first_largest(a, r, own) == a->c.target[r];
    }
}

/* Every row's loss from its logits, as clh_log_prob() has it. */
INLINE void losses_each(predicting *a)
{
    for (size_t r = 0; r < a->c.rows; r++) {
        const clh_real *logits = a->c.logits + r * a->c.logits_row;
        const double excess = excess_above(a->c.outputs + 1, logits, a->most[r]);
        a->loss[r] = a->less[r] + log1p(excess);
        if (a->c.each)
            a->c.each[r] = a->loss[r];
    }
}

/* What they come to. */
INLINE clh_predicted losses_added(const predicting *a)
{
    clh_predicted out = {0};
    for (size_t r = 0; r < a->c.rows; r++) {
        out.loss += a->loss[r];
        out.wrong += !a->wins[r] || isnan(a->loss[r]);
    }
    return out;
}

/* The same from exponentials, which stand in the logits' place by now. Where the target wins, all
 * others are added up without its 1, which would leave them no room for digits. A logarithm takes
 * longer than the rest of a row's loss, so there is one for the product of all sums, each between 1
 * and outputs + 1; `over` is by how much that product exceeds 1. */
INLINE clh_predicted losses_together(predicting *a)
{
    double over = 0;
    clh_predicted out = {0};
    for (size_t r = 0; r < a->c.rows; r++)
        if (a->wins[r])
            a->c.logits[r * a->c.logits_row + a->c.target[r]] = 0;
    for (size_t r = 0; r < a->c.rows; r++) {
        const clh_real *others = a->c.logits + r * a->c.logits_row;
        const double excess = sum_exactly(a->c.outputs + 1, others) - (a->wins[r] ? 0 : 1);
        over += excess * (1 + over);
        out.loss += a->less[r];
        out.wrong += !a->wins[r] || isnan(a->total[r]);
    }
    out.loss += log1p(over);
    return out;
}

/* For the way back each target's exponential, 1 where it wins, is less the sum. */
INLINE clh_predicted losses(predicting *a)
{
    compare(a);
    if (a->c.each || !a->c.g_z)
        losses_each(a);
    if (!a->c.g_z)
        return losses_added(a);
    exponentials(a);
    const clh_predicted out = a->c.each ? losses_added(a) : losses_together(a);
    for (size_t r = 0; r < a->c.rows; r++) {
        clh_real *own = a->c.logits + r * a->c.logits_row + a->c.target[r];
        *own = (a->wins[r] ? 1 : *own) - a->total[r];
    }
    return out;
}

/* y = inverse g with g = p scale, p the exponentials less the target's part: softmax less one-hot,
 * times the sum. */
INLINE void loss_step(place w, const predicting *a, const size_t rows, predict_row row[GROUP])
{
    vec g_bias = get(a->c.g_bias, w);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        clh_real *y = row[i].row + a->c.width;
        vec g = get(row[i].logits, w) * row[i].scale;
        row[i].along[w.part] = vec_fma(g, get(y, w), row[i].along[w.part]);
        g_bias += g;
        put(y, w, g * row[i].inverse);
    }
    put(a->c.g_bias, w, g_bias);
}

INLINE void z_step(place w, const predict_row *r, vec twice, clh_real *g_z)
{
    put(g_z, w, twice * (get(r->row, w) + (get(r->t, w) + get(r->p, w))));
    put(r->row, w, twice * get(r->z, w));
}

INLINE void group_predict_back(size_t r, const size_t rows, predicting *a)
{
    predict_row row[GROUP];
    const size_t n = a->c.outputs;
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        const clh_real scale = a->c.weight / a->total[r + i];
        row[i] = predict_row_at(a, r + i);
        row[i].inverse = vec_set(a->inverse[r + i]);
        row[i].scale = vec_set(scale);
        a->c.g_bias[n] += row[i].logits[n] * scale;
    }
    ALONG(n, loss_step, a, rows, row);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        const clh_real inverse = a->inverse[r + i];
        const clh_real g_square =
            -inverse * inverse * inverse / (clh_real)(2 * a->c.d) * lanes_sum(row[i].along);
        a->c.g_square[r + i] = g_square;
        ALONG(a->c.width, z_step, &row[i], vec_set(2 * g_square), a->c.g_z + (r + i) * a->c.z_row);
    }
}

INLINE clh_predictions predictions_from(const clh_predictions *all, size_t done)
{
    clh_predictions c = *all;
    c.rows = rows_now(all->rows, done);
    c.z += done * c.z_row;
    c.token.number += done;
    c.position += done * c.position_row;
    c.square += done;
    c.target += done;
    c.row += done * c.row_row;
    c.each = c.each ? c.each + done : NULL;
    if (c.g_z) {
        c.g_z += done * c.z_row;
        c.g_square += done;
    }
    return c;
}

static clh_predicted simd_predict(const clh_predictions *all)
{
    clh_predicted out = {0};
    for (size_t done = 0; done < all->rows; done += CLH_ROWS_TOGETHER) {
        predicting a = {.c = predictions_from(all, done)};
        for (size_t r = 0; r < a.c.rows; r++)
            a.inverse[r] = row_inverse(&a, r);
        IN_GROUPS(a.c.rows, group_logits, &a);
        const clh_predicted some = losses(&a);
        out.loss += some.loss;
        out.wrong += some.wrong;
        if (a.c.g_z)
            IN_GROUPS(a.c.rows, group_predict_back, &a);
    }
    return out;
}

#endif
