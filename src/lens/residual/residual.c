/* The residual stream as a sum. Behind layer L:
 *
 *    resid = embed (+ pos_embed) + sum_{l < L} (attn_out_l + mlp_out_l)
 *    attn_out_l = sum_h z_h W_O_h + b_O        mlp_out_l = sum_n post_n W_out_n + b_out
 *
 * TransformerLens: ActivationCache.py. */
#include "clearhead/residual.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "math/kernels/kernels.h"
#include "model/memory/tensors.h"

static const clh_row *row_of(const clh_component *component)
{
    assert(component->row < CLH_A_COUNT);
    return &clh_layout_acts.row[component->row];
}

const char *clh_component_label(const clh_component *component, char out[32])
{
    if (!out)
        return NULL;
    out[0] = '\0';
    if (!component || component->kind >= CLH_PART_KINDS || component->row >= CLH_A_COUNT)
        return out;
    const clh_row *row = row_of(component);
    const char *name = clh_row_short(row), *tail = strchr(name, '_'); /* "_pre" of resid_pre */
    switch (component->kind) {
    case CLH_PART_HEAD:
        (void)snprintf(out, 32, "L%zuH%zu", component->layer, component->index);
        break;
    case CLH_PART_NEURON:
        (void)snprintf(out, 32, "L%zuN%zu", component->layer, component->index);
        break;
    case CLH_PART_BIAS:
        (void)snprintf(out, 32, "%zu_%s", component->layer, clh_row_short(row->map->bias));
        break;
    case CLH_PART_REMAINDER:
        (void)snprintf(out, 32, "remainder");
        break;
    case CLH_PART_RESID:
        (void)snprintf(out, 32, "%zu%s", component->layer, tail);
        break;
    case CLH_PART_RESID_FINAL:
        (void)snprintf(out, 32, "final%s", tail ? tail : "");
        break;
    default: /* CLH_PART_TERM */
        if (row->scope == SCOPE_BLOCK)
            (void)snprintf(out, 32, "%zu_%s", component->layer, name);
        else
            (void)snprintf(out, 32, "%s", name);
    }
    return out;
}

/* ---- Which parts there are --------------------------------------------------------------------
 */

/* Components written down, or only counted where `out` is NULL. */
typedef struct list {
    clh_component *out;
    size_t count;
} list;

static void put(list *to, clh_component_kind kind, size_t row, size_t layer, size_t index)
{
    if (to->out)
        to->out[to->count] =
            (clh_component){.kind = kind, .layer = layer, .index = index, .row = row};
    to->count++;
}

/* A term, or its shares and its bias where it is to be split. */
static void put_term(list *to, const clh_model_config *c, unsigned split, size_t id, size_t layer)
{
    const clh_row *row = &clh_layout_acts.row[id];
    const bool heads = row->from && clh_row_heads(row->from, c) != SIZE_MAX;
    const unsigned apart = !row->from ? 0 : heads ? CLH_SPLIT_HEADS : CLH_SPLIT_NEURONS;
    if (!(split & apart)) {
        put(to, CLH_PART_TERM, id, layer, 0);
        return;
    }
    const clh_tensor shape = clh_row_shape(row->from, c, 1, 1);
    for (size_t i = 0; i < (heads ? c->n_heads : shape.shape[shape.rank - 1]); i++)
        put(to, heads ? CLH_PART_HEAD : CLH_PART_NEURON, id, layer, i);
    put(to, CLH_PART_BIAS, id, layer, 0);
}

static bool is_before(const clh_row_place *at, size_t layers)
{
    return at->row && (at->row->scope == SCOPE_BEFORE ||
                       (at->row->scope == SCOPE_BLOCK && at->layer < layers));
}

static void list_parts(list *to, const clh_model_config *c, unsigned split, size_t layers)
{
    for (clh_row_place at = clh_layout_first(&clh_layout_acts, c); is_before(&at, layers);
         at = clh_layout_next(&clh_layout_acts, c, at))
        if (clh_row_stream(at.row, c) == STREAM_TERM)
            put_term(to, c, split, at.id, at.layer);
    put(to, CLH_PART_REMAINDER, 0, layers, 0);
}

/* The first row of the stream in a block, and the last, which is the next layer's first. */
static size_t stream_row(bool last)
{
    size_t found = SIZE_MAX;
    for (size_t id = clh_layout_acts.block_begin; id < clh_layout_acts.block_end; id++)
        if (clh_layout_acts.row[id].stream == STREAM_SELF && (last || found == SIZE_MAX))
            found = id;
    return found;
}

