/* An array as a heat map, a strip, coloured tokens or stems. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/both/figure_check.h"
#include "report/both/shades.h"
#include "report/draw/drawing.h"
#include "result/element.h"

enum { NAME = 128 };

/* Of the strongest colour: what is weaker is told from none by nobody. */
#define PALE 0.1

/* What is asked for; else shares from 0 to 1, all else to the largest magnitude. */
static clh_colour_range colour_range(const clh_drawing *d)
{
    clh_colour_range range = {.gamma = d->show->gamma};
    if (d->show->range)
        (void)clh_colour_range_read(&range, d->show->range, NULL); /* it was checked */
    else if (d->item->schema->flags & CLH_SHARE)
        range = (clh_colour_range){CLH_RANGE_ENDS, 0.0, 1.0, .gamma = d->show->gamma};
    return range;
}

/* What the numbers are: in which unit, else those of which array. */
static const char *what_of(const clh_drawing *d)
{
    const char *unit = d->item->schema->unit;
    return unit && *unit ? unit : d->item->view.name;
}

/* What the colours do not say: cells without a number, numbers beyond a range that was chosen, and of one
 * that was not, that most numbers hardly show in it. */
static clh_status note_colours(clh_drawing *d, const clh_heatmap_data *data, clh_error *err)
{
    const bool chosen = d->show->range || d->show->gamma > 0.0;
    clh_heatmap_data most = *data;
    clh_shades shades = {0}, common = {0};
    most.range = (clh_colour_range){.kind = CLH_RANGE_PERCENTILE};
    clh_status status = clh_shades_make(&shades, data, err);
    if (!status && !chosen)
        status = clh_shades_make(&common, &most, err);
    if (!status) {
        const clh_shades_counts n = clh_shades_count(&shades, data);
        if (n.missing > 0)
            clh_drawing_note(d, "grey: no number (%zu of %zu)", n.missing, n.all);
        if (chosen && data->range.kind == CLH_RANGE_ENDS && n.beyond > 0)
            clh_drawing_note(d, "%zu of %zu numbers lie beyond the range", n.beyond, n.all);
        if (!chosen && n.all > n.missing && common.high < PALE * shades.high)
            clh_drawing_note(
                d, "%d %% of the numbers are at most %.3g: range row or percentile shows them",
                CLH_SHADES_PERCENT, common.high);
    }
    clh_shades_deinit(&common);
    clh_shades_deinit(&shades);
    return status;
}

/* ---- Heat maps ---- */

/* The last two axes are rows and columns, of a vector the last alone; a panel for each of the rest. */
typedef struct heat {
    clh_array view;
    size_t lead; /* axes of panels */
    size_t panels, rows, cols;
    clh_heatmap_panel *panel;
    char (*title)[NAME];
} heat;

static void measure(heat *h)
{
    const clh_array *a = &h->view;
    h->lead = a->rank > 2 ? a->rank - 2 : 0;
    h->rows = a->rank > 1 ? a->shape[a->rank - 2] : 1;
    h->cols = a->rank > 0 ? a->shape[a->rank - 1] : 1;
    h->panels = 1;
    for (size_t d = 0; d < h->lead; d++)
        h->panels *= a->shape[d];
}

/* "layer 0, head 1", or the labels of these axes; one that has a single entry without a label says
 * nothing. */
static void name_panel(const heat *h, const clh_result_item *item, size_t panel, char out[NAME])
{
    size_t index[CLH_RANK_MAX], used = 0;
    for (size_t d = h->lead; d > 0; d--) {
        index[d - 1] = panel % h->view.shape[d - 1];
        panel /= h->view.shape[d - 1];
    }
    for (size_t d = 0; d < h->lead && used < NAME; d++) {
        const clh_result_axis *axis = &item->axis[d];
        const char *comma = used ? ", " : "";
        if (!axis->label && h->view.shape[d] == 1)
            continue;
        const int length =
            axis->label ? snprintf(out + used, NAME - used, "%s%s", comma, axis->label[index[d]])
                        : snprintf(out + used, NAME - used, "%s%s %zu", comma,
                                   axis->name ? axis->name : "", index[d]);
        used += (size_t)length;
    }
}

/* Whether the numbers lie in memory as the figure wants them. */
static bool lies_there(const clh_array *a)
{
    bool whole = a->memory == (sizeof(clh_real) == sizeof(float) ? CLH_F32 : CLH_F64);
    for (size_t d = 0; d < a->rank; d++)
        whole = whole && !a->index[d];
    return whole;
}

static clh_status fill_panels(heat *h, clh_drawing *d, size_t shown, clh_error *err)
{
    const size_t cells = h->rows * h->cols;
    const bool there = lies_there(&h->view);
    size_t index[CLH_RANK_MAX] = {0};
    clh_real *copy = there ? NULL : clh_drawing_memory(d, shown * cells, sizeof *copy, err);
    h->panel = clh_drawing_memory(d, shown, sizeof *h->panel, err);
    h->title = clh_drawing_memory(d, shown, sizeof *h->title, err);
    if ((!there && !copy) || !h->panel || !h->title)
        return CLH_ENOMEM;
    for (size_t p = 0; p < shown; p++) {
        const clh_real *values = there ? (const clh_real *)h->view.data : copy;
        name_panel(h, d->item, p, h->title[p]);
        h->panel[p] = (clh_heatmap_panel){.title = *h->title[p] ? h->title[p] : NULL,
                                          .values = values + p * cells};
        for (size_t i = 0; copy && i < cells; i++, (void)clh_array_step(&h->view, index))
            copy[p * cells + i] = (clh_real)clh_array_at(&h->view, index);
    }
    return CLH_OK;
}

