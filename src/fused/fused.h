/** The gradient of a batch, the fast way, for the model of the notebook: one layer, attention only,
 *  LayerNorm. Same result as clh_forward(), clh_loss() and clh_backward() to rounding; a test holds
 *  the two together. The general path defines, this one computes.
 *
 *  What it uses: T positions and a few tokens make B T rows of a batch, but nothing below depends
 *  on more than a row's token t and position p until attention mixes rows. So products are made
 *  once a step for each token and for each position, and added up where they meet.
 *
 *  Let E_t, P_p, o and the rows of W_O be W_E[t], W_pos[p], b_O and W_O less their means (norms
 *  take the mean away; what they are given may as well have none), w, b and w_f, b_f the norms'
 *  weights, folded into what follows:
 *
 *    W' = diag(w) [W_Q W_K W_V]     b' = b [W_Q W_K W_V] + [b_Q b_K b_V]
 *    U' = diag(w_f) W_U             u' = b_f W_U + b_U      each less its last column: softmax
 *                                                           does not see what all logits share
 *
 *  X = the rows [o; E; P],  M = [W' | W_O^T | U' | o^T | E^T],  Y = X M  (tables_make)
 *
 *  1. Norm, queries, keys, values:  s^2 = |E_t + P_p|^2 / d + eps, of which E_t.P_p is in Y, and
 *
 *       [q k v] = (E_t W' + P_p W') / s + b'
 *
 *  2. Scores. q_i.k_j less what is the same for all keys j, which softmax does not see:
 *
 *       score_ij = (E_ti + P_pi)_q . (E_tj + P_pj)_k / (s_i s_j scale) + b'_q . k_j / scale
 *
 *     with E_q = E W'_Q and so on: four parts, each a product of two rows of Y, the same for the
 *     whole batch. Its largest, position by position, costs one T x T product a step, not B.
 *     b'_k drops out altogether: its gradient is 0. (attend, kernels_plain.c: plain_attend)
 *  3. Output, last norm, unembedding. With x = E_t + P_p + o + z W_O the last residual stream,
 *
 *       logits = x U' / s_f + u'       s_f^2 = |x|^2 / d + eps
 *
 *     x itself is never made: x U' = (E_t + P_p + o) U' + z (W_O U'), and
 *     |x|^2 = |E_t + P_p + o|^2 + z.(W_O W_O^T z + 2 W_O (E_t + P_p + o)). What depends on t and p
 *     is in Y, and z [W_O W_O^T, W_O U'] is one product half as wide as z W_O and x U' were.
 *     (output, plain_predict)
 *  4. Only rows that count: queries from the first scored prediction on, and never the last token,
 *     which predicts nothing and is seen by nobody who counts.
 *
 *  5. Units. The residual stream, that is o, E, P and W_O, is held in units of the power of two
 *  below its size: norms divide it out again but for eps, which is counted in the same unit, and
 *  rows that no norm has divided yet stay in float's range. (tables_make: unit_of)
 *
 *  Backward is the same walk: each sequence adds its gradients to rows of Y, of the parts and of K
 *  = W_O [W_O^T U'], all sequences together go back through the products (tables_backward).
 *
 *  Sequences are cut into slots as model/backend.h says, so the bytes do not depend on
 *  threads. Slots have sums of their own but of positions' rows, most of the memory: those are
 *  shared by the slots that one worker runs in turn (clh_fused_rows_sums).
 */
#ifndef CLH_FUSED_H
#define CLH_FUSED_H

#include "model/backend.h"

/** One layer, attention only, LayerNorm, and few enough tokens that most positions read one that
 *  others read too. The rest of this folder is how. */
extern const clh_backend clh_fused_backend;

#endif
