/* Starting a run and going on with one: from a configuration, or from what is in its folder. */
#include <string.h>

#include "base/platform/file.h"
#include "clearhead/run_config.h"
#include "model/description/model_keys.h"
#include "run/folder/folder.h"
#include "run/folder/run_memory.h"
#include "run/folder/weights.h"
#include "run/settings/run_files.h"
#include "run/settings/run_task.h"
#include "train/plan.h"
#include "train/trainer.h"

/* Those of `init`, which are known by their content once they were read, or drawn from the seed. */
static clh_status initial_weights(clh_trainer *t, clh_error *err)
{
    clh_run_config *c = &t->config;
    char hash[CLH_SHA256_TEXT];
    if (!c->init[0] && !c->init_weights[0]) {
        clh_model_init(t->model, c->seed);
        return CLH_OK;
    }
    clh_status status = c->init[0] ? clh_model_load(t->model, c->init, err)
                                   : clh_fail(err, CLH_EIO, "no path to them is known");
    if (status && c->init_weights[0])
        return clh_fail_context(
            err, status, "the weights that the run starts from, with SHA-256 %s", c->init_weights);
    if (status)
        return status;
    clh_model_sha256(t->model, hash);
    if (c->init_weights[0] && strcmp(hash, c->init_weights) != 0)
        return clh_fail(err, CLH_EINPUT,
                        "%s has weights with SHA-256 %s, want those the run starts from, with %s",
                        c->init, hash, c->init_weights);
    memcpy(c->init_weights, hash, sizeof hash);
    return CLH_OK;
}

static clh_trainer trainer_make(const char *path, const clh_train_watch *watch)
{
    return (clh_trainer){
        .path = path, .watch = watch, .lock = -1, .saved = SIZE_MAX, .older = SIZE_MAX};
}

/* Nothing half-written: a run that could not begin is not there. */
static void abandon(const char *path, const clh_run_config *config)
{
    clh_checkpoint_forget(path, &config->train, 0);
    char *const made[] = {clh_path_join(path, "metrics.jsonl", NULL),
                          clh_checkpoint_path(path, 0, NULL),
                          clh_path_join(path, "checkpoints/optimizer.safetensors", NULL)};
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
    if (!status) {
        clh_run_task_record(&t.config, t.task, 0);
        status = clh_run_files_check(&t.config, t.task, path, err);
    }
    if (!status)
        status = clh_folder_begin(path, &t.config, &t.lock, err);
    if (!status) {
        status = clh_trainer_begin(&t, err);
        if (status && status != CLH_STOPPED)
            abandon(path, &t.config);
    }
    if (!status || status == CLH_STOPPED) { /* a stopped run is to be gone on with */
        const clh_status kept = clh_run_files_keep(&t.config, t.task, path, status ? NULL : err);
        status = status ? status : kept;
    }
    if (!status)
        status = clh_trainer_run(&t, err);
    clh_trainer_close(&t);
    return status;
}

clh_status clh_train_in_memory(clh_run **out, const clh_run_config *config,
                               const clh_train_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && config, err, "a config, and room for the run");
    clh_trainer t = trainer_make(NULL, watch);
    t.config = *config;
    t.config.model = clh_model_config_resolved(&config->model);
    t.config.folded[0] = '\0';
    clh_status status = clh_trainer_open(&t, err);
    if (!status)
        status = initial_weights(&t, err);
    if (!status) {
        clh_run_task_record(&t.config, t.task, 0);
        status = clh_trainer_begin(&t, err);
    }
    if (!status)
        status = clh_trainer_run(&t, err);
    if (!status) {
        status = clh_run_in_memory(out, &t.config, t.model, t.task, t.progress.step, err);
        t.model = NULL;
        t.task = NULL;
    }
    clh_trainer_close(&t);
    return status;
}

/* Whether the parameters training ended with are in their place, into *ended. Damaged ones are written
 * again where one may go on from less than the newest. */
