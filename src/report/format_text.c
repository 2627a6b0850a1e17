/* A result as text for people: the answer and the headline numbers first, details in full. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "report/number.h"
#include "result/result_parts.h"

enum { ROWS_BRIEF = 40, COLUMNS_MAX = 40, MEANING = 100 };

/* Characters, not bytes, of UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; text && *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void add_padded(clh_strbuf *out, const char *text, size_t width, bool left)
{
    const size_t own = width_of(text);
    const int pad = own < width ? (int)(width - own) : 0;
    if (left)
        clh_strbuf_addf(out, "%s%*s", text, pad, "");
    else
        clh_strbuf_addf(out, "%*s%s", pad, "", text);
}

/* `text` in lines of at most `width`, each later one indented. */
static void add_wrapped(clh_strbuf *out, const char *text, size_t at, size_t indent, size_t width)
{
    bool fresh = true;
    while (*text) {
        const size_t bytes = strcspn(text, " \n");
        char word[256];
        (void)snprintf(word, sizeof word, "%.*s", (int)bytes, text);
        const size_t length = width_of(word);
        if (!fresh && at + 1 + length > width) {
            clh_strbuf_addf(out, "\n%*s", (int)indent, "");
            at = indent;
            fresh = true;
        }
        clh_strbuf_adds(out, fresh ? "" : " ");
        clh_strbuf_add(out, text, bytes);
        at += length + !fresh;
        fresh = false;
        text += bytes + (text[bytes] != '\0');
    }
    clh_strbuf_adds(out, "\n");
}

static bool shown(const clh_show *show, const char *name)
{
    return !show->part || strcmp(show->part, name) == 0;
}

static size_t page_width(const clh_show *show)
{
    return show->width ? show->width : 100;
}

/* ---- What was asked ----------------------------------------------------------------------------
 */

static void add_head(const clh_result *r, clh_strbuf *out)
{
    const char *run = clh_result_text(r, "run"), *step = clh_result_text(r, "step");
    const char *sample = clh_result_text(r, "sample"), *over = clh_result_text(r, "over");
    const char *against = clh_result_text(r, "against");
    clh_strbuf_adds(out, r->question);
    if (run)
        clh_strbuf_addf(out, ": %s", *run ? run : "a model in memory");
    if (step)
        clh_strbuf_addf(out, ", step %s", step);
    if (sample)
        clh_strbuf_addf(out, ", %s", sample);
    if (against)
        clh_strbuf_addf(out, ", against %s, step %s", against, clh_result_text(r, "against_step"));
    else if (over)
        clh_strbuf_addf(out, ", over %s", over);
    clh_strbuf_adds(out, "\n");
}

/* ---- Verdicts ----------------------------------------------------------------------------------
 */

