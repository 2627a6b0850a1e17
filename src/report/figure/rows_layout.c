#include "report/figure/rows_layout.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"

enum {
    GAP = 32,  /* between panels, at least */
    END = 12,  /* beyond the last, at least */
    APART = 8, /* between what neighbours have beyond their sides */
    TICKS = 6,
    TICK_GAP = 10
};

#define LABEL_LEAST 40.0
#define LABEL_MOST 480.0
#define ROW 20.0
#define ROW_LEAST 12.0
#define ROW_MOST 30.0
#define CELL 44.0
#define CELL_LEAST 34.0
#define POINTS 250.0
#define POINTS_LEAST 80.0
#define NAME_LEAST 20.0 /* of a legend: two letters and an ellipsis */

/* What panels would like: widths of those of points, and what is left of each and beyond the last. */
typedef struct wishes {
    double points[CLH_ROWS_PANELS], gap[CLH_ROWS_PANELS + 1];
} wishes;

static size_t heading_count(const clh_rows_data *data)
{
    size_t count = 0;
    for (size_t r = 0; data->headings && r < data->rows; r++)
        count += data->headings[r] != NULL;
    return count;
}

static double widest(const char *const *texts, size_t count)
{
    return clh_texts_width(texts, count, (clh_text_style){.size = CLH_ROWS_FONT});
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
            names = fmax(names, CLH_ROWS_LEGEND);
    }
    return names + (titles ? CLH_ROWS_TITLE : 4.0);
}

static double bottom_room(const clh_rows_data *data)
{
    double room = 4.0;
    for (size_t p = 0; p < data->panel_count; p++)
        if (!data->panels[p].cells)
            room = fmax(room, CLH_ROWS_AXIS + (data->panels[p].label ? CLH_ROWS_AXIS_NAME : 0.0));
    return room;
}

static double labels_room(const clh_rows_data *data)
{
    return fmin(widest(data->row_labels, data->rows), LABEL_MOST);
}

/* ---- Widths ---- */

/* Whether a panel has nothing but whole numbers: counts, which are nowhere between two of them. */
static bool is_whole(const clh_rows_data *data, const clh_rows_panel *panel)
{
    const double *const all[] = {panel->value, panel->low, panel->high};
    for (size_t k = 0; k < CLH_COUNT(all); k++)
        for (size_t i = 0; all[k] && i < data->rows * panel->count; i++)
            if (isfinite(all[k][i]) && floor(all[k][i]) < all[k][i])
                return false;
    return true;
}

/* The axis of a panel of points; without ticks where it has nothing to show. */
static clh_scale fit_axis(const clh_rows_data *data, const clh_rows_panel *panel,
                          clh_scale_room room)
{
    double low = panel->least, high = panel->most;
    const bool given = low < high;
    if (panel->cells || (!given && !clh_rows_range(data, panel, &low, &high)))
        return (clh_scale){.low = 0.0, .high = 1.0};
    return clh_scale_fit(low, high,
                         (clh_scale_want){.log = panel->log,
                                          .grow = !given,
                                          .whole = !given && !panel->log && is_whole(data, panel),
                                          .ticks = TICKS},
                         room);
}

/* What a panel of points must have: a series without a name says nothing. */
static double points_least(const clh_rows_panel *panel)
{
    const double legend =
        panel->names ? (double)panel->count * (CLH_ROWS_LEGEND_KEY + NAME_LEAST) : 0;
    return fmax(POINTS_LEAST, legend);
}

/* What a panel of points would like: room for its legend and the name of its axis. */
static double points_width(const clh_rows_panel *panel)
{
    double legend = 0.0;
    for (size_t s = 0; panel->names && s < panel->count; s++)
        legend +=
            CLH_ROWS_LEGEND_KEY +
            clh_texts_width(&panel->names[s], 1, (clh_text_style){.size = CLH_ROWS_LEGEND_FONT});
    return fmax(fmax(POINTS, points_least(panel)), fmax(legend, widest(&panel->label, 1)));
}

/* How far labels of ticks, each at the middle of its tick, and the title stand beyond a panel. */
static void look_beyond(const clh_rows_data *data, const clh_rows_panel *panel, double width,
                        double *before, double *after)
{
    const double far = 1e6;
    const clh_scale_room room = {width, CLH_TICK_CHARACTER, TICK_GAP, far, far};
    const clh_scale axis = fit_axis(data, panel, room);
    *before = 0.0;
    *after =
        clh_texts_width(&panel->title, 1, (clh_text_style){.size = CLH_ROWS_FONT, .bold = true}) -
        width;
    for (size_t i = 0; i < axis.count; i++) {
        const double half = CLH_TICK_CHARACTER * (double)strlen(axis.label[i]) / 2.0;
        const double at = clh_scale_place(&axis, axis.value[i]) * width;
        *before = fmax(*before, half - at);
        *after = fmax(*after, at + half - width);
    }
}

