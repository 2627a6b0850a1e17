/** Another model that says the same with simpler weights, as TransformerLens processes weights.
 *
 *    clh_model *folded = NULL;
 *    clh_fold_proof proof = {0};
 *    if (clh_model_fold(&folded, model, CLH_FOLD_ALL, &err)) ...
 *    if (clh_fold_prove(&proof, model, folded, &tokens, &err)) ...   // proof.change: 1e-6 or so
 *    clh_model_close(folded);
 *
 *  The caller owns the new model; the old one is read.
 */
#ifndef CLEARHEAD_FOLD_H
#define CLEARHEAD_FOLD_H

#include "clearhead/api.h"
#include "clearhead/model.h"

CLH_BEGIN_DECLS

/** What is done, in this order; bits to be joined. Names are HookedTransformer's methods. */
typedef enum clh_fold {
    CLH_FOLD_LN = 1,         /**< fold_layer_norm: w and b of every norm go into the weights that
                                  read behind it, which are centred for LN; LN becomes LNPre, RMS
                                  RMSPre. Nothing to do for the others */
    CLH_FOLD_WRITING = 2,    /**< center_writing_weights: what is added to the residual stream has
                                  mean 0 over d_model. For LN and LNPre */
    CLH_FOLD_UNEMBED = 4,    /**< center_unembed: logits of a position have mean 0 */
    CLH_FOLD_VALUE_BIAS = 8, /**< fold_value_biases: b_O += sum over heads of b_V W_O; b_V = 0 */
    CLH_FOLD_ALL = 15,       /**< what TransformerLens does unless told otherwise */
    CLH_FOLD_REFACTOR = 16,  /**< refactor_factored_attn_matrices: of each head W_Q and W_K get
                                 orthogonal columns of equal norms, W_V orthogonal columns, W_O
                                 orthonormal rows, by the singular value decompositions of W_Q W_K^T
                                 (biases as a further row of each) and W_V W_O. Folds value biases
                                 too. The largest entry of each column of U is positive */
    CLH_FOLD_EVERYTHING = 31,
} clh_fold;

/** A new model of the same function, log-probability for log-probability. `what` joins clh_fold
 *  bits. Computed in double precision, kept as clh_real. A refactoring takes decompositions, whose last
 *  bits are LAPACK's where it is there (clearhead/linalg.h). What is tied is so no longer where W_E or W_U are changed. CLH_ECONFIG when the
 *  writing weights of a model are to be centred whose norms do not all centre, or norms to be folded of a
 *  shortformer, or of a gated MLP behind LN; CLH_ESUPPORT when heads are to be refactored whose queries and
 *  keys rotary positions turn; CLH_ENOMEM, CLH_ENUMERIC. */
CLH_API clh_status clh_model_fold(clh_model **out, const clh_model *model, unsigned what,
                                  clh_error *err);

/** What of it a model with this config allows: bits of clh_fold that clh_model_fold() does not refuse. */
CLH_API unsigned clh_fold_allowed(const clh_model_config *config);

enum { CLH_FOLD_RECORD = 128 };

/** What was done to weights, as a run's config keeps it in `folded`: the methods' names in their
 *  order, spaces between. `before` is the record of the model that was folded ("" for none),
 *  `config` its configuration: norms that have nothing to fold are not said to be folded. */
CLH_API void clh_fold_record(char out[CLH_FOLD_RECORD], const char *before,
                             const clh_model_config *config, unsigned what);

/** What a folding changed, in nats: each the largest |log p - log q| over positions and tokens. */
typedef struct clh_fold_proof {
    double change;   /**< between the parameters before and after, computed in double precision */
    double forward;  /**< between two forward passes: that, and the rounding of both */
    double rounding; /**< between a forward pass and double precision, before folding */
} clh_fold_proof;

/** Prove a folding on one sequence. CLH_ESHAPE when the vocabularies differ, CLH_ENUMERIC naming an
 *  activation that is not finite; errors of clh_forward(). */
CLH_API clh_status clh_fold_prove(clh_fold_proof *out, const clh_model *model,
                                  const clh_model *folded, const clh_tokens *tokens,
                                  clh_error *err);

/** The largest |log p - log q| over all positions and tokens of the vocabulary, p and q the
 *  predictions of two models for `tokens`, into *distance. CLH_ESHAPE when their vocabularies
 *  differ, CLH_ENUMERIC naming an activation that is not finite; errors of clh_forward(). */
CLH_API clh_status clh_log_prob_distance(double *distance, const clh_model *a, const clh_model *b,
                                         const clh_tokens *tokens, clh_error *err);

CLH_END_DECLS

#endif