static clh_status look_whether_ended(const clh_trainer *t, clh_error *passed_over, bool *ended,
                                     clh_error *err)
{
    const size_t steps = t->config.train.steps;
    size_t step = 0;
    char *path = clh_path_join(t->path, "model.safetensors", err);
    if (!path)
        return CLH_ENOMEM;
    clh_error why = {0};
    const bool there = t->progress.step == steps && clh_path_exists(path);
    clh_status status = there ? clh_checkpoint_step(path, &step, &why) : CLH_OK;
    *ended = there && !status && step == steps;
    if (status && status != CLH_ENOMEM && passed_over) {
        *passed_over = passed_over->status ? *passed_over : why;
        status = CLH_OK;
    } else if (status) {
        status = clh_fail(
            err, status, "%s%s", why.message,
            status == CLH_ENOMEM ? "" : "; --fall-back writes it again from the newest checkpoint");
    }
    clh_free(path);
    return status;
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

/* What its data is now, where somebody said: that it has changed on purpose, or where it is. Of a run
 * from before data was known by its content nothing is written down. */
static clh_status note_data(clh_trainer *t, const clh_run_data *data, clh_error *err)
{
    if (!*clh_run_task_content(&t->config))
        return CLH_OK;
    clh_run_task_record(&t->config, t->task, t->progress.step);
    clh_status status = clh_run_files_keep(&t->config, t->task, t->path, err);
    if (!status && (data->path || data->changed))
        status = clh_folder_write_config(t->path, &t->config, err);
    return status;
}

/* Parameters, moments and step of the newest checkpoint, or of the beginning where there is none; *ended:
 * nothing is left to do. */
static clh_status restore(clh_trainer *t, const clh_run_data *data, clh_error *passed_over,
                          bool *ended, clh_error *err)
{
    size_t step = 0;
    clh_status status =
        clh_checkpoint_load(t->path, t->model, &t->moments, &step, passed_over, err);
    if (status == CLH_NO) {
        status = check_not_imported(t, err);
        if (status)
            return status;
        status = initial_weights(t, err);
        if (!status)
            status = note_data(t, data, err);
        return status ? status : clh_trainer_begin(t, err);
    }
    if (status)
        return status;
    if (step > t->config.train.steps)
        return clh_fail(err, CLH_EFORMAT,
                        "%s: the newest checkpoint is of step %zu, config.json says %zu steps",
                        t->path, step, t->config.train.steps);
    clh_trainer_place(t, step);
    status = look_whether_ended(t, passed_over, ended, err);
    if (status)
        return status;
    if (!*ended || !t->task->facts.changed) /* changed data was not trained on */
        status = note_data(t, data, err);
    if (!status && !*ended)
        status = clh_trainer_append(t, step + 1, err);
    if (status)
        return status;
    t->saved = step;
    t->older = clh_checkpoint_tidy(t->path, &t->config.train, step);
    return *ended ? CLH_OK : clh_trainer_catch_up(t, err);
}

clh_status clh_train_resume(const char *path, size_t threads, const clh_train_watch *watch,
                            clh_error *err)
{
    return clh_train_resume_as(path, threads, NULL, NULL, watch, err);
}

clh_status clh_train_resume_as(const char *path, size_t threads, const clh_run_data *data,
                               clh_error *passed_over, const clh_train_watch *watch, clh_error *err)
{
    static const clh_run_data as_it_says = {0};
    bool ended = false;
    if (passed_over)
        *passed_over = (clh_error){0};
    if (!path)
        return clh_fail(err, CLH_EUSAGE, "clh_train_resume() was given NULL, want a folder");
    data = data ? data : &as_it_says;
    if (data->ask_n)
        return clh_fail(err, CLH_EUSAGE,
                        "ask_n is %zu, but what is trained on is not chosen: want 0", data->ask_n);
    clh_trainer t = trainer_make(path, watch);
    clh_status status =
        clh_path_exists(path) && !clh_is_folder(path)
            ? clh_fail(err, CLH_EINPUT, "%s is a file, want the folder of a run", path)
            : clh_run_config_peek(&t.config, path, err);
    if (!status && threads)
        t.config.threads = threads;
    if (!status && clh_run_task_none(t.config.task))
        status = check_not_imported(&t, err);
    if (!status)
        status = clh_folder_lock(path, &t.lock, err);
    if (!status)
        status = clh_run_task_open_at(&t.task, &t.config, path, data, false, err);
    if (!status)
        status = clh_trainer_open(&t, err);
    if (!status)
        status = restore(&t, data, passed_over, &ended, err);
    if (!status && !ended)
        status = clh_trainer_run(&t, err);
    clh_trainer_close(&t);
    return status;
}
