/* Reading a result: numbers by their paths, answers, texts, arrays. */
#include "clearhead/result.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "result/element.h"

const char *clh_result_question(const clh_result *r)
{
    return r ? r->question : NULL;
}

clh_status clh_result_outcome(const clh_result *r)
{
    return r ? r->outcome : CLH_EUSAGE;
}

const char *clh_result_took(const clh_result *r)
{
    return r ? r->took : NULL;
}

clh_field clh_row_field(const clh_table_row *row, const clh_field *column)
{
    clh_field field = *column;
    if (column->flags & CLH_OF_ROW && row->of) {
        field.unit = row->of->unit;
        field.decimals = row->of->decimals;
        field.flags |= row->of->flags & (CLH_LOG | CLH_SHARE);
    }
    return field;
}

clh_part *clh_result_part(const clh_result *r, const char *name)
{
    for (size_t i = 0; i < r->parts; i++)
        if (strcmp(r->part[i].schema->name, name) == 0)
            return &r->part[i];
    return NULL;
}

/* ---- Paths ---- */

/* What follows `word` and a point in `path`; "" when `path` ends with it, NULL when it does not
 * begin with it. */
static const char *after(const char *path, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(path, word, length) != 0 || (path[length] != '.' && path[length] != '\0'))
        return NULL;
    return path + length + (path[length] == '.');
}

static const clh_cell *field_called(const clh_part *part, const clh_cell *cells, const char *name,
                                    const clh_field **field, const char **absent)
{
    for (size_t i = 0; i < part->fields; i++)
        if (strcmp(part->schema->fields[i].name, name) == 0) {
            *field = &part->schema->fields[i];
            *absent = part->note && part->note[i] ? part->note[i] : part->absent;
            return &cells[i];
        }
    return NULL;
}

/* A cell of a table by "key.key.column". Keys may hold points, as hook names do, and so every row is
 * tried. */
static const clh_cell *cell_of_table(const clh_part *part, const char *path,
                                     const clh_field **field, const char **absent)
{
    for (size_t i = 0; i < part->rows; i++) {
        const clh_table_row *row = &part->row[i];
        const char *rest = path;
        for (size_t k = 0; rest && k < part->keys; k++)
            rest = after(rest, row->key[k]);
        const clh_cell *cell = rest ? field_called(part, row->cell, rest, field, absent) : NULL;
        if (cell) {
            *absent = row->absent;
            return cell;
        }
    }
    return NULL;
}

const clh_cell *clh_result_cell(const clh_result *r, const char *path, const clh_field **field,
                                const char **absent)
{
    const clh_cell *found = NULL;
    *absent = NULL;
    for (size_t i = 0; i < r->parts && !found; i++) {
        const clh_part *part = &r->part[i];
        if (part->schema->kind == CLH_PART_NUMBERS)
            found = field_called(part, part->cell, path, field, absent);
        const char *inside =
            part->schema->kind == CLH_PART_TABLE ? after(path, part->schema->name) : NULL;
        if (inside && *inside)
            found = cell_of_table(part, inside, field, absent);
    }
    for (size_t i = 0; i < r->parts && !found; i++)
        if (r->part[i].schema->kind == CLH_PART_TABLE)
            found = cell_of_table(&r->part[i], path, field, absent);
    return found;
}

