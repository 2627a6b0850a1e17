#include "run/settings/run_about.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/platform/decimal.h"
#include "run/settings/run_keys.h"

const char *clh_run_config_cause(const clh_run_config *config, bool initial,
                                 char out[CLH_CAUSE_TEXT])
{
    if (initial && config->init[0])
        return "the weights that it starts from are too large";
    (void)clh_snprintf(out, CLH_CAUSE_TEXT, "%s %g may be too large",
                       initial ? "initializer_range" : "lr",
                       initial ? config->model.initializer_range : config->train.lr);
    return out;
}

char *clh_run_config_idle(const clh_run_config *config, clh_error *err)
{
    assert(config);
    const clh_key *keys = clh_run_keys();
    clh_run_layer layer = {.config = *config};
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        clh_strbuf value = {0};
        clh_key_to_json(&keys[i], config, &value);
        if (strcmp(keys[i].section, "model") == 0 &&
            !clh_word_in("0|false", '|', clh_strbuf_view(&value)))
            layer.state[i] = CLH_KEY_ASKED;
        const clh_status status = clh_strbuf_check(&value, err);
        clh_strbuf_deinit(&value);
        if (status)
            return NULL;
    }
    return clh_run_config_notes(config, &layer, err);
}

void clh_run_settings(const clh_run_config *config,
                      void (*see)(const clh_run_setting *setting, void *user), void *user)
{
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        const clh_key *key = &clh_run_keys()[i];
        if (!clh_run_key_written(i, config->task) || clh_run_key_idle(i, config))
            continue;
        clh_strbuf json = {0};
        char *end = NULL;
        clh_key_to_json(key, config, &json);
        const char *text = clh_strbuf_view(&json);
        const double number = clh_read_double(text, &end);
        const bool whole = end != text && *end == '\0';
        const clh_run_setting setting = {key->name, text,
                                         key->kind == CLH_KEY_BOOL ? strcmp(text, "true") == 0
                                         : whole                   ? number
                                                                   : NAN};
        see(&setting, user);
        clh_strbuf_deinit(&json);
    }
}
