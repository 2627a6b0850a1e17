/** What circuits are built of: parameters as matrices, norms folded into what reads through them.
 *
 *    clh_status status = clh_leg_make(&leg, model, CLH_SIDE_TOKEN, "W_Q", layer, head, true, err);
 *
 *  The caller owns what is filled in.
 */
#ifndef CLH_CIRCUIT_PARTS_H
#define CLH_CIRCUIT_PARTS_H

#include "clearhead/circuit.h"

/** CLH_ERANGE when the model has no such layer or head. */
clh_status clh_head_check(const clh_model *model, size_t layer, size_t head, clh_error *err);

/** A parameter [rows, cols] of a model, or one head's slice of it, in double precision.
 *  CLH_ENUMERIC names it when it is not finite. `name` is its state_dict key. */
clh_status clh_weight_take(clh_dense *out, const clh_model *model, const char *name, size_t head,
                           clh_error *err);

/** Parameter `which` ("W_O", …) of the attention of a layer, one head's slice. */
clh_status clh_head_weight(clh_dense *out, const clh_model *model, const char *which, size_t layer,
                           size_t head, clh_error *err);

/** W' = (I - 1 1^T / d) diag(w) W of the norm called `norm` ("ln_final", "blocks.0.ln1"). */
clh_status clh_norm_fold(clh_dense *weight, const clh_model *model, const char *norm,
                         clh_error *err);

/** What part of the input `reader` ("W_Q", "W_K", "W_V") of a head reads: W_E W, W_pos W, W, or the
 *  bias row; with `norm` as clh_circuit_open() says. */
clh_status clh_leg_make(clh_dense *out, const clh_model *model, clh_side part, const char *reader,
                        size_t layer, size_t head, bool norm, clh_error *err);

/** What scores are divided by. */
double clh_attn_scale(const clh_model *model);

#endif
