#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/both/scale.h"
#include "report/terminal/terminal_paint.h"

enum { LINES_DEFAULT = 16, COLUMNS_MIN = 8 };

/* ---- A grid of characters: dots, 2 x 4 in a character as braille, and marks ---- */

enum { DOTS_X = 2, DOTS_Y = 4 };

typedef struct grid_cell {
    unsigned char dots, mark, series;
} grid_cell;

typedef struct grid {
    size_t columns, lines;
    grid_cell *cells; /* [lines, columns] */
} grid;

static clh_status grid_init(grid *g, size_t columns, size_t lines, clh_error *err)
{
    assert(g && columns > 0 && lines > 0);
    *g = (grid){.columns = columns, .lines = lines};
    g->cells = clh_alloc_zeroed(columns * lines, sizeof *g->cells, err);
    return g->cells ? CLH_OK : CLH_ENOMEM;
}

static void grid_deinit(grid *g)
{
    clh_free(g->cells);
    *g = (grid){0};
}

static grid_cell *cell_at(grid *g, long x, long y)
{
    assert(x >= 0 && y >= 0);
    size_t column = (size_t)x / DOTS_X, line = (size_t)y / DOTS_Y;
    assert(column < g->columns && line < g->lines);
    return &g->cells[line * g->columns + column];
}

/* Braille patterns number their dots down the columns, with the fourth row added later. */
static void dot(grid *g, long x, long y, size_t series)
{
    static const unsigned char bit[DOTS_Y][DOTS_X] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    grid_cell *cell = cell_at(g, x, y);
    cell->dots = (unsigned char)(cell->dots | bit[y % DOTS_Y][x % DOTS_X]);
    cell->series = (unsigned char)series;
}

/* Dots along a line between two places in dots, both inside the grid, in the series' colour. */
static void grid_line(grid *g, long x0, long y0, long x1, long y1, size_t series)
{
    assert(g);
    long across = labs(x1 - x0), down = labs(y1 - y0), steps = across > down ? across : down;
    for (long i = 0; i <= steps; i++) {
        double part = steps > 0 ? (double)i / (double)steps : 0.0;
        double x = (double)x0 + part * (double)(x1 - x0), y = (double)y0 + part * (double)(y1 - y0);
        dot(g, (long)(x + 0.5), (long)(y + 0.5), series);
    }
}

/* A character over the dots of the cell that holds dot (x, y). */
static void grid_mark(grid *g, long x, long y, char mark, size_t series)
{
    assert(g);
    grid_cell *cell = cell_at(g, x, y);
    cell->mark = (unsigned char)mark;
    cell->series = (unsigned char)series;
}

static void glyph(grid_cell cell, bool ascii, char out[4])
{
    if (cell.mark || cell.dots == 0 || ascii) {
        out[0] = cell.mark ? (char)cell.mark : cell.dots ? '.' : ' ';
        out[1] = '\0';
        return;
    }
    unsigned code = 0x2800U + cell.dots;
    out[0] = (char)(0xe0U | code >> 12);
    out[1] = (char)(0x80U | (code >> 6 & 0x3fU));
    out[2] = (char)(0x80U | (code & 0x3fU));
    out[3] = '\0';
}

static void grid_paint(const grid *g, clh_painter *painter, size_t line)
{
    assert(line < g->lines);
    for (size_t c = 0; c < g->columns; c++) {
        grid_cell cell = g->cells[line * g->columns + c];
        char out[4];
        glyph(cell, painter->style.ascii, out);
        bool ink = cell.mark || cell.dots;
        clh_painter_fore(painter, ink ? &painter->theme->series[cell.series] : NULL);
        clh_painter_add(painter, out);
    }
    clh_painter_fore(painter, NULL);
}

/* ---- The curve ---- */

static const char marks[CLH_SERIES_MAX] = {0, 'o', 'x', '+', '*', '#'};

