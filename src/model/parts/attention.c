/* Attention of one layer. Head h, query i, key j, with x the normalized input:
 *
 *    q_i = x_i W_Q + b_Q     k_j = x_j W_K + b_K     v_j = x_j W_V + b_V     (positions.c: what a
 *    shortformer reads, and how rotary positions turn q and k)
 *    scores, pattern, z      as attention_head.h says
 *    attn_out_i = sum_h z_i W_O + b_O
 *
 * TransformerLens: components/abstract_attention.py; Vaswani et al. 2017, eq. 1. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/memory/cache_room.h"
#include "model/parts/attention_head.h"
#include "model/parts/norms.h"
#include "model/parts/positions.h"

/* An input [rows, width] or, where heads have their own, [rows, n_heads, width]. */
typedef struct operand {
    clh_real *data;
    size_t row, head; /* distance between rows and between heads */
} operand;

/* One projection: which parameters, which output, behind which norm where inputs are split. */
typedef struct projection {
    clh_act_id out;
    clh_param_id W, b;
    clh_norm_place split;
    clh_act_id of_short; /* what it reads in a shortformer; LOGITS: as in others */
} projection;

static const projection projections[] = {
    {CLH_A_Q, CLH_P_W_Q, CLH_P_B_Q, CLH_NORM_AT_Q, CLH_A_SHORT_Q},
    {CLH_A_K, CLH_P_W_K, CLH_P_B_K, CLH_NORM_AT_K, CLH_A_SHORT_K},
    {CLH_A_V, CLH_P_W_V, CLH_P_B_V, CLH_NORM_AT_V, CLH_A_LOGITS},
};

static clh_act_id projection_reads(const clh_model_config *c, size_t p)
{
    if (c->positional_embedding_type == CLH_POSITIONS_SHORTFORMER &&
        projections[p].of_short != CLH_A_LOGITS)
        return projections[p].of_short;
    return clh_norms_output(c, c->use_split_qkv_input ? projections[p].split
                               : c->use_attn_in       ? CLH_NORM_AT_HEADS
                                                      : CLH_NORM_AT_ATTN);
}

/* What projection `p` of the layer reads, in `blob` (the activations or their gradients). */
static operand projection_input(const clh_pass *pass, const clh_blob *blob, size_t p, size_t layer)
{
    const clh_model_config *c = pass->config;
    const bool heads = clh_heads_split(c);
    return (operand){.data = clh_blob_slot(blob, projection_reads(c, p), layer),
                     .row = heads ? c->n_heads * c->d_model : c->d_model,
                     .head = heads ? c->d_model : 0};
}

/* The input's rows that are asked, in the room of a cache; `in` itself where all are. */
static operand asked_of(const clh_pass *pass, operand in, const clh_cache *room)
{
    if (clh_pass_is_narrow(pass))
        in.data = room->asked;
    return in;
}

/* out [rows, n_heads * d_head] = in W + b: as one wide product where W is packed and heads read the same, else
 * one for each head */
static void project_rows(const clh_pass *pass, size_t p, size_t layer, size_t rows, operand in,
                         clh_real *out)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_head, width = c->n_heads * d;
    const clh_real *W = clh_param(pass, projections[p].W, layer);
    const clh_real *b = clh_param(pass, projections[p].b, layer);
    const clh_real *packed = clh_forward_weight(pass, W);
    const bool wide = packed && in.head == 0;
    clh_gemm product = clh_product(rows, wide ? width : d, c->d_model, 1, clh_rows(in.data, in.row),
                                   clh_rows(W, wide ? width : d), out, width);
    product.start = b;
    if (wide)
        product.packed = packed;
    else
        product.times = (clh_times){c->n_heads, in.head, c->d_model * d, d, d};
    pass->kernel->gemm(&product);
}

/* Of merged rows: each computed once, where the way back would have room, and copied to all it stands
 * for. */
