/* One edit of a file, and the tensor, sequence or model it names. */
#include "edit/edit_fetch.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/safetensors.h"
#include "edit/what.h"
#include "run/folder/checkpoint.h"

/* Fetching what edit number `index` names. */
typedef struct opening {
    clh_edit *edit;
    clh_edit_owned *owned;
    const clh_edit_beside *beside;
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
    t.data = o->owned->data = clh_alloc_array(clh_tensor_count(&t), sizeof *t.data, err);
    if (!t.data)
        return CLH_ENOMEM;
    status = clh_safetensors_read_any(from, &t, err); /* clh_edit_check() looks for NaN */
    t.name = o->owned->name;
    o->edit->tensor = t;
    return status;
}

static clh_status take_tensor(const opening *o, const clh_edit_outside *outside, clh_error *err)
{
    clh_safetensors *from = NULL;
    char *path = beside(o->beside->path, outside->file, err);
    const size_t size = strlen(outside->file) + strlen(outside->tensor) + 16;
    char *name = o->owned->name = clh_alloc_array(size, 1, err);
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
    const clh_task *task = o->beside->run ? clh_run_task(o->beside->run) : NULL;
    if (strcmp(key, "letters") == 0)
        return task ? clh_task_expand(task, text, sequence, err)
                    : clh_fail(err, CLH_EINPUT, "letters need a run with a task, want tokens");
    return clh_vocab_encode(clh_task_vocab(task), text, sequence->tokens, sequence->capacity,
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
    s.capacity = tokens           ? s.length
                 : o->beside->run ? clh_model_get_config(clh_run_model(o->beside->run))->n_ctx
                                  : 0;
    s.tokens = o->owned->ids = clh_alloc_zeroed(s.capacity, sizeof *s.tokens, err);
    if (!s.tokens)
        return CLH_ENOMEM;
    clh_status status = tokens ? ids_of_array(s.tokens, value, err) : encode(o, key, text, &s, err);
    o->edit->from = (clh_tokens){s.tokens, 1, s.length};
    return status;
}

/* ---- Models -------------------------------------------------------------------------------------
 */

static clh_status take_model(const opening *o, const clh_edit_outside *outside, clh_error *err)
{
    const char *from = json_string_value(outside->from);
    if (outside->from && !from)
        return clh_fail(err, CLH_EINPUT, "want the path of a run or checkpoint, as a text");
    if (!from && !o->beside->run)
        return clh_fail(err, CLH_EINPUT, "a step without a run, want the run it is of");
    char *run = from ? beside(o->beside->path, from, err)
                     : clh_text_copy(clh_run_path(o->beside->run), err);
    char *path = !run                        ? NULL
                 : outside->step == SIZE_MAX ? clh_text_copy(run, err)
                                             : clh_checkpoint_path(run, outside->step, err);
    clh_status status = path ? CLH_OK : CLH_ENOMEM;
    if (!status && outside->step != SIZE_MAX && !clh_path_exists(path))
        status = clh_fail(err, CLH_EINPUT, "%s has no checkpoint of step %zu", run, outside->step);
    if (!status)
        status = clh_run_open(&o->owned->other, path, err);
    if (!status)
        o->edit->other = clh_run_model(o->owned->other);
    clh_free(path);
    clh_free(run);
    return status;
}

/* ---- An edit ------------------------------------------------------------------------------------
 */

clh_status clh_edit_fetch(clh_edit *edit, clh_edit_owned *owned, const clh_edit_beside *beside_it,
                          const json_t *object, size_t index, clh_error *err)
{
    assert(edit && owned && beside_it && beside_it->path);
    const opening o = {edit, owned, beside_it, index};
    clh_edit_outside outside;
    clh_status status = clh_edit_read(edit, &owned->room, &outside, object, index, err);
    if (status)
        return status;
    const unsigned takes = clh_what_at(edit->kind)->takes;
    if (outside.file)
        status = take_tensor(&o, &outside, err);
    else if (takes & CLH_TAKES_SEQUENCE)
        status = take_sequence(&o, outside.from, err);
    else if (takes & CLH_TAKES_MODEL)
        status = take_model(&o, &outside, err);
    return status ? clh_fail_context(err, status, "edit %zu: %s", index,
                                     outside.file ? "file" : "from")
                  : CLH_OK;
}

void clh_edit_owned_deinit(clh_edit_owned *owned)
{
    clh_run_close(owned->other);
    clh_free(owned->ids);
    clh_free(owned->data);
    clh_free(owned->name);
    *owned = (clh_edit_owned){0};
}
