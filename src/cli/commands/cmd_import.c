/* clearhead import: a run of weights and a config that TransformerLens wrote. */
#include "clearhead/run.h"
#include "cli/commands/cli_train.h"
#include "cli/commands/commands.h"
#include "run/transformer_lens/tl_import.h"

/* What was made, put together before it is, so that no run is there which could not be told. */
static clh_status tell(clh_strbuf *text, const clh_invocation *inv, const char *path,
                       const clh_tl_import *theirs, clh_error *err)
{
    size_t numbers = clh_model_parameter_count(theirs->model),
           tensors = clh_model_tensor_count(theirs->model);
    if (inv->json) {
        clh_strbuf_adds(text, "{\"run\": ");
        clh_strbuf_add_json(text, path);
        clh_strbuf_addf(text, ", \"n_parameters\": %zu, \"tensors\": %zu, \"task\": ", numbers,
                        tensors);
        clh_strbuf_add_json(text, theirs->config.task);
        clh_strbuf_adds(text, "}\n");
    } else {
        char *task = clh_run_config_describe(&theirs->config, err);
        if (!task)
            return CLH_ENOMEM;
        clh_strbuf_addf(text, "%s: %zu parameters in %zu tensors, task %s\n", path, numbers,
                        tensors, task);
        clh_free(task);
    }
    return clh_strbuf_check(text, err);
}

int clh_cmd_import(const clh_invocation *inv)
{
    clh_error err = {0};
    const char *out = NULL;
    clh_run_layer line;
    clh_tl_import theirs = {0};
    clh_tl_import_ask ask = {clh_arg(inv, 0), NULL, clh_opt_flag(inv, "ignore-keys"), &line};
    clh_strbuf told = {0};
    clh_status status = clh_opt_need(inv, "config", &ask.config, &err);
    if (!status)
        status = clh_opt_need(inv, "out", &out, &err);
    if (!status)
        status = clh_cli_check_folder(inv, out, &err);
    if (!status)
        status = clh_opt_line(inv, &line, &err);
    if (!status)
        status = clh_tl_import_read(&theirs, &ask, &err);
    if (!status)
        status = tell(&told, inv, out, &theirs, &err);
    if (!status)
        status = clh_run_create(out, &theirs.config, theirs.model, &err);
    if (!status) {
        (void)fputs(clh_strbuf_view(&theirs.notes), stderr);
        (void)fputs(clh_strbuf_view(&told), stdout);
    }
    clh_tl_import_deinit(&theirs);
    clh_strbuf_deinit(&told);
    return status ? clh_cli_fail(inv, &err) : 0;
}