static void project_merged(const clh_pass *pass, size_t p, size_t layer, operand in)
{
    const clh_pack *pack = pass->pack;
    const size_t width = pass->config->n_heads * pass->config->d_head;
    clh_real *once = pass->cache->rows_turned, *out = clh_act(pass, projections[p].out, layer);
    project_rows(pass, p, layer, pass->narrow ? pack->merged_asked : pack->merged, in, once);
    for (size_t r = 0; r < pass->rows; r++)
        memcpy(out + r * width, once + clh_pass_merged_row(pass, r) * width, width * sizeof *out);
}

static void project(clh_pass *pass, size_t p, size_t layer)
{
    const clh_model_config *c = pass->config;
    const clh_act_id from = projection_reads(c, p);
    if (!clh_pass_due(pass, projections[p].out, layer, from, from))
        return;
    const operand all = projection_input(pass, &pass->cache->values, p, layer);
    if (pass->pack && clh_pass_merges(pass, from, layer)) {
        project_merged(pass, p, layer, all);
        return;
    }
    operand in = asked_of(pass, all, pass->cache);
    if (in.data != all.data)
        clh_pass_gather(pass, c->d_model, all.data, in.data);
    in.data += pass->row0 * in.row;
    project_rows(pass, p, layer, pass->rows, in,
                 clh_act(pass, projections[p].out, layer) + pass->row0 * c->n_heads * c->d_head);
    clh_pass_fire(pass, projections[p].out, layer);
}

/* g_x += g_q W_Q^T: as one wide product where W_Q^T is packed and heads read the same, else one for each head */
static void input_backward(const clh_pass *pass, const clh_real *g_out, const clh_real *W,
                           operand g_in)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_head, width = c->n_heads * d;
    const clh_real *packed = clh_back_weight(pass, W);
    const bool wide = packed && g_in.head == 0;
    clh_gemm product =
        clh_product(pass->rows, c->d_model, wide ? width : d, 1, clh_rows(g_out, width),
                    clh_transposed(W, d), g_in.data, g_in.row);
    if (wide)
        product.packed = packed;
    else
        product.times = (clh_times){c->n_heads, d, c->d_model * d, g_in.head, 0};
    clh_product_adds(&product);
    pass->kernel->gemm(&product);
}

/* g_x += g_q W_Q^T,  g_W_Q += x^T g_q,  g_b_Q += sum_r g_q, and so for k and v */
static void project_backward(clh_pass *pass, size_t p, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_head, width = c->n_heads * d, W_size = c->d_model * d;
    clh_pass_take(pass, projections[p].out, layer);
    const operand in =
        asked_of(pass, projection_input(pass, &pass->cache->values, p, layer), pass->cache);
    const operand g_all = projection_input(pass, &pass->gradient->values, p, layer);
    const operand g_in = asked_of(pass, g_all, pass->gradient);
    const clh_real *g_out = clh_act_gradient(pass, projections[p].out, layer);
    clh_real *gW = clh_param_gradient(pass, projections[p].W, layer);
    clh_real *gb = clh_param_gradient(pass, projections[p].b, layer);
    clh_pass_fire(pass, projections[p].out, layer);
    if (gb)
        pass->kernel->add_rows(width, pass->rows, g_out, width, gb);
    if (gW)
        clh_weight_gradient(pass, c->d_model, d, clh_rows(in.data, in.row), clh_rows(g_out, width),
                            gW, (clh_times){c->n_heads, in.head, d, W_size, W_size});
    if (g_in.data != g_all.data)
        memset(g_in.data, 0, pass->rows * g_in.row * sizeof *g_in.data);
    input_backward(pass, g_out, clh_param(pass, projections[p].W, layer), g_in);
    if (g_in.data != g_all.data)
        clh_pass_scatter(pass, g_in.row, g_in.data, g_all.data);
}

/* A sequence of the pass, as attention sees it. */
typedef struct span {
    size_t T, across;    /* positions; between rows of scores and pattern */
    size_t first;        /* the first query */
    size_t row0, query0; /* the rows of its first key, and of that query */
    size_t pairs0;       /* where its first head's scores begin */
} span;

static size_t spans(const clh_pass *pass)
{
    return pass->pack ? pass->pack->count : pass->tokens->batch;
}

