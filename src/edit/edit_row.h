/** What an edit does to a row of an activation: which rows it chooses, and those kinds that need
 *  nothing but the sequence. */
#ifndef CLH_EDIT_ROW_H
#define CLH_EDIT_ROW_H

#include "clearhead/edit.h"

/** Rows of an activation of one sequence. */
typedef struct clh_edit_layout {
    size_t heads, width; /**< heads: 1 where there are none */
    bool has_heads, pattern;
} clh_edit_layout;

clh_edit_layout clh_edit_layout_of(const clh_tensor *tensor);

/** Where the row of head `h` and position `p` begins. */
size_t clh_edit_row_at(const clh_edit_layout *layout, size_t pos, size_t h, size_t p);

/** Whether the edit is for head `h` and position `p` of `pos`. */
bool clh_edit_chooses(const clh_edit *edit, size_t h, size_t p, size_t pos);

/** Whether the kind is for attention patterns alone. */
bool clh_edit_of_patterns(clh_edit_kind kind);

/** A tensor spread over a site: how far apart its numbers are along each dimension, 0 where one
 *  stands for all. */
typedef struct clh_edit_spread {
    size_t head, position, item;
} clh_edit_spread;

/** As NumPy broadcasts: shapes are aligned at their ends, a dimension of `given` is that of the
 *  site, 1, or absent. False when it does not fit. */
bool clh_edit_spread_of(clh_edit_spread *out, const clh_tensor *given, const clh_tensor *site);

/** Edit row `p`, for kinds that need nothing but the sequence. */
void clh_edit_row(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                  size_t first_scored, size_t p, size_t width, clh_real *row);

#endif
