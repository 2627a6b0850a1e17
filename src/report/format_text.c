/* A result as text for people: the answer and the headline numbers first, details in full. */
#include "report/draw/draw.h"
#include "report/shown.h"
#include "report/text_parts.h"

/* ---- Verdicts ---- */

static void add_verdicts(const clh_part *part, const clh_show *show, clh_strbuf *out)
{
    for (size_t i = 0; i < part->fields; i++) {
        const clh_field *field = &part->schema->fields[i];
        const char *answer = part->cell[i].text;
        clh_strbuf_addf(out, "\n%s\n  %s\n", field->meaning, answer ? answer : "no answer");
        if (!part->note[i])
            continue;
        clh_strbuf_adds(out, "  ");
        clh_text_wrapped(out, part->note[i], 2, 2, clh_text_page(show));
        if (show->full && field->formula) {
            clh_strbuf_adds(out, "  rule: ");
            clh_text_wrapped(out, field->formula, 8, 8, clh_text_page(show));
        }
    }
}

/* ---- Numbers ---- */

static void add_number(const clh_part *part, size_t i, size_t name, size_t value,
                       const clh_show *show, clh_strbuf *out)
{
    const clh_field *field = &part->schema->fields[i];
    char text[3 * CLH_NUMBER_TEXT + 8];
    clh_text_value(text, sizeof text, field, &part->cell[i], true);
    clh_strbuf_adds(out, "  ");
    clh_text_padded(out, field->name, name, true);
    clh_strbuf_adds(out, "  ");
    clh_text_padded(out, text, value, true);
    clh_strbuf_adds(out, "  ");
    const char *why = part->note[i];
    clh_strbuf what = {0};
    clh_strbuf_addf(&what, "%s%s%s%s", why ? "absent: " : "",
                    why           ? why
                    : field->unit ? field->unit
                                  : "",
                    why || !field->unit || !field->meaning ? "" : "; ",
                    why || !field->meaning ? "" : field->meaning);
    if (show->full && !why && field->formula)
        clh_strbuf_addf(&what, ": %s", field->formula);
    clh_text_wrapped(out, clh_strbuf_view(&what), 6 + name + value, 6 + name + value,
                     clh_text_page(show) > 60 + name + value ? clh_text_page(show)
                                                             : 60 + name + value);
    out->failed = out->failed || what.failed;
    clh_strbuf_deinit(&what);
}

/* Names and values of all numbers stand in two columns. */
static void measure_numbers(const clh_result *r, const clh_show *show, size_t *name, size_t *value)
{
    char text[3 * CLH_NUMBER_TEXT + 8];
    for (size_t p = 0; p < r->parts; p++) {
        const clh_part *part = &r->part[p];
        for (size_t i = 0; part->schema->kind == CLH_PART_NUMBERS && i < part->fields; i++) {
            const clh_field *field = &part->schema->fields[i];
            if (!clh_shows_number(part, i, show))
                continue;
            clh_text_value(text, sizeof text, field, &part->cell[i], true);
            *name = clh_text_width(field->name) > *name ? clh_text_width(field->name) : *name;
            *value = clh_text_width(text) > *value ? clh_text_width(text) : *value;
        }
    }
}

static void add_numbers(const clh_result *r, const clh_part *part, const clh_show *show,
                        clh_strbuf *out)
{
    size_t name = 0, value = 0;
    measure_numbers(r, show, &name, &value);
    for (size_t i = 0; i < part->fields; i++)
        if (clh_shows_number(part, i, show))
            add_number(part, i, name, value, show, out);
}

/* ---- Arrays, notes ---- */

/* "F32 [query_pos 122, key_pos 122], logit, 59.5 kB" */
static void add_array(const clh_result_item *item, size_t width, clh_strbuf *out)
{
    char bytes[24];
    clh_strbuf_adds(out, "  ");
    clh_text_padded(out, item->view.name, width, true);
    clh_strbuf_addf(out, "  %s [", clh_dtype_name(item->view.dtype));
    for (size_t d = 0; d < item->view.rank; d++)
        clh_strbuf_addf(out, "%s%s %zu", d ? ", " : "",
                        item->axis[d].name ? item->axis[d].name : "", item->view.shape[d]);
    clh_strbuf_addf(out, "]%s%s, %s\n", item->schema->unit ? ", " : "",
                    item->schema->unit ? item->schema->unit : "",
                    clh_bytes_text(clh_array_bytes(&item->view), bytes));
}

