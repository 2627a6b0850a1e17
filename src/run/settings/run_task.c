#include "run/settings/run_task.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform/file_system.h"
#include "run/settings/run_files.h"
#include "run/settings/run_keys.h"
#include "run/settings/run_vocab.h"

bool clh_run_task_none(const char *name)
{
    return strcmp(name, "none") == 0;
}

const void *clh_run_task_settings(const clh_run_config *config, size_t row)
{
    return config->settings.bytes + clh_task_settings_place(row);
}

const char *clh_run_task_name(const clh_run_layer *layer)
{
    assert(layer);
    const clh_key *keys = clh_run_keys();
    clh_run_layer usual;
    size_t count;
    if (layer->state[clh_run_key_place(CLH_RUN_KEY_task)] > CLH_KEY_AUTOMATIC)
        return layer->config.task;
    clh_run_layer_default(&usual);
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (clh_run_key_task(i) && clh_word_in(keys[i].resets, ' ', "task") &&
            !clh_key_equal(&keys[i], &layer->config, &usual.config))
            return clh_run_key_task(i);
    return clh_task_rows(&count)[0].name;
}

/* `path`: of the run, where there is one. */
static clh_status open_task(clh_task **out, const char *name, const clh_run_config *config,
                            const char *path, const clh_task_given *given, clh_error *err)
{
    size_t count, row = 0;
    clh_vocab *vocab = NULL;
    clh_status status = clh_task_row_find(&row, name, err);
    if (status)
        return status;
    const clh_task_row *task = &clh_task_rows(&count)[row];
    if (*config->vocab && !task->ops->takes_vocab)
        return clh_fail(err, CLH_EUSAGE,
                        "--vocab is given, but the symbols of task %s are its own: want none",
                        name);
    status = clh_run_vocab_open(&vocab, config, path, err);
    if (status == CLH_EINPUT && path && !clh_is_folder(path) && given->run && given->run->away)
        status = CLH_OK; /* of weights alone: ids are shown */
    clh_task_given with = *given;
    with.vocab = vocab;
    if (!status)
        status = clh_task_open_row(out, task, clh_run_task_settings(config, row), &with, err);
    if (status)
        clh_vocab_close(vocab);
    else
        (*out)->vocab = vocab;
    return status;
}

clh_status clh_run_layer_task(clh_task **out, const clh_run_layer *layer, clh_error *err)
{
    CLH_REQUIRE(out && layer, err, "a layer, and room for its task");
    const clh_run_config *c = &layer->config;
    clh_task_given given = {.seed = c->seed};
    if (layer->state[clh_run_key_place(CLH_RUN_KEY_first_scored)] > CLH_KEY_AUTOMATIC)
        given.first_scored = c->first_scored;
    if (layer->state[clh_run_key_place(CLH_RUN_KEY_test_sequences)] > CLH_KEY_AUTOMATIC)
        given.test_sequences = c->train.test_sequences;
    if (layer->state[clh_run_key_place(CLH_RUN_KEY_n_ctx)] == CLH_KEY_ASKED)
        given.n_ctx = c->model.n_ctx;
    return open_task(out, clh_run_task_name(layer), c, NULL, &given, err);
}

clh_status clh_run_task_open(clh_task **out, const clh_run_config *config, const char *path,
                             const clh_task_of_run *run, clh_error *err)
{
    assert(out && config);
    const clh_task_given given = {.seed = config->seed,
                                  .first_scored = config->first_scored,
                                  .test_sequences = config->train.test_sequences,
                                  .n_ctx = config->model.n_ctx,
                                  .run = run};
    return open_task(out, config->task, config, path, &given, err);
}

/* The one path among the settings of the config's task that its content is known by. */
static const clh_key *data_key(const clh_run_config *config)
{
    const clh_key *keys = clh_run_keys();
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (keys[i].content && clh_run_key_task(i) &&
            strcmp(clh_run_key_task(i), config->task) == 0)
            return &keys[i];
    return NULL;
}

const char *clh_run_task_content(const clh_run_config *config)
{
    assert(config);
    const clh_key *key = data_key(config);
    key = key ? clh_key_find(clh_run_keys(), clh_run_key_count(), key->content, NULL) : NULL;
    return key ? (const char *)config + key->offset : "";
}

/* The task of one n: what is trained on and what is held out stays so. */
static clh_status narrow(clh_run_config *config, size_t n, clh_error *err)
{
    size_t count, row = 0;
    clh_status status = clh_task_row_find(&row, config->task, err);
    if (status)
        return status;
    const clh_task_ops *ops = clh_task_rows(&count)[row].ops;
    if (!ops->narrow)
        return clh_fail(err, CLH_EUSAGE,
                        "ask_n is %zu, but task %s has no n: only a mixture of n is asked for one",
                        n, config->task);
    return ops->narrow(config->settings.bytes + clh_task_settings_place(row), n, err);
}

