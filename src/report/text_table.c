/* A table of a result as text, as wide as the page allows. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "report/both/label.h"
#include "report/text_parts.h"

enum { ROWS_BRIEF = 40, COLUMNS_MAX = 40, TEXT_MOST = 60 };

/* The columns that are shown of a table, keys first. */
typedef struct grid {
    const clh_part *part;
    size_t column[COLUMNS_MAX], count; /**< places in fields */
    bool interval[COLUMNS_MAX];        /**< shown beside the value */
    size_t width[COLUMNS_MAX], key_width[8];
    size_t rows;
    size_t label_width; /**< of the longest label; 0: none */
    bool labels;        /**< there is room for them beside their rows */
    bool whole;         /**< texts of any length */
} grid;

/* A cell as it is shown: a long text whole in full, else cut. */
static const char *cell_text(char out[CLH_LABEL_BYTES], const grid *g, size_t row, size_t column)
{
    const clh_table_row *at = &g->part->row[row];
    const clh_field field = clh_row_field(at, &g->part->schema->fields[g->column[column]]);
    const clh_cell *cell = &at->cell[g->column[column]];
    const char *said = clh_text_seen(cell->text);
    if (!(field.flags & CLH_TEXT))
        clh_text_value(out, CLH_LABEL_BYTES, &field, cell, g->interval[column]);
    else if (said && g->whole)
        return said;
    else
        clh_text_cut(out, said ? said : "-", TEXT_MOST);
    return out;
}

static bool is_tree(const grid *g)
{
    return g->part->schema->flags & CLH_TREE;
}

/* What stands before a row: its keys, in a tree its label. */
static size_t key_count(const grid *g)
{
    return is_tree(g) ? 1 : g->part->keys;
}

static const char *key_text(const grid *g, size_t row, size_t key)
{
    const clh_table_row *of = &g->part->row[row];
    return is_tree(g) && of->label ? of->label : of->key[key];
}

static void measure(grid *g)
{
    char text[CLH_LABEL_BYTES], name[32];
    for (size_t k = 0; k < key_count(g); k++) {
        (void)clh_schema_key(g->part->schema, k, name);
        g->key_width[k] = strlen(name);
        for (size_t i = 0; i < g->rows; i++) {
            const size_t width = clh_text_width(key_text(g, i, k));
            g->key_width[k] = width > g->key_width[k] ? width : g->key_width[k];
        }
    }
    for (size_t c = 0; c < g->count; c++) {
        g->width[c] = clh_text_width(g->part->schema->fields[g->column[c]].name);
        for (size_t i = 0; i < g->rows; i++) {
            const size_t width =
                g->part->row[i].absent ? 0 : clh_text_width(cell_text(text, g, i, c));
            g->width[c] = width > g->width[c] ? width : g->width[c];
        }
    }
}

static size_t width_of_grid(const grid *g)
{
    size_t width = 2;
    for (size_t k = 0; k < key_count(g); k++)
        width += 1 + g->key_width[k];
    for (size_t c = 0; c < g->count; c++)
        width += 2 + g->width[c];
    return width;
}

/* What a narrow page does without, in this order: intervals of columns that are no headline, those of
 * headlines but the first, all, columns that are no headline. */
enum { FIT_ALL, FIT_HEADLINES, FIT_FIRST, FIT_NONE, FIT_COLUMNS, FITS };

/* Whether any row has something in a column. */
static bool is_filled(const clh_part *part, size_t field)
{
    bool filled = false;
    for (size_t i = 0; i < part->rows && !filled; i++)
        filled = part->row[i].cell[field].text || !isnan(part->row[i].cell[field].value.value);
    return filled;
}

static void choose_columns(grid *g, int fit, const clh_show *show)
{
    size_t headlines = 0;
    g->count = 0;
    for (size_t i = 0; i < g->part->fields && g->count < COLUMNS_MAX; i++) {
        const clh_field *field = &g->part->schema->fields[i];
        const bool headline = field->flags & CLH_HEADLINE;
        if (!show->full && (field->flags & CLH_DETAIL || !is_filled(g->part, i)))
            continue;
        if (fit == FIT_COLUMNS && !headline)
            continue;
        headlines += headline;
        g->interval[g->count] = fit == FIT_ALL || (fit == FIT_HEADLINES && headline) ||
                                (fit == FIT_FIRST && headline && headlines == 1);
        g->column[g->count++] = i;
    }
}

/* The columns that a page has room for, and whether labels fit beside them. */
static void fit_grid(grid *g, const clh_show *show)
{
    for (int fit = FIT_ALL; fit < FITS; fit++) {
        choose_columns(g, fit, show);
        if (fit == FIT_COLUMNS && g->count == 0)
            choose_columns(g, FIT_NONE, show);
        measure(g);
        if (show->full || width_of_grid(g) <= clh_text_page(show))
            break;
    }
    for (size_t i = 0; i < g->rows && !is_tree(g); i++) {
        const size_t label = clh_text_width(g->part->row[i].label);
        g->label_width = label > g->label_width ? label : g->label_width;
    }
    g->labels = g->label_width > 0 && width_of_grid(g) + 2 + g->label_width <= clh_text_page(show);
}

/* A line feed without blanks before it. */
static void end_line(clh_strbuf *out)
{
    while (out->length > 0 && !out->failed && out->data[out->length - 1] == ' ')
        out->data[--out->length] = '\0';
    clh_strbuf_adds(out, "\n");
}

