#include "model/parts/pass.h"

#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/stop.h"
#include "model/memory/tensors.h"
#include "model/parts/partial.h"

clh_pass clh_pass_make(const clh_model *model, const clh_tokens *tokens, clh_cache *cache,
                       size_t from, const clh_hooks *hooks, clh_error *err)
{
    return (clh_pass){.model = model,
                      .config = &model->config,
                      .kernel = clh_kernels_best(),
                      .tokens = tokens,
                      .cache = cache,
                      .hooks = hooks && hooks->count ? hooks : NULL,
                      .watch = hooks ? hooks->watch : NULL,
                      .err = err,
                      .at = {from, tokens->pos},
                      .row0 = from,
                      .rows = tokens->batch * tokens->pos - from};
}

clh_status clh_pass_check_tokens(const clh_model *model, const clh_tokens *tokens,
                                 const clh_cache *cache, clh_error *err)
{
    const clh_model_config *c = &model->config;
    if (!tokens->ids)
        return clh_fail(err, CLH_EUSAGE, "tokens have no ids");
    if (tokens->batch == 0 || tokens->pos == 0)
        return clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], want at least [1, 1]",
                        tokens->batch, tokens->pos);
    if (tokens->pos > c->n_ctx)
        return clh_fail(err, CLH_ESHAPE,
                        "a sequence of %zu tokens, the model takes at most %zu (n_ctx)",
                        tokens->pos, c->n_ctx);
    for (size_t b = 0; b < tokens->batch; b++)
        for (size_t i = 0; i < tokens->pos; i++)
            if (tokens->ids[b * tokens->pos + i] >= c->d_vocab)
                return clh_fail(
                    err, CLH_EINPUT,
                    "token %u at sequence %zu, position %zu; the vocabulary has %zu (d_vocab)",
                    tokens->ids[b * tokens->pos + i], b, i, c->d_vocab);
    return clh_cache_of(cache, model, err);
}

static bool in_block(size_t id)
{
    return clh_layout_acts.row[id].scope == SCOPE_BLOCK;
}

/* Whether (out, layer) comes behind the last activation that is asked for. */
static bool is_past(const clh_pass *pass, clh_act_id out, size_t layer)
{
    const clh_row_place *last = pass->last;
    if (last && in_block(out) && in_block(last->id) && layer != last->layer)
        return layer > last->layer;
    return last && out > last->id;
}

bool clh_pass_narrows(const clh_pass *pass, clh_act_id id, size_t layer)
{
    if (!pass->pack->narrows || id == CLH_A_K || id == CLH_A_V || id == CLH_A_ROT_K)
        return false;
    return in_block(id) ? layer + 1 == pass->config->n_layers && id >= CLH_A_Q
                        : (size_t)id >= clh_layout_acts.block_end;
}

bool clh_pass_merges(const clh_pass *pass, clh_act_id id, size_t layer)
{
    return pass->pack->merged > 0 && layer == 0 && id < CLH_A_Q;
}

void clh_pass_take(clh_pass *pass, clh_act_id id, size_t layer)
{
    const clh_pack *pack = pass->pack;
    if (!pack)
        return;
    pass->narrow = clh_pass_narrows(pass, id, layer);
    pass->merged = clh_pass_merges(pass, id, layer);
    pass->rows = pass->merged ? pack->merged : pass->narrow ? pack->asked : pack->rows;
}

size_t clh_pass_merged_row(const clh_pass *pass, size_t r)
{
    assert(pass->pack->merged > 0 && !pass->merged);
    return pass->pack->merged_row[pass->narrow ? pass->pack->asked_row[r] : r];
}

size_t clh_pass_position(const clh_pass *pass, size_t r)
{
    if (!pass->pack)
        return r % pass->tokens->pos;
    if (pass->merged)
        return pass->pack->merged_position[r];
    return pass->pack->position[pass->narrow ? pass->pack->asked_row[r] : r];
}

bool clh_pass_is_narrow(const clh_pass *pass)
{
    return pass->narrow && pass->pack->asked < pass->pack->rows;
}

