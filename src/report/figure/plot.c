#include "report/figure/plot.h"

#include <assert.h>
#include <math.h>

static const clh_text_style tick_text = {.size = CLH_TICK_FONT};
static const clh_text_style name_text = {.size = 12.0, .anchor = 0.5};

enum { AREA_MIN = 40, NAME_ROOM = 20, TICK_ROOM = 20 };

/* Widest tick label, and the gap to the axis. */
static double ticks_width(const clh_scale *axis, clh_canvas *canvas)
{
    double widest = 0.0;
    for (size_t i = 0; i < axis->count; i++)
        widest = fmax(widest, clh_canvas_text_width(canvas, axis->label[i], tick_text));
    return ceil(widest) + 9.0;
}

static clh_scale fit_upright(clh_plot_axis want, double height)
{
    size_t ticks = (size_t)fmin(fmax(height / 45.0, 2.0), 10.0);
    want.want.ticks = ticks;
    return clh_scale_fit(want.low, want.high, want.want,
                         (clh_scale_room){.length = height, .gap = 16.0});
}

bool clh_plot_init(clh_plot *plot, clh_canvas *canvas, clh_rect room)
{
    const clh_plot_axis *x = &plot->want_x, *y = &plot->want_y, *right = &plot->want_right;
    assert(x->on);
    clh_rect area = room;
    area.y += 6.0; /* half a tick label stands above the top */
    area.height = room.height - 6.0 - TICK_ROOM - (x->label ? NAME_ROOM : 0.0) - plot->below;
    if (area.height < AREA_MIN)
        return false;
    double left = 0.0, end = 12.0;
    if (y->on) {
        plot->y = fit_upright(*y, area.height);
        left = ticks_width(&plot->y, canvas) + (y->label ? NAME_ROOM : 0.0);
    }
    if (right->on) {
        plot->right = fit_upright(*right, area.height);
        end = ticks_width(&plot->right, canvas) + (right->label ? NAME_ROOM : 0.0);
    }
    area.x += left;
    area.width -= left + end;
    if (area.width < AREA_MIN)
        return false;
    area = (clh_rect){floor(area.x), floor(area.y), floor(area.width), floor(area.height)};
    clh_scale_want along = x->want;
    along.ticks = (size_t)fmin(fmax(area.width / 80.0, 2.0), 12.0);
    const double edge = CLH_PAGE_MARGIN - CLH_PAGE_EDGE;
    plot->along = (clh_scale_room){area.width, CLH_TICK_CHARACTER, .gap = 12.0,
                                   .before = area.x - room.x + edge,
                                   .after = room.x + room.width - area.x - area.width + edge};
    plot->x = clh_scale_fit(x->low, x->high, along, plot->along);
    plot->area = area;
    return true;
}

double clh_plot_x(const clh_plot *plot, double value)
{
    return plot->area.x + clh_scale_place(&plot->x, value) * plot->area.width;
}

double clh_plot_y(const clh_plot *plot, double value, bool right)
{
    const clh_scale *axis = right ? &plot->right : &plot->y;
    return plot->area.y + (1.0 - clh_scale_place(axis, value)) * plot->area.height;
}

static void draw_x(const clh_plot *plot, clh_canvas *canvas)
{
    const clh_theme *theme = canvas->theme;
    clh_rect a = plot->area;
    double base = a.y + a.height + plot->below;
    for (size_t i = 0; i < plot->x.count; i++) {
        double x = clh_plot_x(plot, plot->x.value[i]);
        clh_canvas_line(canvas, x, a.y, x, a.y + a.height, 1.0, theme->grid);
        clh_canvas_line(canvas, x, a.y + a.height, x, a.y + a.height + 4.0, 1.0, theme->frame);
    }
    clh_canvas_tick_labels(canvas, &plot->x, &plot->along, a.x, base + 13.0);
    clh_text_style text = name_text;
    text.width_max = a.width;
    if (plot->want_x.label)
        clh_canvas_text(canvas, plot->want_x.label, a.x + a.width / 2.0,
                        base + TICK_ROOM + NAME_ROOM / 2.0 + 2.0, text);
}

/* Two strokes through the axis between 0 and the least value above it. */
static void draw_break(const clh_plot *plot, clh_canvas *canvas)
{
    const clh_rect a = plot->area;
    const double x = a.x + a.width * plot->x.zero / 2.0, y = a.y + a.height;
    clh_canvas_fill(canvas, (clh_rect){x - 3.0, y - 3.0, 7.0, 7.0}, canvas->theme->page);
    for (int i = -1; i <= 1; i += 2)
        clh_canvas_line(canvas, x + 3.0 * i - 2.0, y + 5.0, x + 3.0 * i + 2.0, y - 5.0, 1.2,
                        canvas->theme->frame);
}

static void draw_upright(const clh_plot *plot, clh_canvas *canvas, bool right)
{
    const clh_theme *theme = canvas->theme;
    const clh_scale *axis = right ? &plot->right : &plot->y;
    const char *label = right ? plot->want_right.label : plot->want_y.label;
    clh_rect a = plot->area;
    double edge = right ? a.x + a.width : a.x, outward = right ? 1.0 : -1.0;
    clh_text_style text = tick_text;
    text.anchor = right ? 0.0 : 1.0;
    for (size_t i = 0; i < axis->count; i++) {
        double y = clh_plot_y(plot, axis->value[i], right);
        if (!right || !plot->want_y.on)
            clh_canvas_line(canvas, a.x, y, a.x + a.width, y, 1.0, theme->grid);
        clh_canvas_line(canvas, edge, y, edge + 4.0 * outward, y, 1.0, theme->frame);
        clh_canvas_text(canvas, axis->label[i], edge + 8.0 * outward, y, text);
    }
    if (!label)
        return;
    text = name_text;
    text.upright = true;
    text.width_max = a.height;
    double away = ticks_width(axis, canvas) + NAME_ROOM / 2.0;
    clh_canvas_text(canvas, label, edge + away * outward, a.y + a.height / 2.0, text);
}

void clh_plot_draw(const clh_plot *plot, clh_canvas *canvas)
{
    assert(plot && canvas);
    clh_rect a = plot->area;
    draw_x(plot, canvas);
    if (plot->want_y.on)
        draw_upright(plot, canvas, false);
    if (plot->want_right.on)
        draw_upright(plot, canvas, true);
    clh_canvas_line(canvas, a.x, a.y, a.x, a.y + a.height, 1.0, canvas->theme->frame);
    clh_canvas_line(canvas, a.x, a.y + a.height, a.x + a.width, a.y + a.height, 1.0,
                    canvas->theme->frame);
    if (plot->want_right.on)
        clh_canvas_line(canvas, a.x + a.width, a.y, a.x + a.width, a.y + a.height, 1.0,
                        canvas->theme->frame);
    if (plot->x.zero > 0.0)
        draw_break(plot, canvas);
}
