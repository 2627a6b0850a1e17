/** A matrix as a picture of it needs it: pooled to fit, its scale known, its future masked.
 *
 *    clh_matrix_view view = clh_matrix_view_make(&data, panel, &shades, 2, 2);
 *    double value;
 *    if (clh_matrix_cell(&view, r, c, &value) == CLH_CELL_VALUE) paint(value);
 *
 *  A view borrows the numbers. A cell of the view is a block of
 *  block_rows x block_cols numbers.
 */
#ifndef CLH_MATRIX_H
#define CLH_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "clearhead/figure.h"
#include "report/both/shades.h"

typedef struct clh_matrix_view {
    const clh_real *values; /**< [rows, cols], rows `stride` apart */
    size_t rows, cols, stride;
    bool causal;
    size_t block_rows, block_cols; /**< >= 1 */
    const double
        *row; /**< [rows] what a value of that row is divided by where it is above 0; NULL */
} clh_matrix_view;

typedef enum clh_cell_kind {
    CLH_CELL_VALUE,   /**< *value: of the block's finite values the one of largest magnitude */
    CLH_CELL_MISSING, /**< none is finite */
    CLH_CELL_FUTURE,  /**< causal, and every column is later than every row */
} clh_cell_kind;

/** View of panel `index` of `data`, whose shades these are, in blocks of block_rows x block_cols, both >= 1. */
clh_matrix_view clh_matrix_view_make(const clh_heatmap_data *data, size_t index,
                                     const clh_shades *shades, size_t block_rows,
                                     size_t block_cols);

/** Cells of a side of `count` numbers in blocks of `block`. */
size_t clh_matrix_cells(size_t count, size_t block);

/** What cell (row, col) of the view shows. */
clh_cell_kind clh_matrix_cell(const clh_matrix_view *view, size_t row, size_t col, double *value);

/** Whether token `index` shows a value: finite, and not after the destination. */
bool clh_tokens_shows(const clh_tokens_data *data, size_t index);

#endif
