/** simd.h for NEON as AArch64 has it: four vectors for all lanes, fused multiply-add. */
#ifndef CLH_SIMD_NEON_H
#define CLH_SIMD_NEON_H

#include <arm_neon.h>

#define SIMD_REGISTERS 32

enum { LANE = 4, PARTS = CLH_LANES / LANE, DLANE = 2, DPARTS = CLH_LANES / DLANE };

typedef float32x4_t vec;
typedef double dvec __attribute__((vector_size(DLANE * sizeof(double))));

static inline dvec dvec_load(const clh_real *p)
{
    return (dvec){(double)p[0], (double)p[1]};
}
static inline dvec dvec_fma(dvec a, dvec b, dvec c)
{
    return vfmaq_f64(c, a, b);
}
static inline dvec dvec_max(dvec a, dvec b)
{
    for (size_t i = 0; i < DLANE; i++)
        a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}

static inline vec vec_set(clh_real x)
{
    return vdupq_n_f32(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
static inline vec vec_load_part(const clh_real *p, size_t count)
{
    vec v = vdupq_n_f32(0);
    switch (count) {
    case 0:
        return v;
    case 1:
        return vld1q_lane_f32(p, v, 0);
    case 2:
        return vcombine_f32(vld1_f32(p), vdup_n_f32(0));
    case 3:
        return vld1q_lane_f32(p + 2, vcombine_f32(vld1_f32(p), vdup_n_f32(0)), 2);
    default:
        return vld1q_f32(p);
    }
}
static inline void vec_store_part(clh_real *p, vec v, size_t count)
{
    switch (count) {
    case 0:
        break;
    case 1:
        vst1q_lane_f32(p, v, 0);
        break;
    case 2:
        vst1_f32(p, vget_low_f32(v));
        break;
    case 3:
        vst1_f32(p, vget_low_f32(v));
        vst1q_lane_f32(p + 2, v, 2);
        break;
    default:
        vst1q_f32(p, v);
    }
}
/* All bits of the lanes below `count`. */
static inline uint32x4_t vec_mask(size_t count)
{
    static const uint32_t number[LANE] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(number), vdupq_n_u32((uint32_t)count));
}
static inline vec vec_first(vec v, size_t count)
{
    return vbslq_f32(vec_mask(count), v, vdupq_n_f32(0));
}
static inline vec vec_first_or(vec v, size_t count, vec rest)
{
    return vbslq_f32(vec_mask(count), v, rest);
}
/* The table is 64 bytes, of which one instruction picks any 16. */
static inline vec vec_pick(const vec table[], const uint32_t *of, size_t count)
{
    uint32_t at[LANE] = {0};
    for (size_t i = 0; i < count; i++)
        at[i] = 0x04040404 * of[i] + 0x03020100; /* its four bytes */
    const uint8x16x4_t bytes = {{vreinterpretq_u8_f32(table[0]), vreinterpretq_u8_f32(table[1]),
                                 vreinterpretq_u8_f32(table[2]), vreinterpretq_u8_f32(table[3])}};
    return vreinterpretq_f32_u8(vqtbl4q_u8(bytes, vreinterpretq_u8_u32(vld1q_u32(at))));
}
/* Not vmaxq_f32(): of a NaN that would make NaN. */
static inline vec vec_max(vec a, vec b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}
static inline vec vec_unless_below(vec x, clh_real least, vec value)
{
    return vbslq_f32(vcltq_f32(x, vdupq_n_f32(least)), vdupq_n_f32(0), value);
}
static inline unsigned vec_equal(vec a, vec b)
{
    static const uint32_t bit[LANE] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vceqq_f32(a, b), vld1q_u32(bit)));
}
static inline unsigned vec_at_least(vec a, vec b)
{
    static const uint32_t bit[LANE] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgeq_f32(a, b), vld1q_u32(bit)));
}
static inline clh_real lanes_sum(const vec sum[PARTS])
{
    float32x4_t by4 = vaddq_f32(vaddq_f32(sum[0], sum[2]), vaddq_f32(sum[1], sum[3]));
    float32x2_t by2 = vadd_f32(vget_low_f32(by4), vget_high_f32(by4));
    return vget_lane_f32(by2, 0) + vget_lane_f32(by2, 1);
}
static inline clh_real lanes_max(const vec most[PARTS])
{
    vec by4 = vec_max(vec_max(most[0], most[2]), vec_max(most[1], most[3]));
    vec by2 = vec_max(by4, vextq_f32(by4, by4, 2));
    return vgetq_lane_f32(vec_max(by2, vextq_f32(by2, by2, 1)), 0);
}

#endif
