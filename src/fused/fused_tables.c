/* What the fused backend makes once a step from the weights: X, M, Y = X M, K = W_O [W_O^T U'] and the
 * parts of the scores. docs/mathematics.md has the algebra. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "fused/fused_parts.h"
#include "fused/fused_projections.h"

/* What K is off, and the scores' half of Y, is off at every position alike and does not average
 * out: their sums are made of shorter ones, which leaves less to rounding. */
enum { CHAIN_K = 16, CHAIN_SCORES = 32 };

/* Number the tokens that any position of the batch reads; the first position it asks. */
static void number_tokens(clh_fused *f)
{
    clh_fused_tables *t = &f->tables;
    size_t used = 0, positions = 1, first = SIZE_MAX;
    memset(t->row_of, 0xff, f->size.d_vocab * sizeof *t->row_of);
    for (size_t b = 0; b < f->batch->count; b++) {
        const clh_sequence *sequence = &f->batch->sequence[b];
        if (sequence->length - 1 > positions)
            positions = sequence->length - 1;
        if (sequence->first_scored - 1 < first)
            first = sequence->first_scored - 1;
        for (size_t p = 0; p + 1 < sequence->length; p++) {
            const uint32_t token = sequence->tokens[p];
            if (t->row_of[token] != UINT32_MAX)
                continue;
            t->token_of[used] = token;
            t->row_of[token] = (uint32_t)used++;
        }
    }
    clh_fused_shape_set(f, used, first < positions ? first : positions - 1, positions);
}

/* The residual stream is held in units of the power of two below its size: products of rows that no
 * norm has divided yet stay in float's range for as long as the weights do. Nothing else comes of
 * it, as such a factor is exact. Rows of tokens and of one position tell the size well enough. */
static clh_real unit_of(const clh_fused *f)
{
    const size_t d_model = f->size.d_model;
    const clh_real *position = f->weights.W_pos + f->shape.first * d_model;
    double most = (double)f->kernel->dot(d_model, position, position);
    for (size_t t = 0; t < f->shape.used; t++) {
        const clh_real *row = f->weights.W_E + (size_t)f->tables.token_of[t] * d_model;
        const double square = (double)f->kernel->dot(d_model, row, row);
        most = square > most ? square : most;
    }
    if (!(most > 0)) /* or NaN, which no unit helps */
        return 1;
    return (clh_real)ldexp(1, isinf(most) ? -64 : -ilogb(sqrt(most / (double)d_model)));
}

/* ---- The weights, folded and centred
 * -------------------------------------------------------------- */

/* Rows of M: W'[i, .] = w_i [W_Q W_K W_V][i, .], U'[i, .] = w_f,i (W_U[i, .] - W_U[i, last]); also
 * transposed, to M_t. */
static void fold_rows(clh_fused *f, size_t piece)
{
    const clh_fused_size *s = &f->size;
    clh_fused_tables *t = &f->tables;
    const clh_fused_rows rows = clh_fused_rows_of(s->d_model, piece);
    const size_t stride = f->shape.stride, column_U = clh_fused_column_W_U(f);
    clh_fused_projection from[3];
    clh_fused_projections(f, from);
    for (size_t i = rows.begin; i < rows.begin + rows.count; i++) {
        clh_real *out = t->M + i * stride;
        for (size_t p = 0; p < 3; p++)
            for (size_t h = 0; h < s->n_heads; h++)
                f->kernel->normalize(s->d_head, from[p].W + (h * s->d_model + i) * s->d_head, 0,
                                     f->weights.ln1_w[i], NULL, NULL,
                                     out + from[p].column + h * s->d_head);
        const clh_real *W_U = f->weights.W_U + i * s->d_vocab_out;
        f->kernel->normalize(s->d_logits, W_U, W_U[s->d_logits], f->weights.ln_final_w[i], NULL,
                             NULL, out + column_U);
    }
    const clh_real *from_row = t->M + rows.begin * stride;
    f->kernel->transpose(rows.count, s->d_qkv, from_row, stride, t->M_t + rows.begin, s->d_model);
    f->kernel->transpose(rows.count, s->d_logits, from_row + column_U, stride, t->U_t + rows.begin,
                         s->d_model);
}

