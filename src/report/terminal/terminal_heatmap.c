#include <assert.h>
#include <math.h>
#include <string.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/both/matrix.h"
#include "report/terminal/terminal_paint.h"

enum { LABEL_COLUMNS_MAX = 10, COLUMNS_MIN = 8, ZOOM_MAX = 4, SHADES = 5 };

static const char *const shades_fancy[SHADES] = {"·", "░", "▒", "▓", "█"};
static const char *const shades_plain[SHADES] = {".", "-", "+", "*", "#"};

/* A character shows two squares in colour, one above the other; in shades, one cell that is twice
 * as tall as wide. Small matrices are zoomed so that a cell is a square of characters. */
typedef struct heat_view {
    const clh_heatmap_data *data;
    bool coloured;
    clh_shades shades;
    size_t gutter, block_rows, block_cols;
    size_t wide; /* characters across a cell */
    size_t tall; /* half lines (in colour) or lines down a cell */
    size_t cells_x, cells_y;
} heat_view;

static size_t divide_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

static clh_status lay_out(heat_view *view, const clh_painter *painter, clh_error *err)
{
    const clh_heatmap_data *data = view->data;
    size_t label = clh_label_columns_max(data->row_labels, data->rows);
    view->coloured = painter->style.colour != CLH_COLOUR_NONE;
    view->gutter = (label < LABEL_COLUMNS_MAX ? label : LABEL_COLUMNS_MAX) + 1;
    if (painter->style.width < view->gutter + COLUMNS_MIN)
        return clh_fail(err, CLH_ERANGE, "%zu columns leave no room for the matrix, want %zu",
                        painter->style.width, view->gutter + COLUMNS_MIN);
    size_t room = painter->style.width - view->gutter, unit = view->coloured ? 1 : 2;
    size_t lines = painter->style.height * (view->coloured ? 2 : 1); /* 0: as many as it takes */
    size_t zoom = room / data->cols / unit;
    if (lines && zoom > lines / data->rows)
        zoom = lines / data->rows;
    view->wide = view->tall = view->block_rows = view->block_cols = 1;
    if (data->strip) { /* a line a row; what is too long is pooled along it only */
        const size_t across = room / data->cols;
        view->tall = view->coloured ? 2 : 1;
        view->wide = across < 1 ? 1 : across < ZOOM_MAX ? across : ZOOM_MAX;
        view->block_cols = divide_up(data->cols, room);
    } else if (zoom > 0) {
        view->tall = zoom < ZOOM_MAX / unit ? zoom : ZOOM_MAX / unit;
        view->wide = view->tall * unit;
    } else {
        view->block_cols = divide_up(data->cols, room);
        view->block_rows = view->block_cols * unit;
        if (lines && divide_up(data->rows, lines) > view->block_rows) {
            view->block_rows = divide_up(data->rows, lines);
            view->block_cols = divide_up(view->block_rows, unit);
        }
    }
    view->cells_x = clh_matrix_cells(data->cols, view->block_cols);
    view->cells_y = clh_matrix_cells(data->rows, view->block_rows);
    return CLH_OK;
}

/* Colour of a half line; NULL where the terminal's own shows: the future, and past the end. */
static const clh_rgb *half_colour(const heat_view *view, const clh_painter *painter,
                                  const clh_matrix_view *matrix, size_t half, size_t col,
                                  clh_rgb *out)
{
    double value;
    size_t row = half / view->tall;
    if (row >= view->cells_y)
        return NULL;
    clh_cell_kind kind = clh_matrix_cell(matrix, row, col, &value);
    if (kind == CLH_CELL_FUTURE)
        return NULL;
    *out = clh_colormap_at(kind == CLH_CELL_VALUE ? clh_shades_at(&view->shades, value) : NAN,
                           painter->style.dark);
    return out;
}

/* Half blocks need a character set; in ASCII the upper half stands for its line. */
static void paint_halves(const heat_view *view, clh_painter *painter, const clh_matrix_view *matrix,
                         size_t line, size_t col)
{
    clh_rgb upper_rgb, lower_rgb;
    const clh_rgb *upper = half_colour(view, painter, matrix, 2 * line, col, &upper_rgb);
    const clh_rgb *lower = half_colour(view, painter, matrix, 2 * line + 1, col, &lower_rgb);
    bool same = upper && lower && memcmp(upper, lower, sizeof *upper) == 0;
    bool whole = same || (!upper && !lower) || painter->style.ascii;
    if (whole) {
        clh_painter_fore(painter, NULL);
        clh_painter_back(painter, upper ? upper : lower);
        clh_painter_repeat(painter, " ", view->wide);
        return;
    }
    clh_painter_fore(painter, upper ? upper : lower);
    clh_painter_back(painter, upper ? lower : NULL);
    clh_painter_repeat(painter, upper ? "▀" : "▄", view->wide);
}