static void add_verdicts(const clh_part *part, const clh_show *show, clh_strbuf *out)
{
    for (size_t i = 0; i < part->fields; i++) {
        const clh_field *field = &part->schema->fields[i];
        const char *answer = part->cell[i].text;
        clh_strbuf_addf(out, "\n%s\n  %s\n", field->meaning, answer ? answer : "no answer");
        if (!part->note[i])
            continue;
        clh_strbuf_adds(out, "  ");
        add_wrapped(out, part->note[i], 2, 2, page_width(show));
        if (show->full && field->formula) {
            clh_strbuf_adds(out, "  rule: ");
            add_wrapped(out, field->formula, 8, 8, page_width(show));
        }
    }
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

/* "0.0010 [0.0009, 0.0011]" */
static void value_text(char *out, size_t size, const clh_field *field, const clh_cell *cell)
{
    char value[CLH_NUMBER_TEXT], low[CLH_NUMBER_TEXT], high[CLH_NUMBER_TEXT];
    const clh_value *v = &cell->value;
    if (field->flags & CLH_TEXT)
        (void)snprintf(out, size, "%s", cell->text ? cell->text : "-");
    else if (field->band && !isnan(v->low))
        (void)snprintf(out, size, "%s [%s, %s]", clh_number_text(value, v->value, field->decimals),
                       clh_number_text(low, v->low, field->decimals),
                       clh_number_text(high, v->high, field->decimals));
    else
        (void)snprintf(out, size, "%s", clh_number_text(value, v->value, field->decimals));
}

/* Whether a number is shown: headlines, and all but details of a part that has none. */
static bool is_shown(const clh_part *part, size_t i, const clh_show *show)
{
    bool headlines = false;
    for (size_t k = 0; k < part->fields; k++)
        headlines = headlines || part->schema->fields[k].flags & CLH_HEADLINE;
    if (show->full)
        return true;
    return headlines ? part->schema->fields[i].flags & CLH_HEADLINE
                     : !(part->schema->fields[i].flags & CLH_DETAIL);
}

static void add_number(const clh_part *part, size_t i, size_t name, size_t value,
                       const clh_show *show, clh_strbuf *out)
{
    const clh_field *field = &part->schema->fields[i];
    char text[3 * CLH_NUMBER_TEXT + 8];
    value_text(text, sizeof text, field, &part->cell[i]);
    clh_strbuf_adds(out, "  ");
    add_padded(out, field->name, name, true);
    clh_strbuf_adds(out, "  ");
    add_padded(out, text, value, true);
    clh_strbuf_adds(out, "  ");
    const char *why = part->note[i];
    char what[512];
    (void)snprintf(what, sizeof what, "%s%s%s%s%s", why ? "absent: " : "",
                   why           ? why
                   : field->unit ? field->unit
                                 : "",
                   why || !field->unit || !field->meaning ? "" : "; ",
                   why || !field->meaning ? "" : field->meaning,
                   show->full && !why && field->formula ? ": " : "");
    clh_strbuf text_of_it = {0};
    clh_strbuf_adds(&text_of_it, what);
    if (show->full && !why && field->formula)
        clh_strbuf_adds(&text_of_it, field->formula);
    add_wrapped(out, clh_strbuf_view(&text_of_it), 6 + name + value, 6 + name + value,
                page_width(show) > 60 + name + value ? page_width(show) : 60 + name + value);
    out->failed = out->failed || text_of_it.failed;
    clh_strbuf_deinit(&text_of_it);
}

static void add_numbers(const clh_part *part, const clh_show *show, clh_strbuf *out)
{
    size_t name = 0, value = 0;
    char text[3 * CLH_NUMBER_TEXT + 8];
    for (size_t i = 0; i < part->fields; i++) {
        if (!is_shown(part, i, show))
            continue;
        value_text(text, sizeof text, &part->schema->fields[i], &part->cell[i]);
        name = width_of(part->schema->fields[i].name) > name
                   ? width_of(part->schema->fields[i].name)
                   : name;
        value = width_of(text) > value ? width_of(text) : value;
    }
    for (size_t i = 0; i < part->fields; i++)
        if (is_shown(part, i, show))
            add_number(part, i, name, value, show, out);
}

/* ---- Tables ------------------------------------------------------------------------------------
 */

/* The columns that are shown of a table, keys first. */
typedef struct grid {
    const clh_part *part;
    size_t column[COLUMNS_MAX], count; /**< places in fields */
    size_t width[COLUMNS_MAX], key_width[8];
    size_t rows;
    size_t label_width; /**< of the longest label; 0: none */
    bool labels;        /**< there is room for them beside their rows */
} grid;

static void cell_text(char *out, size_t size, const grid *g, size_t row, size_t column)
{
    const clh_table_row *of = &g->part->row[row];
    value_text(out, size, &g->part->schema->fields[g->column[column]],
               &of->cell[g->column[column]]);
}

static void measure(grid *g)
{
    char text[256], name[32];
    for (size_t k = 0; k < g->part->keys; k++) {
        (void)clh_schema_key(g->part->schema, k, name);
        g->key_width[k] = strlen(name);
        for (size_t i = 0; i < g->rows; i++) {
            const size_t width = width_of(g->part->row[i].key[k]);
            g->key_width[k] = width > g->key_width[k] ? width : g->key_width[k];
        }
    }
    for (size_t c = 0; c < g->count; c++) {
        g->width[c] = width_of(g->part->schema->fields[g->column[c]].name);
        for (size_t i = 0; i < g->rows; i++) {
            cell_text(text, sizeof text, g, i, c);
            const size_t width = g->part->row[i].absent ? 0 : width_of(text);
            g->width[c] = width > g->width[c] ? width : g->width[c];
        }
    }
}

/* Whether labels fit beside the rows of a page. */
static void measure_labels(grid *g, size_t page)
{
    size_t width = 2;
    for (size_t k = 0; k < g->part->keys; k++)
        width += 1 + g->key_width[k];
    for (size_t c = 0; c < g->count; c++)
        width += 2 + g->width[c];
    for (size_t i = 0; i < g->rows; i++) {
        const size_t label = width_of(g->part->row[i].label);
        g->label_width = label > g->label_width ? label : g->label_width;
    }
    g->labels = g->label_width > 0 && width + g->label_width <= page;
}

static void add_titles(const grid *g, clh_strbuf *out)
{
    char name[32];
    clh_strbuf_adds(out, " ");
    for (size_t k = 0; k < g->part->keys; k++) {
        const bool whole = clh_schema_key(g->part->schema, k, name);
        clh_strbuf_adds(out, " ");
        add_padded(out, name, g->key_width[k], !whole);
    }
    for (size_t c = 0; c < g->count; c++) {
        const clh_field *field = &g->part->schema->fields[g->column[c]];
        clh_strbuf_adds(out, "  ");
        add_padded(out, field->name, g->width[c], field->flags & CLH_TEXT);
    }
    clh_strbuf_adds(out, "\n");
}

static void add_table_row(const grid *g, size_t i, clh_strbuf *out)
{
    const clh_table_row *row = &g->part->row[i];
    char text[256], name[32];
    clh_strbuf_adds(out, " ");
    for (size_t k = 0; k < g->part->keys; k++) {
        const bool whole = clh_schema_key(g->part->schema, k, name);
        clh_strbuf_adds(out, " ");
        add_padded(out, row->key[k], g->key_width[k], !whole);
    }
    for (size_t c = 0; c < g->count && !row->absent; c++) {
        cell_text(text, sizeof text, g, i, c);
        clh_strbuf_adds(out, "  ");
        add_padded(out, text, g->width[c], g->part->schema->fields[g->column[c]].flags & CLH_TEXT);
    }
    if (row->absent)
        clh_strbuf_addf(out, "  left out: %s", row->absent);
    else if (row->label && g->labels)
        clh_strbuf_addf(out, "  %s", row->label);
    while (out->length > 0 && !out->failed && out->data[out->length - 1] == ' ')
        out->data[--out->length] = '\0';
    clh_strbuf_adds(out, "\n");
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
        add_wrapped(out, clh_strbuf_view(&line), 6 + strlen(field->name), 6, page_width(show));
        out->failed = out->failed || line.failed;
        clh_strbuf_deinit(&line);
    }
}

