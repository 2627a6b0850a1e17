/** The residual stream as the sum of what wrote to it, and what each part does to a logit.
 *
 *    clh_resid_stack stack = {0};
 *    clh_resid_ask ask = {.split = CLH_SPLIT_HEADS, .end = tokens.pos};
 *    if (clh_resid_decompose(&stack, model, cache, &ask, &err)) ...     // they add up to resid_post
 *    clh_resid_stack_deinit(&stack);
 *
 *    clh_attribution table = {0};
 *    if (clh_attribution_metric(&table, model, cache, &metric, CLH_SPLIT_HEADS, CLH_NORM_FROZEN,
 *                               &err)) ...                              // adds up to the logit
 *    clh_attribution_deinit(&table);
 *
 *  A cache is one that keeps all (CLH_KEEP_ALL), filled by clh_forward() with `model`. Structs
 *  belong to the caller, what they hold to them. docs/mathematics.md has the formulas.
 */
#ifndef CLEARHEAD_RESIDUAL_H
#define CLEARHEAD_RESIDUAL_H

#include "clearhead/api.h"
#include "clearhead/metric.h"
#include "clearhead/model.h"

CLH_BEGIN_DECLS

/** What wrote to the stream, or what the stream was. */
typedef enum clh_component_kind {
    CLH_PART_TERM = 0,   /**< what an activation adds to it: embed, pos_embed, a layer's attn_out
                                 or mlp_out, their bias in it */
    CLH_PART_HEAD = 1,   /**< z W_O of one head */
    CLH_PART_NEURON = 2, /**< post W_out of one neuron */
    CLH_PART_BIAS = 3,   /**< b_O or b_out of a layer, where its heads or neurons stand apart */
    CLH_PART_REMAINDER =
        4,              /**< the stream less all parts: rounding, and what was edited in flight */
    CLH_PART_RESID = 5, /**< the stream itself, before a layer or between attention and MLP */
    CLH_PART_RESID_FINAL = 6, /**< the stream at last */
    CLH_PART_KINDS = 7
} clh_component_kind;

typedef struct clh_component {
    clh_component_kind kind;
    size_t layer, index; /**< index: of the head or neuron */
    size_t row; /**< which activation it is, or is a share of: a row of the model's layout */
} clh_component;

/** "embed", "0_attn_out", "L0H1", "L0N17", "0_b_O", "0_pre", "final_post", "remainder":
 *  TransformerLens' labels, and "0_b_O", "0_b_out" for what it sums up as "bias". Returns `out`. */
CLH_API const char *clh_component_label(const clh_component *component, char out[32]);

/** How fine a decomposition is; both may be asked for. */
enum { CLH_SPLIT_LAYERS = 0, CLH_SPLIT_HEADS = 1, CLH_SPLIT_NEURONS = 2 };

/** What to decompose. */
typedef struct clh_resid_ask {
    unsigned split;    /**< CLH_SPLIT_HEADS | CLH_SPLIT_NEURONS, or 0 */
    size_t layers;     /**< the stream behind so many layers; 0: all of them */
    size_t begin, end; /**< positions begin … end-1 */
} clh_resid_ask;

/** Parts of the stream beside each other. */
typedef struct clh_resid_stack {
    size_t count, batch, pos, d_model; /**< pos: end - begin */
    size_t begin;                      /**< position of the first row */
    clh_component *component;          /**< [count] */
    clh_real *data;                    /**< [count, batch, pos, d_model] */
} clh_resid_stack;

/** embed, pos_embed, and of each layer attn_out (or heads and b_O) and mlp_out (or neurons and
 *  b_out); last the remainder, so that the parts are the whole. CLH_ERANGE for positions or layers
 *  that there are not, CLH_ENOMEM with the bytes for more than the machine has. TransformerLens:
 *  ActivationCache.decompose_resid, stack_head_results, stack_neuron_results. */
CLH_API clh_status clh_resid_decompose(clh_resid_stack *out, const clh_model *model,
                                       const clh_cache *cache, const clh_resid_ask *ask,
                                       clh_error *err);

/** The stream before each layer, with `mid` also between attention and MLP, and at the end.
 *  TransformerLens: ActivationCache.accumulated_resid(incl_mid=mid). Errors as above. */
