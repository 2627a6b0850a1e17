/** A backend: one way through a step of training, and through the losses of an evaluation. Each is
 *  a constant table of functions; whoever trains, evaluates or measures time holds one and does not
 *  know which.
 *
 *    const clh_backend *backend = clh_backend_pick(&config, &use, NULL);   // train/stepper.h
 *    void *state = NULL;
 *    if (backend->open(&state, model, &use, pool, err)) ...
 *    if (backend->gradient(state, &batch, gradient, &sum, err)) ...
 *    backend->close(state);
 *
 *  What all of them keep:
 *
 *    1. A batch is cut into clh_gradient_slots() slots, sequence b into slot b modulo their number.
 *       A slot adds up its sequences in order, slots are added up in an order that is the backend's. Which thread works on a
 *       slot changes nothing: a step's bytes depend on its batch alone.
 *    2. A sequence's losses depend on that sequence and the parameters alone.
 *    3. Parameters are read anew in every call: the optimizer writes to them between.
 *    4. Memory is taken when it is opened; later at most activations grow to the longest sequence
 *       that was announced.
 *
 *  Two backends agree to rounding; each gives the same bits again (tests/property/test_fused.c).
 */
#ifndef CLH_BACKEND_H
#define CLH_BACKEND_H

#include "base/platform/pool.h"
#include "clearhead/model.h"
#include "clearhead/task.h"

/** Slots of the largest batch; a smaller one has as many as it has sequences. */
enum { CLH_GRADIENT_SLOTS = 8 };

/** How many slots a batch of `batch` sequences is cut into. */
static inline size_t clh_gradient_slots(size_t batch)
{
    return batch < CLH_GRADIENT_SLOTS ? batch : CLH_GRADIENT_SLOTS;
}

/** What a backend is asked to do: facts of the task, and how much at once. */
typedef struct clh_backend_use {
    size_t length;  /**< tokens of the longest sequence */
    size_t d_vocab; /**< token ids of the task: every token is below */
    size_t batch;   /**< sequences of the largest batch; 0: no gradient, losses only */
} clh_backend_use;

/** Sequences computed together, borrowed; at least one. */
typedef struct clh_batch {
    const clh_sequence *sequence; /**< [count]; first_scored of each at least 1 */
    size_t count;
    double
        weight; /**< of each scored prediction's loss in the gradient: 1 / (how many there are) */
} clh_batch;

typedef struct clh_backend {
    const char *name; /**< a word for people and for JSON */

    /** Whether it computes models of `config` on sequences like these. */
    bool (*fits)(const clh_model_config *config, const clh_backend_use *use);

    /** Bytes it takes with a pool of `threads`, from open to close; SIZE_MAX when they cannot be
     *  counted. */
    size_t (*bytes)(const clh_model_config *config, const clh_backend_use *use, size_t threads);

    /** Make the state; it fits. Model and pool (NULL: this thread alone) are borrowed until close.
     *  CLH_ENOMEM; nothing is left behind. */
    clh_status (*open)(void **state, const clh_model *model, const clh_backend_use *use,
                       clh_pool *pool, clh_error *err);

    /** The gradient of the batch's mean loss into `gradient`, laid out as clh_model_data():
     *  overwritten, but for the zeros between tensors. *sum gets loss (a sum, nats) and accuracy
     *  over its scored predictions. Errors of clh_forward() and clh_loss(), of the first slot in
     *  order that has one; `gradient` is then unspecified. */
    clh_status (*gradient)(void *state, const clh_batch *batch, clh_real *gradient,
                           clh_loss_sum *sum, clh_error *err);

    /** The part of gradient() that goes forward, over the same blocks, for whoever times it: *sum gets
     *  the same, to rounding. Errors as gradient(). */
    clh_status (*forward)(void *state, const clh_batch *batch, clh_loss_sum *sum, clh_error *err);

    /** Loss and accuracy of each sequence b into sum[b]; the weight is not looked at. Row b of
     *  per_position [count, positions], positions >= length of each, gets -log p, nats, of each
     *  scored token at its own index, NaN elsewhere. A loss made of numbers that are not finite is
     *  not finite. Errors as gradient(), of the first sequence in order. */
    clh_status (*losses)(void *state, const clh_batch *batch, clh_loss_sum *sum,
                         double *per_position, size_t positions, clh_error *err);

    /** Free. NULL is fine. */
    void (*close)(void *state);
} clh_backend;

/** Any model: forward, loss and backward of src/model, a block of rows at a time (general.c). */
extern const clh_backend clh_general_backend;

#endif
