/** A backend at work: picked, opened, and what training, evaluation and bench hold of it.
 *
 *    clh_stepper stepper = {0};
 *    if (clh_stepper_open(&stepper, model, task, batch, NULL, pool, err)) ...
 *    if (stepper.backend->gradient(stepper.state, &batch, gradient, &sum, err)) ...
 *    clh_stepper_close(&stepper);
 */
#ifndef CLH_STEPPER_H
#define CLH_STEPPER_H

#include "model/whole/backend.h"

/** The first backend that fits; with `name` the one of that name, if it fits. NULL: none does,
 *  which cannot be without a name. */
const clh_backend *clh_backend_pick(const clh_model_config *config, const clh_backend_use *use,
                                    const char *name);

/** The caller owns the struct, it owns its state; all zero before it is opened. */
typedef struct clh_stepper {
    const clh_backend *backend;
    void *state;
} clh_stepper;

/** For batches of up to `batch` sequences of the task (0: losses only), by clh_backend_pick();
 *  model and pool are borrowed until it is closed. CLH_ENOMEM; CLH_ESUPPORT when the backend of
 *  that name does not fit. */
clh_status clh_stepper_open(clh_stepper *out, const clh_model *model, const clh_task *task,
                            size_t batch, const char *name, clh_pool *pool, clh_error *err);

/** Free what it holds; it is all zero then. All zero is fine. */
void clh_stepper_close(clh_stepper *stepper);

#endif