static void add_row_legend(const grid *g, const clh_show *show, clh_strbuf *out)
{
    for (size_t i = 0; i < g->rows && g->label_width > 0 && !g->labels; i++)
        if (g->part->row[i].label) {
            clh_strbuf_adds(out, "    ");
            add_padded(out, g->part->row[i].key[g->part->keys - 1], g->key_width[g->part->keys - 1],
                       true);
            clh_strbuf_adds(out, "  ");
            add_wrapped(out, g->part->row[i].label, 6 + g->key_width[g->part->keys - 1],
                        6 + g->key_width[g->part->keys - 1], page_width(show));
        }
}

static void add_table(const clh_part *part, const clh_show *show, clh_strbuf *out)
{
    grid g = {.part = part, .rows = part->rows};
    for (size_t i = 0; i < part->fields && g.count < COLUMNS_MAX; i++)
        if (show->full || !(part->schema->fields[i].flags & CLH_DETAIL))
            g.column[g.count++] = i;
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
    if (!show->full && !show->part && g.rows > ROWS_BRIEF)
        g.rows = ROWS_BRIEF;
    measure(&g);
    measure_labels(&g, page_width(show));
    if (show->full)
        add_legend(&g, show, out);
    add_titles(&g, out);
    for (size_t i = 0; i < g.rows; i++) {
        if (part->row[i].heading)
            clh_strbuf_addf(out, "  %s\n", part->row[i].heading);
        add_table_row(&g, i, out);
    }
    if (g.rows < part->rows)
        clh_strbuf_addf(out, "  ... and %zu rows more: --full\n", part->rows - g.rows);
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
        const size_t width = width_of(part->schema->fields[g.column[c]].name);
        g.width[c] = width > LEAST ? width : LEAST;
    }
    if (row == 0)
        add_titles(&g, out);
    add_table_row(&g, row, out);
}

/* ---- Arrays, notes -----------------------------------------------------------------------------
 */

static void add_arrays(const clh_result *r, const clh_show *show, clh_strbuf *out)
{
    enum { BRIEF = 12 };
    size_t count = 0;
    for (size_t i = 0; i < r->items; i++) {
        const clh_result_item *item = &r->item[i];
        if (!shown(show, item->view.name) && !shown(show, item->schema->name))
            continue;
        if (!show->full && count == BRIEF) {
            clh_strbuf_addf(out, "  ... of %zu arrays: --full\n", r->items);
            return;
        }
        clh_strbuf_addf(out, "%s  %s [", count++ ? "" : "\narrays (--out FILE writes them)\n",
                        item->view.name);
        for (size_t d = 0; d < item->view.rank; d++)
            clh_strbuf_addf(out, "%s%s %zu", d ? ", " : "",
                            item->axis[d].name ? item->axis[d].name : "", item->view.shape[d]);
        clh_strbuf_addf(out, "]%s%s%s\n", item->schema->unit ? ", " : "",
                        item->schema->unit ? item->schema->unit : "", "");
    }
}

static clh_status to_text(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    bool more = false;
    add_head(r, out);
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < r->parts; i++) {
            static const clh_part_kind order[] = {CLH_PART_VERDICTS, CLH_PART_NUMBERS,
                                                  CLH_PART_TABLE};
            const clh_part *part = &r->part[i];
            if (part->schema->kind != order[pass] || !shown(show, part->schema->name))
                continue;
            if (part->schema->flags & CLH_DETAIL && !show->full && !show->part)
                more = true;
            else if (pass == 0)
                add_verdicts(part, show, out);
            else if (pass == 1)
                add_numbers(part, show, out);
            else
                add_table(part, show, out);
        }
    add_arrays(r, show, out);
    for (size_t i = 0; i < r->note_count && !show->part; i++) {
        clh_strbuf_adds(out, i ? "" : "\n");
        add_wrapped(out, r->notes[i], 0, 2, page_width(show));
    }
    if (more)
        clh_strbuf_adds(out, "\n--full shows every table, number and formula.\n");
    return clh_strbuf_check(out, err);
}

const clh_format clh_format_text = {.name = "text",
                                    .endings = ".txt",
                                    .summary = "for people: the answer first, details with --full",
                                    .text = to_text};