/* The path of a cell of a table, into memory of the result. */
static char *table_path(clh_result *r, const clh_part *part, const clh_table_row *row,
                        const char *column)
{
    clh_strbuf text = {0};
    clh_strbuf_adds(&text, part->schema->name);
    for (size_t k = 0; k < part->keys; k++)
        clh_strbuf_addf(&text, ".%s", row->key[k]);
    clh_strbuf_addf(&text, ".%s", column);
    char *path = text.failed ? NULL : (char *)clh_result_copy(r, clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return path;
}

static void list_part(clh_result *r, const clh_part *part)
{
    const clh_field *fields = part->schema->fields;
    for (size_t i = 0; part->schema->kind == CLH_PART_NUMBERS && i < part->fields; i++)
        r->path[r->paths++] = (char *)fields[i].name;
    for (size_t n = 0; part->schema->kind == CLH_PART_TABLE && n < part->rows; n++)
        for (size_t i = 0; i < part->fields; i++)
            if (!(fields[i].flags & CLH_TEXT))
                r->path[r->paths++] = table_path(r, part, &part->row[n], fields[i].name);
}

static void list_paths(clh_result *r)
{
    size_t count = 1;
    for (size_t i = 0; i < r->parts; i++)
        count += r->part[i].fields * (1 + r->part[i].rows);
    r->path = clh_result_memory(r, count, sizeof *r->path);
    for (size_t i = 0; r->path && i < r->parts; i++)
        list_part(r, &r->part[i]);
}

const char *clh_result_path(const clh_result *result, size_t index)
{
    if (!result)
        return NULL;
    clh_result *r = (clh_result *)result; /* the list is made once, and nothing else changes */
    if (!r->path)
        list_paths(r);
    return r->path && index < r->paths ? r->path[index] : NULL;
}

/* ---- Numbers, texts ---- */

double clh_result_number(const clh_result *r, const char *path)
{
    const clh_field *field = NULL;
    const char *absent = NULL;
    if (!r || !path)
        return NAN;
    const clh_cell *cell = clh_result_cell(r, path, &field, &absent);
    double element = NAN;
    if (!cell)
        (void)clh_result_element(&element, r, path, NULL);
    return cell ? cell->value.value : element;
}

static clh_status no_such_number(const clh_result *r, const char *path, clh_error *err)
{
    enum { MOST = 4096 };
    const char **names = clh_alloc_array(MOST, sizeof *names, err);
    size_t count = 0;
    if (!names)
        return CLH_ENOMEM;
    while (count < MOST && (names[count] = clh_result_path(r, count)))
        count++;
    const char *nearest = clh_nearest_name(path, names, count);
    clh_status status = clh_fail(
        err, CLH_EINPUT, "%s has no number %s%s%s", r->question, clh_quoted_text(path).text,
        nearest ? ", did you mean " : ": --json shows all there are", nearest ? nearest : "");
    clh_free(names);
    return status;
}

clh_status clh_result_get(clh_value *out, const clh_result *r, const char *path, clh_error *err)
{
    const clh_field *field = NULL;
    const char *absent = NULL;
    CLH_REQUIRE(out && r && path, err, "a result, a path, and room for the number");
    const clh_cell *cell = clh_result_cell(r, path, &field, &absent);
    if (!cell) {
        *out = clh_value_none();
        clh_status status = clh_result_element(&out->value, r, path, err);
        return status == CLH_NO ? no_such_number(r, path, err) : status;
    }
    if (field->flags & CLH_TEXT)
        return no_such_number(r, path, err);
    if (absent)
        return clh_fail(err, CLH_EINPUT, "%s of %s is absent: %s", path, r->question, absent);
    *out = cell->value;
    return CLH_OK;
}

const char *clh_result_answer(const clh_result *r, const char *verdict)
{
    const clh_field *field = NULL;
    const char *by = NULL;
    if (!r || !verdict)
        return NULL;
    for (size_t i = 0; i < r->parts; i++) {
        const clh_cell *cell =
            r->part[i].schema->kind == CLH_PART_VERDICTS
                ? field_called(&r->part[i], r->part[i].cell, verdict, &field, &by)
                : NULL;
        if (cell)
            return cell->text;
    }
    return NULL;
}

const char *clh_result_text(const clh_result *r, const char *path)
{
    const clh_field *field = NULL;
    const char *absent = NULL;
    if (!r || !path)
        return NULL;
    for (size_t i = 0; i < r->stamps; i++)
        if (strcmp(r->stamp[i].name, path) == 0)
            return r->stamp[i].text;
    const clh_cell *cell = clh_result_cell(r, path, &field, &absent);
    return cell ? cell->text : NULL;
}

/* ---- Arrays ---- */

/* The array called so, its numbers not necessarily computed; NULL: none. */
static clh_result_item *find_item(const clh_result *r, const char *name)
{
    for (size_t i = 0; i < r->items; i++)
        if (strcmp(r->item[i].view.name, name) == 0)
            return &r->item[i];
    return NULL;
}

const char *clh_result_array_name(const clh_result *r, size_t index)
{
    if (!r)
        return NULL;
    return index < r->items ? r->item[index].view.name : NULL;
}

static clh_status no_such_array(const clh_result *r, const char *name, clh_error *err)
{
    enum { MOST = 1024 };
    const char *names[MOST] = {0};
    size_t count = r->items < MOST ? r->items : MOST;
    for (size_t i = 0; i < count; i++)
        names[i] = r->item[i].view.name;
    const char *nearest = clh_nearest_name(name, names, count);
    return clh_fail(err, CLH_EINPUT, "%s has no array %s%s%s", r->question,
                    clh_quoted_text(name).text,
                    nearest ? ", did you mean "
                    : count ? ", want one such as "
                            : ": it has none",
                    nearest ? nearest
                    : count ? names[0]
                            : "");
}

clh_status clh_result_view(clh_array *out, clh_result *r, const char *name, clh_error *err)
{
    CLH_REQUIRE(out && r && name, err, "a result, the name of an array, and room for the view");
    clh_result_item *item = find_item(r, name);
    if (!item)
        return no_such_array(r, name, err);
    const size_t lost = clh_strbuf_lost();
    clh_status status = item->view.data ? CLH_OK : item->fill(&item->view, item->user, err);
    if (!status)
        status = clh_result_check(r, err);
    if (!status)
        status = clh_strbuf_check_lost(lost, err);
    if (!status) {
        assert(item->view.data);
        *out = item->view;
    }
    return status;
}
