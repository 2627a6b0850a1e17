/** simd.h in vectors of 16 bytes and loops, for any processor: the build named "base". */
#ifndef CLH_SIMD_GENERIC_H
#define CLH_SIMD_GENERIC_H

#define SIMD_REGISTERS 16

enum { LANE = 16 / sizeof(clh_real), PARTS = CLH_LANES / LANE };

typedef clh_real vec __attribute__((vector_size(LANE * sizeof(clh_real))));

enum { DLANE = 2, DPARTS = CLH_LANES / DLANE };

typedef double dvec __attribute__((vector_size(DLANE * sizeof(double))));

static inline dvec dvec_load(const clh_real *p)
{
    return (dvec){(double)p[0], (double)p[1]};
}
static inline dvec dvec_fma(dvec a, dvec b, dvec c)
{
    return a * b + c;
}
static inline dvec dvec_max(dvec a, dvec b)
{
    for (size_t i = 0; i < DLANE; i++)
        a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}

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
    for (size_t i = 0; i < LANE; i++) /* no memcpy(): that would be called, for a few bytes */
        if (i < count)
            v[i] = p[i];
    return v;
}
static inline void vec_store_part(clh_real *p, vec v, size_t count)
{
    for (size_t i = 0; i < LANE; i++)
        if (i < count)
            p[i] = v[i];
}
static inline vec vec_max(vec a, vec b)
{
    for (size_t i = 0; i < LANE; i++)
        a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}
static inline vec vec_first(vec v, size_t count)
{
    for (size_t i = 0; i < LANE; i++)
        v[i] = i < count ? v[i] : 0;
    return v;
}
static inline vec vec_first_or(vec v, size_t count, vec rest)
{
    for (size_t i = 0; i < LANE; i++)
        v[i] = i < count ? v[i] : rest[i];
    return v;
}
static inline vec vec_pick(const vec table[], const uint32_t *of, size_t count)
{
    vec v = {0};
    for (size_t i = 0; i < count; i++)
        v[i] = table[of[i] / LANE][of[i] % LANE];
    return v;
}
static inline vec vec_unless_below(vec x, clh_real least, vec value)
{
    for (size_t i = 0; i < LANE; i++)
        value[i] = x[i] < least ? 0 : value[i];
    return value;
}
static inline unsigned vec_equal(vec a, vec b)
{
    unsigned bits = 0;
    for (size_t i = 0; i < LANE; i++)
        bits |= (unsigned)(a[i] >= b[i] && a[i] <= b[i]) << i;
    return bits;
}
static inline unsigned vec_at_least(vec a, vec b)
{
    unsigned bits = 0;
    for (size_t i = 0; i < LANE; i++)
        bits |= (unsigned)(a[i] >= b[i]) << i;
    return bits;
}

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

#endif
