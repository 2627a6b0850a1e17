/* The walk through the model, forwards and then backwards. Read it beside TransformerLens'
 * HookedTransformer.forward and TransformerBlock.forward. */
#include "model/whole/forward.h"

#include <assert.h>
#include <string.h>

#include "model/memory/tensors.h"
#include "model/parts/norms.h"
#include "model/parts/partial.h"
#include "model/parts/positions.h"

/* The inputs of attention that have a hook of their own, and the norm behind each. */
static const struct branch {
    clh_act_id input;
    clh_norm_place norm;
} split_branches[] = {{CLH_A_Q_INPUT, CLH_NORM_AT_Q},
                      {CLH_A_K_INPUT, CLH_NORM_AT_K},
                      {CLH_A_V_INPUT, CLH_NORM_AT_V}},
  heads_branch = {CLH_A_ATTN_IN, CLH_NORM_AT_HEADS};

static size_t row_end(const clh_pass *pass)
{
    return pass->row0 + pass->rows;
}

/* Whether the rows of the pass lie elsewhere in resid_pre than one by one: fewer are asked, or rows of it
 * are merged. */
static bool stream_is_apart(const clh_pass *pass, size_t layer)
{
    return clh_pass_is_narrow(pass) ||
           (pass->pack && clh_pass_merges(pass, CLH_A_RESID_PRE, layer));
}

/* to[r] += from[the row of resid_pre that row r is of] */
static void add_stream(const clh_pass *pass, size_t layer, const clh_real *from, clh_real *to)
{
    const size_t d = pass->config->d_model;
    const bool merged = clh_pass_merges(pass, CLH_A_RESID_PRE, layer);
    for (size_t r = 0; r < pass->rows; r++) {
        const size_t row = merged ? clh_pass_merged_row(pass, r) : pass->pack->asked_row[r];
        pass->kernel->axpy(d, 1, from + row * d, to + r * d);
    }
}

/* to = a + b, which may be the same memory as either. */
static void add_forward(clh_pass *pass, clh_act_id to, size_t layer, clh_act_id left,
                        clh_act_id right)
{
    const size_t d = pass->config->d_model;
    if (!clh_pass_due(pass, to, layer, left, right))
        return;
    const clh_real *a = clh_act(pass, left, layer), *b = clh_act(pass, right, layer);
    clh_real *out = clh_act(pass, to, layer);
    if (left == CLH_A_RESID_PRE && stream_is_apart(pass, layer)) {
        clh_pass_copy(out, b, pass->rows * d);
        add_stream(pass, layer, a, out);
        return;
    }
    for (size_t i = pass->row0 * d; i < row_end(pass) * d; i++)
        out[i] = a[i] + b[i];
    clh_pass_fire(pass, to, layer);
}

/* to = from, of the same layer or the one below */
static void copy_forward(clh_pass *pass, clh_act_id to, size_t layer, clh_act_id from,
                         size_t from_layer)
{
    const size_t d = pass->config->d_model;
    if (!clh_pass_due(pass, to, layer, from, from))
        return;
    const size_t at = pass->row0 * d;
    clh_pass_copy(clh_act(pass, to, layer) + at, clh_act(pass, from, from_layer) + at,
                  pass->rows * d);
    clh_pass_fire(pass, to, layer);
}

/* input[r, h] = resid_pre[r] for every head */
static void repeat_forward(clh_pass *pass, clh_act_id input, size_t layer)
{
    const size_t d = pass->config->d_model, heads = pass->config->n_heads;
    if (!clh_pass_due(pass, input, layer, CLH_A_RESID_PRE, CLH_A_RESID_PRE))
        return;
    const clh_real *resid = clh_act(pass, CLH_A_RESID_PRE, layer);
    clh_real *out = clh_act(pass, input, layer);
    for (size_t r = pass->row0; r < row_end(pass); r++)
        for (size_t h = 0; h < heads; h++)
            memcpy(out + (r * heads + h) * d, resid + r * d, d * sizeof *out);
    clh_pass_fire(pass, input, layer);
}

/* g_resid_pre[r] += sum_h g_input[r, h] */
static void repeat_backward(clh_pass *pass, clh_act_id input, size_t layer)
{
    const size_t d = pass->config->d_model, heads = pass->config->n_heads;
    const clh_real *g_input = clh_act_gradient(pass, input, layer);
    clh_real *g_resid = clh_act_gradient(pass, CLH_A_RESID_PRE, layer);
    clh_pass_fire(pass, input, layer);
    for (size_t r = 0; r < pass->rows; r++)
        for (size_t h = 0; h < heads; h++)
            pass->kernel->axpy(d, 1, g_input + (r * heads + h) * d, g_resid + r * d);
}

