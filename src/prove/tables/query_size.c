/* The size of the stream that all letters make: docs/mathematics.md, "Certificate". */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "prove/tables/query.h"

#define LEAST 0x1p-40

static const clh_real *stream_of(const clh_query *q, size_t slot, size_t x)
{
    return q->stream + (slot * CLH_LETTER_ROW + x) * q->tables->d_model;
}

/* What each letter of a slot adds to D c. */
static void set_streams(clh_query *q, size_t slot)
{
    const clh_tables *t = q->tables;
    const clh_letter_weights w = clh_query_parts(q, slot);
    const size_t begin = q->begin[slot], d = t->d_model;
    clh_real *to = q->stream + (slot * CLH_LETTER_ROW + begin) * d;
    clh_multiply(q->kernel, q->end[slot] - begin, d, w.keys, 1,
                 clh_transposed(w.weight + begin, CLH_LETTER_ROW),
                 clh_rows(t->slots[slot].parts->stream, d), to, d);
    for (size_t x = begin; x < q->end[slot]; x++, to += d) {
        const uint32_t token = t->asked->token[x];
        q->kernel->axpy(d, w.scaled[x], t->stream_token + token * d, to);
        q->kernel->axpy(d, w.sum[x], q->direct_stream, to);
    }
}

/* Products with the base, and with slots that come later in the query's order. */
static void set_products(clh_query *q)
{
    const clh_tables *t = q->tables;
    const size_t n = t->asked->n, d = t->d_model;
    const double *base = q->exact[n] + t->outputs;
    clh_real *of = q->towards_stream; /* the direction is not needed any more */
    q->base_square = q->kernel->exact_square(d, base);
    for (size_t c = 0; c < d; c++)
        of[c] = (clh_real)base[c];
    for (size_t i = 0; i < q->slots; i++) {
        const size_t s = q->order[i], begin = q->begin[s], count = q->end[s] - begin;
        const clh_real *from = stream_of(q, s, begin);
        for (size_t x = begin; x < q->end[s]; x++) {
            const clh_real *at = stream_of(q, s, x);
            q->squares[s * CLH_LETTER_ROW + x] =
                q->kernel->dot(d, at, at) + 2 * q->kernel->dot(d, at, of);
        }
        for (size_t j = i + 1; j < q->slots; j++) {
            const size_t r = q->order[j];
            clh_multiply(q->kernel, count, q->end[r] - q->begin[r], d, 2, clh_rows(from, d),
                         clh_transposed(stream_of(q, r, q->begin[r]), d),
                         q->pairs + ((s * n + r) * CLH_LETTER_ROW + begin) * CLH_LETTER_ROW +
                             q->begin[r],
                         CLH_LETTER_ROW);
        }
    }
}

clh_query_fixed clh_query_fix(clh_query *q, const uint8_t *letters)
{
    const clh_tables *t = q->tables;
    const size_t n = t->asked->n;
    assert(q->slots > 0);
    if (!q->sizes) {
        for (size_t i = 0; i < q->slots; i++)
            set_streams(q, q->order[i]);
        set_products(q);
        q->sizes = true;
    }
    clh_query_fixed out = {.square = q->base_square,
                           .weight = q->exact[n][t->width],
                           .most = t->bound.stream + q->direct_length * sqrt((double)t->d_model),
                           .last = q->order[q->slots - 1]};
    for (size_t i = 0; i + 1 < q->slots; i++) {
        const size_t s = q->order[i], x = letters[s];
        out.square += (double)q->squares[s * CLH_LETTER_ROW + x];
        out.weight += (double)q->sum[s * CLH_LETTER_ROW + x];
        for (size_t j = i + 1; j < q->slots; j++) {
            const size_t r = q->order[j];
            const clh_real *of = q->pairs + ((s * n + r) * CLH_LETTER_ROW + x) * CLH_LETTER_ROW;
            if (r == out.last)
                out.pair[i] = of;
            else
                out.square += (double)of[letters[r]];
        }
    }
    return out;
}

/* Each stream is no longer than its weight times `most`. Of small ones floats would lose the squares. */
clh_query_sized clh_query_size(const clh_query *q, const clh_query_fixed *f, size_t x)
{
    const clh_tables *t = q->tables;
    const double d = (double)t->d_model;
    double square = f->square + (double)q->squares[f->last * CLH_LETTER_ROW + x];
    const double weight = f->weight + (double)q->sum[f->last * CLH_LETTER_ROW + x];
    for (size_t i = 0; i + 1 < q->slots; i++)
        square += (double)f->pair[i][x];
    const double most = weight * f->most;
    if (weight < LEAST || most < LEAST)
        return (clh_query_sized){.off = 1e200, .weight = weight};
    const double share = 1.01 * (2 * q->off + clh_gamma(3 * d + 100, CLH_ROUNDING));
    const double error = (share * most + 4 * weight * t->bound.apart) * most / d;
    const double size = sqrt(fmax(square / d + weight * weight * t->eps, error));
    return (clh_query_sized){size, size > 0 ? 1.001 * error / size : 0, weight};
}
