/* clearhead resume: go on where the newest checkpoint is. */
#include "clearhead/run.h"
#include "cli/cli_train.h"

int clh_cmd_resume(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run_config config;
    clh_cli_watch watch = {.inv = inv};
    const char *folder = clh_arg(inv, 0);
    size_t threads = 0;
    clh_status status = clh_run_config_peek(&config, folder, &err);
    if (!status && clh_opt_given(inv, "threads"))
        status = clh_opt_size(inv, "threads", &threads, &err);
    if (status)
        return clh_cli_fail(inv, &err);
    watch.last.steps = watch.last.step = config.train.steps;
    clh_train_watch on = clh_cli_watch_begin(&watch);
    status = clh_train_resume(folder, threads, &on, &err);
    clh_cli_watch_end(&watch);
    return clh_cli_train_report(&watch, folder, status, &err);
}
