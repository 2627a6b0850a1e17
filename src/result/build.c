#include "result/build.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "result/result_parts.h"

clh_value clh_value_none(void)
{
    return (clh_value){NAN, NAN, NAN};
}

clh_value clh_value_of(double value)
{
    return (clh_value){value, NAN, NAN};
}

const char *clh_key_text(char out[24], uint64_t n)
{
    (void)snprintf(out, 24, "%llu", (unsigned long long)n);
    return out;
}

static bool failed(const clh_result *r)
{
    return r->failure.status != CLH_OK;
}

static clh_cell *empty_cells(clh_result *r, size_t count)
{
    clh_cell *cell = clh_result_memory(r, count, sizeof *cell);
    for (size_t i = 0; cell && i < count; i++)
        cell[i].value = clh_value_none();
    return cell;
}

static void open_part(clh_result *r, clh_part *part, const clh_schema *schema)
{
    *part = (clh_part){schema, .keys = clh_schema_key_count(schema),
                       .fields = clh_field_count(schema->fields), .brief = SIZE_MAX};
    if (schema->kind != CLH_PART_NUMBERS && schema->kind != CLH_PART_VERDICTS)
        return;
    part->cell = empty_cells(r, part->fields);
    part->note = clh_result_memory(r, part->fields, sizeof *part->note);
}

clh_status clh_result_open(clh_result **out, const char *question, const clh_schema *schema,
                           clh_error *err)
{
    assert(out && question && schema);
    clh_result *r = clh_alloc_zeroed(1, sizeof *r, err);
    if (!r)
        return CLH_ENOMEM;
    r->schema = schema;
    r->parts = clh_schema_count(schema);
    r->part = clh_result_memory(r, r->parts, sizeof *r->part);
    r->question = clh_result_copy(r, question);
    for (size_t i = 0; i < r->parts && !failed(r); i++)
        open_part(r, &r->part[i], &schema[i]);
    clh_status status = clh_result_check(r, err);
    if (status)
        clh_result_close(r);
    else
        *out = r;
    return status;
}

clh_status clh_result_check(const clh_result *r, clh_error *err)
{
    if (failed(r) && err)
        *err = r->failure;
    return r->failure.status;
}

/* ---- Numbers ---- */

void clh_result_stamp(clh_result *r, const char *name, const char *text)
{
    assert(r->stamps < CLH_COUNT(r->stamp));
    r->stamp[r->stamps++] = (clh_stamp){name, clh_result_copy(r, text)};
}

/* Place of a field among those of a part; the part's count when it is none of them. */
static size_t place_in(const clh_part *part, const char *name)
{
    size_t i = 0;
    while (i < part->fields && strcmp(part->schema->fields[i].name, name) != 0)
        i++;
    return i;
}

/* The part of that kind which has a field called `name`. */
static clh_part *part_with(const clh_result *r, clh_part_kind kind, const char *name, size_t *place)
{
    for (size_t i = 0; i < r->parts; i++)
        if (r->part[i].schema->kind == kind &&
            (*place = place_in(&r->part[i], name)) < r->part[i].fields)
            return &r->part[i];
    return NULL;
}

static clh_cell *cell_called(const clh_result *r, const char *name)
{
    size_t place = 0;
    const clh_part *part = failed(r) ? NULL : part_with(r, CLH_PART_NUMBERS, name, &place);
    assert((part || failed(r)) && "a number of the schema");
    return part ? &part->cell[place] : NULL;
}

void clh_result_put(clh_result *r, const char *name, clh_value value)
{
    clh_cell *cell = cell_called(r, name);
    if (cell)
        cell->value = value;
}

void clh_result_put_text(clh_result *r, const char *name, const char *text)
{
    clh_cell *cell = cell_called(r, name);
    if (cell)
        cell->text = clh_result_copy(r, text);
}

void clh_result_put_number(clh_result *r, const char *name, double value)
{
    clh_result_put(r, name, clh_value_of(value));
}

void clh_result_put_named(clh_result *r, const clh_named *numbers)
{
    for (; numbers->name; numbers++)
        clh_result_put_number(r, numbers->name, numbers->value);
}

static void read_cell(clh_result *r, clh_cell *cell, const clh_field *field, const void *from)
{
    const char *at = (const char *)from + field->offset;
    switch (field->from) {
    case CLH_FROM_NONE:
        return;
    case CLH_FROM_DOUBLE:
        cell->value = clh_value_of(*(const double *)(const void *)at);
        return;
    case CLH_FROM_SIZE: {
        const size_t n = *(const size_t *)(const void *)at;
        cell->value = n == SIZE_MAX ? clh_value_none() : clh_value_of((double)n);
        return;
    }
    case CLH_FROM_LONG:
        cell->value = clh_value_of((double)*(const unsigned long long *)(const void *)at);
        return;
    case CLH_FROM_VALUE:
        cell->value = *(const clh_value *)(const void *)at;
        return;
    case CLH_FROM_TEXT:
        cell->text = clh_result_copy(r, *(const char *const *)(const void *)at);
        return;
    case CLH_FROM_CHARS:
        cell->text = *at ? clh_result_copy(r, at) : NULL;
        return;
    }
}

