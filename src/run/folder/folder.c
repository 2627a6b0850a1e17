#include "run/folder/folder.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/keys.h"
#include "base/platform/file.h"
#include "clearhead/run_config.h"
#include "run/folder/checkpoint.h"
#include "run/settings/run_files.h"

/* The files that a run writes beside its folders; the first makes it one. */
static const char *const written[] = {"config.json", "metrics.jsonl", "model.safetensors"};

/* Only names that we write: others may be at work in figures/ or keep files of their own here. */
static clh_status sweep(const char *path, clh_error *err)
{
    char *checkpoints = clh_path_join(path, "checkpoints", err);
    if (!checkpoints)
        return CLH_ENOMEM;
    for (size_t i = 0; i < CLH_COUNT(written); i++)
        clh_file_sweep(path, written[i]);
    clh_file_sweep(checkpoints, "*.safetensors");
    clh_run_files_sweep(path);
    clh_free(checkpoints);
    return CLH_OK;
}

clh_status clh_folder_lock(const char *path, int *lock, clh_error *err)
{
    assert(path && lock);
    char *name = clh_path_join(path, ".lock", err);
    if (!name)
        return CLH_ENOMEM;
    clh_status status = clh_lock_take(lock, name, err);
    if (status == CLH_EBUSY)
        clh_fail(err, status, "another process is writing the run %s: want it to end first", path);
    clh_free(name);
    return status ? status : sweep(path, err);
}

static clh_status check_no_file(const char *path, clh_error *err)
{
    if (!clh_path_exists(path) || clh_is_folder(path))
        return CLH_OK;
    return clh_fail(err, CLH_EIO, "%s is a file, want a folder or a name that is free", path);
}

clh_status clh_folder_check(const char *path, clh_error *err)
{
    assert(path);
    clh_status status = check_no_file(path, err);
    for (size_t i = 0; i < CLH_COUNT(written) && !status; i++) {
        char *file = clh_path_join(path, written[i], err);
        if (!file)
            return CLH_ENOMEM;
        bool there = clh_path_exists(file);
        clh_free(file);
        if (there && i == 0)
            return clh_fail(err, CLH_EBUSY,
                            "%s holds a run already: name another folder, or resume it", path);
        if (there)
            return clh_fail(err, CLH_EBUSY,
                            "%s has a %s already, which a run would overwrite: name another folder",
                            path, written[i]);
    }
    return status;
}

/* ---- Whether a folder may be filled ------------------------------------------------------------
 */

typedef struct others {
    const char *folder;
    char first[256]; /* in the order of names */
    size_t count;
    bool failed;
} others;

/* What a run that was killed before its config.json was there leaves: it may begin anew. */
static bool is_begun(const char *name)
{
    return clh_word_in(". .. .lock", ' ', name) || clh_file_is_temporary(name, written[0]);
}

static void note_other(const char *name, void *user)
{
    others *o = user;
    if (is_begun(name))
        return;
    if (clh_word_in("checkpoints figures", ' ', name)) {
        char *folder = clh_path_join(o->folder, name, NULL);
        others within = {.folder = folder};
        o->failed = o->failed || !folder ||
                    (clh_is_folder(folder) && clh_folder_look(folder, note_other, &within, NULL));
        const bool empty = folder && clh_is_folder(folder) && within.count == 0;
        clh_free(folder);
        if (empty)
            return;
    }
    if (o->count++ == 0 || strcmp(name, o->first) < 0)
        (void)snprintf(o->first, sizeof o->first, "%s", name);
}

/* Whether the folder `path` is the root, or one that the current folder is in. */
static clh_status check_place(const char *path, clh_error *err)
{
    char *whole = clh_path_whole(path, err), *here = whole ? clh_path_whole(".", err) : NULL;
    clh_status status = here ? CLH_OK : CLH_ENOMEM;
    const size_t length = whole ? strlen(whole) : 0;
    if (!status && strcmp(whole, "/") == 0)
        status =
            clh_fail(err, CLH_EBUSY, "%s is the root of all folders: name another folder", path);
    else if (!status && strncmp(here, whole, length) == 0 && here[length] == '/')
        status = clh_fail(err, CLH_EBUSY,
                          "%s is %s, which holds the folder you are in: name another folder", path,
                          whole);
    clh_free(here);
    clh_free(whole);
    return status;
}

clh_status clh_folder_check_empty(const char *path, bool force, clh_error *err)
{
    assert(path);
    others o = {.folder = path};
    clh_status status = check_no_file(path, err);
    if (!status && clh_path_exists(path))
        status = check_place(path, err);
    if (!status && !force && clh_path_exists(path))
        status = clh_folder_look(path, note_other, &o, err);
    if (!status && o.failed)
        status = clh_fail(err, CLH_ENOMEM, "no memory to look into %s", path);
    if (!status && o.count > 0)
        status =
            clh_fail(err, CLH_EBUSY,
                     "%s is not empty (%s%s): name another folder, or fill this one with --force",
                     path, o.first, o.count > 1 ? " and more" : "");
    return status;
}

