/** A loop along a row, as a function of one step and a macro that runs it: on whole vectors, and
 *  then on the row's last numbers. Reductions keep CLH_LANES partial sums, whatever a vector's
 * width.
 *
 *    INLINE void dot_step(place w, const clh_real *x, const clh_real *y, vec sum[PARTS])
 *    {
 *        sum[w.part] = vec_fma(get(x, w), get(y, w), sum[w.part]);
 *    }
 *    ...
 *    vec sum[PARTS] = {{0}};
 *    ALONG(n, dot_step, x, y, sum);
 *    return lanes_sum(sum);
 *
 *  Past the row's end get() gives zeros and put() writes nothing; what is not 0 there and would
 *  count in a sum goes through first().
 */
#ifndef CLH_SIMD_ALONG_H
#define CLH_SIMD_ALONG_H

#include "math/simd.h"

/** Numbers of part `part` of a row that has `rest` left: LANE, fewer at the end, 0 past it. */
static inline size_t part_count(size_t rest, size_t part)
{
    size_t before = part * LANE;
    return rest <= before ? 0 : rest - before < LANE ? rest - before : LANE;
}

/** Where a step stands in a row: `count` numbers at `at`, the lanes of partial sum `part`. `count`
 *  is the constant LANE but at the end of a row. */
typedef struct place {
    size_t at, part, count;
} place;

INLINE vec get(const clh_real *x, place w)
{
    return w.count == LANE ? vec_load(x + w.at) : vec_load_part(x + w.at, w.count);
}

INLINE void put(clh_real *x, place w, vec v)
{
    if (w.count == LANE)
        vec_store(x + w.at, v);
    else
        vec_store_part(x + w.at, v, w.count);
}

INLINE void add(clh_real *x, place w, vec v)
{
    put(x, w, get(x, w) + v);
}

/** `step` all along a row of n. */
#define ALONG(n, step, ...)                                                                        \
    do {                                                                                           \
        size_t at_ = 0;                                                                            \
        for (; at_ + CLH_LANES <= (n); at_ += CLH_LANES)                                           \
            for (size_t part_ = 0; part_ < PARTS; part_++)                                         \
                step((place){at_ + part_ * LANE, part_, LANE}, __VA_ARGS__);                       \
        for (size_t part_ = 0, count_; part_ < PARTS && (count_ = part_count((n)-at_, part_)) > 0; \
             part_++)                                                                              \
            step((place){at_ + part_ * LANE, part_, count_}, __VA_ARGS__);                         \
    } while (0)

/** v, with zeros past the row's end. */
INLINE vec first(vec v, place w)
{
    return w.count == LANE ? v : vec_first(v, w.count);
}

#endif
