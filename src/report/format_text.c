/* A result as text for people: the answer and the headline numbers first, details in full. */
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "report/number.h"
#include "report/text_parts.h"

static bool shown(const clh_show *show, const char *name)
{
    return !show->part || strcmp(show->part, name) == 0;
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
        clh_text_wrapped(out, part->note[i], 2, 2, clh_text_page(show));
        if (show->full && field->formula) {
            clh_strbuf_adds(out, "  rule: ");
            clh_text_wrapped(out, field->formula, 8, 8, clh_text_page(show));
        }
    }
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

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
    clh_text_value(text, sizeof text, field, &part->cell[i], true);
    clh_strbuf_adds(out, "  ");
    clh_text_padded(out, field->name, name, true);
    clh_strbuf_adds(out, "  ");
    clh_text_padded(out, text, value, true);
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
    clh_text_wrapped(out, clh_strbuf_view(&text_of_it), 6 + name + value, 6 + name + value,
                     clh_text_page(show) > 60 + name + value ? clh_text_page(show)
                                                             : 60 + name + value);
    out->failed = out->failed || text_of_it.failed;
    clh_strbuf_deinit(&text_of_it);
}

/* Names and values of all numbers stand in two columns. */
static void measure_numbers(const clh_result *r, const clh_show *show, size_t *name, size_t *value)
{
    char text[3 * CLH_NUMBER_TEXT + 8];
    for (size_t p = 0; p < r->parts; p++) {
        const clh_part *part = &r->part[p];
        for (size_t i = 0; part->schema->kind == CLH_PART_NUMBERS && i < part->fields; i++) {
            const clh_field *field = &part->schema->fields[i];
            if (!is_shown(part, i, show))
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
        if (is_shown(part, i, show))
            add_number(part, i, name, value, show, out);
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
                add_numbers(r, part, show, out);
            else
                clh_text_table(part, show, out);
        }
    add_arrays(r, show, out);
    for (size_t i = 0; i < r->note_count && !show->part; i++) {
        clh_strbuf_adds(out, i ? "" : "\n");
        clh_text_wrapped(out, r->notes[i], 0, 2, clh_text_page(show));
    }
    if (more)
        clh_strbuf_adds(out, "\n--full shows every table, number and formula.\n");
    return clh_strbuf_check(out, err);
}

const clh_format clh_format_text = {.name = "text",
                                    .endings = ".txt",
                                    .summary = "for people: the answer first, details with --full",
                                    .text = to_text};