static void list_streams(list *to, const clh_model_config *c, bool mid)
{
    const size_t first = stream_row(false), last = stream_row(true);
    for (clh_row_place at = clh_layout_first(&clh_layout_acts, c); is_before(&at, c->n_layers);
         at = clh_layout_next(&clh_layout_acts, c, at))
        if (at.row->stream == STREAM_SELF && at.id != last && (mid || at.id == first))
            put(to, CLH_PART_RESID, at.id, at.layer, 0);
    const clh_row_place end = clh_layout_stream_end(c);
    put(to, CLH_PART_RESID_FINAL, end.id, end.layer, 0);
}

/* ---- What each part is ------------------------------------------------------------------------
 */

/* Where the parts come from. */
typedef struct source {
    const clh_model *model;
    const clh_model_config *config;
    const clh_cache *cache;
    const clh_kernels *kernel;
} source;

static size_t part_size(const clh_resid_stack *stack)
{
    return stack->batch * stack->pos * stack->d_model;
}

/* Rows begin … of an activation [batch, pos, d_model]. */
static void copy_rows(const clh_resid_stack *stack, const clh_tensor *from, clh_real *out)
{
    assert(from->data && from->rank == 3 && from->shape[2] == stack->d_model);
    const size_t rows = stack->pos * stack->d_model;
    for (size_t b = 0; b < stack->batch; b++)
        memcpy(out + b * rows, from->data + (b * from->shape[1] + stack->begin) * stack->d_model,
               rows * sizeof *out);
}

/* The same vector in every row. */
static void repeat_row(const clh_resid_stack *stack, const clh_tensor *row, clh_real *out)
{
    assert(row->data && row->shape[0] == stack->d_model);
    for (size_t r = 0; r < stack->batch * stack->pos; r++)
        memcpy(out + r * stack->d_model, row->data, stack->d_model * sizeof *out);
}

static clh_tensor map_of(const source *from, const clh_component *part)
{
    return clh_model_param(from->model, clh_param_of(row_of(part)->map), part->layer);
}

static clh_tensor made_from(const source *from, const clh_component *part)
{
    return clh_cache_act(from->cache, clh_act_of(row_of(part)->from), part->layer);
}

/* z[b, i, h] W_O[h] */
static void head_rows(const clh_resid_stack *stack, const source *from, const clh_component *part,
                      clh_real *out)
{
    const clh_tensor z = made_from(from, part), W_O = map_of(from, part);
    const size_t d = from->config->d_head, width = from->config->n_heads * d, m = stack->d_model;
    assert(z.data && W_O.data);
    for (size_t b = 0; b < stack->batch; b++)
        clh_multiply(
            from->kernel, stack->pos, m, d, 1,
            clh_rows(z.data + (b * z.shape[1] + stack->begin) * width + part->index * d, width),
            clh_rows(W_O.data + part->index * d * m, m), out + b * stack->pos * m, m);
}

/* post[b, i, n] W_out[n] */
static void neuron_rows(const clh_resid_stack *stack, const source *from, const clh_component *part,
                        clh_real *out)
{
    const clh_tensor post = made_from(from, part), W_out = map_of(from, part);
    assert(post.data && W_out.data);
    for (size_t b = 0; b < stack->batch; b++)
        for (size_t i = 0; i < stack->pos; i++)
            for (size_t k = 0; k < stack->d_model; k++)
                *out++ = post.data[(b * post.shape[1] + stack->begin + i) * post.shape[2] +
                                   part->index] *
                         W_out.data[part->index * stack->d_model + k];
}

static void bias_rows(const clh_resid_stack *stack, const source *from, const clh_component *part,
                      clh_real *out)
{
    const clh_tensor bias =
        clh_model_param(from->model, clh_param_of(row_of(part)->map->bias), part->layer);
    repeat_row(stack, &bias, out);
}

static void activation_rows(const clh_resid_stack *stack, const source *from,
                            const clh_component *part, clh_real *out)
{
    const clh_tensor act = clh_cache_act(from->cache, (clh_act_id)part->row, part->layer);
    copy_rows(stack, &act, out);
}

/* The stream behind so many layers, less every part before `part`, in double. */
static void remainder_rows(const clh_resid_stack *stack, const source *from,
                           const clh_component *part, clh_real *out)
{
    const size_t size = part_size(stack), before = (size_t)(out - stack->data) / size;
    const clh_row_place end = clh_layout_stream_end(from->config);
    const clh_tensor resid =
        part->layer == from->config->n_layers
            ? clh_cache_act(from->cache, (clh_act_id)end.id, end.layer)
            : clh_cache_act(from->cache, (clh_act_id)stream_row(false), part->layer);
    copy_rows(stack, &resid, out);
    for (size_t i = 0; i < size; i++) {
        double rest = (double)out[i];
        for (size_t c = 0; c < before; c++)
            rest -= (double)stack->data[c * size + i];
        out[i] = (clh_real)rest;
    }
}

