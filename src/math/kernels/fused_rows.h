/** What the fused backend (fused/fused.h) does to rows, as arguments of kernels: the attention of a
 *  block of queries, its way back, predictions, and what a position's values come from and give
 *  back. Each is several loops over rows that would otherwise go through memory several times.
 *  kernels_plain.c defines them.
 *
 *  Rows r = 0 … rows-1 are positions one after the other. What a row's position brings lies in
 *  rows of a table, so many numbers apart; what its token brings is row `number[r]` of another.
 */
#ifndef CLH_FUSED_ROWS_H
#define CLH_FUSED_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/tensor.h"

/** Rows that the kernels take through a loop together. */
enum { CLH_ROWS_TOGETHER = 8 };

/** A row for each token: that of row r is at + number[r] * row. */
typedef struct clh_token_rows {
    const clh_real *at;
    size_t row;
    const uint32_t *number;
} clh_token_rows;

/** Attention of queries whose scores come in parts: what a query's position and its token make of
 *  each key's position, and what both make of each kind of token. For key j of query r
 *
 *    score_rj   = (position_rj + token_rj + kind_r[of_j]) scale_r inverse_j + bias_j
 *    pattern_rj = exp(score_rj) / sum_j' exp(score_rj')
 *
 *  and 0 from the last key up to `end`. A score that is not a number makes the whole pattern so.
 *  Query r has keys + r keys: one more than the one before. */
typedef struct clh_queries {
    size_t rows, keys, end;
    const clh_real *position;
    size_t position_row;
    clh_token_rows token;
    const clh_real *kind; /**< [rows, kind_row], kind_row CLH_LANES at least */
    size_t kind_row, kinds;
    const uint32_t *of;                     /**< of each key, below kinds */
    const clh_real *scale, *inverse, *bias; /**< of each row; of each key; of each key */
    clh_real *scores, *pattern;             /**< [rows, row], written */
    size_t row;
} clh_queries;

/** The way back. With g_rj the gradient of pattern_rj and mean_r = sum_j pattern_rj g_rj,
 *
 *    g_score_rj = pattern_rj (g_rj - mean_r)        g_part_rj = g_score_rj scale_r inverse_j
 *
 *  g becomes g_part, which is also added to g_position (written where `fresh`) and g_token; from
 *  the last key up to `end` both are 0 (g_position where `fresh`). sum_j += g_score_rj, along_j +=
 *  g_score_rj score_rj, along_query_r += sum_j g_score_rj (score_rj - bias_j). */
typedef struct clh_queries_back {
    size_t rows, keys, end;
    const clh_real *scores, *pattern; /**< [rows, row] */
    clh_real *g;                      /**< [rows, row] */
    size_t row;
    const clh_real *scale, *inverse, *bias;
    bool fresh;
    clh_real *g_position;
    size_t position_row;
    clh_real *g_token; /**< row number[r] of these is r's */
    size_t token_row;
    const uint32_t *number;
    clh_real *sum, *along, *along_query;
} clh_queries_back;

/** Predictions. The residual stream x of a row is a token's row, a position's row and z W_O, all
 *  less their means; only products of x are needed. With t and p the rows [width + outputs] that
 *  token and position bring, [x W_O^T, x U] each, and `row` = z [W_O W_O^T, W_O U]:
 *
 *    |x|^2    = square + sum_a z_a (row_a + 2 (t_a + p_a))
 *    inverse  = 1 / sqrt(|x|^2 / d + eps)
 *    y_o      = row_o + t_o + p_o                  logit_o = y_o inverse + bias_o
 *    loss     = log sum_o exp(logit_o) - logit_target
 *
 *  There is one output more than `outputs`, the last, against which the others are measured: its y,
 *  bias and logit are 0. Unless g_z is NULL, with g_o = weight (softmax(logit)_o - [o = target]):
 *
 *    g_square = -inverse^3 / (2 d) sum_o g_o y_o
 *    g_bias_o += g_o,   g_z_a = 2 g_square (row_a + t_a + p_a)
 *    row      = [2 g_square z_a, inverse g_o]
 *
 *  which leaves g_z short of sum_o inverse g_o (W_O U)_ao, a product for all rows at once. */
typedef struct clh_predictions {
    size_t rows, width, outputs;
    double d, eps;
    clh_real weight;
    const clh_real *bias; /**< [outputs + 1] */
    const clh_real *z;    /**< [rows, z_row] */
    size_t z_row;
    clh_token_rows token;
    const clh_real *position;
    size_t position_row;
    const clh_real *square; /**< [rows] */
    const uint32_t *target; /**< [rows] */
    clh_real *logits;       /**< room [CLH_ROWS_TOGETHER, logits_row] */
    size_t logits_row;      /**< > outputs */
    clh_real *row;          /**< [rows, row_row] */
    size_t row_row;
    clh_real *g_z;      /**< [rows, z_row], written, or NULL */
    clh_real *g_square; /**< [rows], written unless g_z is NULL */
    clh_real *g_bias;   /**< [outputs + 1] */
    double *each;       /**< every row's loss in nats [rows], written, or NULL */
} clh_predictions;

/** What came out: the losses added up, and how many rows do not have their target as the first of
 *  the largest logits, every one a number. */
typedef struct clh_predicted {
    double loss;
    size_t wrong;
} clh_predicted;

/** y_ri = (token_ri + position_ri) scale_r + bias_i, i < n */
typedef struct clh_combine {
    size_t rows, n;
    clh_token_rows token;
    const clh_real *position;
    size_t position_row;
    const clh_real *scale, *bias; /**< [rows], [n] */
    clh_real *y;                  /**< [rows, n] */
} clh_combine;

/** The way back, of positions' gradients g_r:
 *
 *    along_r += scale_r sum_i g_ri (token_ri + position_ri)
 *    g_token_ri += scale_r g_ri,  g_position_ri += scale_r g_ri (= where `fresh`),  i < n
 *
 *  With `scale` NULL, 1 for scale_r and nothing along: position, token's rows and along are not
 *  looked at.
 */
typedef struct clh_spread_rows {
    size_t rows, n;
    const clh_real *scale;
    clh_token_rows token;
    const clh_real *position;
    size_t position_row;
    const clh_real *g; /**< [rows, g_row] */
    size_t g_row;
    clh_real *g_token, *g_position; /**< rows `sum_row` apart */
    size_t sum_row;
    clh_real *along; /**< [rows] */
    bool fresh;
} clh_spread_rows;

#endif
