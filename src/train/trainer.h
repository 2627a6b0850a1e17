/** A run being trained:
 *
 *    draw batch -> gradient -> clip -> optimizer -> note -> (evaluate) -> (checkpoint)
 *
 *  The state of training is (parameters, moments, step) and nothing else: data, learning rate and
 *  what is due all follow from the step. So a checkpoint is those three, and a resumed run does
 *  what an uninterrupted one would have done.
 *
 *    clh_trainer t = {.config = config, .path = path, .lock = -1};
 *    if (!clh_trainer_open(&t, err) && !clh_trainer_begin(&t, err))
 *        (void)clh_trainer_run(&t, err);
 *    clh_trainer_close(&t);
 *
 *  Without a path it trains in memory: the same weights, and nothing is evaluated, noted or kept.
 *
 *  The caller owns the struct; it owns what it opened. start.c is its only user.
 */
#ifndef CLH_TRAINER_H
#define CLH_TRAINER_H

#include "clearhead/train.h"
#include "run/folder/checkpoint.h"
#include "run/folder/keeper.h"
#include "run/folder/metrics.h"
#include "train/gradient.h"

typedef struct clh_trainer {
    clh_run_config config;
    const char *path; /* NULL: in memory */
    const clh_train_watch *watch;
    int lock;
    clh_task *task;
    clh_model *model;
    clh_pool *pool;
    clh_stepper stepper;
    clh_gradient *gradient;
    clh_moments moments;
    clh_metrics *metrics;
    clh_keeper *keeper;
    clh_evaluation evaluation;
    clh_progress progress;
    double start, flushed;     /* of the clock */
    clh_metrics_before before; /* of earlier processes */
    size_t first_step;         /* where this process began */
    bool
        began_large; /* the loss of step 1 was far above that of even logits; in the process that made it */
    size_t saved,
        older; /* steps of the newest checkpoint that was seen in its place, and of the one
                                * before it that the run keeps; SIZE_MAX: there is none */
} clh_trainer;

/** Everything in memory, for the config; nothing is written. The config, the memory it takes and that
 *  the task fits the model are checked first. */
clh_status clh_trainer_open(clh_trainer *t, clh_error *err);

/** Free what was opened and let the folder's lock go. */
void clh_trainer_close(clh_trainer *t);

/** Training stands after `step`. */
void clh_trainer_place(clh_trainer *t, size_t step);

/** Go on with metrics.jsonl, keeping the lines of steps before `next`. */
clh_status clh_trainer_append(clh_trainer *t, size_t next, clh_error *err);

/** Step 0: metrics begin, the model as it is is evaluated and kept. CLH_STOPPED when the watcher
 *  asks for it. */
clh_status clh_trainer_begin(clh_trainer *t, clh_error *err);

/** The evaluation of the step training stands after, where it was due and stopped. */
clh_status clh_trainer_catch_up(clh_trainer *t, clh_error *err);

/** The steps that are left, and the weights in their place at the end. */
clh_status clh_trainer_run(clh_trainer *t, clh_error *err);

#endif
