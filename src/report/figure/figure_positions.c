#include <assert.h>
#include <math.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/figure/canvas.h"
#include "report/figure/plot.h"

enum { SYMBOL_ROOM = 17 };

static double page_x(const clh_plot *plot, const clh_positions_data *data, size_t i)
{
    return clh_plot_x(plot, (double)data->first_position + (double)i);
}

/* Symbols stand under their positions when all of them fit; else the axis has its numbers. */
static void draw_symbols(clh_canvas *canvas, const clh_plot *plot, const clh_positions_data *data,
                         double size)
{
    char shown[CLH_LABEL_BYTES];
    double y = plot->area.y + plot->area.height + 10.0;
    for (size_t i = 0; i < data->count; i++) {
        clh_label_show(shown, data->tokens, i, CLH_LABEL_BYTES);
        clh_canvas_text(canvas, shown, page_x(plot, data, i), y,
                        (clh_text_style){.size = size, .mono = true, .anchor = 0.5});
    }
}

/* Bars say an amount from zero; a logarithm has no zero, so there a stem with a dot. */
static void draw_values(clh_canvas *canvas, const clh_plot *plot, const clh_positions_data *data,
                        double pitch)
{
    const clh_theme *theme = canvas->theme;
    double base = data->linear_y ? clh_plot_y(plot, 0.0, false) : plot->area.y + plot->area.height;
    double radius = fmin(fmax(pitch * 0.32, 1.2), 4.0);
    double bar = pitch >= 3.0 ? pitch * 0.72 : pitch;
    clh_rgb colour = theme->series[0];
    for (size_t i = 0; i < data->count; i++) {
        double value = data->values[i], x = page_x(plot, data, i);
        if (!clh_scale_can_show(value, !data->linear_y))
            continue;
        double y = clh_plot_y(plot, value, false);
        if (data->linear_y) {
            clh_canvas_fill(canvas, (clh_rect){x - bar / 2.0, fmin(y, base), bar, fabs(base - y)},
                            colour);
            continue;
        }
        if (pitch >= 3.0)
            clh_canvas_line(canvas, x, base, x, y, 1.2, theme->frame);
        clh_canvas_dot(canvas, x, y, radius, colour);
    }
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const clh_positions_data *data = context;
    double first = (double)data->first_position, last = first + (double)data->count - 1.0;
    clh_plot plot = {.want_x = {.on = true,
                                .low = first - 0.75,
                                .high = last + 0.75,
                                .want = {.whole = true},
                                .label = "position"},
                     .want_y = {.on = true,
                                .want = {.log = !data->linear_y, .grow = true},
                                .label = data->y_label}};
    (void)clh_positions_range(data, &plot.want_y.low, &plot.want_y.high);
    if (!clh_plot_init(&plot, canvas, canvas->body))
        return clh_canvas_no_room(canvas->page, err);
    double pitch = plot.area.width / (last - first + 1.5), size = 0.0;
    if (data->tokens) {
        double columns = (double)clh_label_columns_max(data->tokens, data->count);
        size = fmin(12.0, (pitch - 1.0) / (columns * CLH_MONO_PITCH));
    }
    if (size >= 8.0) {
        plot.below = SYMBOL_ROOM;
        if (!clh_plot_init(&plot, canvas, canvas->body))
            return clh_canvas_no_room(canvas->page, err);
    }
    clh_plot_draw(&plot, canvas);
    if (size >= 8.0)
        draw_symbols(canvas, &plot, data, size);
    draw_values(canvas, &plot, data, pitch);
    return CLH_OK;
}

clh_status clh_page_positions(const char *path, const void *data, const clh_figure_style *style,
                              clh_error *err)
{
    const clh_page page = clh_page_make(style, 1100.0, 420.0);
    return clh_canvas_write(path, &page, draw, data, err);
}
