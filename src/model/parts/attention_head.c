#include "model/parts/attention_head.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"

size_t clh_head_block(size_t T)
{
    enum { ALL = 128, BLOCK = 48 };
    return T <= ALL ? ALL : BLOCK;
}

/* Keys that queries up to `end` may see. */
static size_t keys_seen(const clh_head *h, size_t end)
{
    return h->both_ways ? h->T : end;
}

/* Keys that count for queries up to `end`. */
static size_t keys_of(const clh_head *h, size_t end)
{
    return h->whole ? h->T : keys_seen(h, end);
}

/* What of a block's squares counts. A whole head's may have been written to behind the mask. */
static clh_gemm_part part_of(const clh_head *h, clh_gemm_part part)
{
    return h->both_ways || h->whole ? CLH_GEMM_ALL : part;
}

/* Row of query i in scores or pattern of the first head. */
static size_t row_of(const clh_head *h, size_t i)
{
    return (i - h->row0) * h->across;
}

/* The same of one of them. */
static size_t row_of_head(const clh_head *h, size_t one, size_t i)
{
    return one * h->square + row_of(h, i);
}

/* Query i in q, and what becomes of it in z, of the first head. */
static clh_real *q_of(const clh_head *h, size_t i)
{
    return h->q + (i - h->first) * h->stride;
}

static clh_real *z_of(const clh_head *h, size_t i)
{
    return h->z + (i - h->first) * h->z_stride;
}

/* Keys of queries [begin, end) that hold more than `nothing`: those up to `end`, unless a hook
 * wrote behind the mask, then all. What is left out adds exact zeros, so the bits are the same. */
static size_t keys_held(const clh_head *h, const clh_real *rows, size_t begin, size_t end,
                        clh_real nothing)
{
    int more = h->both_ways; /* as wide as a number, so that compilers compare several at once */
    for (size_t i = begin; h->whole && !h->both_ways && i < end; i++) {
        const clh_real *row = rows + row_of(h, i);
        for (size_t j = end; j < h->T; j++)
            more |= row[j] != nothing; /* NaN too */
    }
    return more ? h->T : end;
}

/* Keys, values or queries of these heads, for a product that is computed before they are read; or of the heads after
 * them, where there are any. */
static clh_soon rows_soon(const clh_head *h, const clh_real *at, size_t rows)
{
    return (clh_soon){at, rows, h->stride, h->count * h->d};
}

static clh_soon next_soon(const clh_head *h, const clh_real *at, size_t rows)
{
    return h->number + h->count < h->heads ? rows_soon(h, at + h->count * h->d, rows)
                                           : (clh_soon){0};
}

/* x [T, count, d] as [count, d, turned_row] */
static void turn(const clh_head *h, const clh_kernels *kernel, const clh_real *x)
{
    kernel->transpose(h->T, h->count * h->d, x, h->stride, h->turned, h->turned_row);
}

void clh_head_turn_k(const clh_head *h, const clh_kernels *kernel)
{
    turn(h, kernel, h->k);
}

void clh_head_turn_v(const clh_head *h, const clh_kernels *kernel)
{
    turn(h, kernel, h->v);
}

/* The product of x of queries with what is turned, of all heads, into squares of `to`. */
static clh_gemm with_turned(const clh_head *h, size_t begin, size_t end, size_t keys, double alpha,
                            const clh_real *x, size_t x_row, clh_real *to)
{
    clh_gemm product = clh_product(end - begin, keys, h->d, alpha, clh_rows(x, x_row),
                                   clh_rows(h->turned, h->turned_row), to, h->across);
    product.part = part_of(h, CLH_GEMM_C_LOWER);
    product.diagonal = begin;
    product.times =
        (clh_times){.count = h->count, .a = h->d, .b = h->d * h->turned_row, .c = h->square};
    return product;
}

/* The slopes of n heads are 2^(-8/n), its square, its cube, … (Press et al. 2022, "Train Short, Test
 * Long"; TransformerLens: create_alibi_multipliers). */
static double alibi_slope(const clh_head *h, size_t one)
{
    return exp2(-8.0 * (double)(h->number + one + 1) / (double)h->heads);
}

