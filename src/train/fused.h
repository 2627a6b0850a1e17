/** The gradient of a batch, the fast way, for the model of the notebook: one layer, attention only,
 *  LayerNorm. Same result as clh_forward(), clh_loss() and clh_backward() to rounding; a test holds
 *  the two together. The general path defines, this one computes.
 *
 *  What it uses (V tokens, T positions, B sequences; t the token at position p):
 *
 *  1. The first norm and the projections, per token and per position instead of per token of the
 *     batch. With E, P the rows of W_E, W_pos less their means, and the norm's w, b folded into
 *
 *       W' = diag(w) [W_Q W_K W_V]          b' = b [W_Q W_K W_V] + [b_Q b_K b_V]
 *
 *     the query, key and value at (t, p) are exactly
 *
 *       [q k v] = (E_t W' + P_p W') / s + b'       s^2 = (|E_t|^2 + |P_p|^2 + 2 E_t.P_p)/d + eps
 *
 *     so B T rows of product become V + T. Backward likewise: gradients of [q k v] / s are added up
 * by token and by position, and one product with W'^T takes both back.
 *  2. The last norm's w, b folded into the unembedding: U' = diag(w_f) W_U, u' = b_f W_U + b_U.
 *  3. Only rows that count: queries from the first scored prediction on, and never the last token,
 *     which predicts nothing and is seen by nobody who counts.
 *  4. Transposes of weights made once a step, not once a sequence.
 *
 *  Sequences are cut into slots as clh_gradient_compute() does, so the bytes do not depend on
 * threads.
 */
#ifndef CLH_FUSED_H
#define CLH_FUSED_H

#include "base/pool.h"
#include "clearhead/model.h"
#include "clearhead/task.h"

typedef struct clh_fused clh_fused;

/** Whether this path computes models of `config`. */
bool clh_fused_applies(const clh_model_config *config);

/** For sequences of up to `length` tokens in `slots` slots; model and pool are borrowed. */
clh_status clh_fused_open(clh_fused **out, const clh_model *model, size_t length, size_t slots,
                          clh_pool *pool, clh_error *err);

/** Free. NULL is fine. */
void clh_fused_close(clh_fused *fused);

/** Bytes clh_fused_open() takes with a pool of `threads`; SIZE_MAX when they cannot be counted. */
size_t clh_fused_bytes(const clh_model_config *config, size_t length, size_t slots, size_t threads);

/** A batch of sequences; `weight` is 1 / (scored positions in all of them). */
typedef struct clh_fused_batch {
    const clh_sequence *sequence;
    size_t count;
    double weight;
} clh_fused_batch;

/** The gradient of the batch's mean loss into `gradient`, laid out as clh_model_data(),
 * overwritten; loss and accuracy into *sum. Tokens must be of the vocabulary, lengths of the
 * promised size. */
void clh_fused_gradient(clh_fused *fused, const clh_fused_batch *batch, clh_real *gradient,
                        clh_loss_sum *sum);

#endif
