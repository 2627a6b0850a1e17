/* The residual stream as a sum. Behind layer L:
 *
 *    resid = embed + pos_embed + sum_{l < L} (attn_out_l + mlp_out_l)
 *    attn_out_l = sum_h z_h W_O_h + b_O        mlp_out_l = sum_n post_n W_out_n + b_out
 *
 * TransformerLens: ActivationCache.py. */
#include "clearhead/residual.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "math/kernels.h"
#include "measure/lens_view.h"

const char *clh_component_label(const clh_component *component, char out[32])
{
    static const char *const format[CLH_PART_KINDS] = {
        [CLH_PART_EMBED] = "embed",           [CLH_PART_POS_EMBED] = "pos_embed",
        [CLH_PART_ATTN_OUT] = "%zu_attn_out", [CLH_PART_MLP_OUT] = "%zu_mlp_out",
        [CLH_PART_HEAD] = "L%zuH%zu",         [CLH_PART_B_O] = "%zu_b_O",
        [CLH_PART_NEURON] = "L%zuN%zu",       [CLH_PART_B_OUT] = "%zu_b_out",
        [CLH_PART_REMAINDER] = "remainder",   [CLH_PART_RESID_PRE] = "%zu_pre",
        [CLH_PART_RESID_MID] = "%zu_mid",     [CLH_PART_RESID_FINAL] = "final_post",
    };
    assert(component->kind < CLH_PART_KINDS);
    (void)snprintf(out, 32, format[component->kind], component->layer, component->index);
    return out;
}

/* ---- Which parts there are --------------------------------------------------------------------
 */

/* Components written down, or only counted where `out` is NULL. */
typedef struct list {
    clh_component *out;
    size_t count;
} list;

static void put(list *to, clh_component_kind kind, size_t layer, size_t index)
{
    if (to->out)
        to->out[to->count] = (clh_component){kind, layer, index};
    to->count++;
}

static void put_each(list *to, clh_component_kind kind, size_t layer, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(to, kind, layer, i);
}

static void list_parts(list *to, const clh_model_config *c, unsigned split, size_t layers)
{
    put(to, CLH_PART_EMBED, 0, 0);
    put(to, CLH_PART_POS_EMBED, 0, 0);
    for (size_t l = 0; l < layers; l++) {
        if (split & CLH_SPLIT_HEADS)
            put_each(to, CLH_PART_HEAD, l, c->n_heads);
        put(to, split & CLH_SPLIT_HEADS ? CLH_PART_B_O : CLH_PART_ATTN_OUT, l, 0);
        if (c->attn_only)
            continue;
        if (split & CLH_SPLIT_NEURONS)
            put_each(to, CLH_PART_NEURON, l, c->d_mlp);
        put(to, split & CLH_SPLIT_NEURONS ? CLH_PART_B_OUT : CLH_PART_MLP_OUT, l, 0);
    }
    put(to, CLH_PART_REMAINDER, layers, 0);
}

