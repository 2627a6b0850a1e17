#include "cli/cli.h"

int clh_cmd_config(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run_layer layers;
    clh_run_config config;
    if (clh_opt_layers(inv, NULL, &layers, &err) ||
        clh_run_config_open(&config, NULL, &layers, &err))
        return clh_cli_fail(inv, &err);
    char *json = clh_run_config_json(&config, &err);
    char *notes = json ? clh_run_config_notes(&config, &layers, &err) : NULL;
    if (notes) {
        (void)fputs(notes, stderr);
        (void)fputs(json, stdout);
    }
    clh_free(json);
    clh_free(notes);
    return notes ? 0 : clh_cli_fail(inv, &err);
}
