/* A result as named arrays and metadata, for the formats that hold such: its arrays or, where it has
 * none, its numbers and the columns of its tables. docs/formats.md, "Results". */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/platform/decimal.h"
#include "clearhead/npz.h"
#include "clearhead/safetensors.h"
#include "report/shown.h"
#include "result/finite.h"

/* Names and numbers of arrays are the result's, computed now where they have not been; the rest is
 * owned. */
typedef struct arrays {
    clh_array *array; /* those of eight bytes a number first, as alignment wants it */
    size_t count;
    clh_pair *pair; /* metadata, each key once */
    size_t pairs;
    void **owned;
    size_t owned_count, owned_room;
} arrays;

/* ---- Memory ---- */

/* NULL with CLH_ENOMEM filled in; freed with the struct. */
static void *keep(arrays *a, size_t count, size_t size, clh_error *err)
{
    assert(a->owned_count < a->owned_room);
    void *memory = clh_alloc_zeroed(count ? count : 1, size, err);
    if (memory)
        a->owned[a->owned_count++] = memory;
    return memory;
}

static char *keep_text(arrays *a, const char *text, clh_error *err)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = keep(a, bytes, 1, err);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

/* "first.second.third" without those that are NULL. */
static const char *keep_name(arrays *a, const char *first, const char *second, const char *third,
                             clh_error *err)
{
    const size_t bytes =
        strlen(first) + (second ? strlen(second) : 0) + (third ? strlen(third) : 0) + 3;
    char *name = keep(a, bytes, 1, err);
    if (name)
        (void)snprintf(name, bytes, "%s%s%s%s%s", first, second ? "." : "", second ? second : "",
                       third ? "." : "", third ? third : "");
    return name;
}

static void deinit(arrays *a)
{
    while (a->owned_count > 0)
        clh_free(a->owned[--a->owned_count]);
    clh_free(a->owned);
    clh_free(a->array);
    clh_free(a->pair);
    *a = (arrays){0};
}

/* Room for all that a result can give: at most three arrays and four names for each field and key. */
static clh_status make_room(arrays *a, const clh_result *r, size_t settings, clh_error *err)
{
    size_t fields = 0, axes = 0;
    for (size_t p = 0; p < r->parts; p++)
        fields += r->part[p].fields + r->part[p].keys;
    for (size_t i = 0; i < r->items; i++)
        axes += r->item[i].view.rank;
    a->owned_room = 16 * fields + 4 * axes + 4 * settings + 4 * r->stamps + 64;
    a->owned = clh_alloc_zeroed(a->owned_room, sizeof *a->owned, err);
    a->array = clh_alloc_zeroed(3 * fields + r->items + 1, sizeof *a->array, err);
    a->pair = clh_alloc_zeroed(2 * fields + axes + settings + r->stamps + 8, sizeof *a->pair, err);
    return a->owned && a->array && a->pair ? CLH_OK : CLH_ENOMEM;
}

/* ---- Metadata ---- */

static const clh_pair *find_pair(const arrays *a, const char *key)
{
    for (size_t i = 0; i < a->pairs; i++)
        if (strcmp(a->pair[i].key, key) == 0)
            return &a->pair[i];
    return NULL;
}

/* What is there already stays: what was asked goes before what came of it. */
static clh_status add_pair(arrays *a, const char *key, const char *value, clh_error *err)
{
    if (find_pair(a, key))
        return CLH_OK;
    const char *own_key = keep_text(a, key, err), *own = keep_text(a, value, err);
    if (!own_key || !own)
        return CLH_ENOMEM;
    a->pair[a->pairs++] = (clh_pair){own_key, own};
    return CLH_OK;
}

/* Each setting by its name: "metric", as a text. */
static clh_status add_settings(arrays *a, json_t *settings, clh_error *err)
{
    clh_status status = CLH_OK;
    const char *name;
    json_t *value;
    json_object_foreach(settings, name, value)
    {
        char *text = NULL;
        if (json_is_null(value))
            continue;
        if (!json_is_string(value))
            status = clh_json_text(&text, value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9), err);
        if (!status)
            status = add_pair(a, name, text ? text : json_string_value(value), err);
        free(text);
        if (status)
            break;
    }
    return status;
}

