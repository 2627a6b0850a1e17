/* What the fused path makes once a step from the weights, and the way back: from the gradients of
 * the tables to those of the parameters. fused.h has the algebra. */
#include <string.h>

#include "train/fused_parts.h"

enum { ROWS_A_PIECE = 16 };

/* W_Q, W_K, W_V with their biases: [heads, D, d_head] and [heads, d_head] each, A columns of W'. */
typedef struct projection {
    const clh_real *W, *b;
    size_t column; /* of W' where head 0 begins */
} projection;

static void projections_of(const clh_fused *f, projection out[3])
{
    const clh_fused_weights *w = &f->weights;
    const size_t A = f->size.A;
    out[0] = (projection){w->W_Q, w->b_Q, 0};
    out[1] = (projection){w->W_K, w->b_K, A};
    out[2] = (projection){w->W_V, w->b_V, 2 * A};
}

/* W'[i, ·] = w_i [W_Q W_K W_V][i, ·] and its transpose; b' = b [W_Q W_K W_V] + [b_Q b_K b_V] */
static void fold_projections(clh_fused *f)
{
    const clh_fused_size *s = &f->size;
    clh_fused_tables *t = &f->tables;
    projection from[3];
    projections_of(f, from);
    for (size_t p = 0; p < 3; p++)
        memcpy(t->bias + from[p].column, from[p].b, s->A * sizeof *t->bias);
    for (size_t i = 0; i < s->D; i++)
        for (size_t p = 0; p < 3; p++)
            for (size_t h = 0; h < s->heads; h++) {
                const clh_real *row = from[p].W + (h * s->D + i) * s->d_head;
                const size_t column = from[p].column + h * s->d_head;
                f->kernel->axpy(s->d_head, f->weights.b[i], row, t->bias + column);
                for (size_t c = 0; c < s->d_head; c++) {
                    clh_real value = f->weights.w[i] * row[c];
                    t->W[i * s->N + column + c] = value;
                    t->W_t[(column + c) * s->D + i] = value;
                }
            }
}

/* U' = diag(w_f) W_U and its transpose; u' = b_f W_U + b_U; W_O transposed */
static void fold_output(clh_fused *f)
{
    const clh_fused_size *s = &f->size;
    clh_fused_tables *t = &f->tables;
    memcpy(t->u_bias, f->weights.b_U, s->O * sizeof *t->u_bias);
    for (size_t i = 0; i < s->D; i++) {
        const clh_real *row = f->weights.W_U + i * s->O;
        f->kernel->axpy(s->O, f->weights.b_f[i], row, t->u_bias);
        for (size_t o = 0; o < s->O; o++) {
            t->U[i * s->O + o] = f->weights.w_f[i] * row[o];
            t->U_t[o * s->D + i] = t->U[i * s->O + o];
        }
    }
    for (size_t a = 0; a < s->A; a++)
        for (size_t i = 0; i < s->D; i++)
            t->W_O_t[i * s->A + a] = f->weights.W_O[a * s->D + i];
}

/* Number the tokens that any position of the batch reads. */
static void number_tokens(clh_fused *f)
{
    clh_fused_tables *t = &f->tables;
    t->used = t->positions = 0;
    memset(t->row_of, 0xff, f->size.V * sizeof *t->row_of);
    for (size_t b = 0; b < f->batch->count; b++) {
        const clh_sequence *sequence = &f->batch->sequence[b];
        if (sequence->length - 1 > t->positions)
            t->positions = sequence->length - 1;
        for (size_t p = 0; p + 1 < sequence->length; p++) {
            const uint32_t token = sequence->tokens[p];
            if (t->row_of[token] != UINT32_MAX)
                continue;
            t->token_of[t->used] = token;
            t->row_of[token] = (uint32_t)t->used++;
        }
    }
}

/* Row less its mean, and the square of what is left. */
static clh_real centre(const clh_fused *f, const clh_real *row, clh_real *out)
{
    const size_t D = f->size.D;
    clh_real mean = f->kernel->sum(D, row) / (clh_real)D;
    f->kernel->normalize(D, row, mean, 1, NULL, NULL, out);
    return f->kernel->dot(D, out, out);
}

