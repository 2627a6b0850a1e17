#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "report/both/columns.h"
#include "report/both/figure_check.h"
#include "report/figure/canvas.h"

enum { ROWS_DEFAULT = 40, HEAD_ROOM = 28, ROW_PADDING = 8, LINE = 17, REST_ROOM = 24 };

#define FONT 12.5
#define CHARACTER (FONT * CLH_MONO_PITCH) /* px */
#define SIDE 8.0                          /* left and right of the text */
#define WIDTH_MOST 880.0
#define WIDTH_LEAST 360.0 /* for titles and captions */

typedef struct table_plan {
    const clh_table_data *data;
    clh_columns columns;
    size_t rows; /* shown */
} table_plan;

static size_t room_of(double page_width)
{
    const double room = page_width - 2.0 * CLH_PAGE_MARGIN - 2.0 * SIDE;
    return room > 0.0 ? (size_t)(room / CHARACTER) : 0;
}

static double row_height(const table_plan *plan, size_t row)
{
    return (double)(LINE * clh_columns_lines(&plan->columns, plan->data, row) + ROW_PADDING);
}

/* Rows that fit `room`, at most so many, leaving space to say how many do not. */
static void take_rows(table_plan *plan, double room, size_t most, double *height)
{
    const size_t all = plan->data->rows;
    *height = HEAD_ROOM;
    for (plan->rows = 0; plan->rows < all && plan->rows < most; plan->rows++) {
        const double next = row_height(plan, plan->rows);
        if (*height + next + (plan->rows + 1 < all ? REST_ROOM : 0.0) > room)
            break;
        *height += next;
    }
    if (plan->rows < all || all == 0)
        *height += REST_ROOM;
}

static void draw_cell(clh_canvas *canvas, const table_plan *plan, const char *text, size_t column,
                      double y, bool title)
{
    const bool right = plan->data->column[column].number;
    const double at = (double)plan->columns.at[column] * CHARACTER;
    const double width = (double)plan->columns.width[column] * CHARACTER;
    clh_canvas_text(canvas, text, canvas->body.x + SIDE + at + (right ? width : 0.0), y,
                    (clh_text_style){FONT, .bold = title, .mono = true, .anchor = right ? 1.0 : 0.0,
                                     .width_max = width + CHARACTER});
}

static void draw_row(clh_canvas *canvas, const table_plan *plan, size_t row, double y)
{
    const char *rest[CLH_COLUMNS_MAX];
    char text[CLH_LABEL_BYTES];
    double middle = y + (LINE + ROW_PADDING) / 2.0;
    clh_columns_begin(rest, plan->data, row);
    for (; clh_columns_more(rest, plan->data); middle += LINE)
        for (size_t c = 0; c < plan->data->columns; c++)
            draw_cell(canvas, plan, clh_columns_next(&rest[c], plan->columns.width[c], text), c,
                      middle, false);
}

static void draw_rest(clh_canvas *canvas, const table_plan *plan, double y)
{
    char text[CLH_LABEL_BYTES];
    const clh_table_data *data = plan->data;
    if (data->rows > 0)
        (void)snprintf(text, sizeof text, "… and %zu more %s", data->rows - plan->rows,
                       data->more ? data->more : "rows");
    else
        (void)snprintf(text, sizeof text, "%s", data->none ? data->none : "no rows");
    clh_canvas_text(canvas, text, canvas->body.x + SIDE, y + REST_ROOM / 2.0,
                    (clh_text_style){FONT, .width_max = canvas->body.width - SIDE,
                                     .colour = &canvas->theme->muted});
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const table_plan *plan = context;
    const clh_rect body = canvas->body;
    if (body.height < HEAD_ROOM + REST_ROOM - 1.0)
        return clh_canvas_no_room(canvas->page, err);
    for (size_t c = 0; c < plan->data->columns; c++)
        draw_cell(canvas, plan, plan->data->column[c].name, c, body.y + HEAD_ROOM / 2.0, true);
    double y = body.y + HEAD_ROOM;
    clh_canvas_line(canvas, body.x, y, body.x + body.width, y, 1.0, canvas->theme->frame);
    for (size_t r = 0; r < plan->rows; r++) {
        draw_row(canvas, plan, r, y);
        y += row_height(plan, r);
        clh_canvas_line(canvas, body.x, y, body.x + body.width, y, 1.0, canvas->theme->grid);
    }
    if (plan->rows < plan->data->rows || plan->rows == 0)
        draw_rest(canvas, plan, y);
    return CLH_OK;
}

clh_status clh_page_table(const char *path, const void *figure, const clh_figure_style *style,
                          clh_error *err)
{
    const clh_table_data *data = figure;
    const double frame = clh_page_frame_height(style);
    double height;
    table_plan plan = {.data = data};
    clh_page page = clh_page_make(style, WIDTH_MOST, 0.0);
    bool fits = clh_columns_fit(&plan.columns, data, room_of(page.width));
    if (!fits && !(style && style->width)) /* a page as wide as the narrowest columns */
        fits = clh_columns_fit(&plan.columns, data, plan.columns.total);
    if (!fits)
        return clh_canvas_no_room(&page, err);
    const double own = (double)plan.columns.total * CHARACTER + 2.0 * (SIDE + CLH_PAGE_MARGIN);
    const bool given = page.height > 0.0;
    take_rows(&plan, (given ? page.height : CLH_FIGURE_SIDE_MAX) - frame,
              given ? data->rows : ROWS_DEFAULT, &height);
    page = clh_page_make(style, ceil(fmax(own + CHARACTER, WIDTH_LEAST)),
                         fmax(ceil(height + frame), CLH_FIGURE_SIDE_MIN));
    return clh_canvas_write(path, &page, draw, &plan, err);
}
