#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/figure/canvas.h"
#include "report/gaps.h"

enum { ROWS_DEFAULT = 40, HEAD_ROOM = 28, ROW_PADDING = 8, LINE = 17, REST_ROOM = 24 };

#define FONT 12.5

typedef struct table_plan {
    const clh_threshold_table *table;
    const clh_page *page;
    size_t rows; /* shown */
} table_plan;

/* Left or right edge of each column of the body, px from its left. */
static const struct {
    const char *name;
    double at, anchor;
} columns[] = {
    {"token", 8.0, 0.0},     {"position", 150.0, 1.0}, {"count", 216.0, 1.0},
    {"maximum", 300.0, 1.0}, {"gaps", 330.0, 0.0},
};

static size_t gaps_columns(double page_width)
{
    double room = page_width - 2.0 * CLH_PAGE_MARGIN - columns[4].at - 8.0;
    return room > 0.0 ? (size_t)(room / (FONT * CLH_MONO_PITCH)) : 0;
}

static double row_height(const clh_threshold_row *row, size_t gap_columns)
{
    return (double)(LINE * clh_gaps_lines(row, gap_columns) + ROW_PADDING);
}

/* Rows that fit `room`, leaving space to say how many do not. */
static size_t rows_that_fit(const clh_threshold_table *table, size_t gap_columns, double room,
                            double *height)
{
    size_t rows = 0;
    *height = HEAD_ROOM;
    while (rows < table->row_count) {
        double next = row_height(&table->rows[rows], gap_columns);
        double rest = rows + 1 < table->row_count ? REST_ROOM : 0.0;
        if (*height + next + rest > room)
            break;
        *height += next;
        rows++;
    }
    return rows;
}

static void draw_cell(clh_canvas *canvas, const char *text, size_t column, double y, bool mono)
{
    clh_canvas_text(canvas, text, canvas->body.x + columns[column].at, y,
                    (clh_text_style){.size = FONT,
                                     .mono = mono,
                                     .anchor = columns[column].anchor,
                                     .width_max = column == 0 ? 84.0 : 0.0});
}

static clh_status draw_row(clh_canvas *canvas, const clh_threshold_row *row, double y,
                           size_t gap_columns, clh_error *err)
{
    char text[CLH_LABEL_BYTES];
    double middle = y + (LINE + ROW_PADDING) / 2.0;
    clh_gaps_token(text, sizeof text, row);
    draw_cell(canvas, text, 0, middle, true);
    (void)snprintf(text, sizeof text, "%zu", row->position);
    draw_cell(canvas, text, 1, middle, true);
    (void)snprintf(text, sizeof text, "%zu", row->count);
    draw_cell(canvas, text, 2, middle, true);
    (void)snprintf(text, sizeof text, "%.4f", row->maximum);
    draw_cell(canvas, text, 3, middle, true);
    clh_strbuf line = {0};
    for (size_t k = 0; k + 1 < row->count && !line.failed; middle += LINE) {
        clh_strbuf_clear(&line);
        k = clh_gaps_add(&line, row, k, gap_columns);
        draw_cell(canvas, clh_strbuf_view(&line), 4, middle, true);
    }
    clh_status status = clh_strbuf_check(&line, err);
    clh_strbuf_deinit(&line);
    return status;
}

static void draw_rest(clh_canvas *canvas, const table_plan *plan, double y)
{
    char text[96] = "";
    size_t rest = plan->table->row_count - plan->rows;
    if (plan->table->row_count == 0)
        (void)snprintf(text, sizeof text, "no weight is above %g", plan->table->threshold);
    else if (rest > 0)
        (void)snprintf(text, sizeof text, "… and %zu more source positions", rest);
    clh_canvas_text(canvas, text, canvas->body.x + columns[0].at, y + REST_ROOM / 2.0,
                    (clh_text_style){.size = FONT, .colour = &canvas->theme->muted});
}

static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err)
{
    const table_plan *plan = context;
    clh_rect body = canvas->body;
    size_t gap_columns = gaps_columns(plan->page->width);
    if (gap_columns < 8 || body.height < HEAD_ROOM + REST_ROOM - 1.0)
        return clh_canvas_no_room(plan->page, err);
    for (size_t c = 0; c < CLH_COUNT(columns); c++)
        clh_canvas_text(canvas, columns[c].name, body.x + columns[c].at, body.y + HEAD_ROOM / 2.0,
                        (clh_text_style){.size = FONT, .bold = true, .anchor = columns[c].anchor});
    double y = body.y + HEAD_ROOM;
    clh_canvas_line(canvas, body.x, y, body.x + body.width, y, 1.0, canvas->theme->frame);
    clh_status status = CLH_OK;
    for (size_t r = 0; r < plan->rows && !status; r++) {
        status = draw_row(canvas, &plan->table->rows[r], y, gap_columns, err);
        y += row_height(&plan->table->rows[r], gap_columns);
        clh_canvas_line(canvas, body.x, y, body.x + body.width, y, 1.0, canvas->theme->grid);
    }
    draw_rest(canvas, plan, y);
    return status;
}

clh_status clh_figure_table(const char *path, const clh_threshold_table *table,
                            const clh_figure_style *style, clh_error *err)
{
    assert(path && table && (table->rows || table->row_count == 0));
    clh_status status = clh_check_figure_style(style, err);
    if (status)
        return status;
    double frame = clh_page_frame_height(style), height;
    clh_page page = clh_page_make(style, 880.0, 0.0);
    size_t gap_columns = gaps_columns(page.width);
    if (gap_columns < 8)
        return clh_canvas_no_room(&page, err);
    double room = page.height > 0.0 ? page.height - frame : CLH_FIGURE_SIDE_MAX - frame;
    table_plan plan = {.table = table, .page = &page};
    plan.rows = rows_that_fit(table, gap_columns, room, &height);
    if (page.height == 0.0 && plan.rows > ROWS_DEFAULT) {
        plan.rows = ROWS_DEFAULT;
        height = HEAD_ROOM;
        for (size_t r = 0; r < plan.rows; r++)
            height += row_height(&table->rows[r], gap_columns);
    }
    if (plan.rows < table->row_count || plan.rows == 0)
        height += REST_ROOM;
    page = clh_page_make(style, 880.0, fmax(ceil(height + frame), CLH_FIGURE_SIDE_MIN));
    return clh_canvas_write(path, &page, draw, &plan, err);
}
