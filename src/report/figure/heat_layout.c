#include "report/figure/heat_layout.h"

#include <assert.h>
#include <math.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/both/matrix.h"

enum {
    SCALE_ROOM = 90, /* at least, with its name */
    PANEL_TITLE = 20,
    LABEL_COLUMNS_MAX = 14,
    CELL_MAX = 48,
    SIDE_TARGET = 850, /* px of a plot when the size is ours to choose */
    PANEL_TARGET = 260,
    CELLS_MAX = 2000,
    STRIP_CELL = 18, /* of a strip: the height of its cells, and their width while there is room */
    STRIP_TARGET = 2000
};

size_t clh_heat_label_columns(const char *const *labels, size_t count)
{
    size_t columns = clh_label_columns_max(labels, count);
    return columns < LABEL_COLUMNS_MAX ? columns : LABEL_COLUMNS_MAX;
}

static double label_room(const char *const *labels, size_t count, const char *name)
{
    double widest =
        CLH_HEAT_FONT_MAX * CLH_MONO_PITCH * (double)clh_heat_label_columns(labels, count);
    return ceil(widest) + 8.0 + (name ? CLH_HEAT_NAME : 0.0);
}

clh_heat_layout clh_heat_layout_base(const clh_heatmap_data *data, const clh_shades *shades)
{
    clh_heat_layout l = {.block = 1};
    l.scale = CLH_HEAT_GAP - 4.0 + fmax(SCALE_ROOM, clh_canvas_scale_width(shades));
    l.grid_cols = (size_t)ceil(sqrt((double)data->panel_count));
    l.grid_rows = (data->panel_count + l.grid_cols - 1) / l.grid_cols;
    l.left = label_room(data->row_labels, data->rows, data->y_label);
    l.bottom = label_room(data->col_labels, data->cols, data->x_label);
    for (size_t p = 0; p < data->panel_count; p++)
        if (data->panels[p].title)
            l.title = PANEL_TITLE;
    return l;
}

static void set_cells(clh_heat_layout *l, const clh_heatmap_data *data, size_t block, double cell_x,
                      double cell_y)
{
    l->block = block;
    l->cells_x = clh_matrix_cells(data->cols, block);
    l->cells_y = clh_matrix_cells(data->rows, block);
    l->cell_x = cell_x;
    l->cell_y = cell_y;
    l->plot_width = cell_x * (double)l->cells_x;
    l->plot_height = cell_y * (double)l->cells_y;
}

/* Whole pixels of a cell in `room` for `cells`. */
static double cell_in(double room, size_t cells)
{
    return fmin(fmax(floor(room / (double)cells), 1.0), CELL_MAX);
}

static double taken_width(const clh_heat_layout *l)
{
    return l->left + l->scale + CLH_HEAT_GAP * (double)(l->grid_cols - 1);
}

static double taken_height(const clh_heat_layout *l)
{
    return l->bottom + l->title * (double)l->grid_rows + CLH_HEAT_GAP * (double)(l->grid_rows - 1);
}

bool clh_heat_layout_fit(clh_heat_layout *l, const clh_heatmap_data *data, clh_rect body)
{
    assert(l && data);
    for (int pass = 0; pass < 2; pass++) {
        double width = floor((body.width - taken_width(l)) / (double)l->grid_cols);
        double height = floor((body.height - taken_height(l)) / (double)l->grid_rows);
        if (width < CLH_HEAT_PLOT_MIN || height < CLH_HEAT_PLOT_MIN)
            return false;
        double block =
            fmax(1.0, fmax(ceil((double)data->cols / width), ceil((double)data->rows / height)));
        set_cells(l, data, (size_t)block, 1.0, 1.0);
        double x = cell_in(width, l->cells_x), y = cell_in(height, l->cells_y);
        set_cells(l, data, (size_t)block, data->strip ? x : fmin(x, y),
                  data->strip ? y : fmin(x, y));
        if (l->block == 1)
            return true;
    }
    return l->plot_width <= body.width && l->plot_height <= body.height;
}

/* Cells of a page whose size is ours to choose. */
static void choose_cells(clh_heat_layout *l, const clh_heatmap_data *data)
{
    size_t longest = data->rows > data->cols ? data->rows : data->cols;
    size_t block = clh_matrix_cells(longest, CELLS_MAX);
    double target = fmax((double)SIDE_TARGET / (double)l->grid_cols, PANEL_TARGET);
    if (data->panel_count == 1)
        target = SIDE_TARGET;
    double cell = floor(target / (double)clh_matrix_cells(longest, block));
    double least = longest <= CELLS_MAX / 2 ? 2.0 : 1.0; /* one pixel alone is hard to see */
    cell = fmin(fmax(cell, least), CELL_MAX);
    double across = floor((double)STRIP_TARGET / (double)clh_matrix_cells(data->cols, block));
    if (data->strip)
        set_cells(l, data, block, fmin(fmax(across, least), STRIP_CELL), STRIP_CELL);
    else
        set_cells(l, data, block, cell, cell);
}

clh_page clh_heat_page(const clh_heatmap_data *data, const clh_shades *shades,
                       const clh_figure_style *style)
{
    assert(data && shades);
    clh_heat_layout l = clh_heat_layout_base(data, shades);
    choose_cells(&l, data);
    double width = taken_width(&l) + l.plot_width * (double)l.grid_cols;
    double height = taken_height(&l) + l.plot_height * (double)l.grid_rows;
    width = fmax(width + 2.0 * CLH_PAGE_MARGIN, 360.0);
    height += clh_page_frame_height(style);
    height =
        fmax(height, clh_page_frame_height(style) + taken_height(&l) + 2.0 * CLH_HEAT_PLOT_MIN);
    return clh_page_make(style, fmin(width, CLH_FIGURE_SIDE_MAX),
                         fmin(height, CLH_FIGURE_SIDE_MAX));
}

clh_rect clh_heat_layout_centre(const clh_heat_layout *l, clh_rect body)
{
    double width = taken_width(l) + l->plot_width * (double)l->grid_cols;
    double height = taken_height(l) + l->plot_height * (double)l->grid_rows;
    double right = fmax(0.0, floor((body.width - width) / 2.0));
    double down = fmax(0.0, floor((body.height - height) / 2.0));
    return (clh_rect){body.x + right, body.y + down, body.width - 2.0 * right,
                      body.height - 2.0 * down};
}
