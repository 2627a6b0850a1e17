#include "ask/shared/run_line.h"

#include "run/folder/run_gather.h"

static const clh_key own[] = {
    CLH_ROW_AUTO(clh_run_line, preset, TEXT, NULL, "notebook",
                 "start from these settings; the notebook's are the default"),
    CLH_ROW_AUTO(clh_run_line, config, TEXT, NULL, "FILE",
                 "JSON file with the keys of clearhead config; overrides the preset"),
};

size_t clh_run_line_keys(clh_key *out, clh_run_line_takes *takes)
{
    const size_t place = offsetof(clh_run_line, line.config);
    size_t count = 0;
    for (size_t i = 0; i < CLH_COUNT(own); i++)
        out[count++] = own[i];
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        clh_key key = clh_run_keys()[i];
        if ((takes && !takes(i)) || key.record)
            continue;
        key.offset += place;
        if (key.kind == CLH_KEY_LIST)
            key.count_offset += place;
        out[count++] = key;
    }
    return count;
}

/* A run's keys have a section. */
clh_status clh_run_line_set(void *settings, const clh_key *key, const char *text, clh_error *err)
{
    clh_run_line *run = settings;
    return key->section ? clh_run_layer_set(&run->line, key->name, text, err)
                        : clh_key_from_text(key, settings, text, err);
}

clh_status clh_run_line_gather(clh_run_config *config, char **notes, const clh_run_line *run,
                               clh_error *err)
{
    clh_run_layer layers;
    clh_status status = clh_run_config_gather(config, &layers, *run->preset ? run->preset : NULL,
                                              *run->config ? run->config : NULL, &run->line, err);
    if (!status && !(*notes = clh_run_config_notes(config, &layers, err)))
        status = CLH_ENOMEM;
    return status;
}
