#include <assert.h>
#include <math.h>
#include <string.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/both/scale.h"
#include "report/terminal/terminal_paint.h"

enum { LINES_DEFAULT = 8, COLUMNS_MIN = 8, EIGHTHS = 8 };

typedef struct positions_view {
    const clh_positions_data *data;
    clh_scale y;
    size_t gutter, block, columns, lines;
} positions_view;

static clh_status lay_out(positions_view *view, const clh_painter *painter, clh_error *err)
{
    double low, high;
    bool log = !view->data->linear_y;
    view->lines = painter->style.height ? painter->style.height : LINES_DEFAULT;
    (void)clh_positions_range(view->data, &low, &high);
    size_t ticks = view->lines / 2 < 2 ? 2 : view->lines / 2 > 10 ? 10 : view->lines / 2;
    view->y = clh_scale_fit(low, high, (clh_scale_want){.log = log, .grow = true, .ticks = ticks},
                            (clh_scale_room){.length = (double)view->lines, .gap = 1.0});
    for (size_t i = 0; i < view->y.count; i++)
        if (strlen(view->y.label[i]) + 2 > view->gutter)
            view->gutter = strlen(view->y.label[i]) + 2;
    if (painter->style.width < view->gutter + COLUMNS_MIN)
        return clh_fail(err, CLH_ERANGE, "%zu columns leave no room for the positions, want %zu",
                        painter->style.width, view->gutter + COLUMNS_MIN);
    size_t room = painter->style.width - view->gutter, count = view->data->count;
    view->block = count / room + (count % room != 0);
    view->columns = count / view->block + (count % view->block != 0);
    return CLH_OK;
}

/* Height of a column in eighths of a line: its largest value; 0 where there is none. */
static size_t column_height(const positions_view *view, size_t column)
{
    double most = -1.0;
    for (size_t i = column * view->block; i < (column + 1) * view->block && i < view->data->count;
         i++)
        if (clh_scale_can_show(view->data->values[i], view->y.log))
            most = fmax(most, clh_scale_place(&view->y, view->data->values[i]));
    if (most < 0.0)
        return 0;
    size_t eighths = (size_t)lround(fmin(most, 1.0) * (double)(view->lines * EIGHTHS));
    return eighths > 0 ? eighths : 1;
}

static void paint_line(const positions_view *view, clh_painter *painter, size_t line)
{
    static const char *const fancy[EIGHTHS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[EIGHTHS + 1] = {" ", ".", ".", ".", ":", ":", ":", "#", "#"};
    size_t below = (view->lines - 1 - line) * EIGHTHS, tick = view->y.count;
    for (size_t i = 0; i < view->y.count; i++) {
        double from_top = (1.0 - clh_scale_place(&view->y, view->y.value[i])) * (double)view->lines;
        if ((size_t)fmin(from_top, (double)(view->lines - 1)) == line)
            tick = i;
    }
    bool ticked = tick < view->y.count;
    clh_painter_field(painter, ticked ? view->y.label[tick] : "", view->gutter - 1, true);
    clh_painter_add(painter, ticked ? clh_painter_pick(painter, "┤", "+")
                                    : clh_painter_pick(painter, "│", "|"));
    for (size_t c = 0; c < view->columns; c++) {
        size_t height = column_height(view, c);
        size_t part = height <= below ? 0 : height - below > EIGHTHS ? EIGHTHS : height - below;
        clh_painter_fore(painter, part ? &painter->theme->series[0] : NULL);
        clh_painter_add(painter, clh_painter_pick(painter, fancy[part], plain[part]));
    }
    clh_painter_end_line(painter);
}

static void paint_below(const positions_view *view, clh_painter *painter)
{
    const clh_positions_data *data = view->data;
    assert(view->block >= 1);
    if (data->tokens && view->block == 1 && clh_label_columns_max(data->tokens, data->count) == 1) {
        char shown[CLH_LABEL_BYTES];
        clh_painter_repeat(painter, " ", view->gutter);
        for (size_t i = 0; i < data->count; i++) {
            (void)clh_token_show(shown, data->tokens[i]);
            clh_painter_add(painter, shown);
        }
        clh_painter_end_line(painter);
    }
    double first = (double)data->first_position, last = first + (double)data->count - 1.0;
    size_t ticks = view->columns / 10 < 2 ? 2 : view->columns / 10 > 12 ? 12 : view->columns / 10;
    clh_scale x = clh_scale_fit(first, fmax(last, first + 1.0),
                                (clh_scale_want){.whole = true, .ticks = ticks},
                                (clh_scale_room){.length = (double)view->columns, 1.0, .gap = 2.0});
    size_t at[CLH_TICKS_MAX] = {0};
    for (size_t i = 0; i < x.count; i++)
        at[i] = (size_t)(x.value[i] - first) / view->block;
    clh_painter_ticks(painter, view->gutter, view->columns, x.label, at, x.count);
    clh_painter_repeat(painter, " ", view->gutter);
    clh_painter_add(painter, data->y_label ? data->y_label : "");
    clh_painter_add(painter, data->y_label ? " by position" : "position");
    if (view->block > 1)
        clh_painter_addf(painter, ", the largest of every %zu", view->block);
    clh_painter_end_line(painter);
}

clh_status clh_paint_positions(clh_painter *painter, const void *data, clh_error *err)
{
    positions_view view = {.data = data};
    clh_status status = lay_out(&view, painter, err);
    for (size_t line = 0; line < view.lines && !status; line++)
        paint_line(&view, painter, line);
    if (!status)
        paint_below(&view, painter);
    return status;
}