/* Numbers of a result that has arrays too: "clean", with all their digits. */
static clh_status add_numbers_as_text(arrays *a, const clh_result *r, clh_error *err)
{
    clh_status status = CLH_OK;
    char text[32];
    for (size_t p = 0; p < r->parts; p++) {
        const clh_part *part = &r->part[p];
        for (size_t i = 0; part->schema->kind == CLH_PART_NUMBERS && i < part->fields && !status;
             i++) {
            const clh_cell *cell = &part->cell[i];
            (void)clh_snprintf(text, sizeof text, "%.17g", cell->value.value);
            if (part->schema->fields[i].flags & CLH_TEXT ? cell->text != NULL
                                                         : !isnan(cell->value.value))
                status =
                    add_pair(a, part->schema->fields[i].name, cell->text ? cell->text : text, err);
        }
    }
    return status;
}

/* Texts as a JSON array under `key`. */
static clh_status add_texts(arrays *a, const char *key, const char *const *text, size_t count,
                            clh_error *err)
{
    clh_strbuf list = {0};
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_adds(&list, i ? ", " : "[");
        (text[i] ? clh_strbuf_add_json : clh_strbuf_adds)(&list, text[i] ? text[i] : "null");
    }
    clh_strbuf_adds(&list, count ? "]" : "[]");
    clh_status status = clh_strbuf_check(&list, err);
    if (!status)
        status = add_pair(a, key, clh_strbuf_view(&list), err);
    clh_strbuf_deinit(&list);
    return status;
}

/* Labels of an axis as "axis.NAME"; where another array has others under that name,
 * "axis.NAME.ARRAY". */
static clh_status add_labels(arrays *a, const clh_result_item *item, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t d = 0; d < item->view.rank && !status; d++) {
        const clh_result_axis *axis = &item->axis[d];
        if (!axis->label)
            continue;
        const char *key = keep_name(a, "axis", axis->name, NULL, err);
        const char *own = keep_name(a, "axis", axis->name, item->view.name, err);
        const size_t before = a->pairs;
        status = key && own ? add_texts(a, own, axis->label, item->view.shape[d], err) : CLH_ENOMEM;
        if (status || a->pairs == before)
            continue;
        const clh_pair *shared = find_pair(a, key);
        clh_pair *last = &a->pair[a->pairs - 1];
        if (!shared)
            last->key = key;
        else if (strcmp(shared->value, last->value) == 0)
            a->pairs--;
    }
    return status;
}

static clh_status add_stamps(arrays *a, const clh_result *r, json_t *settings, clh_error *err)
{
    clh_status status = add_pair(a, "format", "pt", err); /* what PyTorch's readers look for */
    if (!status)
        status = add_pair(a, "question", r->question, err);
    for (size_t i = 0; i < r->stamps && !status; i++)
        status = add_pair(a, r->stamp[i].name, r->stamp[i].text, err);
    return status ? status : add_settings(a, settings, err);
}

/* ---- Numbers and columns as arrays ---- */

static const clh_cell *cell_of(const clh_part *part, size_t field, size_t row)
{
    return part->schema->kind == CLH_PART_NUMBERS ? &part->cell[field]
                                                  : &part->row[row].cell[field];
}

/* Of a field the values, or their low or high ends. */
static clh_status add_column(arrays *a, const clh_part *part, size_t field, size_t which,
                             clh_error *err)
{
    static const char *const ends[] = {NULL, "low", "high"};
    const char *name = part->schema->fields[field].name;
    const bool scalar = part->schema->kind == CLH_PART_NUMBERS;
    const size_t count = scalar ? 1 : part->rows;
    const char *path = scalar ? keep_name(a, name, ends[which], NULL, err)
                              : keep_name(a, part->schema->name, name, ends[which], err);
    double *values = keep(a, count, sizeof *values, err);
    if (!path || !values)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const clh_value *v = &cell_of(part, field, i)->value;
        values[i] = which == 0 ? v->value : which == 1 ? v->low : v->high;
    }
    a->array[a->count] = clh_array_vector(path, CLH_F64, values, count);
    a->array[a->count++].rank = scalar ? 0 : 1;
    return CLH_OK;
}

