/** The curves of an MLP for one instruction set. Included by kernels_simd.c only. */
#ifndef CLH_SIMD_CURVES_H
#define CLH_SIMD_CURVES_H

#include "math/simd/simd_along.h"

#ifdef CLH_DOUBLE
INLINE vec vec_erf(vec x)
{
    for (size_t i = 0; i < LANE; i++)
        x[i] = erf(x[i]);
    return x;
}
#else
/* x P(x^2) / Q(x^2), as in Eigen's generic_fast_erf: within 5e-7 of erf, 1 in size from 4 on. */
INLINE vec vec_erf(vec x)
{
    const vec in = -vec_max(vec_set(-4), -vec_max(vec_set(-4), x)), s = in * in;
    vec p = vec_set(-2.72614225801306e-10f);
    p = vec_fma(p, s, vec_set(2.77068142495902e-08f));
    p = vec_fma(p, s, vec_set(-2.10102402082508e-06f));
    p = vec_fma(p, s, vec_set(-5.69250639462346e-05f));
    p = vec_fma(p, s, vec_set(-7.34990630326855e-04f));
    p = vec_fma(p, s, vec_set(-2.95459980854025e-03f));
    p = vec_fma(p, s, vec_set(-1.60960333262415e-02f));
    vec q = vec_set(-1.45660718464996e-05f);
    q = vec_fma(q, s, vec_set(-2.13374055278905e-04f));
    q = vec_fma(q, s, vec_set(-1.68282697438203e-03f));
    q = vec_fma(q, s, vec_set(-7.37332916720468e-03f));
    q = vec_fma(q, s, vec_set(-1.42647390514189e-02f));
    return in * p / q;
}
#endif

/* 1 / (1 + exp(-x)); vec_exp() takes no more than 88. */
INLINE vec vec_sigmoid(vec x)
{
    return 1 / (1 + vec_exp(-vec_max(vec_set(-88), x)));
}

INLINE vec vec_phi(vec x)
{
    return (1 + vec_erf(x * (clh_real)0.70710678118654752440)) * (clh_real)0.5;
}

/* What gelu_new has in its sigmoid, and its slope. */
#define CURVE_ROOT ((clh_real)1.59576912160573071176)
#define CURVE_CUBIC ((clh_real)0.044715)

INLINE vec gelu_new_inside(vec x)
{
    return x * CURVE_ROOT * vec_fma(x * x, vec_set(CURVE_CUBIC), vec_set(1));
}

INLINE vec curve_value(const clh_curve curve, vec x)
{
    if (curve == CLH_CURVE_RELU)
        return vec_max(vec_set(0), x); /* NaN stays */
    if (curve == CLH_CURVE_GELU)
        return x * vec_phi(x);
    return x * vec_sigmoid(curve == CLH_CURVE_SILU ? x : gelu_new_inside(x));
}

INLINE vec curve_slope(const clh_curve curve, vec x)
{
    const vec one = vec_set(1);
    if (curve == CLH_CURVE_RELU)
        return (vec)((x > vec_set(0)) & (__typeof__(x > vec_set(0)))one);
    if (curve == CLH_CURVE_GELU)
        return vec_fma(x * (clh_real)0.39894228040143267794, vec_exp(x * x * (clh_real)-0.5),
                       vec_phi(x));
    if (curve == CLH_CURVE_SILU) {
        const vec s = vec_sigmoid(x);
        return s * vec_fma(x, 1 - s, one);
    }
    const vec s = vec_sigmoid(gelu_new_inside(x));
    return vec_fma(x * s * (1 - s) * CURVE_ROOT, vec_fma(x * x, vec_set(3 * CURVE_CUBIC), one), s);
}

INLINE void curve_step(place w, const clh_curve curve, const clh_real *x, clh_real *y)
{
    put(y, w, curve_value(curve, get(x, w)));
}

INLINE void curve_back_step(place w, const clh_curve curve, const clh_real *x, const clh_real *gy,
                            clh_real *gx)
{
    put(gx, w, get(gy, w) * curve_slope(curve, get(x, w)));
}

/* `curve` is a constant in each loop. */
#define CURVE_CASE(curve, step, ...)                                                               \
    case curve:                                                                                    \
        ALONG(n, step, curve, __VA_ARGS__);                                                        \
        break

static void simd_curve(clh_curve curve, size_t n, const clh_real *x, clh_real *y)
{
    switch (curve) {
        CURVE_CASE(CLH_CURVE_RELU, curve_step, x, y);
        CURVE_CASE(CLH_CURVE_GELU, curve_step, x, y);
        CURVE_CASE(CLH_CURVE_GELU_NEW, curve_step, x, y);
        CURVE_CASE(CLH_CURVE_SILU, curve_step, x, y);
    case CLH_CURVES:
        break;
    }
}

static void simd_curve_back(clh_curve curve, size_t n, const clh_real *x, const clh_real *gy,
                            clh_real *gx)
{
    switch (curve) {
        CURVE_CASE(CLH_CURVE_RELU, curve_back_step, x, gy, gx);
        CURVE_CASE(CLH_CURVE_GELU, curve_back_step, x, gy, gx);
        CURVE_CASE(CLH_CURVE_GELU_NEW, curve_back_step, x, gy, gx);
        CURVE_CASE(CLH_CURVE_SILU, curve_back_step, x, gy, gx);
    case CLH_CURVES:
        break;
    }
}

#endif
