/* Rows with panels of points or cells beside them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/platform/decimal.h"
#include "report/both/figure_check.h"
#include "report/figure/rows_layout.h"

#define CELL_FONT 10.5

/* A heading may be longer than the labels are wide, so the grid makes way for it. */
static void draw_heading(clh_canvas *canvas, const char *text, double y)
{
    const clh_text_style style = {
        .size = CLH_ROWS_FONT, .bold = true, .width_max = canvas->body.width};
    const double width = fmin(clh_canvas_text_width(canvas, text, style), style.width_max);
    clh_canvas_fill(canvas, (clh_rect){canvas->body.x, y - 8.0, width + 4.0, 16.0},
                    canvas->theme->page);
    clh_canvas_text(canvas, text, canvas->body.x, y, style);
}

static void draw_labels(clh_canvas *canvas, const clh_rows_layout *l, const clh_rows_data *data)
{
    const double end = canvas->body.x + l->label;
    for (size_t r = 0; r < data->rows; r++) {
        clh_canvas_text(
            canvas, data->row_labels[r], end, l->y[r],
            (clh_text_style){.size = CLH_ROWS_FONT, .anchor = 1.0, .width_max = l->label});
        if (data->headings && data->headings[r])
            draw_heading(canvas, data->headings[r],
                         l->y[r] - l->row / 2.0 - CLH_ROWS_HEADING / 2.0);
    }
}

/* "1" and "0" are exact; what only rounds to them says on which side it is. */
static void say(char out[32], double value)
{
    if (value == 0.0 || value == 1.0)
        (void)clh_snprintf(out, 32, "%.0f", value);
    else if (fabs(value) >= 9.9995)
        (void)clh_snprintf(out, 32, "%.0f", value);
    else if (value >= 0.9995 && value < 1.0)
        (void)snprintf(out, 32, ">.999");
    else if (value > 0.0 && value < 0.0005)
        (void)snprintf(out, 32, "<.001");
    else
        (void)clh_snprintf(out, 32, "%.3f", value);
}

static void draw_cells(clh_canvas *canvas, const clh_rows_layout *l, const clh_rows_data *data,
                       size_t p)
{
    const clh_rows_panel *panel = &data->panels[p];
    const clh_rect area = l->panel[p];
    const double width = area.width / (double)panel->count;
    for (size_t i = 0; i < data->rows * panel->count; i++) {
        const size_t r = i / panel->count, c = i % panel->count;
        const double value = panel->value[i], x = floor(area.x + width * (double)c);
        const double top = floor(l->y[r] - l->row / 2.0);
        const clh_rect cell = {x + 1.0, top + 1.0,
                               floor(area.x + width * (double)(c + 1)) - x - 1.0,
                               floor(l->y[r] + l->row / 2.0) - top - 1.0};
        if (!isfinite(value))
            continue;
        /* three quarters of the scale, so that numbers are read on all of it */
        const clh_rgb back = clh_colormap_at(fmin(fmax(value, -1.0), 1.0) * 0.75, canvas->dark);
        const clh_rgb ink = clh_colormap_ink(back);
        char text[32];
        say(text, value);
        clh_canvas_fill(canvas, cell, back);
        clh_canvas_text(canvas, text, cell.x + cell.width / 2.0, l->y[r],
                        (clh_text_style){fmin(CELL_FONT, width * 0.3), .anchor = 0.5,
                                         .width_max = cell.width, .colour = &ink});
    }
    for (size_t c = 0; panel->names && c < panel->count; c++)
        clh_canvas_text(canvas, panel->names[c], area.x + width * ((double)c + 0.5), area.y - 5.0,
                        (clh_text_style){.size = CLH_ROWS_FONT, .upright = true});
}

static double place(const clh_rect *area, const clh_scale *axis, double value)
{
    return area->x + fmin(fmax(clh_scale_place(axis, value), 0.0), 1.0) * area->width;
}

static void draw_axis(clh_canvas *canvas, const clh_rows_layout *l, size_t p, const char *label)
{
    const clh_rect *area = &l->panel[p];
    const clh_scale *axis = &l->axis[p];
    const double end = area->y + area->height;
    for (size_t i = 0; i < axis->count; i++) {
        const double x = place(area, axis, axis->value[i]);
        clh_canvas_line(canvas, x, area->y, x, end, 1.0, canvas->theme->grid);
        clh_canvas_line(canvas, x, end, x, end + 4.0, 1.0, canvas->theme->frame);
    }
    clh_canvas_tick_labels(canvas, axis, &l->along[p], area->x, end + 13.0);
    clh_canvas_line(canvas, area->x, end, area->x + area->width, end, 1.0, canvas->theme->frame);
    if (label)
        clh_canvas_text(
            canvas, label, area->x + area->width / 2.0,
            end + CLH_ROWS_AXIS + CLH_ROWS_AXIS_NAME / 2.0,
            (clh_text_style){.size = CLH_ROWS_FONT,
                             .anchor = 0.5,
                             .width_max = area->width + 2.0 * fmin(l->before[p], l->after[p])});
}

