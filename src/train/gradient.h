/** The gradient of the mean loss over a batch of the task, the same bits at any number of threads.
 *  A backend computes it (model/whole/backend.h); here is which sequences a batch has, how many of their
 *  predictions count, and the pieces in which the optimizer works.
 *
 *    clh_gradient *gradient = NULL;
 *    if (clh_gradient_open(&gradient, model, task, batch, &stepper, pool, err)) ...
 *    if (clh_gradient_compute(gradient, first, count, &sum, err)) ...
 *    double norm = clh_gradient_norm(gradient);
 */
#ifndef CLH_GRADIENT_H
#define CLH_GRADIENT_H

#include "train/stepper.h"

typedef struct clh_gradient clh_gradient;

/** For batches of up to `batch` >= 1 sequences, for which `stepper` was opened; everything is
 *  borrowed. CLH_ENOMEM. */
clh_status clh_gradient_open(clh_gradient **out, const clh_model *model, const clh_task *task,
                             size_t batch, const clh_stepper *stepper, clh_pool *pool,
                             clh_error *err);

/** Bytes that clh_gradient_open() takes for a model of `parameters` numbers and sequences of up to
 *  `length` tokens; SIZE_MAX when they cannot be counted. */
size_t clh_gradient_bytes(size_t parameters, size_t length, size_t batch);

/** Free. NULL is fine. */
void clh_gradient_close(clh_gradient *gradient);

/** Gradient of the mean loss over all scored positions of training sequences first …
 *  first+count-1, count from 1 to the promised batch; *sum gets loss and accuracy. CLH_EINPUT when
 *  nothing is scored; else errors of clh_task_draw() and of the backend. */
clh_status clh_gradient_compute(clh_gradient *gradient, uint64_t first, size_t count,
                                clh_loss_sum *sum, clh_error *err);

/** The forward part of that alone: loss and accuracy of the same sequences. Errors likewise. */
clh_status clh_gradient_forward(clh_gradient *gradient, uint64_t first, size_t count,
                                clh_loss_sum *sum, clh_error *err);

/** The gradient, laid out as clh_model_data(); borrowed. */
const clh_real *clh_gradient_data(const clh_gradient *gradient);

/** Its 2-norm, in double precision. */
double clh_gradient_norm(clh_gradient *gradient);

/** Run `fn` over pieces of the parameter vector, in parallel: [begin, end) of each. */
typedef void clh_piece_fn(void *context, size_t begin, size_t end);
void clh_gradient_pieces(clh_gradient *gradient, clh_piece_fn *fn, void *context);

#endif
