/* A table whose rows are texts that belong below each other, as lines that end at the same places:
 *
 *    expected:  > abc acb bac
 *    predicted: > abc abc bac
 *                      ^^
 */
#include <stdint.h>
#include <string.h>

#include "report/text_parts.h"

enum { LINES_MAX = 16, LEAST = 20 };

/* The text columns of a row that there are. */
typedef struct lines {
    const char *title[LINES_MAX], *text[LINES_MAX];
    bool marks[LINES_MAX];
    size_t count, margin;
    size_t longest; /**< which of them */
} lines;

static lines lines_of(const clh_part *part, const clh_table_row *row, const clh_show *show)
{
    lines l = {0};
    for (size_t i = 0; i < part->fields && l.count < LINES_MAX; i++) {
        const clh_field *field = &part->schema->fields[i];
        const bool hidden = field->flags & CLH_DETAIL && !show->full;
        if (!(field->flags & CLH_TEXT) || hidden || !row->cell[i].text)
            continue;
        l.title[l.count] = field->name;
        l.text[l.count] = row->cell[i].text;
        l.marks[l.count] = field->flags & CLH_MARKS;
        if (clh_text_width(l.text[l.count]) > clh_text_width(l.text[l.longest]))
            l.longest = l.count;
        l.count++;
        if (!(field->flags & CLH_MARKS) && clh_text_width(field->name) > l.margin)
            l.margin = clh_text_width(field->name);
    }
    return l;
}

/* Past `count` characters of UTF-8, or the end. */
static const char *past(const char *text, size_t count)
{
    while (count > 0 && *text) {
        text++;
        while (((unsigned char)*text & 0xC0) == 0x80)
            text++;
        count--;
    }
    return text;
}

/* Where a line from `from` ends: behind the last blank of the longest text that fits, so that its words
 * stay whole. */
static size_t line_end(const lines *l, size_t from, size_t length, size_t columns)
{
    if (length - from <= columns)
        return length;
    for (size_t end = from + columns; end > from + columns / 2; end--)
        if (*past(l->text[l->longest], end - 1) == ' ')
            return end;
    return from + columns;
}

static bool is_blank(const char *text, size_t bytes)
{
    return strspn(text, " ") >= bytes;
}

/* The characters from `from` to `to` of line `i`, in colour where the marks below it say so. */
static void add_stretch(const lines *l, size_t i, size_t from, size_t to, bool colour,
                        clh_strbuf *out)
{
    const bool marked = colour && i + 1 < l->count && l->marks[i + 1];
    const char *at = past(l->text[i], from), *end = past(at, to - from);
    const char *mark = marked ? past(l->text[i + 1], from) : "";
    while (at < end) {
        const char *next = past(at, 1);
        const bool red = *mark && *mark != ' ';
        clh_strbuf_adds(out, red ? "\033[41;97m" : "");
        clh_text_add(out, at, (size_t)(next - at));
        clh_strbuf_adds(out, red ? "\033[0m" : "");
        mark = past(mark, 1);
        at = next;
    }
}

static void add_row(const lines *l, const clh_show *show, clh_strbuf *out)
{
    const size_t before = 4 + l->margin + 2, page = clh_text_page(show);
    const size_t columns = page > before + LEAST ? page - before : LEAST;
    size_t length = 0;
    for (size_t i = 0; i < l->count; i++)
        length = clh_text_width(l->text[i]) > length ? clh_text_width(l->text[i]) : length;
    for (size_t from = 0, to; from < length; from = to) {
        to = line_end(l, from, length, columns);
        for (size_t i = 0; i < l->count; i++) {
            const char *at = past(l->text[i], from);
            const size_t bytes = (size_t)(past(at, to - from) - at);
            if (bytes == 0 || (l->marks[i] && is_blank(at, bytes)))
                continue;
            const char *title = l->marks[i] ? "" : l->title[i], *colon = l->marks[i] ? " " : ":";
            clh_strbuf_addf(out, "    %s%s%*s", title, colon,
                            (int)(l->margin - clh_text_width(title) + 1), "");
            add_stretch(l, i, from, to, show->colour != CLH_COLOUR_NONE, out);
            while (out->length > 0 && !out->failed && out->data[out->length - 1] == ' ')
                out->data[--out->length] = '\0';
            clh_strbuf_adds(out, "\n");
        }
    }
}

/* What each row is: its keys, and in words. */
static void add_head(const clh_part *part, const clh_table_row *row, clh_strbuf *out)
{
    char name[32];
    for (size_t k = 0; k < part->keys; k++) {
        (void)clh_schema_key(part->schema, k, name);
        clh_strbuf_addf(out, "%s%s %s", k ? ", " : "  ", name, row->key[k]);
    }
    clh_strbuf_adds(out, row->label ? ": " : "");
    clh_text_add(out, row->label ? row->label : "", SIZE_MAX);
    clh_strbuf_adds(out, "\n");
}

static void add_absent(const clh_table_row *row, clh_strbuf *out)
{
    clh_strbuf_adds(out, "    left out: ");
    clh_text_add(out, row->absent, SIZE_MAX);
    clh_strbuf_adds(out, "\n");
}

void clh_text_lines(const clh_part *part, size_t rows, const clh_show *show, clh_strbuf *out)
{
    for (size_t i = 0; i < rows; i++) {
        const clh_table_row *row = &part->row[i];
        const lines l = lines_of(part, row, show);
        add_head(part, row, out);
        if (row->absent)
            add_absent(row, out);
        else
            add_row(&l, show, out);
    }
}
