/** A model in which attention depends on positions alone: what tokens add to keys or queries is taken out
 *  of the weights, by least squares, and attention made sharper.
 *
 *    clh_model *repaired = NULL;
 *    clh_repair_sums sums = {0};
 *    const clh_repair_options options = {.by = CLH_REPAIR_KEYS, .rounds = 1, .sharpen = 2};
 *    if (clh_repair(&repaired, &sums, model, task, &options, NULL, &err)) ...
 *    printf("%g of it is left\n", sums.keys_after / sums.keys_before);
 *    clh_model_close(repaired);
 *
 *  For models of one layer and one head, attention only, and a task of letters. docs/mathematics.md,
 *  "Repair".
 */
#ifndef CLEARHEAD_REPAIR_H
#define CLEARHEAD_REPAIR_H

#include "clearhead/api.h"
#include "clearhead/certify.h"
#include "clearhead/model.h"
#include "clearhead/program.h"
#include "clearhead/task.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

/** What is refitted; bits to be joined. */
typedef enum clh_repair_by {
    CLH_REPAIR_KEYS = 1,    /**< W_K and b_K: a key is its position's mean over letters */
    CLH_REPAIR_QUERIES = 2, /**< W_Q and b_Q: a query likewise */
    CLH_REPAIR_BOTH = 3,
    /* or one of these: W_Q, b_Q, W_K and b_K, so that attention is a pattern of positions, whatever the letters */
    CLH_REPAIR_PATTERN = 4, /**< the model's own, its mean over all choices of letters */
    CLH_REPAIR_ONE_HOT = 5, /**< all of it on the strongest key of that */
    CLH_REPAIR_PROGRAM =
        6, /**< what a program reads; the model's own where the program is constant */
} clh_repair_by;

typedef struct clh_repair_options {
    unsigned by; /**< joins clh_repair_by */
    unsigned
        rounds; /**< how often in a row, each time for the means of the time before; 1 to 100 */
    double
        sharpen; /**< what all scores are multiplied by, in W_K and b_K: above 0, 1 as they are */
    const clh_program
        *program; /**< of CLH_REPAIR_PROGRAM, borrowed; NULL: the model's own, clh_decompile() */
} clh_repair_options;

/** How far keys (queries) are from the mean of their position: root mean square over positions, each
 *  weighing the same, and over the letters that may stand there, of the Euclidean distance; before, and
 *  after. 0 for what was not refitted. */
typedef struct clh_repair_sums {
    double keys_before, keys_after, queries_before, queries_after;
    /** Of a pattern: half the sum of |attention - wanted| over keys, attention being the mean over all choices of
     *  letters; mean over the queries of scored predictions, and the largest. */
    double pattern_before, pattern_after, pattern_most;
} clh_repair_sums;

/** A copy of `model` with some of its weights refitted; *sums may be NULL, and
 *  `options` (keys, once, scores twice as large). The least change of the weights
 *  that makes the sum of squares least (Moore-Penrose); keys are measured before they are sharpened. A pattern is
 *  approached in 100 steps of L-BFGS, in one round. The
 *  caller owns *out. CLH_EUSAGE for options out of range, CLH_ESUPPORT for other models and tasks,
 *  CLH_ESHAPE when sequences are longer than n_ctx or not as long as the program's, CLH_ENUMERIC, CLH_ENOMEM, CLH_STOPPED. */
CLH_API clh_status clh_repair(clh_model **out, clh_repair_sums *sums, const clh_model *model,
                              const clh_task *task, const clh_repair_options *options,
                              const clh_how *how, clh_error *err);

/** The first of a few ways to repair that leaves no failing input in a domain: keys, keys and queries, each
 *  with all scores twice as large and as they are, once and twice in a row; that with the fewest failures
 *  where none does (of equal ones the first). 0 in `options`, or NULL, leaves open which; *found is what it was,
 *  *after its certificate, the caller's. Errors of clh_repair() and clh_certify(). */
CLH_API clh_status clh_repair_find(clh_model **out, clh_repair_sums *sums,
                                   clh_repair_options *found, clh_certificate *after,
                                   const clh_model *model, const clh_task *task,
                                   const clh_repair_options *options, clh_domain_kind domain,
                                   const clh_how *how, clh_error *err);

CLH_END_DECLS

#endif
