#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "report/both/figure_check.h"
#include "report/both/flow.h"
#include "report/both/label.h"
#include "report/both/matrix.h"
#include "report/terminal/terminal_paint.h"

static const char *const tenths[10] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

typedef struct tokens_view {
    const clh_tokens_data *data;
    clh_flow flow;
    size_t gutter;
    clh_shades shades;
} tokens_view;

static void paint_token(const tokens_view *view, clh_painter *painter, size_t index)
{
    const clh_tokens_data *data = view->data;
    char shown[CLH_LABEL_BYTES];
    bool future = data->destination != CLH_NO_DESTINATION && index > data->destination;
    bool shows = clh_tokens_shows(data, index), dark = painter->style.dark;
    clh_rgb back = clh_colormap_at(
        shows ? clh_shades_at(&view->shades, (double)data->values[index]) : NAN, dark);
    clh_rgb ink = future ? painter->theme->muted : clh_colormap_ink(back);
    clh_painter_fore(painter, &ink);
    clh_painter_back(painter, future ? NULL : &back);
    clh_label_show(shown, data->tokens, index, view->flow.width[index]);
    clh_painter_add(painter, shown);
}

/* Without colour the values stand under their tokens: tenths of the limit, nothing below one. */
static void paint_tenths(const tokens_view *view, clh_painter *painter, size_t line)
{
    clh_painter_repeat(painter, " ", view->gutter);
    for (size_t i = view->flow.line_first[line]; i < view->flow.line_first[line + 1]; i++) {
        double part = clh_tokens_shows(view->data, i)
                          ? fabs(clh_shades_at(&view->shades, (double)view->data->values[i]))
                          : 0.0;
        size_t tenth = (size_t)fmin(part * 10.0, 9.0);
        clh_painter_add(painter, tenth > 0 ? tenths[tenth] : " ");
        clh_painter_repeat(painter, " ", view->flow.width[i] - 1);
    }
    clh_painter_end_line(painter);
}

/* An arrow under the destination. */
static void paint_destination(const tokens_view *view, clh_painter *painter, size_t line)
{
    char text[64];
    size_t at = view->gutter, destination = view->data->destination;
    for (size_t i = view->flow.line_first[line]; i < destination; i++)
        at += view->flow.width[i];
    int length = snprintf(text, sizeof text, "destination %zu", destination);
    bool left = at + 2 + (size_t)length > painter->style.width;
    if (left && at > (size_t)length + 1)
        at -= (size_t)length + 1;
    clh_painter_repeat(painter, " ", at);
    if (!left)
        clh_painter_add(painter, clh_painter_pick(painter, "↑ ", "^ "));
    clh_painter_add(painter, text);
    if (left)
        clh_painter_add(painter, clh_painter_pick(painter, " ↑", " ^"));
    clh_painter_end_line(painter);
}

static void paint_lines(const tokens_view *view, clh_painter *painter)
{
    size_t destination = view->data->destination, chosen = CLH_NO_DESTINATION;
    if (destination != CLH_NO_DESTINATION)
        chosen = clh_flow_line_of(&view->flow, destination);
    for (size_t l = 0; l < view->flow.line_count; l++) {
        char number[24];
        (void)snprintf(number, sizeof number, "%zu", view->flow.line_first[l]);
        clh_painter_field(painter, number, view->gutter - 1, true);
        clh_painter_add(painter, " ");
        for (size_t i = view->flow.line_first[l]; i < view->flow.line_first[l + 1]; i++)
            paint_token(view, painter, i);
        clh_painter_end_line(painter);
        if (painter->style.colour == CLH_COLOUR_NONE)
            paint_tenths(view, painter, l);
        if (l == chosen)
            paint_destination(view, painter, l);
    }
}

static void paint_scale(const tokens_view *view, clh_painter *painter)
{
    char label[CLH_SHADES_LABEL];
    (void)clh_shades_label(label, view->data->value_label, &view->data->range);
    clh_painter_repeat(painter, " ", view->gutter);
    if (painter->style.colour != CLH_COLOUR_NONE) {
        clh_painter_scale(painter, &view->shades, label, NULL, 0);
        return;
    }
    const double low = view->shades.low, high = view->shades.high;
    if (low > 0.0 || high < 0.0)
        clh_painter_addf(painter, "digits are tenths of the way from %.3g to %.3g  ",
                         low > 0.0 ? low : high, low > 0.0 ? high : low);
    else
        clh_painter_addf(painter, "digits are tenths of %.3g%s  ", fmax(-low, high),
                         low < 0.0 && high > 0.0 ? ", without sign" : "");
    clh_painter_add(painter, label);
    clh_painter_end_line(painter);
}

clh_status clh_paint_tokens(clh_painter *painter, const void *figure, clh_error *err)
{
    const clh_tokens_data *data = figure;
    char number[24];
    tokens_view view = {.data = data};
    clh_status status = CLH_OK;
    view.gutter = (size_t)snprintf(number, sizeof number, "%zu", data->count - 1) + 1;
    if (painter->style.width < view.gutter + 1)
        status = clh_fail(err, CLH_ERANGE, "%zu columns leave no room for the text, want %zu",
                          painter->style.width, view.gutter + 1);
    else
        status = clh_flow_init(&view.flow, data->tokens, data->count,
                               painter->style.width - view.gutter, err);
    if (!status)
        status = clh_shades_of_tokens(&view.shades, data, err);
    if (!status) {
        paint_lines(&view, painter);
        paint_scale(&view, painter);
    }
    clh_flow_deinit(&view.flow);
    return status;
}
