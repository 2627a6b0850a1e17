/* Edits from a JSON file. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/file.h"
#include "clearhead/edit.h"

enum { FILE_MAX = 1 << 20 };

typedef const char *name_of(int index);

static const char *kind_name(int index)
{
    return clh_edit_kind_name((clh_edit_kind)index);
}

static const char *sources_name(int index)
{
    return clh_edit_sources_name((clh_edit_sources)index);
}

static clh_status read_choice(int *out, const json_t *value, const char *key, name_of *name,
                              int count, size_t index, clh_error *err)
{
    const char *text = json_string_value(value), *names[CLH_EDIT_KINDS];
    for (int i = 0; i < count; i++) {
        names[i] = name(i);
        if (text && strcmp(text, names[i]) == 0) {
            *out = i;
            return CLH_OK;
        }
    }
    const char *near = text ? clh_nearest_name(text, names, (size_t)count) : NULL;
    return clh_fail(err, CLH_EINPUT, "edit %zu: %s is %s, want %s%s%s", index, key,
                    text ? text : "no text", near ? near : "one of those in docs/formats.md",
                    near ? "" : ", such as ", near ? "" : names[0]);
}

/* Whole numbers of an array into `out`; heads are never negative. */
static clh_status read_list(long *out, size_t *count, const json_t *value, const char *key,
                            bool negative, size_t index, clh_error *err)
{
    *count = json_array_size(value);
    if (!json_is_array(value) || *count == 0 || *count > CLH_EDIT_LIST_MAX)
        return clh_fail(err, CLH_EINPUT, "edit %zu: %s want an array of 1 to %d whole numbers",
                        index, key, CLH_EDIT_LIST_MAX);
    for (size_t i = 0; i < *count; i++) {
        const json_t *item = json_array_get(value, i);
        const json_int_t number = json_integer_value(item);
        if (!json_is_integer(item) || number < (negative ? -1000000 : 0) || number > 1000000)
            return clh_fail(err, CLH_EINPUT,
                            "edit %zu: %s[%zu] is not a whole number in [%d, 1000000]", index, key,
                            i, negative ? -1000000 : 0);
        out[i] = (long)number;
    }
    return CLH_OK;
}

static clh_status read_key(clh_edit *out, const char *key, const json_t *value, size_t index,
                           clh_error *err)
{
    static const char *const keys[] = {"kind", "site", "value", "sources", "heads", "positions"};
    long list[CLH_EDIT_LIST_MAX] = {0};
    size_t count = 0;
    int choice = 0;
    clh_status status = CLH_OK;
    if (strcmp(key, "kind") == 0) {
        status = read_choice(&choice, value, key, kind_name, CLH_EDIT_KINDS, index, err);
        out->kind = (clh_edit_kind)choice;
    } else if (strcmp(key, "sources") == 0) {
        status = read_choice(&choice, value, key, sources_name, CLH_SOURCES_KINDS, index, err);
        out->sources = (clh_edit_sources)choice;
    } else if (strcmp(key, "site") == 0) {
        const char *text = json_string_value(value);
        if (!text || !text[0] || strlen(text) >= sizeof out->site)
            return clh_fail(err, CLH_EINPUT, "edit %zu: site wants a text of 1 to %zu bytes", index,
                            sizeof out->site - 1);
        (void)snprintf(out->site, sizeof out->site, "%s", text);
    } else if (strcmp(key, "value") == 0) {
        if (!json_is_number(value) || !isfinite((float)json_number_value(value)))
            return clh_fail(err, CLH_EINPUT, "edit %zu: value wants a finite number", index);
        out->value = json_number_value(value);
    } else if (strcmp(key, "heads") == 0) {
        status = read_list(list, &out->head_count, value, key, false, index, err);
        for (size_t i = 0; i < out->head_count && !status; i++)
            out->heads[i] = (size_t)list[i];
    } else if (strcmp(key, "positions") == 0) {
        status = read_list(out->positions, &count, value, key, true, index, err);
        out->position_count = (long)count;
    } else {
        const char *near = clh_nearest_name(key, keys, CLH_COUNT(keys));
        return clh_fail(err, CLH_EINPUT, "edit %zu: unknown key %s; %s%s", index, key,
                        near ? "did you mean " : "keys begin with ", near ? near : keys[0]);
    }
    return status;
}

/* What each kind needs, and nothing it does not take. */
static clh_status check_keys(const clh_edit *edit, const json_t *object, size_t index,
                             clh_error *err)
{
    const clh_edit_kind kind = edit->kind;
    const bool values = kind == CLH_EDIT_SET || kind == CLH_EDIT_ADD;
    const bool sources = kind == CLH_EDIT_ONLY || kind == CLH_EDIT_WITHOUT;
    const bool site_free = sources || kind == CLH_EDIT_ONE_HOT;
    const struct {
        const char *key;
        bool needs, takes;
    } rule[] = {{"kind", true, true},
                {"value", values, values},
                {"sources", sources, sources},
                {"heads", false, kind != CLH_EDIT_DIRECT},
                {"site", !site_free && kind != CLH_EDIT_DIRECT, kind != CLH_EDIT_DIRECT}};
    for (size_t i = 0; i < CLH_COUNT(rule); i++) {
        const bool given = json_object_get(object, rule[i].key) != NULL;
        if (given ? !rule[i].takes : rule[i].needs)
            return clh_fail(err, CLH_EINPUT, "edit %zu: %s %s %s", index, clh_edit_kind_name(kind),
                            given ? "takes no" : "needs a", rule[i].key);
    }
    return CLH_OK;
}

static clh_status read_all(clh_edit *out, size_t *count, const json_t *root, clh_error *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *list = json_object_get(root, "edits");
    if (!format || strcmp(format, "clearhead-edits-1") != 0)
        return clh_fail(err, CLH_EFORMAT, "format is %s, want clearhead-edits-1",
                        format ? format : "not given");
    if (!json_is_array(list) || json_object_size(root) != 2)
        return clh_fail(err, CLH_EFORMAT, "want the keys format and edits, an array, and no other");
    *count = json_array_size(list);
    if (*count > CLH_EDITS_MAX)
        return clh_fail(err, CLH_ERANGE, "%zu edits, want at most %d", *count, CLH_EDITS_MAX);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < *count && !status; i++) {
        json_t *object = json_array_get(list, i);
        out[i] = (clh_edit){0};
        if (!json_is_object(object))
            return clh_fail(err, CLH_EINPUT, "edit %zu is no object", i);
        for (void *at = json_object_iter(object); at && !status;
             at = json_object_iter_next(object, at))
            status =
                read_key(&out[i], json_object_iter_key(at), json_object_iter_value(at), i, err);
        if (!status)
            status = check_keys(&out[i], object, i, err);
    }
    return status;
}

clh_status clh_edits_read(clh_edit *out, size_t *count, const char *path, clh_error *err)
{
    char *text = NULL;
    json_error_t where;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (status)
        return status;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    clh_free(text);
    if (!root)
        return clh_fail(err, CLH_EFORMAT, "%s, line %d: %s", path, where.line, where.text);
    status = read_all(out, count, root, err);
    if (status)
        status = clh_fail_context(err, status, "%s", path);
    json_decref(root);
    return status;
}
