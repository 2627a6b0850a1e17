/** What circuits are built of: parameters as matrices, norms folded into what reads through them.
 *
 *    clh_status status = clh_leg_make(&leg, model, CLH_SIDE_TOKEN, CLH_P_W_Q, layer, head, true, err);
 *
 *  The caller owns what is filled in.
 */
#ifndef CLH_CIRCUIT_PARTS_H
#define CLH_CIRCUIT_PARTS_H

#include "clearhead/circuit.h"
#include "model/memory/tensors.h"

/** CLH_ERANGE when the model has no such layer or head. */
clh_status clh_head_check(const clh_model *model, size_t layer, size_t head, clh_error *err);

/** A parameter [rows, cols] of a model, or one head's slice of it, in double precision; `head`
 *  SIZE_MAX: all of it. CLH_ENUMERIC names it when it is not finite. */
clh_status clh_weight_take(clh_dense *out, const clh_model *model, clh_param_id id, size_t layer,
                           size_t head, clh_error *err);

/** W' = (I - 1 1^T / d) diag(w) W of the norm that parameter `id` of a layer reads through. */
clh_status clh_norm_fold(clh_dense *weight, const clh_model *model, clh_param_id id, size_t layer,
                         clh_error *err);

/** The embedding of tokens, or of positions. */
clh_param_id clh_embedding_of(clh_side part);

/** Whether a model has that circuit: CLH_ESUPPORT where its positions are elsewhere than the circuit's,
 *  or turn queries and keys. */
clh_status clh_circuit_check(const clh_model_config *config, clh_circuit_kind kind, clh_error *err);

/** What part of the input `reader` (CLH_P_W_Q, CLH_P_W_K, CLH_P_W_V) of a head reads: W_E W, W_pos W,
 *  W, or the bias row; with `norm` as clh_circuit_open() says. */
clh_status clh_leg_make(clh_dense *out, const clh_model *model, clh_side part, clh_param_id reader,
                        size_t layer, size_t head, bool norm, clh_error *err);

/** What scores are divided by. */
double clh_attn_scale(const clh_model *model);

#endif
