/* Keys of slots in floats, and what their rows are made of. */
#include <math.h>

#include "base/base.h"
#include "prove/tables/tables.h"

/* Products of the parts' streams with those of letters, and of what is not a basis with each other. With
 * a basis in double: a sum of many coordinates is to be as right as one. */
static void set_products(const clh_tables *t, clh_parts *p, const clh_dense *from)
{
    const clh_letters_asked *a = t->asked;
    const clh_kernels *kernel = clh_kernels_best();
    for (size_t k = 0; k < p->count; k++) {
        const clh_real *of = p->stream + k * t->d_model;
        const double *exact = from->data + k * t->width;
        for (size_t j = 0; j < p->count && p->square; j++)
            p->square[k * p->count + j] = kernel->dot(t->d_model, of, p->stream + j * t->d_model);
        for (size_t x = 0; x < a->letters; x++) {
            const double *row = t->row_token.data + a->token[x] * t->width;
            double sum = 0;
            for (size_t c = t->outputs; c < t->width && !p->square; c++)
                sum += exact[c] * row[c];
            p->letter[k * CLH_LETTER_ROW + x] =
                p->square ? kernel->dot(t->d_model, of, t->stream_token + a->token[x] * t->d_model)
                          : (clh_real)sum;
        }
    }
}

/* `count` parts, part k the row from[which[k]]; `which` NULL: every row, which are a basis. */
static clh_status set_parts(const clh_tables *t, clh_parts *p, size_t count, const clh_dense *from,
                            const size_t *which, clh_error *err)
{
    p->count = count;
    p->stream = clh_alloc_array(count * t->d_model, sizeof *p->stream, err);
    p->row = clh_alloc_zeroed(count * t->columns, sizeof *p->row, err);
    p->letter = clh_alloc_zeroed(count * CLH_LETTER_ROW, sizeof *p->letter, err);
    if (which)
        p->square = clh_alloc_array(count * count, sizeof *p->square, err);
    if (!p->stream || !p->row || !p->letter || (which && !p->square))
        return CLH_ENOMEM;
    for (size_t k = 0; k < count; k++) {
        const double *row = from->data + (which ? which[k] : k) * t->width;
        for (size_t o = 0; o < t->outputs; o++)
            p->row[k * t->columns + o] = (clh_real)row[o];
        for (size_t c = 0; c < t->d_model; c++)
            p->stream[k * t->d_model + c] = (clh_real)row[t->outputs + c];
    }
    set_products(t, p, from);
    return CLH_OK;
}

/* Coordinates of a position's row in the basis. */
static void coordinates(const clh_tables *t, size_t position, double *out)
{
    const double *stream = t->row_place.data + position * t->width + t->outputs;
    for (size_t k = 0; k < t->reach.cols; k++)
        out[k] = 0;
    for (size_t c = 0; c < t->d_model; c++)
        for (size_t k = 0; k < t->reach.cols; k++)
            out[k] += stream[c] * t->reach.data[c * t->reach.cols + k];
}

static clh_status set_coordinates(const clh_tables *t, clh_slot_keys *s, clh_error *err)
{
    const size_t n = t->reach.cols;
    double *row = clh_alloc_array(n, sizeof *row, err);
    s->coordinate = clh_alloc_array(s->count * n, sizeof *s->coordinate, err);
    for (size_t k = 0; k < s->count && row && s->coordinate; k++) {
        coordinates(t, s->position[k], row);
        for (size_t c = 0; c < n; c++)
            s->coordinate[k * n + c] = (clh_real)row[c];
    }
    clh_free(row);
    return row && s->coordinate ? CLH_OK : CLH_ENOMEM;
}

static clh_status slot_keys(clh_tables *t, size_t slot, clh_error *err)
{
    const clh_letters_asked *a = t->asked;
    clh_slot_keys *s = &t->slots[slot];
    for (size_t i = 0; i < t->length; i++)
        s->count += a->slot[i] == slot;
    s->position = clh_alloc_array(s->count, sizeof *s->position, err);
    s->scale = clh_alloc_zeroed(s->count * CLH_LETTER_ROW, sizeof *s->scale, err);
    if (!s->position || !s->scale)
        return CLH_ENOMEM;
    for (size_t i = 0, k = 0; i < t->length; i++) {
        if (a->slot[i] != slot)
            continue;
        /* Of a letter that there is not any number above 0. */
        for (size_t x = 0; x < CLH_LETTER_ROW; x++)
            s->scale[k * CLH_LETTER_ROW + x] =
                x < a->letters ? (clh_real)t->u.data[i * t->d_vocab + a->token[x]] : 1;
        s->position[k++] = i;
    }
    if (t->reach.data && s->count > t->reach.cols) {
        s->parts = &t->basis;
        return set_coordinates(t, s, err);
    }
    s->parts = &s->own;
    return set_parts(t, &s->own, s->count, &t->row_place, s->position, err);
}