/* Piece i: rows of E and EW, then rows of P and PW, ROWS_A_PIECE each. */
static size_t pieces_of(size_t rows)
{
    return (rows + ROWS_A_PIECE - 1) / ROWS_A_PIECE;
}

typedef struct piece {
    bool positions; /* rows of P, else of E */
    size_t begin, rows;
} piece;

static piece piece_at(const clh_fused *f, size_t index)
{
    const size_t of_tokens = pieces_of(f->tables.used);
    const bool positions = index >= of_tokens;
    const size_t begin = (positions ? index - of_tokens : index) * ROWS_A_PIECE;
    const size_t all = positions ? f->tables.positions : f->tables.used;
    const size_t rows = all - begin < ROWS_A_PIECE ? all - begin : ROWS_A_PIECE;
    return (piece){positions, begin, rows};
}

/* The row of W_pos, or of W_E, that row r of P or E was made from. */
static const clh_real *weight_row(const clh_fused *f, bool position, size_t r)
{
    return position ? f->weights.W_pos + r * f->size.D
                    : f->weights.W_E + f->tables.token_of[r] * f->size.D;
}

static void make_piece(void *context, size_t index, size_t worker)
{
    (void)worker;
    clh_fused *f = context;
    clh_fused_tables *t = &f->tables;
    const size_t D = f->size.D, N = f->size.N;
    const piece at = piece_at(f, index);
    clh_real *rows = at.positions ? t->P : t->E,
             *squares = at.positions ? t->P_square : t->E_square;
    clh_real *products = at.positions ? t->PW : t->EW;
    for (size_t r = at.begin; r < at.begin + at.rows; r++)
        squares[r] = centre(f, weight_row(f, at.positions, r), rows + r * D);
    clh_multiply(f->kernel, at.rows, N, D, 1, clh_rows(rows + at.begin * D, D), clh_rows(t->W, N),
                 products + at.begin * N, N);
}

void clh_fused_tables_make(clh_fused *f)
{
    number_tokens(f);
    fold_projections(f);
    fold_output(f);
    clh_pool_run(f->pool, pieces_of(f->tables.used) + pieces_of(f->tables.positions), make_piece,
                 f);
}

/* ---- Backward
 * ---------------------------------------------------------------------------------------- */

/* Where the gradient of the parameter at `weight` goes. */
static clh_real *gradient_of(const clh_fused *f, const clh_real *weight)
{
    return f->gradient + (weight - clh_model_data(f->model, NULL));
}

typedef struct backward {
    clh_fused *f;
    const clh_fused_sums *sums;
} backward;

/* Rows of W_E or W_pos: what came past W' plus the centred (g_EW W'^T). E and P are not needed any
 * more: the products take their place. */
static void backward_piece(void *context, size_t index, size_t worker)
{
    (void)worker;
    const backward *job = context;
    clh_fused *f = job->f;
    const size_t D = f->size.D, N = f->size.N;
    const piece at = piece_at(f, index);
    const clh_real *g_products = at.positions ? job->sums->PW : job->sums->EW;
    const clh_real *past = at.positions ? job->sums->P : job->sums->E;
    clh_real *back = at.positions ? f->tables.P : f->tables.E;
    clh_multiply(f->kernel, at.rows, D, N, 1, clh_rows(g_products + at.begin * N, N),
                 clh_rows(f->tables.W_t, D), back + at.begin * D, D);
    for (size_t r = at.begin; r < at.begin + at.rows; r++) {
        clh_real *g = gradient_of(f, weight_row(f, at.positions, r));
        (void)centre(f, back + r * D, g);
        f->kernel->axpy(D, 1, past + r * D, g);
    }
}

/* W'[i, c] = w_i W[i, c],  b'_c = sum_i b_i W[i, c] + b_c:
 *   g_W[i, c] = w_i g_W'[i, c] + b_i g_b'_c,  g_w_i = sum_c g_W'[i, c] W[i, c],
 *   g_b_i = sum_c W[i, c] g_b'_c,  and the bias's own gradient is g_b' */
