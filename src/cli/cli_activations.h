/** What `clearhead cache` writes: listed, with its bytes, before anything is computed.
 *
 *    clh_cli_activations list = {.cache = cache, .tokens = tokens, .names = "q,k"};
 *    if (clh_cli_activations_list(&list, model, &err)) ...       // list.array [count], list.bytes
 *    clh_cli_activations_fill(&list, gradient, parameters);      // once they are computed
 *    if (clh_npz_write(path, list.array, list.count, ...)) ...
 *    clh_cli_activations_deinit(&list);
 */
#ifndef CLH_CLI_ACTIVATIONS_H
#define CLH_CLI_ACTIVATIONS_H

#include "clearhead/array.h"
#include "clearhead/model.h"
#include "cli/cli_slice.h"

typedef struct clh_cli_activations {
    const clh_model *model;
    const clh_cache *cache;          /**< of its config; borrowed, filled by the time of _fill() */
    clh_tokens tokens;               /**< those that are run */
    const char *names;               /**< hook names, patterns, short names; commas between */
    clh_cli_slice batch;             /**< which of what was given the tokens are; borrowed */
    clh_cli_slice positions;         /**< which are written; borrowed */
    const char *metric;              /**< name of what gradients are of; NULL: none are written */
    double value;                    /**< of the metric, set before it is written */
    clh_array *array;                /**< [count]: what is written, in order */
    size_t count, bytes;             /**< bytes of all numbers */
    size_t *activation, activations; /**< indices in the cache */
    int64_t *numbers;                /**< tokens, and the two lists, as numbers of a file */
    char (*grad_name)[96];
} clh_cli_activations;

/** List tokens, where the batch or positions are sliced these (`batch`, `positions`), the metric,
 *  activations, gradients of activations under "grad." and their name, and of all parameters. The
 *  logits are always among the activations. CLH_EINPUT for a name that there is not. */
clh_status clh_cli_activations_list(clh_cli_activations *list, clh_error *err);

/** Point the arrays at what was computed. */
void clh_cli_activations_fill(clh_cli_activations *list, const clh_cache *gradient,
                              clh_real *parameters);

/** Free what it holds. All zero is fine. */
void clh_cli_activations_deinit(clh_cli_activations *list);

#endif
