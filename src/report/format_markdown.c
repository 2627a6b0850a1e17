/* A result as Markdown: tables as GitHub shows them, ready to paste. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/shown.h"

/* Text inside a cell: what Markdown or a table would take for its own is escaped. Underscores inside
 * words mean nothing to it, and most of ours are. */
static void add_text(clh_strbuf *out, const char *text)
{
    char before = ' ';
    for (; text && *text; before = *text++) {
        const bool edge = before == ' ' || text[1] == ' ' || !text[1];
        if (*text == '\n' || *text == '\r')
            clh_strbuf_adds(out, " ");
        else if (*text == '<')
            clh_strbuf_adds(out, "&lt;");
        else if (strchr("\\|*`[]", *text) || (*text == '_' && edge))
            clh_strbuf_addf(out, "\\%c", *text);
        else
            clh_strbuf_add(out, text, 1);
    }
}

static void add_cell(clh_strbuf *out, const char *text)
{
    clh_strbuf_adds(out, " ");
    add_text(out, text);
    clh_strbuf_adds(out, " |");
}

/* "0.0010 [0.0009, 0.0011]" */
static void add_value(clh_strbuf *out, const clh_field *field, const clh_cell *cell)
{
    char text[CLH_NUMBER_TEXT];
    const clh_value *v = &cell->value;
    const bool small = field->flags & CLH_LOG;
    if (field->flags & CLH_TEXT) {
        add_cell(out, cell->text);
        return;
    }
    clh_strbuf_addf(out, " %s", clh_number_text(text, v->value, field->decimals, small));
    if (field->band && !isnan(v->low)) {
        clh_strbuf_addf(out, " [%s, ", clh_number_text(text, v->low, field->decimals, small));
        clh_strbuf_addf(out, "%s]", clh_number_text(text, v->high, field->decimals, small));
    }
    clh_strbuf_adds(out, " |");
}

/* ---- Verdicts and numbers ---- */

static void add_verdicts(const clh_part *part, clh_strbuf *out)
{
    clh_strbuf_adds(out, "\n");
    for (size_t i = 0; i < part->fields; i++) {
        clh_strbuf_adds(out, "- ");
        add_text(out, part->schema->fields[i].meaning);
        clh_strbuf_adds(out, " **");
        add_text(out, part->cell[i].text ? part->cell[i].text : "no answer");
        clh_strbuf_adds(out, "**");
        if (part->note[i]) {
            clh_strbuf_adds(out, " (");
            add_text(out, part->note[i]);
            clh_strbuf_adds(out, ")");
        }
        clh_strbuf_adds(out, "\n");
    }
}

/* Numbers of all parts stand in one table; `shown` counts its rows. */
static void add_numbers(const clh_part *part, const clh_show *show, size_t *shown, clh_strbuf *out)
{
    for (size_t i = 0; i < part->fields; i++) {
        const clh_field *field = &part->schema->fields[i];
        if (!clh_shows_number(part, i, show))
            continue;
        if ((*shown)++ == 0)
            clh_strbuf_adds(out, "\n| number | value | unit | what it is |\n|---|---:|---|---|\n");
        clh_strbuf_adds(out, "|");
        add_cell(out, field->name);
        add_value(out, field, &part->cell[i]);
        add_cell(out, field->unit);
        if (part->note[i]) {
            clh_strbuf_adds(out, " absent:");
            add_cell(out, part->note[i]);
        } else {
            add_cell(out, field->meaning);
        }
        clh_strbuf_adds(out, "\n");
    }
}

/* ---- Tables ---- */

static bool shows_column(const clh_part *part, size_t field, const clh_show *show)
{
    return show->full || !(part->schema->fields[field].flags & CLH_DETAIL);
}

static void add_titles(const clh_part *part, bool labels, const clh_show *show, clh_strbuf *out)
{
    clh_strbuf rule = {0};
    char name[32];
    clh_strbuf_adds(out, "|");
    clh_strbuf_adds(&rule, "|");
    for (size_t k = 0; k < part->keys; k++) {
        const bool whole = clh_schema_key(part->schema, k, name);
        add_cell(out, name);
        clh_strbuf_adds(&rule, whole ? "---:|" : "---|");
    }
    for (size_t i = 0; i < part->fields; i++)
        if (shows_column(part, i, show)) {
            add_cell(out, part->schema->fields[i].name);
            clh_strbuf_adds(&rule, part->schema->fields[i].flags & CLH_TEXT ? "---|" : "---:|");
        }
    clh_strbuf_addf(out, "%s\n%s%s\n", labels ? " what it is |" : "", clh_strbuf_view(&rule),
                    labels ? "---|" : "");
    out->failed = out->failed || rule.failed;
    clh_strbuf_deinit(&rule);
}

