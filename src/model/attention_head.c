#include "model/attention_head.h"

#include <assert.h>
#include <math.h>

enum { QUERY_BLOCK = 24 };

/* First query past the block that query i is in; also the keys that the block's rows hold. */
static size_t block_end(const clh_head *h, size_t i)
{
    size_t end = (i / QUERY_BLOCK + 1) * QUERY_BLOCK;
    return end < h->T ? end : h->T;
}

/* Keys that count for the queries of a block that ends at `end`. */
static size_t block_keys(const clh_head *h, size_t end)
{
    return h->whole ? h->T : end;
}

/* scratch [d, T] = rows [T, d] transposed */
static clh_matrix transposed(const clh_head *h, const clh_real *rows)
{
    for (size_t j = 0; j < h->T; j++)
        for (size_t l = 0; l < h->d; l++)
            h->scratch[l * h->T + j] = rows[j * h->stride + l];
    return clh_rows(h->scratch, h->T);
}

void clh_head_scores(const clh_head *h, const clh_kernels *kernel)
{
    const clh_matrix k = transposed(h, h->k);
    for (size_t i = h->first, end; i < h->T; i = end) {
        end = block_end(h, i);
        clh_multiply(kernel, end - i, end, h->d, 1 / h->attn_scale,
                     clh_rows(h->q + i * h->stride, h->stride), k, h->scores + i * h->across,
                     h->across);
        for (size_t row = i; row < end; row++)
            for (size_t j = row + 1; j < block_keys(h, end); j++)
                h->scores[row * h->across + j] = -(clh_real)INFINITY;
    }
}

void clh_head_pattern(const clh_head *h, const clh_kernels *kernel)
{
    for (size_t i = h->first; i < h->T; i++) {
        const size_t at = i * h->across, keys = h->whole ? h->T : i + 1;
        (void)kernel->softmax(keys, h->scores + at, h->pattern + at);
        for (size_t j = keys; j < block_end(h, i); j++)
            h->pattern[at + j] = 0;
    }
}

void clh_head_z(const clh_head *h, const clh_kernels *kernel)
{
    for (size_t i = h->first, end; i < h->T; i = end) {
        end = block_end(h, i);
        clh_multiply(kernel, end - i, h->d, block_keys(h, end), 1,
                     clh_rows(h->pattern + i * h->across, h->across), clh_rows(h->v, h->stride),
                     h->z + i * h->z_stride, h->z_stride);
    }
}

/* g_pattern_ij = g_z_i . v_j */
void clh_head_backward_pattern(const clh_head *h, const clh_head *g, const clh_kernels *kernel)
{
    const clh_matrix v = transposed(h, h->v);
    for (size_t i = h->first, end; i < h->T; i = end) {
        end = block_end(h, i);
        clh_multiply(kernel, end - i, block_keys(h, end), h->d, 1,
                     clh_rows(g->z + i * h->z_stride, h->z_stride), v, g->pattern + i * h->across,
                     h->across);
    }
}

/* out_j = alpha * sum_i weights_ij in_i, over the queries i that see key j; rows of `in` lie
 * `in_row` apart. */
static void gather_by_key(const clh_head *h, const clh_kernels *kernel, const clh_real *weights,
                          const clh_real *in, size_t in_row, double alpha, clh_real *out)
{
    for (size_t j = 0, end; j < h->T; j = end) {
        end = block_end(h, j);
        const size_t from = h->whole || j < h->first ? h->first : j;
        clh_multiply(kernel, end - j, h->d, h->T - from, alpha,
                     clh_transposed(weights + from * h->across + j, h->across),
                     clh_rows(in + from * in_row, in_row), out + j * h->stride, h->stride);
    }
}

/* g_v_j = sum_i pattern_ij g_z_i */
void clh_head_backward_v(const clh_head *h, const clh_head *g, const clh_kernels *kernel)
{
    gather_by_key(h, kernel, h->pattern, g->z, h->z_stride, 1, g->v);
}

/* g_scores_ij = p_ij (g_pattern_ij - sum_j p_ij g_pattern_ij), p the softmax of the scores: the
 * pattern, unless a hook has edited it, so where there can be one p is computed again. */
void clh_head_backward_scores(const clh_head *h, const clh_head *g, const clh_kernels *kernel)
{
    for (size_t i = h->first; i < h->T; i++) {
        const size_t at = i * h->across, keys = h->whole ? h->T : i + 1;
        const clh_real *p = h->pattern + at;
        if (h->whole) {
            (void)kernel->softmax(keys, h->scores + at, g->scores + at);
            p = g->scores + at;
        }
        kernel->softmax_backward(keys, p, g->pattern + at, g->scores + at);
        for (size_t j = keys; j < block_end(h, i); j++)
            g->scores[at + j] = 0;
    }
}

/* g_q_i = sum_j g_scores_ij k_j / scale,  g_k_j = sum_i g_scores_ij q_i / scale */
void clh_head_backward_qk(const clh_head *h, const clh_head *g, const clh_kernels *kernel)
{
    for (size_t i = h->first, end; i < h->T; i = end) {
        end = block_end(h, i);
        clh_multiply(kernel, end - i, h->d, block_keys(h, end), 1 / h->attn_scale,
                     clh_rows(g->scores + i * h->across, h->across), clh_rows(h->k, h->stride),
                     g->q + i * h->stride, h->stride);
    }
    gather_by_key(h, kernel, g->scores, h->q, h->stride, 1 / h->attn_scale, g->k);
}
