/** Necessity: on how many inputs of a whole domain the removal of a part of a model changes a prediction.
 *
 *    clh_necessity necessity = {0};
 *    const clh_necessity_options options = {.domain = CLH_DOMAIN_SORTED};
 *    if (clh_necessity_find(&necessity, model, task, &options, &how, &err)) ...
 *    for (size_t i = 0; i < CLH_NECESSITY_PARTS; i++)
 *        printf("%s: %g\n", necessity.row[i].name, (double)necessity.row[i].changed);
 *
 *  Models of one layer and one head, attention only. Every input is decided, in double precision; every
 *  scored prediction is compared with that of the whole model, right or not. docs/mathematics.md
 *  ("Necessity") defines each part.
 */
#ifndef CLEARHEAD_NECESSITY_H
#define CLEARHEAD_NECESSITY_H

#include "clearhead/certify.h"

CLH_BEGIN_DECLS

/** What stands in a removed part's place. */
typedef enum clh_removal {
    CLH_REMOVAL_ZERO =
        0, /**< nothing; of sources: no attention on them, the rest scaled to sum to 1 */
    CLH_REMOVAL_MEAN =
        1, /**< its mean over the domain, at each position (of scores: query and key) */
} clh_removal;

enum { CLH_REMOVALS = 2, CLH_NECESSITY_PARTS = 13 };

typedef struct clh_necessity_options {
    clh_domain_kind domain; /**< of choices of letters: not CLH_DOMAIN_TASK */
    clh_removal by;
} clh_necessity_options;

typedef struct clh_necessity_row {
    const char *name, *text; /**< "qk.token_position", and what it is; both borrowed */
    uint64_t changed;        /**< inputs of which a prediction changes */
    uint64_t
        undecided; /**< of these, inputs of which double precision cannot tell: two logits are as
                             good as equal */
    clh_counterexample first; /**< the first input that changes: its letters and rank */
} clh_necessity_row;

typedef struct clh_necessity {
    size_t n;           /**< letters of an input */
    uint64_t inputs;    /**< of the domain */
    uint32_t token[64]; /**< token of each letter */
    clh_necessity_row row[CLH_NECESSITY_PARTS];
} clh_necessity;

/** Count; options NULL: of all 0. CLH_ESUPPORT for a model or task that cannot be asked, CLH_ERANGE for a
 *  domain that is too large, CLH_ESHAPE where sequences are longer than n_ctx, CLH_ENUMERIC for weights
 *  that are not finite, CLH_STOPPED. `out` holds no memory. */
CLH_API clh_status clh_necessity_find(clh_necessity *out, const clh_model *model,
                                      const clh_task *task, const clh_necessity_options *options,
                                      const clh_how *how, clh_error *err);

CLH_END_DECLS

#endif
