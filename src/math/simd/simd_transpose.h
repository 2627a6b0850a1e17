/** Transpose for one instruction set: in squares, in registers. Included by simd_gemm.h only. */
#ifndef CLH_SIMD_TRANSPOSE_H
#define CLH_SIMD_TRANSPOSE_H

#include "math/simd/simd.h"

/* Of eight where registers have as many numbers: of sixteen was slower. */
#if defined(__AVX2__)
#define SIDE 8
#define LANES(F, apart)                                                                            \
    F(0, apart), F(1, apart), F(2, apart), F(3, apart), F(4, apart), F(5, apart), F(6, apart),     \
        F(7, apart)
#else
#define SIDE 4
#define LANES(F, apart) F(0, apart), F(1, apart), F(2, apart), F(3, apart)
#endif

typedef clh_real side __attribute__((vector_size(SIDE * sizeof(clh_real))));

/* With `apart` SIDE / 2, then half of it and so on, lanes change places with rows that far apart.
 */
#define LOW_LANE(l, apart) ((l) & (apart) ? (l) + SIDE - (apart) : (l))
#define HIGH_LANE(l, apart) ((l) & (apart) ? (l) + SIDE : (l) + (apart))
#define EXCHANGE(apart)                                                                            \
    UNROLL                                                                                         \
    for (size_t i = 0; i < SIDE; i++)                                                              \
        if (!(i & (apart))) {                                                                      \
            side low = __builtin_shufflevector(r[i], r[i + (apart)], LANES(LOW_LANE, apart));      \
            r[i + (apart)] =                                                                       \
                __builtin_shufflevector(r[i], r[i + (apart)], LANES(HIGH_LANE, apart));            \
            r[i] = low;                                                                            \
        }

INLINE void transpose_square(const clh_real *in, size_t in_row, clh_real *out, size_t out_row)
{
    side r[SIDE];
    UNROLL
    for (size_t i = 0; i < SIDE; i++)
        memcpy(&r[i], in + i * in_row, sizeof r[i]);
#if SIDE == 8
    EXCHANGE(4)
#endif
    EXCHANGE(2)
    EXCHANGE(1)
    UNROLL
    for (size_t j = 0; j < SIDE; j++)
        memcpy(out + j * out_row, &r[j], sizeof r[j]);
}

/* As many columns as a line of the cache has: each is read once. */
enum { WIDE = 64 / sizeof(clh_real) };

static void simd_transpose(size_t m, size_t n, const clh_real *in, size_t in_row, clh_real *out,
                           size_t out_row)
{
    const size_t m_whole = m / SIDE * SIDE, n_whole = n / SIDE * SIDE;
    for (size_t j = 0; j < n_whole; j += WIDE)
        for (size_t i = 0; i < m_whole; i += SIDE)
            for (size_t s = j; s < j + WIDE && s < n_whole; s += SIDE)
                transpose_square(in + i * in_row + s, in_row, out + s * out_row + i, out_row);
    for (size_t i = 0; i < m; i++)
        for (size_t j = i < m_whole ? n_whole : 0; j < n; j++)
            out[j * out_row + i] = in[i * in_row + j];
}

#endif
