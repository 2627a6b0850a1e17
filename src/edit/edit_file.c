/* A file of edits: one list of them, or several with names; and the text of one. */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/json_keys.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/quote.h"
#include "edit/edit_fetch.h"

enum { FILE_MAX = 1 << 20, LISTS_MAX = 256, NAME_MOST = 63, TEXT_MOST = 255 };

static const char format_1[] = "clearhead-edits-1", format_2[] = "clearhead-edits-2";

struct clh_edit_file {
    clh_edit_list *list;
    size_t count;
    char **name, **text; /* [count] of the lists; NULL: not the file's */
    clh_edit *edit;      /* of all lists, one behind the other … */
    clh_edit_owned *of;  /* … and what they point to */
    size_t edits, reference;
    clh_edits_base base; /* count 0: none */
};

/* Reading it. */
typedef struct opening {
    clh_edit_file *file;
    clh_edit_beside beside;
    size_t at; /* the next of all edits */
} opening;

/* ---- Lists --------------------------------------------------------------------------------------
 */

static clh_status read_edits(opening *o, const json_t *array, clh_edit_list *list, clh_error *err)
{
    const size_t count = json_array_size(array);
    clh_status status = CLH_OK;
    if (count > CLH_EDITS_MAX)
        return clh_fail(err, CLH_ERANGE, "%zu edits, want at most %d", count, CLH_EDITS_MAX);
    list->edit = o->file->edit + o->at;
    list->count = count;
    for (size_t i = 0; i < count && !status; i++, o->at++)
        status = clh_edit_fetch(&o->file->edit[o->at], &o->file->of[o->at], &o->beside,
                                json_array_get(array, i), i, err);
    return status;
}

/* Room for so many lists and edits. */
static clh_status make_room(clh_edit_file *file, size_t lists, size_t edits, clh_error *err)
{
    file->list = clh_alloc_zeroed(lists, sizeof *file->list, err);
    file->name = clh_alloc_zeroed(lists, sizeof(char *), err);
    file->text = clh_alloc_zeroed(lists, sizeof(char *), err);
    file->edit = clh_alloc_zeroed(edits, sizeof *file->edit, err);
    file->of = clh_alloc_zeroed(edits, sizeof *file->of, err);
    if (!file->list || !file->name || !file->text || !file->edit || !file->of)
        return CLH_ENOMEM;
    file->count = lists;
    file->edits = edits;
    return CLH_OK;
}

static clh_status check_array(const json_t *value, const char *key, clh_error *err)
{
    return json_is_array(value) ? CLH_OK
                                : clh_fail(err, CLH_EFORMAT, "%s %s, want an array", key,
                                           value ? "is none" : "is not given");
}

static clh_status read_count(size_t *out, const json_t *value, const char *key, clh_error *err)
{
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > 1000000)
        return clh_fail(err, CLH_EINPUT, "%s wants a whole number of sequences in [1, 1000000]",
                        key);
    *out = (size_t)number;
    return CLH_OK;
}

/* ---- Version 1: one list ------------------------------------------------------------------------
 */

