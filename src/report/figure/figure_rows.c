/* Rows with panels of points or cells beside them. From the top: titles of the panels, names of
 * columns and legends, the rows with their headings, axes of points. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/platform/decimal.h"
#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/both/scale.h"
#include "report/figure/canvas.h"

enum {
    TITLE_ROOM = 24,
    LEGEND_ROOM = 20,
    HEADING_ROOM = 24,
    AXIS_ROOM = 24,
    AXIS_NAME_ROOM = 18,
    GAP = 32,
    END = 12, /* half a tick's label stands beyond the last panel */
    LEGEND_KEY = 26,
    PANELS_MAX = 8
};

#define FONT 12.0
#define CELL_FONT 10.5
#define CHARACTER 7.0 /* px, about, of a label's character */
#define LABEL_LEAST 40.0
#define LABEL_MOST 430.0
#define ROW 20.0
#define ROW_LEAST 12.0
#define ROW_MOST 30.0
#define CELL 44.0
#define CELL_LEAST 34.0
#define POINTS 250.0
#define POINTS_LEAST 80.0

typedef struct rows_layout {
    double label, top, row, bottom; /* widths and heights */
    clh_rect panel[PANELS_MAX];     /* from the first row to the last */
    clh_scale axis[PANELS_MAX];
    double y[200]; /* middle of each row */
} rows_layout;

static size_t heading_count(const clh_rows_data *data)
{
    size_t count = 0;
    for (size_t r = 0; data->headings && r < data->rows; r++)
        count += data->headings[r] != NULL;
    return count;
}

static double widest(const char *const *texts, size_t count)
{
    return (double)clh_label_columns_max(texts, count) * CHARACTER;
}

/* Titles, then the longest upright name or a legend. */
static double top_room(const clh_rows_data *data)
{
    double names = 0.0;
    bool titles = false;
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_rows_panel *panel = &data->panels[p];
        titles = titles || panel->title;
        if (panel->names && panel->cells)
            names = fmax(names, widest(panel->names, panel->count) + 6.0);
        else if (panel->names)
            names = fmax(names, LEGEND_ROOM);
    }
    return names + (titles ? TITLE_ROOM : 4.0);
}

static double bottom_room(const clh_rows_data *data)
{
    double room = 4.0;
    for (size_t p = 0; p < data->panel_count; p++)
        if (!data->panels[p].cells)
            room = fmax(room, AXIS_ROOM + (data->panels[p].label ? AXIS_NAME_ROOM : 0.0));
    return room;
}

/* What a panel of points would like: room for its legend. */
static double points_width(const clh_rows_panel *panel)
{
    double legend = 0.0;
    for (size_t s = 0; panel->names && s < panel->count; s++)
        legend += LEGEND_KEY + CHARACTER * (double)clh_label_columns_max(&panel->names[s], 1);
    return fmax(POINTS, legend);
}

/* Widths of the panels at `cell` a column and `part` of the way from the least to what they would
 * like for points; their sum with gaps. */
static double panel_widths(const clh_rows_data *data, double cell, double part, double *out)
{
    double sum = END;
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_rows_panel *panel = &data->panels[p];
        out[p] = panel->cells ? cell * (double)panel->count
                              : POINTS_LEAST + part * (points_width(panel) - POINTS_LEAST);
        sum += out[p] + GAP;
    }
    return sum;
}

static double labels_room(const clh_rows_data *data)
{
    return fmin(widest(data->row_labels, data->rows), LABEL_MOST);
}

/* What is left over is shared: columns stay as they are wide, points take it. */
static bool lay_out(rows_layout *l, const clh_rows_data *data, clh_rect body)
{
    double width[PANELS_MAX], x = body.x;
    const double headings = (double)heading_count(data) * HEADING_ROOM;
    l->label = labels_room(data);
    l->top = top_room(data);
    l->bottom = bottom_room(data);
    l->row = fmin((body.height - l->top - l->bottom - headings) / (double)data->rows, ROW_MOST);
    double cell = CELL, sum = panel_widths(data, cell, 0.0, width);
    if (l->label + sum > body.width) {
        cell = CELL_LEAST;
        sum = panel_widths(data, cell, 0.0, width);
        l->label = fmin(l->label, body.width - sum);
    }
    if (l->row < ROW_LEAST || l->label < fmin(labels_room(data), LABEL_LEAST))
        return false;
    const double liked = panel_widths(data, cell, 1.0, width) - sum;
    if (liked > 0.0)
        (void)panel_widths(data, cell, (body.width - l->label - sum) / liked, width);
    x += l->label;
    const double height = l->row * (double)data->rows + headings;
    for (size_t p = 0; p < data->panel_count; p++) {
        x += GAP;
        l->panel[p] = (clh_rect){floor(x), floor(body.y + l->top), floor(width[p]), ceil(height)};
        x += width[p];
    }
    double y = floor(body.y + l->top);
    for (size_t r = 0; r < data->rows; r++) {
        y += data->headings && data->headings[r] ? HEADING_ROOM : 0.0;
        l->y[r] = y + l->row / 2.0;
        y += l->row;
    }
    return true;
}

/* ---- Drawing ---- */

/* A heading may be longer than the labels are wide, so the grid makes way for it. */
static void draw_heading(clh_canvas *canvas, const char *text, double y)
{
    const clh_text_style style = {.size = FONT, .bold = true, .width_max = canvas->body.width};
    const double width = fmin(clh_canvas_text_width(canvas, text, style), style.width_max);
    clh_canvas_fill(canvas, (clh_rect){canvas->body.x, y - 8.0, width + 4.0, 16.0},
                    canvas->theme->page);
    clh_canvas_text(canvas, text, canvas->body.x, y, style);
}