static void unfold_row(const clh_fused *f, size_t columns, clh_real w, clh_real b,
                       const clh_real *W, const clh_real *g_folded, const clh_real *g_bias,
                       clh_real *g_W, clh_real *g_w, clh_real *g_b)
{
    *g_w += f->kernel->dot(columns, g_folded, W);
    *g_b += f->kernel->dot(columns, g_bias, W);
    memset(g_W, 0, columns * sizeof *g_W);
    f->kernel->axpy(columns, w, g_folded, g_W);
    f->kernel->axpy(columns, b, g_bias, g_W);
}

/* g_W' = E^T g_EW + P^T g_PW, ROWS_A_PIECE of its rows at a time, unfolded into the parameters */
static void backward_projections(void *context, size_t index, size_t worker)
{
    (void)worker;
    const backward *job = context;
    clh_fused *f = job->f;
    const clh_fused_size *s = &f->size;
    const size_t begin = index * ROWS_A_PIECE;
    const size_t rows = s->D - begin < ROWS_A_PIECE ? s->D - begin : ROWS_A_PIECE;
    clh_real *g_W = f->tables.W + begin * s->N; /* W' is not needed any more: its place is used */
    projection from[3];
    projections_of(f, from);
    clh_multiply(f->kernel, rows, s->N, f->tables.used, 1,
                 clh_transposed(f->tables.E + begin, s->D), clh_rows(job->sums->EW, s->N), g_W,
                 s->N);
    clh_multiply_add(f->kernel, rows, s->N, f->tables.positions, 1,
                     clh_transposed(f->tables.P + begin, s->D), clh_rows(job->sums->PW, s->N), g_W,
                     s->N);
    for (size_t i = begin; i < begin + rows; i++) {
        clh_real *g_w = gradient_of(f, f->weights.w) + i, *g_b = gradient_of(f, f->weights.b) + i;
        *g_w = *g_b = 0;
        for (size_t p = 0; p < 3; p++)
            for (size_t h = 0; h < s->heads; h++) {
                const size_t column = from[p].column + h * s->d_head;
                const clh_real *W = from[p].W + (h * s->D + i) * s->d_head;
                unfold_row(f, s->d_head, f->weights.w[i], f->weights.b[i], W,
                           f->tables.W + i * s->N + column, job->sums->bias + column,
                           gradient_of(f, W), g_w, g_b);
            }
    }
}

/* The parameters whose gradients the sums hold as they are, and the unembedding unfolded. */
static void backward_rest(clh_fused *f, const clh_fused_sums *sums)
{
    const clh_fused_size *s = &f->size;
    const clh_fused_weights *w = &f->weights;
    projection from[3];
    projections_of(f, from);
    for (size_t p = 0; p < 3; p++)
        memcpy(gradient_of(f, from[p].b), sums->bias + from[p].column, s->A * sizeof(clh_real));
    memcpy(gradient_of(f, w->W_O), sums->W_O, s->A * s->D * sizeof(clh_real));
    memcpy(gradient_of(f, w->b_O), sums->b_O, s->D * sizeof(clh_real));
    memcpy(gradient_of(f, w->b_U), sums->u_bias, s->O * sizeof(clh_real));
    for (size_t i = 0; i < s->D; i++) {
        clh_real *g_w = gradient_of(f, w->w_f) + i, *g_b = gradient_of(f, w->b_f) + i;
        const clh_real *W = w->W_U + i * s->O;
        *g_w = *g_b = 0;
        unfold_row(f, s->O, w->w_f[i], w->b_f[i], W, sums->U + i * s->O, sums->u_bias,
                   gradient_of(f, W), g_w, g_b);
    }
}

void clh_fused_tables_backward(clh_fused *f, const clh_fused_sums *sums)
{
    const clh_fused_size *s = &f->size;
    backward job = {f, sums};
    memset(gradient_of(f, f->weights.W_E), 0, s->V * s->D * sizeof(clh_real));
    memset(gradient_of(f, f->weights.W_pos), 0,
           clh_model_get_config(f->model)->n_ctx * s->D * sizeof(clh_real));
    clh_pool_run(f->pool, pieces_of(s->D), backward_projections, &job);
    clh_pool_run(f->pool, pieces_of(f->tables.used) + pieces_of(f->tables.positions),
                 backward_piece, &job);
    backward_rest(f, sums);
}
