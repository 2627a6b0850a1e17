/** The exponential of a vector, for one instruction set. */
#ifndef CLH_SIMD_EXP_H
#define CLH_SIMD_EXP_H

#include <math.h>

#include "math/simd/simd.h"

#ifdef CLH_DOUBLE
INLINE vec vec_exp(vec x)
{
    for (size_t i = 0; i < LANE; i++)
        x[i] = exp(x[i]);
    return x;
}
#else
typedef uint32_t ivec __attribute__((vector_size(sizeof(vec)))); /* unsigned: a NaN's bits wrap */

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; ln 2 in two parts so that r is exact
 * (Cody & Waite 1980), exp(r) by its Taylor polynomial of degree 7, whose remainder is below
 * 0.35^8 / 8! = 6e-9. For x <= 88; below -87.3, where 2^n leaves the normal range, 0; NaN stays. */
INLINE vec vec_exp(vec x)
{
    const vec magic = vec_set(0x1.8p23f);
    vec inside = vec_max(vec_set(-87.3f), x);
    vec t = vec_fma(inside, vec_set(0x1.715476p0f), magic);
    vec n = t - magic;
    vec r = vec_fma(n, vec_set(-0x1.62e4p-1f), inside);
    r = vec_fma(n, vec_set(0x1.7f7d1cp-20f) * -1, r);
    vec p = vec_set(1.0f / 5040);
    p = vec_fma(p, r, vec_set(1.0f / 720));
    p = vec_fma(p, r, vec_set(1.0f / 120));
    p = vec_fma(p, r, vec_set(1.0f / 24));
    p = vec_fma(p, r, vec_set(1.0f / 6));
    p = vec_fma(p, r, vec_set(0.5f));
    p = vec_fma(p, r, vec_set(1.0f));
    p = vec_fma(p, r, vec_set(1.0f));
    vec power = (vec)(((ivec)t << 23) + 0x3f800000); /* the low bits of t hold n */
    return vec_unless_below(x, -87.3f, p * power);
}
#endif

#endif
