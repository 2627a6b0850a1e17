/* A result as JSON: one envelope for every question. docs/formats.md, "Results". */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "report/shown.h"
#include "result/element.h"
#include "result/finite.h"

enum { INLINE_MAX = 10000 }; /* numbers of an array that are written out unasked */

/* What stands before it, `"name": `, then a text or a number, null for none. */
static void add_text(clh_strbuf *out, const char *before, const char *text)
{
    clh_strbuf_adds(out, before);
    if (text)
        clh_strbuf_add_json(out, text);
    else
        clh_strbuf_adds(out, "null");
}

static void add_number(clh_strbuf *out, const char *before, double value)
{
    clh_strbuf_adds(out, before);
    clh_number_add(out, value, "null");
}

static void add_texts(clh_strbuf *out, const char *before, const char *const *text, size_t count)
{
    clh_strbuf_adds(out, before);
    clh_strbuf_adds(out, "[");
    for (size_t i = 0; i < count; i++)
        add_text(out, i ? ", " : "", text[i]);
    clh_strbuf_adds(out, "]");
}

/* What was asked of what. "run" and "step" are always there. */
static void add_stamps(const clh_result *r, clh_strbuf *out)
{
    static const char *const whole[] = {"step", "seed", "settings", "against_step"};
    const char *step = clh_result_text(r, "step");
    add_text(out, "\"question\": ", r->question);
    add_text(out, ", \"run\": ", clh_result_text(r, "run"));
    clh_strbuf_addf(out, ", \"step\": %s", step ? step : "null");
    for (size_t i = 0; i < r->stamps; i++) {
        const clh_stamp *s = &r->stamp[i];
        bool raw = false;
        if (strcmp(s->name, "run") == 0 || strcmp(s->name, "step") == 0)
            continue;
        for (size_t w = 0; w < CLH_COUNT(whole); w++)
            raw = raw || strcmp(s->name, whole[w]) == 0;
        clh_strbuf_addf(out, ", \"%s\": ", s->name);
        (raw ? clh_strbuf_adds : clh_strbuf_add_json)(out, s->text);
    }
}

static void add_value(const clh_field *field, const clh_cell *cell, clh_strbuf *out)
{
    if (field->flags & CLH_TEXT) {
        add_text(out, "", cell->text);
        return;
    }
    add_number(out, field->band ? "{\"value\": " : "", cell->value.value);
    if (!field->band)
        return;
    add_number(out, ", \"low\": ", cell->value.low);
    add_number(out, ", \"high\": ", cell->value.high);
    clh_strbuf_adds(out, "}");
}

static void add_one(const clh_part *part, size_t i, clh_strbuf *out)
{
    const clh_field *field = &part->schema->fields[i];
    const clh_cell *cell = &part->cell[i];
    add_text(out, "", field->name);
    if (field->flags & CLH_TEXT)
        add_text(out, ": {\"value\": ", cell->text);
    else
        add_number(out, ": {\"value\": ", cell->value.value);
    add_number(out, ", \"low\": ", cell->value.low);
    add_number(out, ", \"high\": ", cell->value.high);
    add_text(out, ", \"unit\": ", field->unit);
    if (part->note[i] || part->absent)
        add_text(out, ", \"absent\": ", part->note[i] ? part->note[i] : part->absent);
    else if (!(field->flags & CLH_TEXT) && isinf(cell->value.value))
        add_text(out,
                 ", \"absent\": ", cell->value.value < 0 ? "not finite: -inf" : "not finite: inf");
    clh_strbuf_adds(out, "}");
}

static void add_row(const clh_part *part, const clh_table_row *row, clh_strbuf *out)
{
    for (size_t k = 0; k < part->keys; k++) {
        char name[32];
        const bool whole = clh_schema_key(part->schema, k, name);
        clh_strbuf_addf(out, "%s\"%s\": ", k ? ", " : "{", name);
        (whole ? clh_strbuf_adds : clh_strbuf_add_json)(out, whole && !*row->key[k] ? "null"
                                                                                    : row->key[k]);
    }
    clh_strbuf_adds(out, part->keys ? "" : "{");
    const char *const extra[][2] = {{"label", row->label},
                                    {"heading", row->heading},
                                    {"absent", row->absent},
                                    {"unit", row->of ? row->of->unit : NULL}};
    bool comma = part->keys > 0;
    for (size_t i = 0; i < CLH_COUNT(extra); i++)
        if (extra[i][1]) {
            clh_strbuf_addf(out, "%s\"%s\": ", comma ? ", " : "", extra[i][0]);
            clh_strbuf_add_json(out, extra[i][1]);
            comma = true;
        }
    for (size_t i = 0; i < part->fields; i++) {
        add_text(out, comma ? ", " : "", part->schema->fields[i].name);
        clh_strbuf_adds(out, ": ");
        add_value(&part->schema->fields[i], &row->cell[i], out);
        comma = true;
    }
    clh_strbuf_adds(out, "}");
}

static void add_verdict(const clh_part *part, size_t i, clh_strbuf *out)
{
    const clh_field *field = &part->schema->fields[i];
    add_text(out, "", field->name);
    add_text(out, ": {\"question\": ", field->meaning);
    add_text(out, ", \"answer\": ", part->cell[i].text);
    add_text(out, ", \"by\": ", part->note[i]);
    clh_strbuf_adds(out, "}");
}

