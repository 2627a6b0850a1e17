#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "report/both/figure_check.h"
#include "report/figure/canvas.h"
#include "report/figure/plot.h"

enum { LEGEND_ROOM = 22, LEGEND_KEY = 28, NAME_BYTES = 256 };

/* Above the plot, where no line can run through it, in as many rows as it takes, which it returns.
 * A name that is wider than a row is cut. */
static size_t lay_legend(clh_canvas *canvas, const clh_curve_data *data, bool draw)
{
    const double left = canvas->body.x, end = left + canvas->body.width;
    double x = left;
    size_t rows = 1;
    for (size_t s = 0; s < data->series_count; s++) {
        const clh_series *series = &data->series[s];
        const clh_rgb colour = canvas->theme->series[s];
        clh_text_style text = {.size = 12.0, .width_max = end - left - LEGEND_KEY};
        if (!series->name)
            continue;
        char name[NAME_BYTES];
        (void)snprintf(name, sizeof name, "%s%s", series->name, series->right ? " (right)" : "");
        const double width = clh_canvas_text_width(canvas, name, text);
        if (x > left && x + LEGEND_KEY + width > end) {
            x = left;
            rows++;
        }
        const double y = canvas->body.y + 8.0 + LEGEND_ROOM * (double)(rows - 1);
        if (draw) {
            clh_canvas_line(canvas, x, y, x + 22.0, y, 2.0, colour);
            if (series->points)
                clh_canvas_dot(canvas, x + 11.0, y, 3.2, colour);
            clh_canvas_text(canvas, name, x + LEGEND_KEY, y, text);
        }
        x += LEGEND_KEY + width + 22.0;
    }
    return rows;
}

/* More points than pixels: per column of pixels the first, least, greatest and last point draw
 * the same line as all of them. `keep` holds their indices in order; returns how many. */
static size_t column_extremes(const clh_curve_data *data, const clh_series *series,
                              const clh_plot *plot, size_t *from, size_t keep[4])
{
    size_t first = *from, i = first, low = first, high = first;
    double column = floor(clh_plot_x(plot, clh_series_x(series, first)));
    while (i < series->count && clh_series_shows(data, series, i) &&
           floor(clh_plot_x(plot, clh_series_x(series, i))) == column) {
        low = series->y[i] < series->y[low] ? i : low;
        high = series->y[i] > series->y[high] ? i : high;
        i++;
    }
    *from = i;
    size_t early = low < high ? low : high, late = low < high ? high : low;
    size_t wanted[4] = {first, early, late, i - 1}, count = 0;
    for (size_t k = 0; k < 4; k++)
        if (count == 0 || wanted[k] > keep[count - 1])
            keep[count++] = wanted[k];
    return count;
}

static void draw_line(clh_canvas *canvas, const clh_curve_data *data, const clh_series *series,
                      const clh_plot *plot, clh_rgb colour)
{
    bool pen_down = false;
    clh_canvas_colour(canvas, colour);
    cairo_set_line_width(canvas->cr, 1.7);
    cairo_set_line_join(canvas->cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(canvas->cr, CAIRO_LINE_CAP_ROUND);
    for (size_t i = 0; i < series->count;) {
        if (!clh_series_shows(data, series, i)) {
            pen_down = false;
            i++;
            continue;
        }
        size_t keep[4] = {0}, count = column_extremes(data, series, plot, &i, keep);
        for (size_t k = 0; k < count; k++) {
            double x = clh_plot_x(plot, clh_series_x(series, keep[k]));
            double y = clh_plot_y(plot, series->y[keep[k]], series->right);
            if (pen_down)
                cairo_line_to(canvas->cr, x, y);
            else
                cairo_move_to(canvas->cr, x, y);
            pen_down = true;
        }
    }
    cairo_stroke(canvas->cr);
    cairo_set_line_cap(canvas->cr, CAIRO_LINE_CAP_BUTT);
}

/* Marks where asked for, and on points without a neighbour, which a line does not show. */
static void draw_points(clh_canvas *canvas, const clh_curve_data *data, const clh_series *series,
                        const clh_plot *plot, clh_rgb colour)
{
    for (size_t i = 0; i < series->count; i++) {
        bool before = i > 0 && clh_series_shows(data, series, i - 1);
        bool after = i + 1 < series->count && clh_series_shows(data, series, i + 1);
        if (!clh_series_shows(data, series, i) || (!series->points && (before || after)))
            continue;
        double x = clh_plot_x(plot, clh_series_x(series, i));
        double y = clh_plot_y(plot, series->y[i], series->right);
        clh_canvas_dot(canvas, x, y, 4.2, canvas->theme->page);
        clh_canvas_dot(canvas, x, y, 3.2, colour);
    }
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const clh_curve_data *data = context;
    clh_plot plot = {
        .want_x = {.on = true, .label = data->x_label},
        .want_y = {.want = {.log = !data->linear_y, .grow = true}, .label = data->y_label},
        .want_right = {.want = {.grow = true}, .label = data->right_label}};
    plot.want_x.want = clh_curve_want_x(data, &plot.want_x.low, &plot.want_x.high);
    plot.want_y.on = clh_curve_range(data, false, &plot.want_y.low, &plot.want_y.high);
    plot.want_right.on = clh_curve_range(data, true, &plot.want_right.low, &plot.want_right.high);
    clh_rect room = canvas->body;
    bool legend = data->series_count > 1;
    if (legend) {
        const size_t rows = lay_legend(canvas, data, false);
        room.y += LEGEND_ROOM * (double)rows;
        room.height -= LEGEND_ROOM * (double)rows;
    }
    if (!clh_plot_init(&plot, canvas, room))
        return clh_canvas_no_room(canvas->page, err);
    clh_plot_draw(&plot, canvas);
    if (legend)
        (void)lay_legend(canvas, data, true);
    for (size_t s = 0; s < data->series_count; s++) {
        draw_line(canvas, data, &data->series[s], &plot, canvas->theme->series[s]);
        draw_points(canvas, data, &data->series[s], &plot, canvas->theme->series[s]);
    }
    return CLH_OK;
}

clh_status clh_page_curve(const char *path, const void *data, const clh_figure_style *style,
                          clh_error *err)
{
    const clh_page page = clh_page_make(style, 880.0, 520.0);
    return clh_canvas_write(path, &page, draw, data, err);
}