static span span_at(const clh_pass *pass, const clh_blob *blob, size_t b)
{
    const size_t heads = pass->config->n_heads;
    if (!pass->pack)
        return (span){.T = pass->tokens->pos,
                      .across = blob->pos,
                      .row0 = b * pass->tokens->pos,
                      .query0 = b * pass->tokens->pos,
                      .pairs0 = b * heads * blob->pos * blob->pos};
    const clh_packed *s = &pass->pack->sequence[b];
    const bool narrow = pass->narrow;
    return (span){.T = s->rows,
                  .across = s->rows,
                  .first = narrow ? s->first : 0,
                  .row0 = s->row0,
                  .query0 = narrow ? s->asked0 : s->row0,
                  .pairs0 = heads * s->pairs0};
}

/* Heads of a sequence from h on, as many as go together: their corner of each tensor of `blob` (activations or
 * their gradients). */
static clh_head heads_at(const clh_pass *pass, const clh_blob *blob, size_t layer, const span *s,
                         size_t h)
{
    const clh_model_config *c = pass->config;
    const size_t stride = c->n_heads * c->d_head;
    const size_t keys = s->row0 * stride + h * c->d_head;
    const size_t queries = s->query0 * stride + h * c->d_head;
    const size_t rows = s->pairs0 + h * s->across * s->across;
    const size_t together = clh_heads_together(c->n_heads, s->T), rest = c->n_heads - h;
    return (clh_head){.T = s->T,
                      .d = c->d_head,
                      .count = together < rest ? together : rest,
                      .square = s->across * s->across,
                      .number = h,
                      .heads = c->n_heads,
                      .stride = stride,
                      .z_stride = stride,
                      .across = s->across,
                      .first = s->first,
                      .row0 = s->first,
                      .whole = pass->cache->keep == CLH_KEEP_ALL,
                      .both_ways = c->attention_dir == CLH_ATTENTION_BIDIRECTIONAL,
                      .alibi = c->positional_embedding_type == CLH_POSITIONS_ALIBI,
                      .attn_scale = c->use_attn_scale ? c->attn_scale : 1,
                      .q = clh_blob_slot(blob, clh_layout_scores_of(c, false), layer) + queries,
                      .k = clh_blob_slot(blob, clh_layout_scores_of(c, true), layer) + keys,
                      .v = clh_blob_slot(blob, CLH_A_V, layer) + keys,
                      .z = clh_blob_slot(blob, CLH_A_Z, layer) + queries,
                      .scores = clh_blob_slot(blob, CLH_A_ATTN_SCORES, layer) + rows,
                      .pattern = clh_blob_slot(blob, CLH_A_PATTERN, layer) + rows,
                      .turned = pass->cache->scratch,
                      .turned_row = clh_cache_scratch_row(s->T)};
}

typedef void head_step(const clh_pass *pass, const clh_head *head, const clh_head *g);

/* `step` on every head of every sequence; its gradient too in the backward pass. */
static void each_head(clh_pass *pass, size_t layer, head_step *step)
{
    clh_pass_take(pass, CLH_A_Z, layer);
    for (size_t b = 0; b < spans(pass) && clh_pass_goes_on(pass); b++) {
        const span s = span_at(pass, &pass->cache->values, b);
        for (size_t h = 0; h < pass->config->n_heads && s.T > 0;) {
            const clh_head head = heads_at(pass, &pass->cache->values, layer, &s, h);
            clh_head g = {0};
            if (pass->gradient)
                g = heads_at(pass, &pass->gradient->values, layer, &s, h);
            step(pass, &head, &g);
            h += head.count;
        }
    }
}

static void all_stages(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    (void)g;
    clh_head_forward(head, pass->kernel, pass->pack ? head->first : pass->at.begin);
}

typedef void head_rows(const clh_head *head, const clh_kernels *kernel, size_t begin, size_t end);

/* The queries of the pass a block at a time, each of which skips keys that it may not see. */
static void by_blocks(const clh_pass *pass, const clh_head *head, head_rows *rows)
{
    for (size_t begin = pass->at.begin, end; begin < pass->at.end; begin = end) {
        end = clh_head_block_end(head, begin);
        end = end < pass->at.end ? end : pass->at.end;
        rows(head, pass->kernel, begin, end);
    }
}