static clh_status read_one(opening *o, const json_t *root, clh_error *err)
{
    static const char *const keys[] = {"format", "edits", "reference"};
    const json_t *array = json_object_get(root, "edits"),
                 *reference = json_object_get(root, "reference");
    clh_status status = clh_json_keys_check(root, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    if (!status)
        status = check_array(array, "edits", err);
    if (!status && reference)
        status = read_count(&o->file->reference, reference, "reference", err);
    if (!status)
        status = make_room(o->file, 1, json_array_size(array), err);
    if (status)
        return status;
    o->file->list->name = "edited";
    return read_edits(o, array, o->file->list, err);
}

/* ---- Version 2: lists with names, and a base ----------------------------------------------------
 */

static bool is_name(const char *text)
{
    size_t length = 0;
    for (; text && text[length]; length++) {
        const char c = text[length];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return length > 0 && length <= NAME_MOST;
}

static clh_status check_name(const char *name, size_t index, clh_error *err)
{
    return is_name(name)
               ? CLH_OK
               : clh_fail(err, CLH_EINPUT,
                          "intervention %zu: name wants a text of 1 to %d letters, digits, _ or -",
                          index, NAME_MOST);
}

static clh_status read_list(opening *o, const json_t *object, size_t index, clh_error *err)
{
    static const char *const keys[] = {"name", "text", "edits"};
    clh_edit_file *file = o->file;
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *text = json_object_get(object, "text"), *array = json_object_get(object, "edits");
    if (!json_is_object(object))
        return clh_fail(err, CLH_EINPUT, "intervention %zu is no object", index);
    clh_status status = clh_json_keys_check(object, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    if (!status)
        status = check_name(name, index, err);
    for (size_t i = 0; i < index && !status; i++)
        if (strcmp(file->name[i], name) == 0)
            status = clh_fail(err, CLH_EINPUT, "two interventions are called %s", name);
    if (!status && text && (!json_is_string(text) || json_string_length(text) > TEXT_MOST))
        status =
            clh_fail(err, CLH_EINPUT, "%s: text wants a text of at most %d bytes", name, TEXT_MOST);
    if (status)
        return status;
    file->name[index] = clh_text_copy(name, err);
    file->text[index] = clh_text_copy(text ? json_string_value(text) : "", err);
    if (!file->name[index] || !file->text[index])
        return CLH_ENOMEM;
    file->list[index] = (clh_edit_list){.name = file->name[index], .text = file->text[index]};
    status = check_array(array, "edits", err);
    if (!status)
        status = read_edits(o, array, &file->list[index], err);
    return status ? clh_fail_context(err, status, "%s", name) : CLH_OK;
}

static clh_status read_base(clh_edits_base *base, const json_t *object, clh_error *err)
{
    static const char *const keys[] = {"split", "first", "count", "seed"};
    const json_t *first = json_object_get(object, "first"), *seed = json_object_get(object, "seed");
    const char *split = json_string_value(json_object_get(object, "split"));
    const bool train = split && strcmp(split, "train") == 0;
    if (!json_is_object(object))
        return clh_fail(err, CLH_EINPUT, "base is no object");
    clh_status status = clh_json_keys_check(object, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    if (!status && !train && (!split || strcmp(split, "test") != 0))
        status = clh_fail(err, CLH_EINPUT, "split wants train or test");
    if (!status && first && (!json_is_integer(first) || json_integer_value(first) < 0))
        status = clh_fail(err, CLH_EINPUT, "first wants a whole number, 0 or more");
    if (!status && seed && (!json_is_integer(seed) || json_integer_value(seed) < 0))
        status = clh_fail(err, CLH_EINPUT, "seed wants a whole number, 0 or more");
    if (!status)
        status = read_count(&base->count, json_object_get(object, "count"), "count", err);
    if (status)
        return clh_fail_context(err, status, "base");
    base->split = train ? CLH_SPLIT_TRAIN : CLH_SPLIT_TEST;
    base->first = (uint64_t)json_integer_value(first);
    base->seed = (uint64_t)json_integer_value(seed);
    base->seeded = seed != NULL;
    return CLH_OK;
}

static clh_status read_several(opening *o, const json_t *root, clh_error *err)
{
    static const char *const keys[] = {"format", "interventions", "base"};
    const json_t *array = json_object_get(root, "interventions"),
                 *base = json_object_get(root, "base");
    const size_t count = json_array_size(array);
    size_t edits = 0;
    clh_status status = clh_json_keys_check(root, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    if (!status)
        status = check_array(array, "interventions", err);
    if (!status && (count < 1 || count > LISTS_MAX))
        status = clh_fail(err, CLH_ERANGE, "%zu interventions, want 1 to %d", count, LISTS_MAX);
    if (!status && base)
        status = read_base(&o->file->base, base, err);
    for (size_t i = 0; i < count; i++)
        edits += json_array_size(json_object_get(json_array_get(array, i), "edits"));
    if (!status)
        status = make_room(o->file, count, edits, err);
    for (size_t i = 0; i < count && !status; i++)
        status = read_list(o, json_array_get(array, i), i, err);
    return status;
}

/* ---- The file -----------------------------------------------------------------------------------
 */

static clh_status read_all(opening *o, const json_t *root, clh_error *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    if (format && strcmp(format, format_1) == 0)
        return read_one(o, root, err);
    if (format && strcmp(format, format_2) == 0)
        return read_several(o, root, err);
    return clh_fail(err, CLH_EFORMAT, "format is %s, want %s or %s",
                    format ? clh_quoted_text(format).text : "not given", format_1, format_2);
}

/* The text of a file; beside->path is what errors call it. */
static clh_status read_text(clh_edit_file **out, const char *text, const clh_edit_beside *beside,
                            clh_error *err)
{
    json_t *root = NULL;
    clh_status status =
        clh_json_parse(&root, text, strlen(text), JSON_REJECT_DUPLICATES, beside->path, NULL, err);
    if (status)
        return status;
    opening o = {.beside = *beside};
    o.file = clh_alloc_zeroed(1, sizeof *o.file, err);
    status = o.file ? read_all(&o, root, err) : CLH_ENOMEM;
    json_decref(root);
    if (status) {
        clh_edit_file_close(o.file);
        return clh_fail_context(err, status, "%s", beside->path);
    }
    *out = o.file;
    return CLH_OK;
}

clh_status clh_edit_file_open(clh_edit_file **out, const char *path, const clh_run *run,
                              clh_error *err)
{
    if (!out || !path)
        return clh_fail(err, CLH_EINPUT, "no path of a file of edits");
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (!status)
        status = read_text(out, text, &(clh_edit_beside){path, run}, err);
    clh_free(text);
    return status;
}

const clh_edit_list *clh_edit_file_lists(const clh_edit_file *file, size_t *count)
{
    if (count)
        *count = file ? file->count : 0;
    return file ? file->list : NULL;
}

const clh_edit *clh_edit_file_edits(const clh_edit_file *file, size_t *count)
{
    if (count)
        *count = file ? file->list->count : 0;
    return file ? file->list->edit : NULL;
}

size_t clh_edit_file_reference(const clh_edit_file *file)
{
    return file ? file->reference : 0;
}

const clh_edits_base *clh_edit_file_base(const clh_edit_file *file)
{
    return file && file->base.count ? &file->base : NULL;
}

void clh_edit_file_close(clh_edit_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->edits; i++)
        clh_edit_owned_deinit(&file->of[i]);
    for (size_t l = 0; l < file->count; l++) {
        clh_free(file->text[l]);
        clh_free(file->name[l]);
    }
    clh_free(file->of);
    clh_free(file->edit);
    clh_free((void *)file->text);
    clh_free((void *)file->name);
    clh_free(file->list);
    clh_free(file);
}

/* ---- Its text -----------------------------------------------------------------------------------
 */

static clh_status print_list(clh_strbuf *out, const clh_edit_list *list, size_t index,
                             clh_error *err)
{
    clh_status status = check_name(list->name, index, err);
    clh_strbuf_addf(out, "%s\n  {\"name\": \"%s\", \"text\": ", index ? "," : "",
                    list->name ? list->name : "");
    clh_strbuf_add_json(out, list->text ? list->text : "");
    clh_strbuf_adds(out, ", \"edits\": [");
    for (size_t i = 0; i < list->count && !status; i++) {
        clh_strbuf_adds(out, i ? ", " : "");
        status = clh_edit_print(out, &list->edit[i], i, err);
        if (status)
            clh_fail_context(err, status, "%s", list->name);
    }
    clh_strbuf_adds(out, "]}");
    return status;
}

/* That it can be read: more lists than there may be, or two of one name, are found here. */
static clh_status check_text(const char *text, clh_error *err)
{
    clh_edit_file *file = NULL;
    clh_status status = strlen(text) <= FILE_MAX
                            ? read_text(&file, text, &(clh_edit_beside){"the text", NULL}, err)
                            : clh_fail(err, CLH_ERANGE, "the text has %zu bytes, want at most %d",
                                       strlen(text), FILE_MAX);
    clh_edit_file_close(file);
    return status;
}

clh_status clh_edit_file_text(char **out, const clh_edit_list *lists, size_t count,
                              const clh_edits_base *base, clh_error *err)
{
    CLH_REQUIRE(out && (lists || count == 0), err, "lists of edits, and room for their text");
    clh_strbuf text = {0};
    clh_status status =
        base ? clh_check_enum((unsigned)base->split, CLH_SPLIT_TEST + 1, "split", err) : CLH_OK;
    for (size_t l = 0; l < count && !status; l++)
        if (lists[l].count > 0 && !lists[l].edit)
            status = clh_fail(err, CLH_EUSAGE, "list %zu lacks its edits", l);
    if (status)
        return status;
    clh_strbuf_addf(&text, "{\"format\": \"%s\",\n", format_2);
    if (base) {
        clh_strbuf_addf(&text, " \"base\": {\"split\": \"%s\", \"first\": %llu, \"count\": %zu",
                        base->split == CLH_SPLIT_TRAIN ? "train" : "test",
                        (unsigned long long)base->first, base->count);
        if (base->seeded)
            clh_strbuf_addf(&text, ", \"seed\": %llu", (unsigned long long)base->seed);
        clh_strbuf_adds(&text, "},\n");
    }
    clh_strbuf_adds(&text, " \"interventions\": [");
    for (size_t l = 0; l < count && !status; l++)
        status = print_list(&text, &lists[l], l, err);
    clh_strbuf_adds(&text, "]}\n");
    if (!status)
        status = clh_strbuf_check(&text, err);
    if (!status)
        status = check_text(clh_strbuf_view(&text), err);
    if (!status) {
        *out = clh_strbuf_take(&text, err);
        status = *out ? CLH_OK : CLH_ENOMEM;
    }
    clh_strbuf_deinit(&text);
    return status;
}
