/** The last step of folding: heads' matrices with orthogonal columns. */
#ifndef CLH_FOLD_REFACTOR_H
#define CLH_FOLD_REFACTOR_H

#include "clearhead/model.h"

/** Of every head, in place: W_Q = U sqrt(S), W_K = V sqrt(S), biases as a last row of each, from
 *  the singular value decomposition of their product; W_V = U S, W_O = V^T from that of W_V W_O.
 *  b_V must be 0. The entry of largest magnitude of each column of U is positive. CLH_ENUMERIC,
 *  CLH_ENOMEM; the model is then unspecified. */
clh_status clh_refactor_heads(clh_model *model, clh_error *err);

#endif
