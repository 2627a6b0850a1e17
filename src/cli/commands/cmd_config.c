/* clearhead config: the configuration `train` with the same options would have. */
#include "cli/commands/cli_train.h"
#include "cli/commands/commands.h"
#include "run/settings/run_files.h"

int clh_cmd_config(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run_config config;
    char *json = NULL;
    if (!clh_cli_config(inv, &config, &err)) {
        clh_run_config_absolute(&config); /* to be found from anywhere, whatever it will hold */
        clh_run_files_unname(&config);
        json = clh_run_config_json(&config, &err);
    }
    for (const char *at = json; at && *at; at++) /* --json is one line in every command */
        if (*at != '\n')
            (void)fputc(*at, stdout);
        else if (!inv->json || !at[1])
            (void)fputc('\n', stdout);
    int code = json ? 0 : clh_cli_fail(inv, &err);
    clh_free(json);
    return code;
}
