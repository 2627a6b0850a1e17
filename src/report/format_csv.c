/* A result as CSV (RFC 4180, lines end with a line feed): tidy, a row for every number; or one part as it
 * is. docs/formats.md, "Results". */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/shown.h"
#include "result/element.h"
#include "result/finite.h"

enum { KEYS_MAX = 24 };

/* Quoted where it must be. */
static void add_text(clh_strbuf *out, const char *text)
{
    if (!text || !text[strcspn(text, ",\"\r\n")]) {
        clh_strbuf_adds(out, text ? text : "");
        return;
    }
    clh_strbuf_adds(out, "\"");
    for (; *text; text++) {
        clh_strbuf_adds(out, *text == '"' ? "\"" : "");
        clh_strbuf_add(out, text, 1);
    }
    clh_strbuf_adds(out, "\"");
}

/* As pandas, R and spreadsheets read it; nothing for no number. */
static void add_number(clh_strbuf *out, double value)
{
    clh_number_add(out, value, isnan(value) ? "" : value < 0 ? "-inf" : "inf");
}

static void add_comma_text(clh_strbuf *out, const char *text)
{
    clh_strbuf_adds(out, ",");
    add_text(out, text);
}

static void add_comma_number(clh_strbuf *out, double value)
{
    clh_strbuf_adds(out, ",");
    add_number(out, value);
}

/* ---- A row for every number ---- */

/* Keys of all tables that are shown, each name once: a column each. */
typedef struct key_columns {
    char name[KEYS_MAX][32];
    size_t count;
} key_columns;

static size_t key_column(const key_columns *keys, const char *name)
{
    size_t i = 0;
    while (i < keys->count && strcmp(keys->name[i], name) != 0)
        i++;
    return i;
}

static void collect_keys(key_columns *keys, const clh_result *r, const clh_show *show)
{
    keys->count = 0;
    for (size_t p = 0; p < r->parts; p++) {
        const clh_part *part = &r->part[p];
        for (size_t k = 0; part->rows > 0 && clh_shows(show, part->schema->name) && k < part->keys;
             k++) {
            assert(keys->count < KEYS_MAX);
            (void)clh_schema_key(part->schema, k, keys->name[keys->count]);
            keys->count += key_column(keys, keys->name[keys->count]) == keys->count;
        }
    }
}

/* A column of keys must not be taken for one of ours. */
static const char *key_title(const char *name, char out[40])
{
    static const char *const ours[] = {"part", "field", "value", "low", "high", "unit"};
    bool taken = false;
    for (size_t i = 0; i < CLH_COUNT(ours); i++)
        taken = taken || strcmp(ours[i], name) == 0;
    (void)snprintf(out, 40, "%s%s", name, taken ? "_key" : "");
    return out;
}

static void add_keys(const key_columns *keys, const clh_part *part, const clh_table_row *row,
                     clh_strbuf *out)
{
    for (size_t c = 0; c < keys->count; c++) {
        const char *value = NULL;
        for (size_t k = 0; row && k < part->keys; k++) {
            char name[32];
            (void)clh_schema_key(part->schema, k, name);
            value = strcmp(name, keys->name[c]) == 0 ? row->key[k] : value;
        }
        add_comma_text(out, value);
    }
}

/* part, keys, field, value, low, high, unit */
static void add_tidy(const key_columns *keys, const clh_part *part, const clh_table_row *row,
                     size_t field, clh_strbuf *out)
{
    const clh_field *f = &part->schema->fields[field];
    const clh_cell *cell = row ? &row->cell[field] : &part->cell[field];
    const bool text = f->flags & CLH_TEXT || part->schema->kind == CLH_PART_VERDICTS;
    assert((row || part->cell) && "a row, or numbers");
    add_text(out, part->schema->name);
    add_keys(keys, part, row, out);
    add_comma_text(out, f->name);
    if (text)
        add_comma_text(out, cell->text);
    else
        add_comma_number(out, cell->value.value);
    add_comma_number(out, text ? NAN : cell->value.low);
    add_comma_number(out, text ? NAN : cell->value.high);
    add_comma_text(out, f->unit);
    clh_strbuf_adds(out, "\n");
}

static void add_all(const clh_result *r, const clh_show *show, clh_strbuf *out)
{
    key_columns keys;
    char title[40];
    collect_keys(&keys, r, show);
    clh_strbuf_adds(out, "part");
    for (size_t k = 0; k < keys.count; k++)
        add_comma_text(out, key_title(keys.name[k], title));
    clh_strbuf_adds(out, ",field,value,low,high,unit\n");
    for (size_t p = 0; p < r->parts; p++) {
        const clh_part *part = &r->part[p];
        if (!clh_shows(show, part->schema->name))
            continue;
        for (size_t i = 0; part->cell && i < part->fields; i++)
            add_tidy(&keys, part, NULL, i, out);
        for (size_t n = 0; n < part->rows; n++)
            for (size_t i = 0; i < part->fields; i++)
                add_tidy(&keys, part, &part->row[n], i, out);
    }
}

