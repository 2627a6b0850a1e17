#include "report/both/matrix.h"

#include <assert.h>
#include <math.h>

clh_matrix_view clh_matrix_view_make(const clh_heatmap_data *data, size_t index,
                                     const clh_shades *shades, size_t block_rows, size_t block_cols)
{
    assert(index < data->panel_count && block_rows >= 1 && block_cols >= 1);
    const clh_heatmap_panel *panel = &data->panels[index];
    const size_t stride = panel->stride ? panel->stride : data->cols;
    return (clh_matrix_view){
        panel->values, data->rows,
        data->cols,    stride,
        data->causal,  block_rows,
        block_cols,    .row = shades->row ? shades->row + index * data->rows : NULL};
}

size_t clh_matrix_cells(size_t count, size_t block)
{
    assert(block >= 1);
    return count / block + (count % block != 0);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

clh_cell_kind clh_matrix_cell(const clh_matrix_view *view, size_t row, size_t col, double *value)
{
    size_t row_first = row * view->block_rows, col_first = col * view->block_cols;
    assert(row_first < view->rows && col_first < view->cols);
    size_t row_end = least(row_first + view->block_rows, view->rows);
    size_t col_end = least(col_first + view->block_cols, view->cols);
    if (view->causal && col_first >= row_end)
        return CLH_CELL_FUTURE;
    bool found = false;
    *value = 0.0;
    for (size_t r = row_first; r < row_end; r++) {
        size_t end = view->causal ? least(r + 1, col_end) : col_end;
        for (size_t c = col_first; c < end; c++) {
            double v = (double)view->values[r * view->stride + c];
            if (view->row && view->row[r] > 0.0)
                v /= view->row[r];
            if (isfinite(v) && (!found || fabs(v) > fabs(*value))) {
                *value = v;
                found = true;
            }
        }
    }
    return found ? CLH_CELL_VALUE : CLH_CELL_MISSING;
}

bool clh_tokens_shows(const clh_tokens_data *data, size_t index)
{
    assert(index < data->count);
    bool future = data->destination != CLH_NO_DESTINATION && index > data->destination;
    return !future && isfinite((double)data->values[index]);
}
