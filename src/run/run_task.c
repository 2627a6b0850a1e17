#include "run/run_task.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform/file_system.h"
#include "run/run_keys.h"

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

static clh_status open_task(clh_task **out, const char *name, const clh_run_config *config,
                            const clh_task_given *given, clh_error *err)
{
    size_t count, row = 0;
    clh_status status = clh_task_row_find(&row, name, err);
    return status ? status
                  : clh_task_open_row(out, &clh_task_rows(&count)[row],
                                      clh_run_task_settings(config, row), given, err);
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
    return open_task(out, clh_run_task_name(layer), c, &given, err);
}

clh_status clh_run_config_task(clh_task **out, const clh_run_config *config, clh_error *err)
{
    CLH_REQUIRE(out && config, err, "a config, and room for its task");
    const clh_task_given given = {.seed = config->seed,
                                  .first_scored = config->first_scored,
                                  .test_sequences = config->train.test_sequences};
    return open_task(out, config->task, config, &given, err);
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

/* Whether the layer says anything of the task called `name`. */
static bool has_settings(const clh_run_layer *layer, const char *name)
{
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (clh_run_key_task(i) && strcmp(clh_run_key_task(i), name) == 0 &&
            layer->state[i] != CLH_KEY_ABSENT)
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
    clh_run_layer_default(&fitting);
    void *settings = fitting.config.settings.bytes + clh_task_settings_place(0);
    if (!first->ops->fit ||
        !first->ops->fit(settings, model->n_ctx, model->d_vocab, model->d_vocab_out))
        return has_settings(layer, first->name) ? CLH_OK
                                                : clh_run_layer_set(layer, "task", "none", err);
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
        if (!clh_run_key_task(i) || keys[i].kind != CLH_KEY_TEXT || !path[0] ||
            strncmp(keys[i].values, "FILE", 4) != 0)
            continue;
        char *whole = clh_path_whole(path, NULL);
        if (whole && strlen(whole) < keys[i].size)
            memcpy(path, whole, strlen(whole) + 1);
        clh_free(whole);
    }
}