static void list_streams(list *to, const clh_model_config *c, bool mid)
{
    for (size_t l = 0; l < c->n_layers; l++) {
        put(to, CLH_PART_RESID_PRE, l, 0);
        if (mid && !c->attn_only)
            put(to, CLH_PART_RESID_MID, l, 0);
    }
    put(to, CLH_PART_RESID_FINAL, c->n_layers - 1, 0);
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

/* z[b, i, h] W_O[h] */
static void head_rows(const clh_resid_stack *stack, const source *from, const clh_component *part,
                      clh_real *out)
{
    const clh_tensor z = clh_cache_in_block(from->cache, part->layer, "attn.hook_z");
    const clh_tensor W_O = clh_model_in_block(from->model, part->layer, "attn.W_O");
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
    const clh_tensor post = clh_cache_in_block(from->cache, part->layer, "mlp.hook_post");
    const clh_tensor W_out = clh_model_in_block(from->model, part->layer, "mlp.W_out");
    assert(post.data && W_out.data);
    for (size_t b = 0; b < stack->batch; b++)
        for (size_t i = 0; i < stack->pos; i++)
            for (size_t k = 0; k < stack->d_model; k++)
                *out++ = post.data[(b * post.shape[1] + stack->begin + i) * post.shape[2] +
                                   part->index] *
                         W_out.data[part->index * stack->d_model + k];
}

/* The stream behind so many layers, less every part before `part`, in double. */
static void remainder_rows(const clh_resid_stack *stack, const source *from,
                           const clh_component *part, clh_real *out)
{
    const size_t size = part_size(stack), before = (size_t)(out - stack->data) / size;
    const clh_tensor resid =
        part->layer < from->config->n_layers
            ? clh_cache_in_block(from->cache, part->layer, "hook_resid_pre")
            : clh_cache_in_block(from->cache, part->layer - 1, "hook_resid_post");
    copy_rows(stack, &resid, out);
    for (size_t i = 0; i < size; i++) {
        double rest = (double)out[i];
        for (size_t c = 0; c < before; c++)
            rest -= (double)stack->data[c * size + i];
        out[i] = (clh_real)rest;
    }
}

/* How a part is made: from an activation, from a bias, or by a function of its own. */
typedef struct recipe {
    const char *activation, *bias;
    void (*rows)(const clh_resid_stack *, const source *, const clh_component *, clh_real *);
} recipe;

static const recipe recipes[CLH_PART_KINDS] = {
    [CLH_PART_EMBED] = {.activation = "hook_embed"},
    [CLH_PART_POS_EMBED] = {.activation = "hook_pos_embed"},
    [CLH_PART_ATTN_OUT] = {.activation = "hook_attn_out"},
    [CLH_PART_MLP_OUT] = {.activation = "hook_mlp_out"},
    [CLH_PART_HEAD] = {.rows = head_rows},
    [CLH_PART_B_O] = {.bias = "attn.b_O"},
    [CLH_PART_NEURON] = {.rows = neuron_rows},
    [CLH_PART_B_OUT] = {.bias = "mlp.b_out"},
    [CLH_PART_REMAINDER] = {.rows = remainder_rows},
    [CLH_PART_RESID_PRE] = {.activation = "hook_resid_pre"},
    [CLH_PART_RESID_MID] = {.activation = "hook_resid_mid"},
    [CLH_PART_RESID_FINAL] = {.activation = "hook_resid_post"},
};

static void fill_part(const clh_resid_stack *stack, const source *from, size_t index)
{
    const clh_component *part = &stack->component[index];
    const recipe *how = &recipes[part->kind];
    clh_real *out = stack->data + index * part_size(stack);
    if (how->rows) {
        how->rows(stack, from, part, out);
    } else if (how->bias) {
        const clh_tensor bias = clh_model_in_block(from->model, part->layer, how->bias);
        repeat_row(stack, &bias, out);
    } else {
        const bool once = part->kind == CLH_PART_EMBED || part->kind == CLH_PART_POS_EMBED;
        const clh_tensor act = once ? clh_cache_view(from->cache, how->activation)
                                    : clh_cache_in_block(from->cache, part->layer, how->activation);
        copy_rows(stack, &act, out);
    }
}

/* ---- Stacks -----------------------------------------------------------------------------------
 */

/* A stack without numbers, for `count` parts of positions [begin, end). */
static clh_status stack_make(clh_resid_stack *out, const source *from, size_t count, size_t begin,
                             size_t end, clh_error *err)
{
    const clh_tensor embed = clh_cache_view(from->cache, "hook_embed");
    assert(embed.data && "a cache that keeps all, filled by a forward pass");
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
    clh_status status = clh_memory_check(bytes, "the parts of the residual stream", err);
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

clh_status clh_resid_decompose(clh_resid_stack *out, const clh_model *model, const clh_cache *cache,
                               const clh_resid_ask *ask, clh_error *err)
{
    assert(out && model && cache && ask);
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
    assert(out && model && cache);
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
    clh_free(stack->component);
    clh_free(stack->data);
    *stack = (clh_resid_stack){0};
}
