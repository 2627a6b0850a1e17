/** Robustness: how far the final residual stream may move before a prediction flips, at the least, over a
 *  whole domain.
 *
 *    clh_robustness robustness = {0};
 *    const clh_robustness_options options = {.domain = CLH_DOMAIN_SORTED};
 *    if (clh_robustness_find(&robustness, model, task, &options, &how, &err)) ...
 *    printf("%g\n", robustness.least.distance);
 *    clh_robustness_deinit(&robustness);
 *
 *  The distance is the length (L2) of the smallest change of the residual stream in front of the final norm
 *  (blocks.N.hook_resid_post) after which another token's logit reaches the predicted one's.
 *  docs/mathematics.md ("Robustness") derives it. Models of one layer and one head, attention only.
 */
#ifndef CLEARHEAD_ROBUSTNESS_H
#define CLEARHEAD_ROBUSTNESS_H

#include "clearhead/certify.h"

CLH_BEGIN_DECLS

typedef struct clh_robustness_options {
    clh_domain_kind domain; /**< of choices of letters: not CLH_DOMAIN_TASK */
    double
        within; /**< look at least as far: distances of other positions too, up to this; 0 … 1e6 */
} clh_robustness_options;

/** The prediction of one position that flips first. */
typedef struct clh_robustness_row {
    double distance; /**< infinite: of no input within `within`; 0: two logits are equal */
    clh_counterexample
        input; /**< its letters, rank, position, what is predicted, the token that takes
                                   its place (`expected`), and `margin`: by how much its logit is ahead */
} clh_robustness_row;

typedef struct clh_robustness {
    size_t n;                    /**< letters of an input */
    size_t length, first_scored; /**< tokens of a sequence */
    uint64_t inputs;             /**< of the domain */
    uint32_t token[64];          /**< token of each letter */
    double
        within; /**< how far was looked; where nothing was found there, no change flips anything */
    uint64_t computed;        /**< predictions whose distance was computed: bounds left them */
    clh_robustness_row *at;   /**< [length], from first_scored: of each predicted position */
    clh_robustness_row least; /**< over all positions; of several the first */
} clh_robustness;

/** Errors as clh_necessity_find(). */
CLH_API clh_status clh_robustness_find(clh_robustness *out, const clh_model *model,
                                       const clh_task *task, const clh_robustness_options *options,
                                       const clh_how *how, clh_error *err);

/** Free what it holds. NULL is fine. */
CLH_API void clh_robustness_deinit(clh_robustness *robustness);

CLH_END_DECLS

#endif
