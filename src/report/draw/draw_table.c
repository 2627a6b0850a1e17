/* A table as a table of texts. */
#include "report/both/columns.h"
#include "report/draw/drawing.h"
#include "report/text_parts.h"

enum { TEXT = 3 * CLH_NUMBER_TEXT + 8, KEY = 32 };

typedef struct table {
    clh_table_column *column;
    size_t *field; /* [columns], of those that are no key */
    char (*name)[KEY];
    size_t columns, keys;
    bool labels;
    const char **cell;
    char (*text)[TEXT]; /* numbers, [rows][columns] */
} table;

static clh_status choose_columns(table *t, clh_drawing *d, clh_error *err)
{
    const clh_part *part = d->part;
    t->column = clh_drawing_memory(d, CLH_COLUMNS_MAX, sizeof *t->column, err);
    t->field = clh_drawing_memory(d, CLH_COLUMNS_MAX, sizeof *t->field, err);
    t->name = clh_drawing_memory(d, CLH_COLUMNS_MAX, sizeof *t->name, err);
    if (!t->column || !t->field || !t->name)
        return CLH_ENOMEM;
    for (; t->keys < part->keys && t->columns + 2 < CLH_COLUMNS_MAX; t->keys++) {
        const bool whole = clh_schema_key(part->schema, t->keys, t->name[t->columns]);
        t->column[t->columns] = (clh_table_column){t->name[t->columns], whole};
        t->columns++;
    }
    for (size_t i = 0; i < part->fields && t->columns + 1 < CLH_COLUMNS_MAX; i++) {
        const clh_field *f = &part->schema->fields[i];
        if (f->flags & CLH_DETAIL && !d->show->full)
            continue;
        t->field[t->columns] = i;
        t->column[t->columns++] = (clh_table_column){f->name, !(f->flags & CLH_TEXT)};
    }
    for (size_t i = 0; i < part->rows; i++)
        t->labels = t->labels || part->row[i].label || part->row[i].absent;
    if (t->labels)
        t->column[t->columns++] = (clh_table_column){"", false};
    return CLH_OK;
}

static void fill_row(table *t, const clh_part *part, size_t row, bool intervals)
{
    const clh_table_row *from = &part->row[row];
    const char **cell = t->cell + row * t->columns;
    for (size_t c = 0; c < t->columns; c++) {
        char *text = t->text[row * t->columns + c];
        if (c < t->keys) {
            cell[c] = clh_text_seen(from->key[c]);
        } else if (t->labels && c + 1 == t->columns) {
            cell[c] = from->absent ? from->absent : from->label;
        } else if (part->schema->fields[t->field[c]].flags & CLH_TEXT) {
            cell[c] = clh_text_seen(from->cell[t->field[c]].text);
        } else if (!from->absent) {
            const clh_field field = clh_row_field(from, &part->schema->fields[t->field[c]]);
            clh_text_value(text, TEXT, &field, &from->cell[t->field[c]], intervals);
            cell[c] = text;
        }
    }
}

clh_status clh_draw_table(clh_drawing *d, clh_error *err)
{
    const clh_part *part = d->part;
    table t = {0};
    clh_status status = choose_columns(&t, d, err);
    if (status)
        return status;
    t.cell = clh_drawing_memory(d, part->rows * t.columns, sizeof *t.cell, err);
    t.text = clh_drawing_memory(d, part->rows * t.columns, sizeof *t.text, err);
    if (!t.cell || !t.text)
        return CLH_ENOMEM;
    const clh_table_data data = {
        .column = t.column, .columns = t.columns, .cell = t.cell, .rows = part->rows};
    clh_columns columns;
    bool intervals = true, fits = false;
    for (int pass = 0; pass < 2 && !fits; pass++) {
        intervals = pass == 0;
        for (size_t i = 0; i < part->rows; i++)
            fill_row(&t, part, i, intervals);
        fits = clh_columns_fit(&columns, &data, d->path || !d->show->width ? 100 : d->show->width);
    }
    for (size_t c = t.keys; c < t.columns - t.labels && intervals; c++) {
        const clh_band band = part->schema->fields[t.field[c]].band;
        d->bands |= band ? 1U << band : 0;
    }
    return clh_drawing_table(d, &data, err);
}