typedef struct curve_view {
    const clh_curve_data *data;
    clh_scale x, y, right;
    bool has_y, has_right;
    size_t gutter, gutter_right; /* characters, with the axis */
    grid grid;
} curve_view;

static size_t label_width(const clh_scale *axis, bool on)
{
    size_t widest = 0;
    for (size_t i = 0; on && i < axis->count; i++)
        widest = strlen(axis->label[i]) > widest ? strlen(axis->label[i]) : widest;
    return on ? widest + 2 : 1;
}

static clh_scale fit_upright(double low, double high, bool log, size_t lines)
{
    size_t ticks = lines / 3 < 2 ? 2 : lines / 3 > 10 ? 10 : lines / 3;
    return clh_scale_fit(low, high, (clh_scale_want){.log = log, .grow = true, .ticks = ticks},
                         (clh_scale_room){.length = (double)(lines - 1), .gap = 1.0});
}

static clh_status lay_out(curve_view *view, const clh_painter *painter, clh_error *err)
{
    const clh_curve_data *data = view->data;
    double low, high;
    size_t lines = painter->style.height ? painter->style.height : LINES_DEFAULT;
    view->has_y = clh_curve_range(data, false, &low, &high);
    if (view->has_y)
        view->y = fit_upright(low, high, !data->linear_y, lines);
    view->has_right = clh_curve_range(data, true, &low, &high);
    if (view->has_right)
        view->right = fit_upright(low, high, false, lines);
    view->gutter = label_width(&view->y, view->has_y);
    view->gutter_right = view->has_right ? label_width(&view->right, true) : 0;
    size_t taken = view->gutter + view->gutter_right;
    if (painter->style.width < taken + COLUMNS_MIN)
        return clh_fail(err, CLH_ERANGE, "%zu columns leave no room for the curve, want %zu",
                        painter->style.width, taken + COLUMNS_MIN);
    size_t columns = painter->style.width - taken;
    clh_scale_want want = clh_curve_want_x(data, &low, &high);
    want.ticks = columns / 10 < 2 ? 2 : columns / 10 > 12 ? 12 : columns / 10;
    view->x = clh_scale_fit(low, high, want,
                            (clh_scale_room){.length = (double)(columns - 1), 1.0, .gap = 2.0});
    return grid_init(&view->grid, columns, lines, err);
}

static void draw_series(curve_view *view, size_t s)
{
    const clh_series *series = &view->data->series[s];
    const clh_scale *axis = series->right ? &view->right : &view->y;
    double width = (double)(view->grid.columns * DOTS_X - 1);
    double height = (double)(view->grid.lines * DOTS_Y - 1);
    bool before = false;
    long last_x = 0, last_y = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (!clh_series_shows(view->data, series, i)) {
            before = false;
            continue;
        }
        double place_x = clh_scale_place(&view->x, clh_series_x(series, i));
        double place_y = clh_scale_place(axis, series->y[i]);
        long x = lround(fmin(fmax(place_x, 0.0), 1.0) * width);
        long y = lround((1.0 - fmin(fmax(place_y, 0.0), 1.0)) * height);
        if (marks[s])
            grid_mark(&view->grid, x, y, marks[s], s);
        else
            grid_line(&view->grid, before ? last_x : x, before ? last_y : y, x, y, s);
        before = true;
        last_x = x;
        last_y = y;
    }
}

/* Tick whose line this is, or `count`. */
static size_t tick_on_line(const clh_scale *axis, size_t line, size_t lines)
{
    for (size_t i = 0; i < axis->count; i++)
        if (lround((1.0 - clh_scale_place(axis, axis->value[i])) * (double)(lines - 1)) ==
            (long)line)
            return i;
    return axis->count;
}