static void add_titles(const grid *g, clh_strbuf *out)
{
    char name[32];
    clh_strbuf_adds(out, " ");
    for (size_t k = 0; k < key_count(g); k++) {
        const bool whole = clh_schema_key(g->part->schema, k, name);
        clh_strbuf_adds(out, " ");
        clh_text_padded(out, name, g->key_width[k], !whole);
    }
    for (size_t c = 0; c < g->count; c++) {
        const clh_field *field = &g->part->schema->fields[g->column[c]];
        clh_strbuf_adds(out, "  ");
        clh_text_padded(out, field->name, g->width[c], field->flags & CLH_TEXT);
    }
    end_line(out);
}

static void add_beside(clh_strbuf *out, const char *before, const char *text)
{
    clh_strbuf_adds(out, before);
    clh_text_add(out, text, SIZE_MAX);
}

static void add_table_row(const grid *g, size_t i, clh_strbuf *out)
{
    const clh_table_row *row = &g->part->row[i];
    char text[CLH_LABEL_BYTES], name[32];
    clh_strbuf_adds(out, " ");
    for (size_t k = 0; k < key_count(g); k++) {
        const bool whole = clh_schema_key(g->part->schema, k, name);
        clh_strbuf_adds(out, " ");
        clh_text_padded(out, key_text(g, i, k), g->key_width[k], !whole);
    }
    for (size_t c = 0; c < g->count && !row->absent; c++) {
        clh_strbuf_adds(out, "  ");
        clh_text_padded(out, cell_text(text, g, i, c), g->width[c],
                        g->part->schema->fields[g->column[c]].flags & CLH_TEXT);
    }
    if (row->absent)
        add_beside(out, "  left out: ", row->absent);
    else if (row->label && g->labels)
        add_beside(out, "  ", row->label);
    end_line(out);
}

/* What columns and rows are, in words. */
static void add_legend(const grid *g, const clh_show *show, clh_strbuf *out)
{
    for (size_t c = 0; c < g->count; c++) {
        const clh_field *field = &g->part->schema->fields[g->column[c]];
        if (!field->meaning && !field->unit)
            continue;
        clh_strbuf_addf(out, "    %s: ", field->name);
        clh_strbuf line = {0};
        clh_strbuf_addf(&line, "%s%s%s%s%s%s%s", field->meaning ? field->meaning : "",
                        field->unit ? " (" : "", field->unit ? field->unit : "",
                        field->unit ? ")" : "", field->formula ? "; " : "",
                        field->formula ? field->formula : "", field->band ? "; " : "");
        clh_strbuf_adds(&line, clh_band_text(field->band));
        clh_text_wrapped(out, clh_strbuf_view(&line), 6 + strlen(field->name), 6,
                         clh_text_page(show));
        out->failed = out->failed || line.failed;
        clh_strbuf_deinit(&line);
    }
}

static void add_row_legend(const grid *g, const clh_show *show, clh_strbuf *out)
{
    for (size_t i = 0; i < g->rows && g->label_width > 0 && !g->labels; i++)
        if (g->part->row[i].label) {
            clh_strbuf_adds(out, "    ");
            clh_text_padded(out, g->part->row[i].key[g->part->keys - 1],
                            g->key_width[g->part->keys - 1], true);
            clh_strbuf_adds(out, "  ");
            clh_text_wrapped(out, g->part->row[i].label, 6 + g->key_width[g->part->keys - 1],
                             6 + g->key_width[g->part->keys - 1], clh_text_page(show));
        }
}

/* How many rows are not shown. */
static void add_rest(const grid *g, clh_strbuf *out)
{
    if (g->rows < g->part->rows)
        clh_strbuf_addf(out, "  ... and %zu rows more: --full\n", g->part->rows - g->rows);
}

void clh_text_table(const clh_part *part, const clh_show *show, clh_strbuf *out)
{
    grid g = {.part = part, .rows = part->rows, .whole = show->full};
    if (part->rows == 0 && !part->absent)
        return;
    clh_strbuf_addf(out, "\n%s", part->schema->name);
    if (part->schema->meaning)
        clh_strbuf_addf(out, ": %s", part->schema->meaning);
    clh_strbuf_adds(out, "\n");
    if (part->absent) {
        clh_strbuf_addf(out, "  none: %s\n", part->absent);
        return;
    }
    if (!show->full && !show->part && g.rows > ROWS_BRIEF && !is_tree(&g))
        g.rows = ROWS_BRIEF;
    if (part->schema->flags & CLH_LINES) {
        clh_text_lines(part, g.rows, show, out);
        add_rest(&g, out);
        return;
    }
    fit_grid(&g, show);
    if (show->full)
        add_legend(&g, show, out);
    add_titles(&g, out);
    for (size_t i = 0; i < g.rows; i++) {
        if (part->row[i].heading) {
            add_beside(out, "  ", part->row[i].heading);
            clh_strbuf_adds(out, "\n");
        }
        add_table_row(&g, i, out);
    }
    add_rest(&g, out);
    if (show->full)
        add_row_legend(&g, show, out);
}

void clh_text_row(clh_strbuf *out, const clh_result *r, const char *table, size_t row)
{
    enum { LEAST = 10 };
    const clh_part *part = clh_result_part(r, table);
    assert(part && row < part->rows);
    grid g = {.part = part, .rows = part->rows};
    char name[32];
    for (size_t i = 0; i < part->fields && g.count < COLUMNS_MAX; i++)
        g.column[g.count++] = i;
    for (size_t k = 0; k < part->keys; k++) {
        (void)clh_schema_key(part->schema, k, name);
        g.key_width[k] = strlen(name) > LEAST ? strlen(name) : LEAST;
    }
    for (size_t c = 0; c < g.count; c++) {
        const size_t width = clh_text_width(part->schema->fields[g.column[c]].name);
        g.width[c] = width > LEAST ? width : LEAST;
    }
    if (row == 0)
        add_titles(&g, out);
    add_table_row(&g, row, out);
}
