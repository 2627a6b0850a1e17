/** A vector of the instruction set this file is compiled for, as few words as the kernels need.
 *
 *  `vec` is LANE numbers; arithmetic is the compiler's own on vector types. What differs between
 *  instruction sets stands here: width, fused multiply-add, and loads and stores of a part, which
 *  touch no memory past `count`.
 */
#ifndef CLH_SIMD_H
#define CLH_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "math/kernels.h"

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__) && !defined(CLH_DOUBLE)
#include <immintrin.h>
enum { LANE = 16 };
#elif defined(__AVX2__) && defined(__FMA__) && !defined(CLH_DOUBLE)
#include <immintrin.h>
enum { LANE = 8 };
#else
#define SIMD_GENERIC
enum { LANE = 16 / sizeof(clh_real) };
#endif

typedef clh_real vec __attribute__((vector_size(LANE * sizeof(clh_real))));

#if defined(SIMD_GENERIC)

static inline vec vec_set(clh_real x)
{
    return x - (vec){0};
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return a * b + c;
}
static inline vec vec_load_part(const clh_real *p, size_t count)
{
    vec v = {0};
    memcpy(&v, p, count * sizeof *p);
    return v;
}
static inline void vec_store_part(clh_real *p, vec v, size_t count)
{
    memcpy(p, &v, count * sizeof *p);
}
/** The larger; b where one is NaN. */
static inline vec vec_max(vec a, vec b)
{
    for (size_t i = 0; i < LANE; i++)
        a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}
/** v with the lanes from `count` on set to 0 */
static inline vec vec_first(vec v, size_t count)
{
    for (size_t i = count; i < LANE; i++)
        v[i] = 0;
    return v;
}
/** v with the lanes from `count` on those of `rest` */
static inline vec vec_first_or(vec v, size_t count, vec rest)
{
    for (size_t i = count; i < LANE; i++)
        v[i] = rest[i];
    return v;
}
/** table[of[i]], i < count, of a table of CLH_LANES numbers */
static inline vec vec_pick(const vec table[], const uint32_t *of, size_t count)
{
    vec v = {0};
    for (size_t i = 0; i < count; i++)
        v[i] = table[of[i] / LANE][of[i] % LANE];
    return v;
}
/** 0 where x < least, else value */
static inline vec vec_unless_below(vec x, clh_real least, vec value)
{
    for (size_t i = 0; i < LANE; i++)
        value[i] = x[i] < least ? 0 : value[i];
    return value;
}
/** Bit i: a[i] == b[i] */
static inline unsigned vec_equal(vec a, vec b)
{
    unsigned bits = 0;
    for (size_t i = 0; i < LANE; i++)
        bits |= (unsigned)(a[i] >= b[i] && a[i] <= b[i]) << i;
    return bits;
}

#elif defined(__AVX512F__)