/* A field of a part: "loss", or "table.column"; where it has intervals also ".low" and ".high". Texts
 * are metadata. */
static clh_status add_field(arrays *a, const clh_part *part, size_t field, clh_error *err)
{
    const clh_field *f = &part->schema->fields[field];
    const bool scalar = part->schema->kind == CLH_PART_NUMBERS;
    const size_t count = scalar ? 1 : part->rows;
    clh_status status = CLH_OK;
    for (size_t e = 0; !(f->flags & CLH_TEXT) && e < (f->band ? 3 : 1) && !status; e++)
        status = add_column(a, part, field, e, err);
    if (!(f->flags & CLH_TEXT))
        return status;
    const char *key = scalar ? f->name : keep_name(a, part->schema->name, f->name, NULL, err);
    const char **text = keep(a, count, sizeof *text, err);
    for (size_t i = 0; text && i < count; i++)
        text[i] = cell_of(part, field, i)->text;
    return key && text ? add_texts(a, key, text, count, err) : CLH_ENOMEM;
}

/* Keys that are whole numbers as an array, others as metadata. */
static clh_status add_key(arrays *a, const clh_part *part, size_t key, clh_error *err)
{
    char name[32];
    const bool whole = clh_schema_key(part->schema, key, name);
    const char *path = keep_name(a, part->schema->name, name, NULL, err);
    double *values = keep(a, part->rows, sizeof *values, err);
    const char **text = keep(a, part->rows, sizeof *text, err);
    if (!path || !values || !text)
        return CLH_ENOMEM;
    for (size_t i = 0; i < part->rows; i++) {
        text[i] = part->row[i].key[key];
        values[i] = *text[i] ? clh_read_double(text[i], NULL) : NAN;
    }
    if (!whole)
        return add_texts(a, path, text, part->rows, err);
    a->array[a->count++] = clh_array_vector(path, CLH_F64, values, part->rows);
    return CLH_OK;
}

static clh_status add_part(arrays *a, const clh_part *part, clh_error *err)
{
    clh_status status = CLH_OK;
    if (part->schema->kind != CLH_PART_NUMBERS && part->rows == 0)
        return CLH_OK;
    for (size_t k = 0; k < part->keys && !status; k++)
        status = add_key(a, part, k, err);
    for (size_t i = 0; i < part->fields && !status; i++)
        status = add_field(a, part, i, err);
    return status;
}

/* ---- The whole ---- */

static bool holds_numbers(const clh_schema *part)
{
    bool found = part->kind == CLH_PART_ARRAY || (part->kind == CLH_PART_TABLE && !part->fields);
    for (size_t i = 0; part->kind != CLH_PART_VERDICTS && i < clh_field_count(part->fields); i++)
        found = found || !(part->fields[i].flags & CLH_TEXT);
    return found;
}

/* Refuses a schema, or a part of it, that holds no numbers. */
static clh_status check(const clh_schema *schema, const clh_show *show, clh_error *err)
{
    const clh_schema *part = NULL;
    clh_status status = clh_format_part(&part, schema, show, err);
    bool found = part && holds_numbers(part);
    for (; !part && schema->kind; schema++)
        found = found || holds_numbers(schema);
    if (status || found)
        return status;
    return clh_fail(err, CLH_EUSAGE, "%s%s holds no numbers, want some to write as arrays",
                    part ? "part " : "the result", part ? part->name : "");
}

static clh_status add_arrays(arrays *a, clh_result *r, const clh_show *show, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < r->items && !status; i++) {
        const clh_result_item *item = &r->item[i];
        if (!clh_shows_item(show, item))
            continue;
        status = clh_finite_view(&a->array[a->count], r, item, err);
        a->count += !status;
    }
    for (size_t i = 0; i < r->items && !status; i++)
        if (clh_shows_item(show, &r->item[i]))
            status = add_labels(a, &r->item[i], err);
    return status;
}