/* Every part of one kind as an object of its names. */
static void add_parts(const clh_result *r, clh_part_kind kind, const clh_show *show,
                      clh_strbuf *out)
{
    size_t count = 0;
    clh_strbuf_adds(out, "{");
    for (size_t p = 0; p < r->parts; p++) {
        const clh_part *part = &r->part[p];
        if (part->schema->kind != kind || !clh_shows(show, part->schema->name))
            continue;
        for (size_t i = 0; kind != CLH_PART_TABLE && i < part->fields; i++) {
            clh_strbuf_adds(out, count++ ? ", " : "");
            (kind == CLH_PART_NUMBERS ? add_one : add_verdict)(part, i, out);
        }
        if (kind != CLH_PART_TABLE)
            continue;
        add_text(out, count++ ? ", " : "", part->schema->name);
        clh_strbuf_adds(out, ": [");
        for (size_t i = 0; i < part->rows; i++) {
            clh_strbuf_adds(out, i ? ", " : "");
            add_row(part, &part->row[i], out);
        }
        clh_strbuf_adds(out, "]");
    }
    clh_strbuf_adds(out, "}");
}

/* ---- Arrays ---- */

/* Numbers as nested lists: the index counts up as an odometer does, and lists open and close where
 * its last places turn. */
static void add_numbers(const clh_array *a, clh_strbuf *out)
{
    const size_t count = clh_array_count(a);
    size_t index[CLH_RANK_MAX] = {0}, opened = a->rank;
    for (size_t i = 0; i < count; i++) {
        for (size_t d = 0; d < opened; d++)
            clh_strbuf_adds(out, "[");
        add_number(out, "", clh_array_at(a, index));
        opened = clh_array_step(a, index);
        for (size_t d = 0; d < opened; d++)
            clh_strbuf_adds(out, "]");
        clh_strbuf_adds(out, i + 1 < count ? ", " : "");
    }
    clh_strbuf_adds(out, count == 0 ? "[]" : "");
}

static void add_axis(const clh_result_axis *axis, size_t length, clh_strbuf *out)
{
    add_text(out, "{\"name\": ", axis->name);
    clh_strbuf_addf(out, ", \"length\": %zu", length);
    if (axis->label)
        add_texts(out, ", \"labels\": ", axis->label, length);
    clh_strbuf_adds(out, "}");
}

/* What is asked for by name or in full is written out, and of the rest what is small and no detail;
 * of others what they are, for --out writes their numbers. */
static bool is_inline(const clh_result_item *item, const clh_show *show)
{
    const bool asked = show->full || (show->part && strcmp(show->part, item->view.name) == 0);
    return asked ||
           (!(item->schema->flags & CLH_DETAIL) && clh_array_count(&item->view) <= INLINE_MAX);
}

static clh_status add_array(clh_result *r, clh_result_item *item, const clh_show *show,
                            clh_strbuf *out, clh_error *err)
{
    clh_array view = item->view;
    const bool written = is_inline(item, show);
    clh_status status = written ? clh_finite_view(&view, r, item, err) : CLH_OK;
    add_text(out, "", item->view.name);
    clh_strbuf_addf(out, ": {\"dtype\": \"%s\"", clh_dtype_name(view.dtype));
    add_text(out, ", \"unit\": ", item->schema->unit);
    clh_strbuf_adds(out, ", \"axes\": [");
    for (size_t d = 0; d < view.rank; d++) {
        clh_strbuf_adds(out, d ? ", " : "");
        add_axis(&item->axis[d], view.shape[d], out);
    }
    clh_strbuf_addf(out, "], \"bytes\": %zu, \"values\": ", clh_array_bytes(&view));
    if (!status && written)
        add_numbers(&view, out);
    else
        clh_strbuf_adds(out, "null");
    clh_strbuf_adds(out, "}");
    return status;
}

static clh_status add_arrays(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    clh_status status = CLH_OK;
    size_t count = 0;
    clh_strbuf_adds(out, "{");
    for (size_t i = 0; i < r->items && !status; i++) {
        if (!clh_shows_item(show, &r->item[i]))
            continue;
        clh_strbuf_adds(out, count++ ? ", " : "");
        status = add_array(r, &r->item[i], show, out, err);
    }
    clh_strbuf_adds(out, "}");
    return status;
}

/* ---- The whole ---- */

static void add_absent(const clh_result *r, clh_strbuf *out)
{
    size_t count = 0;
    clh_strbuf_adds(out, "{");
    for (size_t p = 0; p < r->parts; p++)
        if (r->part[p].absent) {
            add_text(out, count++ ? ", " : "", r->part[p].schema->name);
            add_text(out, ": ", r->part[p].absent);
        }
    add_texts(out, "}, \"notes\": ", r->notes, r->note_count);
}

static clh_status to_json(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    clh_strbuf_adds(out, "{");
    add_stamps(r, out);
    clh_strbuf_adds(out, ", \"numbers\": ");
    add_parts(r, CLH_PART_NUMBERS, show, out);
    clh_strbuf_adds(out, ", \"tables\": ");
    add_parts(r, CLH_PART_TABLE, show, out);
    clh_strbuf_adds(out, ", \"verdicts\": ");
    add_parts(r, CLH_PART_VERDICTS, show, out);
    clh_strbuf_adds(out, ", \"arrays\": ");
    clh_status status = add_arrays(r, show, out, err);
    clh_strbuf_adds(out, ", \"absent\": ");
    add_absent(r, out);
    clh_strbuf_adds(out, "}\n");
    return status ? status : clh_strbuf_check(out, err);
}

static bool reads_arrays(const clh_show *show)
{
    return show->full && !show->part;
}

const clh_format clh_format_json = {"json", .endings = ".json", .reads_arrays = reads_arrays,
                                    .summary = "one object, the same envelope for every question",
                                    .text = to_json};
