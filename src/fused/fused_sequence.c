/* One sequence of a fused step; fused_attention.c is its T x T part. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "fused/fused_parts.h"

/* Of the rows of Y that meet at a position: its token's. */
static size_t token_source(const clh_fused_work *w, size_t p)
{
    return clh_fused_token(w->room->number[p]);
}

/* The tokens' rows of Y or its gradient, `stride` apart, from a column on, for positions from p on.
 */
static clh_token_rows token_rows(const clh_fused_work *w, const clh_real *Y, size_t stride,
                                 size_t column, size_t p)
{
    return (clh_token_rows){Y + clh_fused_token(0) * stride + column, stride, w->room->number + p};
}

/* Number the sequence's tokens once more, from 0 and without gaps; one_hot[p, its kind] = 1. */
static void number_kinds(clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const clh_fused_room *room = w->room;
    memset(room->kind_of, 0xff, f->shape.used * sizeof *room->kind_of);
    for (size_t p = 0; p < w->length; p++) {
        const uint32_t row = f->tables.row_of[w->sequence->tokens[p]];
        if (room->kind_of[row] == UINT32_MAX) {
            room->kind_row[w->kinds] = row;
            room->kind_of[row] = (uint32_t)w->kinds++;
        }
        room->number[p] = row;
        room->of[p] = room->kind_of[row];
    }
    w->kind_stride = (w->kinds + CLH_LANES - 1) / CLH_LANES * CLH_LANES;
    memset(room->one_hot, 0, w->length * w->kind_stride * sizeof *room->one_hot);
    for (size_t p = 0; p < w->length; p++)
        room->one_hot[p * w->kind_stride + room->of[p]] = 1;
}

/* 1 / s and v = (E_t W'_V + P_p W'_V) / s + b'_V */
static void project(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const clh_fused_tables *t = &f->tables;
    const size_t d_attn = f->size.d_attn, stride = f->shape.stride;
    const size_t column_X = clh_fused_column_X(f), first = clh_fused_position(f, 0);
    for (size_t p = 0; p < w->length; p++) {
        const size_t at_t = token_source(w, p), at_p = first + p;
        const clh_real dot = t->Y[at_p * stride + column_X + at_t];
        const clh_real square = t->square[at_t] + t->square[at_p] + 2 * dot;
        const double mean = (double)(square < 0 ? 0 : square) / (double)f->size.d_model;
        w->room->inverse[p] = 1 / (clh_real)sqrt(mean + f->unit_eps);
    }
    f->kernel->combine(&(clh_combine){.rows = w->length,
                                      .n = d_attn,
                                      .token = token_rows(w, t->Y, stride, 2 * d_attn, 0),
                                      .position = t->Y + first * stride + 2 * d_attn,
                                      .position_row = stride,
                                      .scale = w->room->inverse,
                                      .bias = t->bias + 2 * d_attn,
                                      .y = w->room->values});
}

/* z [W_O W_O^T, W_O U'] of some rows */
static void output(const clh_fused_work *w, clh_fused_queries q)
{
    const clh_fused *f = w->f;
    const size_t d_attn = f->size.d_attn, K_stride = f->size.K_stride;
    clh_multiply(f->kernel, q.end - q.begin, d_attn + f->size.d_logits, d_attn, 1,
                 clh_rows(clh_fused_z(w, q.begin), d_attn), clh_rows(f->tables.K, K_stride),
                 clh_fused_row(w, q.begin), K_stride);
}

/* |E_t + P_p + o|^2 of some rows */
static void squares(const clh_fused_work *w, clh_fused_queries q)
{
    const clh_fused_tables *t = &w->f->tables;
    const size_t stride = w->f->shape.stride, column_X = clh_fused_column_X(w->f);
    for (size_t p = q.begin; p < q.end; p++) {
        const size_t at_t = token_source(w, p), at_p = clh_fused_position(w->f, p);
        const clh_real *token = t->Y + at_t * stride, *position = t->Y + at_p * stride;
        w->room->square[p - q.begin] =
            t->square[at_t] + t->square[at_p] + t->square[0] +
            2 * (position[column_X + at_t] + position[column_X] + token[column_X]);
    }
}

/* Predictions of some rows; for training also their way back, as far as each row goes by itself.
 * Returns how many are wrong. */
