/* Attention of one layer. Head h, query i, key j, with x the normalized input:
 *
 *    q_i = x_i W_Q + b_Q     k_j = x_j W_K + b_K     v_j = x_j W_V + b_V
 *    scores_ij  = q_i . k_j / attn_scale  for j <= i, else -inf
 *    pattern_ij = softmax_j(scores_ij)
 *    z_i        = sum_j pattern_ij v_j
 *    attn_out_i = sum_h z_i W_O + b_O
 *
 * TransformerLens: components/abstract_attention.py; Vaswani et al. 2017, eq. 1.
 *
 * The T x T part runs in blocks of queries and skips what no query of a block may see. A cache that
 * keeps all holds whole rows instead, so that a hook may look at, and write to, any key.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/norms.h"
#include "model/pass.h"

enum { QUERY_BLOCK = 24 };

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
} projection;

static const projection projections[] = {
    {CLH_A_Q, CLH_P_W_Q, CLH_P_B_Q, CLH_NORM_AT_Q},
    {CLH_A_K, CLH_P_W_K, CLH_P_B_K, CLH_NORM_AT_K},
    {CLH_A_V, CLH_P_W_V, CLH_P_B_V, CLH_NORM_AT_V},
};

/* What projection `p` of the layer reads, in `blob` (the activations or their gradients). */
static operand projection_input(const clh_pass *pass, const clh_blob *blob, size_t p, size_t layer)
{
    const clh_model_config *c = pass->config;
    const clh_norm_place place = c->use_split_qkv_input ? projections[p].split
                                 : c->use_attn_in       ? CLH_NORM_AT_HEADS
                                                        : CLH_NORM_AT_ATTN;
    const bool heads = clh_heads_split(c);
    return (operand){.data = clh_blob_slot(blob, clh_norms_output(c, place), layer),
                     .row = heads ? c->n_heads * c->d_model : c->d_model,
                     .head = heads ? c->d_model : 0};
}

static void project(clh_pass *pass, size_t p, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_head, width = c->n_heads * d;
    const operand in = projection_input(pass, &pass->cache->values, p, layer);
    const clh_real *W = clh_param(pass, projections[p].W, layer);
    const clh_real *b = clh_param(pass, projections[p].b, layer);
    clh_real *out = clh_act(pass, projections[p].out, layer) + pass->row0 * width;
    for (size_t r = 0; r < pass->rows; r++)
        memcpy(out + r * width, b, width * sizeof *b);
    for (size_t h = 0; h < c->n_heads; h++)
        clh_multiply_add(pass->kernel, pass->rows, d, c->d_model,
                         clh_rows(in.data + pass->row0 * in.row + h * in.head, in.row),
                         clh_rows(W + h * c->d_model * d, d), out + h * d, width);
    clh_pass_fire(pass, projections[p].out, layer);
}

/* g_x += g_q W_Q^T,  g_W_Q += x^T g_q,  g_b_Q += sum_r g_q, and so for k and v */
static void project_backward(clh_pass *pass, size_t p, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_head, width = c->n_heads * d, W_size = c->d_model * d;
    const operand in = projection_input(pass, &pass->cache->values, p, layer);
    const operand g_in = projection_input(pass, &pass->gradient->values, p, layer);
    const clh_real *g_out = clh_act_gradient(pass, projections[p].out, layer);
    const clh_real *W = clh_param(pass, projections[p].W, layer);
    clh_real *gW = clh_param_gradient(pass, projections[p].W, layer);
    clh_real *gb = clh_param_gradient(pass, projections[p].b, layer);
    clh_pass_fire(pass, projections[p].out, layer);
    for (size_t r = 0; gb && r < pass->rows; r++)
        pass->kernel->axpy(width, 1, g_out + r * width, gb);
    for (size_t h = 0; h < c->n_heads; h++) {
        if (gW)
            clh_multiply_add(pass->kernel, c->d_model, d, pass->rows,
                             clh_transposed(in.data + h * in.head, in.row),
                             clh_rows(g_out + h * d, width), gW + h * W_size, d);
        clh_multiply_add(pass->kernel, pass->rows, c->d_model, d, clh_rows(g_out + h * d, width),
                         clh_transposed(W + h * W_size, d), g_in.data + h * g_in.head, g_in.row);
    }
}