clh_status clh_tables_slots(clh_tables *t, const clh_watch *watch, clh_error *err)
{
    clh_status status = CLH_OK;
    if (t->reach.data)
        status = set_parts(t, &t->basis, t->reach.cols, &t->basis_row, NULL, err);
    for (size_t s = 0; s < t->asked->n && !status; s++) {
        status = clh_watch_check(watch, 0, t->d_vocab, "tokens", err);
        if (!status)
            status = slot_keys(t, s, err);
    }
    return status;
}

static void parts_deinit(clh_parts *p)
{
    clh_free(p->stream);
    clh_free(p->row);
    clh_free(p->square);
    clh_free(p->letter);
}

void clh_tables_slots_deinit(clh_tables *t)
{
    for (size_t s = 0; s < CLH_CERTIFY_LETTERS; s++) {
        clh_free(t->slots[s].position);
        clh_free(t->slots[s].scale);
        clh_free(t->slots[s].coordinate);
        parts_deinit(&t->slots[s].own);
    }
    parts_deinit(&t->basis);
}

/* ---- How far a basis is from one ---------------------------------------------------------------- */

/* The product of two of its columns less what it would be, at most. */
static double not_orthonormal(const clh_dense *basis)
{
    double most = 0;
    for (size_t a = 0; a < basis->cols; a++)
        for (size_t b = 0; b <= a; b++) {
            double sum = a == b ? -1 : 0;
            for (size_t c = 0; c < basis->rows; c++)
                sum += basis->data[c * basis->cols + a] * basis->data[c * basis->cols + b];
            most = fmax(most, fabs(sum));
        }
    return most;
}

/* Of one position's row: how far its logits, and how far its stream, are from the sum of its parts; and the
 * largest entry of that sum with all in absolute value, and of the row itself. */
typedef struct distance {
    double logits, stream, value, row;
} distance;

static void measure(const clh_tables *t, size_t position, double *at, double *sum, distance *most)
{
    const double *row = t->row_place.data + position * t->width;
    double square = 0;
    coordinates(t, position, at);
    for (size_t i = 0; i < t->width + t->outputs; i++)
        sum[i] = 0;
    for (size_t k = 0; k < t->reach.cols; k++) {
        const double *part = t->basis_row.data + k * t->width;
        for (size_t o = 0; o < t->outputs; o++) {
            sum[o] += at[k] * part[o];
            sum[t->width + o] += fabs(at[k] * part[o]);
        }
        for (size_t c = 0; c < t->d_model; c++)
            sum[t->outputs + c] += at[k] * t->reach.data[c * t->reach.cols + k];
    }
    for (size_t o = 0; o < t->outputs; o++) {
        most->logits = fmax(most->logits, fabs(row[o] - sum[o]));
        most->value = fmax(most->value, sum[t->width + o]);
        most->row = fmax(most->row, fabs(row[o]));
    }
    for (size_t c = t->outputs; c < t->width; c++)
        square += (row[c] - sum[c]) * (row[c] - sum[c]);
    most->stream = fmax(most->stream, sqrt(square));
}

clh_status clh_tables_basis_bounds(clh_tables *t, clh_error *err)
{
    clh_table_bounds *b = &t->bound;
    distance most = {0};
    if (!t->reach.data)
        return CLH_OK;
    const double n = (double)t->reach.cols, r = clh_gamma(n + (double)t->d_model + 8, 0x1p-53);
    double *at = clh_alloc_array(t->reach.cols, sizeof *at, err);
    double *sum = clh_alloc_array(t->width + t->outputs, sizeof *sum, err);
    for (size_t i = 0; i < t->length && at && sum; i++)
        if (t->asked->slot[i] < t->asked->n)
            measure(t, i, at, sum, &most);
    b->value += b->u * fmax(most.value - most.row, 0);
    b->table_value = b->u * (most.logits + 2 * r * most.value);
    b->apart =
        b->u * most.stream + b->stream * (n * (not_orthonormal(&t->reach) + r) + 4 * r * sqrt(n));
    clh_free(at);
    clh_free(sum);
    return at && sum ? CLH_OK : CLH_ENOMEM;
}