/* b' = b [W_Q W_K W_V] + [b_Q b_K b_V],  u' = b_f W_U + b_U less its last */
static void fold_biases(clh_fused *f, size_t piece)
{
    (void)piece;
    const clh_fused_size *s = &f->size;
    clh_fused_tables *t = &f->tables;
    clh_fused_projection from[3];
    clh_fused_projections(f, from);
    for (size_t p = 0; p < 3; p++) {
        clh_real *out = t->bias + from[p].column;
        memcpy(out, from[p].b, s->d_attn * sizeof *out);
        for (size_t h = 0; h < s->n_heads; h++)
            clh_multiply_add(f->kernel, 1, s->d_head, s->d_model, 1,
                             clh_rows(f->weights.ln1_b, s->d_model),
                             clh_rows(from[p].W + h * s->d_model * s->d_head, s->d_head),
                             out + h * s->d_head, s->d_head);
    }
    memcpy(t->u_bias, f->weights.b_U, s->d_vocab_out * sizeof *t->u_bias);
    clh_multiply_add(f->kernel, 1, s->d_vocab_out, s->d_model, 1,
                     clh_rows(f->weights.ln_final_b, s->d_model),
                     clh_rows(f->weights.W_U, s->d_vocab_out), t->u_bias, s->d_vocab_out);
    f->kernel->shift(s->d_vocab_out, -t->u_bias[s->d_logits], t->u_bias);
}

static void centre_W_O(clh_fused *f, size_t piece)
{
    const size_t d_model = f->size.d_model, stride = f->shape.stride;
    const clh_fused_rows rows = clh_fused_rows_of(f->size.d_attn, piece);
    clh_real *out = f->tables.W_O + rows.begin * d_model;
    for (size_t r = 0; r < rows.count; r++)
        (void)f->kernel->centre(d_model, f->weights.W_O + (rows.begin + r) * d_model, f->unit,
                                out + r * d_model);
    f->kernel->transpose(rows.count, d_model, out, d_model,
                         f->tables.M + clh_fused_column_W_O(f) + rows.begin, stride);
}

/* o and E, which are columns of M too. */
static void centre_tokens(clh_fused *f, size_t piece)
{
    const size_t d_model = f->size.d_model, stride = f->shape.stride;
    clh_fused_tables *t = &f->tables;
    const clh_fused_rows rows = clh_fused_rows_of(1 + f->shape.used, piece);
    for (size_t r = rows.begin; r < rows.begin + rows.count; r++) {
        const clh_real *row =
            r == 0 ? f->weights.b_O : f->weights.W_E + (size_t)t->token_of[r - 1] * d_model;
        t->square[r] = f->kernel->centre(d_model, row, f->unit, t->X + r * d_model);
    }
    f->kernel->transpose(rows.count, d_model, t->X + rows.begin * d_model, d_model,
                         t->M + clh_fused_column_X(f) + rows.begin, stride);
}

static void centre_positions(clh_fused *f, size_t piece)
{
    const size_t d_model = f->size.d_model;
    const clh_fused_rows rows = clh_fused_rows_of(f->shape.positions, piece);
    for (size_t p = rows.begin; p < rows.begin + rows.count; p++) {
        const size_t r = clh_fused_position(f, p);
        f->tables.square[r] = f->kernel->centre(d_model, f->weights.W_pos + p * d_model, f->unit,
                                                f->tables.X + r * d_model);
    }
}

/* ---- Products
 * ------------------------------------------------------------------------------------- */

/* Where the key of source r stands among the columns of parts. */
static size_t key_column(const clh_fused *f, size_t r)
{
    return r <= f->shape.used ? r - 1 : f->shape.lead + r - 1 - f->shape.used;
}

/* The keys of sources [begin, end), all tokens or all positions, as columns. */
static void turn_keys(clh_fused *f, size_t begin, size_t end)
{
    const size_t d_attn = f->size.d_attn;
    if (begin < end)
        f->kernel->transpose(end - begin, d_attn, f->tables.Y + begin * f->shape.stride + d_attn,
                             f->shape.stride, f->tables.keys_t + key_column(f, begin),
                             f->shape.span);
}

/* Rows of Y = X M, and what is made of their keys: columns, and b'_Q . k / scale */
static void multiply_sources(clh_fused *f, size_t piece)
{
    const clh_fused_size *s = &f->size;
    const clh_fused_shape *shape = &f->shape;
    clh_fused_tables *t = &f->tables;
    const clh_fused_rows rows = clh_fused_rows_of(shape->sources, piece);
    const size_t begin = rows.begin, end = begin + rows.count, tokens_end = 1 + shape->used;
    const clh_matrix X = clh_rows(t->X + begin * s->d_model, s->d_model);
    clh_real *Y = t->Y + begin * shape->stride;
    clh_gemm of_scores = clh_product(rows.count, 2 * s->d_attn, s->d_model, 1, X,
                                     clh_rows(t->M, shape->stride), Y, shape->stride);
    of_scores.chain = CHAIN_SCORES;
    f->kernel->gemm(&of_scores);
    clh_multiply(f->kernel, rows.count, shape->columns - 2 * s->d_attn, s->d_model, 1, X,
                 clh_rows(t->M + 2 * s->d_attn, shape->stride), Y + 2 * s->d_attn, shape->stride);
    turn_keys(f, begin > 0 ? begin : 1, end < tokens_end ? end : tokens_end);
    turn_keys(f, begin > tokens_end ? begin : tokens_end, end);
    for (size_t r = begin; r < end; r++)
        for (size_t h = 0; h < s->n_heads; h++)
            t->key_bias[r * s->n_heads + h] =
                (clh_real)(1 / f->attn_scale) *
                f->kernel->dot(s->d_head, t->bias + h * s->d_head,
                               t->Y + r * shape->stride + s->d_attn + h * s->d_head);
}

