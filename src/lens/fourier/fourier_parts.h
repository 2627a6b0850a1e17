/** What the measures of Fourier structure share: all inputs of a task of sums, visited in a fixed order.
 *
 *    clh_fourier_domain domain;
 *    status = clh_fourier_domain_make(&domain, model, task, threads, err);
 *    status = clh_fourier_sums_make(&sums, &domain, true, watch, err);
 *
 *  Inputs are cut into CLH_FOURIER_SLOTS blocks by their rank. Who visits adds up within a slot in the order
 *  of ranks, and slots in their order, so that sums do not depend on threads.
 */
#ifndef CLH_FOURIER_PARTS_H
#define CLH_FOURIER_PARTS_H

#include "base/base.h"
#include "clearhead/fourier.h"
#include "task/task_ops.h"

enum { CLH_FOURIER_SLOTS = 8 };

typedef struct clh_fourier_domain {
    const clh_model *model;
    const clh_task *task;
    const clh_model_config *config;
    clh_task_sum sum;
    size_t p, inputs, length; /**< inputs: p^2; tokens of a sequence */
    size_t outputs;           /**< logits of a prediction: d_vocab_out */
    size_t threads;           /**< at most CLH_FOURIER_SLOTS */
} clh_fourier_domain;

/** CLH_ESUPPORT, CLH_ESHAPE as clh_fourier_run(). Owns nothing. */
clh_status clh_fourier_domain_make(clh_fourier_domain *out, const clh_model *model,
                                   const clh_task *task, size_t threads, clh_error *err);

/** One input, computed. Borrowed for the call. */
typedef struct clh_fourier_input {
    size_t a, b, answer;
    uint64_t rank;
    const clh_cache *cache; /**< holds a batch of which it is sequence `index` */
    size_t index;
    const clh_real *logits; /**< [outputs] of the answer */
} clh_fourier_input;

typedef void clh_fourier_visitor(void *user, size_t slot, const clh_fourier_input *input);

/** Compute all inputs and show each to `visit`. CLH_STOPPED, CLH_ENUMERIC; errors of clh_forward(). */
clh_status clh_fourier_visit(const clh_fourier_domain *domain, clh_fourier_visitor *visit,
                             void *user, const clh_watch *watch, clh_error *err);

/** Sums over all inputs. A frequency's part of a function f(a, b) needs no more than the sums of f over
 *  inputs of one a, one b, one a + b, one a - b: its two-dimensional Fourier coefficients at (k, 0),
 *  (0, k), (k, k), (k, -k) are the one-dimensional ones of these sums at k. */
typedef struct clh_fourier_sums {
    size_t p, outputs, neurons; /**< neurons: of all layers, in their order; 0: not wanted */
    double *logits;       /**< [p, outputs] over inputs with one answer, of the logits less their
                                     mean over outputs, which no probability depends on */
    double logits_square; /**< sum of squares of these logits */
    double *along[4];     /**< each [p, neurons]: over inputs with one a, b, a + b, a - b */
    double *square;       /**< [neurons] sum of squares */
} clh_fourier_sums;

/** Go over all inputs once. `neurons`: those too, if the model has any. */
clh_status clh_fourier_sums_make(clh_fourier_sums *out, const clh_fourier_domain *domain,
                                 bool neurons, const clh_watch *watch, clh_error *err);

/** Free. All zero is fine. */
void clh_fourier_sums_deinit(clh_fourier_sums *sums);

/** cos and sin of 2 pi x / p for x = 0 … p - 1. */
typedef struct clh_fourier_waves {
    size_t p;
    double *cosine, *sine; /**< [p] */
} clh_fourier_waves;

clh_status clh_fourier_waves_make(clh_fourier_waves *out, size_t p, clh_error *err);
void clh_fourier_waves_deinit(clh_fourier_waves *waves);

/** real[j] = sum_x rows[x][j] cos(2 pi k x / p), imaginary[j] the same with sin; rows [p, width]. */
void clh_fourier_at(const clh_fourier_waves *waves, size_t k, const double *rows, size_t width,
                    double *real, double *imaginary);

/** How often frequency k counts: k and p - k are two waves, but 0 and p / 2 one. */
static inline double clh_fourier_twice(size_t k, size_t p)
{
    return k == 0 || 2 * k == p ? 1 : 2;
}

/** The part of the logits that the key frequencies make: `out` [p, outputs] by answer s,
 *  sum over key k of (c_k / p^2) (C_k cos(2 pi k s / p) + S_k sin(2 pi k s / p)), C_k and S_k the Fourier
 *  coefficients of sums->logits; of which are key `found` says. */
clh_status clh_fourier_project(double *out, const clh_fourier_sums *sums, const clh_fourier *found,
                               clh_error *err);

/** Losses of the model's logits, restricted and excluded, over all inputs: a second visit. */
clh_status clh_fourier_losses(clh_loss_sum out[CLH_FOURIER_LOGITS][2],
                              const clh_fourier_domain *domain, const clh_fourier_sums *sums,
                              const clh_fourier *found, const clh_watch *watch, clh_error *err);

#endif
