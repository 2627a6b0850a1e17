/** What products and transposes mean, in loops to be read. Included by kernels_plain.c only. */
#ifndef CLH_PLAIN_GEMM_H
#define CLH_PLAIN_GEMM_H

#include "math/kernels/kernels.h"

static void plain_product(const clh_gemm *g)
{
    const clh_matrix b = {g->packed ? g->packed : g->b, g->packed ? g->n : g->b_row,
                          g->packed ? 1 : g->b_col};
    const size_t a_col = g->strips ? CLH_STRIP : g->a_col;
    for (size_t i = 0; i < g->m; i++) {
        const clh_real *a = g->strips ? g->strips + clh_strips_at(i, g->k) : g->a + i * g->a_row;
        for (size_t j = 0; j < g->n; j++) {
            clh_real sum = 0;
            if (g->part == CLH_GEMM_C_LOWER && j > i + g->diagonal)
                break;
            for (size_t l = 0; l < g->k; l++)
                sum += a[l * a_col] * b.at[l * b.row + j * b.col];
            clh_real *c = &g->c[i * g->c_row + j];
            *c = g->alpha * sum + (g->start ? g->start[i * g->start_row + j] : 0);
        }
    }
}

static void plain_gemm(const clh_gemm *g)
{
    clh_gemm of = *g;
    plain_product(&of);
    for (size_t i = 1; i < g->times.count; i++) {
        clh_product_steps(&of);
        plain_product(&of);
    }
}

static void plain_transpose(size_t m, size_t n, const clh_real *in, size_t in_row, clh_real *out,
                            size_t out_row)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            out[j * out_row + i] = in[i * in_row + j];
}

#endif
