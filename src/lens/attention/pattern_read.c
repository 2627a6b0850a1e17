/* A pattern of one's own, from a file. */
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/platform/handle.h"
#include "clearhead/heads.h"
#include "clearhead/safetensors.h"

enum { FILE_MAX = 1 << 30 };

static clh_status make_square(clh_tensor *out, size_t pos, clh_error *err)
{
    size_t cells = 0;
    if (!clh_mul_ok(pos, pos, &cells))
        return clh_fail(err, CLH_ENOMEM, "a pattern of %zu positions cannot be counted", pos);
    *out = (clh_tensor){.rank = 2, .shape = {pos, pos}};
    out->data = clh_alloc_zeroed(cells, sizeof *out->data, err);
    return out->data ? CLH_OK : CLH_ENOMEM;
}

/* [[1], [0.5, 0.5], …] or whole rows: what a row does not name is 0. */
static clh_status read_rows(clh_tensor *out, const json_t *rows, const char *path, clh_error *err)
{
    const size_t pos = json_array_size(rows);
    if (pos == 0)
        return clh_fail(err, CLH_EINPUT, "%s: want an array of rows of numbers: [[1], [0, 1]]",
                        path);
    clh_status status = make_square(out, pos, err);
    for (size_t i = 0; i < pos && !status; i++) {
        const json_t *row = json_array_get(rows, i);
        if (!json_is_array(row) || json_array_size(row) > pos)
            return clh_fail(err, CLH_ESHAPE,
                            "%s: row %zu has %zu numbers, want at most %zu, one "
                            "for each row",
                            path, i, json_array_size(row), pos);
        for (size_t j = 0; j < json_array_size(row); j++) {
            const json_t *value = json_array_get(row, j);
            if (!json_is_number(value))
                return clh_fail(err, CLH_EINPUT, "%s: row %zu, place %zu is no number", path, i, j);
            out->data[i * pos + j] = (clh_real)json_number_value(value);
        }
    }
    return status;
}

static clh_status read_json(clh_tensor *out, const char *path, clh_error *err)
{
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (status)
        return status;
    json_t *rows = NULL;
    status = clh_json_parse(&rows, text, strlen(text), 0, path, NULL, err);
    if (!status)
        status = read_rows(out, rows, path, err);
    json_decref(rows);
    clh_free(text);
    return status;
}

/* The tensor called pattern, or the only one. */
static clh_status read_tensor(clh_tensor *out, const char *path, clh_error *err)
{
    clh_safetensors *file = NULL;
    clh_tensor shape;
    clh_status status = clh_safetensors_open(&file, path, err);
    const char *name =
        !status && clh_safetensors_count(file) == 1 ? clh_safetensors_name(file, 0) : "pattern";
    if (!status)
        status = clh_safetensors_describe(file, name, &shape, NULL, err);
    if (!status && (shape.rank != 2 || shape.shape[0] != shape.shape[1]))
        status = clh_fail(err, CLH_ESHAPE,
                          "%s: %s has %zu dimensions, the first of %zu, want a "
                          "square [pos, pos]",
                          path, name, shape.rank, shape.rank ? shape.shape[0] : 0);
    if (!status)
        status = make_square(out, shape.shape[0], err);
    if (!status) {
        out->name = name;
        status = clh_safetensors_read(file, out, err);
        out->name = NULL; /* the file's, which is closed */
    }
    clh_safetensors_close(file);
    return status;
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

/* Where the name does not say: a safetensors file begins with its header's length in 8 bytes, of which the
 * last is 0, and text has no byte that is. */
static bool is_json(const char *path)
{
    clh_reading file;
    char bytes[8] = {0};
    if (ends_in(path, ".json") || ends_in(path, ".safetensors"))
        return ends_in(path, ".json");
    const bool read = !clh_reading_open(&file, path, NULL) && file.size >= sizeof bytes &&
                      !clh_reading_get(&file, bytes, sizeof bytes, 0, NULL);
    clh_handle_close(file.handle);
    return read && !memchr(bytes, 0, sizeof bytes);
}

clh_status clh_pattern_read(clh_tensor *out, const char *path, clh_error *err)
{
    if (!out || !path)
        return clh_fail(err, CLH_EUSAGE, "clh_pattern_read() was given NULL, want a path");
    *out = (clh_tensor){0};
    clh_status status = (is_json(path) ? read_json : read_tensor)(out, path, err);
    if (status) {
        clh_free(out->data);
        *out = (clh_tensor){0};
    }
    return status;
}
