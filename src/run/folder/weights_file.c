#include "run/folder/weights_file.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/quote.h"
#include "clearhead/safetensors.h"
#include "run/folder/folder.h"

enum { INDEX_MAX = 1 << 28, PARTS_MAX = 10000 };

static const char index_name[] = "model.safetensors.index.json";

/* Tensor `place` is name[place], in part[of[place]]. */
struct clh_weights_file {
    char *path,
        *folder; /* of the index, and what its names are relative to; folder NULL: no index */
    json_t *index;
    clh_safetensors **part;
    const char **part_name; /* borrowed of the index; of a single file NULL */
    size_t parts, parts_room;
    const char **name; /* borrowed of the parts or the index */
    size_t *of, count;
};

/* ---- Which file --------------------------------------------------------------------------------
 */

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcasecmp(text + length - tail, end) == 0;
}

/* What `path` means: itself, the weights of a run, or the index in a folder. */
static clh_status find_path(char **out, const char *path, clh_error *err)
{
    clh_status status = clh_folder_weights(path, out, err);
    if (status != CLH_NO)
        return status;
    char *index = clh_path_join(path, index_name, err);
    if (!index)
        return CLH_ENOMEM;
    if (!clh_path_exists(index)) {
        clh_free(index);
        return status;
    }
    *out = index;
    return CLH_OK;
}

/* ---- One file ----------------------------------------------------------------------------------
 */

static clh_status make_room(clh_weights_file *file, size_t parts, size_t tensors, clh_error *err)
{
    file->part = clh_alloc_zeroed(parts, sizeof(clh_safetensors *), err);
    file->part_name = clh_alloc_zeroed(parts, sizeof(char *), err);
    file->name = clh_alloc_zeroed(tensors, sizeof(char *), err);
    file->of = clh_alloc_zeroed(tensors, sizeof *file->of, err);
    file->parts_room = parts;
    return file->part && file->part_name && file->name && file->of ? CLH_OK : CLH_ENOMEM;
}

static clh_status open_one(clh_weights_file *file, clh_error *err)
{
    clh_safetensors *part = NULL;
    clh_status status = clh_safetensors_open(&part, file->path, err);
    if (status)
        return status;
    status = make_room(file, 1, clh_safetensors_count(part), err);
    if (status) {
        clh_safetensors_close(part);
        return status;
    }
    file->part[file->parts++] = part;
    for (; file->count < clh_safetensors_count(part); file->count++)
        file->name[file->count] = clh_safetensors_name(part, file->count);
    return CLH_OK;
}

/* ---- An index ----------------------------------------------------------------------------------
 */

static clh_status open_part(clh_weights_file *file, const char *name, size_t *at, clh_error *err)
{
    for (*at = 0; *at < file->parts; (*at)++)
        if (strcmp(file->part_name[*at], name) == 0)
            return CLH_OK;
    if (file->parts == file->parts_room)
        return clh_fail(err, CLH_ERANGE, "%s names more than %d files", file->path, PARTS_MAX);
    char *path = clh_path_join(file->folder, name, err);
    clh_status status =
        path ? clh_safetensors_open(&file->part[file->parts], path, err) : CLH_ENOMEM;
    clh_free(path);
    if (status)
        return status == CLH_ENOMEM ? status : clh_fail_context(err, status, "%s", file->path);
    file->part_name[file->parts++] = name;
    return CLH_OK;
}

static clh_status add_tensor(clh_weights_file *file, const char *name, const json_t *value,
                             clh_error *err)
{
    const char *where = json_string_value(value);
    if (!where || !where[0] || strchr(where, '/'))
        return clh_fail(err, CLH_EFORMAT, "%s: %s is in %s, want the name of a file beside it",
                        file->path, clh_quoted_name(name).text, clh_quoted_json(value).text);
    size_t at = 0;
    clh_tensor shape;
    clh_status status = open_part(file, where, &at, err);
    if (status)
        return status;
    if (clh_safetensors_describe(file->part[at], name, &shape, NULL, NULL))
        return clh_fail(err, CLH_EFORMAT, "%s: %s is said to be in %s, which has no such tensor",
                        file->path, clh_quoted_name(name).text, clh_quoted_name(where).text);
    file->name[file->count] = name;
    file->of[file->count++] = at;
    return CLH_OK;
}

