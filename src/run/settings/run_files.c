#include "run/settings/run_files.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/platform/file.h"
#include "base/utf8.h"
#include "file/content.h"
#include "run/settings/run_keys.h"
#include "run/settings/run_vocab.h"
#include "task/task_ops.h"

enum { CONFIG_MAX = 1 << 20 };

/* The value of the key that holds the content of the path at `place`; NULL: it is no such path. */
static char *content_of(clh_run_config *config, size_t place)
{
    const clh_key *keys = clh_run_keys();
    if (!keys[place].content)
        return NULL;
    const clh_key *key = clh_key_find(keys, clh_run_key_count(), keys[place].content, NULL);
    assert(key && key->kind == CLH_KEY_TEXT);
    return (char *)config + key->offset;
}

/* The path at `place`, if it is one and its content is known; else NULL. */
static char *known_path(clh_run_config *config, size_t place)
{
    const char *content = content_of(config, place);
    return content && *content ? (char *)config + clh_run_keys()[place].offset : NULL;
}

static clh_status put_path(clh_run_config *config, size_t place, const char *path, clh_error *err)
{
    return clh_key_from_text(&clh_run_keys()[place], config, path, err);
}

/* The run's own copy of what the path at `place` led to, into *kept; NULL where there is none. */
static clh_status find_copy(char **kept, size_t place, const char *folder, clh_error *err)
{
    const char *name = clh_run_keys()[place].kept;
    *kept = NULL;
    if (!name)
        return CLH_OK;
    char *path = clh_path_join(folder, name, err);
    if (!path)
        return CLH_ENOMEM;
    if (clh_is_file(path))
        *kept = path;
    else
        clh_free(path);
    return CLH_OK;
}

static bool leads_somewhere(const char *path)
{
    return *path && (clh_is_file(path) || clh_is_folder(path));
}

clh_status clh_run_files_place(clh_run_config *config, const char *folder, clh_error *err)
{
    assert(config && folder);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < clh_run_key_count() && !status; i++) {
        const char *hint = known_path(config, i);
        if (!hint)
            continue;
        char *kept = NULL, *path = !*hint || *hint == '/' ? clh_text_copy(hint, err)
                                                          : clh_path_join(folder, hint, err);
        status = path ? CLH_OK : CLH_ENOMEM;
        if (!status && !leads_somewhere(path))
            status = find_copy(&kept, i, folder, err);
        if (!status)
            status = put_path(config, i, kept ? kept : path, err);
        clh_free(kept);
        clh_free(path);
    }
    return status;
}

/* Of what may fail, but for want of memory. */
static clh_status but_memory(const clh_error *why, clh_error *err)
{
    return why->status == CLH_ENOMEM ? clh_fail(err, CLH_ENOMEM, "%s", why->message) : CLH_OK;
}

/* The config.json of the folder of a run; NULL in *text where there is none that could be read. */
static clh_status read_config(char **text, const char *folder, clh_error *err)
{
    char *file = clh_path_join(folder, "config.json", err);
    if (!file)
        return CLH_ENOMEM;
    clh_error why = {0};
    if (clh_is_file(file))
        (void)clh_file_read_text(text, file, CONFIG_MAX, &why);
    clh_free(file);
    return but_memory(&why, err);
}

/* The hints of the run at `folder` for paths that have none. */
static clh_status take_hints(clh_run_config *config, const char *folder, clh_error *err)
{
    clh_run_layer layer;
    char *text = NULL;
    bool open = false;
    for (size_t i = 0; i < clh_run_key_count(); i++)
        open = open || (known_path(config, i) && !*known_path(config, i));
    clh_status status = open ? read_config(&text, folder, err) : CLH_OK;
    if (status || !text)
        return status;
    clh_error why = {0};
    const bool read = !clh_run_layer_json(&layer, text, "config.json", &why);
    clh_free(text);
    if (!read)
        return but_memory(&why, err);
    for (size_t i = 0; i < clh_run_key_count() && !status; i++) {
        const char *hint = known_path(config, i);
        if (hint && !*hint && layer.state[i] > CLH_KEY_AUTOMATIC)
            status = put_path(config, i, (char *)&layer.config + clh_run_keys()[i].offset, err);
    }
    return status;
}

