/* From the sums over a batch to the gradient of every parameter: back through the parts of the
 * scores, then through Y = X M and K = W_O [W_O^T U']. fused_tables.c is the way there. */
#include <assert.h>
#include <string.h>

#include "fused/fused_parts.h"
#include "fused/fused_projections.h"

/* Where the gradient of the parameter at `weight` goes. */
static clh_real *gradient_of(const clh_fused *f, const clh_real *weight)
{
    return f->gradient + (weight - clh_model_data(f->model, NULL));
}

/* ---- Parts of scores: parts_ij = Y_q,i . Y_k,j / scale
 * ------------------------------------------- */

/* A head's columns of Y and of its gradient. */
typedef struct head {
    const clh_real *token_parts, *parts, *q, *k; /* sums of gradients; rows of Y */
    clh_real *g_q, *g_k;
    double alpha; /* 1 / scale */
} head;

static head head_of(const clh_fused *f, size_t h)
{
    const size_t d_attn = f->size.d_attn, at = h * f->size.d_head;
    return (head){.token_parts = f->sums[0].parts + clh_fused_token_part(f, h, 0),
                  .parts = f->of_positions[0].parts + h * f->shape.parts,
                  .q = f->tables.Y + at,
                  .k = f->tables.Y + d_attn + at,
                  .g_q = f->tables.g_qk + at,
                  .g_k = f->tables.g_qk + d_attn + at,
                  .alpha = 1 / f->attn_scale};
}

/* g_q of `rows` queries from source `begin` on: g_parts Y_k over all tokens and `keys` positions,
 * the first `seen` of which, one more for each query, are no zeros */
static void queries_backward(const clh_fused *f, const head *h, size_t begin, size_t rows,
                             size_t keys, size_t seen, const clh_real *parts, size_t across)
{
    const size_t d_head = f->size.d_head, stride = f->shape.stride, g = 2 * f->size.d_attn;
    clh_real *out = h->g_q + begin * g;
    clh_multiply(f->kernel, rows, d_head, f->shape.used, h->alpha, clh_rows(parts, across),
                 clh_rows(h->k + clh_fused_token(0) * stride, stride), out, g);
    clh_multiply_add_part(
        f->kernel, rows, d_head, keys, h->alpha, clh_rows(parts + f->shape.lead, across),
        clh_rows(h->k + clh_fused_position(f, 0) * stride, stride), out, g, CLH_GEMM_A_LOWER, seen);
}

/* g_k of `rows` keys from source `begin`, column `column` of the parts, on: g_parts^T Y_q over all
 * tokens and the queries of blocks `first` to the last; and what b'_Q . k adds */
static void keys_backward(const clh_fused *f, size_t number, size_t begin, size_t rows,
                          size_t column, size_t first)
{
    const head h = head_of(f, number);
    const clh_fused_shape *s = &f->shape;
    const size_t d_head = f->size.d_head, g = 2 * f->size.d_attn, n_heads = f->size.n_heads;
    clh_real *out = h.g_k + begin * g;
    clh_multiply(f->kernel, rows, d_head, s->used, h.alpha,
                 clh_transposed(h.token_parts + column, s->span),
                 clh_rows(h.q + clh_fused_token(0) * s->stride, s->stride), out, g);
    for (size_t k = first; k < s->blocks; k++) {
        const size_t from = clh_fused_block_begin(s, k);
        const size_t end = clh_fused_block_end(s, k, s->positions);
        const bool sees_all = k > first || column == 0;
        clh_multiply_add_part(f->kernel, rows, d_head, end - from, h.alpha,
                              clh_transposed(h.parts + s->at[k] + column, s->across[k]),
                              clh_rows(h.q + clh_fused_position(f, from) * s->stride, s->stride),
                              out, g, sees_all ? CLH_GEMM_ALL : CLH_GEMM_A_UPPER,
                              k == 0 ? s->first : 0);
    }
    for (size_t r = 0; r < rows; r++)
        f->kernel->axpy(d_head,
                        (clh_real)h.alpha * f->sums[0].key_bias[(begin + r) * n_heads + number],
                        f->tables.bias + number * d_head, out + r * g);
}

/* Piece: a head's tokens, then its blocks, each as queries and as keys: together every block takes
 * about as long as another. */