static inline vec vec_set(clh_real x)
{
    return _mm512_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vec vec_load_part(const clh_real *p, size_t count)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1u), p);
}
static inline void vec_store_part(clh_real *p, vec v, size_t count)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1u), v);
}
static inline vec vec_first(vec v, size_t count)
{
    return _mm512_maskz_mov_ps((__mmask16)((1u << count) - 1u), v);
}
static inline vec vec_first_or(vec v, size_t count, vec rest)
{
    return _mm512_mask_mov_ps(rest, (__mmask16)((1u << count) - 1u), v);
}
static inline vec vec_pick(const vec table[], const uint32_t *of, size_t count)
{
    return _mm512_permutexvar_ps(_mm512_maskz_loadu_epi32((__mmask16)((1u << count) - 1u), of),
                                 table[0]);
}
static inline vec vec_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}
static inline vec vec_unless_below(vec x, clh_real least, vec value)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(least), _CMP_NLT_UQ), value);
}
static inline unsigned vec_equal(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

#else

static inline vec vec_set(clh_real x)
{
    return _mm256_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline __m256i vec_mask(size_t count)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - count));
}
static inline vec vec_load_part(const clh_real *p, size_t count)
{
    return _mm256_maskload_ps(p, vec_mask(count));
}
static inline void vec_store_part(clh_real *p, vec v, size_t count)
{
    _mm256_maskstore_ps(p, vec_mask(count), v);
}
static inline vec vec_first(vec v, size_t count)
{
    return _mm256_and_ps(v, _mm256_castsi256_ps(vec_mask(count)));
}
static inline vec vec_first_or(vec v, size_t count, vec rest)
{
    return _mm256_blendv_ps(rest, v, _mm256_castsi256_ps(vec_mask(count)));
}
static inline vec vec_pick(const vec table[], const uint32_t *of, size_t count)
{
    __m256i at = _mm256_maskload_epi32((const int *)(const void *)of, vec_mask(count));
    vec low = _mm256_permutevar8x32_ps(table[0], at);
    vec high = _mm256_permutevar8x32_ps(table[1], at);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(at, 28)));
}
static inline vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}
static inline vec vec_unless_below(vec x, clh_real least, vec value)
{
    return _mm256_and_ps(_mm256_cmp_ps(x, _mm256_set1_ps(least), _CMP_NLT_UQ), value);
}
static inline unsigned vec_equal(vec a, vec b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ));
}

#endif

/** Vectors that make up CLH_LANES partial sums. */
enum { PARTS = CLH_LANES / LANE };

static inline vec vec_load(const clh_real *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(clh_real *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/** table[of[i]], i < count, of a table of any length */
static inline vec vec_gather(const clh_real *table, const uint32_t *of, size_t count)
{
    clh_real lane[LANE] = {0};
    for (size_t i = 0; i < count; i++)
        lane[i] = table[of[i]];
    return vec_load(lane);
}

/** Numbers of part `part` of a row that has `rest` left: LANE, fewer at the end, 0 past it. */
static inline size_t part_count(size_t rest, size_t part)
{
    size_t before = part * LANE;
    return rest <= before ? 0 : rest - before < LANE ? rest - before : LANE;
}

/** The CLH_LANES partial sums added as a tree: lanes 8 apart, then 4, 2, 1. */
#if defined(SIMD_GENERIC)
static inline clh_real lanes_sum(const vec sum[PARTS])
{
    clh_real lane[CLH_LANES];
    memcpy(lane, sum, sizeof lane);
    for (size_t apart = CLH_LANES / 2; apart > 0; apart /= 2)
        for (size_t i = 0; i < apart; i++)
            lane[i] += lane[i + apart];
    return lane[0];
}
static inline clh_real lanes_max(const vec most[PARTS])
{
    clh_real max = most[0][0];
    for (size_t i = 1; i < CLH_LANES; i++)
        max = most[i / LANE][i % LANE] > max ? most[i / LANE][i % LANE] : max;
    return max;
}
#else
/* Lanes 8 apart, in registers. */
#if defined(__AVX512F__)
static inline __m256 lanes_low(const vec v[PARTS])
{
    return _mm512_castps512_ps256(v[0]);
}
static inline __m256 lanes_high(const vec v[PARTS])
{
    return _mm512_extractf32x8_ps(v[0], 1);
}
#else
static inline __m256 lanes_low(const vec v[PARTS])
{
    return v[0];
}
static inline __m256 lanes_high(const vec v[PARTS])
{
    return v[1];
}
#endif
static inline clh_real lanes_sum(const vec sum[PARTS])
{
    __m256 by8 = _mm256_add_ps(lanes_low(sum), lanes_high(sum));
    __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}
static inline clh_real lanes_max(const vec most[PARTS])
{
    __m256 by8 = _mm256_max_ps(lanes_low(most), lanes_high(most));
    __m128 by4 = _mm_max_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_max_ss(by2, _mm_movehdup_ps(by2)));
}
#endif

#endif
