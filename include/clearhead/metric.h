/** A scalar of the logits, with its gradient: what patching measures and attribution
 *  differentiates.
 *
 *    clh_metric metric = {.kind = CLH_METRIC_LOGIT_DIFF, .position = 12, .token = 3, .against = 5};
 *    double value;
 *    if (clh_metric_value(&metric, cache, &tokens, &value, NULL, &err)) ...
 *    if (clh_metric_value(&metric, cache, &tokens, &value, gradient, &err)) ...
 *    if (clh_backward(model, &tokens, cache, gradient, NULL, NULL, &err)) ...
 *
 *  Plain values; the caller owns them.
 */
#ifndef CLEARHEAD_METRIC_H
#define CLEARHEAD_METRIC_H

#include "clearhead/api.h"
#include "clearhead/model.h"
#include "clearhead/vocab.h"

CLH_BEGIN_DECLS

typedef enum clh_metric_kind {
    CLH_METRIC_LOSS = 0,  /**< mean of -log p(token i+1) over positions first_scored-1 … pos-2 */
    CLH_METRIC_LOGIT = 1, /**< logits[position, token] */
    CLH_METRIC_LOGIT_DIFF = 2, /**< logits[position, token] - logits[position, against] */
    CLH_METRIC_LOG_PROB = 3,   /**< log p(token) at `position` */
    CLH_METRIC_PROB = 4,       /**< p(token) at `position` */
    CLH_METRIC_KINDS = 5
} clh_metric_kind;

/** Summed over the sequences of a batch for all but LOSS, which is a mean. */
typedef struct clh_metric {
    clh_metric_kind kind;
    size_t first_scored;     /**< LOSS */
    size_t position;         /**< the row of logits; the others */
    uint32_t token, against; /**< ids below d_vocab_out */
} clh_metric;

/** The metric of the logits in `cache`. `gradient` (NULL: not wanted) gets d metric / d logits in
 *  its logits, 0 elsewhere in them, ready for clh_backward(). CLH_ERANGE for a position or token
 *  that there is not, naming it and the range. */
CLH_API clh_status clh_metric_value(const clh_metric *metric, const clh_cache *cache,
                                    const clh_tokens *tokens, double *value, clh_cache *gradient,
                                    clh_error *err);

/** Gradients of the metric with respect to every activation and parameter: clh_metric_value(), then
 *  clh_backward(). `cache` holds a forward pass of `tokens`; `gradient` keeps what it keeps and is
 *  reshaped to fit; `parameters` (NULL: not wanted) is as long as clh_model_data() and ADDED to;
 *  `watch` (may be NULL) is told the activations. What is stopped leaves both unspecified.
 *
 *  Of another scalar: write its slope into the logits of a reserved gradient, all other logits 0,
 *  and call clh_backward(); of a scalar of inner activations leave the logits 0 and add its slope
 *  in a backward hook at each activation. Errors of both functions. */
CLH_API clh_status clh_metric_gradient(const clh_metric *metric, const clh_model *model,
                                       const clh_tokens *tokens, const clh_cache *cache,
                                       clh_cache *gradient, clh_real *parameters, double *value,
                                       const clh_watch *watch, clh_error *err);

/** "logit_diff" and the like. */
CLH_API const char *clh_metric_name(clh_metric_kind kind);

/** The metric a text means: "loss", "logit:12:c", "logit_diff:12:c:d", "log_prob:12:c",
 *  "prob:12:c"; positions may be negative (from the end), tokens are symbols of the
 *  vocabulary or ids "#17". CLH_EUSAGE names the part that cannot be, and what was wanted. Of ids that
 *  stand for nothing (NULL) "17" is one too. */
CLH_API clh_status clh_metric_parse(clh_metric *out, const char *text, const clh_vocab *vocab,
                                    size_t pos, size_t first_scored, clh_error *err);

CLH_END_DECLS

#endif
