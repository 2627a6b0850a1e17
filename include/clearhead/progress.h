/** What a run tells of itself while it is trained, and writes into its metrics: where training is, and
 *  what the model does on held-out sequences.
 *
 *    static bool on_progress(const clh_progress *at, void *user)
 *    {
 *        printf("step %zu of %zu: %g\n", at->step, at->steps, at->loss);
 *        return true;
 *    }
 *    ...
 *    const clh_train_watch watch = {.progress = on_progress};
 *    if (clh_train(&config, "runs/six", &watch, &err)) ...
 *
 *  clearhead/train.h has the functions that fill these structs.
 */
#ifndef CLEARHEAD_PROGRESS_H
#define CLEARHEAD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/api.h"

CLH_BEGIN_DECLS

/** What a model does on sequences whose answers are known. */
typedef struct clh_evaluation {
    size_t sequences;
    double loss;               /**< mean over scored positions, nats */
    double token_accuracy;     /**< of scored positions, whose largest logit is right */
    double sequence_accuracy;  /**< of sequences without a mistake */
    size_t positions;          /**< of the longest sequence */
    double *loss_per_position; /**< [positions] mean -log p(token), at the token's own index; NaN
                                    where nothing is scored; owned */
} clh_evaluation;

/** Free what an evaluation holds. NULL and all zero are fine. */
CLH_API void clh_evaluation_deinit(clh_evaluation *evaluation);

/** Where training is. */
typedef struct clh_progress {
    size_t step, steps, epoch; /**< step 0 is before the first */
    uint64_t samples;          /**< sequences seen */
    double loss, grad_norm, lr, seconds, steps_per_second;
    const clh_evaluation *evaluation; /**< the newest; NULL before the first; borrowed */
    bool evaluated;                   /**< it was made at this step */
} clh_progress;

CLH_END_DECLS

#endif
