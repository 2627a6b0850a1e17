/** Another model that says the same with simpler weights, as TransformerLens processes weights.
 *
 *    clh_model *folded = NULL;
 *    double distance = 0;
 *    if (clh_model_fold(&folded, model, CLH_FOLD_ALL, &err)) ...
 *    if (clh_log_prob_distance(&distance, model, folded, &tokens, &err)) ...   // 1e-6 or so
 *    clh_model_close(folded);
 *
 *  The caller owns the new model; the old one is read.
 */
#ifndef CLEARHEAD_FOLD_H
#define CLEARHEAD_FOLD_H

#include "clearhead/model.h"

/** What is done, in this order; bits to be joined. Names are HookedTransformer's methods. */
typedef enum clh_fold {
    CLH_FOLD_LN = 1,         /**< fold_layer_norm: w and b of every norm go into the weights that
                                  read behind it, which are centred for LN; LN becomes LNPre, RMS
                                  RMSPre. Nothing to do for the others */
    CLH_FOLD_WRITING = 2,    /**< center_writing_weights: what is added to the residual stream has
                                  mean 0 over d_model. For LN and LNPre */
    CLH_FOLD_UNEMBED = 4,    /**< center_unembed: logits of a position have mean 0 */
    CLH_FOLD_VALUE_BIAS = 8, /**< fold_value_biases: b_O += sum over heads of b_V W_O; b_V = 0 */
    CLH_FOLD_ALL = 15,
} clh_fold;

/** A new model of the same function, log-probability for log-probability. `what` joins clh_fold
 *  bits. Computed in double precision, kept as clh_real. CLH_ECONFIG when the writing weights of a
 *  model are to be centred whose norm does not centre; CLH_ENOMEM. */
clh_status clh_model_fold(clh_model **out, const clh_model *model, unsigned what, clh_error *err);

/** The largest |log p - log q| over all positions and tokens of the vocabulary, p and q the
 *  predictions of two models for `tokens`, into *distance. CLH_ESHAPE when their vocabularies
 *  differ, CLH_ENUMERIC when a logit is not finite; errors of clh_forward(). */
clh_status clh_log_prob_distance(double *distance, const clh_model *a, const clh_model *b,
                                 const clh_tokens *tokens, clh_error *err);

#endif
