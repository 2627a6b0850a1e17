/* Starting a run and going on with one: from a configuration, or from what is in its folder. */
#include "base/platform/file.h"
#include "clearhead/run_config.h"
#include "model/model_keys.h"
#include "run/folder.h"
#include "train/plan.h"
#include "train/trainer.h"

static clh_status initial_weights(clh_trainer *t, clh_error *err)
{
    if (t->config.init[0])
        return clh_model_load(t->model, t->config.init, err);
    clh_model_init(t->model, t->config.seed);
    return CLH_OK;
}

static clh_trainer trainer_make(const char *path, const clh_train_watch *watch)
{
    return (clh_trainer){.path = path, .watch = watch, .lock = -1};
}

/* Nothing half-written: a run that could not begin is not there. */
static void abandon(const char *path)
{
    char *const made[] = {clh_path_join(path, "metrics.jsonl", NULL),
                          clh_checkpoint_path(path, 0, NULL)};
    for (size_t i = 0; i < CLH_COUNT(made); i++) {
        if (made[i])
            clh_path_remove(made[i]);
        clh_free(made[i]);
    }
    clh_folder_remove(path);
}

clh_status clh_train(const clh_run_config *config, const char *path, const clh_train_watch *watch,
                     clh_error *err)
{
    if (!config || !path)
        return clh_fail(err, CLH_EUSAGE, "clh_train() was given NULL, want a config and a folder");
    clh_trainer t = trainer_make(path, watch);
    t.config = *config;
    t.config.model = clh_model_config_resolved(&config->model);
    t.config.folded[0] = '\0'; /* weights that learn are folded no more */
    clh_status status = clh_trainer_open(&t, err);
    if (!status)
        status = initial_weights(&t, err);
    if (!status)
        status = clh_folder_begin(path, &t.config, &t.lock, err);
    if (!status) {
        status = clh_trainer_begin(&t, err);
        if (status && status != CLH_STOPPED)
            abandon(path);
    }
    if (!status)
        status = clh_trainer_run(&t, err);
    clh_trainer_close(&t);
    return status;
}

/* Whether the parameters training ended with are in their place. */
static bool has_ended(const clh_trainer *t)
{
    const size_t steps = t->config.train.steps;
    size_t step = 0;
    char *path = clh_path_join(t->path, "model.safetensors", NULL);
    bool ended = t->progress.step == steps && path && clh_path_exists(path) &&
                 clh_checkpoint_step(path, &step, NULL) == CLH_OK && step == steps;
    clh_free(path);
    return ended;
}

/* Weights without a checkpoint were imported: to begin would write over them. */
static clh_status check_not_imported(const clh_trainer *t, clh_error *err)
{
    char *path = clh_path_join(t->path, "model.safetensors", err);
    if (!path)
        return CLH_ENOMEM;
    clh_status status = clh_path_exists(path)
                            ? clh_fail(err, CLH_EINPUT,
                                       "%s holds imported weights, want a run that was trained; "
                                       "train --init %s starts from them",
                                       t->path, t->path)
                            : CLH_OK;
    clh_free(path);
    return status;
}

/* Parameters, moments and step of the newest checkpoint, or of the beginning where there is none.
 */
static clh_status restore(clh_trainer *t, clh_error *err)
{
    size_t step = 0;
    clh_status status = clh_checkpoint_load(t->path, t->model, &t->moments, &step, err);
    if (status == CLH_NO) {
        status = check_not_imported(t, err);
        if (status)
            return status;
        status = initial_weights(t, err);
        return status ? status : clh_trainer_begin(t, err);
    }
    if (status)
        return status;
    if (step > t->config.train.steps)
        return clh_fail(err, CLH_EFORMAT,
                        "%s: the newest checkpoint is of step %zu, config.json says %zu steps",
                        t->path, step, t->config.train.steps);
    clh_trainer_place(t, step);
    t->saved = step;
    clh_checkpoint_tidy(t->path, &t->config.train, step);
    t->passing = !clh_checkpoint_keeps(&t->config.train, step);
    if (has_ended(t))
        return CLH_OK;
    status = clh_trainer_append(t, step + 1, err);
    return status ? status : clh_trainer_catch_up(t, err);
}

clh_status clh_train_resume(const char *path, size_t threads, const clh_train_watch *watch,
                            clh_error *err)
{
    if (!path)
        return clh_fail(err, CLH_EUSAGE, "clh_train_resume() was given NULL, want a folder");
    clh_trainer t = trainer_make(path, watch);
    clh_status status =
        clh_path_exists(path) && !clh_is_folder(path)
            ? clh_fail(err, CLH_EINPUT, "%s is a file, want the folder of a run", path)
            : clh_run_config_peek(&t.config, path, err);
    if (!status && threads)
        t.config.threads = threads;
    if (!status)
        status = clh_folder_lock(path, &t.lock, err);
    if (!status)
        status = clh_trainer_open(&t, err);
    if (!status)
        status = restore(&t, err);
    if (!status && !has_ended(&t))
        status = clh_trainer_run(&t, err);
    clh_trainer_close(&t);
    return status;
}
