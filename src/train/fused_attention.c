/* The T x T part of a sequence on the fused path: scores from their parts, pattern, z, and back.
 * attention_head.c is the same from q, k and v. Blocks of queries skip the keys that none of them
 * may see. */
#include <assert.h>
#include <string.h>

#include "train/fused_parts.h"

/* A block of queries of one head. */
typedef struct block {
    size_t head, begin, end; /* queries; keys are 0 … end-1 */
    size_t at, across;       /* of the first query's row in parts, and between rows */
} block;

static size_t blocks_of(const clh_fused_work *w)
{
    return (w->length - 1) / w->f->shape.block + 1;
}

static block block_at(const clh_fused_work *w, size_t head, size_t k)
{
    const clh_fused_shape *s = &w->f->shape;
    const size_t begin = k * s->block < w->first ? w->first : k * s->block;
    return (block){.head = head,
                   .begin = begin,
                   .end = clh_fused_block_end(s, k, w->length),
                   .at = head * s->parts + clh_fused_position_part(w->f, begin),
                   .across = s->across[k]};
}

static size_t token_row(const clh_fused_work *w, size_t p)
{
    return w->f->tables.row_of[w->sequence->tokens[p]];
}

/* Where query i's token has its row of a head's parts. */
static size_t token_part(const clh_fused_work *w, size_t head, size_t i)
{
    return head * w->f->shape.parts + clh_fused_token_part(w->f, token_row(w, i));
}

/* bias_j = b'_Q . k_j / scale, less what is the same for all keys */
static void bias_of_keys(const clh_fused_work *w, size_t head)
{
    const clh_real *key_bias = w->f->tables.key_bias + head;
    const size_t heads = w->f->size.heads;
    for (size_t j = 0; j < w->length; j++)
        w->room->bias[j] =
            w->room->inverse[j] * (key_bias[clh_fused_token(token_row(w, j)) * heads] +
                                   key_bias[clh_fused_position(w->f, j) * heads]);
}

/* Row i of plain_attend(). */
static void attend_row(const clh_fused_work *w, const block *b, size_t i)
{
    const clh_fused_room *room = w->room;
    const size_t lead = w->f->shape.lead, at = b->at + (i - b->begin) * b->across;
    const clh_real *position = w->f->tables.parts + at;
    const clh_real *token = w->f->tables.parts + token_part(w, b->head, i);
    for (size_t c = 0; c < w->kinds; c++)
        room->kind[c] = position[room->kind_row[c]] + token[room->kind_row[c]];
    const clh_query query = {
        .keys = i + 1,
        .position = position + lead,
        .token = token + lead,
        .kind = room->kind,
        .of = room->of,
        .kinds = w->kinds,
        .scale = room->inverse[i],
        .inverse = room->inverse,
        .bias = room->bias,
        .scores = room->scores + at + lead,
        .pattern = room->pattern + at + lead,
    };
    w->f->kernel->attend(&query);
    memset(query.pattern + i + 1, 0, (b->end - i - 1) * sizeof *query.pattern);
}

void clh_fused_attend(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const size_t A = f->size.A, d = f->size.d_head, lead = f->shape.lead;
    for (size_t h = 0; h < f->size.heads; h++) {
        bias_of_keys(w, h);
        for (size_t k = w->first / f->shape.block; k < blocks_of(w); k++) {
            const block b = block_at(w, h, k);
            for (size_t i = b.begin; i < b.end; i++)
                attend_row(w, &b, i);
            clh_multiply(f->kernel, b.end - b.begin, d, b.end, 1,
                         clh_rows(w->room->pattern + b.at + lead, b.across),
                         clh_rows(w->room->values + h * d, A), w->room->z + b.begin * A + h * d, A);
        }
    }
}

/* g_pattern_ij = g_z_i . v_j into the room, g_v_j += sum_i pattern_ij g_z_i. The last block has all
 * keys, so it is first and writes. */
static void block_backward_values(const clh_fused_work *w, const block *b)
{
    const clh_fused *f = w->f;
    const size_t A = f->size.A, d = f->size.d_head, rows = b->end - b->begin;
    const clh_real *g_z = w->room->g_z + b->begin * A + b->head * d;
    const clh_real *pattern = w->room->pattern + b->at + f->shape.lead;
    const clh_gemm g_v = {b->end,
                          d,
                          rows,
                          pattern,
                          1,
                          b->across,
                          g_z,
                          A,
                          1,
                          w->room->row + b->head * d,
                          f->shape.g_stride,
                          1,
                          b->end < w->length};
    clh_multiply(f->kernel, rows, b->end, d, 1, clh_rows(g_z, A),
                 clh_rows(w->room->values_t, w->length), w->room->g_pattern, f->shape.span);
    f->kernel->gemm(&g_v);
}