static void parts_backward(clh_fused *f, size_t piece)
{
    const clh_fused_shape *s = &f->shape;
    const size_t number = piece / (s->blocks + 1), left = piece % (s->blocks + 1);
    const head h = head_of(f, number);
    if (left == 0) {
        queries_backward(f, &h, clh_fused_token(0), s->used, s->positions, s->positions,
                         h.token_parts, s->span);
        keys_backward(f, number, clh_fused_token(0), s->used, 0, 0);
        return;
    }
    const size_t k = left - 1, begin = clh_fused_block_begin(s, k);
    const size_t end = clh_fused_block_end(s, k, s->positions), key = k == 0 ? 0 : begin;
    queries_backward(f, &h, clh_fused_position(f, begin), end - begin, end, begin,
                     h.parts + s->at[k], s->across[k]);
    keys_backward(f, number, clh_fused_position(f, key), end - key, s->lead + key, k);
}

/* g_b'_Q = sum_r g_key_bias_r Y_k,r / scale; b'_K moves all scores of a query alike: none; g_b'_V
 * is summed. And o, which met every token, gets what they got; then all rows of Y are together. */
static void biases_backward(clh_fused *f, size_t piece)
{
    (void)piece;
    const clh_fused_size *s = &f->size;
    const clh_fused_sums *sums = &f->sums[0];
    const size_t tokens = clh_fused_token(0), stride = f->shape.stride, d_attn = s->d_attn;
    const size_t g_stride = f->shape.g_stride;
    for (size_t h = 0; h < s->n_heads; h++)
        clh_multiply(f->kernel, 1, s->d_head, f->shape.sources - tokens, 1 / f->attn_scale,
                     (clh_matrix){sums->key_bias + tokens * s->n_heads + h, 0, s->n_heads},
                     clh_rows(f->tables.Y + tokens * stride + d_attn + h * s->d_head, stride),
                     f->tables.g_bias + h * s->d_head, s->d_head);
    memset(f->tables.g_bias + d_attn, 0, d_attn * sizeof(clh_real));
    memcpy(f->tables.g_bias + 2 * d_attn, sums->b_V, d_attn * sizeof(clh_real));
    memset(f->tables.g_qk, 0, 2 * d_attn * sizeof(clh_real)); /* o, and queries that nobody asks */
    for (size_t p = 0; p < f->shape.first; p++)
        memset(f->tables.g_qk + clh_fused_position(f, p) * 2 * d_attn, 0,
               d_attn * sizeof(clh_real));
    clh_multiply(f->kernel, 1, d_attn + s->d_logits, f->shape.used, 1,
                 clh_rows(f->ones, f->shape.used),
                 clh_rows(sums->Y + clh_fused_token(0) * g_stride + d_attn, g_stride),
                 sums->Y + d_attn, g_stride);
    memcpy(f->of_positions[0].Y, sums->Y, (1 + f->shape.used) * g_stride * sizeof *sums->Y);
}

/* ---- Y = X M, K = W_O [W_O^T U'], and what was folded and centred: a gradient goes through the
 * taking away of a mean by losing its own
 * -------------------------------- */

/* g_X = g_Y M^T of `rows` sources, and what their own squares got */
static void sources_backward(const clh_fused *f, size_t begin, size_t rows, clh_real *out)
{
    const clh_fused_tables *t = &f->tables;
    const size_t d_model = f->size.d_model, d_attn = f->size.d_attn, g_stride = f->shape.g_stride;
    clh_multiply(f->kernel, rows, d_model, 2 * d_attn, 1,
                 clh_rows(t->g_qk + begin * 2 * d_attn, 2 * d_attn), clh_rows(t->M_t, d_model), out,
                 d_model);
    clh_multiply_add(f->kernel, rows, d_model, f->shape.columns - 2 * d_attn, 1,
                     clh_rows(f->of_positions[0].Y + begin * g_stride, g_stride),
                     clh_rows(t->M_t + 2 * d_attn * d_model, d_model), out, d_model);
    for (size_t r = 0; r < rows; r++)
        f->kernel->axpy(d_model, f->sums[0].norm[begin + r], t->X + (begin + r) * d_model,
                        out + r * d_model);
}

/* The gradient of columns of M, as rows: += g_Y^T X */
static void columns_backward(const clh_fused *f, size_t column, size_t rows, clh_real *out)
{
    const size_t d_model = f->size.d_model, g_stride = f->shape.g_stride;
    clh_multiply_add(f->kernel, rows, d_model, f->shape.sources, 1,
                     clh_transposed(f->of_positions[0].Y + column - 2 * f->size.d_attn, g_stride),
                     clh_rows(f->tables.X, d_model), out, d_model);
}

