#include "clearhead/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform/file.h"
#include "clearhead/run_config.h"
#include "clearhead/safetensors.h"
#include "run/folder/checkpoint.h"
#include "run/folder/folder.h"
#include "run/folder/run_memory.h"
#include "run/folder/weights.h"
#include "run/settings/run_files.h"
#include "run/settings/run_task.h"
#include "run/settings/run_vocab.h"

struct clh_run {
    char *path;
    clh_run_config config;
    clh_task *task;
    clh_model *model;
    size_t step;
    char *data; /* where its data was said to be; NULL: where the run says */
    bool changed;
    size_t ask_n;
    clh_vocab *vocab; /* of a run without a task; a task has its own */
};

enum { CONFIG_MAX = 1 << 20 };

static clh_status config_of_file(clh_run_config *out, size_t *step, const char *path,
                                 clh_error *err)
{
    clh_safetensors *file = NULL;
    clh_status status = clh_safetensors_open(&file, path, err);
    if (status)
        return status;
    const char *text = clh_safetensors_metadata(file, "config");
    if (!text || !clh_safetensors_metadata(file, "clearhead"))
        status = clh_fail(err, CLH_NO,
                          "%s carries no config of ours: import it with the config it was made by",
                          path);
    else if (out)
        status = clh_run_config_from_json(out, text, path, err);
    if (!status && out)
        status = clh_run_files_find(out, path, err);
    *step = 0;
    if (!status && clh_safetensors_metadata(file, "step"))
        status = clh_checkpoint_read_step(file, path, step, err);
    clh_safetensors_close(file);
    return status;
}

static clh_status config_of_folder(clh_run_config *out, const char *path, clh_error *err)
{
    char *name = clh_path_join(path, "config.json", err), *text = NULL;
    if (!name)
        return CLH_ENOMEM;
    clh_status status =
        clh_path_exists(name)
            ? clh_file_read_text(&text, name, CONFIG_MAX, err)
            : clh_fail(err, CLH_EINPUT, "%s is no run: it has no config.json", path);
    if (!status)
        status = clh_run_config_from_json(out, text, name, err);
    if (!status)
        status = clh_run_files_place(out, path, err);
    clh_free(text);
    clh_free(name);
    return status;
}

clh_status clh_run_config_peek(clh_run_config *out, const char *path, clh_error *err)
{
    CLH_REQUIRE(out && path, err, "the path of a run, and room for its config");
    size_t step;
    if (!clh_path_exists(path))
        return clh_fail(err, CLH_EINPUT, "there is no run or file at %s", path);
    return clh_is_folder(path) ? config_of_folder(out, path, err)
                               : config_of_file(out, &step, path, err);
}

/* The task, unless an imported model fits none. Its data may be away, but for what it is said to be. */
static clh_status open_task(clh_run *run, clh_error *err)
{
    const clh_run_data data = clh_run_get_data(run);
    if (clh_run_task_none(run->config.task) && data.ask_n)
        return clh_fail(err, CLH_EUSAGE, "ask_n is %zu, but %s has no task, so no n", data.ask_n,
                        run->path);
    if (clh_run_task_none(run->config.task) && !data.path && !data.changed)
        return clh_run_vocab_open(&run->vocab, &run->config, run->path, err);
    return clh_run_task_open_at(&run->task, &run->config, run->path, &data, !data.path, err);
}

static clh_status open_weights(clh_run *run, const char *path, clh_error *err)
{
    char *weights = NULL;
    clh_status status = clh_model_open(&run->model, &run->config.model, err);
    if (!status)
        status = clh_model_load(run->model, path, err);
    if (!status)
        status = clh_folder_weights(path, &weights, err);
    if (!status)
        status = config_of_file(NULL, &run->step, weights, err);
    clh_free(weights);
    return status;
}

clh_status clh_run_open(clh_run **out, const char *path, clh_error *err)
{
    return clh_run_open_data(out, path, NULL, err);
}

/* That there is nothing to open is an error to who wants it open, not an answer. */
static clh_status not_open(clh_error *err)
{
    clh_error why = err ? *err : (clh_error){0};
    return clh_fail(err, CLH_EINPUT, "%s", why.message);
}

