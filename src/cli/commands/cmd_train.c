/* clearhead train: a run folder from a configuration. */
#include "cli/commands/cli_train.h"
#include "cli/commands/commands.h"

int clh_cmd_train(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run_config config;
    clh_cli_watch watch = {.inv = inv};
    char name[64], *folder = NULL;
    clh_status status = clh_cli_config(inv, &config, &err);
    if (!status) {
        clh_run_config_name(&config, name);
        status = clh_cli_folder(inv, name, &folder, &err);
    }
    if (status)
        return clh_cli_fail(inv, &err);
    clh_train_watch on = clh_cli_watch_begin(&watch);
    status = clh_train(&config, folder, &on, &err);
    clh_cli_watch_end(&watch);
    int code = clh_cli_train_report(&watch, folder, status, &err);
    clh_free(folder);
    return code;
}
