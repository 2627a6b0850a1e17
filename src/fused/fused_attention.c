/* The T x T part of a sequence of a fused step: scores from their parts, pattern, z, and back.
 * attention_head.c is the same from q, k and v. A block of queries skips the keys that none of
 * them may see, and goes all the way, loss and back, before the next: of the T x T pattern no more
 * than a block's rows is ever in memory. */
#include <assert.h>
#include <string.h>

#include "fused/fused_parts.h"

/* A head of a block of queries. */
typedef struct block {
    size_t head, begin, end; /* queries; keys are 0 … end-1 */
    size_t part, across;     /* of the first query's row in positions' parts, and between rows */
    size_t room;             /* of its row in scores and pattern, `span` between rows */
} block;

size_t clh_fused_blocks(const clh_fused_work *w)
{
    return (w->length - 1 - w->f->shape.first) / w->f->shape.block + 1;
}

size_t clh_fused_block_first(const clh_fused_work *w)
{
    return (w->first - w->f->shape.first) / w->f->shape.block;
}

clh_fused_queries clh_fused_block(const clh_fused_work *w, size_t k)
{
    assert(w && k < w->f->shape.blocks);
    const clh_fused_shape *s = &w->f->shape;
    const size_t begin = clh_fused_block_begin(s, k);
    return (clh_fused_queries){begin < w->first ? w->first : begin,
                               clh_fused_block_end(s, k, w->length)};
}

static block block_at(const clh_fused_work *w, size_t head, size_t k)
{
    const clh_fused_shape *s = &w->f->shape;
    const clh_fused_queries q = clh_fused_block(w, k);
    return (block){.head = head,
                   .begin = q.begin,
                   .end = q.end,
                   .part = clh_fused_position_part(w->f, head, q.begin),
                   .across = s->across[k],
                   .room = head * s->block * s->span};
}

/* ---- Forward
 * ---------------------------------------------------------------------------------------- */

/* bias_j = b'_Q . k_j / scale, less what is the same for all keys */
static void bias_of_keys(const clh_fused_work *w, size_t head)
{
    const clh_real *key_bias = w->f->tables.key_bias + head;
    const size_t n_heads = w->f->size.n_heads;
    for (size_t j = 0; j < w->length; j++)
        w->room->bias[head * w->length + j] =
            w->room->inverse[j] * (key_bias[clh_fused_token(w->room->number[j]) * n_heads] +
                                   key_bias[clh_fused_position(w->f, j) * n_heads]);
}

/* What position and token of each query make of each kind of token. */
static void kinds_of_queries(const clh_fused_work *w, const block *b)
{
    const clh_fused *f = w->f;
    const uint32_t *row_of_kind = w->room->kind_row;
    const clh_real *position = f->tables.parts + b->part;
    clh_real *kind = w->room->kind;
    for (size_t i = b->begin; i < b->end; i++, position += b->across, kind += w->kind_stride) {
        const clh_real *token =
            f->tables.token_parts + clh_fused_token_part(f, b->head, w->room->number[i]);
        for (size_t c = 0; c < w->kinds; c++)
            kind[c] = position[row_of_kind[c]] + token[row_of_kind[c]];
    }
}

static void attend_rows(const clh_fused_work *w, const block *b)
{
    const clh_fused_room *room = w->room;
    const clh_fused_shape *s = &w->f->shape;
    const clh_real *token_parts =
        w->f->tables.token_parts + clh_fused_token_part(w->f, b->head, 0) + s->lead;
    kinds_of_queries(w, b);
    w->f->kernel->attend(&(clh_queries){.rows = b->end - b->begin,
                                        .keys = b->begin + 1,
                                        .end = b->end,
                                        .position = w->f->tables.parts + b->part + s->lead,
                                        .position_row = b->across,
                                        .token = {token_parts, s->span, room->number + b->begin},
                                        .kind = room->kind,
                                        .kind_row = w->kind_stride,
                                        .kinds = w->kinds,
                                        .of = room->of,
                                        .scale = room->inverse + b->begin,
                                        .inverse = room->inverse,
                                        .bias = room->bias + b->head * w->length,
                                        .scores = room->scores + b->room,
                                        .pattern = room->pattern + b->room,
                                        .row = s->span});
}