static clh_status open_index(clh_weights_file *file, clh_error *err)
{
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, file->path, INDEX_MAX, err);
    if (!status)
        status = clh_json_parse(&file->index, text, strlen(text), JSON_REJECT_DUPLICATES,
                                file->path, NULL, err);
    clh_free(text);
    if (status)
        return status;
    json_t *map = json_object_get(file->index, "weight_map");
    const size_t count = json_object_size(map);
    if (!json_is_object(map) || count == 0)
        return clh_fail(err, CLH_EFORMAT,
                        "%s has no weight_map, want the index of weights in several files: "
                        "{\"weight_map\": {\"NAME\": \"model-00001-of-00002.safetensors\"}}",
                        file->path);
    file->folder = clh_path_above(file->path, err);
    status = file->folder ? make_room(file, count < PARTS_MAX ? count : PARTS_MAX, count, err)
                          : CLH_ENOMEM;
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value)
    {
        if (!status)
            status = add_tensor(file, name, value, err);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------
 */

clh_status clh_weights_open(clh_weights_file **out, const char *path, clh_error *err)
{
    assert(out && path);
    clh_weights_file *file = clh_alloc_zeroed(1, sizeof *file, err);
    if (!file)
        return CLH_ENOMEM;
    clh_status status = find_path(&file->path, path, err);
    if (!status)
        status = (ends_with(file->path, ".json") ? open_index : open_one)(file, err);
    if (status)
        clh_weights_close(file);
    else
        *out = file;
    return status;
}

void clh_weights_close(clh_weights_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->parts; i++)
        clh_safetensors_close(file->part[i]);
    clh_free(file->of);
    clh_free(file->name);
    clh_free(file->part_name);
    clh_free(file->part);
    json_decref(file->index);
    clh_free(file->folder);
    clh_free(file->path);
    clh_free(file);
}

const char *clh_weights_path(const clh_weights_file *file)
{
    return file->path;
}

size_t clh_weights_count(const clh_weights_file *file)
{
    return file->count;
}

const char *clh_weights_name(const clh_weights_file *file, size_t place)
{
    assert(place < file->count);
    return file->name[place];
}

bool clh_weights_find(const clh_weights_file *file, const char *name, size_t *place)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->name[i], name) == 0) {
            *place = i;
            return true;
        }
    return false;
}

const char *clh_weights_dtype(const clh_weights_file *file, size_t place)
{
    clh_tensor shape;
    const char *dtype = "";
    assert(place < file->count);
    (void)clh_safetensors_describe(file->part[file->of[place]], file->name[place], &shape, &dtype,
                                   NULL);
    return dtype;
}

clh_status clh_weights_read(const clh_weights_file *file, size_t place, const clh_tensor *into,
                            clh_error *err)
{
    assert(place < file->count && into);
    clh_tensor as = *into;
    as.name = file->name[place];
    return clh_safetensors_read(file->part[file->of[place]], &as, err);
}

/* Whether a file is one of several by its name, model-00001-of-00002.safetensors, and of how many. */
static bool is_part(const char *path, unsigned *of)
{
    const char *slash = strrchr(path, '/'), *dash = strstr(slash ? slash : path, "-of-");
    int end = 0;
    return dash && sscanf(dash, "-of-%5u.safetensors%n", of, &end) == 1 && end > 0 && !dash[end];
}

clh_status clh_weights_missing(const clh_weights_file *file, const char *name, clh_error *err)
{
    unsigned of = 0;
    const char *near = clh_nearest_name(name, file->name, file->count);
    if (!file->folder && is_part(file->path, &of))
        return clh_fail(err, CLH_EINPUT,
                        "%s has no tensor %s: it is one of %u files, want their index, %s",
                        file->path, clh_quoted_name(name).text, of, index_name);
    return near ? clh_fail(err, CLH_EINPUT, "%s has no tensor %s; the nearest is %s", file->path,
                           clh_quoted_name(name).text, clh_quoted_name(near).text)
                : clh_fail(err, CLH_EINPUT, "%s has no tensor %s among its %zu", file->path,
                           clh_quoted_name(name).text, file->count);
}

const char *clh_weights_metadata(const clh_weights_file *file, const char *key)
{
    return file->folder ? NULL : clh_safetensors_metadata(file->part[0], key);
}
