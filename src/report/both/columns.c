#include "report/both/columns.h"

#include <assert.h>
#include <string.h>

/* A line of a cell fits CLH_LABEL_BYTES whatever its characters are. */
enum { WIDTH_MOST = 120, WIDTH_LEAST = 8 };

static size_t characters(const char *text)
{
    size_t count = 0;
    for (bool valid; *text; count++)
        text += clh_utf8_next(text, &valid);
    return count;
}

static const char *cell(const clh_table_data *data, size_t row, size_t column)
{
    const char *text = data->cell[row * data->columns + column];
    return text ? text : "";
}

static size_t natural_width(const clh_table_data *data, size_t column)
{
    size_t width = characters(data->column[column].name);
    for (size_t r = 0; r < data->rows; r++) {
        const size_t own = characters(cell(data, r, column));
        width = own > width ? own : width;
    }
    return width < 1 ? 1 : width < WIDTH_MOST ? width : WIDTH_MOST;
}

/* Make the widest column of texts narrower by what is too much, as far as it goes. */
static bool narrow(clh_columns *columns, const clh_table_data *data, size_t excess)
{
    size_t widest = data->columns;
    for (size_t c = 0; c < data->columns; c++)
        if (!data->column[c].number && columns->width[c] > WIDTH_LEAST &&
            (widest == data->columns || columns->width[c] > columns->width[widest]))
            widest = c;
    if (widest == data->columns)
        return false;
    const size_t spare = columns->width[widest] - WIDTH_LEAST;
    columns->width[widest] -= excess < spare ? excess : spare;
    return true;
}

bool clh_columns_fit(clh_columns *out, const clh_table_data *data, size_t room)
{
    assert(out && data);
    if (data->columns == 0 || data->columns > CLH_COLUMNS_MAX)
        return false;
    for (size_t c = 0; c < data->columns; c++)
        out->width[c] = natural_width(data, c);
    do {
        out->total = 0;
        for (size_t c = 0; c < data->columns; c++) {
            out->at[c] = out->total + (c ? CLH_COLUMN_GAP : 0);
            out->total = out->at[c] + out->width[c];
        }
    } while (out->total > room && narrow(out, data, out->total - room));
    return out->total <= room;
}

/* Bytes of a line of at most `width` characters; *next: where the next begins. */
static size_t line_bytes(const char *text, size_t width, size_t *next)
{
    size_t at = 0, end = 0;
    for (size_t used = 0; text[at]; used++) {
        bool valid;
        if (text[at] == ' ')
            end = at;
        if (used == width)
            break;
        at += clh_utf8_next(text + at, &valid);
    }
    if (!text[at] || end == 0)
        end = at;
    *next = end;
    while (text[*next] == ' ')
        ++*next;
    return end;
}

size_t clh_columns_lines(const clh_columns *columns, const clh_table_data *data, size_t row)
{
    assert(columns && data && row < data->rows);
    size_t most = 1;
    for (size_t c = 0; c < data->columns; c++) {
        size_t lines = 0, next = 0;
        for (const char *rest = cell(data, row, c); *rest; rest += next, lines++)
            (void)line_bytes(rest, columns->width[c], &next);
        most = lines > most ? lines : most;
    }
    return most;
}

void clh_columns_begin(const char *rest[CLH_COLUMNS_MAX], const clh_table_data *data, size_t row)
{
    assert(rest && data && row < data->rows);
    for (size_t c = 0; c < data->columns; c++)
        rest[c] = cell(data, row, c);
}

bool clh_columns_more(const char *const rest[CLH_COLUMNS_MAX], const clh_table_data *data)
{
    bool more = false;
    for (size_t c = 0; c < data->columns; c++)
        more = more || *rest[c];
    return more;
}

const char *clh_columns_next(const char **rest, size_t width, char out[CLH_LABEL_BYTES])
{
    assert(rest && width > 0 && width <= WIDTH_MOST);
    size_t next = 0;
    const size_t bytes = line_bytes(*rest, width, &next);
    assert(bytes < CLH_LABEL_BYTES);
    memcpy(out, *rest, bytes);
    out[bytes] = '\0';
    *rest += next;
    return out;
}