void clh_result_read(clh_result *r, const char *name, const void *from)
{
    clh_part *part = failed(r) ? NULL : clh_result_part(r, name);
    assert((part || failed(r)) && "a part of the schema");
    for (size_t i = 0; part && i < part->fields; i++)
        read_cell(r, &part->cell[i], &part->schema->fields[i], from);
}

/* ---- Tables ---- */

void clh_result_row_begin(clh_result *r, const char *table, const char *const *keys)
{
    r->at = failed(r) ? NULL : clh_result_part(r, table);
    assert((r->at || failed(r)) && "a table of the schema");
    if (!r->at)
        return;
    clh_part *part = r->at;
    clh_table_row *list = clh_result_grown(r, part->row, part->rows, &part->room, sizeof *list);
    clh_table_row row = {.key = clh_result_memory(r, part->keys + 1, sizeof *row.key),
                         .cell = empty_cells(r, part->fields)};
    if (!list || !row.key || !row.cell)
        return;
    for (size_t k = 0; k < part->keys; k++)
        row.key[k] = clh_result_copy(r, keys[k]);
    part->row = list;
    part->row[part->rows++] = row;
}

/* The row begun last; NULL when something has failed. */
static clh_table_row *last_row(const clh_result *r)
{
    assert((r->at || failed(r)) && "a row was begun");
    return failed(r) ? NULL : &r->at->row[r->at->rows - 1];
}

static clh_cell *last_cell(const clh_result *r, const char *column)
{
    clh_table_row *row = last_row(r);
    const size_t place = row ? place_in(r->at, column) : 0;
    assert((!row || place < r->at->fields) && "a column of the schema");
    return row ? &row->cell[place] : NULL;
}

void clh_row_label(clh_result *r, const char *label, const char *heading)
{
    clh_table_row *row = last_row(r);
    if (!row)
        return;
    row->label = clh_result_copy(r, label);
    row->heading = clh_result_copy(r, heading);
}

void clh_row_of(clh_result *r, const clh_field *field)
{
    clh_table_row *row = last_row(r);
    clh_row_label(r, field->meaning, NULL);
    if (row)
        row->of = field;
}

void clh_row_put(clh_result *r, const char *column, clh_value value)
{
    clh_cell *cell = last_cell(r, column);
    if (cell)
        cell->value = value;
}

void clh_row_put_number(clh_result *r, const char *column, double value)
{
    clh_row_put(r, column, clh_value_of(value));
}

void clh_row_put_named(clh_result *r, const clh_named *numbers)
{
    for (; numbers->name; numbers++)
        clh_row_put_number(r, numbers->name, numbers->value);
}

void clh_row_text(clh_result *r, const char *column, const char *text)
{
    clh_cell *cell = last_cell(r, column);
    if (cell)
        cell->text = clh_result_copy(r, text);
}

void clh_row_read(clh_result *r, const void *from)
{
    clh_table_row *row = last_row(r);
    for (size_t i = 0; row && i < r->at->fields; i++)
        read_cell(r, &row->cell[i], &r->at->schema->fields[i], from);
}

void clh_result_brief(clh_result *r, const char *table, size_t rows)
{
    clh_part *part = failed(r) ? NULL : clh_result_part(r, table);
    assert((part || failed(r)) && "a table of the schema");
    if (part)
        part->brief = rows;
}

void clh_row_absent(clh_result *r, const char *why)
{
    clh_table_row *row = last_row(r);
    if (row)
        row->absent = clh_result_copy(r, why);
}

/* ---- Verdicts, notes, what there is not ---- */

void clh_result_absent(clh_result *r, const char *name, const char *why)
{
    size_t place = 0;
    if (failed(r))
        return;
    clh_part *part = part_with(r, CLH_PART_NUMBERS, name, &place);
    part = part ? part : part_with(r, CLH_PART_VERDICTS, name, &place);
    if (part) {
        part->note[place] = clh_result_copy(r, why);
        return;
    }
    part = clh_result_part(r, name);
    assert(part && "a name of the schema");
    part->absent = clh_result_copy(r, why);
}

void clh_result_absent_names(clh_result *r, const char *why, const char *const *names)
{
    for (; *names; names++)
        clh_result_absent(r, *names, why);
}