/* Rows of K = W_O [W_O^T U'] */
static void multiply_W_O(clh_fused *f, size_t piece)
{
    const clh_fused_size *s = &f->size;
    clh_fused_tables *t = &f->tables;
    const clh_fused_rows rows = clh_fused_rows_of(s->d_attn, piece);
    clh_real *out = t->K + rows.begin * s->K_stride;
    clh_gemm K =
        clh_product(rows.count, s->d_attn + s->d_logits, s->d_model, 1,
                    clh_rows(t->W_O + rows.begin * s->d_model, s->d_model),
                    clh_rows(t->M + clh_fused_column_W_O(f), f->shape.stride), out, s->K_stride);
    K.chain = CHAIN_K;
    f->kernel->gemm(&K);
    f->kernel->transpose(rows.count, s->d_logits, out + s->d_attn, s->K_stride,
                         t->WU_t + rows.begin, s->d_attn);
}

/* o meets every token: rows of E in the columns of W_O and U' get those of o. */
static void add_b_O(clh_fused *f, size_t piece)
{
    (void)piece;
    const size_t stride = f->shape.stride, column = clh_fused_column_W_O(f);
    for (size_t t = 0; t < f->shape.used; t++)
        f->kernel->axpy(f->size.d_attn + f->size.d_logits, 1, f->tables.Y + column,
                        f->tables.Y + clh_fused_token(t) * stride + column);
}

/* Scores of `rows` queries with every token and with the first `keys` positions, before norms; of
 * positions from `begin` on only with those up to the query's own. */
static void multiply_parts(clh_fused *f, size_t h, size_t source, size_t rows, size_t keys,
                           size_t begin, clh_real *out, size_t across)
{
    const size_t d_head = f->size.d_head, stride = f->shape.stride, span = f->shape.span;
    const clh_real *q = f->tables.Y + source * stride + h * d_head;
    const clh_real *keys_t = f->tables.keys_t + h * d_head * span;
    clh_multiply(f->kernel, rows, f->shape.used, d_head, 1 / f->attn_scale, clh_rows(q, stride),
                 clh_rows(keys_t, span), out, across);
    clh_multiply_part(f->kernel, rows, keys, d_head, 1 / f->attn_scale, clh_rows(q, stride),
                      clh_rows(keys_t + f->shape.lead, span), out + f->shape.lead, across,
                      CLH_GEMM_C_LOWER, begin);
}

/* Piece: a head's tokens, then its blocks of positions from the last on, which are the longest. */
static void make_parts(clh_fused *f, size_t piece)
{
    const clh_fused_shape *s = &f->shape;
    const size_t h = piece / (s->blocks + 1), left = piece % (s->blocks + 1);
    if (left == 0) {
        multiply_parts(f, h, clh_fused_token(0), s->used, s->positions, s->positions,
                       f->tables.token_parts + clh_fused_token_part(f, h, 0), s->span);
        return;
    }
    const size_t k = s->blocks - left, begin = clh_fused_block_begin(s, k);
    const size_t end = clh_fused_block_end(s, k, s->positions);
    multiply_parts(f, h, clh_fused_position(f, begin), end - begin, end, begin,
                   f->tables.parts + clh_fused_position_part(f, h, begin), s->across[k]);
}

void clh_fused_tables_make(clh_fused *f)
{
    assert(f && f->batch && f->batch->count >= 1);
    const clh_fused_size *s = &f->size;
    number_tokens(f);
    f->unit = unit_of(f);
    f->unit_eps = f->eps * (double)f->unit * (double)f->unit;
    const clh_fused_shape *shape = &f->shape;
    const size_t positions = clh_fused_pieces(shape->positions);
    const clh_fused_job weights[] = {
        {fold_rows, clh_fused_pieces(s->d_model)},
        {fold_biases, 1},
        {centre_positions, positions},
        {centre_tokens, clh_fused_pieces(1 + shape->used)},
        {centre_W_O, clh_fused_pieces(s->d_attn)},
    };
    const clh_fused_job products[] = {
        {multiply_sources, clh_fused_pieces(shape->sources)},
        {multiply_W_O, clh_fused_pieces(s->d_attn)},
    };
    const clh_fused_job scores[] = {
        {make_parts, s->n_heads * (shape->blocks + 1)},
        {add_b_O, 1},
    };
    clh_fused_run(f, weights, CLH_COUNT(weights));
    clh_fused_run(f, products, CLH_COUNT(products));
    clh_fused_run(f, scores, CLH_COUNT(scores));
}
