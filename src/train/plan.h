/** What a training configuration means step by step, without doing any of it: where a step's
 *  sequences are and what is due after it. All of it is a function of (config, step), so a resumed
 *  run does what an uninterrupted one does.
 *
 *    for (size_t step = 0; step < c->steps; step++)
 *        train_on(clh_plan_samples(c, step), clh_plan_samples(c, step + 1));   // [first, past)
 */
#ifndef CLH_PLAN_H
#define CLH_PLAN_H

#include "clearhead/config.h"

/** Sequences seen after `step` steps, which is also where the next batch begins: epochs of
 *  epoch_sequences in batches, the last one of an epoch smaller. */
uint64_t clh_plan_samples(const clh_train_config *config, size_t step);

/** Epoch that step `step` belongs to, from 1; 0 for step 0, before the first. */
size_t clh_plan_epoch(const clh_train_config *config, size_t step);

/** Whether the model can read every sequence of the task, which the config may not have been made
 *  for (the lines of a file change). CLH_ESHAPE naming both sizes. */
clh_status clh_plan_check(const clh_model_config *config, const clh_task *task, clh_error *err);

/** Whether the model is evaluated after `step`: every eval_every steps, the last; never without
 *  held-out sequences, which lines may not have. */
bool clh_plan_evaluates(const clh_train_config *config, size_t step);

#endif
