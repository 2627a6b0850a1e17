/** Evaluation with a backend that is open already; clh_evaluate() opens its own. */
#ifndef CLH_EVALUATE_H
#define CLH_EVALUATE_H

#include "clearhead/train.h"
#include "train/stepper.h"

/** What is evaluated: sequences first … first+count-1 of a split. */
typedef struct clh_evaluate_what {
    const clh_task *task;
    clh_split split;
    uint64_t first;
    size_t count;
} clh_evaluate_what;

/** As clh_evaluate(), with `stepper`, opened for the model and this task, and `pool`, borrowed;
 *  `watch` may be NULL. A loss that is not finite is no error here. *out is written on success
 *  only. */
clh_status clh_evaluate_with(clh_evaluation *out, const clh_evaluate_what *what,
                             const clh_stepper *stepper, clh_pool *pool, const clh_watch *watch,
                             clh_error *err);

#endif
