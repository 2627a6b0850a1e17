/* One sequence of the fused path. fused.h has the algebra; rows r are positions, `first` is the
 * first query that counts, L the positions that anybody reads. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/attention_head.h"
#include "model/loss_row.h"
#include "train/fused_parts.h"

/* One sequence's view of the work. */
typedef struct work {
    const clh_fused *f;
    const clh_fused_tables *t;
    const clh_fused_room *room;
    clh_fused_sums *sums;
    const clh_sequence *sequence;
    size_t L, first, rows; /* rows = L - first */
} work;

static size_t table_row(const work *w, size_t p)
{
    return w->t->row_of[w->sequence->tokens[p]];
}

/* [q k v] = (E_t W' + P_p W') / s + b' */
static void project(const work *w)
{
    const clh_fused *f = w->f;
    const size_t D = f->size.D, N = f->size.N;
    for (size_t p = 0; p < w->L; p++) {
        const size_t u = table_row(w, p);
        clh_real square = w->t->E_square[u] + w->t->P_square[p] +
                          2 * f->kernel->dot(D, w->t->E + u * D, w->t->P + p * D);
        clh_real inverse = 1 / (clh_real)sqrt((double)square / (double)D + f->eps);
        w->room->inverse[p] = inverse;
        f->kernel->combine(N, w->t->EW + u * N, w->t->PW + p * N, inverse, w->t->bias,
                           w->room->qkv + p * N);
    }
}

static clh_head head_at(const work *w, size_t h, bool gradient)
{
    const clh_fused *f = w->f;
    const clh_fused_room *room = w->room;
    const size_t at = h * f->size.d_head, A = f->size.A;
    clh_real *qkv = gradient ? room->g_qkv : room->qkv;
    clh_real *P = gradient ? room->g_pattern : room->pattern + h * w->L * w->L;
    return (clh_head){.T = w->L,
                      .d = f->size.d_head,
                      .stride = f->size.N,
                      .z_stride = A,
                      .across = w->L,
                      .attn_scale = f->attn_scale,
                      .q = qkv + at,
                      .k = qkv + A + at,
                      .v = qkv + 2 * A + at,
                      .z = (gradient ? room->g_z : room->z) + at,
                      .scores = P,
                      .pattern = P,
                      .turned = room->turned};
}

static void attend(const work *w)
{
    for (size_t h = 0; h < w->f->size.heads; h++) {
        const clh_head head = head_at(w, h, false);
        clh_head_forward(&head, w->f->kernel, w->first);
    }
}

/* resid = W_E[t] + W_pos[p] + b_O + z W_O, then normalized in place without the norm's w and b */
static void output(const work *w)
{
    const clh_fused *f = w->f;
    const clh_kernels *kernel = f->kernel;
    const size_t D = f->size.D, A = f->size.A;
    for (size_t p = w->first; p < w->L; p++)
        kernel->combine(D, f->weights.W_E + w->sequence->tokens[p] * D, f->weights.W_pos + p * D, 1,
                        f->weights.b_O, w->room->resid + p * D);
    clh_multiply_add(kernel, w->rows, D, A, 1, clh_rows(w->room->z + w->first * A, A),
                     clh_rows(f->weights.W_O, D), w->room->resid + w->first * D, D);
    for (size_t p = w->first; p < w->L; p++) {
        clh_real *x = w->room->resid + p * D, mean = kernel->sum(D, x) / (clh_real)D;
        clh_real square = kernel->square(D, x, mean);
        clh_real inverse = 1 / (clh_real)sqrt((double)square / (double)D + f->eps);
        w->room->inverse_final[p] = inverse;
        kernel->normalize(D, x, mean, inverse, NULL, NULL, x);
    }
}

/* logits = normalized U' + u', and their gradient in their place */
static void predict(const work *w)
{
    const clh_fused *f = w->f;
    const size_t D = f->size.D, O = f->size.O;
    clh_real *logits = w->room->logits + w->first * O;
    clh_loss_sum *loss = &w->sums->loss;
    size_t wrong = 0;
    for (size_t r = 0; r < w->rows; r++)
        memcpy(logits + r * O, w->t->u_bias, O * sizeof *logits);
    clh_multiply_add(f->kernel, w->rows, O, D, 1, clh_rows(w->room->resid + w->first * D, D),
                     clh_rows(w->t->U, O), logits, O);
    for (size_t p = w->first; p < w->L; p++) {
        clh_real *row = w->room->logits + p * O;
        const uint32_t token = w->sequence->tokens[p + 1];
        wrong += !clh_loss_is_largest(O, row, token);
        loss->loss += clh_loss_row(f->kernel, O, row, token, f->batch->weight, row);
    }
    loss->count += w->rows;
    loss->correct += w->rows - wrong;
    loss->sequences++;
    loss->sequences_correct += wrong == 0;
}

/* sum [m, n] += A B, or = where the slot is fresh */
static void multiply_into(const work *w, size_t m, size_t n, size_t k, clh_matrix a, clh_matrix b,
                          clh_real *sum)
{
    if (w->sums->fresh)
        clh_multiply(w->f->kernel, m, n, k, 1, a, b, sum, n);
    else
        clh_multiply_add(w->f->kernel, m, n, k, 1, a, b, sum, n);
}