static void positions_backward(clh_fused *f, size_t piece)
{
    const size_t d_model = f->size.d_model;
    const clh_fused_rows rows = clh_fused_rows_of(f->shape.positions, piece);
    clh_real *g = gradient_of(f, f->weights.W_pos) + rows.begin * d_model;
    sources_backward(f, clh_fused_position(f, rows.begin), rows.count, g);
    for (size_t r = 0; r < rows.count; r++)
        (void)f->kernel->centre(d_model, g + r * d_model, f->unit, g + r * d_model);
}

/* o and tokens, rows of X and columns of M */
static void tokens_backward(clh_fused *f, size_t piece)
{
    const size_t d_model = f->size.d_model;
    const clh_fused_rows rows = clh_fused_rows_of(1 + f->shape.used, piece);
    clh_real *g = f->tables.g_right + rows.begin * d_model;
    sources_backward(f, rows.begin, rows.count, g);
    columns_backward(f, clh_fused_column_X(f) + rows.begin, rows.count, g);
    for (size_t r = rows.begin; r < rows.begin + rows.count; r++) {
        const clh_real *weight =
            r == 0 ? f->weights.b_O : f->weights.W_E + (size_t)f->tables.token_of[r - 1] * d_model;
        (void)f->kernel->centre(d_model, f->tables.g_right + r * d_model, f->unit,
                                gradient_of(f, weight));
    }
}

/* Of a row of g_K its part of W_O W_O^T, which is symmetric: only the lower half is summed. */
static void mirror(const clh_fused *f, size_t row)
{
    const size_t d_attn = f->size.d_attn, across = d_attn + f->size.d_logits;
    clh_real *K = f->sums[0].K;
    for (size_t j = row + 1; j < d_attn; j++)
        K[row * across + j] = K[j * across + row];
}

/* g_W_O = g_K [W_O; U'^T] + (columns of M)  */
static void W_O_backward(clh_fused *f, size_t piece)
{
    const size_t d_model = f->size.d_model, across = f->size.d_attn + f->size.d_logits;
    const clh_fused_rows rows = clh_fused_rows_of(f->size.d_attn, piece);
    clh_real *g = gradient_of(f, f->weights.W_O) + rows.begin * d_model;
    for (size_t r = 0; r < rows.count; r++)
        mirror(f, rows.begin + r);
    clh_multiply(f->kernel, rows.count, d_model, across, 1,
                 clh_rows(f->sums[0].K + rows.begin * across, across),
                 clh_rows(f->tables.W_O, d_model), g, d_model);
    columns_backward(f, clh_fused_column_W_O(f) + rows.begin, rows.count, g);
    for (size_t r = 0; r < rows.count; r++)
        (void)f->kernel->centre(d_model, g + r * d_model, f->unit, g + r * d_model);
}

/* W'[i, c] = w_i W[i, c],  b'_c = sum_i b_i W[i, c] + b_c:
 *   g_W[i, c] = w_i g_W'[i, c] + b_i g_b'_c,  g_w_i = sum_c g_W'[i, c] W[i, c],
 *   g_b_i = sum_c W[i, c] g_b'_c,  and the bias's own gradient is g_b' (plain_unfold) */
static void unfold_projections(const clh_fused *f, size_t i, const clh_real *g_folded)
{
    const clh_fused_size *s = &f->size;
    const clh_fused_weights *w = &f->weights;
    clh_real *g_w = gradient_of(f, w->ln1_w) + i, *g_b = gradient_of(f, w->ln1_b) + i;
    clh_fused_projection from[3];
    clh_fused_projections(f, from);
    *g_w = *g_b = 0;
    for (size_t p = 0; p < 3; p++)
        for (size_t h = 0; h < s->n_heads; h++) {
            const size_t column = from[p].column + h * s->d_head;
            const clh_real *W = from[p].W + (h * s->d_model + i) * s->d_head;
            f->kernel->unfold(s->d_head, w->ln1_w[i], w->ln1_b[i], W, g_folded + column,
                              f->tables.g_bias + column, gradient_of(f, W), g_w, g_b);
        }
}