/* Names as they are where there is room for them, else each cut to its share. */
static void draw_legend(clh_canvas *canvas, const clh_rows_layout *l, size_t p,
                        const clh_rows_panel *panel)
{
    const clh_rect *area = &l->panel[p];
    const double y = area->y - CLH_ROWS_LEGEND / 2.0, room = area->width + l->after[p];
    clh_text_style text = {.size = CLH_ROWS_LEGEND_FONT};
    double x = area->x, all = 0.0;
    for (size_t s = 0; panel->names && s < panel->count; s++)
        all += CLH_ROWS_LEGEND_KEY + clh_canvas_text_width(canvas, panel->names[s], text);
    if (all > room)
        text.width_max = room / (double)panel->count - CLH_ROWS_LEGEND_KEY;
    for (size_t s = 0; panel->names && s < panel->count; s++) {
        const double width = clh_canvas_text_width(canvas, panel->names[s], text);
        clh_canvas_dot(canvas, x + 4.0, y, 3.4, canvas->theme->series[s]);
        clh_canvas_text(canvas, panel->names[s], x + 12.0, y, text);
        x += CLH_ROWS_LEGEND_KEY + (all > room ? fmin(width, text.width_max) : width);
    }
}

/* How far below the middle of its row a point stands: those of a row keep apart. */
static double point_below(const clh_rows_panel *panel, size_t row, size_t series, double height)
{
    const double *value = panel->value + row * panel->count;
    double before = 0.0, all = 0.0;
    for (size_t s = 0; s < panel->count; s++) {
        const double here = clh_scale_can_show(value[s], panel->log) ? 1.0 : 0.0;
        before += s < series ? here : 0.0;
        all += here;
    }
    return (before - (all - 1.0) / 2.0) * height * 0.7 / all;
}

static void draw_point(clh_canvas *canvas, const clh_rows_layout *l, const clh_rows_panel *panel,
                       const clh_rect *area, const clh_scale *axis, size_t i)
{
    const size_t r = i / panel->count, s = i % panel->count;
    const clh_rgb colour = canvas->theme->series[s];
    if (!clh_scale_can_show(panel->value[i], panel->log))
        return;
    const double y = l->y[r] + point_below(panel, r, s, l->row);
    if (panel->low && panel->high && clh_scale_can_show(panel->low[i], panel->log) &&
        clh_scale_can_show(panel->high[i], panel->log))
        clh_canvas_line(canvas, place(area, axis, panel->low[i]), y,
                        place(area, axis, panel->high[i]), y, 2.0, colour);
    clh_canvas_dot(canvas, place(area, axis, panel->value[i]), y, fmin(3.4, l->row * 0.2), colour);
}

static void draw_points(clh_canvas *canvas, const clh_rows_layout *l, const clh_rows_data *data,
                        size_t p)
{
    const clh_rows_panel *panel = &data->panels[p];
    const clh_rect *area = &l->panel[p];
    const clh_scale *axis = &l->axis[p];
    if (axis->count == 0)
        return;
    draw_axis(canvas, l, p, panel->label);
    for (size_t i = 0; i < data->rows * panel->count; i++)
        draw_point(canvas, l, panel, area, axis, i);
    draw_legend(canvas, l, p, panel);
}

/* A pale line under every row leads the eye from its label to its numbers. */
static void draw_guides(clh_canvas *canvas, const clh_rows_layout *l, const clh_rows_data *data)
{
    const clh_rect *last = &l->panel[data->panel_count - 1];
    for (size_t r = 0; r < data->rows; r++)
        clh_canvas_line(canvas, canvas->body.x + l->label + 6.0, l->y[r], last->x + last->width,
                        l->y[r], 1.0, canvas->theme->grid);
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const clh_rows_data *data = context;
    clh_rows_layout l;
    if (!clh_rows_layout_fit(&l, data, canvas->page))
        return clh_canvas_no_room(canvas->page, err);
    draw_guides(canvas, &l, data);
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_rows_panel *panel = &data->panels[p];
        (panel->cells ? draw_cells : draw_points)(canvas, &l, data, p);
        if (panel->title)
            clh_canvas_text(canvas, panel->title, l.panel[p].x,
                            canvas->body.y + CLH_ROWS_TITLE / 2.0 - 2.0,
                            (clh_text_style){.size = CLH_ROWS_FONT,
                                             .bold = true,
                                             .width_max = l.panel[p].width + l.after[p]});
    }
    draw_labels(canvas, &l, data);
    return CLH_OK;
}

clh_status clh_page_rows(const char *path, const void *figure, const clh_figure_style *style,
                         clh_error *err)
{
    const clh_rows_data *data = figure;
    const clh_page page = clh_rows_page(data, style);
    return clh_canvas_write(path, &page, draw, data, err);
}
