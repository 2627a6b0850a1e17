#include <assert.h>
#include <stdio.h>

#include "report/both/figure_check.h"
#include "report/both/label.h"
#include "report/gaps.h"
#include "report/terminal/terminal_paint.h"

enum { TOKEN_COLUMNS = 10, NUMBER_COLUMNS = 9, GAPS_AT = TOKEN_COLUMNS + 3 * NUMBER_COLUMNS + 2 };

static void paint_number(clh_painter *painter, const char *format, double value)
{
    char text[32];
    (void)snprintf(text, sizeof text, format, value);
    clh_painter_field(painter, text, NUMBER_COLUMNS, true);
}

static void paint_row(clh_painter *painter, const clh_threshold_row *row, clh_strbuf *line_text,
                      size_t gap_columns)
{
    char token[CLH_LABEL_BYTES];
    clh_gaps_token(token, sizeof token, row);
    clh_painter_field(painter, token, TOKEN_COLUMNS, false);
    paint_number(painter, "%.0f", (double)row->position);
    paint_number(painter, "%.0f", (double)row->count);
    paint_number(painter, "%.4f", row->maximum);
    size_t from = 0;
    for (size_t line = 0; line < clh_gaps_lines(row, gap_columns); line++) {
        clh_painter_repeat(painter, " ", line == 0 ? 2 : GAPS_AT);
        clh_strbuf_clear(line_text);
        from = clh_gaps_add(line_text, row, from, gap_columns);
        clh_painter_add(painter, clh_strbuf_view(line_text));
        painter->text.failed = painter->text.failed || line_text->failed;
        clh_painter_end_line(painter);
    }
}

clh_status clh_terminal_table(char **text, const clh_threshold_table *table,
                              const clh_terminal_style *style, clh_error *err)
{
    static const char *const heads[] = {"position", "count", "maximum"};
    assert(text && table && (table->rows || table->row_count == 0));
    clh_status status = clh_check_terminal_style(style, err);
    if (status)
        return status;
    clh_strbuf line_text = {0};
    clh_painter painter = clh_painter_make(style);
    if (painter.style.width < GAPS_AT + 8) {
        status = clh_fail(err, CLH_ERANGE, "%zu columns leave no room for the table, want %d",
                          painter.style.width, GAPS_AT + 8);
        goto done;
    }
    clh_painter_field(&painter, "token", TOKEN_COLUMNS, false);
    for (size_t i = 0; i < CLH_COUNT(heads); i++)
        clh_painter_field(&painter, heads[i], NUMBER_COLUMNS, true);
    clh_painter_add(&painter, "  gaps");
    clh_painter_end_line(&painter);
    size_t rows = table->row_count;
    if (painter.style.height && rows > painter.style.height)
        rows = painter.style.height;
    for (size_t r = 0; r < rows; r++)
        paint_row(&painter, &table->rows[r], &line_text, painter.style.width - GAPS_AT);
    if (rows < table->row_count || table->row_count == 0) {
        if (table->row_count == 0)
            clh_painter_addf(&painter, "no weight is above %g", table->threshold);
        else
            clh_painter_addf(&painter, "%s and %zu more source positions",
                             clh_painter_pick(&painter, "…", "..."), table->row_count - rows);
        clh_painter_end_line(&painter);
    }
    status = clh_painter_take(&painter, text, err);
done:
    clh_strbuf_deinit(&line_text);
    clh_strbuf_deinit(&painter.text);
    return status;
}
