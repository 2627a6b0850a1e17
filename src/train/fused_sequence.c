/* One sequence of the fused path. fused.h has the algebra, fused_attention.c the T x T part. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "train/fused_parts.h"

/* Rows of Y that meet at position p: its token's and its own. */
static size_t token_source(const clh_fused_work *w, size_t p)
{
    return clh_fused_token(w->f->tables.row_of[w->sequence->tokens[p]]);
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
    const size_t A = f->size.A, stride = f->shape.stride, X = clh_fused_column_X(f);
    for (size_t p = 0; p < w->length; p++) {
        const size_t at_t = token_source(w, p), at_p = clh_fused_position(f, p);
        const clh_real *token = t->Y + at_t * stride, *position = t->Y + at_p * stride;
        const clh_real square = t->square[at_t] + t->square[at_p] + 2 * position[X + at_t];
        const double mean = (double)(square < 0 ? 0 : square) / (double)f->size.D;
        w->room->inverse[p] = 1 / (clh_real)sqrt(mean + f->eps);
        f->kernel->combine(A, token + 2 * A, position + 2 * A, w->room->inverse[p], t->bias + 2 * A,
                           w->room->values + p * A);
    }
}

/* z [W_O W_O^T, W_O U'] of all rows */
static void output(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const size_t A = f->size.A, across = A + f->size.O, stride = f->shape.g_stride;
    clh_multiply(f->kernel, w->rows, across, A, 1, clh_rows(w->room->z + w->first * A, A),
                 clh_rows(f->tables.K, across), w->room->row + w->first * stride + A, stride);
}

/* Row p of plain_predict(). */
static clh_prediction prediction_at(const clh_fused_work *w, size_t p)
{
    const clh_fused *f = w->f;
    const clh_fused_tables *t = &f->tables;
    const size_t A = f->size.A, stride = f->shape.stride, X = clh_fused_column_X(f);
    const size_t at_t = token_source(w, p), at_p = clh_fused_position(f, p);
    const clh_real *token = t->Y + at_t * stride, *position = t->Y + at_p * stride;
    const size_t column = clh_fused_column_O(f);
    return (clh_prediction){
        .width = A,
        .outputs = f->size.O,
        .z = w->room->z + p * A,
        .token = token + column,
        .position = position + column,
        .bias = t->u_bias,
        .square = t->square[at_t] + t->square[at_p] + t->square[0] +
                  2 * (position[X + at_t] + position[X] + token[X]),
        .d = (double)f->size.D,
        .eps = f->eps,
        .target = w->sequence->tokens[p + 1],
        .row = w->room->row + p * f->shape.g_stride + A,
        .logits = w->room->logits,
    };
}

/* All predictions; for training also their way back, as far as each row goes by itself. */
static void predict(const clh_fused_work *w, clh_loss_sum *sum, double *per_position)
{
    size_t wrong = 0;
    for (size_t p = w->first; p < w->length; p++) {
        clh_prediction row = prediction_at(w, p);
        if (w->sums) {
            row.weight = (clh_real)w->f->batch->weight;
            row.g_z = w->room->g_z + p * w->f->size.A;
            row.g_bias = w->sums->u_bias;
        }
        const clh_predicted got = w->f->kernel->predict(&row);
        w->room->g_square[p] = got.g_square;
        sum->loss += got.loss;
        wrong += !got.correct;
        if (per_position)
            per_position[p + 1] = got.loss;
    }
    sum->count += w->rows;
    sum->correct += w->rows - wrong;
    sum->sequences++;
    sum->sequences_correct += wrong == 0;
}

/* sum[n] += sum_r x[r, n]: a product with a row of ones, which stays in registers */
static void add_rows(const clh_fused_work *w, size_t rows, size_t n, const clh_real *x,
                     clh_real *sum)
{
    clh_multiply_add(w->f->kernel, 1, n, rows, 1, clh_rows(w->f->ones, rows), clh_rows(x, n), sum,
                     n);
}

/* With r = [2 g_square z, g_y] what predict() leaves of a row: g_K += z^T r (twice that of W_O
 * W_O^T, which has W_O twice), g_z += g_y (W_O U')^T, and as pattern rows sum to 1 g_b'_V += sum_r
 * g_z. */
