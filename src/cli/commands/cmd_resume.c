/* clearhead resume: go on where the newest checkpoint is. */
#include "clearhead/run.h"
#include "cli/commands/cli_run.h"
#include "cli/commands/cli_train.h"
#include "cli/commands/commands.h"

int clh_cmd_resume(const clh_invocation *inv)
{
    clh_error err = {0}, passed_over = {0};
    clh_cli_watch watch = {.inv = inv};
    const char *folder = clh_arg(inv, 0);
    size_t threads = 0;
    if (clh_opt_given(inv, "threads") && clh_opt_size(inv, "threads", &threads, &err))
        return clh_cli_fail(inv, &err);
    clh_run_data data = {0};
    if (clh_cli_run_data(inv, &data, &err))
        return clh_cli_fail(inv, &err);
    clh_train_watch on = clh_cli_watch_begin(&watch);
    const bool falls_back = clh_opt_flag(inv, "fall-back");
    clh_status status =
        clh_train_resume_as(folder, threads, &data, falls_back ? &passed_over : NULL, &on, &err);
    clh_cli_watch_end(&watch);
    if (passed_over.status)
        (void)fprintf(stderr, "clearhead resume: not taken: %s\n", passed_over.message);
    if (!status && watch.summary.last.steps == 0) { /* it had ended before */
        clh_run_config config;
        status = clh_run_config_peek(&config, folder, &err);
        if (!status)
            watch.summary.last.steps = watch.summary.last.step = config.train.steps;
    }
    return clh_cli_train_report(&watch, folder, status, &err);
}
