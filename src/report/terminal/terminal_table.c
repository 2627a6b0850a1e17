#include <assert.h>

#include "report/both/columns.h"
#include "report/both/figure_check.h"
#include "report/terminal/terminal_paint.h"

/* A cell in its column; the last text column needs no blanks after it. */
static void paint_cell(clh_painter *painter, const clh_columns *columns, const clh_table_data *data,
                       size_t column, const char *text)
{
    clh_painter_repeat(painter, " ", columns->at[column] - painter->column);
    clh_painter_field(painter, text, columns->width[column], data->column[column].number);
}

static void paint_row(clh_painter *painter, const clh_columns *columns, const clh_table_data *data,
                      size_t row)
{
    const char *rest[CLH_COLUMNS_MAX];
    char text[CLH_LABEL_BYTES];
    clh_columns_begin(rest, data, row);
    do {
        for (size_t c = 0; c < data->columns; c++)
            paint_cell(painter, columns, data, c,
                       clh_columns_next(&rest[c], columns->width[c], text));
        clh_painter_end_line(painter);
    } while (clh_columns_more(rest, data));
}

static void paint_rest(clh_painter *painter, const clh_table_data *data, size_t rows)
{
    if (data->rows == 0)
        clh_painter_add(painter, data->none ? data->none : "no rows");
    else
        clh_painter_addf(painter, "%s and %zu more %s", clh_painter_pick(painter, "…", "..."),
                         data->rows - rows, data->more ? data->more : "rows");
    clh_painter_end_line(painter);
}

clh_status clh_paint_table(clh_painter *painter, const void *figure, clh_error *err)
{
    const clh_table_data *data = figure;
    clh_columns columns;
    if (!clh_columns_fit(&columns, data, painter->style.width))
        return clh_fail(err, CLH_ERANGE, "%zu columns leave no room for the table, want %zu",
                        painter->style.width, columns.total);
    for (size_t c = 0; c < data->columns; c++)
        paint_cell(painter, &columns, data, c, data->column[c].name);
    clh_painter_end_line(painter);
    size_t rows = data->rows;
    if (painter->style.height && rows > painter->style.height)
        rows = painter->style.height;
    for (size_t r = 0; r < rows; r++)
        paint_row(painter, &columns, data, r);
    if (rows < data->rows || rows == 0)
        paint_rest(painter, data, rows);
    return CLH_OK;
}
