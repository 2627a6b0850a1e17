/* clearhead sample: what the model writes, beside what is right. */
#include <unistd.h>

#include "cli/cli_run.h"
#include "cli/cli_sample.h"
#include "cli/cli_terminal.h"

static clh_status sample_one(const clh_invocation *inv, const clh_run *run, size_t index,
                             clh_error *err)
{
    clh_sequence sequence = {0};
    clh_cli_sample sample = {0};
    const clh_task *task = clh_run_task(run);
    const bool answered = !clh_opt_given(inv, "text");
    clh_status status = clh_cli_sequence(inv, run, index, &sequence, err);
    if (!status)
        status = clh_cli_sample_make(&sample, clh_run_model(run), task, &sequence,
                                     clh_opt_flag(inv, "free"), answered, err);
    if (!status && inv->json)
        status = clh_cli_sample_print_json(&sample, task, err);
    else if (!status)
        clh_cli_sample_print(&sample, task, inv->colour, clh_cli_columns(STDOUT_FILENO));
    clh_cli_sample_deinit(&sample);
    return status;
}

int clh_cmd_sample(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run *run = NULL;
    size_t count = 1;
    clh_status status = clh_opt_size(inv, "count", &count, &err);
    if (!status && clh_opt_given(inv, "count") &&
        (clh_opt_given(inv, "letters") || clh_opt_given(inv, "text")))
        status = clh_fail(&err, CLH_EUSAGE,
                          "--count is for held-out sequences, want it without "
                          "--letters and --text");
    if (!status)
        status = clh_cli_open_run(inv, &run, &err);
    for (size_t i = 0; i < count && !status && !clh_cli_out_failed(); i++)
        status = sample_one(inv, run, i, &err);
    clh_run_close(run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