void clh_pass_gather(const clh_pass *pass, size_t width, const clh_real *from, clh_real *to)
{
    assert(pass && pass->narrow);
    for (size_t r = 0; r < pass->rows; r++)
        memcpy(to + r * width, from + pass->pack->asked_row[r] * width, width * sizeof *to);
}

void clh_pass_scatter(const clh_pass *pass, size_t width, const clh_real *from, clh_real *to)
{
    assert(pass && pass->narrow);
    for (size_t r = 0; r < pass->rows; r++)
        pass->kernel->axpy(width, 1, from + r * width, to + pass->pack->asked_row[r] * width);
}

bool clh_pass_due(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id a, clh_act_id b)
{
    assert(pass && out < CLH_A_COUNT && a < CLH_A_COUNT && b < CLH_A_COUNT);
    if (!clh_pass_goes_on(pass))
        return false;
    clh_pass_take(pass, out, layer);
    if (!pass->partial)
        return !is_past(pass, out, layer);
    return clh_partial_reached(pass->partial, out, layer) &&
           clh_partial_due(pass, out, layer, a, b);
}

bool clh_pass_due_keys(clh_pass *pass, clh_act_id out, size_t layer, clh_act_id own,
                       clh_act_id keys)
{
    assert(pass && out < CLH_A_COUNT && own < CLH_A_COUNT && keys < CLH_A_COUNT);
    if (!clh_pass_goes_on(pass))
        return false;
    if (!pass->partial)
        return !is_past(pass, out, layer);
    return clh_partial_reached(pass->partial, out, layer) &&
           clh_partial_due_keys(pass, out, layer, own, keys);
}

bool clh_pass_due_first(clh_pass *pass, clh_act_id out, size_t layer)
{
    assert(pass && out < CLH_A_COUNT);
    clh_pass_take(pass, out, layer);
    if (pass->partial)
        clh_partial_first(pass, out, layer);
    return !pass->partial && clh_pass_goes_on(pass) && !is_past(pass, out, layer);
}

char clh_pass_input(clh_act_id id)
{
    const clh_norm_row *q = &clh_norm_rows[CLH_NORM_AT_Q], *k = &clh_norm_rows[CLH_NORM_AT_K];
    return id == q->scale || id == q->normalized   ? 'q'
           : id == k->scale || id == k->normalized ? 'k'
                                                   : '\0';
}

bool clh_pass_goes_on(clh_pass *pass)
{
    if (pass->watch && !pass->status) {
        const size_t count = clh_cache_count(pass->cache);
        pass->status = clh_watch_check(pass->watch, pass->fired < count ? pass->fired : count,
                                       count, "activations", pass->err);
    }
    return !pass->status;
}

void clh_pass_fire(clh_pass *pass, clh_act_id id, size_t layer)
{
    assert(pass && id < CLH_A_COUNT);
    pass->fired++;
    if (pass->partial && clh_partial_is_next(pass->partial, id, layer))
        clh_partial_write(pass, id, layer);
    if (!pass->hooks || pass->status)
        return;
    const clh_blob *blob = pass->gradient ? &pass->gradient->values : &pass->cache->values;
    size_t i = clh_blob_index(blob, id, layer);
    if (i == SIZE_MAX)
        return;
    const clh_hook_point point = {.tensor = blob->tensor[i],
                                  .layer = layer,
                                  .input = clh_pass_input(id),
                                  .gradient = pass->gradient != NULL,
                                  .end = pass->tokens->pos};
    for (size_t h = 0; h < pass->hooks->count && !pass->status; h++) {
        const clh_hook *hook = &pass->hooks->items[h];
        if (fnmatch(hook->names, point.tensor.name, 0) == 0)
            pass->status = hook->fn(&point, hook->user, pass->err);
    }
}

void clh_pass_copy(clh_real *dst, const clh_real *src, size_t count)
{
    if (dst != src)
        memcpy(dst, src, count * sizeof *dst);
}

