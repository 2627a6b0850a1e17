/** Invariance: whether attention looks at the same position whatever the letters, over a whole domain.
 *
 *    clh_invariance invariance = {0};
 *    if (clh_invariance_find(&invariance, model, task, CLH_DOMAIN_SORTED, &how, &err)) ...
 *    printf("%g of %g\n", (double)invariance.same, (double)invariance.inputs);
 *    clh_invariance_deinit(&invariance);
 *
 *  The source of a prediction is the position that its query attends to most. Of each scored prediction the
 *  usual source is the one that most inputs have; an input is the same when all its predictions have theirs.
 *  Models of one layer and one head, attention only; every input is decided, in double precision.
 */
#ifndef CLEARHEAD_INVARIANCE_H
#define CLEARHEAD_INVARIANCE_H

#include "clearhead/certify.h"

CLH_BEGIN_DECLS

/** The prediction of one position. */
typedef struct clh_invariance_row {
    size_t source;   /**< the usual one; the first of several */
    uint64_t same;   /**< inputs that have it */
    size_t other;    /**< the next most usual source; `source` where there is none */
    uint64_t others; /**< inputs that have that one */
} clh_invariance_row;

typedef struct clh_invariance {
    size_t n;                    /**< letters of an input */
    size_t length, first_scored; /**< tokens of a sequence */
    uint64_t inputs;             /**< of the domain */
    uint64_t same;               /**< inputs of which every prediction has its usual source */
    uint64_t
        undecided; /**< inputs that are not the same, or may be: two scores are as good as equal */
    uint32_t token[64];       /**< token of each letter */
    clh_invariance_row *at;   /**< [length], from first_scored */
    clh_counterexample first; /**< the first input that is not the same, where there is one */
} clh_invariance;

/** Errors as clh_necessity_find(). */
CLH_API clh_status clh_invariance_find(clh_invariance *out, const clh_model *model,
                                       const clh_task *task, clh_domain_kind domain,
                                       const clh_how *how, clh_error *err);

/** Free what it holds. NULL is fine. */
CLH_API void clh_invariance_deinit(clh_invariance *invariance);

CLH_END_DECLS

#endif
