/** What the fused path (train/fused.h) does to a row, as arguments of three kernels: one query's
 *  attention, its way back, and one prediction. Each is several loops over a row that would
 *  otherwise go through memory several times. kernels_plain.c defines them.
 */
#ifndef CLH_FUSED_ROWS_H
#define CLH_FUSED_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/tensor.h"

/** Attention of one query whose scores come in parts: what the query's position and its token make
 *  of each key's position, and what both make of each kind of token. For key j
 *
 *    score_j   = (position_j + token_j + kind[of_j]) scale inverse_j + bias_j
 *    pattern_j = exp(score_j) / sum_j' exp(score_j')
 *
 *  A score that is not a number makes the whole pattern so. */
typedef struct clh_query {
    size_t keys;
    const clh_real *position, *token;
    const clh_real *kind; /**< [kinds], with room for CLH_LANES at least */
    const uint32_t *of;   /**< [keys], each below kinds */
    size_t kinds;
    clh_real scale;
    const clh_real *inverse, *bias;
    clh_real *scores, *pattern; /**< written */
} clh_query;

/** The way back. With g_j the gradient of pattern_j and mean = sum_j pattern_j g_j,
 *
 *    g_score_j = pattern_j (g_j - mean)            g_part_j = g_score_j scale inverse_j
 *
 *  g becomes g_part, which is also added to g_position (written where `fresh`) and g_token; sum_j
 *  += g_score_j, along_j += g_score_j score_j. Returns sum_j g_score_j (score_j - bias_j). */
typedef struct clh_query_back {
    size_t keys;
    const clh_real *scores, *pattern, *inverse, *bias;
    clh_real mean, scale;
    bool fresh;
    clh_real *g, *g_position, *g_token, *sum, *along;
} clh_query_back;

/** One prediction. The residual stream x is a token's row, a position's row and z W_O, all less
 *  their means; only products of x are needed. With t and p the rows [width + outputs] that token
 *  and position bring, [x W_O^T, x U] each, and `row` = z [W_O W_O^T, W_O U]:
 *
 *    |x|^2    = square + sum_a z_a (row_a + 2 (t_a + p_a))
 *    inverse  = 1 / sqrt(|x|^2 / d + eps)
 *    y_o      = row_o + t_o + p_o                  logit_o = y_o inverse + bias_o
 *    loss     = log sum_o exp(logit_o) - logit_target
 *
 *  and, unless g_z is NULL, with g_o = weight (softmax(logit)_o - [o = target]):
 *
 *    g_square = -inverse^3 / (2 d) sum_o g_o y_o
 *    g_bias_o += g_o,   g_z_a = 2 g_square (row_a + t_a + p_a)
 *    row      = [2 g_square z_a, inverse g_o]
 *
 *  which leaves g_z short of sum_o inverse g_o (W_O U)_ao, a product for all rows at once. */
typedef struct clh_prediction {
    size_t width, outputs;
    const clh_real *z, *token, *position, *bias;
    clh_real square;
    double d, eps;
    uint32_t target;
    clh_real weight;
    clh_real *row, *logits; /**< logits: room */
    clh_real *g_z, *g_bias;
} clh_prediction;

typedef struct clh_predicted {
    double loss;       /**< nats */
    clh_real g_square; /**< 0 where g_z is NULL */
    bool correct;      /**< the target is the first of the largest, and every logit a number */
} clh_predicted;

#endif