static void draw_labels(clh_canvas *canvas, const rows_layout *l, const clh_rows_data *data)
{
    const double end = canvas->body.x + l->label;
    for (size_t r = 0; r < data->rows; r++) {
        clh_canvas_text(canvas, data->row_labels[r], end, l->y[r],
                        (clh_text_style){.size = FONT, .anchor = 1.0, .width_max = l->label});
        if (data->headings && data->headings[r])
            draw_heading(canvas, data->headings[r], l->y[r] - l->row / 2.0 - HEADING_ROOM / 2.0);
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

static void draw_cells(clh_canvas *canvas, const rows_layout *l, const clh_rows_data *data,
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
                        (clh_text_style){.size = FONT, .upright = true});
}

static double place(const clh_rect *area, const clh_scale *axis, double value)
{
    return area->x + fmin(fmax(clh_scale_place(axis, value), 0.0), 1.0) * area->width;
}

static void draw_axis(clh_canvas *canvas, const clh_rect *area, const clh_scale *axis,
                      const char *label)
{
    const double end = area->y + area->height;
    for (size_t i = 0; i < axis->count; i++) {
        const double x = place(area, axis, axis->value[i]);
        clh_canvas_line(canvas, x, area->y, x, end, 1.0, canvas->theme->grid);
        clh_canvas_line(canvas, x, end, x, end + 4.0, 1.0, canvas->theme->frame);
        clh_canvas_text(canvas, axis->label[i], x, end + 13.0,
                        (clh_text_style){.size = 11.0, .anchor = 0.5});
    }
    clh_canvas_line(canvas, area->x, end, area->x + area->width, end, 1.0, canvas->theme->frame);
    if (label)
        clh_canvas_text(
            canvas, label, area->x + area->width / 2.0, end + AXIS_ROOM + AXIS_NAME_ROOM / 2.0,
            (clh_text_style){.size = FONT, .anchor = 0.5, .width_max = area->width + GAP});
}

static void draw_legend(clh_canvas *canvas, const clh_rect *area, const clh_rows_panel *panel)
{
    double x = area->x;
    for (size_t s = 0; panel->names && s < panel->count; s++) {
        const clh_text_style text = {.size = 11.0, .width_max = area->x + area->width + GAP - x};
        if (text.width_max < 24.0)
            return;
        clh_canvas_dot(canvas, x + 4.0, area->y - LEGEND_ROOM / 2.0, 3.4, canvas->theme->series[s]);
        clh_canvas_text(canvas, panel->names[s], x + 12.0, area->y - LEGEND_ROOM / 2.0, text);
        x += LEGEND_KEY + clh_canvas_text_width(canvas, panel->names[s], text);
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

static void draw_point(clh_canvas *canvas, const rows_layout *l, const clh_rows_panel *panel,
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

static void draw_points(clh_canvas *canvas, const rows_layout *l, const clh_rows_data *data,
                        size_t p)
{
    const clh_rows_panel *panel = &data->panels[p];
    const clh_rect *area = &l->panel[p];
    double low = panel->least, high = panel->most;
    const bool given = low < high;
    if (!given && !clh_rows_range(data, panel, &low, &high))
        return;
    const clh_scale axis =
        clh_scale_fit(low, high, (clh_scale_want){.log = panel->log, .grow = !given, .ticks = 6},
                      area->width, 7.2, 10.0);
    draw_axis(canvas, area, &axis, panel->label);
    for (size_t i = 0; i < data->rows * panel->count; i++)
        draw_point(canvas, l, panel, area, &axis, i);
    draw_legend(canvas, area, panel);
}

/* A pale line under every row leads the eye from its label to its numbers. */
static void draw_guides(clh_canvas *canvas, const rows_layout *l, const clh_rows_data *data)
{
    const clh_rect *last = &l->panel[data->panel_count - 1];
    for (size_t r = 0; r < data->rows; r++)
        clh_canvas_line(canvas, canvas->body.x + l->label + 6.0, l->y[r], last->x + last->width,
                        l->y[r], 1.0, canvas->theme->grid);
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const clh_rows_data *data = context;
    rows_layout l;
    if (!lay_out(&l, data, canvas->body))
        return clh_canvas_no_room(canvas->page, err);
    draw_guides(canvas, &l, data);
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_rows_panel *panel = &data->panels[p];
        (panel->cells ? draw_cells : draw_points)(canvas, &l, data, p);
        if (panel->title)
            clh_canvas_text(
                canvas, panel->title, l.panel[p].x, canvas->body.y + TITLE_ROOM / 2.0 - 2.0,
                (clh_text_style){
                    .size = FONT, .bold = true, .width_max = l.panel[p].width + GAP - 6.0});
    }
    draw_labels(canvas, &l, data);
    return CLH_OK;
}

clh_status clh_page_rows(const char *path, const void *figure, const clh_figure_style *style,
                         clh_error *err)
{
    const clh_rows_data *data = figure;
    double width[PANELS_MAX];
    const double panels = panel_widths(data, CELL, 1.0, width);
    const double rows = ROW * (double)data->rows + HEADING_ROOM * (double)heading_count(data);
    const clh_page page = clh_page_make(
        style, ceil(labels_room(data) + panels + 2.0 * CLH_PAGE_MARGIN),
        ceil(top_room(data) + rows + bottom_room(data) + clh_page_frame_height(style)));
    return clh_canvas_write(path, &page, draw, data, err);
}
