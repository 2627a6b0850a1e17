/* clearhead import: a run of weights and a config that TransformerLens wrote. */
#include <string.h>

#include "base/base.h"
#include "cli/cli_run.h"
#include "cli/cli_train.h"
#include "run/run_keys.h"
#include "run/tl_config.h"
#include "run/weights.h"
#include "run/weights_file.h"

/** The run's configuration: the task asked for or inferred, the model as it is, no training. */
static clh_status make_config(const clh_invocation *inv, const clh_model_config *model,
                              clh_run_config *out, clh_error *err)
{
    clh_run_layer all, layer;
    clh_run_layer_default(&all);
    clh_status status = clh_opt_line(inv, &layer, err);
    if (!status)
        status = clh_run_layer_suit(&layer, model, err);
    if (!status)
        status = clh_run_layer_set(&layer, "epochs", "0", err);
    if (!status)
        status = clh_run_layer_set(&layer, "init", clh_arg(inv, 0), err);
    if (status)
        return status;
    clh_run_layer_apply(&all, &layer);
    clh_run_layer_model(&layer, model);
    clh_run_layer_apply(&all, &layer);
    return clh_run_config_resolve(out, &all, NULL, err);
}

/* What the file of weights says was folded into them, if it says anything. */
static clh_status read_record(clh_run_config *config, const clh_weights_file *weights,
                              clh_error *err)
{
    clh_run_config theirs;
    const char *text = clh_weights_metadata(weights, "config");
    if (!text || !clh_weights_metadata(weights, "clearhead"))
        return CLH_OK; /* TransformerLens' own files say nothing */
    const clh_status status =
        clh_run_config_from_json(&theirs, text, clh_weights_path(weights), err);
    if (!status)
        memcpy(config->folded, theirs.folded, sizeof config->folded);
    return status;
}

/* The parameters, and what is to be said of them behind what is to be said of the config. */
static clh_status read_weights(clh_model *model, clh_run_config *config, const char *path,
                               clh_strbuf *notes, clh_error *err)
{
    clh_weights_file *weights = NULL;
    clh_status status = clh_weights_open(&weights, path, err);
    if (!status)
        status = clh_model_load_from(model, weights, notes, err);
    if (!status)
        status = read_record(config, weights, err);
    clh_weights_close(weights);
    return status ? status : clh_strbuf_check(notes, err);
}

/* The config, with the hook points of the version that is asked for. */
static clh_status read_config(const clh_invocation *inv, const char *path, clh_model_config *out,
                              char **notes, clh_error *err)
{
    clh_run_layer line;
    clh_status status = clh_opt_line(inv, &line, err);
    if (!status)
        status = clh_tl_config_read(out, notes, path, clh_opt_flag(inv, "ignore-keys"), err);
    if (!status && line.state[clh_run_key_place(CLH_RUN_KEY_tl_version)] == CLH_KEY_ASKED)
        out->tl_version = line.config.model.tl_version;
    return status;
}

/* What was made, put together before it is, so that no run is there which could not be told. */
static clh_status tell(clh_strbuf *text, const clh_invocation *inv, const char *path,
                       const clh_run_config *config, const clh_model *model, clh_error *err)
{
    size_t numbers = clh_model_parameter_count(model), tensors = clh_model_tensor_count(model);
    if (inv->json) {
        clh_strbuf_adds(text, "{\"run\": ");
        clh_strbuf_add_json(text, path);
        clh_strbuf_addf(text, ", \"n_parameters\": %zu, \"tensors\": %zu, \"task\": ", numbers,
                        tensors);
        clh_strbuf_add_json(text, config->task);
        clh_strbuf_adds(text, "}\n");
    } else {
        char *task = clh_run_config_describe(config, err);
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
    const char *config_path = NULL, *out = NULL;
    clh_model_config model_config;
    clh_run_config config;
    clh_model *model = NULL;
    char *notes = NULL;
    clh_strbuf more = {0}, told = {0};
    clh_status status = clh_opt_need(inv, "config", &config_path, &err);
    if (!status)
        status = clh_opt_need(inv, "out", &out, &err);
    if (!status)
        status = clh_cli_check_folder(inv, out, &err);
    if (!status)
        status = read_config(inv, config_path, &model_config, &notes, &err);
    if (!status)
        status = make_config(inv, &model_config, &config, &err);
    if (!status)
        status = clh_model_open(&model, &model_config, &err);
    if (!status)
        status = read_weights(model, &config, clh_arg(inv, 0), &more, &err);
    if (!status)
        status = tell(&told, inv, out, &config, model, &err);
    if (!status)
        status = clh_run_create(out, &config, model, &err);
    if (!status) {
        (void)fputs(notes, stderr);
        (void)fputs(clh_strbuf_view(&more), stderr);
        (void)fputs(clh_strbuf_view(&told), stdout);
    }
    clh_model_close(model);
    clh_strbuf_deinit(&told);
    clh_strbuf_deinit(&more);
    clh_free(notes);
    return status ? clh_cli_fail(inv, &err) : 0;
}
