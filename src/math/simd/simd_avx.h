/** simd.h for AVX-512, one vector for all lanes, and for AVX2 with FMA, two. */
#ifndef CLH_SIMD_AVX_H
#define CLH_SIMD_AVX_H

#include <immintrin.h>

#if defined(__AVX512F__)

#define SIMD_REGISTERS 32

enum { LANE = 16, PARTS = CLH_LANES / LANE, DLANE = 8, DPARTS = CLH_LANES / DLANE };

typedef clh_real vec __attribute__((vector_size(LANE * sizeof(clh_real))));
typedef double dvec __attribute__((vector_size(DLANE * sizeof(double))));

static inline dvec dvec_load(const clh_real *p)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(p));
}
static inline dvec dvec_fma(dvec a, dvec b, dvec c)
{
    return _mm512_fmadd_pd(a, b, c);
}
static inline dvec dvec_max(dvec a, dvec b)
{
    return _mm512_max_pd(a, b);
}

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
static inline unsigned vec_at_least(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}

static inline __m256 lanes_low(const vec v[PARTS])
{
    return _mm512_castps512_ps256(v[0]);
}
static inline __m256 lanes_high(const vec v[PARTS])
{
    return _mm512_extractf32x8_ps(v[0], 1);
}

#else

#define SIMD_REGISTERS 16

enum { LANE = 8, PARTS = CLH_LANES / LANE, DLANE = 4, DPARTS = CLH_LANES / DLANE };

typedef clh_real vec __attribute__((vector_size(LANE * sizeof(clh_real))));
typedef double dvec __attribute__((vector_size(DLANE * sizeof(double))));

static inline dvec dvec_load(const clh_real *p)
{
    return _mm256_cvtps_pd(_mm_loadu_ps(p));
}
static inline dvec dvec_fma(dvec a, dvec b, dvec c)
{
    return _mm256_fmadd_pd(a, b, c);
}
static inline dvec dvec_max(dvec a, dvec b)
{
    return _mm256_max_pd(a, b);
}

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
static inline unsigned vec_at_least(vec a, vec b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ));
}
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
