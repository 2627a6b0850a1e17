/* Settings of a run as the command line has them: a line "key value" each. */
#include "clearhead/run_config.h"
#include "fuzz/fuzz.h"

FUZZ_TARGET(config_words)
{
    clh_run_layer all, line;
    clh_run_config config;
    clh_error err = {0};
    char *text = strdup(fuzz_text(bytes, size)), *at = text;
    FUZZ_MUST(text);
    clh_run_layer_default(&all);
    clh_run_layer_init(&line);
    clh_status status = CLH_OK;
    while (!status && at) {
        char *key = fuzz_line(&at), *value = strchr(key, ' ');
        if (value)
            *value++ = '\0';
        status = clh_run_layer_set(&line, key, value ? value : "", &err);
    }
    free(text);
    if (!status) {
        clh_run_layer_apply(&all, &line);
        status = clh_run_config_resolve(&config, &all, NULL, &err);
    }
    if (!status)
        status = clh_run_config_check(&config, &err);
    char *notes = status ? NULL : clh_run_config_notes(&config, &all, &err);
    if (!status && !notes)
        status = err.status;
    clh_free(notes);
    return status ? fuzz_refused(status, &err) : true;
}