CLH_API clh_status clh_resid_accumulate(clh_resid_stack *out, const clh_model *model,
                                        const clh_cache *cache, bool mid, size_t begin, size_t end,
                                        clh_error *err);

/** Free what a stack holds. NULL and all zero are fine. */
CLH_API void clh_resid_stack_deinit(clh_resid_stack *stack);

/** What ln_final does to one part of the stream: the choice is part of every result. */
typedef enum clh_final_norm {
    CLH_NORM_FROZEN =
        0, /**< divided by the scale of the whole stream, as cached: linear, adds up */
    CLH_NORM_RECOMPUTED = 1, /**< divided by the part's own scale, as if it were the whole stream */
    CLH_FINAL_NORMS = 2
} clh_final_norm;

/** Centre every row (LN, LNPre) and divide it by its scale, in place; w and b are left out.
 *  Frozen is TransformerLens' ActivationCache.apply_ln_to_stack(layer=-1). */
CLH_API clh_status clh_resid_normalize(clh_resid_stack *stack, const clh_model *model,
                                       const clh_cache *cache, clh_final_norm norm, clh_error *err);

/** Logits that every part would give alone, ln_final's w, b and b_U with it: of
 *  clh_resid_accumulate() the logit lens, whose last row are the model's own logits.
 *  `out` [count, batch, pos, d_vocab_out]. nostalgebraist 2020 (recomputed). */
CLH_API clh_status clh_resid_logits(clh_real *out, const clh_resid_stack *stack,
                                    const clh_model *model, const clh_cache *cache,
                                    clh_final_norm norm, clh_error *err);

/** No second token: the logit itself. */
#define CLH_NO_TOKEN UINT32_MAX
/** Against the mean of all logits, which a softmax cannot see. */
#define CLH_EVERY_TOKEN (UINT32_MAX - 1)

/** Each part's share of logits[token] - logits[against]: normalized part . w (W_U[token] -
 *  W_U[against]). `token`, `against` (NULL: CLH_NO_TOKEN everywhere) [batch, pos] of the stack's rows; `out`
 *  [count, batch, pos].
 *  CLH_ERANGE for a token that is not below d_vocab_out. TransformerLens:
 *  ActivationCache.logit_attrs of a model whose w is folded into W_U (fold_ln). */
CLH_API clh_status clh_logit_attrs(double *out, const clh_resid_stack *stack,
                                   const clh_model *model, const clh_cache *cache,
                                   const uint32_t *token, const uint32_t *against,
                                   clh_final_norm norm, clh_error *err);

/** Direct logit attribution: sum of value, norm_bias, unembed_bias and remainder is `total`. */
typedef struct clh_attribution {
    clh_final_norm norm;
    size_t count;
    clh_component *component; /**< [count] */
    double *value;            /**< [count] */
    double norm_bias;         /**< through ln_final.b */
    double unembed_bias;      /**< b_U */
    double remainder;         /**< rounding when frozen; all that does not add up when recomputed */
    double total;             /**< what the forward pass gave */
} clh_attribution;

/** Attribution of a metric that is linear in the logits: logit or logit_diff, summed over the
 *  batch. CLH_ESUPPORT for another kind; errors of the functions above. */
CLH_API clh_status clh_attribution_metric(clh_attribution *out, const clh_model *model,
                                          const clh_cache *cache, const clh_metric *metric,
                                          unsigned split, clh_final_norm norm, clh_error *err);

/** Attribution of the right token's logit, mean over the predictions of tokens begin … end-1 of the
 *  batch: less another token's, less the mean logit (`against` CLH_EVERY_TOKEN), or itself
 *  (CLH_NO_TOKEN). CLH_ERANGE for predictions that there are not. */
CLH_API clh_status clh_attribution_predictions(clh_attribution *out, const clh_model *model,
                                               const clh_cache *cache, const clh_tokens *tokens,
                                               size_t begin, size_t end, uint32_t against,
                                               unsigned split, clh_final_norm norm, clh_error *err);

/** Free what an attribution holds. NULL and all zero are fine. */
CLH_API void clh_attribution_deinit(clh_attribution *attribution);

CLH_END_DECLS

#endif
