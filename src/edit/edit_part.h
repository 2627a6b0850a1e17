/** Queries, keys and values made of a part of their input: edit.h says what PART computes.
 *
 *    clh_edit_parter parter = {0};
 *    if (clh_edit_parter_open(&parter, model, rows, err)) ...
 *    const clh_real *q = clh_edit_part_run(&parter, edit, cache, layer, 'q', rest);
 *    clh_edit_parter_close(&parter);
 */
#ifndef CLH_EDIT_PART_H
#define CLH_EDIT_PART_H

#include "clearhead/edit.h"

/** Room to compute in, for sequences of up to so many rows. The caller owns the struct. */
typedef struct clh_edit_parter {
    const clh_model *model; /**< borrowed */
    clh_real *x, *normalized, *out, *scale, *made;
    size_t rows;
} clh_edit_parter;

clh_status clh_edit_parter_open(clh_edit_parter *out, const clh_model *model, size_t rows,
                                clh_error *err);

/** [pos, n_heads, d_head]: hook_q, hook_k or hook_v (`input` is its letter) of `layer`, made of the
 *  edit's part of the pass in `cache`; `rest` [d_model] stands for what is left out unless the edit
 *  is bare. Borrowed until the next call. */
const clh_real *clh_edit_part_run(const clh_edit_parter *parter, const clh_edit *edit,
                                  const clh_cache *cache, size_t layer, char input,
                                  const clh_real *rest);

/** Free what it owns. All zero is fine. */
void clh_edit_parter_close(clh_edit_parter *parter);

#endif
