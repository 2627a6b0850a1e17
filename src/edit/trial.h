/** A model run with the queries, keys or values of layer 0 that another one makes: what is left of
 *  it when they know only a part of their input.
 *
 *    clh_trial trial = {.model = model, .sample = sample};
 *    if (clh_trial_open(&trial, err)) ...                     // trial.other is a copy of the model
 *    ... change clh_model_param(trial.other, CLH_P_W_E, 0) ...
 *    clh_trial_run(&trial, "kv", &loss, &accuracy, watch, err);      // keys and values are the other's
 *    clh_trial_close(&trial);
 *
 *  The caller owns the struct; model and sample are borrowed.
 */
#ifndef CLH_TRIAL_H
#define CLH_TRIAL_H

#include "clearhead/sample.h"
#include "clearhead/watch.h"

typedef struct clh_trial {
    const clh_model *model;
    const clh_sample *sample;
    size_t threads;    /**< 0 stands for 1; change no byte */
    clh_model *other;  /**< owned, as all below */
    clh_cache **cache; /**< [2, threads] */
    double *loss_at;   /**< [sample's stride] sum of -log p over sequences, of the last run, at the
                            position that is predicted */
    size_t *right_at;  /**< [the same] how many were right */
} clh_trial;

/** Copy the model, make room. */
clh_status clh_trial_open(clh_trial *trial, clh_error *err);

/** Mean loss (nats) and accuracy over the sample's scored predictions, where the inputs named in
 *  `inputs` ("", or letters of "qkv") come from the other model. CLH_EINPUT when nothing is scored;
 *  CLH_STOPPED. */
clh_status clh_trial_run(const clh_trial *trial, const char *inputs, double *loss, double *accuracy,
                         const clh_watch *watch, clh_error *err);

/** Free what it owns. All zero is fine. */
void clh_trial_close(clh_trial *trial);

#endif
