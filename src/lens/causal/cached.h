/** Activations of a forward pass, and gradients of a scalar with respect to them and to every
 *  parameter, as arrays: listed with their bytes first, computed when they are wanted.
 *
 *    clh_cached *cached = NULL;
 *    const clh_cached_ask ask = {.names = "q,pattern", .positions = "0:5,-1"};
 *    if (clh_cached_plan(&cached, model, vocab, &batch, &ask, &err)) ...    // batch is taken over
 *    if (clh_cached_edit(cached, task, &list, &setting, &err)) ...         // perhaps: with edits
 *    ... cached->item[i].array.name, cached->bytes, cached->memory
 *    if (clh_cached_compute(cached, &err)) ...                             // item[i].array.data
 *    clh_cached_close(cached);
 *
 *  The model is borrowed until it is computed. The caller owns the plan, and all arrays belong to it.
 */
#ifndef CLH_CACHED_H
#define CLH_CACHED_H

#include "clearhead/array.h"
#include "clearhead/box.h"
#include "clearhead/edit.h"
#include "clearhead/metric.h"
#include "edit/edited.h"
#include "measure/sequences/batch.h"
#include "result/build.h"

typedef struct clh_cached_ask {
    const char *names;     /**< hook names, patterns, short names; commas between */
    const char *rows;      /**< which sequences of the batch are run: slices; "": all */
    const char *positions; /**< which positions are kept: slices; "": all */
    const char *metric;    /**< clh_metric_parse() or clh_box_parse(); NULL: no gradients */
    size_t first_scored;   /**< where a loss begins; SIZE_MAX: the batch's */
} clh_cached_ask;

/** An array, and what stands along it. */
typedef struct clh_cached_item {
    struct clh_cached *of;
    clh_array array;
    clh_axis axis[CLH_RANK_MAX]; /**< "batch", "query_pos": names of constants */
    bool ready;                  /**< its numbers are there before anything is computed */
} clh_cached_item;

typedef struct clh_cached {
    const clh_model *model; /**< with edits of weights the one that has them */
    clh_edits *edits;       /**< of the run that is kept; NULL: it is as it is */
    clh_sample sample;      /**< the sequences that are edited */
    clh_batch batch;        /**< the sequences that are run */
    clh_slices rows, positions;
    bool grads, boxed, computed; /**< boxed: the scalar is `box`, else `metric` */
    clh_box box;
    clh_metric metric;
    double value;          /**< of the scalar, once it is computed */
    clh_cached_item *item; /**< [count], in the order of a file */
    size_t count;
    size_t bytes, memory; /**< of all arrays; of the passes that make them */
    clh_cache *cache, *gradient;
    clh_real *parameters; /**< their gradients, as clh_model_data() */
    size_t *activation, activations;
    int64_t *numbers; /**< tokens, and the two lists, as numbers of a file */
    char (*grad_name)[96];
} clh_cached;

/** List, in this order: tokens; where rows or positions are sliced these (`batch`, `positions`); the
 *  scalar under its name ("loss", "logit_diff", "sum" of a box); activations, the logits always among
 *  them; gradients of activations under "grad." and their name, and of all parameters. `batch` is
 *  zero after, also on failure. CLH_EINPUT for a name that there is not, CLH_EUSAGE for slices or a
 *  metric that cannot be, CLH_ERANGE for a first_scored outside the sequences, CLH_ENOMEM when this
 *  machine has less memory than it takes. */
clh_status clh_cached_plan(clh_cached **out, const clh_model *model, const clh_vocab *vocab,
                           clh_batch *batch, const clh_cached_ask *ask, clh_error *err);

/** Let it be the run with the edits of `list` ("blocks.0.attn.hook_z" is then what was written there).
 *  Of `how` everything but model and sample is taken: means and what is drawn come from its reference,
 *  else from the sequences that are run. List and reference are borrowed until it is computed; `task`
 *  (may be NULL) says which tokens are letters. Errors of clh_edits_open(). */
clh_status clh_cached_edit(clh_cached *cached, const clh_task *task, const clh_edit_list *list,
                           const clh_edits_setting *how, clh_error *err);

/** The same of a list that a file has, with what means are taken over; `run` lives as long. */
clh_status clh_cached_edit_run(clh_cached *cached, const clh_task *task, const clh_edited_run *run,
                               const clh_how *how, clh_error *err);

/** CLH_ERANGE where memory or file would be larger than `limit` says, "2G"; "": any are fine. */
clh_status clh_cached_limit(const clh_cached *cached, const char *limit, clh_error *err);

/** Of clh_cached_compute(): over the plain pass in its cache the edited one. */
clh_status clh_cached_run_edited(clh_cached *cached, clh_error *err);

/** The same as a clh_fill: `item` is a clh_cached_item, whose numbers the array gets. */
clh_status clh_cached_array(clh_array *array, void *item, clh_error *err);

/** Compute everything, unless it has been. CLH_ENUMERIC names the first activation or gradient that
 *  is not finite. */
clh_status clh_cached_compute(clh_cached *cached, clh_error *err);

/** Free. NULL is fine. */
void clh_cached_close(clh_cached *cached);

/** Its scalar's name in files: "loss", "logit_diff", "sum". */
const char *clh_cached_scalar(const clh_cached *cached);

#endif
