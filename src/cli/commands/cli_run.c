#include "cli/commands/cli_run.h"

#include <assert.h>

#include "base/base.h"
#include "base/platform/file.h"

clh_status clh_cli_open_run(const clh_invocation *inv, clh_run **out, clh_error *err)
{
    const char *path = clh_arg(inv, 0);
    assert(path);
    if (!clh_opt_given(inv, "checkpoint"))
        return clh_run_open(out, path, err);
    size_t step = 0;
    char name[64];
    clh_status status = clh_opt_size(inv, "checkpoint", &step, err);
    if (status)
        return status;
    (void)snprintf(name, sizeof name, "checkpoints/step-%08zu.safetensors", step);
    char *file = clh_path_join(path, name, err);
    if (!file)
        return CLH_ENOMEM;
    status = clh_path_exists(file)
                 ? clh_run_open(out, file, err)
                 : clh_fail(err, CLH_EINPUT, "%s has no checkpoint of step %zu", path, step);
    clh_free(file);
    return status;
}

clh_status clh_cli_run_data(const clh_invocation *inv, clh_run_data *out, clh_error *err)
{
    const size_t data = clh_option_place(&inv->options, "data");
    *out = (clh_run_data){.changed = clh_opt_flag(inv, "data-changed")};
    if (data < inv->options.count && !inv->options.option[data].key)
        out->path = inv->value[data];
    return clh_option_place(&inv->options, "ask-n") < inv->options.count
               ? clh_opt_size(inv, "ask-n", &out->ask_n, err)
               : CLH_OK;
}

clh_status clh_cli_open_subject(const clh_invocation *inv, const char *run, clh_subject **out,
                                clh_error *err)
{
    clh_strbuf where = {0};
    clh_run_data data = {0};
    size_t step = SIZE_MAX;
    clh_status status = clh_cli_run_data(inv, &data, err);
    if (!status)
        status = clh_opt_size(inv, "checkpoint", &step, err);
    clh_strbuf_adds(&where, run);
    if (step != SIZE_MAX)
        clh_strbuf_addf(&where, "@%zu", step);
    if (!status)
        status = clh_strbuf_check(&where, err);
    if (!status)
        status = clh_subject_open_data(out, clh_strbuf_view(&where), &data, err);
    clh_strbuf_deinit(&where);
    return status;
}