static void scores_stage(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    (void)g;
    clh_head_turn_k(head, pass->kernel);
    by_blocks(pass, head, clh_head_scores);
}

static void pattern_stage(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    (void)g;
    by_blocks(pass, head, clh_head_pattern);
}

static void z_stage(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    (void)g;
    by_blocks(pass, head, clh_head_z);
}

static void all_stages_back(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    clh_head_backward(head, g, pass->kernel, head->first);
}

static void pattern_stage_back(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    clh_head_turn_v(head, pass->kernel);
    clh_head_backward_pattern(head, g, pass->kernel, 0, head->T);
}

static void scores_stage_back(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    clh_head_backward_v(head, g, pass->kernel, 0, head->T);
    clh_head_backward_scores(head, g, pass->kernel, 0, head->T);
}

static void qk_stage_back(const clh_pass *pass, const clh_head *head, const clh_head *g)
{
    clh_head_backward_qk(head, g, pass->kernel, 0, head->T);
}

/* attn_out = sum_h result_h + b_O, result_h = z_h W_O[h]; W_O [heads, d_head, d_model] is also the
 * matrix [heads * d_head, d_model] that takes all heads at once. */
void clh_attention_output(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t width = c->n_heads * c->d_head, d = c->d_model;
    const clh_real *z = clh_act(pass, CLH_A_Z, layer), *W_O = clh_param(pass, CLH_P_W_O, layer);
    const clh_real *b_O = clh_param(pass, CLH_P_B_O, layer);
    clh_real *out = clh_act(pass, CLH_A_ATTN_OUT, layer);
    clh_real *result = clh_act(pass, CLH_A_RESULT, layer);
    if (result && clh_pass_due(pass, CLH_A_RESULT, layer, CLH_A_Z, CLH_A_Z)) {
        clh_gemm product =
            clh_product(pass->rows, d, c->d_head, 1, clh_rows(z + pass->row0 * width, width),
                        clh_rows(W_O, d), result + pass->row0 * c->n_heads * d, c->n_heads * d);
        product.times = (clh_times){c->n_heads, c->d_head, c->d_head * d, d, d};
        pass->kernel->gemm(&product);
        clh_pass_fire(pass, CLH_A_RESULT, layer);
    }
    const clh_act_id from = result ? CLH_A_RESULT : CLH_A_Z;
    if (!clh_pass_due(pass, CLH_A_ATTN_OUT, layer, from, from))
        return;
    if (!result)
        clh_linear(pass, z, width, W_O, b_O, d, out);
    for (size_t r = pass->row0; result && r < pass->row0 + pass->rows; r++) {
        memcpy(out + r * d, b_O, d * sizeof *b_O);
        pass->kernel->add_rows(d, c->n_heads, result + r * c->n_heads * d, d, out + r * d);
    }
    clh_pass_fire(pass, CLH_A_ATTN_OUT, layer);
}

/* g_result_h = g_attn_out;  g_z_h = g_result_h W_O[h]^T,  g_W_O[h] += z_h^T g_result_h,
 * g_b_O += sum_r g_attn_out */
