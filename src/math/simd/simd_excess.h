/** What a row's exponentials come to beyond the largest's own, in double, for one instruction set:
 *  kernels.h says what it is for. Sums are kept for CLH_LANES lanes. */
#ifndef CLH_SIMD_EXCESS_H
#define CLH_SIMD_EXCESS_H

#include <math.h>

#include "math/simd/simd_along.h"

typedef uint64_t dvec_bits __attribute__((vector_size(sizeof(dvec))));

INLINE dvec dvec_set(double x)
{
    return x - (dvec){0};
}

#ifdef CLH_DOUBLE
INLINE dvec dvec_exp(dvec x)
{
    for (size_t i = 0; i < DLANE; i++)
        x[i] = exp(x[i]);
    return x;
}
#else
/* As vec_exp(), for x <= 0, with a remainder below 0.35^9 / 9! = 2e-10. Below -708.7 n is -1023, whose
 * power is written as 0. */
INLINE dvec dvec_exp(dvec x)
{
    const dvec magic = dvec_set(0x1.8p52), inside = dvec_max(dvec_set(-709), x);
    const dvec t = dvec_fma(inside, dvec_set(0x1.71547652b82fep0), magic), n = t - magic;
    const dvec r = dvec_fma(n, dvec_set(-0x1.a39ef35793c76p-33),
                            dvec_fma(n, dvec_set(-0x1.62e42feep-1), inside));
    dvec p = dvec_set(1.0 / 40320);
    p = dvec_fma(p, r, dvec_set(1.0 / 5040));
    p = dvec_fma(p, r, dvec_set(1.0 / 720));
    p = dvec_fma(p, r, dvec_set(1.0 / 120));
    p = dvec_fma(p, r, dvec_set(1.0 / 24));
    p = dvec_fma(p, r, dvec_set(1.0 / 6));
    p = dvec_fma(p, r, dvec_set(0.5));
    p = dvec_fma(p, r, dvec_set(1.0));
    p = dvec_fma(p, r, dvec_set(1.0));
    return p * (dvec)(((dvec_bits)t << 52) + 0x3ff0000000000000u); /* t's low bits hold n */
}
#endif

/* Numbers that equal the largest are counted, the others' exponentials added up: near 1 the largest's
 * own would leave their sum no room for digits. */
typedef struct exceeding {
    dvec sum[DPARTS];
    dvec_bits equal[DPARTS];
} exceeding;

/* Added as a tree: lanes 8 apart, 4, 2, 1. */
INLINE double dlanes_sum(dvec sum[DPARTS])
{
    UNROLL
    for (size_t apart = DPARTS / 2; apart > 0; apart /= 2) {
        UNROLL
        for (size_t part = 0; part < apart; part++)
            sum[part] += sum[part + apart];
    }
    dvec one = sum[0];
    UNROLL
    for (size_t apart = DLANE / 2; apart > 0; apart /= 2) {
        UNROLL
        for (size_t i = 0; i < apart; i++)
            one[i] += one[i + apart];
    }
    return one[0];
}

INLINE void exceed_step(const clh_real *x, size_t part, dvec most, exceeding *e)
{
    const dvec less = dvec_load(x + part * DLANE) - most;
    const dvec_bits equal = (dvec_bits)(less == dvec_set(0));
    e->sum[part] += (dvec)((dvec_bits)dvec_exp(less) & ~equal);
    e->equal[part] -= equal;
}

/* The excess of a row whose largest number is `most`. */
INLINE double excess_above(size_t n, const clh_real *x, clh_real most)
{
    const clh_real least = -(clh_real)INFINITY;
    const dvec above = dvec_set((double)most);
    exceeding e = {{{0}}, {{0}}};
    size_t at = 0;
    for (; at + CLH_LANES <= n; at += CLH_LANES) {
        UNROLL
        for (size_t part = 0; part < DPARTS; part++)
            exceed_step(x + at, part, above, &e);
    }
    if (at < n) {
        clh_real rest[CLH_LANES];
        UNROLL
        for (size_t part = 0; part < PARTS; part++) {
            const size_t count = part_count(n - at, part);
            const vec some = count ? vec_load_part(x + at + part * LANE, count) : vec_set(0);
            vec_store(rest + part * LANE, vec_first_or(some, count, vec_set(least)));
        }
        UNROLL
        for (size_t part = 0; part < DPARTS; part++)
            if (part * DLANE < n - at)
                exceed_step(rest, part, above, &e);
    }
    uint64_t count = 0;
    UNROLL
    for (size_t part = 1; part < DPARTS; part++)
        e.equal[0] += e.equal[part];
    UNROLL
    for (size_t i = 0; i < DLANE; i++)
        count += e.equal[0][i];
    return dlanes_sum(e.sum) + ((double)count - 1);
}

/* The sum of a row in double. */
INLINE double sum_exactly(size_t n, const clh_real *x)
{
    dvec sum[DPARTS] = {{0}};
    size_t at = 0;
    for (; at + CLH_LANES <= n; at += CLH_LANES) {
        UNROLL
        for (size_t part = 0; part < DPARTS; part++)
            sum[part] += dvec_load(x + at + part * DLANE);
    }
    double rest = 0;
    for (; at < n; at++)
        rest += (double)x[at];
    return dlanes_sum(sum) + rest;
}

#endif