void clh_head_scores(const clh_head *h, const clh_kernels *kernel, size_t begin, size_t end)
{
    assert(h && h->count > 0 && begin <= end && end <= h->T);
    clh_gemm product = with_turned(h, begin, end, keys_seen(h, end), 1 / h->attn_scale,
                                   q_of(h, begin), h->stride, h->scores + row_of(h, begin));
    const clh_soon soon[CLH_SOON] = {rows_soon(h, h->v, keys_seen(h, end)),
                                     next_soon(h, h->k, h->T)};
    product.soon = soon;
    kernel->gemm(&product);
    for (size_t one = 0; one < h->count; one++) {
        const double slope = h->alibi ? alibi_slope(h, one) : 0;
        for (size_t i = begin; slope > 0 && i < end; i++)
            for (size_t j = 0; j < i; j++)
                h->scores[row_of_head(h, one, i) + j] -= (clh_real)(slope * (double)(i - j));
        for (size_t i = begin; h->whole && !h->both_ways && i < end; i++)
            for (size_t j = i + 1; j < h->T; j++)
                h->scores[row_of_head(h, one, i) + j] = -(clh_real)INFINITY;
    }
}

void clh_head_pattern(const clh_head *h, const clh_kernels *kernel, size_t begin, size_t end)
{
    assert(h && h->count > 0 && begin <= end && end <= h->T);
    for (size_t one = 0; one < h->count; one++)
        for (size_t i = begin; i < end; i++) {
            const size_t at = row_of_head(h, one, i);
            const size_t keys =
                keys_held(h, h->scores + one * h->square, i, i + 1, -(clh_real)INFINITY);
            kernel->softmax(keys, h->scores + at, h->pattern + at);
            for (size_t j = keys; j < keys_of(h, end); j++)
                h->pattern[at + j] = 0;
        }
}

/* Of `count` heads from `one` on, which hold so many keys. */
static void z_of_heads(const clh_head *h, const clh_kernels *kernel, size_t one, size_t count,
                       size_t begin, size_t end, size_t keys)
{
    clh_gemm product = clh_product(
        end - begin, h->d, keys, 1, clh_rows(h->pattern + row_of_head(h, one, begin), h->across),
        clh_rows(h->v + one * h->d, h->stride), z_of(h, begin) + one * h->d, h->z_stride);
    product.part = part_of(h, CLH_GEMM_A_LOWER);
    product.diagonal = begin;
    product.times = (clh_times){.count = count, .a = h->square, .b = h->d, .c = h->d};
    const clh_soon soon[CLH_SOON] = {next_soon(h, q_of(h, begin), end - begin)};
    product.soon = soon;
    kernel->gemm(&product);
}

/* Where hooks may have written, each head has keys of its own: nothing times infinity is no nothing. */
void clh_head_z(const clh_head *h, const clh_kernels *kernel, size_t begin, size_t end)
{
    assert(h && h->count > 0 && begin <= end && end <= h->T);
    if (!h->whole)
        z_of_heads(h, kernel, 0, h->count, begin, end, keys_held(h, h->pattern, begin, end, 0));
    for (size_t one = 0; h->whole && one < h->count; one++)
        z_of_heads(h, kernel, one, 1, begin, end,
                   keys_held(h, h->pattern + one * h->square, begin, end, 0));
}

/* g_pattern_ij = g_z_i . v_j */
void clh_head_backward_pattern(const clh_head *h, const clh_head *g, const clh_kernels *kernel,
                               size_t begin, size_t end)
{
    assert(h && g && begin <= end && end <= h->T && g->square == h->square);
    clh_gemm product = with_turned(h, begin, end, keys_of(h, end), 1, z_of(g, begin), h->z_stride,
                                   g->pattern + row_of(g, begin));
    const clh_soon soon[CLH_SOON] = {
        {h->pattern + row_of(h, begin), end - begin, h->across, keys_of(h, end)}};
    product.soon = soon;
    kernel->gemm(&product);
}

/* out_j += sum_i of[i]_j x_i over the queries i of a block; in place of it where nothing is there. */
static void add_to_keys(const clh_head *h, const clh_head *g, const clh_kernels *kernel,
                        size_t begin, size_t end, double alpha, clh_matrix of, clh_matrix x,
                        clh_real *out, const clh_soon *soon)
{
    clh_gemm product =
        clh_product(keys_of(h, end), h->d, end - begin, alpha, of, x, out, g->stride);
    product.part = part_of(h, CLH_GEMM_A_UPPER);
    product.diagonal = begin;
    product.times = (clh_times){.count = h->count, .a = h->square, .b = h->d, .c = h->d};
    product.soon = soon;
    if (!g->fresh)
        clh_product_adds(&product);
    kernel->gemm(&product);
}