/* ---- One table as it is ---- */

/* Which columns a table needs beside keys and fields. */
typedef struct extras {
    bool label, heading, absent;
} extras;

static void add_titles(const clh_part *part, const extras *has, clh_strbuf *out)
{
    const char *comma = "";
    for (size_t k = 0; k < part->keys; k++, comma = ",") {
        char name[32];
        (void)clh_schema_key(part->schema, k, name);
        clh_strbuf_addf(out, "%s%s", comma, name);
    }
    for (size_t i = 0; i < part->fields; i++, comma = ",") {
        const clh_field *f = &part->schema->fields[i];
        clh_strbuf_adds(out, comma);
        add_text(out, f->name);
        if (f->band)
            clh_strbuf_addf(out, ",%s_low,%s_high", f->name, f->name);
    }
    clh_strbuf_adds(out, has->label ? ",label" : "");
    clh_strbuf_adds(out, has->heading ? ",heading" : "");
    clh_strbuf_adds(out, has->absent ? ",absent\n" : "\n");
}

static void add_cells(const clh_part *part, const clh_table_row *row, const char *comma,
                      clh_strbuf *out)
{
    for (size_t i = 0; i < part->fields; i++, comma = ",") {
        const clh_field *f = &part->schema->fields[i];
        clh_strbuf_adds(out, comma);
        if (f->flags & CLH_TEXT)
            add_text(out, row->cell[i].text);
        else
            add_number(out, row->cell[i].value.value);
        if (f->band) {
            add_comma_number(out, row->cell[i].value.low);
            add_comma_number(out, row->cell[i].value.high);
        }
    }
}

static void add_table(const clh_part *part, clh_strbuf *out)
{
    extras has = {0};
    for (size_t n = 0; n < part->rows; n++) {
        has.label = has.label || part->row[n].label;
        has.heading = has.heading || part->row[n].heading;
        has.absent = has.absent || part->row[n].absent;
    }
    add_titles(part, &has, out);
    for (size_t n = 0; n < part->rows; n++) {
        const clh_table_row *row = &part->row[n];
        for (size_t k = 0; k < part->keys; k++) {
            clh_strbuf_adds(out, k ? "," : "");
            add_text(out, row->key[k]);
        }
        add_cells(part, row, part->keys ? "," : "", out);
        if (has.label)
            add_comma_text(out, row->label);
        if (has.heading)
            add_comma_text(out, row->heading);
        if (has.absent)
            add_comma_text(out, row->absent);
        clh_strbuf_adds(out, "\n");
    }
}

/* ---- Arrays: a row for every number, a column for each axis ---- */

static clh_status add_array(clh_result *r, const clh_result_item *item, clh_strbuf *out,
                            clh_error *err)
{
    clh_array view;
    size_t index[CLH_RANK_MAX] = {0};
    clh_status status = clh_finite_view(&view, r, item, err);
    if (status)
        return status;
    clh_strbuf_adds(out, "array");
    for (size_t d = 0; d < view.rank; d++) {
        char name[32];
        (void)snprintf(name, sizeof name, "axis_%zu", d);
        add_comma_text(out, item->axis[d].name ? item->axis[d].name : name);
    }
    clh_strbuf_adds(out, ",value\n");
    const size_t count = clh_array_count(&view);
    for (size_t i = 0; i < count && !out->failed; i++, (void)clh_array_step(&view, index)) {
        add_text(out, view.name);
        for (size_t d = 0; d < view.rank; d++) {
            if (item->axis[d].label)
                add_comma_text(out, item->axis[d].label[index[d]]);
            else
                clh_strbuf_addf(out, ",%zu", index[d]);
        }
        add_comma_number(out, clh_array_at(&view, index));
        clh_strbuf_adds(out, "\n");
    }
    return CLH_OK;
}

/* The one array that is asked for; NULL when none is. */
static clh_status find_array(const clh_result_item **out, const clh_result *r, const clh_show *show,
                             clh_error *err)
{
    size_t count = 0;
    *out = NULL;
    for (size_t i = 0; show->part && i < r->items; i++)
        if (clh_shows_item(show, &r->item[i])) {
            *out = &r->item[i];
            count++;
        }
    return count <= 1
               ? CLH_OK
               : clh_fail(err, CLH_EUSAGE, "%s are %zu arrays, want one of them as CSV, such as %s",
                          show->part, count, (*out)->view.name);
}

static clh_status to_csv(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    const clh_part *part = show->part ? clh_result_part(r, show->part) : NULL;
    const clh_result_item *item = NULL;
    clh_status status = find_array(&item, r, show, err);
    if (!status && item)
        status = add_array(r, item, out, err);
    else if (part && part->schema->kind == CLH_PART_TABLE)
        add_table(part, out);
    else
        add_all(r, show, out);
    return status ? status : clh_strbuf_check(out, err);
}

const clh_format clh_format_csv = {
    .name = "csv",
    .endings = ".csv",
    .summary = "CSV: a row for every number, with --part that table or array",
    .text = to_csv};
