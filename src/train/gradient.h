/** The gradient of the mean loss over a batch, the same bits at any number of threads.
 *
 *  A batch is cut into at most CLH_GRADIENT_SLOTS slots: sequence b belongs to slot b modulo their
 *  number. A slot adds up its sequences in order; slots are added up in order. Which thread works
 *  on a slot changes nothing.
 *
 *    clh_gradient *gradient = NULL;
 *    if (clh_gradient_open(&gradient, model, task, batch, workers, err)) ...
 *    if (clh_gradient_compute(gradient, first, count, &sum, err)) ...
 *    double norm = clh_gradient_norm(gradient);
 */
#ifndef CLH_GRADIENT_H
#define CLH_GRADIENT_H

#include "fused/fused.h"
#include "math/kernels.h"
#include "train/workers.h"

typedef struct clh_gradient clh_gradient;

/** The way through one step: any model, or the fast way for the models it is written for. */
typedef enum clh_gradient_path { CLH_PATH_GENERAL, CLH_PATH_FUSED } clh_gradient_path;

/** CLH_PATH_FUSED where fused/fused.h has it, else CLH_PATH_GENERAL. */
clh_gradient_path clh_gradient_best_path(const clh_model_config *config);

/** What workers need for a path. */
clh_workers_need clh_gradient_needs(clh_gradient_path path);

/** For batches of up to `batch` sequences; model, task and workers are borrowed. Workers have
 *  what clh_gradient_needs(). */
clh_status clh_gradient_open(clh_gradient **out, const clh_model *model, const clh_task *task,
                             size_t batch, clh_gradient_path path, clh_workers *workers,
                             clh_error *err);

/** Bytes that clh_gradient_open() takes, SIZE_MAX when they cannot be counted. */
size_t clh_gradient_bytes(const clh_model_config *config, size_t length, size_t batch,
                          clh_gradient_path path, size_t threads);

/** Free. NULL is fine. */
void clh_gradient_close(clh_gradient *gradient);

/** Gradient of the mean loss over all scored positions of training sequences first …
 *  first+count-1; *sum gets loss and accuracy. CLH_EINPUT when nothing is scored. */
clh_status clh_gradient_compute(clh_gradient *gradient, uint64_t first, size_t count,
                                clh_loss_sum *sum, clh_error *err);

/** The gradient, laid out as clh_model_data(); borrowed. */
const clh_real *clh_gradient_data(const clh_gradient *gradient);

/** The fused path it uses, for evaluating between steps; NULL on the general path; borrowed. */
clh_fused *clh_gradient_fused(const clh_gradient *gradient);

/** Its 2-norm, in double precision. */
double clh_gradient_norm(clh_gradient *gradient);

/** Run `fn` over pieces of the parameter vector, in parallel: [begin, end) of each. */
typedef void clh_piece_fn(void *context, size_t begin, size_t end);
void clh_gradient_pieces(clh_gradient *gradient, clh_piece_fn *fn, void *context);

#endif