/* Whether the upper triangle is the future of queries: named so, and nothing stands there. */
static bool is_causal(const heat *h, const clh_result_item *item, size_t shown)
{
    const size_t rank = h->view.rank;
    bool causal = rank >= 2 && h->rows == h->cols && item->axis[rank - 2].name &&
                  item->axis[rank - 1].name &&
                  strcmp(item->axis[rank - 2].name, "query_pos") == 0 &&
                  strcmp(item->axis[rank - 1].name, "key_pos") == 0;
    for (size_t p = 0; p < shown && causal; p++)
        for (size_t i = 0; i < h->rows && causal; i++)
            for (size_t j = i + 1; j < h->cols && causal; j++) {
                const clh_real v = h->panel[p].values[i * h->cols + j];
                causal = !(isfinite((double)v) && fabs((double)v) > 0.0);
            }
    return causal;
}

static clh_status draw_heat(clh_drawing *d, bool strip, clh_error *err)
{
    heat h = {0};
    const clh_result_item *item = d->item;
    clh_status status = clh_result_view(&h.view, d->result, item->view.name, err);
    if (status)
        return status;
    measure(&h);
    const size_t rank = h.view.rank, shown = h.panels < CLH_PANELS_MAX ? h.panels : CLH_PANELS_MAX;
    status = fill_panels(&h, d, shown, err);
    if (status)
        return status;
    if (shown < h.panels)
        clh_drawing_note(d, "the first %zu of %zu panels", shown, h.panels);
    const clh_result_axis none = {0};
    const clh_result_axis *down = rank > 1 ? &item->axis[rank - 2] : &none;
    const clh_result_axis *along = rank > 0 ? &item->axis[rank - 1] : &none;
    static const char *const blank[] = {""};
    const clh_heatmap_data data = {h.panel,
                                   .panel_count = shown,
                                   .rows = h.rows,
                                   .cols = h.cols,
                                   .row_labels = rank > 1 ? down->label : blank,
                                   .col_labels = along->label,
                                   .x_label = along->name,
                                   .y_label = down->name,
                                   .value_label = what_of(d),
                                   .causal = is_causal(&h, item, shown),
                                   .strip = strip,
                                   .range = colour_range(d)};
    status = note_colours(d, &data, err);
    return status ? status : clh_drawing_heatmap(d, &data, err);
}

clh_status clh_draw_heat(clh_drawing *d, clh_error *err)
{
    return draw_heat(d, false, err);
}

clh_status clh_draw_strip(clh_drawing *d, clh_error *err)
{
    return draw_heat(d, true, err);
}

/* ---- Vectors ---- */

/* The array as a vector: every axis but the last has one entry. */
static clh_status view_vector(clh_array *out, clh_drawing *d, clh_error *err)
{
    clh_status status = clh_result_view(out, d->result, d->item->view.name, err);
    for (size_t i = 0; i + 1 < out->rank && !status; i++)
        if (out->shape[i] != 1)
            status = clh_fail(err, CLH_EINPUT, "%s has %zu rows, want one that is drawn",
                              d->item->view.name, out->shape[i]);
    if (!status && out->rank == 0)
        status =
            clh_fail(err, CLH_EINPUT, "%s is one number, want a row of them", d->item->view.name);
    return status;
}

clh_status clh_draw_tokens(clh_drawing *d, clh_error *err)
{
    clh_array view = {0};
    size_t index[CLH_RANK_MAX] = {0};
    clh_status status = view_vector(&view, d, err);
    if (status)
        return status;
    const size_t count = view.shape[view.rank - 1];
    const char **label = d->item->axis[view.rank - 1].label;
    clh_real *values = clh_drawing_memory(d, count, sizeof *values, err);
    assert(label && "tokens are the labels of their axis");
    if (!values)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++, (void)clh_array_step(&view, index))
        values[i] = (clh_real)clh_array_at(&view, index);
    const clh_tokens_data data = {
        .tokens = label,
        .values = values,
        .count = count,
        .destination = d->item->destination == SIZE_MAX ? CLH_NO_DESTINATION : d->item->destination,
        .range = colour_range(d),
        .value_label = what_of(d)};
    return clh_drawing_tokens(d, &data, err);
}

clh_status clh_draw_positions(clh_drawing *d, clh_error *err)
{
    clh_array view = {0};
    size_t index[CLH_RANK_MAX] = {0}, first = 0;
    clh_status status = view_vector(&view, d, err);
    if (status)
        return status;
    const size_t count = view.shape[view.rank - 1];
    const char **label = d->item->axis[view.rank - 1].label;
    double *values = clh_drawing_memory(d, count, sizeof *values, err);
    if (!values)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++, (void)clh_array_step(&view, index))
        values[i] = clh_array_at(&view, index);
    while (first + 1 < count && isnan(values[first]))
        first++; /* what is not there before the first is no part of the picture */
    const clh_positions_data data = {values + first,
                                     .count = count - first,
                                     .tokens = label ? label + first : NULL,
                                     .first_position = first,
                                     .y_label = what_of(d),
                                     .linear_y = !(d->item->schema->flags & CLH_LOG)};
    return clh_drawing_positions(d, &data, err);
}
