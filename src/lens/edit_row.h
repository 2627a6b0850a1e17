/** One edit: whether it fits a model, which rows it chooses, what it does to one. */
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

/** Fill in the site where the kind says it. */
void clh_edit_site(clh_edit *edit, const clh_model_config *config);

/** Whether edit number `index` fits; errors of clh_edits_open(). */
clh_status clh_edit_check(const clh_edit *edit, size_t index, const clh_cache *cache,
                          const clh_sample *sample, clh_error *err);

/** Edit row `p`, for kinds that need nothing but the sequence. */
void clh_edit_row(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                  size_t first_scored, size_t p, size_t width, clh_real *row);

#endif