void clh_fused_attend(const clh_fused_work *w, size_t k)
{
    assert(w && k < w->f->shape.blocks);
    const clh_fused *f = w->f;
    const size_t d_attn = f->size.d_attn, d_head = f->size.d_head;
    for (size_t h = 0; h < f->size.n_heads; h++) {
        const block b = block_at(w, h, k);
        attend_rows(w, &b);
        clh_multiply_part(f->kernel, b.end - b.begin, d_head, b.end, 1,
                          clh_rows(w->room->pattern + b.room, f->shape.span),
                          clh_rows(w->room->values + h * d_head, d_attn),
                          clh_fused_z(w, b.begin) + h * d_head, d_attn, CLH_GEMM_A_LOWER, b.begin);
    }
}

/* ---- Backward
 * --------------------------------------------------------------------------------------- */

/* Between rows of values_t: each begins a line of the cache. */
static size_t keys_across(const clh_fused_work *w)
{
    return w->f->shape.span - w->f->shape.lead;
}

/* g_pattern_ij = g_z_i . v_j into the room, g_v_j += sum_i pattern_ij g_z_i, where keys that no
 * earlier block had are written. */
static void values_backward(const clh_fused_work *w, const block *b)
{
    const clh_fused *f = w->f;
    const size_t d_attn = f->size.d_attn, d_head = f->size.d_head, rows = b->end - b->begin;
    const size_t had = b->begin == w->first ? 0 : b->begin;
    const clh_matrix g_z = clh_rows(clh_fused_g_z(w, b->begin) + b->head * d_head, d_attn);
    const clh_real *pattern = w->room->pattern + b->room;
    clh_real *g_v = w->room->g_values + b->head * d_head;
    clh_multiply_part(
        f->kernel, rows, b->end, d_head, 1, g_z,
        clh_rows(w->room->values_t + b->head * d_head * keys_across(w), keys_across(w)),
        w->room->g_pattern, f->shape.span, CLH_GEMM_C_LOWER, b->begin);
    clh_multiply_add(f->kernel, had, d_head, rows, 1, clh_transposed(pattern, f->shape.span), g_z,
                     g_v, d_attn);
    clh_multiply_part(f->kernel, b->end - had, d_head, rows, 1,
                      clh_transposed(pattern + had, f->shape.span), g_z, g_v + had * d_attn, d_attn,
                      CLH_GEMM_A_UPPER, b->begin - had);
}

/* In fresh sums, numbers of parts that nobody else writes: of tokens, past the block's keys. */
static void clear_rest(const clh_fused_work *w, const block *b)
{
    const clh_fused_shape *s = &w->f->shape;
    clh_real *row = w->sums->of_positions->parts + b->part;
    for (size_t i = b->begin; i < b->end; i++, row += b->across) {
        memset(row, 0, s->lead * sizeof *row);
        memset(row + s->lead + b->end, 0, (b->across - s->lead - b->end) * sizeof *row);
    }
}

static void attend_rows_backward(const clh_fused_work *w, const block *b)
{
    const clh_fused_room *room = w->room;
    const clh_fused_shape *s = &w->f->shape;
    const size_t keys = b->head * w->length;
    const clh_fused_rows_sums *sums = w->sums->of_positions;
    clh_real *token_parts = w->sums->parts + clh_fused_token_part(w->f, b->head, 0);
    if (sums->fresh)
        clear_rest(w, b);
    w->f->kernel->attend_back(&(clh_queries_back){
        .rows = b->end - b->begin,
        .keys = b->begin + 1,
        .end = b->end,
        .scores = room->scores + b->room,
        .pattern = room->pattern + b->room,
        .g = room->g_pattern,
        .row = s->span,
        .scale = room->inverse + b->begin,
        .inverse = room->inverse,
        .bias = room->bias + keys,
        .fresh = sums->fresh,
        .g_position = sums->parts + b->part + s->lead,
        .position_row = b->across,
        .g_token = token_parts + s->lead,
        .token_row = s->span,
        .number = room->number + b->begin,
        .sum = room->sum + keys,
        .along = room->sum_along + keys,
        .along_query = room->along + b->begin,
    });
}