clh_status clh_run_open_data(clh_run **out, const char *path, const clh_run_data *data,
                             clh_error *err)
{
    CLH_REQUIRE(out && path, err, "the path of a run, and room for it");
    clh_run *run = clh_alloc_zeroed(1, sizeof *run, err);
    if (!run)
        return CLH_ENOMEM;
    run->path = clh_text_copy(path, err);
    run->data = data && data->path ? clh_text_copy(data->path, err) : NULL;
    run->changed = data && data->changed;
    run->ask_n = data ? data->ask_n : 0;
    clh_status status = run->path && (!data || !data->path || run->data)
                            ? clh_run_config_peek(&run->config, path, err)
                            : CLH_ENOMEM;
    if (!status)
        status = open_task(run, err);
    if (!status)
        status = open_weights(run, path, err);
    if (status) {
        clh_run_close(run);
        return status == CLH_NO ? not_open(err) : status;
    }
    *out = run;
    return CLH_OK;
}

clh_status clh_run_in_memory(clh_run **out, const clh_run_config *config, clh_model *model,
                             clh_task *task, size_t step, clh_error *err)
{
    assert(out && config && model && task);
    clh_run *run = clh_alloc_zeroed(1, sizeof *run, err);
    char *path = clh_text_copy("", err);
    if (!run || !path) {
        clh_model_close(model);
        clh_task_close(task);
        clh_free(path);
        clh_free(run);
        return CLH_ENOMEM;
    }
    *run = (clh_run){path, *config, task, model, step, NULL, false, 0, NULL};
    *out = run;
    return CLH_OK;
}

void clh_run_close(clh_run *run)
{
    if (!run)
        return;
    clh_model_close(run->model);
    clh_task_close(run->task);
    clh_vocab_close(run->vocab);
    clh_free(run->data);
    clh_free(run->path);
    clh_free(run);
}

clh_status clh_run_create(const char *path, const clh_run_config *given, const clh_model *model,
                          clh_error *err)
{
    CLH_REQUIRE(path && given && model, err, "a folder, a config and a model");
    int lock = -1;
    clh_run_config named = *given, *config = &named;
    if (config->init[0])
        clh_model_sha256(model, config->init_weights);
    char *name = clh_path_join(path, "model.safetensors", err);
    char *vocab = clh_path_join(path, CLH_RUN_VOCAB_KEPT, err);
    clh_status status = name && vocab ? clh_run_config_check(config, err) : CLH_ENOMEM;
    if (!status)
        status = clh_run_vocab_keep(config, path, true, err);
    if (!status)
        status = clh_folder_begin(path, config, &lock, err);
    if (status)
        goto done;
    const bool had = clh_path_exists(vocab); /* with the same content */
    status = clh_model_save(model, name, config, 0, err);
    if (!status)
        status = clh_run_vocab_keep(config, path, false, err);
    if (status) { /* in their place, if what failed was the folder's sync */
        clh_path_remove(name);
        if (!had)
            clh_path_remove(vocab);
        clh_folder_remove(path);
    }
done:
    clh_lock_release(lock);
    clh_free(vocab);
    clh_free(name);
    return status;
}

clh_run_data clh_run_get_data(const clh_run *run)
{
    return (clh_run_data){run ? run->data : NULL, run && run->changed, run ? run->ask_n : 0};
}

clh_model *clh_run_model(const clh_run *run)
{
    return run ? run->model : NULL;
}

const clh_run_config *clh_run_get_config(const clh_run *run)
{
    return run ? &run->config : NULL;
}

const clh_task *clh_run_task(const clh_run *run)
{
    return run ? run->task : NULL;
}

const clh_vocab *clh_run_vocab(const clh_run *run)
{
    return !run ? NULL : run->vocab ? run->vocab : clh_task_vocab(run->task);
}

const char *clh_run_path(const clh_run *run)
{
    return run ? run->path : NULL;
}

size_t clh_run_step(const clh_run *run)
{
    return run ? run->step : 0;
}