/* Arrays that hold what F32 cannot are of eight bytes only now. */
static void order_arrays(arrays *a)
{
    size_t wide = 0;
    for (size_t i = 0; i < a->count; i++) {
        const clh_array array = a->array[i];
        if (clh_dtype_size(array.dtype) != 8)
            continue;
        memmove(&a->array[wide + 1], &a->array[wide], (i - wide) * sizeof array);
        a->array[wide++] = array;
    }
}

/* What is not finite, and what else is said of the result: {"effect": "3 of 12 are not finite, ..."} */
static clh_status add_words(arrays *a, const clh_result *r, clh_error *err)
{
    clh_strbuf words = {0}, one = {0};
    for (size_t i = 0; i < a->count; i++) {
        clh_strbuf_clear(&one);
        clh_finite_say(&a->array[i], &one);
        if (one.length == 0)
            continue;
        clh_strbuf_adds(&words, words.length ? ", " : "{");
        clh_strbuf_add_json(&words, a->array[i].name);
        clh_strbuf_adds(&words, ": ");
        clh_strbuf_add_json(&words, clh_strbuf_view(&one));
    }
    clh_strbuf_adds(&words, words.length ? "}" : "");
    clh_status status = clh_strbuf_check(one.failed ? &one : &words, err);
    if (!status && words.length > 0)
        status = add_pair(a, "not_finite", clh_strbuf_view(&words), err);
    if (!status && r->note_count > 0)
        status = add_texts(a, "notes", r->notes, r->note_count, err);
    clh_strbuf_deinit(&one);
    clh_strbuf_deinit(&words);
    return status;
}

/* What `show` asks for of a result; what is to be freed even when it fails. */
static clh_status make(arrays *out, clh_result *r, const clh_show *show, clh_error *err)
{
    const char *known = clh_result_text(r, "settings"), *said = known ? known : "{}";
    json_t *settings = NULL;
    clh_status status = clh_json_parse(&settings, said, strlen(said), 0, "settings", NULL, err);
    if (!status)
        status = make_room(out, r, json_object_size(settings), err);
    if (!status)
        status = add_stamps(out, r, settings, err);
    if (!status)
        status = add_arrays(out, r, show, err);
    if (!status && out->count > 0)
        status = add_numbers_as_text(out, r, err);
    for (size_t p = 0; p < r->parts && !status && (show->part || r->items == 0); p++)
        if (r->part[p].schema->kind != CLH_PART_VERDICTS &&
            clh_shows(show, r->part[p].schema->name))
            status = add_part(out, &r->part[p], err);
    json_decref(settings);
    order_arrays(out);
    if (!status)
        status = add_words(out, r, err);
    if (!status && out->count == 0)
        status = show->part
                     ? clh_fail(err, CLH_EINPUT,
                                "%s has no %s of this model as it was asked, want another part",
                                r->question, show->part)
                     : clh_fail(err, CLH_EINPUT, "%s has no number to write", r->question);
    return status;
}

/* clh_npz_write() or clh_safetensors_write_arrays(). */
typedef clh_status writer(const char *path, const clh_array *array, size_t count,
                          const clh_pair *pair, size_t pairs, clh_error *err);

static clh_status save(clh_result *r, const clh_show *show, const char *path, writer *write,
                       clh_error *err)
{
    arrays a = {0};
    clh_status status = make(&a, r, show, err);
    if (!status)
        status = write(path, a.array, a.count, a.pair, a.pairs, err);
    deinit(&a);
    return status;
}

static clh_status save_npz(clh_result *r, const clh_show *show, const char *path, clh_error *err)
{
    return save(r, show, path, clh_npz_write, err);
}

static clh_status save_safetensors(clh_result *r, const clh_show *show, const char *path,
                                   clh_error *err)
{
    return save(r, show, path, clh_safetensors_write_arrays, err);
}

static bool reads_arrays(const clh_show *show)
{
    return !show->part;
}

const clh_format clh_format_npz = {
    "npz",           ".npz", "arrays for NumPy", .check = check, .reads_arrays = reads_arrays,
    .save = save_npz};
const clh_format clh_format_safetensors = {"safetensors",
                                           ".safetensors",
                                           "arrays for every framework",
                                           .check = check,
                                           .reads_arrays = reads_arrays,
                                           .save = save_safetensors};