/* What reaches a query's part with a kind of token: the sum over the keys of that kind. */
static void kinds_backward(const clh_fused_work *w, const block *b)
{
    const clh_fused_room *room = w->room;
    const size_t stride = w->kind_stride;
    clh_multiply_part(w->f->kernel, b->end - b->begin, w->kinds, b->end, 1,
                      clh_rows(room->g_pattern, w->f->shape.span), clh_rows(room->one_hot, stride),
                      room->g_kind, stride, CLH_GEMM_A_LOWER, b->begin);
    for (size_t i = b->begin; i < b->end; i++) {
        const clh_real *g = room->g_kind + (i - b->begin) * stride;
        clh_real *position = w->sums->of_positions->parts + b->part + (i - b->begin) * b->across;
        clh_real *token = w->sums->parts + clh_fused_token_part(w->f, b->head, room->number[i]);
        for (size_t c = 0; c < w->kinds; c++) {
            position[room->kind_row[c]] += g[c];
            token[room->kind_row[c]] += g[c];
        }
    }
}

void clh_fused_attend_backward(const clh_fused_work *w, size_t k)
{
    assert(w && w->sums && k < w->f->shape.blocks);
    for (size_t h = 0; h < w->f->size.n_heads; h++) {
        const block b = block_at(w, h, k);
        values_backward(w, &b);
        attend_rows_backward(w, &b);
        kinds_backward(w, &b);
    }
}

/* ---- Before the first block and after the last
 * ------------------------------------------------------ */

/* Queries that nobody asked, before the first and after the last, have no part in fresh sums. */
static void clear_unasked(const clh_fused_work *w, size_t head)
{
    const clh_fused_shape *s = &w->f->shape;
    clh_real *parts = w->sums->of_positions->parts;
    const size_t begin = clh_fused_position_part(w->f, head, s->first);
    const size_t end = clh_fused_position_part(w->f, head, w->first);
    memset(parts + begin, 0, (end - begin) * sizeof *parts);
    if (w->length < s->positions) {
        const size_t from = clh_fused_position_part(w->f, head, w->length);
        memset(parts + from, 0, ((head + 1) * s->parts - from) * sizeof *parts);
    }
}

void clh_fused_attend_begin(const clh_fused_work *w)
{
    assert(w && w->first < w->length);
    const clh_fused *f = w->f;
    const clh_fused_room *room = w->room;
    const size_t d_attn = f->size.d_attn, n_heads = f->size.n_heads;
    for (size_t h = 0; h < n_heads; h++)
        bias_of_keys(w, h);
    if (!w->sums)
        return;
    f->kernel->transpose(w->length, d_attn, room->values, d_attn, room->values_t, keys_across(w));
    memset(room->along, 0, w->length * sizeof *room->along);
    memset(room->sum, 0, n_heads * w->length * sizeof *room->sum);
    memset(room->sum_along, 0, n_heads * w->length * sizeof *room->sum_along);
    for (size_t h = 0; h < n_heads && w->sums->of_positions->fresh; h++)
        clear_unasked(w, h);
}

/* Gradients of the keys: along 1 / s, and to the rows that make b'_Q . k. */
void clh_fused_attend_end(const clh_fused_work *w)
{
    assert(w && w->sums);
    const size_t n_heads = w->f->size.n_heads;
    for (size_t h = 0; h < n_heads; h++) {
        clh_real *g = w->sums->key_bias + h;
        const clh_real *sum = w->room->sum + h * w->length;
        for (size_t j = 0; j < w->length; j++) {
            const clh_real g_bias = sum[j] * w->room->inverse[j];
            w->room->along[j] += w->room->sum_along[h * w->length + j];
            g[clh_fused_token(w->room->number[j]) * n_heads] += g_bias;
            g[clh_fused_position(w->f, j) * n_heads] += g_bias;
        }
    }
}
