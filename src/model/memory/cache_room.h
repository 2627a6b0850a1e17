/** How much room a cache has beside activations, and what lies in it before a pass begins: as much as the parts of
 *  a model, which know passes, want of it (attention.c, positions.c, packed.c). */
#ifndef CLH_CACHE_ROOM_H
#define CLH_CACHE_ROOM_H

#include "clearhead/config.h"
#include "math/kernels/kernels.h"

/** Each row of scratch begins a line of the processor's cache. */
static inline size_t clh_cache_scratch_row(size_t pos)
{
    return (pos + CLH_LANES - 1) / CLH_LANES * CLH_LANES;
}

/** The same of rows of a pack: an odd number of lines, so that rows do not fall on each other there.
 */
static inline size_t clh_cache_turned_row(size_t rows)
{
    return (clh_cache_scratch_row(rows) / CLH_LANES | 1) * CLH_LANES;
}

/** How many of `heads` go together when T positions are attended to: as many as have few keys together, but
 *  at least one. */
size_t clh_heads_together(size_t heads, size_t T);

/** Numbers of `turned` for each of d, so that there is room whatever sequence comes of at most T. */
size_t clh_head_turned_keys(size_t heads, size_t T);

/** turn [pos, rotary_dim / 2, 2]: cosine and sine of each pair's angle at each position (positions.c has the
 *  formula), computed in double. */
void clh_rotary_table(const clh_model_config *config, size_t pos, clh_real *turn);

#endif
