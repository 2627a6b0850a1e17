#include "lens/causal/cached_list.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "lens/causal/patch_sites.h"
#include "model/memory/tensors.h"

/* ---- Which -------------------------------------------------------------------------------------
 */

/* The logits are the last activation: chosen, or not yet. */
static void add_logits(clh_cached *c)
{
    const size_t last = clh_cache_count(c->cache) - 1;
    if (c->activations == 0 || c->activation[c->activations - 1] != last)
        c->activation[c->activations++] = last;
}

static clh_cached_item *add(clh_cached *c, clh_array array)
{
    clh_cached_item *item = &c->item[c->count++];
    *item = (clh_cached_item){.of = c, .array = array, .ready = array.data != NULL};
    return item;
}

static void name_axes(clh_cached_item *item, const clh_row *row, const clh_model_config *config)
{
    for (size_t d = 0; d < item->array.rank; d++)
        item->axis[d].name = clh_dim_name(clh_row_dim(row, config, d));
}

/* An activation, or its gradient under `name`, as far as it is wanted. */
static void add_activation(clh_cached *c, size_t index, const char *name)
{
    const clh_tokens *t = &c->batch.tokens;
    clh_tensor shape = clh_cache_describe(c->cache, index, t->batch, t->pos);
    if (name)
        shape.name = name;
    clh_cached_item *item = add(c, clh_array_of(&shape));
    item->array.dtype = CLH_F32;
    name_axes(item, clh_cache_place(c->cache, index).row, clh_model_get_config(c->model));
    if (c->positions.index)
        clh_array_select(&item->array, clh_cache_position_dim(c->cache, index), c->positions.index,
                         c->positions.count);
}

/* The sequences, and which of those given they and the positions are. */
static void add_questions(clh_cached *c)
{
    const clh_tokens *t = &c->batch.tokens;
    const size_t count = t->batch * t->pos;
    int64_t *at = c->numbers;
    const struct {
        const char *name;
        const clh_slices *slices;
    } lists[] = {{"batch", &c->rows}, {"positions", &c->positions}};
    for (size_t i = 0; i < count; i++)
        at[i] = (int64_t)t->ids[i];
    clh_cached_item *tokens = add(c, clh_array_matrix("tokens", CLH_I64, at, t->batch, t->pos));
    tokens->axis[0].name = clh_dim_name(DIM_BATCH);
    tokens->axis[1].name = clh_dim_name(DIM_POS);
    at += count;
    for (size_t l = 0; l < CLH_COUNT(lists); l++) {
        const clh_slices *s = lists[l].slices;
        if (!s->index)
            continue;
        for (size_t i = 0; i < s->count; i++)
            at[i] = (int64_t)s->index[i];
        add(c, clh_array_vector(lists[l].name, CLH_I64, at, s->count))->axis[0].name = "index";
        at += s->count;
    }
}

static void add_gradients(clh_cached *c)
{
    const size_t parameters = clh_model_tensor_count(c->model);
    for (size_t i = 0; i < c->activations + parameters; i++) {
        char *name = c->grad_name[i];
        const bool activation = i < c->activations;
        const size_t p = activation ? 0 : i - c->activations;
        const clh_tensor parameter = clh_model_tensor(c->model, p);
        (void)snprintf(name, sizeof *c->grad_name, "grad.%s",
                       activation ? clh_cache_describe(c->cache, c->activation[i], 1, 1).name
                                  : parameter.name);
        if (activation) {
            add_activation(c, c->activation[i], name);
            continue;
        }
        clh_cached_item *item = add(c, clh_array_of(&parameter));
        item->array.name = name;
        item->array.data = NULL;
        item->array.dtype = CLH_F32;
        item->ready = false;
        name_axes(item, clh_model_place(c->model, p).row, clh_model_get_config(c->model));
    }
}

/* Room for whatever is asked. */
static clh_status make_room(clh_cached *c, clh_error *err)
{
    const clh_tokens *t = &c->batch.tokens;
    const size_t gradients = c->grads ? c->activations + clh_model_tensor_count(c->model) : 0;
    const size_t numbers = t->batch * t->pos + c->rows.count + c->positions.count;
    c->item = clh_alloc_zeroed(4 + c->activations + gradients, sizeof *c->item, err);
    c->grad_name = clh_alloc_array(gradients, sizeof *c->grad_name, err);
    c->numbers = clh_alloc_array(numbers, sizeof *c->numbers, err);
    return c->item && c->grad_name && c->numbers ? CLH_OK : CLH_ENOMEM;
}

static clh_status find_activations(clh_cached *c, const char *names, clh_error *err)
{
    size_t *found = NULL;
    clh_status status = clh_patch_sites_find(&found, &c->activations, c->cache, names, err);
    c->activation = status ? NULL : clh_alloc_array(c->activations + 1, sizeof *found, err);
    if (c->activation) {
        memcpy(c->activation, found, c->activations * sizeof *found);
        add_logits(c);
    }
    clh_free(found);
    return status || c->activation ? status : CLH_ENOMEM;
}

clh_status clh_cached_list(clh_cached *c, const char *names, clh_error *err)
{
    clh_status status = find_activations(c, names, err);
    if (!status)
        status = make_room(c, err);
    if (status)
        return status;
    add_questions(c);
    if (c->grads) {
        clh_cached_item *value = add(c, clh_array_vector(clh_cached_scalar(c), CLH_F64, NULL, 1));
        value->array.rank = 0;
    }
    for (size_t i = 0; i < c->activations; i++)
        add_activation(c, c->activation[i], NULL);
    if (c->grads)
        add_gradients(c);
    for (size_t i = 0; i < c->count; i++)
        c->bytes += clh_array_bytes(&c->item[i].array);
    return CLH_OK;
}

/* ---- What came out -----------------------------------------------------------------------------
 */

void clh_cached_fill(clh_cached *c)
{
    const size_t parameters = clh_model_tensor_count(c->model);
    const size_t gradients = c->grads ? c->activations + parameters : 0;
    clh_cached_item *at = c->item + c->count - gradients - c->activations;
    if (c->grads)
        at[-1].array.data = &c->value;
    for (size_t i = 0; i < c->activations; i++, at++)
        at->array.data = clh_cache_tensor(c->cache, c->activation[i]).data;
    for (size_t i = 0; i < c->activations && c->grads; i++, at++)
        at->array.data = clh_cache_tensor(c->gradient, c->activation[i]).data;
    for (size_t i = 0; c->grads && i < parameters; i++, at++)
        at->array.data = clh_model_tensor_in(c->model, i, c->parameters).data;
    assert(at == c->item + c->count);
}