static void output_backward(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const size_t A = f->size.A, O = f->size.O, stride = f->shape.g_stride;
    const clh_real *z = w->room->z + w->first * A, *row = w->room->row + w->first * stride + A;
    clh_real *g_z = w->room->g_z + w->first * A;
    const clh_gemm g_K = {A,     A + O, w->rows,        z, 1, A, row, stride, 1, w->sums->K,
                          A + O, 1,     !w->sums->fresh};
    f->kernel->gemm(&g_K);
    clh_multiply_add(f->kernel, w->rows, A, O, 1, clh_rows(row + A, stride),
                     clh_rows(f->tables.WU_t, A), g_z, A);
    add_rows(w, w->rows, A, g_z, w->sums->b_V);
}

/* Position p's row [g_v, 2 g_square z, g_y], g_v / s first, to the rows of Y it came from; and what
 * came along both norms, each a function of |E_t + P_p (+ o)|^2:
 *
 *   g_s^2 = -(1/2) (g_log(1/s)) / s^2 / d,   |E + P|^2 = |E|^2 + |P|^2 + 2 E.P */
static void spread(const clh_fused_work *w, size_t p)
{
    const clh_fused *f = w->f;
    const clh_fused_tables *t = &f->tables;
    const size_t A = f->size.A, stride = f->shape.stride, g_stride = f->shape.g_stride;
    const size_t at_t = token_source(w, p), at_p = clh_fused_position(f, p);
    const size_t X = clh_fused_column_X(f) - 2 * A, width = p < w->first ? A : X;
    clh_real *g = w->room->row + p * f->shape.g_stride, inverse = w->room->inverse[p];
    clh_real *token = w->sums->Y + at_t * g_stride, *position = w->sums->Y + at_p * g_stride;
    const clh_real *v = t->Y + 2 * A;
    const clh_real along = w->room->along[p] +
                           inverse * f->kernel->dot_sum(A, g, v + at_t * stride, v + at_p * stride);
    f->kernel->normalize(A, g, 0, inverse, NULL, NULL, g);
    f->kernel->axpy(width, 1, g, token);
    if (w->sums->fresh) {
        memcpy(position, g, width * sizeof *g);
        memset(position + width, 0, (g_stride - width) * sizeof *g);
    } else {
        f->kernel->axpy(width, 1, g, position);
    }
    const clh_real of_last = p < w->first ? 0 : 2 * w->room->g_square[p];
    const clh_real of_both = of_last - along * inverse * inverse / (clh_real)f->size.D;
    position[X + at_t] += of_both;
    w->sums->norm[at_t] += of_both;
    w->sums->norm[at_p] += of_both;
    position[X] += of_last;
    token[X] += of_last;
    w->sums->norm[0] += of_last;
}

static bool begin(clh_fused_work *w, const clh_fused *f, const clh_sequence *sequence,
                  const clh_fused_room *room)
{
    assert(sequence->first_scored >= 1 && sequence->length - 1 <= f->size.T);
    if (sequence->length <= sequence->first_scored)
        return false;
    *w = (clh_fused_work){.f = f, .room = room, .sequence = sequence};
    w->length = sequence->length - 1;
    w->first = sequence->first_scored - 1;
    w->rows = w->length - w->first;
    return true;
}

static void forward(clh_fused_work *w)
{
    number_kinds(w);
    project(w);
    clh_fused_attend(w);
    output(w);
}

void clh_fused_sequence(const clh_fused *f, const clh_sequence *sequence, clh_fused_sums *sums,
                        const clh_fused_room *room)
{
    clh_fused_work w;
    if (!begin(&w, f, sequence, room))
        return;
    w.sums = sums;
    forward(&w);
    predict(&w, &sums->loss, NULL);
    output_backward(&w);
    clh_fused_attend_backward(&w);
    for (size_t p = 0; p < w.length; p++)
        spread(&w, p);
    if (sums->fresh) /* rows that a longer sequence will add to */
        memset(sums->Y + clh_fused_position(f, w.length) * f->shape.g_stride, 0,
               (f->shape.positions - w.length) * f->shape.g_stride * sizeof *sums->Y);
    sums->fresh = false;
}

void clh_fused_sequence_loss(const clh_fused *f, const clh_sequence *sequence,
                             const clh_fused_room *room, clh_loss_sum *sum, double *per_position,
                             size_t positions)
{
    clh_fused_work w;
    *sum = (clh_loss_sum){0};
    for (size_t p = 0; p < positions; p++)
        per_position[p] = NAN;
    if (!begin(&w, f, sequence, room))
        return;
    forward(&w);
    predict(&w, sum, per_position);
}
