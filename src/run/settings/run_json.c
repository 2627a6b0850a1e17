/* A complete configuration as text, and back. */
#include <assert.h>
#include <string.h>

#include "run/settings/run_keys.h"
#include "run/settings/run_task.h"

bool clh_run_key_written(size_t place, const char *task)
{
    const char *owner = clh_run_key_task(place);
    size_t count, row = 0, own = 0;
    if (!owner || strcmp(owner, task) == 0)
        return true;
    for (size_t i = 0; i < place; i++)
        own += clh_run_key_task(i) && strcmp(clh_run_key_task(i), owner) == 0;
    return !clh_task_row_find(&row, owner, NULL) &&
           own < clh_task_rows(&count)[row].ops->in_every_config;
}

bool clh_run_key_idle(size_t place, const clh_run_config *config)
{
    const clh_key *key = &clh_run_keys()[place];
    const char *value = (const char *)config + key->offset;
    for (size_t i = 0; key->record && i < key->size; i++)
        if (value[i])
            return false;
    return key->record;
}

char *clh_run_config_json(const clh_run_config *config, clh_error *err)
{
    if (!config) {
        (void)clh_fail_null(err, __func__, "a config");
        return NULL;
    }
    const clh_key *keys = clh_run_keys();
    clh_strbuf text = {0};
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        if (!clh_run_key_written(i, config->task) || clh_run_key_idle(i, config))
            continue;
        clh_strbuf_addf(&text, "%s\n  \"%s\": ", i ? "," : "{", keys[i].name);
        clh_key_to_json(&keys[i], config, &text);
    }
    clh_strbuf_adds(&text, "\n}\n");
    return clh_strbuf_take(&text, err);
}

clh_status clh_run_config_from_json(clh_run_config *out, const char *text, const char *origin,
                                    clh_error *err)
{
    CLH_REQUIRE(out && text && origin, err, "JSON, where it is from, and room for the config");
    clh_run_layer all, file;
    clh_run_layer_default(&all);
    clh_status status = clh_run_layer_json(&file, text, origin, err);
    if (status)
        return status;
    clh_run_layer_apply(&all, &file);
    status = clh_run_config_resolve(out, &all, NULL, err);
    return status ? clh_fail_context(err, status, "%s", origin) : CLH_OK;
}

char *clh_run_config_text(const clh_run_config *config, const char *key, clh_error *err)
{
    if (!config || !key) {
        (void)clh_fail_null(err, __func__, "a config and a key");
        return NULL;
    }
    const clh_key *row = clh_key_find(clh_run_keys(), clh_run_key_count(), key, err);
    clh_strbuf text = {0};
    if (!row)
        return NULL;
    clh_key_to_json(row, config, &text);
    return clh_strbuf_take(&text, err);
}

/* The value of a key as it is written on the command line. */
static void add_value(clh_strbuf *text, const clh_key *key, const clh_run_config *config)
{
    const char *left_out = key->kind == CLH_KEY_LIST     ? "[ ]"
                           : key->kind == CLH_KEY_CHOICE ? "\""
                                                         : "";
    clh_strbuf json = {0};
    clh_key_to_json(key, config, &json);
    clh_strbuf_addf(text, ", %s ", key->name);
    for (const char *at = clh_strbuf_view(&json); *at; at++)
        if (!strchr(left_out, *at))
            clh_strbuf_addf(text, "%c", *at);
    text->failed = text->failed || json.failed;
    clh_strbuf_deinit(&json);
}

char *clh_run_config_describe(const clh_run_config *config, clh_error *err)
{
    if (!config) {
        (void)clh_fail_null(err, __func__, "a config");
        return NULL;
    }
    clh_strbuf text = {0};
    clh_strbuf_addf(&text, "%s", config->task);
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (clh_run_key_task(i) && strcmp(clh_run_key_task(i), config->task) == 0 &&
            !clh_run_keys()[i].record)
            add_value(&text, &clh_run_keys()[i], config);
    return clh_strbuf_take(&text, err);
}