static size_t predict(const clh_fused_work *w, clh_fused_queries q, clh_loss_sum *sum,
                      double *per_position)
{
    const clh_fused *f = w->f;
    const clh_fused_room *room = w->room;
    const size_t d_attn = f->size.d_attn, stride = f->shape.stride;
    const size_t column = clh_fused_column_W_O(f);
    squares(w, q);
    const clh_predictions rows = {
        .rows = q.end - q.begin,
        .width = d_attn,
        .outputs = f->size.d_logits,
        .d = (double)f->size.d_model,
        .eps = f->unit_eps,
        .weight = (clh_real)f->batch->weight,
        .bias = f->tables.u_bias,
        .z = clh_fused_z(w, q.begin),
        .z_row = d_attn,
        .token = token_rows(w, f->tables.Y, stride, column, q.begin),
        .position = f->tables.Y + clh_fused_position(f, q.begin) * stride + column,
        .position_row = stride,
        .square = room->square,
        .target = w->sequence->tokens + q.begin + 1,
        .logits = room->logits,
        .logits_row = f->size.d_vocab_out,
        .row = clh_fused_row(w, q.begin),
        .row_row = f->size.K_stride,
        .g_z = w->sums ? clh_fused_g_z(w, q.begin) : NULL,
        .g_square = room->g_square + q.begin,
        .g_bias = w->sums ? w->sums->u_bias : NULL,
        .each = per_position ? per_position + q.begin + 1 : NULL,
    };
    const clh_predicted out = f->kernel->predict(&rows);
    sum->loss += out.loss;
    return out.wrong;
}

/* sum[n] += sum_r x[r, n]: a product with a row of ones, which stays in registers */
static void add_rows(const clh_fused_work *w, size_t rows, size_t n, const clh_real *x,
                     clh_real *sum)
{
    clh_multiply_add(w->f->kernel, 1, n, rows, 1, clh_rows(w->f->ones, rows), clh_rows(x, n), sum,
                     n);
}

/* Row of sums of gradients of Y. */
static clh_real *row_of_sums(const clh_fused_work *w, clh_real *Y, size_t source)
{
    return Y + source * w->f->shape.g_stride;
}

/* With r = [2 g_square z, g_y] what predict() leaves of a row: g_z += g_y (W_O U')^T */
static void output_backward(const clh_fused_work *w, clh_fused_queries q)
{
    const clh_fused *f = w->f;
    const size_t d_attn = f->size.d_attn;
    clh_multiply_add(f->kernel, q.end - q.begin, d_attn, f->size.d_logits, 1,
                     clh_rows(clh_fused_row(w, q.begin) + d_attn, f->size.K_stride),
                     clh_rows(f->tables.WU_t, d_attn), clh_fused_g_z(w, q.begin), d_attn);
}

/* Of the rows kept: g_K += z^T r (twice that of W_O W_O^T, which has W_O twice), and as pattern rows
 * sum to 1 g_b'_V += sum_r g_z. Of the part of W_O W_O^T, z^T diag(2 g_square) z, only the lower
 * half. */
static void weights_backward(const clh_fused_work *w, size_t rows)
{
    const clh_fused *f = w->f;
    const size_t d_attn = f->size.d_attn, d_logits = f->size.d_logits;
    const size_t K_stride = f->size.K_stride, across = d_attn + d_logits;
    const clh_matrix z_t = clh_transposed(w->room->z, d_attn);
    const clh_real *row = w->room->row;
    clh_gemm of_W_O =
        clh_product(d_attn, d_attn, rows, 1, z_t, clh_rows(row, K_stride), w->sums->K, across);
    clh_gemm of_U = clh_product(d_attn, d_logits, rows, 1, z_t, clh_rows(row + d_attn, K_stride),
                                w->sums->K + d_attn, across);
    of_W_O.part = CLH_GEMM_C_LOWER;
    if (!w->sums->fresh) {
        clh_product_adds(&of_W_O);
        clh_product_adds(&of_U);
    }
    f->kernel->gemm(&of_W_O);
    f->kernel->gemm(&of_U);
    w->sums->fresh = false;
    add_rows(w, rows, d_attn, w->room->g_z, w->sums->b_V);
}

/* g_v / s of all positions to the rows of Y they came from. */
static void spread_values(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const size_t d_attn = f->size.d_attn, stride = f->shape.stride, at = clh_fused_position(f, 0);
    f->kernel->spread(&(clh_spread_rows){.rows = w->length,
                                         .n = d_attn,
                                         .scale = w->room->inverse,
                                         .token = token_rows(w, f->tables.Y, stride, 2 * d_attn, 0),
                                         .position = f->tables.Y + at * stride + 2 * d_attn,
                                         .position_row = stride,
                                         .g = w->room->g_values,
                                         .g_row = d_attn,
                                         .g_token = row_of_sums(w, w->sums->Y, clh_fused_token(0)),
                                         .g_position = row_of_sums(w, w->sums->of_positions->Y, at),
                                         .sum_row = f->shape.g_stride,
                                         .along = w->room->along,
                                         .fresh = w->sums->of_positions->fresh});
}

/* [2 g_square z, g_y] of the rows kept likewise. */
static void spread_outputs(const clh_fused_work *w, size_t rows)
{
    const clh_fused *f = w->f;
    const size_t d_attn = f->size.d_attn, at = clh_fused_position(f, w->kept);
    const clh_fused_rows_sums *of_positions = w->sums->of_positions;
    f->kernel->spread(&(clh_spread_rows){
        .rows = rows,
        .n = d_attn + f->size.d_logits,
        .token = {.number = w->room->number + w->kept},
        .g = w->room->row,
        .g_row = f->size.K_stride,
        .g_token = row_of_sums(w, w->sums->Y, clh_fused_token(0)) + d_attn,
        .g_position = row_of_sums(w, of_positions->Y, at) + d_attn,
        .sum_row = f->shape.g_stride,
        .fresh = of_positions->fresh,
    });
}

