/** A vector of the instruction set this file is compiled for, as few words as the kernels need.
 *
 *  `vec` is LANE numbers, PARTS of them CLH_LANES; arithmetic is the compiler's own on vector
 *  types. What differs between instruction sets stands in one header each, included below:
 *
 *    vec_set(x)                      x in every lane
 *    vec_fma(a, b, c)                a b + c, rounded once (twice in `base`)
 *    vec_max(a, b)                   the larger; b where one is NaN
 *    vec_load_part(p, count)         p[0 .. count - 1], then 0; touches no memory past `count`
 *    vec_store_part(p, v, count)     likewise
 *    vec_first(v, count)             v with the lanes from `count` on set to 0
 *    vec_first_or(v, count, rest)    v with the lanes from `count` on those of `rest`
 *    vec_pick(table, of, count)      table[of[i]], i < count, of a table of CLH_LANES numbers
 *    vec_unless_below(x, least, v)   0 where x < least, else v
 *    vec_equal(a, b)                 bit i of an unsigned: a[i] == b[i]
 *    vec_at_least(a, b)              bit i of an unsigned: a[i] >= b[i]
 *    lanes_sum(sum)                  CLH_LANES partial sums added as a tree: lanes 8 apart, 4, 2, 1
 *    lanes_max(most)                 the largest of CLH_LANES
 *    dvec_load(p)                    DLANE numbers as doubles, DPARTS of which are CLH_LANES
 *    dvec_fma, dvec_max              as of vec
 *    SIMD_REGISTERS                  vector registers there are
 */
#ifndef CLH_SIMD_H
#define CLH_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "math/kernels/kernels.h"

#define INLINE static inline __attribute__((always_inline))

/* The loop that follows becomes straight code; its count is a constant of at most 16. clang takes a
 * plain number for less than that, and then an array that should be registers lies in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define UNROLL_TWICE _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define UNROLL_TWICE _Pragma("GCC unroll 2")
#endif

#if defined(__AVX2__) && defined(__FMA__) && !defined(CLH_SIMD_GENERIC)
#include "math/simd/simd_avx.h"
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(CLH_SIMD_GENERIC)
#include "math/simd/simd_neon.h"
#else
#include "math/simd/simd_generic.h"
#endif

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

#endif