static wishes find_wishes(const clh_rows_data *data)
{
    wishes w = {.gap = {GAP}};
    double beyond = 0.0;
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_rows_panel *panel = &data->panels[p];
        double before, after;
        w.points[p] = points_width(panel);
        look_beyond(data, panel, panel->cells ? CELL * (double)panel->count : w.points[p], &before,
                    &after);
        if (p > 0) /* half of a gap for each side */
            w.gap[p] = fmax(GAP, 2.0 * fmax(beyond, before) + APART);
        beyond = after;
    }
    w.gap[data->panel_count] = fmax(END, beyond);
    return w;
}

/* Widths of the panels, and what is left of each, at `cell` a column and `part` of the way from the
 * least to what they would like; the sum. */
static double share_out(const clh_rows_data *data, const wishes *w, double cell, double part,
                        double *width, double *gap)
{
    const size_t count = data->panel_count;
    gap[count] = END + part * (w->gap[count] - END);
    double sum = gap[count];
    for (size_t p = 0; p < count; p++) {
        const clh_rows_panel *panel = &data->panels[p];
        const double least = panel->cells ? 0.0 : points_least(panel);
        width[p] =
            panel->cells ? cell * (double)panel->count : least + part * (w->points[p] - least);
        gap[p] = GAP + part * (w->gap[p] - GAP);
        sum += width[p] + gap[p];
    }
    return sum;
}

/* What is left over is shared: columns stay as they are wide, points and gaps take it. */
static bool fit_widths(clh_rows_layout *l, const clh_rows_data *data, clh_rect body, double *width,
                       double *gap)
{
    const wishes w = find_wishes(data);
    double cell = CELL, sum = share_out(data, &w, cell, 0.0, width, gap);
    l->label = labels_room(data);
    if (l->label + sum > body.width) {
        cell = CELL_LEAST;
        sum = share_out(data, &w, cell, 0.0, width, gap);
        l->label = fmin(l->label, body.width - sum);
    }
    if (l->label < fmin(labels_room(data), LABEL_LEAST))
        return false;
    const double liked = share_out(data, &w, cell, 1.0, width, gap) - sum;
    const double part = liked > 0.0 ? (body.width - l->label - sum) / liked : 0.0;
    (void)share_out(data, &w, cell, part, width, gap);
    return true;
}

/* What stands beside a panel: half of a gap; under the labels of rows, and in the margin, all. */
static void fit_sides(clh_rows_layout *l, const clh_rows_data *data, const clh_page *page)
{
    for (size_t p = 0; p < data->panel_count; p++) {
        const clh_rect *here = &l->panel[p];
        const double right = here->x + here->width;
        const double beyond =
            p + 1 < data->panel_count ? l->panel[p + 1].x : page->width - CLH_PAGE_EDGE;
        const double gap = p > 0 ? here->x - l->panel[p - 1].x - l->panel[p - 1].width : 0.0;
        l->before[p] = p > 0 ? (gap - APART) / 2.0 : here->x - CLH_PAGE_EDGE;
        l->after[p] = p + 1 < data->panel_count ? (beyond - right - APART) / 2.0 : beyond - right;
        l->along[p] =
            (clh_scale_room){here->width, CLH_TICK_CHARACTER, TICK_GAP, l->before[p], l->after[p]};
        l->axis[p] = fit_axis(data, &data->panels[p], l->along[p]);
    }
}

bool clh_rows_layout_fit(clh_rows_layout *l, const clh_rows_data *data, const clh_page *page)
{
    assert(l && data && page);
    double width[CLH_ROWS_PANELS], gap[CLH_ROWS_PANELS + 1];
    const clh_rect body = clh_page_body(page);
    const double headings = (double)heading_count(data) * CLH_ROWS_HEADING, top = top_room(data);
    l->row =
        fmin((body.height - top - bottom_room(data) - headings) / (double)data->rows, ROW_MOST);
    if (l->row < ROW_LEAST || !fit_widths(l, data, body, width, gap))
        return false;
    const double height = l->row * (double)data->rows + headings;
    double x = body.x + l->label, y = floor(body.y + top);
    for (size_t p = 0; p < data->panel_count; p++) {
        x += gap[p];
        l->panel[p] = (clh_rect){floor(x), y, floor(width[p]), ceil(height)};
        x += width[p];
    }
    fit_sides(l, data, page);
    for (size_t r = 0; r < data->rows; r++) {
        y += data->headings && data->headings[r] ? CLH_ROWS_HEADING : 0.0;
        l->y[r] = y + l->row / 2.0;
        y += l->row;
    }
    return true;
}

clh_page clh_rows_page(const clh_rows_data *data, const clh_figure_style *style)
{
    assert(data);
    const wishes w = find_wishes(data);
    double width[CLH_ROWS_PANELS], gap[CLH_ROWS_PANELS + 1];
    const double panels = share_out(data, &w, CELL, 1.0, width, gap);
    const double rows = ROW * (double)data->rows + CLH_ROWS_HEADING * (double)heading_count(data);
    return clh_page_make(
        style, ceil(labels_room(data) + panels + 2.0 * CLH_PAGE_MARGIN),
        ceil(top_room(data) + rows + bottom_room(data) + clh_page_frame_height(style)));
}