/* One head of one sequence: its corner of each tensor. */
typedef struct head_view {
    size_t T, d;    /* positions, d_head */
    size_t stride;  /* distance between rows of q, k, v, z */
    size_t across;  /* distance between rows of scores and pattern: positions there is room for */
    size_t rows;    /* [b, h, 0, 0] of scores and pattern */
    size_t vectors; /* [b, 0, h, 0] of q, k, v, z */
    bool whole;     /* all keys of a row count, not only those up to the block's end */
} head_view;

static head_view head_at(const clh_pass *pass, size_t b, size_t h)
{
    const clh_model_config *c = pass->config;
    const size_t T = pass->tokens->pos, stride = c->n_heads * c->d_head;
    const size_t across = pass->cache->values.pos;
    return (head_view){.T = T,
                       .d = c->d_head,
                       .stride = stride,
                       .across = across,
                       .rows = (b * c->n_heads + h) * across * across,
                       .vectors = b * T * stride + h * c->d_head,
                       .whole = pass->cache->keep == CLH_KEEP_ALL};
}

/* First query past the block that starts at i, and the keys a block's rows hold. */
static size_t block_end(const head_view *v, size_t i)
{
    size_t end = (i / QUERY_BLOCK + 1) * QUERY_BLOCK;
    return end < v->T ? end : v->T;
}

/* scratch [d, T] = rows [T, d] transposed */
static const clh_real *transposed(const clh_pass *pass, const head_view *v, const clh_real *rows)
{
    clh_real *out = pass->cache->scratch;
    for (size_t j = 0; j < v->T; j++)
        for (size_t l = 0; l < v->d; l++)
            out[l * v->T + j] = rows[j * v->stride + l];
    return out;
}

static void scores_forward(clh_pass *pass, size_t layer, const head_view *v)
{
    const clh_model_config *c = pass->config;
    const clh_real *k = transposed(pass, v, clh_act(pass, CLH_A_K, layer) + v->vectors);
    const clh_real *q = clh_act(pass, CLH_A_Q, layer) + v->vectors;
    clh_real *scores = clh_act(pass, CLH_A_ATTN_SCORES, layer) + v->rows;
    const double scale = c->use_attn_scale ? c->attn_scale : 1;
    for (size_t i = pass->from, end; i < v->T; i = end) {
        end = block_end(v, i);
        clh_multiply(pass->kernel, end - i, end, v->d, 1 / scale,
                     clh_rows(q + i * v->stride, v->stride), clh_rows(k, v->T),
                     scores + i * v->across, v->across);
        size_t keys = v->whole ? v->T : end;
        for (size_t row = i; row < end; row++)
            for (size_t j = row + 1; j < keys; j++)
                scores[row * v->across + j] = -(clh_real)INFINITY;
    }
}

static void pattern_forward(clh_pass *pass, size_t layer, const head_view *v)
{
    const clh_real *scores = clh_act(pass, CLH_A_ATTN_SCORES, layer) + v->rows;
    clh_real *pattern = clh_act(pass, CLH_A_PATTERN, layer) + v->rows;
    for (size_t i = pass->from; i < v->T; i++) {
        size_t keys = v->whole ? v->T : i + 1;
        (void)pass->kernel->softmax(keys, scores + i * v->across, pattern + i * v->across);
        for (size_t j = keys, end = block_end(v, i); j < end; j++)
            pattern[i * v->across + j] = 0;
    }
}

static void z_forward(clh_pass *pass, size_t layer, const head_view *v)
{
    const clh_real *pattern = clh_act(pass, CLH_A_PATTERN, layer) + v->rows;
    const clh_real *values = clh_act(pass, CLH_A_V, layer) + v->vectors;
    clh_real *z = clh_act(pass, CLH_A_Z, layer) + v->vectors;
    for (size_t i = pass->from, end; i < v->T; i = end) {
        end = block_end(v, i);
        clh_multiply(pass->kernel, end - i, v->d, v->whole ? v->T : end, 1,
                     clh_rows(pattern + i * v->across, v->across), clh_rows(values, v->stride),
                     z + i * v->stride, v->stride);
    }
}

