#include "run/folder.h"

#include <assert.h>
#include <string.h>

#include "base/platform/file.h"
#include "clearhead/run_config.h"
#include "run/checkpoint.h"

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

clh_status clh_folder_check(const char *path, clh_error *err)
{
    assert(path);
    if (clh_path_exists(path) && !clh_is_folder(path))
        return clh_fail(err, CLH_EIO, "%s is a file, want a folder or a name that is free", path);
    for (size_t i = 0; i < CLH_COUNT(written); i++) {
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
    return CLH_OK;
}

static clh_status write_config(const char *path, const clh_run_config *config, clh_error *err)
{
    char *text = clh_run_config_json(config, err);
    clh_status status = text ? clh_file_write_text(path, text, err) : CLH_ENOMEM;
    clh_free(text);
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
        status = write_config(p.config, config, err);
    if (status && status != CLH_EBUSY && fresh)
        parts_remove(&p, path);
    parts_free(&p);
    return status;
}

clh_status clh_folder_weights(const char *path, char **weights, clh_error *err)
{
    assert(path && weights);
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