static void paint_shade(const heat_view *view, clh_painter *painter, const clh_matrix_view *matrix,
                        size_t line, size_t col)
{
    double value;
    const char *const *shades = painter->style.ascii ? shades_plain : shades_fancy;
    clh_cell_kind kind = clh_matrix_cell(matrix, line / view->tall, col, &value);
    const char *shade = kind == CLH_CELL_FUTURE ? " " : "?";
    if (kind == CLH_CELL_VALUE) {
        const double part = fabs(clh_shades_at(&view->shades, value));
        shade = shades[(size_t)fmin(part * (double)SHADES, SHADES - 1)];
    }
    clh_painter_repeat(painter, shade, view->wide);
}

static void paint_matrix(const heat_view *view, clh_painter *painter, size_t panel)
{
    const clh_heatmap_data *data = view->data;
    clh_matrix_view matrix =
        clh_matrix_view_make(data, panel, &view->shades, view->block_rows, view->block_cols);
    size_t halves = view->coloured ? 2 : 1;
    size_t lines = divide_up(view->cells_y * view->tall, halves);
    double pitch = (double)view->tall / (double)(view->block_rows * halves); /* lines a row */
    size_t stride = clh_label_stride(data->rows, pitch, data->strip ? 1.0 : 2.0), next = 0;
    for (size_t line = 0; line < lines; line++) {
        char shown[CLH_LABEL_BYTES] = "";
        if (next < data->rows && (double)next * pitch < (double)(line + 1)) {
            clh_label_show(shown, data->row_labels, next, view->gutter - 1);
            next += stride;
        }
        clh_painter_field(painter, shown, view->gutter - 1, true);
        clh_painter_add(painter, " ");
        for (size_t c = 0; c < view->cells_x; c++) {
            if (view->coloured)
                paint_halves(view, painter, &matrix, line, c);
            else
                paint_shade(view, painter, &matrix, line, c);
        }
        clh_painter_end_line(painter);
    }
}

/* Labels that begin at their column, as many as fit. */
static void paint_col_labels(const heat_view *view, clh_painter *painter)
{
    const clh_heatmap_data *data = view->data;
    size_t widest = clh_label_columns_max(data->col_labels, data->cols);
    widest = widest < LABEL_COLUMNS_MAX ? widest : LABEL_COLUMNS_MAX;
    double pitch = (double)view->wide / (double)view->block_cols;
    size_t stride = clh_label_stride(data->cols, pitch, (double)widest + 1.0), at = 0;
    size_t room = painter->style.width - view->gutter;
    clh_painter_repeat(painter, " ", view->gutter);
    for (size_t i = 0; i < data->cols; i += stride) {
        char shown[CLH_LABEL_BYTES], plain[CLH_LABEL_BYTES];
        size_t start = (size_t)((double)i * pitch);
        clh_label_show(shown, data->col_labels, i, LABEL_COLUMNS_MAX);
        size_t columns = clh_text_clean(plain, sizeof plain, shown);
        if (start + columns > room)
            break;
        clh_painter_repeat(painter, " ", start - at);
        clh_painter_add(painter, shown);
        at = start + columns;
    }
    clh_painter_end_line(painter);
}

clh_status clh_paint_heatmap(clh_painter *painter, const void *figure, clh_error *err)
{
    const clh_heatmap_data *data = figure;
    heat_view view = {.data = data};
    clh_status status = lay_out(&view, painter, err);
    if (!status)
        status = clh_shades_make(&view.shades, data, err);
    for (size_t p = 0; p < data->panel_count && !status; p++) {
        if (data->panels[p].title) {
            clh_painter_add(painter, data->panels[p].title);
            clh_painter_end_line(painter);
        }
        paint_matrix(&view, painter, p);
        paint_col_labels(&view, painter);
    }
    if (!status) {
        clh_painter_repeat(painter, " ", view.gutter);
        char label[CLH_SHADES_LABEL];
        clh_painter_scale(painter, &view.shades,
                          clh_shades_label(label, data->value_label, &data->range),
                          painter->style.ascii ? shades_plain : shades_fancy, SHADES);
        if (view.block_rows > 1 || view.block_cols > 1) {
            clh_painter_repeat(painter, " ", view.gutter);
            clh_painter_addf(painter, "each cell is the largest of %zu x %zu", view.block_rows,
                             view.block_cols);
            clh_painter_end_line(painter);
        }
    }
    clh_shades_deinit(&view.shades);
    return status;
}