/* The folder of the run that the weights at `path` are of: above them, or above its checkpoints. */
static char *folder_of(const char *path, clh_error *err)
{
    char *above = clh_path_above(path, err);
    const char *name = above ? strrchr(above, '/') : NULL;
    if (!above || strcmp(name ? name + 1 : above, "checkpoints") != 0)
        return above;
    char *run = clh_path_above(above, err);
    clh_free(above);
    return run;
}

clh_status clh_run_files_beside(char **out, const char *path, const char *name, clh_error *err)
{
    assert(out && path && name);
    char *folder = clh_is_folder(path) ? clh_text_copy(path, err) : folder_of(path, err);
    *out = folder ? clh_path_join(folder, name, err) : NULL;
    clh_free(folder);
    return *out ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_run_files_find(clh_run_config *config, const char *path, clh_error *err)
{
    assert(config && path);
    char *folder = folder_of(path, err);
    clh_status status = folder ? take_hints(config, folder, err) : CLH_ENOMEM;
    if (!status)
        status = clh_run_files_place(config, folder, err);
    clh_free(folder);
    return status;
}

clh_status clh_run_files_write(clh_run_config *config, const char *folder, clh_error *err)
{
    assert(config && folder);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < clh_run_key_count() && !status; i++) {
        const char *path = known_path(config, i);
        if (!path)
            continue;
        char *hint =
            leads_somewhere(path) ? clh_path_from(folder, path, err) : clh_text_copy("", err);
        const char *wrong = hint ? clh_utf8_wrong(hint) : NULL;
        status = !hint ? CLH_ENOMEM
                 : wrong
                     ? clh_fail(err, CLH_EINPUT,
                                "%s: the path is no UTF-8 from its byte %zu on, want one that a "
                                "run can write down",
                                clh_run_keys()[i].name, (size_t)(wrong - hint) + 1)
                     : put_path(config, i, hint, err);
        clh_free(hint);
    }
    return status;
}

void clh_run_files_forget(clh_run_config *config)
{
    assert(config);
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        char *path = known_path(config, i);
        if (path)
            memset(path, 0, clh_run_keys()[i].size);
    }
}

void clh_run_files_unname(clh_run_config *config)
{
    assert(config);
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (clh_run_keys()[i].record)
            memset((char *)config + clh_run_keys()[i].offset, 0, clh_run_keys()[i].size);
}

/* The copy at *kept, if it is there and has the content `sha256`; else *kept becomes NULL. */
static clh_status check_copy(char **kept, const char *known, const char *sha256, clh_error *err)
{
    clh_content content = {0};
    clh_error why = {0};
    const bool same = *kept && strcmp(*kept, known) != 0 &&
                      !clh_content_read(&content, *kept, SIZE_MAX, &why) &&
                      strcmp(content.sha256, sha256) == 0;
    clh_content_deinit(&content);
    if (!same) {
        clh_free(*kept);
        *kept = NULL;
    }
    return but_memory(&why, err);
}

clh_status clh_run_files_copy(char **kept, const clh_run_config *config, const char *path,
                              clh_error *err)
{
    assert(kept && config && path);
    clh_run_config copy = *config;
    char *folder = clh_is_folder(path) ? clh_text_copy(path, err) : folder_of(path, err);
    clh_status status = folder ? CLH_OK : CLH_ENOMEM;
    *kept = NULL;
    for (size_t i = 0; i < clh_run_key_count() && !status && !*kept; i++) {
        const char *known = known_path(&copy, i);
        if (!known || !clh_run_key_task(i))
            continue;
        status = find_copy(kept, i, folder, err);
        if (!status)
            status = check_copy(kept, known, content_of(&copy, i), err);
    }
    clh_free(folder);
    return status;
}

static bool same_path(const char *a, const char *b)
{
    char *one = clh_path_whole(a, NULL), *other = clh_path_whole(b, NULL);
    const bool same = one && other && strcmp(one, other) == 0;
    clh_free(other);
    clh_free(one);
    return same;
}