typedef void rows_fn(const clh_resid_stack *stack, const source *from, const clh_component *part,
                     clh_real *out);

static void fill_part(const clh_resid_stack *stack, const source *from, size_t index)
{
    static rows_fn *const rows[CLH_PART_KINDS] = {
        [CLH_PART_TERM] = activation_rows,       [CLH_PART_HEAD] = head_rows,
        [CLH_PART_NEURON] = neuron_rows,         [CLH_PART_BIAS] = bias_rows,
        [CLH_PART_REMAINDER] = remainder_rows,   [CLH_PART_RESID] = activation_rows,
        [CLH_PART_RESID_FINAL] = activation_rows};
    const clh_component *part = &stack->component[index];
    rows[part->kind](stack, from, part, stack->data + index * part_size(stack));
}

/* ---- Stacks -----------------------------------------------------------------------------------
 */

/* A stack without numbers, for `count` parts of positions [begin, end). */
static clh_status stack_make(clh_resid_stack *out, const source *from, size_t count, size_t begin,
                             size_t end, clh_error *err)
{
    const clh_tensor embed = clh_cache_act(from->cache, CLH_A_EMBED, 0);
    clh_status status = clh_cache_readable(from->cache, from->model, err);
    if (status)
        return status;
    if (begin >= end || end > embed.shape[1])
        return clh_fail(err, CLH_ERANGE,
                        "positions %zu to %zu of the stream, want them in [0, %zu)", begin, end,
                        embed.shape[1]);
    clh_resid_stack stack = {.count = count,
                             .batch = embed.shape[0],
                             .pos = end - begin,
                             .d_model = embed.shape[2],
                             .begin = begin};
    size_t bytes = 0;
    if (!clh_mul_ok(count, part_size(&stack) * sizeof *stack.data, &bytes))
        bytes = SIZE_MAX;
    status = clh_memory_check(bytes, "the parts of the residual stream", err);
    if (status)
        return status;
    stack.component = clh_alloc_zeroed(count, sizeof *stack.component, err);
    stack.data = clh_alloc_array(bytes, 1, err);
    *out = stack;
    if (stack.component && stack.data)
        return CLH_OK;
    clh_resid_stack_deinit(out);
    return CLH_ENOMEM;
}

static source source_of(const clh_model *model, const clh_cache *cache)
{
    return (source){model, clh_model_get_config(model), cache, clh_kernels_best()};
}

static const char a_pass[] = "a model, a cache, what is asked of them, and room for the stack";

clh_status clh_resid_decompose(clh_resid_stack *out, const clh_model *model, const clh_cache *cache,
                               const clh_resid_ask *ask, clh_error *err)
{
    CLH_REQUIRE(out && model && cache && ask, err, a_pass);
    const source from = source_of(model, cache);
    const size_t n_layers = from.config->n_layers, layers = ask->layers ? ask->layers : n_layers;
    if (layers > n_layers)
        return clh_fail(err, CLH_ERANGE, "the stream behind %zu layers, the model has %zu", layers,
                        n_layers);
    list parts = {0};
    list_parts(&parts, from.config, ask->split, layers);
    clh_status status = stack_make(out, &from, parts.count, ask->begin, ask->end, err);
    if (status)
        return status;
    parts = (list){.out = out->component};
    list_parts(&parts, from.config, ask->split, layers);
    for (size_t i = 0; i < out->count; i++)
        fill_part(out, &from, i);
    return CLH_OK;
}

clh_status clh_resid_accumulate(clh_resid_stack *out, const clh_model *model,
                                const clh_cache *cache, bool mid, size_t begin, size_t end,
                                clh_error *err)
{
    CLH_REQUIRE(out && model && cache, err, a_pass);
    const source from = source_of(model, cache);
    list streams = {0};
    list_streams(&streams, from.config, mid);
    clh_status status = stack_make(out, &from, streams.count, begin, end, err);
    if (status)
        return status;
    streams = (list){.out = out->component};
    list_streams(&streams, from.config, mid);
    for (size_t i = 0; i < out->count; i++)
        fill_part(out, &from, i);
    return CLH_OK;
}

void clh_resid_stack_deinit(clh_resid_stack *stack)
{
    if (!stack)
        return;
    clh_free(stack->component);
    clh_free(stack->data);
    *stack = (clh_resid_stack){0};
}