/* ---- Making it ----------------------------------------------------------------------------------
 */

clh_status clh_folder_write_config(const char *path, const clh_run_config *config, clh_error *err)
{
    assert(path && config);
    clh_run_config placed = *config;
    clh_strbuf sealed = {0};
    char *file = clh_path_join(path, "config.json", err), *text = NULL;
    clh_status status = file ? clh_run_files_write(&placed, path, err) : CLH_ENOMEM;
    if (!status && !(text = clh_run_config_json(&placed, err)))
        status = CLH_ENOMEM;
    if (!status) {
        clh_checksum_seal(&sealed, text);
        status = clh_strbuf_check(&sealed, err);
    }
    if (!status)
        status = clh_file_write_text(file, clh_strbuf_view(&sealed), err);
    clh_strbuf_deinit(&sealed);
    clh_free(text);
    clh_free(file);
    return status;
}

/* The parts of a run folder, whose paths live as long as one call needs them. */
typedef struct parts {
    char *config, *checkpoints, *figures, *lock;
} parts;

static bool parts_make(parts *p, const char *path, clh_error *err)
{
    *p = (parts){.config = clh_path_join(path, "config.json", err),
                 .checkpoints = clh_path_join(path, "checkpoints", err),
                 .figures = clh_path_join(path, "figures", err),
                 .lock = clh_path_join(path, ".lock", err)};
    return p->config && p->checkpoints && p->figures && p->lock;
}

static void parts_free(parts *p)
{
    clh_free(p->config);
    clh_free(p->checkpoints);
    clh_free(p->figures);
    clh_free(p->lock);
}

/* Folders go only while they are empty. */
static void parts_remove(const parts *p, const char *path)
{
    clh_path_remove(p->config);
    clh_path_remove(p->lock);
    clh_folder_remove_empty(p->figures);
    clh_folder_remove_empty(p->checkpoints);
    clh_folder_remove_empty(path);
}

void clh_folder_remove(const char *path)
{
    assert(path);
    parts p;
    if (parts_make(&p, path, NULL))
        parts_remove(&p, path);
    parts_free(&p);
}

clh_status clh_folder_begin(const char *path, const clh_run_config *config, int *lock,
                            clh_error *err)
{
    assert(path && config && lock);
    parts p;
    if (!parts_make(&p, path, err)) {
        parts_free(&p);
        return CLH_ENOMEM;
    }
    bool fresh = !clh_path_exists(path);
    clh_status status = clh_folder_make(path, err);
    if (!status)
        status = clh_folder_lock(path, lock, err);
    if (!status)
        status = clh_folder_check(path, err);
    if (!status)
        status = clh_folder_make(p.checkpoints, err);
    if (!status)
        status = clh_folder_make(p.figures, err);
    if (!status)
        status = clh_folder_write_config(path, config, err);
    if (status && status != CLH_EBUSY && fresh)
        parts_remove(&p, path);
    parts_free(&p);
    return status;
}

clh_status clh_folder_weights(const char *path, char **weights, clh_error *err)
{
    assert(path && weights);
    if (!clh_path_exists(path))
        return clh_fail(err, CLH_EINPUT, "there is no run or file at %s", path);
    if (!clh_is_folder(path)) {
        *weights = clh_text_copy(path, err);
        return *weights ? CLH_OK : CLH_ENOMEM;
    }
    char *final = clh_path_join(path, "model.safetensors", err);
    if (!final)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    if (!clh_path_exists(final)) {
        size_t step = 0;
        clh_free(final);
        status = clh_checkpoint_newest(path, &step, err);
        final = status ? NULL : clh_checkpoint_path(path, step, err);
        if (!status && !final)
            status = CLH_ENOMEM;
    }
    *weights = final;
    return status;
}

clh_status clh_folder_free(char **folder, const char *name, clh_error *err)
{
    char path[96];
    for (unsigned i = 1; i < 100000; i++) {
        (void)(i == 1 ? snprintf(path, sizeof path, "runs/%s", name)
                      : snprintf(path, sizeof path, "runs/%s-%u", name, i));
        if (!clh_path_exists(path)) {
            *folder = clh_text_copy(path, err);
            return *folder ? CLH_OK : CLH_ENOMEM;
        }
    }
    return clh_fail(err, CLH_EBUSY, "runs/%s and 99998 more exist: name a folder with --out", name);
}