/* g_pattern_ij = g_z_i . v_j */
static void z_backward_pattern(clh_pass *pass, size_t layer, const head_view *v)
{
    const clh_real *values = transposed(pass, v, clh_act(pass, CLH_A_V, layer) + v->vectors);
    const clh_real *g_z = clh_act_gradient(pass, CLH_A_Z, layer) + v->vectors;
    clh_real *g_pattern = clh_act_gradient(pass, CLH_A_PATTERN, layer) + v->rows;
    for (size_t i = 0, end; i < v->T; i = end) {
        end = block_end(v, i);
        clh_multiply(pass->kernel, end - i, v->whole ? v->T : end, v->d, 1,
                     clh_rows(g_z + i * v->stride, v->stride), clh_rows(values, v->T),
                     g_pattern + i * v->across, v->across);
    }
}

/* g_scores_ij = p_ij (g_pattern_ij - sum_j p_ij g_pattern_ij), p the softmax of the scores: the
 * pattern, unless a hook has edited it, so where there can be one p is computed again. */
static void pattern_backward(clh_pass *pass, size_t layer, const head_view *v)
{
    const clh_real *scores = clh_act(pass, CLH_A_ATTN_SCORES, layer) + v->rows;
    const clh_real *pattern = clh_act(pass, CLH_A_PATTERN, layer) + v->rows;
    const clh_real *g_pattern = clh_act_gradient(pass, CLH_A_PATTERN, layer) + v->rows;
    clh_real *g_scores = clh_act_gradient(pass, CLH_A_ATTN_SCORES, layer) + v->rows;
    for (size_t i = 0; i < v->T; i++) {
        size_t at = i * v->across, keys = v->whole ? v->T : i + 1;
        if (v->whole)
            (void)pass->kernel->softmax(keys, scores + at, g_scores + at);
        pass->kernel->softmax_backward(keys, (v->whole ? g_scores : pattern) + at, g_pattern + at,
                                       g_scores + at);
        for (size_t j = keys, end = block_end(v, i); j < end; j++)
            g_scores[at + j] = 0;
    }
}

/* out_j = alpha * sum_i weights_ij in_i, over the queries i that see key j */
static void gather_by_key(clh_pass *pass, const head_view *v, const clh_real *weights,
                          const clh_real *in, double alpha, clh_real *out)
{
    for (size_t j = 0, end; j < v->T; j = end) {
        end = block_end(v, j);
        size_t first = v->whole ? 0 : j;
        clh_multiply(pass->kernel, end - j, v->d, v->T - first, alpha,
                     clh_transposed(weights + first * v->across + j, v->across),
                     clh_rows(in + first * v->stride, v->stride), out + j * v->stride, v->stride);
    }
}

/* g_q_i = sum_j g_scores_ij k_j / scale,  g_k_j = sum_i g_scores_ij q_i / scale */
static void scores_backward(clh_pass *pass, size_t layer, const head_view *v)
{
    const double scale = pass->config->use_attn_scale ? pass->config->attn_scale : 1;
    const clh_real *q = clh_act(pass, CLH_A_Q, layer) + v->vectors;
    const clh_real *k = clh_act(pass, CLH_A_K, layer) + v->vectors;
    const clh_real *g_scores = clh_act_gradient(pass, CLH_A_ATTN_SCORES, layer) + v->rows;
    clh_real *g_q = clh_act_gradient(pass, CLH_A_Q, layer) + v->vectors;
    clh_real *g_k = clh_act_gradient(pass, CLH_A_K, layer) + v->vectors;
    for (size_t i = 0, end; i < v->T; i = end) {
        end = block_end(v, i);
        clh_multiply(pass->kernel, end - i, v->d, v->whole ? v->T : end, 1 / scale,
                     clh_rows(g_scores + i * v->across, v->across), clh_rows(k, v->stride),
                     g_q + i * v->stride, v->stride);
    }
    gather_by_key(pass, v, g_scores, q, 1 / scale, g_k);
}

/* g_v_j = sum_i pattern_ij g_z_i */
static void z_backward_values(clh_pass *pass, size_t layer, const head_view *v)
{
    gather_by_key(pass, v, clh_act(pass, CLH_A_PATTERN, layer) + v->rows,
                  clh_act_gradient(pass, CLH_A_Z, layer) + v->vectors, 1,
                  clh_act_gradient(pass, CLH_A_V, layer) + v->vectors);
}

typedef void head_step(clh_pass *pass, size_t layer, const head_view *v);

