/** The Fourier structure of a model of sums (or differences) modulo p: of its embedding, its neurons and
 *  its logits, which frequencies matter, and the loss with only these kept and with these removed.
 *
 *    clh_fourier found = {0};
 *    const clh_fourier_ask ask = {.least = CLH_FOURIER_LEAST, .explained = CLH_FOURIER_EXPLAINED};
 *    if (clh_fourier_run(&found, adder, sums, &ask, &how, &err)) ...  // model and task
 *    for (size_t k = 1; k < found.count; k++)
 *        if (found.frequency[k].key)
 *            printf("%zu: %g of W_E\n", k, found.frequency[k].embedding);
 *    const clh_loss_sum *sum = &found.loss[CLH_FOURIER_EXCLUDED][CLH_SPLIT_TRAIN];
 *    printf("excluded loss %g nats\n", sum->loss / (double)sum->count);
 *    clh_fourier_deinit(&found);
 *
 *  Frequencies k = 0 … p / 2 are the functions cos(2 pi k x / p) and sin(2 pi k x / p) of a number x; 0 is
 *  the constant. All p^2 inputs are computed, none kept. The same bytes at any number of threads. The
 *  caller owns the struct. Nanda et al. 2023, "Progress measures for grokking via mechanistic
 *  interpretability" (arXiv 2301.05217), sections 4 and 5; docs/mathematics.md says where this differs.
 */
#ifndef CLEARHEAD_FOURIER_H
#define CLEARHEAD_FOURIER_H

#include "clearhead/api.h"
#include "clearhead/model.h"
#include "clearhead/task.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

/** A frequency is key where it holds at least this share of the logits' variance: the usual value. */
#define CLH_FOURIER_LEAST 0.01

/** A neuron is explained where its best frequency has at least this share of its variance: Nanda et al.
 *  2023, section 4. */
#define CLH_FOURIER_EXPLAINED 0.85

/** What is asked; NULL stands for the usual values and the model's own frequencies. */
typedef struct clh_fourier_ask {
    double least;     /**< in (0, 1] */
    double explained; /**< in [0, 1] */
    /** Whose key frequencies are taken: over training those of its end; NULL: the model's own. Borrowed. */
    const clh_model *key_model;
    /** Key frequencies that are given, in place of any found; NULL and 0: none are. */
    const size_t *frequency;
    size_t frequencies;
} clh_fourier_ask;

/** Which logits a loss is of. */
typedef enum clh_fourier_logits {
    CLH_FOURIER_MODEL = 0,      /**< the model's */
    CLH_FOURIER_RESTRICTED = 1, /**< their mean over all inputs, and of the rest what is a sum of
                                     cos(2 pi k s / p), sin(2 pi k s / p) for key k; s is the answer */
    CLH_FOURIER_EXCLUDED = 2,   /**< the model's less that sum */
    CLH_FOURIER_LOGITS = 3
} clh_fourier_logits;

/** "model", "restricted", "excluded"; NULL for none of them. */
CLH_API const char *clh_fourier_logits_name(clh_fourier_logits logits);

/** A frequency. Of 0, the constant, neurons and logits are NaN: variances have none. */
typedef struct clh_fourier_frequency {
    double embedding; /**< share of the squared norm of W_E's rows of numbers; all add up to 1 */
    /** Share of the neurons' variance over all inputs that is in cos and sin of 2 pi k a / p, of b, and in
     *  their products; NaN where no neuron varies. */
    double neurons;
    /** Share of the logits' variance over all inputs that is in cos and sin of 2 pi k s / p, s the answer. */
    double logits;
    size_t explained; /**< neurons explained whose best frequency it is */
    bool key;
} clh_fourier_frequency;

typedef struct clh_fourier_neuron {
    /** Share of its variance over all inputs that its best frequency has; NaN where it is the same on all. */
    double explained;
    size_t frequency; /**< that frequency; 0: none */
} clh_fourier_neuron;

typedef struct clh_fourier {
    size_t p, count; /**< the modulus; frequencies 0 … count - 1, p / 2 + 1 of them */
    clh_fourier_frequency *frequency;              /**< [count]; owned */
    size_t n_layers, d_mlp;                        /**< d_mlp 0: there are no neurons */
    clh_fourier_neuron *neuron;                    /**< [n_layers, d_mlp]; owned */
    size_t keys;                                   /**< key frequencies */
    double embedding_key, neurons_key, logits_key; /**< what these hold together */
    double neurons_explained; /**< of the neurons that vary, the share explained; NaN: none does */
    double neurons_best;      /**< mean over these of what their best frequency has */
    /** Nats, by clh_split, over all inputs of the split. */
    clh_loss_sum loss[CLH_FOURIER_LOGITS][2];
} clh_fourier;

/** All of it. CLH_ESUPPORT for a task that is no sum modulo p, CLH_ESHAPE for a model that has not as many
 *  tokens, CLH_ERANGE for frequencies outside 1 … p / 2, more than these, or shares that cannot be,
 *  CLH_ENUMERIC naming the activation that is not finite, CLH_STOPPED; errors of clh_forward(). */
CLH_API clh_status clh_fourier_run(clh_fourier *out, const clh_model *model, const clh_task *task,
                                   const clh_fourier_ask *ask, const clh_how *how, clh_error *err);

/** Share of the squared norm of `rows` [p, width], row x that of number x, that each frequency has:
 *
 *    energy[k] = c_k / p sum_j |sum_x rows[x][j] exp(-2 pi i k x / p)|^2 / sum_xj rows[x][j]^2
 *
 *  with c_k = 2, and 1 for k = 0 and k = p / 2: they add up to 1 (Parseval). `energy` [p / 2 + 1] is
 *  written; NaN where all are 0. CLH_ERANGE for p or width 0. */
CLH_API clh_status clh_fourier_energy(double *energy, const clh_real *rows, size_t p, size_t width,
                                      clh_error *err);

/** Free. NULL and all zero are fine. */
CLH_API void clh_fourier_deinit(clh_fourier *fourier);

CLH_END_DECLS

#endif
