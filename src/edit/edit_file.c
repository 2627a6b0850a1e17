/* A file of edits, and the tensors, sequences and models it names. */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/base.h"
#include "base/json_keys.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "clearhead/safetensors.h"
#include "edit/edit_read.h"
#include "edit/what.h"
#include "run/checkpoint.h"

enum { FILE_MAX = 1 << 20 };

struct clh_edit_file {
    clh_edit edit[CLH_EDITS_MAX];
    clh_edit_room room[CLH_EDITS_MAX];
    size_t count, reference;
    char *name[CLH_EDITS_MAX]; /* "tensor t of x.safetensors" */
    clh_real *data[CLH_EDITS_MAX];
    uint32_t *ids[CLH_EDITS_MAX];
    clh_run *other[CLH_EDITS_MAX];
};

/* Reading one of its edits. */
typedef struct opening {
    clh_edit_file *file;
    const char *path;   /* of the file */
    const clh_run *run; /* may be NULL */
    size_t index;
} opening;

/* `name`, from the folder the file of edits is in unless it is absolute; the caller's to free. */
static char *beside(const char *path, const char *name, clh_error *err)
{
    const char *slash = strrchr(path, '/');
    if (name[0] == '/' || !slash)
        return clh_text_copy(name, err);
    char *folder = clh_text_copy(path, err);
    if (!folder)
        return NULL;
    folder[slash - path + (slash == path)] = '\0'; /* "/" keeps its own */
    char *joined = clh_path_join(folder, name, err);
    clh_free(folder);
    return joined;
}

/* ---- Tensors ------------------------------------------------------------------------------------
 */

static clh_status read_numbers(const opening *o, const clh_safetensors *from, const char *tensor,
                               clh_error *err)
{
    clh_tensor t;
    clh_status status = clh_safetensors_describe(from, tensor, &t, NULL, err);
    if (status)
        return status;
    t.data = o->file->data[o->index] = clh_alloc_array(clh_tensor_count(&t), sizeof *t.data, err);
    if (!t.data)
        return CLH_ENOMEM;
    status = clh_safetensors_read_any(from, &t, err); /* clh_edit_check() looks for NaN */
    t.name = o->file->name[o->index];
    o->file->edit[o->index].tensor = t;
    return status;
}

static clh_status take_tensor(const opening *o, const clh_edit_outside *outside, clh_error *err)
{
    clh_safetensors *from = NULL;
    char *path = beside(o->path, outside->file, err);
    const size_t size = strlen(outside->file) + strlen(outside->tensor) + 16;
    char *name = o->file->name[o->index] = clh_alloc_array(size, 1, err);
    clh_status status = path && name ? clh_safetensors_open(&from, path, err) : CLH_ENOMEM;
    if (!status) {
        (void)snprintf(name, size, "tensor %s of %s", outside->tensor, outside->file);
        status = read_numbers(o, from, outside->tensor, err);
    }
    clh_safetensors_close(from);
    clh_free(path);
    return status;
}

/* ---- Sequences ----------------------------------------------------------------------------------
 */

static clh_status ids_of_array(uint32_t *ids, const json_t *list, clh_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const json_int_t id = json_integer_value(item);
        if (!json_is_integer(item) || id < 0 || id > INT_MAX)
            return clh_fail(err, CLH_EINPUT, "tokens[%zu] is no token id", i);
        ids[i] = (uint32_t)id;
    }
    return CLH_OK;
}

static clh_status encode(const opening *o, const char *key, const char *text,
                         clh_sequence *sequence, clh_error *err)
{
    const clh_task *task = o->run ? clh_run_task(o->run) : NULL;
    if (!task)
        return clh_fail(err, CLH_EINPUT, "%s need a run with a task, want tokens", key);
    return strcmp(key, "letters") == 0
               ? clh_task_expand(task, text, sequence, err)
               : clh_task_encode(task, text, sequence->tokens, sequence->capacity,
                                 &sequence->length, err);
}

/* {"letters": TEXT}, {"text": TEXT} or {"tokens": [IDS]} */
static clh_status take_sequence(const opening *o, const json_t *from, clh_error *err)
{
    const char *const wanted = "want an object with letters, text or tokens";
    json_t *object = (json_t *)from; /* jansson iterates over what may change */
    const char *key = json_object_iter_key(json_object_iter(object));
    const json_t *value = key ? json_object_get(from, key) : NULL;
    const char *text = json_string_value(value);
    const bool tokens = key && strcmp(key, "tokens") == 0 && json_is_array(value);
    const bool texts = key && (strcmp(key, "letters") == 0 || strcmp(key, "text") == 0) && text;
    if (json_object_size(from) != 1 || (!tokens && !texts))
        return clh_fail(err, CLH_EINPUT, "%s", wanted);
    clh_sequence s = {.length = json_array_size(value)};
    s.capacity = tokens   ? s.length
                 : o->run ? clh_model_get_config(clh_run_model(o->run))->n_ctx
                          : 0;
    s.tokens = o->file->ids[o->index] = clh_alloc_zeroed(s.capacity, sizeof *s.tokens, err);
    if (!s.tokens)
        return CLH_ENOMEM;
    clh_status status = tokens ? ids_of_array(s.tokens, value, err) : encode(o, key, text, &s, err);
    o->file->edit[o->index].from = (clh_tokens){s.tokens, 1, s.length};
    return status;
}

