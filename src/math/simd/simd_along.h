/** A loop along a row, as a function of one step and a macro that runs it: on whole vectors, and
 *  then on the row's last numbers. Reductions keep CLH_LANES partial sums, whatever a vector's
 *  width.
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

#include "math/simd/simd_exp.h"

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

/* `step` along a row of n from `begin` on, a multiple of CLH_LANES. */
#define FROM(begin, n, step, ...)                                                                  \
    do {                                                                                           \
        for (size_t at_ = (begin); at_ < (n); at_ += CLH_LANES)                                    \
            for (size_t part_ = 0, count_;                                                         \
                 part_ < PARTS && (count_ = part_count((n)-at_, part_)) > 0; part_++)              \
                step((place){at_ + part_ * LANE, part_, count_}, __VA_ARGS__);                     \
    } while (0)

/* v, with -inf in the lanes past the row's end. */
INLINE vec or_least(vec v, place w)
{
    const vec least = vec_set(-(clh_real)INFINITY);
    return w.count == LANE ? v : vec_first_or(v, w.count, least);
}

/* The largest of a row so far, by lanes. */
typedef struct largest {
    vec lane[PARTS];
} largest;

INLINE largest largest_of_none(void)
{
    largest l;
    for (size_t p = 0; p < PARTS; p++)
        l.lane[p] = vec_set(-(clh_real)INFINITY);
    return l;
}

INLINE void largest_step(place w, const clh_real *x, largest *l)
{
    l->lane[w.part] = vec_max(l->lane[w.part], or_least(get(x, w), w));
}

/* p = exp(x - shift), and their sum by lanes. */
INLINE void exp_step(place w, const clh_real *x, vec shift, clh_real *p, vec sum[PARTS])
{
    vec e = vec_exp(get(x, w) - shift);
    put(p, w, e);
    sum[w.part] += first(e, w);
}

INLINE void scale_step(place w, vec scale, clh_real *x)
{
    put(x, w, get(x, w) * scale);
}

INLINE void zero_step(place w, clh_real *x)
{
    put(x, w, vec_set(0));
}

/* Rows of a group go through a loop together: what is loaded for a column serves them all, and
 * their sums stay in registers. `rows` is a constant, GROUP or 1, wherever this is inlined. */
enum { GROUP = 4 };

#define IN_GROUPS(rows, step, ...)                                                                 \
    do {                                                                                           \
        size_t r_ = 0;                                                                             \
        for (; r_ + GROUP <= (rows); r_ += GROUP)                                                  \
            step(r_, GROUP, __VA_ARGS__);                                                          \
        for (; r_ < (rows); r_++)                                                                  \
            step(r_, 1, __VA_ARGS__);                                                              \
    } while (0)

INLINE const clh_real *row_of_token(const clh_token_rows *t, size_t r)
{
    return t->at + t->number[r] * t->row;
}

INLINE size_t rows_now(size_t rows, size_t done)
{
    return rows - done < CLH_ROWS_TOGETHER ? rows - done : CLH_ROWS_TOGETHER;
}

#endif
