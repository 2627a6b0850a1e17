/** Rows of an activation: where they lie, and what edits of attention patterns do to one. */
#ifndef CLH_EDIT_ROW_H
#define CLH_EDIT_ROW_H

#include "clearhead/edit.h"
#include "model/memory/tensors.h"

/** Rows of an activation of one sequence. */
typedef struct clh_edit_layout {
    size_t heads, width; /**< heads: 1 where there are none */
    bool has_heads, pattern;
} clh_edit_layout;

/** `pattern`: whether it is one, or scores. */
static inline clh_edit_layout clh_edit_layout_as(const clh_tensor *tensor, bool pattern)
{
    return (clh_edit_layout){.heads = tensor->rank == 4 ? tensor->shape[pattern ? 1 : 2] : 1,
                             .width = tensor->rank > 2 ? tensor->shape[tensor->rank - 1] : 1,
                             .has_heads = tensor->rank == 4,
                             .pattern = pattern};
}

/** Of activation `index` for `pos` tokens; `cache` may be empty. */
static inline clh_edit_layout clh_edit_layout_of(const clh_cache *cache, size_t index, size_t pos)
{
    const clh_tensor tensor = clh_cache_describe(cache, index, 1, pos);
    return clh_edit_layout_as(&tensor, clh_cache_place(cache, index).row->dim[CLH_RANK_MAX - 1] ==
                                           DIM_KEY_POS);
}

/** How far apart the numbers of an activation are along each of its dimensions; 0 where one stands
 *  for all. */
typedef struct clh_edit_spread {
    size_t head, position, item;
} clh_edit_spread;

/** Of an activation of `pos` tokens as it lies in memory. */
static inline clh_edit_spread clh_edit_spread_in(const clh_edit_layout *l, size_t pos)
{
    return l->pattern ? (clh_edit_spread){pos * l->width, l->width, 1}
                      : (clh_edit_spread){l->width, l->heads * l->width, 1};
}

/** Of a tensor spread over a site as NumPy broadcasts: shapes are aligned at their ends, a dimension
 *  of `given` is that of the site, 1, or absent. False when it does not fit. */
bool clh_edit_spread_of(clh_edit_spread *out, const clh_tensor *given, const clh_tensor *site,
                        bool pattern);

/** Whether `index` of `count` is in a list whose negative numbers count from the end. */
bool clh_edit_listed(const long *list, size_t length, size_t index, size_t count);

/** Edit row `p` of a pattern in place, of which the query sees keys up to `last`: ONE_HOT, ONLY, WITHOUT
 *  or EVEN. */
void clh_edit_row(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                  size_t first_scored, size_t p, size_t last, size_t width, clh_real *row);

#endif