static void attention_inputs_forward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    if (c->use_attn_in)
        repeat_forward(pass, heads_branch.input, layer);
    for (size_t i = 0; c->use_split_qkv_input && i < CLH_COUNT(split_branches); i++)
        repeat_forward(pass, split_branches[i].input, layer);
    for (size_t i = 0; c->use_split_qkv_input && i < CLH_COUNT(split_branches); i++)
        clh_norms_forward(pass, split_branches[i].norm, layer);
    if (!c->use_split_qkv_input)
        clh_norms_forward(pass, c->use_attn_in ? CLH_NORM_AT_HEADS : CLH_NORM_AT_ATTN, layer);
    if (c->positional_embedding_type == CLH_POSITIONS_SHORTFORMER)
        clh_shortformer_forward(pass, layer);
}

static void block_forward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const clh_act_id sum = c->attn_only           ? CLH_A_RESID_POST
                           : c->parallel_attn_mlp ? CLH_A_RESID_SUM
                                                  : CLH_A_RESID_MID;
    attention_inputs_forward(pass, layer);
    clh_attention_forward(pass, layer);
    add_forward(pass, sum, layer, CLH_A_RESID_PRE, CLH_A_ATTN_OUT);
    if (c->attn_only)
        return;
    if (c->use_hook_mlp_in)
        copy_forward(pass, CLH_A_MLP_IN, layer, clh_layout_mlp_reads(c), layer);
    clh_norms_forward(pass, CLH_NORM_AT_MLP, layer);
    clh_mlp_forward(pass, layer);
    add_forward(pass, CLH_A_RESID_POST, layer, sum, CLH_A_MLP_OUT);
}

/* Up to `layer`; of the windows of a partial pass only the residual stream's goes with it. */
static void go_up(clh_pass *pass, size_t layer)
{
    copy_forward(pass, CLH_A_RESID_PRE, layer, CLH_A_RESID_POST, layer - 1);
    if (pass->partial)
        clh_partial_go_up(pass->partial);
}

void clh_pass_forward(clh_pass *pass, const clh_row_place *start)
{
    assert(pass && (!start || pass->partial));
    const size_t layers = pass->config->n_layers;
    const bool at_end = start && start->id >= clh_layout_acts.block_end;
    const size_t first = at_end ? layers : start ? start->layer : 0;
    if (!start || layers == 0 || (first == 0 && start->id <= CLH_A_RESID_PRE))
        clh_embed_forward(pass);
    for (size_t layer = first; layer < layers; layer++) {
        if (layer > 0)
            go_up(pass, layer);
        block_forward(pass, layer);
    }
    clh_norms_forward(pass, CLH_NORM_AT_FINAL, 0);
    clh_unembed_forward(pass);
}

/* ---- Backward: each line undoes the one above it in the forward walk ----------------------------
 */

static void copy_gradient(clh_pass *pass, clh_act_id to, size_t to_layer, clh_act_id from,
                          size_t from_layer)
{
    clh_pass_copy(clh_act_gradient(pass, to, to_layer), clh_act_gradient(pass, from, from_layer),
                  pass->rows * pass->config->d_model);
}

/* The residual stream's way around attention: of rows that were not asked nothing comes. */
static void stream_gradient(clh_pass *pass, size_t layer, clh_act_id after)
{
    if (!clh_pass_is_narrow(pass)) {
        copy_gradient(pass, CLH_A_RESID_PRE, layer, after, layer);
        return;
    }
    const size_t d = pass->config->d_model;
    clh_real *g = clh_act_gradient(pass, CLH_A_RESID_PRE, layer);
    memset(g, 0, pass->pack->rows * d * sizeof *g);
    clh_pass_scatter(pass, d, clh_act_gradient(pass, after, layer), g);
}

/* Attention's readers add to the gradient of a norm's output, so it starts at zero; without a norm
 * they add to the norm's input itself, which already holds what came along the residual stream. */