/* Whether a word of `text` is how printf() says a number that is not finite. */
static bool says_no_number(const char *text)
{
    static const char *const words[] = {"nan", "-nan", "inf", "-inf"};
    for (size_t length; text && *text; text += length + (text[length] != '\0')) {
        length = strcspn(text, " ,;:()[]");
        for (size_t i = 0; i < CLH_COUNT(words); i++)
            if (strncmp(text, words[i], strlen(words[i])) == 0 &&
                (length == strlen(words[i]) || text[strlen(words[i])] == '.'))
                return true;
    }
    return false;
}

/* A copy of what decided a verdict; of numbers that are none with a word about them. */
static const char *explained(clh_result *r, const char *by)
{
    clh_strbuf text = {0};
    if (!by || !says_no_number(by))
        return clh_result_copy(r, by);
    clh_strbuf_addf(
        &text, "%s (nan: no number, a share of nothing; inf: larger than a number can be.)", by);
    if (text.failed && !failed(r))
        (void)clh_strbuf_check(&text, &r->failure);
    const char *copy = clh_result_copy(r, clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return copy;
}

void clh_result_decide(clh_result *r, const char *verdict, const char *answer, const char *by)
{
    size_t place = 0;
    clh_part *part = failed(r) ? NULL : part_with(r, CLH_PART_VERDICTS, verdict, &place);
    assert((part || failed(r)) && "a verdict of the schema");
    if (!part)
        return;
    part->cell[place].text = clh_result_copy(r, answer);
    part->note[place] = explained(r, by);
}

void clh_result_no(clh_result *r)
{
    r->outcome = CLH_NO;
}

void clh_result_say_took(clh_result *r, const char *text)
{
    r->took = clh_result_copy(r, text);
}

/* `text` lives in the result. */
static void add_note(clh_result *r, const char *text)
{
    const char **list = clh_result_grown(r, r->notes, r->note_count, &r->note_room, sizeof *list);
    if (!list)
        return;
    r->notes = list;
    r->notes[r->note_count++] = text;
}

void clh_result_note(clh_result *r, const char *text)
{
    add_note(r, clh_result_copy(r, text));
}

void clh_result_note_lines(clh_result *r, const char *lines)
{
    while (lines && *lines) {
        const size_t length = strcspn(lines, "\n");
        char *line = clh_result_memory(r, length + 1, 1);
        if (!line)
            return;
        memcpy(line, lines, length);
        line[length] = '\0';
        add_note(r, line);
        lines += length + (lines[length] == '\n');
    }
}

/* ---- Arrays ---- */

static const char **copy_labels(clh_result *r, const char *const *label, size_t count)
{
    const char **copy = label ? clh_result_memory(r, count, sizeof *copy) : NULL;
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = clh_result_copy(r, label[i]);
    return copy;
}

void clh_result_want(clh_result *r, uint64_t parts, bool arrays)
{
    r->wanted = parts;
    r->arrays_wanted = arrays;
}

bool clh_result_reads(const clh_result *r, const char *array)
{
    return r->arrays_wanted || clh_result_wants(r, array);
}

bool clh_result_wants(const clh_result *r, const char *name)
{
    const clh_schema *part = clh_schema_find(r->schema, name);
    assert(part);
    return r->wanted >> (part - r->schema) & 1;
}

void clh_result_array(clh_result *r, const clh_array *view, const clh_axis *axes, clh_fill *fill,
                      void *user)
{
    assert(view->name && (view->data || fill));
    clh_result_item *list = clh_result_grown(r, r->item, r->items, &r->item_room, sizeof *list);
    if (!list)
        return;
    clh_result_item item = {clh_schema_find(r->schema, view->name), .view = *view, .fill = fill,
                            .user = user, .destination = SIZE_MAX};
    assert(item.schema && item.schema->kind == CLH_PART_ARRAY && "an array of the schema");
    item.view.name = clh_result_copy(r, view->name);
    for (size_t d = 0; d < view->rank; d++) {
        item.axis[d].name = clh_result_copy(r, axes[d].name);
        item.axis[d].label = copy_labels(r, axes[d].label, view->shape[d]);
    }
    r->item = list;
    r->item[r->items++] = item;
}

double *clh_result_numbers(clh_result *r, const double *numbers, size_t count)
{
    double *copy = clh_result_memory(r, count, sizeof *copy);
    if (copy)
        memcpy(copy, numbers, count * sizeof *copy);
    return copy;
}

void clh_result_array_title(clh_result *r, const char *title, size_t destination)
{
    if (failed(r))
        return;
    assert(r->items > 0);
    r->item[r->items - 1].title = clh_result_copy(r, title);
    r->item[r->items - 1].destination = destination;
}
