/** Transpose and matrix product for one instruction set: the half of kernels_simd.c that is about
 *  matrices. Included there only. The contract is kernels.h. */
#ifndef CLH_SIMD_GEMM_H
#define CLH_SIMD_GEMM_H

#include "math/simd.h"

/* ---- Transpose: in squares of four, in registers -----------------------------------------------
 */

typedef clh_real four __attribute__((vector_size(4 * sizeof(clh_real))));

INLINE void transpose_square(const clh_real *in, size_t in_row, clh_real *out, size_t out_row)
{
    four r[4], c[4];
    for (size_t i = 0; i < 4; i++)
        memcpy(&r[i], in + i * in_row, sizeof r[i]);
    four low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    four high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    four low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    four high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    c[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    c[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    c[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    c[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    for (size_t j = 0; j < 4; j++)
        memcpy(out + j * out_row, &c[j], sizeof c[j]);
}

static void simd_transpose(size_t m, size_t n, const clh_real *in, size_t in_row, clh_real *out,
                           size_t out_row)
{
    const size_t m4 = m / 4 * 4, n4 = n / 4 * 4;
    for (size_t j = 0; j < n4; j += 4)
        for (size_t i = 0; i < m4; i += 4)
            transpose_square(in + i * in_row + j, in_row, out + j * out_row + i, out_row);
    for (size_t i = 0; i < m; i++)
        for (size_t j = i < m4 ? n4 : 0; j < n; j++)
            out[j * out_row + i] = in[i * in_row + j];
}

/* ---- Matrix product: C in register tiles, B read where it lies ---------------------------------
 */

#define MANY_REGISTERS (SIMD_REGISTERS >= 32)

/* A tile is at most ROWS x VECTORS vectors, or 1 x WIDE where C is a single row: sums enough to
 * keep the multiply-add units busy, each of which starts two or more while one is on its way. */
enum { ROWS = 6, VECTORS = MANY_REGISTERS ? 4 : 2, WIDE = 8, PANEL = VECTORS * LANE };

/* rows x vectors tile of C; the last vector of a tile holds `tail` columns (LANE: all of them).
 * rows, vectors and partial are constants wherever this is inlined. */
INLINE void tile(const size_t rows, const size_t vectors, const int partial, const clh_gemm *g,
                 size_t depth, const clh_real *a, const clh_real *b, size_t b_row, size_t tail,
                 int accumulate, clh_real *c)
{
    vec sum[ROWS][WIDE];
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        UNROLL
        for (size_t v = 0; v < vectors; v++)
            sum[i][v] = (vec){0};
    }
    for (size_t l = 0; l < depth; l++, b += b_row, a += g->a_col) {
        vec bl[WIDE];
        UNROLL
        for (size_t v = 0; v < vectors; v++)
            bl[v] = partial && v + 1 == vectors ? vec_load_part(b + v * LANE, tail)
                                                : vec_load(b + v * LANE);
        UNROLL
        for (size_t i = 0; i < rows; i++) {
            vec ai = vec_set(a[i * g->a_row]);
            UNROLL
            for (size_t v = 0; v < vectors; v++)
                sum[i][v] = vec_fma(ai, bl[v], sum[i][v]);
        }
    }
    vec alpha = vec_set(g->alpha);
    UNROLL
    for (size_t i = 0; i < rows; i++, c += g->c_row) {
        UNROLL
        for (size_t v = 0; v < vectors; v++) {
            int part = partial && v + 1 == vectors;
            vec old = vec_set(0);
            if (accumulate)
                old = part ? vec_load_part(c + v * LANE, tail) : vec_load(c + v * LANE);
            vec value = accumulate ? vec_fma(alpha, sum[i][v], old) : alpha * sum[i][v];
            if (part)
                vec_store_part(c + v * LANE, value, tail);
            else
                vec_store(c + v * LANE, value);
        }
    }
}

typedef void tile_fn(const clh_gemm *g, size_t depth, const clh_real *a, const clh_real *b,
                     size_t b_row, size_t tail, int accumulate, clh_real *c);

#define TILE(rows, vectors, partial)                                                               \
    static void tile_##rows##_##vectors##_##partial(                                               \
        const clh_gemm *g, size_t depth, const clh_real *a, const clh_real *b, size_t b_row,       \
        size_t tail, int accumulate, clh_real *c)                                                  \
    {                                                                                              \
        tile(rows, vectors, partial, g, depth, a, b, b_row, tail, accumulate, c);                  \
    }
#define TILE_ROWS(vectors, partial)                                                                \
    TILE(1, vectors, partial)                                                                      \
    TILE(2, vectors, partial)                                                                      \
    TILE(3, vectors, partial)                                                                      \
    TILE(4, vectors, partial)                                                                      \
    TILE(5, vectors, partial)                                                                      \
    TILE(6, vectors, partial)
#define ROW_TABLE(vectors, partial)                                                                \
    {                                                                                              \
        tile_1_##vectors##_##partial, tile_2_##vectors##_##partial, tile_3_##vectors##_##partial,  \
            tile_4_##vectors##_##partial, tile_5_##vectors##_##partial,                            \
            tile_6_##vectors##_##partial                                                           \
    }

TILE_ROWS(1, 0)
TILE_ROWS(1, 1)
TILE_ROWS(2, 0)
TILE_ROWS(2, 1)
#if MANY_REGISTERS
TILE_ROWS(3, 0)
TILE_ROWS(3, 1)
TILE_ROWS(4, 0)
TILE_ROWS(4, 1)
#else
TILE(1, 3, 0)
TILE(1, 3, 1)
TILE(1, 4, 0)
TILE(1, 4, 1)
#endif
TILE(1, 5, 0)
TILE(1, 5, 1)
TILE(1, 6, 0)
TILE(1, 6, 1)
TILE(1, 7, 0)
TILE(1, 7, 1)
TILE(1, 8, 0)
TILE(1, 8, 1)

/* [vectors - 1][last is partial][rows - 1] */
static tile_fn *const tile_table[WIDE][2][ROWS] = {
    {ROW_TABLE(1, 0), ROW_TABLE(1, 1)}, {ROW_TABLE(2, 0), ROW_TABLE(2, 1)},
#if MANY_REGISTERS
    {ROW_TABLE(3, 0), ROW_TABLE(3, 1)}, {ROW_TABLE(4, 0), ROW_TABLE(4, 1)},
#else
    {{tile_1_3_0}, {tile_1_3_1}},       {{tile_1_4_0}, {tile_1_4_1}},
#endif
    {{tile_1_5_0}, {tile_1_5_1}},       {{tile_1_6_0}, {tile_1_6_1}},
    {{tile_1_7_0}, {tile_1_7_1}},       {{tile_1_8_0}, {tile_1_8_1}},
};

/* The size of the first of the fewest equal parts, none over `most`, that make up n: five vectors
 * are three and two, since a tile of four and one of one would leave units idle in the second. */
static size_t even_part(size_t n, size_t most)
{
    const size_t parts = (n + most - 1) / most;
    return (n + parts - 1) / parts;
}

/* One panel of columns, all rows, one block of k. */
static void panel_run(const clh_gemm *g, size_t columns, size_t depth, const clh_real *a,
                      const clh_real *b, size_t b_row, int accumulate, clh_real *c)
{
    const size_t vectors = (columns + LANE - 1) / LANE, tail = columns - (vectors - 1) * LANE;
    tile_fn *const *by_rows = tile_table[vectors - 1][tail < LANE];
    for (size_t i = 0, rows; i < g->m; i += rows) {
        rows = even_part(g->m - i, ROWS);
        by_rows[rows - 1](g, depth, a + i * g->a_row, b, b_row, tail, accumulate, c + i * g->c_row);
    }
}

/* packed[l][j] = B[l, j] for a B that is stored transposed. */
static void pack(const clh_gemm *g, size_t columns, size_t depth, const clh_real *b,
                 clh_real packed[])
{
    simd_transpose(columns, depth, b, g->b_col, packed, PANEL);
}

static void simd_gemm(const clh_gemm *g)
{
    _Alignas(64) clh_real packed[CLH_GEMM_BLOCK * PANEL];
    if (g->k == 0 && !g->accumulate)
        for (size_t i = 0; i < g->m; i++)
            memset(g->c + i * g->c_row, 0, g->n * sizeof(clh_real));
    const bool packs = g->b_col != 1;
    const size_t most = g->m == 1 && !packs ? WIDE : VECTORS;
    for (size_t l = 0; l < g->k; l += CLH_GEMM_BLOCK) {
        const size_t depth = g->k - l < CLH_GEMM_BLOCK ? g->k - l : CLH_GEMM_BLOCK;
        for (size_t j = 0, columns; j < g->n; j += columns) {
            const size_t left = g->n - j, part = LANE * even_part((left + LANE - 1) / LANE, most);
            const clh_real *b = g->b + l * g->b_row + j * g->b_col;
            columns = left < part ? left : part;
            if (packs)
                pack(g, columns, depth, b, packed);
            panel_run(g, columns, depth, g->a + l * g->a_col, packs ? packed : b,
                      packs ? PANEL : g->b_row, g->accumulate || l > 0, g->c + j);
        }
    }
}

#endif