static void output_backward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t width = c->n_heads * c->d_head, d = c->d_model;
    const clh_real *z = clh_act(pass, CLH_A_Z, layer), *W_O = clh_param(pass, CLH_P_W_O, layer);
    const clh_real *g_out = clh_act_gradient(pass, CLH_A_ATTN_OUT, layer);
    clh_real *g_z = clh_act_gradient(pass, CLH_A_Z, layer);
    clh_real *g_result = clh_act_gradient(pass, CLH_A_RESULT, layer);
    clh_real *gW_O = clh_param_gradient(pass, CLH_P_W_O, layer);
    clh_real *gb_O = clh_param_gradient(pass, CLH_P_B_O, layer);
    clh_pass_take(pass, CLH_A_ATTN_OUT, layer);
    if (!g_result) {
        clh_linear_backward(pass, z, width, W_O, d, g_out, g_z, CLH_WRITE, gW_O, gb_O);
        return;
    }
    if (gb_O)
        pass->kernel->add_rows(d, pass->rows, g_out, d, gb_O);
    for (size_t r = 0; r < pass->rows; r++)
        for (size_t h = 0; h < c->n_heads; h++)
            memcpy(g_result + (r * c->n_heads + h) * d, g_out + r * d, d * sizeof *g_out);
    clh_pass_fire(pass, CLH_A_RESULT, layer);
    const size_t W_size = c->d_head * d;
    if (gW_O)
        clh_weight_gradient(pass, c->d_head, d, clh_rows(z, width),
                            clh_rows(g_result, c->n_heads * d), gW_O,
                            (clh_times){c->n_heads, c->d_head, d, W_size, W_size});
    clh_gemm product = clh_product(pass->rows, c->d_head, d, 1, clh_rows(g_result, c->n_heads * d),
                                   clh_transposed(W_O, d), g_z, width);
    product.times = (clh_times){c->n_heads, d, W_size, c->d_head, 0};
    pass->kernel->gemm(&product);
}

static void stage(clh_pass *pass, size_t layer, head_step *step, clh_act_id out)
{
    each_head(pass, layer, step);
    clh_pass_fire(pass, out, layer);
}

/* A cache that keeps all goes stage by stage, for the hooks; else block by block. */
void clh_attention_forward(clh_pass *pass, size_t layer)
{
    assert(pass && layer < pass->config->n_layers);
    for (size_t p = 0; p < CLH_COUNT(projections); p++)
        project(pass, p, layer);
    const bool turned = pass->config->positional_embedding_type == CLH_POSITIONS_ROTARY;
    if (turned)
        clh_rotary_forward(pass, layer);
    if (pass->cache->keep == CLH_KEEP_BACKWARD) {
        each_head(pass, layer, all_stages);
    } else {
        if (clh_pass_due_keys(pass, CLH_A_ATTN_SCORES, layer,
                              clh_layout_scores_of(pass->config, false),
                              clh_layout_scores_of(pass->config, true)))
            stage(pass, layer, scores_stage, CLH_A_ATTN_SCORES);
        if (clh_pass_due(pass, CLH_A_PATTERN, layer, CLH_A_ATTN_SCORES, CLH_A_ATTN_SCORES))
            stage(pass, layer, pattern_stage, CLH_A_PATTERN);
        if (clh_pass_due_keys(pass, CLH_A_Z, layer, CLH_A_PATTERN, CLH_A_V))
            stage(pass, layer, z_stage, CLH_A_Z);
    }
    clh_attention_output(pass, layer);
}

/* g_k and g_v are added to, by stages and by blocks. */
static void clear_gradient(const clh_pass *pass, clh_act_id id, size_t layer)
{
    const clh_model_config *c = pass->config;
    clh_real *g = clh_act_gradient(pass, id, layer);
    memset(g, 0, pass->rows * c->n_heads * c->d_head * sizeof *g);
}

void clh_attention_backward(clh_pass *pass, size_t layer)
{
    assert(pass->at.begin == 0);
    if (!clh_pass_goes_on(pass))
        return;
    output_backward(pass, layer);
    if (pass->cache->keep == CLH_KEEP_BACKWARD) {
        each_head(pass, layer, all_stages_back);
    } else {
        clear_gradient(pass, clh_layout_scores_of(pass->config, true), layer);
        clear_gradient(pass, CLH_A_V, layer);
        clh_pass_fire(pass, CLH_A_Z, layer);
        each_head(pass, layer, pattern_stage_back);
        clh_pass_fire(pass, CLH_A_PATTERN, layer);
        each_head(pass, layer, scores_stage_back);
        clh_pass_fire(pass, CLH_A_ATTN_SCORES, layer);
        each_head(pass, layer, qk_stage_back);
    }
    if (pass->config->positional_embedding_type == CLH_POSITIONS_ROTARY)
        clh_rotary_backward(pass, layer);
    for (size_t p = CLH_COUNT(projections); p-- > 0 && clh_pass_goes_on(pass);)
        project_backward(pass, p, layer);
}