void clh_linear(const clh_pass *pass, const clh_real *x, size_t m, const clh_real *W,
                const clh_real *b, size_t n, clh_real *out)
{
    assert(pass && x && W && out && x != out);
    x += pass->row0 * m;
    out += pass->row0 * n;
    clh_gemm product = clh_product(pass->rows, n, m, 1, clh_rows(x, m), clh_rows(W, n), out, n);
    product.start = b;
    product.packed = clh_forward_weight(pass, W);
    pass->kernel->gemm(&product);
}

void clh_linear_backward(clh_pass *pass, const clh_real *x, size_t m, const clh_real *W, size_t n,
                         const clh_real *gy, clh_real *gx, clh_onto onto, clh_real *gW,
                         clh_real *gb)
{
    assert(pass->row0 == 0);
    if (gW)
        clh_weight_gradient(pass, m, n, clh_rows(x, m), clh_rows(gy, n), gW, (clh_times){0});
    if (gb)
        pass->kernel->add_rows(n, pass->rows, gy, n, gb);
    clh_gemm product =
        clh_product(pass->rows, m, n, 1, clh_rows(gy, n), clh_transposed(W, n), gx, m);
    product.packed = clh_back_weight(pass, W);
    if (onto == CLH_ADD)
        clh_product_adds(&product);
    pass->kernel->gemm(&product);
}

/* x^T [m, rows] in strips, once for all products of one x, as a product reads it many times; NULL where
 * the pass has no room for them. */
static const clh_real *turned_strips(clh_pass *pass, size_t m, const clh_real *x, size_t x_row)
{
    if (!pass->pack)
        return NULL;
    if (pass->turned_x != x)
        clh_strip(m, pass->rows, x, x_row, pass->gradient->rows_turned);
    pass->turned_x = x;
    return pass->gradient->rows_turned;
}

void clh_weight_gradient(clh_pass *pass, size_t m, size_t n, clh_matrix x, clh_matrix gy,
                         clh_real *gW, clh_times times)
{
    assert(pass && gW && pass->row0 == 0 && x.col == 1);
    clh_gemm product = clh_product(m, n, pass->rows, 1, clh_transposed(x.at, x.row), gy, gW, n);
    product.strips = times.a == 0 ? turned_strips(pass, m, x.at, x.row) : NULL;
    product.times = times;
    if (pass->onto)
        product.c = pass->onto + (gW - pass->parameters);
    if (pass->onto || !pass->fresh)
        clh_product_adds(&product);
    pass->kernel->gemm(&product);
}

/* Numbers of a parameter, none of a matrix whose gradient is written or added as a whole,
 * clh_weight_gradient(). */
static size_t rest_count(const clh_row *row, const clh_model_config *c)
{
    const clh_tensor shape = clh_row_shape(row, c, 0, 0);
    size_t count = row->bias && !clh_row_is_tied(row, c) ? 0 : 1;
    for (size_t i = 0; i < shape.rank; i++)
        count *= shape.shape[i];
    return count;
}

void clh_pass_clear_parameters(const clh_pass *pass)
{
    assert(pass && pass->parameters);
    for (clh_row_place at = clh_layout_first(&clh_layout_params, pass->config); at.row;
         at = clh_layout_next(&clh_layout_params, pass->config, at)) {
        memset(clh_param_gradient(pass, (clh_param_id)at.id, at.layer), 0,
               rest_count(at.row, pass->config) * sizeof(clh_real));
    }
}

void clh_gradient_add_rest(const clh_model *model, const clh_real *from, clh_real *to)
{
    assert(model && from && to);
    const clh_kernels *kernel = clh_kernels_best();
    for (clh_row_place at = clh_layout_first(&clh_layout_params, &model->config); at.row;
         at = clh_layout_next(&clh_layout_params, &model->config, at)) {
        const size_t place =
            (size_t)(clh_blob_slot(&model->params, at.id, at.layer) - model->params.data);
        const size_t count = rest_count(at.row, &model->config);
        kernel->add_rows(count, 1, from + place, count, to + place);
    }
}
