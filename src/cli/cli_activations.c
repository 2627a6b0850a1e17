#include "cli/cli_activations.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "lens/causal/patch_sites.h"

/* ---- Which -------------------------------------------------------------------------------------
 */

/* The logits are the last activation: chosen, or not yet. */
static void add_logits(clh_cli_activations *list)
{
    const size_t last = clh_cache_count(list->cache) - 1;
    if (list->activations == 0 || list->activation[list->activations - 1] != last)
        list->activation[list->activations++] = last;
}

static clh_array *add(clh_cli_activations *list, clh_array array)
{
    list->array[list->count] = array;
    return &list->array[list->count++];
}

/* An activation, or its gradient, as far as it is wanted. */
static void add_activation(clh_cli_activations *list, size_t index, const char *name)
{
    clh_tensor shape = clh_cache_describe(list->cache, index, list->tokens.batch, list->tokens.pos);
    if (name)
        shape.name = name;
    clh_array *array = add(list, clh_array_of(&shape));
    array->dtype = CLH_F32;
    if (list->positions.index)
        clh_array_select(array, clh_cache_position_dim(list->cache, index), list->positions.index,
                         list->positions.count);
}

/* Numbers of 8 bytes come first, so that every number is aligned to its size. */
static void add_questions(clh_cli_activations *list)
{
    const clh_tokens *t = &list->tokens;
    const size_t count = t->batch * t->pos;
    int64_t *at = list->numbers;
    const struct {
        const char *name;
        const clh_cli_slice *slice;
    } slices[] = {{"batch", &list->batch}, {"positions", &list->positions}};
    for (size_t i = 0; i < count; i++)
        at[i] = (int64_t)t->ids[i];
    clh_array *tokens = add(list, clh_array_vector("tokens", CLH_I64, at, count));
    tokens->rank = 2;
    tokens->shape[0] = tokens->extent[0] = t->batch;
    tokens->shape[1] = tokens->extent[1] = t->pos;
    at += count;
    for (size_t s = 0; s < CLH_COUNT(slices); s++) {
        const clh_cli_slice *slice = slices[s].slice;
        if (!slice->index)
            continue;
        for (size_t i = 0; i < slice->count; i++)
            at[i] = (int64_t)slice->index[i];
        (void)add(list, clh_array_vector(slices[s].name, CLH_I64, at, slice->count));
        at += slice->count;
    }
}

static void add_metric(clh_cli_activations *list)
{
    add(list, clh_array_vector(list->metric, CLH_F64, &list->value, 1))->rank = 0;
}

static void add_gradients(clh_cli_activations *list)
{
    const size_t parameters = clh_model_tensor_count(list->model);
    for (size_t i = 0; i < list->activations + parameters; i++) {
        char *name = list->grad_name[i];
        const bool activation = i < list->activations;
        const clh_tensor parameter =
            clh_model_tensor(list->model, activation ? 0 : i - list->activations);
        (void)snprintf(name, sizeof *list->grad_name, "grad.%s",
                       activation ? clh_cache_describe(list->cache, list->activation[i], 1, 1).name
                                  : parameter.name);
        if (activation) {
            add_activation(list, list->activation[i], name);
            continue;
        }
        clh_array *array = add(list, clh_array_of(&parameter));
        array->name = name;
        array->dtype = CLH_F32;
    }
}

/* Room for whatever is asked. */
static clh_status make_room(clh_cli_activations *list, clh_error *err)
{
    const clh_tokens *t = &list->tokens;
    const size_t gradients =
        list->metric ? list->activations + clh_model_tensor_count(list->model) : 0;
    const size_t numbers = t->batch * t->pos + list->batch.count + list->positions.count;
    list->array = clh_alloc_zeroed(4 + list->activations + gradients, sizeof *list->array, err);
    list->grad_name = clh_alloc_array(gradients, sizeof *list->grad_name, err);
    list->numbers = clh_alloc_array(numbers, sizeof *list->numbers, err);
    return list->array && list->grad_name && list->numbers ? CLH_OK : CLH_ENOMEM;
}

static clh_status find_activations(clh_cli_activations *list, clh_error *err)
{
    size_t *found = NULL;
    clh_status status =
        clh_patch_sites_find(&found, &list->activations, list->cache, list->names, err);
    list->activation =
        status ? NULL : clh_alloc_array(list->activations + 1, sizeof *list->activation, err);
    if (list->activation) {
        memcpy(list->activation, found, list->activations * sizeof *found);
        add_logits(list);
    }
    clh_free(found);
    return status || list->activation ? status : CLH_ENOMEM;
}

clh_status clh_cli_activations_list(clh_cli_activations *list, clh_error *err)
{
    assert(list && list->model && list->cache && list->names && list->tokens.batch > 0);
    clh_status status = find_activations(list, err);
    if (!status)
        status = make_room(list, err);
    if (status)
        return status;
    add_questions(list);
    if (list->metric)
        add_metric(list);
    for (size_t i = 0; i < list->activations; i++)
        add_activation(list, list->activation[i], NULL);
    if (list->metric)
        add_gradients(list);
    for (size_t i = 0; i < list->count; i++)
        list->bytes += clh_array_bytes(&list->array[i]);
    return CLH_OK;
}

/* ---- What came out -----------------------------------------------------------------------------
 */

void clh_cli_activations_fill(clh_cli_activations *list, const clh_cache *gradient,
                              clh_real *parameters)
{
    assert(list && !list->metric == !gradient);
    size_t gradients = gradient ? list->activations + clh_model_tensor_count(list->model) : 0;
    clh_array *at = list->array + list->count - gradients - list->activations;
    for (size_t i = 0; i < list->activations; i++, at++)
        at->data = clh_cache_tensor(list->cache, list->activation[i]).data;
    for (size_t i = 0; i < list->activations && gradient; i++, at++)
        at->data = clh_cache_tensor(gradient, list->activation[i]).data;
    for (size_t i = 0; gradient && i < clh_model_tensor_count(list->model); i++, at++)
        at->data = clh_model_tensor_in(list->model, i, parameters).data;
    assert(at == list->array + list->count);
}

void clh_cli_activations_deinit(clh_cli_activations *list)
{
    clh_free(list->grad_name);
    clh_free(list->numbers);
    clh_free(list->array);
    clh_free(list->activation);
    *list = (clh_cli_activations){0};
}