bool clh_run_config_same(const clh_run_config *a, const clh_run_config *b)
{
    assert(a && b);
    clh_run_config one = *a, other = *b;
    one.threads = other.threads;
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        const clh_key *key = &clh_run_keys()[i];
        const char *x = content_of(&one, i), *y = content_of(&other, i);
        if (!clh_run_key_written(i, one.task) || key->record)
            continue;
        const bool same = x && *x && *y ? strcmp(x, y) == 0
                          : x ? same_path((char *)&one + key->offset, (char *)&other + key->offset)
                              : clh_key_equal(key, &one, &other);
        if (!same)
            return false;
    }
    return true;
}

/* ---- Copies ------------------------------------------------------------------------------------
 */

/* What the task of `config` keeps of the path at `place`. */
static bool is_kept(clh_run_config *config, size_t place, const clh_task *task, const char **bytes,
                    size_t *length)
{
    const char *owner = clh_run_key_task(place);
    return known_path(config, place) && owner && strcmp(owner, task->name) == 0 &&
           task->ops->content &&
           task->ops->content(task->state, &clh_run_keys()[place], bytes, length);
}

/* Whether the path lies in the folder, and so goes where that goes. */
static clh_status lies_in(bool *inside, const char *folder, const char *path, clh_error *err)
{
    *inside = false;
    if (!leads_somewhere(path))
        return CLH_OK;
    char *hint = clh_path_from(folder, path, err);
    *inside = hint && *hint != '/' && strncmp(hint, "../", 3) != 0;
    clh_free(hint);
    return hint ? CLH_OK : CLH_ENOMEM;
}

static clh_status has_content(bool *same, const char *path, const char *bytes, size_t length,
                              clh_error *err)
{
    char *there = NULL;
    size_t size = 0;
    clh_error why = {0};
    *same = clh_is_file(path) && !clh_file_read(&there, &size, path, length, &why) &&
            size == length && memcmp(there, bytes, length) == 0;
    clh_free(there);
    return but_memory(&why, err);
}

static clh_status keep_one(const char *path, const char *bytes, size_t length, bool check,
                           clh_error *err)
{
    clh_file *file = NULL;
    bool same = false;
    const bool there = clh_path_exists(path);
    clh_status status = there ? has_content(&same, path, bytes, length, err) : CLH_OK;
    if (status || same || (check && !there))
        return status;
    if (check)
        return clh_fail(
            err, CLH_EBUSY,
            "%s is there already, and the run would write its copy of the data over it: "
            "name another folder",
            path);
    status = clh_file_begin(&file, path, err);
    if (status)
        return status;
    clh_file_write(file, bytes, length);
    return clh_file_commit(file, err);
}

static clh_status keep_all(const clh_run_config *config, const clh_task *task, const char *folder,
                           bool check, clh_error *err)
{
    assert(config && task && folder);
    clh_run_config copy = *config;
    clh_status status = CLH_OK;
    for (size_t i = 0; i < clh_run_key_count() && !status; i++) {
        const char *bytes = NULL;
        size_t length = 0;
        bool inside = false;
        if (!is_kept(&copy, i, task, &bytes, &length))
            continue;
        status = lies_in(&inside, folder, known_path(&copy, i), err);
        if (status || inside)
            continue;
        char *kept = clh_path_join(folder, clh_run_keys()[i].kept, err);
        status = kept ? keep_one(kept, bytes, length, check, err) : CLH_ENOMEM;
        clh_free(kept);
    }
    return status;
}

clh_status clh_run_files_check(const clh_run_config *config, const clh_task *task,
                               const char *folder, clh_error *err)
{
    clh_run_config written = *config;
    clh_status status = clh_run_files_write(&written, folder, err);
    if (!status)
        status = clh_run_vocab_keep(config, folder, true, err);
    return status ? status : keep_all(config, task, folder, true, err);
}

clh_status clh_run_files_keep(const clh_run_config *config, const clh_task *task,
                              const char *folder, clh_error *err)
{
    clh_status status = clh_run_vocab_keep(config, folder, false, err);
    return status ? status : keep_all(config, task, folder, false, err);
}

void clh_run_files_sweep(const char *folder)
{
    assert(folder);
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (clh_run_keys()[i].kept && !strchr(clh_run_keys()[i].kept, '/'))
            clh_file_sweep(folder, clh_run_keys()[i].kept);
}
