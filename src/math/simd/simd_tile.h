/** Register tiles of a matrix product for one instruction set: simd_gemm.h walks through them. */
#ifndef CLH_SIMD_TILE_H
#define CLH_SIMD_TILE_H

#include "math/kernels/kernels.h"
#include "math/simd/simd.h"

/* ---- Matrix product: C in register tiles of ROWS x VECTORS vectors, B read where it lies -------
 */

#define MANY_REGISTERS (SIMD_REGISTERS >= 32)

enum { ROWS = 6, VECTORS = MANY_REGISTERS ? 4 : 2, PANEL = VECTORS * LANE };

/* A tile of one vector has room for more rows; with ROWS it would wait for its sums. One of two
 * vectors, where registers are many, loads less for each sum. */
enum { ROWS_NARROW = 12, NARROW = (MANY_REGISTERS ? 2 : 1) * LANE };

/* rows x vectors tile of C; the last vector of a tile holds `tail` columns (LANE: all of them). Where there is a
 * `copy` [depth, PANEL], B is also written there, for the tiles that come after.
 * rows, vectors, partial and whether there is a copy are constants wherever this is inlined. */
INLINE void tile(const size_t rows, const size_t vectors, const int partial, const clh_gemm *g,
                 size_t depth, const clh_real *a, const clh_real *b, size_t b_row, size_t tail,
                 clh_real *copy, const clh_real *start, size_t start_row, clh_real *c)
{
    enum { COPIED_AHEAD = 8 };
    vec sum[ROWS_NARROW][VECTORS];
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        UNROLL
        for (size_t v = 0; v < vectors; v++)
            sum[i][v] = (vec){0};
    }
    UNROLL
    for (size_t i = 0; i < rows; i++) { /* of C, which is far away, there by the end of the loop */
        UNROLL
        for (size_t v = 0; v < vectors; v++)
            __builtin_prefetch(c + i * g->c_row + v * LANE, 1);
    }
    UNROLL_TWICE
    for (size_t l = 0; l < depth; l++, b += b_row, a += g->a_col) {
        vec bl[VECTORS];
        UNROLL
        for (size_t v = 0; v < vectors; v++)
            bl[v] = partial && v + 1 == vectors ? vec_load_part(b + v * LANE, tail)
                                                : vec_load(b + v * LANE);
        UNROLL
        for (size_t v = 0; copy && v < vectors; v++) {
            __builtin_prefetch(b + COPIED_AHEAD * b_row + v * LANE);
            vec_store(copy + l * PANEL + v * LANE, bl[v]);
        }
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
    for (size_t i = 0; i < rows; i++, c += g->c_row, start = start ? start + start_row : NULL) {
        UNROLL
        for (size_t v = 0; v < vectors; v++) {
            int part = partial && v + 1 == vectors;
            vec old = vec_set(0);
            if (start)
                old = part ? vec_load_part(start + v * LANE, tail) : vec_load(start + v * LANE);
            vec value = start ? vec_fma(alpha, sum[i][v], old) : alpha * sum[i][v];
            if (part)
                vec_store_part(c + v * LANE, value, tail);
            else
                vec_store(c + v * LANE, value);
        }
    }
}

typedef void tile_fn(const clh_gemm *g, size_t depth, const clh_real *a, const clh_real *b,
                     size_t b_row, size_t tail, const clh_real *start, size_t start_row,
                     clh_real *c);

#define TILE(rows, vectors, partial)                                                               \
    static void tile_##rows##_##vectors##_##partial(                                               \
        const clh_gemm *g, size_t depth, const clh_real *a, const clh_real *b, size_t b_row,       \
        size_t tail, const clh_real *start, size_t start_row, clh_real *c)                         \
    {                                                                                              \
        tile(rows, vectors, partial, g, depth, a, b, b_row, tail, NULL, start, start_row, c);      \
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

#define NARROW_TABLE(vectors, partial)                                                             \
    {                                                                                              \
        tile_1_##vectors##_##partial, tile_2_##vectors##_##partial, tile_3_##vectors##_##partial,  \
            tile_4_##vectors##_##partial, tile_5_##vectors##_##partial,                            \
            tile_6_##vectors##_##partial, [ROWS_NARROW - 1] = tile_12_##vectors##_##partial        \
    }

TILE_ROWS(1, 0)
TILE_ROWS(1, 1)
TILE(12, 1, 0)
TILE(12, 1, 1)
TILE_ROWS(2, 0)
TILE_ROWS(2, 1)
#if MANY_REGISTERS
TILE(12, 2, 0)
TILE(12, 2, 1)
TILE_ROWS(3, 0)
TILE_ROWS(3, 1)
TILE_ROWS(4, 0)
TILE_ROWS(4, 1)
#endif

/* [vectors - 1][last is partial][rows - 1] */
static tile_fn *const tile_table[VECTORS][2][ROWS_NARROW] = {
    {NARROW_TABLE(1, 0), NARROW_TABLE(1, 1)},
#if MANY_REGISTERS
    {NARROW_TABLE(2, 0), NARROW_TABLE(2, 1)},
    {ROW_TABLE(3, 0), ROW_TABLE(3, 1)},
    {ROW_TABLE(4, 0), ROW_TABLE(4, 1)},
#else
    {ROW_TABLE(2, 0), ROW_TABLE(2, 1)},
#endif
};

/* The first tile of a panel that is copied for the others. */
static void tile_and_copy(const clh_gemm *g, size_t depth, const clh_real *a, const clh_real *b,
                          size_t b_row, clh_real *copy, const clh_real *start, size_t start_row,
                          clh_real *c)
{
    tile(ROWS, VECTORS, 0, g, depth, a, b, b_row, LANE, copy, start, start_row, c);
}

#endif