/* g_v_j += sum_i pattern_ij g_z_i */
void clh_head_backward_v(const clh_head *h, const clh_head *g, const clh_kernels *kernel,
                         size_t begin, size_t end)
{
    assert(h && g && begin <= end && end <= h->T);
    const clh_soon soon[CLH_SOON] = {rows_soon(h, h->k, keys_of(h, end)),
                                     rows_soon(h, q_of(h, begin), end - begin)};
    add_to_keys(h, g, kernel, begin, end, 1,
                clh_transposed(h->pattern + row_of(h, begin), h->across),
                clh_rows(z_of(g, begin), h->z_stride), g->v, soon);
}

/* g_scores_ij = p_ij (g_pattern_ij - sum_j p_ij g_pattern_ij), p the softmax of the scores: the
 * pattern, unless a hook has edited it, so where there can be one p is computed again. */
void clh_head_backward_scores(const clh_head *h, const clh_head *g, const clh_kernels *kernel,
                              size_t begin, size_t end)
{
    assert(h && g && h->count > 0 && begin <= end && end <= h->T && g->square == h->square);
    for (size_t one = 0; one < h->count; one++)
        for (size_t i = begin; i < end; i++) {
            const size_t at = row_of_head(g, one, i), keys = keys_of(h, i + 1);
            const clh_real *p = h->pattern + row_of_head(h, one, i);
            if (h->whole) {
                kernel->softmax(keys, h->scores + row_of_head(h, one, i), g->scores + at);
                p = g->scores + at;
            }
            kernel->softmax_backward(keys, p, g->pattern + at, g->scores + at);
            for (size_t j = keys; j < end; j++)
                g->scores[at + j] = 0;
        }
}

/* g_q_i = sum_j g_scores_ij k_j / scale,  g_k_j += sum_i g_scores_ij q_i / scale */
void clh_head_backward_qk(const clh_head *h, const clh_head *g, const clh_kernels *kernel,
                          size_t begin, size_t end)
{
    assert(h && g && begin <= end && end <= h->T && h->attn_scale > 0);
    const clh_real *g_scores = g->scores + row_of(g, begin);
    clh_gemm product = clh_product(end - begin, h->d, keys_of(h, end), 1 / h->attn_scale,
                                   clh_rows(g_scores, g->across), clh_rows(h->k, h->stride),
                                   q_of(g, begin), g->stride);
    product.part = part_of(h, CLH_GEMM_A_LOWER);
    product.diagonal = begin;
    product.times = (clh_times){.count = h->count, .a = g->square, .b = h->d, .c = h->d};
    kernel->gemm(&product);
    const clh_soon soon[CLH_SOON] = {next_soon(h, h->v, h->T),
                                     next_soon(g, z_of(g, begin), end - begin)};
    add_to_keys(h, g, kernel, begin, end, 1 / h->attn_scale, clh_transposed(g_scores, g->across),
                clh_rows(q_of(h, begin), h->stride), g->k, soon);
}

size_t clh_head_block_end(const clh_head *h, size_t begin)
{
    const size_t block = clh_head_block(h->T), end = (begin / block + 1) * block;
    return end < h->T ? end : h->T;
}

void clh_head_forward(const clh_head *h, const clh_kernels *kernel, size_t first)
{
    clh_head_turn_k(h, kernel);
    for (size_t begin = first, end; begin < h->T; begin = end) {
        end = clh_head_block_end(h, begin);
        clh_head_scores(h, kernel, begin, end);
        clh_head_pattern(h, kernel, begin, end);
        clh_head_z(h, kernel, begin, end);
    }
}

/* The first query of the block that ends before `end`. */
static size_t block_begin(const clh_head *h, size_t end)
{
    const size_t block = clh_head_block(h->T);
    return (end - 1) / block * block;
}

/* The last block first: its queries see every key, so what they give g->k and g->v is written. */
void clh_head_backward(const clh_head *h, const clh_head *g, const clh_kernels *kernel,
                       size_t first)
{
    assert(!h->whole && first < h->T);
    clh_head room = *g;
    clh_head_turn_v(h, kernel);
    room.fresh = true;
    for (size_t begin, end = h->T; end > first; end = begin, room.fresh = false) {
        begin = block_begin(h, end);
        begin = begin > first ? begin : first;
        room.row0 = begin;
        clh_head_backward_pattern(h, &room, kernel, begin, end);
        clh_head_backward_v(h, &room, kernel, begin, end);
        clh_head_backward_scores(h, &room, kernel, begin, end);
        clh_head_backward_qk(h, &room, kernel, begin, end);
    }
}