/* Row i of plain_attend_back(); its mean, sum_j pattern_ij g_z_i . v_j, is g_z_i . z_i. */
static void attend_row_backward(const clh_fused_work *w, const block *b, size_t i)
{
    const clh_fused *f = w->f;
    const clh_fused_room *room = w->room;
    const size_t lead = f->shape.lead, d = f->size.d_head, row = i - b->begin;
    const size_t at = b->at + row * b->across, z = i * f->size.A + b->head * d;
    clh_real *g_position = w->sums->parts + at;
    clh_real *g_token = w->sums->parts + token_part(w, b->head, i);
    const clh_query_back query = {
        .keys = i + 1,
        .scores = room->scores + at + lead,
        .pattern = room->pattern + at + lead,
        .inverse = room->inverse,
        .bias = room->bias,
        .mean = f->kernel->dot(d, room->g_z + z, room->z + z),
        .scale = room->inverse[i],
        .fresh = w->sums->fresh,
        .g = room->g_pattern + row * f->shape.span,
        .g_position = g_position + lead,
        .g_token = g_token + lead,
        .sum = room->sum,
        .along = room->sum_along,
    };
    room->along[i] += f->kernel->attend_back(&query);
    memset(query.g + i + 1, 0, (b->end - i - 1) * sizeof *query.g);
    if (!w->sums->fresh)
        return;
    memset(g_position, 0, lead * sizeof *g_position);
    memset(query.g_position + i + 1, 0, (b->across - lead - i - 1) * sizeof *g_position);
}

/* What reaches a query's part with a kind of token: the sum over the keys of that kind. */
static void block_backward_kinds(const clh_fused_work *w, const block *b)
{
    const clh_fused_room *room = w->room;
    const size_t stride = w->kind_stride;
    clh_multiply(w->f->kernel, b->end - b->begin, w->kinds, b->end, 1,
                 clh_rows(room->g_pattern, w->f->shape.span), clh_rows(room->one_hot, stride),
                 room->g_kind, stride);
    for (size_t i = b->begin; i < b->end; i++) {
        const clh_real *g = room->g_kind + (i - b->begin) * stride;
        clh_real *position = w->sums->parts + b->at + (i - b->begin) * b->across;
        clh_real *token = w->sums->parts + token_part(w, b->head, i);
        for (size_t c = 0; c < w->kinds; c++) {
            position[room->kind_row[c]] += g[c];
            token[room->kind_row[c]] += g[c];
        }
    }
}

/* Queries that nobody asked, before the first and after the last, have no part in a fresh slot. */
static void clear_unasked(const clh_fused_work *w, size_t head)
{
    const clh_fused_shape *s = &w->f->shape;
    clh_real *parts = w->sums->parts + head * s->parts;
    const size_t of_first = clh_fused_position_part(w->f, 0);
    const size_t end = clh_fused_position_part(w->f, w->first);
    memset(parts + of_first, 0, (end - of_first) * sizeof *parts);
    if (w->length < s->positions) {
        const size_t from = clh_fused_position_part(w->f, w->length);
        memset(parts + from, 0, (s->parts - from) * sizeof *parts);
    }
}

/* Gradients of a head's keys: along 1 / s, and to the rows that make b'_Q . k. */
static void keys_backward(const clh_fused_work *w, size_t head)
{
    const size_t heads = w->f->size.heads;
    clh_real *g = w->sums->key_bias + head;
    for (size_t j = 0; j < w->length; j++) {
        const clh_real sum = w->room->sum[j] * w->room->inverse[j];
        w->room->along[j] += w->room->sum_along[j];
        g[clh_fused_token(token_row(w, j)) * heads] += sum;
        g[clh_fused_position(w->f, j) * heads] += sum;
    }
}

void clh_fused_attend_backward(const clh_fused_work *w)
{
    const clh_fused *f = w->f;
    const clh_fused_room *room = w->room;
    const size_t d = f->size.d_head;
    memset(room->along, 0, w->length * sizeof *room->along);
    for (size_t h = 0; h < f->size.heads; h++) {
        if (f->size.heads > 1)
            bias_of_keys(w, h);
        memset(room->sum, 0, w->length * sizeof *room->sum);
        memset(room->sum_along, 0, w->length * sizeof *room->sum_along);
        f->kernel->transpose(w->length, d, room->values + h * d, f->size.A, room->values_t,
                             w->length);
        if (w->sums->fresh)
            clear_unasked(w, h);
        for (size_t k = blocks_of(w); k > w->first / f->shape.block; k--) {
            const block b = block_at(w, h, k - 1);
            block_backward_values(w, &b);
            for (size_t i = b.begin; i < b.end; i++)
                attend_row_backward(w, &b, i);
            block_backward_kinds(w, &b);
        }
        keys_backward(w, h);
    }
}
