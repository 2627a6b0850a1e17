#include "run/run_about.h"

#include <assert.h>
#include <string.h>

#include "run/run_keys.h"

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
        clh_strbuf_deinit(&value);
    }
    return clh_run_config_notes(config, &layer, err);
}