static void clear_norm_gradient(clh_pass *pass, clh_norm_place place, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t each = place <= CLH_NORM_AT_HEADS ? c->n_heads : 1;
    clh_real *g = clh_act_gradient(pass, clh_norms_output(c, place), layer);
    if (c->normalization_type != CLH_NORM_NONE)
        memset(g, 0, pass->rows * each * c->d_model * sizeof *g);
}

static void clear_input(clh_pass *pass, clh_act_id input, size_t layer)
{
    const clh_model_config *c = pass->config;
    clh_real *g = clh_act_gradient(pass, input, layer);
    memset(g, 0, pass->rows * c->n_heads * c->d_model * sizeof *g);
}

/* Both ways through attention's inputs: branches where heads have their own, else ln1. */
static void attention_backward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const struct branch *branch = c->use_split_qkv_input ? split_branches : &heads_branch;
    const size_t branches = c->use_split_qkv_input ? CLH_COUNT(split_branches) : c->use_attn_in;
    clh_pass_take(pass, CLH_A_RESID_PRE, layer);
    for (size_t i = 0; i < branches; i++) {
        clear_input(pass, branch[i].input, layer);
        clear_norm_gradient(pass, branch[i].norm, layer);
    }
    if (!branches)
        clear_norm_gradient(pass, CLH_NORM_AT_ATTN, layer);
    const bool is_short = c->positional_embedding_type == CLH_POSITIONS_SHORTFORMER;
    if (is_short)
        clh_shortformer_clear(pass, layer);
    clh_attention_backward(pass, layer);
    if (is_short && clh_pass_goes_on(pass))
        clh_shortformer_backward(pass, layer);
    for (size_t i = branches; i-- > 0;)
        clh_norms_backward(pass, branch[i].norm, layer);
    for (size_t i = branches; i-- > 0;)
        repeat_backward(pass, branch[i].input, layer);
    if (!branches)
        clh_norms_backward(pass, CLH_NORM_AT_ATTN, layer);
    if (c->use_attn_in && c->use_split_qkv_input) { /* only a hook reads hook_attn_in then */
        clear_input(pass, heads_branch.input, layer);
        repeat_backward(pass, heads_branch.input, layer);
    }
}

/* What the MLP adds, and what it reads: resid_mid, or resid_pre, which has the stream's already. */
static void mlp_backward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const clh_act_id reads = clh_layout_mlp_reads(c);
    copy_gradient(pass, CLH_A_MLP_OUT, layer, CLH_A_RESID_POST, layer);
    clh_pass_fire(pass, CLH_A_MLP_OUT, layer);
    copy_gradient(pass, reads, layer, CLH_A_RESID_POST, layer);
    if (c->use_hook_mlp_in) {
        clh_real *g = clh_act_gradient(pass, CLH_A_MLP_IN, layer);
        memset(g, 0, pass->rows * c->d_model * sizeof *g);
    }
    clh_mlp_backward(pass, layer);
    clh_norms_backward(pass, CLH_NORM_AT_MLP, layer);
    if (c->use_hook_mlp_in) {
        clh_pass_fire(pass, CLH_A_MLP_IN, layer);
        pass->kernel->axpy(pass->rows * c->d_model, 1, clh_act_gradient(pass, CLH_A_MLP_IN, layer),
                           clh_act_gradient(pass, reads, layer));
    }
}

static void block_backward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    clh_pass_take(pass, CLH_A_RESID_POST, layer);
    clh_pass_fire(pass, CLH_A_RESID_POST, layer);
    clh_act_id after = CLH_A_RESID_POST;
    if (c->parallel_attn_mlp) {
        after = CLH_A_RESID_SUM;
        copy_gradient(pass, after, layer, CLH_A_RESID_POST, layer);
        mlp_backward(pass, layer);
    } else if (!c->attn_only) {
        after = CLH_A_RESID_MID;
        mlp_backward(pass, layer);
        clh_pass_fire(pass, after, layer);
    }
    copy_gradient(pass, CLH_A_ATTN_OUT, layer, after, layer);
    clh_pass_fire(pass, CLH_A_ATTN_OUT, layer);
    if (!c->parallel_attn_mlp)
        stream_gradient(pass, layer, after);
    attention_backward(pass, layer);
    clh_pass_take(pass, CLH_A_RESID_PRE, layer);
    clh_pass_fire(pass, CLH_A_RESID_PRE, layer);
    if (layer > 0)
        copy_gradient(pass, CLH_A_RESID_POST, layer - 1, CLH_A_RESID_PRE, layer);
}

