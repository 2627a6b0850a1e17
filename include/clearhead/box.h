/** A scalar of any activation: the sum over a box of it, with its gradient with respect to every
 *  other. What a score, a neuron or a logit depends on.
 *
 *    clh_box box;
 *    double value;
 *    if (clh_box_parse(&box, "blocks.0.attn.hook_attn_scores[0,0,57,12]", cache, 1, 122, &err)) ...
 *    if (clh_box_gradient(&box, model, &tokens, cache, gradient, NULL, &value, NULL, &err)) ...
 *    clh_tensor slope = clh_cache_view(gradient, "hook_embed");       // d score / d embedding
 *
 *  Plain values; the caller owns them.
 */
#ifndef CLEARHEAD_BOX_H
#define CLEARHEAD_BOX_H

#include "clearhead/api.h"
#include "clearhead/model.h"

CLH_BEGIN_DECLS

typedef struct clh_box {
    size_t activation;                             /**< its index in a cache */
    size_t begin[CLH_RANK_MAX], end[CLH_RANK_MAX]; /**< of each dimension that it has */
} clh_box;

/** The box a text means: a hook name or "logits", then in brackets a number or a slice a:b for each
 *  dimension, negative from the end: "blocks.0.attn.hook_pattern[0,0,-2,:]". `cache` (which may be
 *  empty) is of the model's config, its shape that of [batch, pos] tokens. CLH_EUSAGE names what
 *  cannot be, with the shape or the nearest name. */
CLH_API clh_status clh_box_parse(clh_box *out, const char *text, const clh_cache *cache,
                                 size_t batch, size_t pos, clh_error *err);

/** The sum over the box in `cache`, a forward pass of `tokens` with all kept, and its gradients as
 *  clh_metric_gradient(): of what is computed after the box they are 0. CLH_ENUMERIC when the sum
 *  is not finite (scores of keys in the future are -inf). */
CLH_API clh_status clh_box_gradient(const clh_box *box, const clh_model *model,
                                    const clh_tokens *tokens, const clh_cache *cache,
                                    clh_cache *gradient, clh_real *parameters, double *value,
                                    const clh_watch *watch, clh_error *err);

CLH_END_DECLS

#endif