static void add_row(const clh_part *part, const clh_table_row *row, bool labels,
                    const clh_show *show, clh_strbuf *out)
{
    clh_strbuf_adds(out, "|");
    for (size_t k = 0; k < part->keys; k++)
        add_cell(out, row->key[k]);
    for (size_t i = 0; i < part->fields; i++) {
        if (!shows_column(part, i, show))
            continue;
        const clh_field field = clh_row_field(row, &part->schema->fields[i]);
        if (row->absent)
            add_cell(out, "");
        else
            add_value(out, &field, &row->cell[i]);
    }
    if (labels && row->absent)
        clh_strbuf_adds(out, " left out:");
    if (labels)
        add_cell(out, row->absent ? row->absent : row->label);
    clh_strbuf_adds(out, "\n");
}

/* A table ends with an empty line, so one with headings is several tables. */
static void add_table(const clh_part *part, const clh_show *show, clh_strbuf *out)
{
    bool labels = false;
    if (part->rows == 0 && !part->absent)
        return;
    clh_strbuf_adds(out, "\n**");
    add_text(out, part->schema->name);
    clh_strbuf_adds(out, "**");
    if (part->schema->meaning) {
        clh_strbuf_adds(out, ": ");
        add_text(out, part->schema->meaning);
    }
    if (part->absent) {
        clh_strbuf_adds(out, "; none: ");
        add_text(out, part->absent);
    }
    clh_strbuf_adds(out, part->absent ? "\n" : "\n\n");
    for (size_t n = 0; n < part->rows; n++)
        labels = labels || part->row[n].label || part->row[n].absent;
    for (size_t n = 0; n < part->rows && !part->absent; n++) {
        const clh_table_row *row = &part->row[n];
        if (row->heading) {
            clh_strbuf_adds(out, n ? "\n*" : "*");
            add_text(out, row->heading);
            clh_strbuf_adds(out, "*\n\n");
        }
        if (n == 0 || row->heading)
            add_titles(part, labels, show, out);
        add_row(part, row, labels, show, out);
    }
}

/* ---- Arrays, the whole ---- */

static void add_arrays(const clh_result *r, const clh_show *show, clh_strbuf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < r->items; i++) {
        const clh_result_item *item = &r->item[i];
        if (!clh_shows_item(show, item))
            continue;
        if (count++ == 0)
            clh_strbuf_adds(out, "\n| array | axes | unit |\n|---|---|---|\n");
        clh_strbuf_adds(out, "|");
        add_cell(out, item->view.name);
        clh_strbuf_adds(out, " ");
        for (size_t d = 0; d < item->view.rank; d++) {
            add_text(out, d ? ", " : "");
            add_text(out, item->axis[d].name);
            clh_strbuf_addf(out, " %zu", item->view.shape[d]);
        }
        clh_strbuf_adds(out, " |");
        add_cell(out, item->schema->unit);
        clh_strbuf_adds(out, "\n");
    }
}

static clh_status to_markdown(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    clh_strbuf head = {0};
    const clh_part *part;
    size_t numbers = 0;
    clh_shown_head(r, true, &head);
    clh_strbuf_adds(out, "### ");
    add_text(out, clh_strbuf_view(&head));
    clh_strbuf_adds(out, "\n");
    for (size_t at = 0; (part = clh_shown_part(r, show, &at));) {
        if (part->schema->flags & CLH_DETAIL && !show->full && !show->part)
            continue;
        if (part->schema->kind == CLH_PART_VERDICTS)
            add_verdicts(part, out);
        else if (part->schema->kind == CLH_PART_NUMBERS)
            add_numbers(part, show, &numbers, out);
        else
            add_table(part, show, out);
    }
    add_arrays(r, show, out);
    for (size_t i = 0; i < r->note_count && !show->part; i++) {
        clh_strbuf_adds(out, "\n");
        add_text(out, r->notes[i]);
        clh_strbuf_adds(out, "\n");
    }
    clh_status status = clh_strbuf_check(&head, err);
    clh_strbuf_deinit(&head);
    return status ? status : clh_strbuf_check(out, err);
}

const clh_format clh_format_markdown = {"markdown", .endings = ".md",
                                        .summary = "Markdown: tables ready to paste",
                                        .text = to_markdown};
