#include "file/safetensors_header.h"
#include "base/json_text.h"
#include "base/platform/decimal.h"
#include "base/quote.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every dtype of whole bytes in the format; only their sizes matter here. */
static const struct {
    const char *name;
    size_t size;
} dtype_table[] = {
    {"F32", 4},     {"F64", 8},     {"BOOL", 1},        {"U8", 1},          {"I8", 1},
    {"I16", 2},     {"U16", 2},     {"F16", 2},         {"BF16", 2},        {"I32", 4},
    {"U32", 4},     {"I64", 8},     {"U64", 8},         {"C64", 8},         {"F8_E4M3", 1},
    {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"F8_E4M3FNUZ", 1}, {"F8_E5M2FNUZ", 1},
};

/* What a message says it found, into `out`. */
static const char *found_text(const json_t *value, char out[64])
{
    static const char *const type_text[] = {"an object", "a list", "text",  "an integer",
                                            "a real",    "true",   "false", "null"};
    if (!value)
        return "missing";
    (void)snprintf(out, 64, "%s", type_text[json_typeof(value)]);
    if (json_is_integer(value))
        (void)snprintf(out, 64, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        (void)clh_snprintf(out, 64, "the real %.17g", json_real_value(value));
    else if (json_is_array(value))
        (void)snprintf(out, 64, "a list of %zu", json_array_size(value));
    return out;
}

static bool size_from(const json_t *value, size_t *out)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uintmax_t)number > SIZE_MAX)
        return false;
    *out = (size_t)number;
    return true;
}

/* All a check needs to complain about one tensor. */
typedef struct site {
    const char *path;
    clh_quote tensor;
    clh_error *err;
} site;

static clh_status dtype_parse(clh_safetensors_entry *entry, const json_t *value, const site *at)
{
    char found[64];
    const char *dtype = json_string_value(value);
    if (!dtype)
        return clh_fail(at->err, CLH_EFORMAT, "%s: tensor %s: dtype is %s, want text such as F32",
                        at->path, at->tensor.text, found_text(value, found));
    for (size_t i = 0; i < CLH_COUNT(dtype_table); i++) {
        if (strcmp(dtype, dtype_table[i].name) == 0) {
            entry->dtype = dtype_table[i].name;
            entry->dtype_size = dtype_table[i].size;
            return CLH_OK;
        }
    }
    return clh_fail(at->err, CLH_EFORMAT,
                    "%s: tensor %s: dtype is \"%s\", want F32 or another that is known", at->path,
                    at->tensor.text, clh_quoted_text(dtype).text);
}

/* Shape into the entry, and the bytes that shape and dtype ask for. */
static clh_status shape_parse(clh_safetensors_entry *entry, size_t *bytes, const json_t *value,
                              const site *at)
{
    char found[64];
    if (!json_is_array(value))
        return clh_fail(at->err, CLH_EFORMAT, "%s: tensor %s: shape is %s, want a list of sizes",
                        at->path, at->tensor.text, found_text(value, found));
    entry->rank = json_array_size(value);
    *bytes = entry->dtype_size;
    for (size_t i = 0; i < entry->rank; i++) {
        const json_t *item = json_array_get(value, i);
        size_t size;
        if (!size_from(item, &size))
            return clh_fail(at->err, CLH_EFORMAT,
                            "%s: tensor %s: shape[%zu] is %s, want an integer from 0", at->path,
                            at->tensor.text, i, found_text(item, found));
        if (!clh_mul_ok(*bytes, size, bytes))
            return clh_fail(at->err, CLH_EFORMAT,
                            "%s: tensor %s: shape[%zu] is %zu, with which it has more bytes than "
                            "can be counted",
                            at->path, at->tensor.text, i, size);
        if (i < CLH_RANK_MAX)
            entry->shape[i] = size;
    }
    return CLH_OK;
}

static clh_status offsets_parse(clh_safetensors_entry *entry, size_t bytes, const json_t *value,
                                size_t data_size, const site *at)
{
    char found[64];
    if (!json_is_array(value) || json_array_size(value) != 2)
        return clh_fail(at->err, CLH_EFORMAT,
                        "%s: tensor %s: data_offsets is %s, want [begin, end]", at->path,
                        at->tensor.text, found_text(value, found));
    size_t *const into[2] = {&entry->begin, &entry->end};
    for (size_t i = 0; i < 2; i++) {
        const json_t *item = json_array_get(value, i);
        if (!size_from(item, into[i]))
            return clh_fail(at->err, CLH_EFORMAT,
                            "%s: tensor %s: data_offsets[%zu] is %s, want an integer from 0",
                            at->path, at->tensor.text, i, found_text(item, found));
    }
    if (entry->begin > entry->end || entry->end - entry->begin != bytes)
        return clh_fail(at->err, CLH_EFORMAT,
                        "%s: tensor %s: data_offsets are [%zu, %zu], want %zu bytes as its dtype "
                        "%s and shape say",
                        at->path, at->tensor.text, entry->begin, entry->end, bytes, entry->dtype);
    if (entry->end > data_size)
        return clh_fail(at->err, CLH_EFORMAT,
                        "%s: tensor %s ends at byte %zu of the data, the file has %zu", at->path,
                        at->tensor.text, entry->end, data_size);
    return CLH_OK;
}

