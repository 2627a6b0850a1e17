/** Queries, keys and values made of a part of their input: edit.h says what PART computes.
 *
 *    clh_parter parter = {0};
 *    if (clh_parter_reserve(&parter, config, rows, err)) ...
 *    const clh_real *q = clh_parter_run(&parter, &input, 'q', err);
 *    clh_parter_close(&parter);
 */
#ifndef CLH_EDIT_PART_H
#define CLH_EDIT_PART_H

#include "clearhead/edit.h"

/** Room to compute in. The caller owns the struct; all zero is an empty one. */
typedef struct clh_parter {
    clh_real *x, *normalized, *out, *scale, *made;
    size_t rows;
} clh_parter;

/** Room for so many rows. */
clh_status clh_parter_reserve(clh_parter *parter, const clh_model_config *config, size_t rows,
                              clh_error *err);

/** What queries, keys or values of a layer are made of. Borrowed. */
typedef struct clh_part_input {
    const clh_model *model;
    size_t layer, rows;
    const clh_real *part;  /**< [rows, d_model] of an embedding */
    const clh_real *whole; /**< [rows, d_model] of resid_pre: its scale stands in ln1; NULL: that of
                                what is made */
    const clh_real *rest;  /**< [d_model] stands for what is left out; NULL: nothing does */
} clh_part_input;

/** [rows, n_heads, d_head] of hook_q, hook_k or hook_v (`input` is its letter); there is room.
 *  Borrowed until the next call. */
const clh_real *clh_parter_run(const clh_parter *parter, const clh_part_input *of, char input);

/** Free what it owns. All zero is fine. */
void clh_parter_close(clh_parter *parter);

#endif