/* g_U' += normalized^T g_logits, g_u' += sum_r g_logits, and through the last norm, x its input:
 * g_x = (g - mean(g) - n mean(g n)) / s with n the normalized row and g = g_logits U'^T */
static void predict_backward(const work *w)
{
    const clh_fused *f = w->f;
    const clh_kernels *kernel = f->kernel;
    const size_t D = f->size.D, O = f->size.O, first = w->first;
    const clh_real *g_logits = w->room->logits + first * O;
    multiply_into(w, D, O, w->rows, clh_transposed(w->room->resid + first * D, D),
                  clh_rows(g_logits, O), w->sums->U);
    for (size_t r = 0; r < w->rows; r++)
        kernel->axpy(O, 1, g_logits + r * O, w->sums->u_bias);
    clh_multiply(kernel, w->rows, D, O, 1, clh_rows(g_logits, O), clh_rows(w->t->U_t, D),
                 w->room->g_normalized + first * D, D);
    memset(w->room->g_resid, 0, w->L * D * sizeof *w->room->g_resid);
    for (size_t p = first; p < w->L; p++) {
        const clh_real *g = w->room->g_normalized + p * D, *n = w->room->resid + p * D;
        clh_real *g_x = w->room->g_resid + p * D, inverse = w->room->inverse_final[p];
        clh_real through = -inverse * kernel->dot(D, g, n) / (clh_real)D;
        clh_real sum = kernel->normalize_input(D, n, 0, inverse, through, g, NULL, g_x);
        kernel->shift(D, -(sum / (clh_real)D), g_x);
    }
}

/* g_W_O += z^T g_resid, g_b_O += sum_r g_resid, g_z = g_resid W_O^T, then back through the heads */
static void attend_backward(const work *w)
{
    const clh_fused *f = w->f;
    const size_t D = f->size.D, A = f->size.A, N = f->size.N, first = w->first;
    const clh_real *g_resid = w->room->g_resid + first * D;
    multiply_into(w, A, D, w->rows, clh_transposed(w->room->z + first * A, A), clh_rows(g_resid, D),
                  w->sums->W_O);
    for (size_t r = 0; r < w->rows; r++)
        f->kernel->axpy(D, 1, g_resid + r * D, w->sums->b_O);
    clh_multiply(f->kernel, w->rows, A, D, 1, clh_rows(g_resid, D), clh_rows(w->t->W_O_t, A),
                 w->room->g_z + first * A, A);
    for (size_t p = 0; p < first; p++) /* queries nobody asked: their gradient is 0 */
        memset(w->room->g_qkv + p * N, 0, A * sizeof *w->room->g_qkv);
    for (size_t h = 0; h < f->size.heads; h++) {
        const clh_head head = head_at(w, h, false), g = head_at(w, h, true);
        clh_head_backward(&head, &g, f->kernel, first);
    }
}

/* With G the gradient of [q k v] and y = E_t W' + P_p W':
 *   g_b' += G,  g_y = G / s,  g_s = -G.y / s^2,  and s depends on x = E_t + P_p as g_x = g_s x/(d
 * s). Rows of E and P, and those of W_E and W_pos along the residual stream, get the same sum. */
static void project_backward(const work *w)
{
    const clh_fused *f = w->f;
    const clh_fused_tables *t = w->t;
    const size_t D = f->size.D, N = f->size.N;
    if (w->sums->fresh && w->L < t->positions) { /* rows that a longer sequence will add to */
        memset(w->sums->PW + w->L * N, 0, (t->positions - w->L) * N * sizeof(clh_real));
        memset(w->sums->P + w->L * D, 0, (t->positions - w->L) * D * sizeof(clh_real));
    }
    for (size_t p = 0; p < w->L; p++) {
        if (w->sums->fresh) {
            memset(w->sums->PW + p * N, 0, N * sizeof(clh_real));
            memset(w->sums->P + p * D, 0, D * sizeof(clh_real));
        }
        const size_t u = table_row(w, p);
        const clh_real *G = w->room->g_qkv + p * N, inverse = w->room->inverse[p];
        clh_real along = f->kernel->dot_sum(N, G, t->EW + u * N, t->PW + p * N);
        clh_real c = -along * inverse * inverse * inverse / (clh_real)D;
        f->kernel->spread(N, G, inverse, w->sums->bias, w->sums->EW + u * N, w->sums->PW + p * N);
        f->kernel->spread_sum(D, w->room->g_resid + p * D, c, t->E + u * D, t->P + p * D,
                              w->sums->E + u * D, w->sums->P + p * D);
    }
}

void clh_fused_sequence(const clh_fused *f, const clh_sequence *sequence, clh_fused_sums *sums,
                        const clh_fused_room *room)
{
    assert(sequence->first_scored >= 1 && sequence->length - 1 <= f->size.T);
    if (sequence->length <= sequence->first_scored)
        return;
    work w = {.f = f, .t = &f->tables, .room = room, .sums = sums, .sequence = sequence};
    w.L = sequence->length - 1;
    w.first = sequence->first_scored - 1;
    w.rows = w.L - w.first;
    project(&w);
    attend(&w);
    output(&w);
    predict(&w);
    predict_backward(&w);
    attend_backward(&w);
    project_backward(&w);
    sums->fresh = false;
}