static clh_status entry_parse(clh_safetensors_entry *entry, const char *name, const json_t *value,
                              size_t data_size, const char *path, clh_error *err)
{
    char found[64];
    site at = {.path = path, .tensor = clh_quoted_name(name), .err = err};
    if (!json_is_object(value))
        return clh_fail(err, CLH_EFORMAT,
                        "%s: tensor %s is %s, want an object with dtype, shape and data_offsets",
                        path, at.tensor.text, found_text(value, found));
    size_t bytes = 0;
    entry->name = name;
    clh_status status = dtype_parse(entry, json_object_get(value, "dtype"), &at);
    if (!status)
        status = shape_parse(entry, &bytes, json_object_get(value, "shape"), &at);
    if (!status)
        status =
            offsets_parse(entry, bytes, json_object_get(value, "data_offsets"), data_size, &at);
    return status;
}

static clh_status metadata_check(json_t *metadata, const char *path, clh_error *err)
{
    char found[64];
    if (metadata && !json_is_null(metadata) && !json_is_object(metadata))
        return clh_fail(err, CLH_EFORMAT, "%s: " CLH_SAFETENSORS_METADATA " is %s, want an object",
                        path, found_text(metadata, found));
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return clh_fail(err, CLH_EFORMAT,
                            "%s: " CLH_SAFETENSORS_METADATA " %s is %s, want text", path,
                            clh_quoted_name(key).text, found_text(value, found));
    }
    return CLH_OK;
}

/* By data; empty tensors before what begins with them; then as in the header. */
static int entry_compare(const void *left, const void *right)
{
    const clh_safetensors_entry *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* Sort the entries by their data and see that they cover it: no overlap, no hole, nothing after. */
static clh_status layout_check(clh_safetensors_header *header, size_t data_size, const char *path,
                               clh_error *err)
{
    size_t end = 0;
    if (header->count > 1)
        qsort(header->entries, header->count, sizeof header->entries[0], entry_compare);
    for (size_t i = 0; i < header->count; i++) {
        const clh_safetensors_entry *entry = &header->entries[i];
        header->names[i] = entry->name;
        if (entry->begin != end)
            return clh_fail(err, CLH_EFORMAT,
                            "%s: tensor %s begins at byte %zu of the data, want %zu where %s", path,
                            clh_quoted_name(entry->name).text, entry->begin, end,
                            i == 0 ? "the data begins" : "the tensor before it ends");
        end = entry->end;
    }
    if (end != data_size)
        return clh_fail(err, CLH_EFORMAT,
                        "%s: the tensors end at byte %zu of the data, the file has %zu", path, end,
                        data_size);
    return CLH_OK;
}

static clh_status root_parse(clh_safetensors_header *out, const char *text, size_t length,
                             const char *path, clh_error *err)
{
    if (length == 0 || text[0] != '{')
        return clh_fail(err, CLH_EFORMAT, "%s: the header begins with %s, want '{'", path,
                        length ? "another byte" : "nothing");
    json_error_t where;
    const clh_status status =
        clh_json_parse(&out->root, text, length, JSON_REJECT_DUPLICATES, path, &where, err);
    return status != CLH_EFORMAT ? status
                                 : clh_fail(err, status, "%s: the header is not JSON: %s (byte %d)",
                                            path, where.text, where.position);
}

static clh_status entries_parse(clh_safetensors_header *out, size_t data_size, const char *path,
                                clh_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(out->root, name, value)
    {
        if (strcmp(name, CLH_SAFETENSORS_METADATA) == 0)
            continue;
        clh_safetensors_entry *entry = &out->entries[out->count];
        entry->place = out->count++;
        clh_status status = entry_parse(entry, name, value, data_size, path, err);
        if (status)
            return status;
    }
    return layout_check(out, data_size, path, err);
}

clh_status clh_safetensors_header_parse(clh_safetensors_header *out, const char *text,
                                        size_t length, size_t data_size, const char *path,
                                        clh_error *err)
{
    assert(out && text && path && length <= CLH_SAFETENSORS_HEADER_MAX);
    *out = (clh_safetensors_header){0};
    clh_status status = root_parse(out, text, length, path, err);
    if (status)
        return status;
    out->metadata = json_object_get(out->root, CLH_SAFETENSORS_METADATA);
    size_t room = json_object_size(out->root);
    out->entries = clh_alloc_zeroed(room, sizeof out->entries[0], err);
    out->names = out->entries ? clh_alloc_zeroed(room, sizeof out->names[0], err) : NULL;
    status = out->names ? metadata_check(out->metadata, path, err) : CLH_ENOMEM;
    if (!status)
        status = entries_parse(out, data_size, path, err);
    if (status)
        clh_safetensors_header_deinit(out);
    return status;
}

const clh_safetensors_entry *clh_safetensors_header_find(const clh_safetensors_header *header,
                                                         const char *name)
{
    assert(header && name);
    for (size_t i = 0; i < header->count; i++)
        if (strcmp(header->names[i], name) == 0)
            return &header->entries[i];
    return NULL;
}

void clh_safetensors_header_deinit(clh_safetensors_header *header)
{
    clh_free(header->names);
    clh_free(header->entries);
    json_decref(header->root);
    *header = (clh_safetensors_header){0};
}