static void for_each_head(clh_pass *pass, size_t layer, head_step *step)
{
    for (size_t b = 0; b < pass->tokens->batch; b++)
        for (size_t h = 0; h < pass->config->n_heads; h++) {
            head_view view = head_at(pass, b, h);
            step(pass, layer, &view);
        }
}

/* attn_out = sum_h result_h + b_O, result_h = z_h W_O[h]; W_O [heads, d_head, d_model] is also the
 * matrix [heads * d_head, d_model] that takes all heads at once. */
static void output_forward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t width = c->n_heads * c->d_head, d = c->d_model, end = pass->row0 + pass->rows;
    const clh_real *z = clh_act(pass, CLH_A_Z, layer), *W_O = clh_param(pass, CLH_P_W_O, layer);
    const clh_real *b_O = clh_param(pass, CLH_P_B_O, layer);
    clh_real *out = clh_act(pass, CLH_A_ATTN_OUT, layer);
    clh_real *result = clh_act(pass, CLH_A_RESULT, layer);
    if (!result) {
        clh_linear(pass, z, width, W_O, b_O, d, out);
    } else {
        for (size_t h = 0; h < c->n_heads; h++)
            clh_multiply(pass->kernel, pass->rows, d, c->d_head, 1,
                         clh_rows(z + pass->row0 * width + h * c->d_head, width),
                         clh_rows(W_O + h * c->d_head * d, d),
                         result + (pass->row0 * c->n_heads + h) * d, c->n_heads * d);
        clh_pass_fire(pass, CLH_A_RESULT, layer);
        for (size_t r = pass->row0; r < end; r++) {
            memcpy(out + r * d, b_O, d * sizeof *b_O);
            for (size_t h = 0; h < c->n_heads; h++)
                pass->kernel->axpy(d, 1, result + (r * c->n_heads + h) * d, out + r * d);
        }
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
    memset(g_z, 0, pass->rows * width * sizeof *g_z);
    if (!g_result) {
        clh_linear_backward(pass, z, width, W_O, d, g_out, g_z, gW_O, gb_O);
        return;
    }
    for (size_t r = 0; r < pass->rows; r++) {
        for (size_t h = 0; h < c->n_heads; h++)
            memcpy(g_result + (r * c->n_heads + h) * d, g_out + r * d, d * sizeof *g_out);
        if (gb_O)
            pass->kernel->axpy(d, 1, g_out + r * d, gb_O);
    }
    clh_pass_fire(pass, CLH_A_RESULT, layer);
    for (size_t h = 0; h < c->n_heads; h++) {
        const size_t W_at = h * c->d_head * d;
        if (gW_O)
            clh_multiply_add(pass->kernel, c->d_head, d, pass->rows,
                             clh_transposed(z + h * c->d_head, width),
                             clh_rows(g_result + h * d, c->n_heads * d), gW_O + W_at, d);
        clh_multiply_add(pass->kernel, pass->rows, c->d_head, d,
                         clh_rows(g_result + h * d, c->n_heads * d), clh_transposed(W_O + W_at, d),
                         g_z + h * c->d_head, width);
    }
}

void clh_attention_forward(clh_pass *pass, size_t layer)
{
    for (size_t p = 0; p < CLH_COUNT(projections); p++)
        project(pass, p, layer);
    for_each_head(pass, layer, scores_forward);
    clh_pass_fire(pass, CLH_A_ATTN_SCORES, layer);
    for_each_head(pass, layer, pattern_forward);
    clh_pass_fire(pass, CLH_A_PATTERN, layer);
    for_each_head(pass, layer, z_forward);
    clh_pass_fire(pass, CLH_A_Z, layer);
    output_forward(pass, layer);
}

void clh_attention_backward(clh_pass *pass, size_t layer)
{
    assert(pass->from == 0);
    output_backward(pass, layer);
    clh_pass_fire(pass, CLH_A_Z, layer);
    for_each_head(pass, layer, z_backward_pattern);
    clh_pass_fire(pass, CLH_A_PATTERN, layer);
    for_each_head(pass, layer, z_backward_values);
    for_each_head(pass, layer, pattern_backward);
    clh_pass_fire(pass, CLH_A_ATTN_SCORES, layer);
    for_each_head(pass, layer, scores_backward);
    for (size_t p = CLH_COUNT(projections); p-- > 0;)
        project_backward(pass, p, layer);
}