void clh_pass_backward(clh_pass *pass)
{
    clh_pass_take(pass, CLH_A_LOGITS, 0);
    if (pass->fresh)
        clh_pass_clear_parameters(pass);
    const clh_model_config *c = pass->config;
    const clh_row_place end = clh_layout_stream_end(c);
    clh_real *g = clh_act_gradient(pass, (clh_act_id)end.id, end.layer);
    memset(g, 0, pass->rows * c->d_model * sizeof *g);
    if (c->positional_embedding_type == CLH_POSITIONS_SHORTFORMER)
        memset(clh_act_gradient(pass, CLH_A_POS_EMBED, 0), 0,
               (pass->pack ? pass->pack->rows : pass->rows) * c->d_model * sizeof(clh_real));
    clh_unembed_backward(pass);
    clh_norms_backward(pass, CLH_NORM_AT_FINAL, 0);
    for (size_t layer = c->n_layers; layer-- > 0;)
        block_backward(pass, layer);
    clh_embed_backward(pass);
}

/* ---- The public passes
 * --------------------------------------------------------------------------- */

static const char a_pass[] = "a model, tokens and a cache";

static const char keeps_less[] = "the cache keeps what backward needs, want one that keeps all";

/* Hooks see activations only where each has memory of its own. */
static clh_status check_hooks(const clh_hooks *hooks, const clh_cache *cache, clh_error *err)
{
    if (!hooks || hooks->count == 0)
        return CLH_OK;
    if (cache->keep != CLH_KEEP_ALL)
        return clh_fail(err, CLH_EINPUT, "%s", keeps_less);
    if (!hooks->items)
        return clh_fail(err, CLH_EUSAGE, "%zu hooks are NULL", hooks->count);
    for (size_t i = 0; i < hooks->count; i++)
        if (!hooks->items[i].names || !hooks->items[i].fn)
            return clh_fail(err, CLH_EUSAGE, "hook %zu has no %s", i,
                            hooks->items[i].names ? "function" : "names");
    return CLH_OK;
}

clh_status clh_forward(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                       const clh_hooks *hooks, clh_error *err)
{
    CLH_REQUIRE(model && tokens && cache, err, a_pass);
    clh_status status = check_hooks(hooks, cache, err);
    if (!status)
        status = clh_pass_check_tokens(model, tokens, cache, err);
    if (!status)
        status = clh_cache_reserve_watched(cache, tokens->batch, tokens->pos,
                                           hooks ? hooks->watch : NULL, err);
    if (status)
        return status;
    clh_pass pass = clh_pass_make(model, tokens, cache, 0, hooks, err);
    clh_pass_forward(&pass, NULL);
    cache->filled = pass.status ? 0 : tokens->pos;
    cache->plain = !pass.hooks;
    return pass.status;
}

clh_status clh_forward_check(const clh_model *model, const clh_tokens *tokens, clh_error *err)
{
    CLH_REQUIRE(model && tokens, err, "a model and tokens");
    clh_cache *cache = NULL;
    clh_status status = clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(model, tokens, cache, NULL, err);
    if (!status)
        status = clh_cache_check(cache, err);
    clh_cache_close(cache);
    return status;
}

clh_status clh_forward_until(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                             size_t activation, clh_error *err)
{
    CLH_REQUIRE(model && tokens && cache, err, a_pass);
    if (cache->keep != CLH_KEEP_ALL)
        return clh_fail(err, CLH_EINPUT, "%s", keeps_less);
    if (activation >= cache->values.tensors)
        return clh_fail(err, CLH_ERANGE, "activation %zu, the model has %zu", activation,
                        cache->values.tensors);
    clh_status status = clh_pass_check_tokens(model, tokens, cache, err);
    if (!status)
        status = clh_cache_reserve(cache, tokens->batch, tokens->pos, err);
    if (status)
        return status;
    clh_pass pass = clh_pass_make(model, tokens, cache, 0, NULL, err);
    pass.last = &cache->values.place[activation];
    clh_pass_forward(&pass, NULL);
    cache->filled = 0;
    return CLH_OK;
}