/* The last column of W_U was taken from all others. */
static void unfold_unembedding(const clh_fused *f, size_t i, clh_real *g_folded)
{
    const size_t d_vocab_out = f->size.d_vocab_out;
    g_folded[f->size.d_logits] = -f->kernel->sum(f->size.d_logits, g_folded);
    const clh_fused_weights *w = &f->weights;
    const clh_real *W = w->W_U + i * d_vocab_out;
    clh_real *g_w = gradient_of(f, w->ln_final_w) + i, *g_b = gradient_of(f, w->ln_final_b) + i;
    *g_w = *g_b = 0;
    f->kernel->unfold(d_vocab_out, w->ln_final_w[i], w->ln_final_b[i], W, g_folded,
                      f->sums[0].u_bias, gradient_of(f, W), g_w, g_b);
}

/* Rows of W' and U': g_W' = X^T g_Y, g_U' = X^T g_Y + W_O^T g_K. M is not needed any more: its rows
 * are room. */
static void folded_backward(clh_fused *f, size_t piece)
{
    const clh_fused_size *s = &f->size;
    const clh_fused_tables *t = &f->tables;
    const clh_real *g_Y = f->of_positions[0].Y;
    const size_t d_attn = s->d_attn, stride = f->shape.stride, g_stride = f->shape.g_stride;
    const clh_fused_rows rows = clh_fused_rows_of(s->d_model, piece);
    const clh_matrix X_t = clh_transposed(t->X + rows.begin, s->d_model);
    clh_real *g = t->M + rows.begin * stride, *g_U = g + clh_fused_column_W_U(f);
    clh_multiply(f->kernel, rows.count, 2 * d_attn, f->shape.sources, 1, X_t,
                 clh_rows(t->g_qk, 2 * d_attn), g, stride);
    clh_multiply(f->kernel, rows.count, d_attn, f->shape.sources, 1, X_t, clh_rows(g_Y, g_stride),
                 g + 2 * d_attn, stride);
    clh_multiply(f->kernel, rows.count, s->d_logits, f->shape.sources, 1, X_t,
                 clh_rows(g_Y + 2 * d_attn, g_stride), g_U, stride);
    clh_multiply_add(f->kernel, rows.count, s->d_logits, d_attn, 1,
                     clh_transposed(t->W_O + rows.begin, s->d_model),
                     clh_rows(f->sums[0].K + d_attn, d_attn + s->d_logits), g_U, stride);
    for (size_t r = 0; r < rows.count; r++) {
        unfold_projections(f, rows.begin + r, g + r * stride);
        unfold_unembedding(f, rows.begin + r, g_U + r * stride);
    }
}

/* Biases, whose gradients are known, and tokens and positions that the batch does not have. */
static void rest_backward(clh_fused *f, size_t piece)
{
    (void)piece;
    const clh_fused_size *s = &f->size;
    clh_fused_projection from[3];
    clh_fused_projections(f, from);
    for (size_t p = 0; p < 3; p++)
        memcpy(gradient_of(f, from[p].b), f->tables.g_bias + from[p].column,
               s->d_attn * sizeof(clh_real));
    memcpy(gradient_of(f, f->weights.b_U), f->sums[0].u_bias, s->d_vocab_out * sizeof(clh_real));
    for (size_t v = 0; v < s->d_vocab; v++)
        if (f->tables.row_of[v] == UINT32_MAX)
            memset(gradient_of(f, f->weights.W_E) + v * s->d_model, 0,
                   s->d_model * sizeof(clh_real));
    const size_t rows = clh_model_get_config(f->model)->n_ctx - f->shape.positions;
    memset(gradient_of(f, f->weights.W_pos) + f->shape.positions * s->d_model, 0,
           rows * s->d_model * sizeof(clh_real));
}

void clh_fused_tables_backward(clh_fused *f)
{
    assert(f && f->gradient);
    const clh_fused_shape *s = &f->shape;
    const clh_fused_job scores[] = {
        {parts_backward, f->size.n_heads * (s->blocks + 1)},
        {biases_backward, 1},
    };
    const clh_fused_job products[] = {
        {folded_backward, clh_fused_pieces(f->size.d_model)},
        {W_O_backward, clh_fused_pieces(f->size.d_attn)},
        {tokens_backward, clh_fused_pieces(1 + s->used)},
        {positions_backward, clh_fused_pieces(s->positions)},
        {rest_backward, 1},
    };
    clh_fused_run(f, scores, CLH_COUNT(scores));
    clh_fused_run(f, products, CLH_COUNT(products));
}