clh_status clh_run_task_open_at(clh_task **out, clh_run_config *config, const char *path,
                                const clh_run_data *data, bool away, clh_error *err)
{
    assert(out && config && path && data);
    const clh_key *key = data_key(config);
    if ((data->path || data->changed) && !key)
        return clh_fail(err, CLH_EUSAGE, "--data%s is given, but task %s reads no file",
                        data->path ? "" : "-changed", config->task);
    clh_status status = data->path ? clh_key_from_text(key, config, data->path, err) : CLH_OK;
    char *kept = NULL;
    if (!status)
        status = clh_run_files_copy(&kept, config, path, err);
    if (status)
        return status;
    const clh_task_of_run of = {.n_ctx = config->model.n_ctx,
                                .d_vocab = config->model.d_vocab,
                                .epoch_sequences = config->train.epoch_sequences,
                                .kept = kept,
                                .away = away,
                                .changed = data->changed};
    clh_run_config asked = *config;
    if (data->ask_n)
        status = narrow(&asked, data->ask_n, err);
    if (!status)
        status = clh_run_task_open(out, &asked, path, &of, err);
    clh_free(kept);
    return status;
}

clh_status clh_run_config_task(clh_task **out, const clh_run_config *config, clh_error *err)
{
    CLH_REQUIRE(out && config, err, "a config, and room for its task");
    return clh_run_task_open(out, config, NULL, NULL, err);
}

void clh_run_task_record(clh_run_config *config, const clh_task *task, size_t step)
{
    assert(config && task);
    size_t row = 0;
    if (task->ops->record && !clh_task_row_find(&row, task->name, NULL))
        task->ops->record(task->state, config->settings.bytes + clh_task_settings_place(row), step);
}

clh_status clh_run_config_open(clh_run_config *out, clh_task **task, const clh_run_layer *layer,
                               clh_error *err)
{
    CLH_REQUIRE(out && layer, err, "layers, and room for the config");
    if (clh_run_task_none(clh_run_task_name(layer)) && !task)
        return clh_run_config_resolve(out, layer, NULL, err);
    clh_task *opened = NULL;
    clh_status status = clh_run_layer_task(&opened, layer, err);
    if (status)
        return status;
    status = clh_run_config_resolve(out, layer, opened, err);
    if (status || !task)
        clh_task_close(opened);
    else
        *task = opened;
    return status;
}

/* Whether the layer says anything of a task's. */
static bool has_any_settings(const clh_run_layer *layer)
{
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (clh_run_key_task(i) && layer->state[i] != CLH_KEY_ABSENT)
            return true;
    return false;
}

clh_status clh_run_layer_suit(clh_run_layer *layer, const clh_model_config *model, clh_error *err)
{
    CLH_REQUIRE(layer && model, err, "a layer, and the config of a model");
    clh_status checked = clh_model_config_check(model, err);
    if (checked)
        return checked;
    size_t count;
    const clh_task_row *first = &clh_task_rows(&count)[0];
    clh_run_layer fitting;
    const bool said = layer->state[clh_run_key_place(CLH_RUN_KEY_task)] > CLH_KEY_AUTOMATIC;
    if (!said && !has_any_settings(layer))
        return clh_run_layer_set(layer, "task", "none", err);
    if (strcmp(clh_run_task_name(layer), first->name) != 0)
        return CLH_OK;
    clh_run_layer_default(&fitting);
    void *settings = fitting.config.settings.bytes + clh_task_settings_place(0);
    if (!first->ops->fit ||
        !first->ops->fit(settings, model->n_ctx, model->d_vocab, model->d_vocab_out))
        return CLH_OK;
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (clh_run_key_task(i) && strcmp(clh_run_key_task(i), first->name) == 0 &&
            layer->state[i] == CLH_KEY_ABSENT) {
            layer->state[i] = CLH_KEY_GIVEN;
            clh_key_copy(&clh_run_keys()[i], &layer->config, &fitting.config);
        }
    return CLH_OK;
}

void clh_run_config_name(const clh_run_config *config, char out[64])
{
    if (!out)
        return;
    out[0] = '\0';
    if (!config)
        return;
    size_t count, row;
    char name[48];
    const clh_task_row *rows = clh_task_rows(&count);
    const bool known = clh_task_row_find(&row, config->task, NULL) == CLH_OK;
    if (known && rows[row].ops->run_name) {
        rows[row].ops->run_name(clh_run_task_settings(config, row), config->seed, name);
        (void)snprintf(out, 64, "%s", name);
    } else {
        (void)snprintf(out, 64, "%.31s-seed%llu", config->task, (unsigned long long)config->seed);
    }
}

void clh_run_config_absolute(clh_run_config *config)
{
    if (!config)
        return;
    const clh_key *keys = clh_run_keys();
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        char *path = (char *)config + keys[i].offset;
        if (keys[i].kind != CLH_KEY_TEXT || !keys[i].values ||
            strncmp(keys[i].values, "FILE", 4) != 0 || !(clh_is_file(path) || clh_is_folder(path)))
            continue;
        char *whole = clh_path_whole(path, NULL);
        if (whole && strlen(whole) < keys[i].size)
            memcpy(path, whole, strlen(whole) + 1);
        clh_free(whole);
    }
}