/* How many arrays are shown, the first of them, and the longest name among the first `most`. */
static size_t count_arrays(const clh_result *r, const clh_show *show, size_t most,
                           const char **first, size_t *width)
{
    size_t count = 0;
    for (size_t i = 0; i < r->items; i++) {
        const clh_result_item *item = &r->item[i];
        const size_t own = clh_text_width(item->view.name);
        if (!clh_shows_item(show, item))
            continue;
        if (count++ == 0)
            *first = item->view.name;
        *width = own > *width && count <= most ? own : *width;
    }
    return count;
}

/* Few arrays are listed, and many where there are no tables to read first. */
static void add_arrays(const clh_result *r, const clh_show *show, clh_strbuf *out)
{
    enum { FEW = 8, MANY = 40 };
    const char *first = NULL;
    size_t most = show->full || show->part ? SIZE_MAX : MANY, width = 0, listed = 0, rows = 0;
    for (size_t i = 0; i < r->parts; i++)
        rows += r->part[i].rows;
    const size_t all = count_arrays(r, show, most, &first, &width);
    if (all == 0)
        return;
    if (most == MANY && rows > 0 && all > FEW) {
        clh_strbuf_addf(out,
                        "\n%zu arrays, such as %s: --full lists them, --out FILE writes them\n",
                        all, first);
        return;
    }
    clh_strbuf_adds(out, "\narrays (--out FILE writes them)\n");
    for (size_t i = 0; i < r->items && listed < most; i++)
        if (clh_shows_item(show, &r->item[i])) {
            add_array(&r->item[i], width, out);
            listed++;
        }
    if (listed < all)
        clh_strbuf_addf(out, "  ... and %zu more: --full\n", all - listed);
}

/* The text that stands for the whole result; NULL: none. */
static const char *whole_text(const clh_result *r, const clh_show *show)
{
    for (size_t p = 0; p < r->parts && !show->full && !show->part; p++)
        for (size_t i = 0; i < r->part[p].fields; i++)
            if (r->part[p].schema->kind == CLH_PART_NUMBERS &&
                r->part[p].schema->fields[i].flags & CLH_WHOLE)
                return r->part[p].cell[i].text;
    return NULL;
}

static clh_status to_text(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    const clh_part *part;
    bool more = false;
    const char *whole = whole_text(r, show);
    if (whole) {
        clh_strbuf_adds(out, whole);
        return clh_strbuf_check(out, err);
    }
    clh_shown_head(r, true, out);
    clh_strbuf_adds(out, "\n");
    for (size_t at = 0; (part = clh_shown_part(r, show, &at));) {
        if (part->schema->flags & CLH_DETAIL && !show->full && !show->part)
            more = true;
        else if (part->schema->kind == CLH_PART_VERDICTS)
            add_verdicts(part, show, out);
        else if (part->schema->kind == CLH_PART_NUMBERS)
            add_numbers(r, part, show, out);
        else
            clh_text_table(part, show, out);
    }
    add_arrays(r, show, out);
    clh_status status = clh_draw_headlines(r, show, out, err);
    for (size_t i = 0; i < r->note_count && !show->part; i++) {
        clh_strbuf_adds(out, i ? "" : "\n");
        clh_text_wrapped(out, r->notes[i], 0, 2, clh_text_page(show));
    }
    if (more)
        clh_strbuf_adds(out, "\n--full shows every table, number and formula.\n");
    return status ? status : clh_strbuf_check(out, err);
}

const clh_format clh_format_text = {"text", .endings = ".txt",
                                    .summary = "for people: the answer first, details with --full",
                                    .text = to_text};