/* Of fresh sums of positions, what nothing is written to: columns of rows, rows that a longer
 * sequence will add to. */
static void clear_rest(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const size_t stride = f->shape.g_stride, column_X = clh_fused_column_X(f) - 2 * f->size.d_attn;
    clh_real *Y = w->sums->of_positions->Y;
    for (size_t p = 0; p < f->shape.positions; p++) {
        const size_t begin = p >= w->length ? 0 : p < w->first ? f->size.d_attn : column_X;
        memset(row_of_sums(w, Y, clh_fused_position(f, p)) + begin, 0,
               (stride - begin) * sizeof *Y);
    }
}

/* What came along both norms, each a function of |E_t + P_p (+ o)|^2:
 *
 *   g_s^2 = -(1/2) (g_log(1/s)) / s^2 / d,   |E + P|^2 = |E|^2 + |P|^2 + 2 E.P */
static void spread_squares(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const clh_fused_room *room = w->room;
    const size_t g_stride = f->shape.g_stride;
    const size_t column_X = clh_fused_column_X(f) - 2 * f->size.d_attn;
    for (size_t p = 0; p < w->length; p++) {
        const size_t at_t = token_source(w, p), at_p = clh_fused_position(f, p);
        clh_real *token = w->sums->Y + at_t * g_stride;
        clh_real *position = w->sums->of_positions->Y + at_p * g_stride;
        const clh_real of_last = p < w->first ? 0 : 2 * room->g_square[p];
        const clh_real of_both = of_last - room->along[p] * room->inverse[p] * room->inverse[p] /
                                               (clh_real)f->size.d_model;
        position[column_X + at_t] += of_both;
        w->sums->norm[at_t] += of_both;
        w->sums->norm[at_p] += of_both;
        position[column_X] += of_last;
        token[column_X] += of_last;
        w->sums->norm[0] += of_last;
    }
}

static bool begin(clh_fused_work *w, const clh_fused *f, const clh_sequence *sequence,
                  const clh_fused_room *room)
{
    assert(sequence->first_scored >= 1 && sequence->length - 1 <= f->size.pos);
    if (sequence->length <= sequence->first_scored)
        return false;
    *w = (clh_fused_work){.f = f, .room = room, .sequence = sequence};
    w->length = sequence->length - 1;
    w->first = sequence->first_scored - 1;
    w->rows = w->length - w->first;
    w->kept = w->first;
    return true;
}

/* What is kept goes to the sums, before the room has no place for the next block. */
static void add_kept(clh_fused_work *w, size_t end)
{
    const size_t rows = end - w->kept;
    if (w->sums && end < w->length && rows + CLH_FUSED_BLOCK <= CLH_FUSED_KEPT)
        return;
    if (w->sums) {
        weights_backward(w, rows);
        spread_outputs(w, rows);
    }
    w->kept = end;
}

/* Block after block of queries, forward and, for training, back. */
static void run_blocks(clh_fused_work *w, clh_loss_sum *sum, double *per_position)
{
    size_t wrong = 0;
    number_kinds(w);
    project(w);
    clh_fused_attend_begin(w);
    for (size_t k = clh_fused_block_first(w); k < clh_fused_blocks(w); k++) {
        const clh_fused_queries q = clh_fused_block(w, k);
        clh_fused_attend(w, k);
        output(w, q);
        wrong += predict(w, q, sum, per_position);
        if (w->sums) {
            output_backward(w, q);
            clh_fused_attend_backward(w, k);
        }
        add_kept(w, q.end);
    }
    sum->count += w->rows;
    sum->correct += w->rows - wrong;
    sum->sequences++;
    sum->sequences_correct += wrong == 0;
}

void clh_fused_sequence(const clh_fused *f, const clh_sequence *sequence, clh_fused_sums *sums,
                        const clh_fused_room *room)
{
    assert(f && sequence && sums && room);
    clh_fused_work w;
    if (!begin(&w, f, sequence, room))
        return;
    w.sums = sums;
    run_blocks(&w, &sums->loss, NULL);
    clh_fused_attend_end(&w);
    spread_values(&w);
    if (sums->of_positions->fresh)
        clear_rest(&w);
    spread_squares(&w);
    sums->of_positions->fresh = false;
}

void clh_fused_sequence_loss(const clh_fused *f, const clh_sequence *sequence,
                             const clh_fused_room *room, clh_loss_sum *sum, double *per_position,
                             size_t positions)
{
    assert(f && sequence && room && sum && (per_position || positions == 0));
    clh_fused_work w;
    *sum = (clh_loss_sum){0};
    for (size_t p = 0; p < positions; p++)
        per_position[p] = NAN;
    if (!begin(&w, f, sequence, room))
        return;
    run_blocks(&w, sum, per_position);
}
