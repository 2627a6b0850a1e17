#include "cli/cli_run.h"

#include <assert.h>
#include <string.h>

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
    *out = (clh_run_data){.changed = clh_opt_flag(inv, "data-changed")};
    bool one_n = false;
    for (size_t i = 0; i < inv->options.count; i++) {
        if (strcmp(inv->options.option[i].name, "data") == 0 && !inv->options.option[i].key)
            out->path = inv->value[i];
        one_n = one_n || strcmp(inv->options.option[i].name, "ask-n") == 0;
    }
    return one_n && clh_opt_given(inv, "ask-n") ? clh_opt_size(inv, "ask-n", &out->ask_n, err)
                                                : CLH_OK;
}