clh_status clh_forward_more(const clh_model *model, const clh_tokens *tokens, size_t from,
                            clh_cache *cache, clh_error *err)
{
    CLH_REQUIRE(model && tokens && cache, err, a_pass);
    clh_status status = clh_pass_check_tokens(model, tokens, cache, err);
    if (status)
        return status;
    if (tokens->batch != 1 || cache->values.batch != 1 || tokens->pos > cache->values.pos)
        return clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], the cache has room for [%zu, %zu]",
                        tokens->batch, tokens->pos, cache->values.batch, cache->values.pos);
    if (clh_cache_written(cache))
        return clh_fail(err, CLH_EINPUT, "writes stand in the cache, want the plain pass");
    if (from > 0 && model->config.attention_dir == CLH_ATTENTION_BIDIRECTIONAL)
        return clh_fail(err, CLH_ESUPPORT,
                        "attention_dir is bidirectional: more tokens change what came before, want "
                        "a whole pass, from position 0");
    if (from > cache->filled || from >= tokens->pos)
        return clh_fail(err, CLH_ERANGE, "cannot go on at position %zu of %zu: %zu are computed",
                        from, tokens->pos, cache->filled);
    clh_pass pass = clh_pass_make(model, tokens, cache, from, NULL, err);
    clh_pass_forward(&pass, NULL);
    cache->filled = tokens->pos;
    return pass.status;
}

void clh_forward_behind_z(const clh_model *model, const clh_tokens *tokens, clh_cache *cache)
{
    assert(model->config.n_layers == 1 && model->config.attn_only && tokens->pos > 0);
    clh_pass pass = clh_pass_make(model, tokens, cache, tokens->pos - 1, NULL, NULL);
    clh_attention_output(&pass, 0);
    add_forward(&pass, CLH_A_RESID_POST, 0, CLH_A_RESID_PRE, CLH_A_ATTN_OUT);
    clh_norms_forward(&pass, CLH_NORM_AT_FINAL, 0);
    clh_unembed_forward(&pass);
}

/* Whether gradients can be taken of what the cache holds. */
static clh_status check_back(const clh_model *model, const clh_tokens *tokens,
                             const clh_cache *cache, const clh_cache *gradient, clh_error *err)
{
    if (!tokens->ids)
        return clh_fail(err, CLH_EUSAGE, "tokens have no ids");
    clh_status status = clh_cache_holds(cache, model, tokens, err);
    if (!status)
        status = clh_cache_of(gradient, model, err);
    if (!status && cache->keep != gradient->keep)
        status = clh_fail(err, CLH_EINPUT, "the cache keeps %s, its gradient %s, want the same",
                          cache->keep == CLH_KEEP_ALL ? "all" : "what backward needs",
                          gradient->keep == CLH_KEEP_ALL ? "all" : "what backward needs");
    const clh_blob *room = &gradient->values;
    if (!status && (room->batch != tokens->batch || room->pos != tokens->pos))
        status = clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], the gradient has [%zu, %zu]",
                          tokens->batch, tokens->pos, room->batch, room->pos);
    return status;
}

/* What both ways to ask for gradients begin with. */
static clh_pass pass_back(const clh_model *model, const clh_tokens *tokens, const clh_cache *cache,
                          clh_cache *gradient, clh_real *parameters, const clh_hooks *hooks,
                          clh_error *err)
{
    clh_cache *readable = (clh_cache *)cache; /* only its scratch is written */
    clh_pass pass = clh_pass_make(model, tokens, readable, 0, hooks, err);
    pass.gradient = gradient;
    pass.parameters = parameters;
    return pass;
}

clh_status clh_backward(const clh_model *model, const clh_tokens *tokens, const clh_cache *cache,
                        clh_cache *gradient, clh_real *parameters, const clh_hooks *hooks,
                        clh_error *err)
{
    CLH_REQUIRE(model && tokens && cache && gradient, err,
                "a model, tokens, a cache and a gradient");
    clh_status status = check_back(model, tokens, cache, gradient, err);
    if (!status)
        status = check_hooks(hooks, gradient, err);
    if (status)
        return status;
    clh_pass pass = pass_back(model, tokens, cache, gradient, parameters, hooks, err);
    clh_pass_backward(&pass);
    return pass.status;
}

void clh_backward_first(const clh_model *model, const clh_tokens *tokens, const clh_cache *cache,
                        clh_cache *gradient, clh_real *parameters)
{
    if (!model || !tokens || !cache || !gradient || !parameters ||
        check_back(model, tokens, cache, gradient, NULL))
        return;
    clh_pass pass = pass_back(model, tokens, cache, gradient, parameters, NULL, NULL);
    pass.fresh = true;
    clh_pass_backward(&pass);
}