/* ---- Models -------------------------------------------------------------------------------------
 */

static clh_status take_model(const opening *o, const clh_edit_outside *outside, clh_error *err)
{
    const char *from = json_string_value(outside->from);
    if (outside->from && !from)
        return clh_fail(err, CLH_EINPUT, "want the path of a run or checkpoint, as a text");
    if (!from && !o->run)
        return clh_fail(err, CLH_EINPUT, "a step without a run, want the run it is of");
    char *run = from ? beside(o->path, from, err) : clh_text_copy(clh_run_path(o->run), err);
    char *path = !run                        ? NULL
                 : outside->step == SIZE_MAX ? clh_text_copy(run, err)
                                             : clh_checkpoint_path(run, outside->step, err);
    clh_status status = path ? CLH_OK : CLH_ENOMEM;
    if (!status && outside->step != SIZE_MAX && !clh_path_exists(path))
        status = clh_fail(err, CLH_EINPUT, "%s has no checkpoint of step %zu", run, outside->step);
    if (!status)
        status = clh_run_open(&o->file->other[o->index], path, err);
    if (!status)
        o->file->edit[o->index].other = clh_run_model(o->file->other[o->index]);
    clh_free(path);
    clh_free(run);
    return status;
}

/* ---- The file -----------------------------------------------------------------------------------
 */

static clh_status read_edit(const opening *o, const json_t *object, clh_error *err)
{
    clh_edit *edit = &o->file->edit[o->index];
    clh_edit_outside outside;
    clh_status status =
        clh_edit_read(edit, &o->file->room[o->index], &outside, object, o->index, err);
    if (status)
        return status;
    const unsigned takes = clh_what_at(edit->kind)->takes;
    if (outside.file)
        status = take_tensor(o, &outside, err);
    else if (takes & CLH_TAKES_SEQUENCE)
        status = take_sequence(o, outside.from, err);
    else if (takes & CLH_TAKES_MODEL)
        status = take_model(o, &outside, err);
    return status ? clh_fail_context(err, status, "edit %zu: %s", o->index,
                                     outside.file ? "file" : "from")
                  : CLH_OK;
}

/* "reference": how many other sequences. */
static clh_status read_reference(clh_edit_file *file, const json_t *root, clh_error *err)
{
    const json_t *value = json_object_get(root, "reference");
    const json_int_t number = json_integer_value(value);
    if (value && (!json_is_integer(value) || number < 1 || number > 1000000))
        return clh_fail(err, CLH_EINPUT,
                        "reference wants a whole number of sequences in [1, "
                        "1000000]");
    file->reference = (size_t)number;
    return CLH_OK;
}

static clh_status read_all(opening *o, const json_t *root, clh_error *err)
{
    static const char *const keys[] = {"format", "edits", "reference"};
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *list = json_object_get(root, "edits");
    if (!format || strcmp(format, "clearhead-edits-1") != 0)
        return clh_fail(err, CLH_EFORMAT, "format is %s, want clearhead-edits-1",
                        format ? format : "not given");
    clh_status status = clh_json_keys_check(root, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    if (status)
        return status;
    if (!json_is_array(list))
        return clh_fail(err, CLH_EFORMAT, "edits %s, want an array",
                        list ? "is none" : "is not given");
    o->file->count = json_array_size(list);
    if (o->file->count > CLH_EDITS_MAX)
        return clh_fail(err, CLH_ERANGE, "%zu edits, want at most %d", o->file->count,
                        CLH_EDITS_MAX);
    status = read_reference(o->file, root, err);
    for (o->index = 0; o->index < o->file->count && !status; o->index++)
        status = read_edit(o, json_array_get(list, o->index), err);
    return status;
}

clh_status clh_edit_file_open(clh_edit_file **out, const char *path, const clh_run *run,
                              clh_error *err)
{
    assert(out && path);
    char *text = NULL;
    json_error_t where;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (status)
        return status;
    json_t *root = clh_json_read(text, strlen(text), JSON_REJECT_DUPLICATES, &where);
    clh_free(text);
    if (!root)
        return clh_fail(err, CLH_EFORMAT, "%s, line %d: %s", path, where.line, where.text);
    opening o = {.path = path, .run = run};
    o.file = clh_alloc_zeroed(1, sizeof *o.file, err);
    status = o.file ? read_all(&o, root, err) : CLH_ENOMEM;
    json_decref(root);
    if (status) {
        clh_edit_file_close(o.file);
        return clh_fail_context(err, status, "%s", path);
    }
    *out = o.file;
    return CLH_OK;
}

const clh_edit *clh_edit_file_edits(const clh_edit_file *file, size_t *count)
{
    assert(file && count);
    *count = file->count;
    return file->edit;
}

size_t clh_edit_file_reference(const clh_edit_file *file)
{
    return file->reference;
}

void clh_edit_file_close(clh_edit_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < CLH_EDITS_MAX; i++) {
        clh_run_close(file->other[i]);
        clh_free(file->ids[i]);
        clh_free(file->data[i]);
        clh_free(file->name[i]);
    }
    clh_free(file);
}