static void paint_line(const curve_view *view, clh_painter *painter, size_t line)
{
    const char *bar = clh_painter_pick(painter, "│", "|");
    size_t left = view->has_y ? tick_on_line(&view->y, line, view->grid.lines) : 0;
    bool has_left = view->has_y && left < view->y.count;
    clh_painter_field(painter, has_left ? view->y.label[left] : "", view->gutter - 1, true);
    clh_painter_add(painter, has_left ? clh_painter_pick(painter, "┤", "+") : bar);
    grid_paint(&view->grid, painter, line);
    if (view->has_right) {
        size_t right = tick_on_line(&view->right, line, view->grid.lines);
        bool has_right = right < view->right.count;
        clh_painter_add(painter, has_right ? clh_painter_pick(painter, "├", "+") : bar);
        clh_painter_add(painter, has_right ? view->right.label[right] : "");
    }
    clh_painter_end_line(painter);
}

static void paint_below(const curve_view *view, clh_painter *painter)
{
    size_t columns = view->grid.columns, at[CLH_TICKS_MAX] = {0};
    for (size_t i = 0; i < view->x.count; i++)
        at[i] = (size_t)lround(clh_scale_place(&view->x, view->x.value[i]) * (double)(columns - 1));
    clh_painter_repeat(painter, " ", view->gutter - 1);
    clh_painter_add(painter, clh_painter_pick(painter, "└", "+"));
    const size_t broken =
        (size_t)(view->x.zero / 2.0 * (double)columns); /* between 0 and the rest */
    for (size_t c = 0, tick = 0; c < columns; c++) {
        bool here = tick < view->x.count && at[tick] == c;
        tick += here;
        clh_painter_add(painter, here                        ? clh_painter_pick(painter, "┬", "+")
                                 : broken > 0 && c == broken ? clh_painter_pick(painter, "╱", "/")
                                                             : clh_painter_pick(painter, "─", "-"));
    }
    if (view->has_right)
        clh_painter_add(painter, clh_painter_pick(painter, "┘", "+"));
    clh_painter_end_line(painter);
    clh_painter_ticks(painter, view->gutter, columns, view->x.label, at, view->x.count);
}

/* One series' mark and name; on a new line when this one is too short for it. */
static void paint_legend(const curve_view *view, clh_painter *painter, size_t s)
{
    char name[CLH_LABEL_BYTES], mark[2] = {marks[s], '\0'};
    const clh_series *series = &view->data->series[s];
    size_t columns = clh_text_clean(name, sizeof name, series->name ? series->name : "") + 5;
    columns += series->right ? 8 : 0;
    if (painter->column > view->gutter && painter->column + columns > painter->style.width) {
        clh_painter_end_line(painter);
        clh_painter_repeat(painter, " ", view->gutter);
    }
    clh_painter_fore(painter, &painter->theme->series[s]);
    clh_painter_add(painter, marks[s] ? mark : clh_painter_pick(painter, "⠒⠒", ".."));
    clh_painter_fore(painter, NULL);
    clh_painter_addf(painter, " %s%s  ", name, series->right ? " (right)" : "");
}

/* Names of the axes, or of the series with their marks where there are several. */
static void paint_names(const curve_view *view, clh_painter *painter)
{
    const clh_curve_data *data = view->data;
    clh_painter_repeat(painter, " ", view->gutter);
    if (data->series_count == 1) {
        clh_painter_add(painter, data->y_label ? data->y_label : "");
        clh_painter_add(painter, data->y_label && data->x_label ? " by " : "");
        clh_painter_add(painter, data->x_label ? data->x_label : "");
    }
    for (size_t s = 0; data->series_count > 1 && s < data->series_count; s++)
        paint_legend(view, painter, s);
    clh_painter_end_line(painter);
}

clh_status clh_paint_curve(clh_painter *painter, const void *figure, clh_error *err)
{
    const clh_curve_data *data = figure;
    curve_view view = {.data = data};
    clh_status status = lay_out(&view, painter, err);
    if (status)
        return status;
    for (size_t s = 0; s < data->series_count; s++)
        draw_series(&view, s);
    for (size_t line = 0; line < view.grid.lines; line++)
        paint_line(&view, painter, line);
    paint_below(&view, painter);
    paint_names(&view, painter);
    grid_deinit(&view.grid);
    return CLH_OK;
}
