#include "run/transformer_lens/tl_import.h"

#include <string.h>

#include "base/base.h"
#include "run/folder/weights.h"
#include "run/folder/weights_file.h"
#include "run/settings/run_keys.h"
#include "run/transformer_lens/tl_config.h"

/* The config, with the hook points of the version that is asked for. */
static clh_status read_config(clh_model_config *out, clh_strbuf *notes,
                              const clh_tl_import_ask *ask, clh_error *err)
{
    char *lines = NULL;
    const clh_run_layer *line = ask->line;
    const clh_status status = clh_tl_config_read(out, &lines, ask->config, ask->ignore_keys, err);
    if (status)
        return status;
    if (line->state[clh_run_key_place(CLH_RUN_KEY_tl_version)] == CLH_KEY_ASKED)
        out->tl_version = line->config.model.tl_version;
    clh_strbuf_adds(notes, lines);
    clh_free(lines);
    return CLH_OK;
}

/* The run's configuration: the task asked for or inferred, the model as it is, no training. */
static clh_status make_config(clh_run_config *out, const clh_model_config *model,
                              const clh_tl_import_ask *ask, clh_error *err)
{
    clh_run_layer all, layer = *ask->line;
    clh_run_layer_default(&all);
    clh_status status = clh_run_layer_suit(&layer, model, err);
    if (!status)
        status = clh_run_layer_set(&layer, "epochs", "0", err);
    if (!status)
        status = clh_run_layer_set(&layer, "init", ask->weights, err);
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

/* The parameters, and what is to be said of them. */
static clh_status read_weights(clh_tl_import *t, const char *path, clh_error *err)
{
    clh_weights_file *weights = NULL;
    clh_status status = clh_weights_open(&weights, path, err);
    if (!status)
        status = clh_model_load_from(t->model, weights, &t->notes, err);
    if (!status)
        status = read_record(&t->config, weights, err);
    clh_weights_close(weights);
    return status ? status : clh_strbuf_check(&t->notes, err);
}

clh_status clh_tl_import_read(clh_tl_import *out, const clh_tl_import_ask *ask, clh_error *err)
{
    clh_model_config model;
    *out = (clh_tl_import){0};
    clh_status status = read_config(&model, &out->notes, ask, err);
    if (!status)
        status = make_config(&out->config, &model, ask, err);
    if (!status)
        status = clh_model_open(&out->model, &model, err);
    if (!status)
        status = read_weights(out, ask->weights, err);
    if (status)
        clh_tl_import_deinit(out);
    return status;
}

void clh_tl_import_deinit(clh_tl_import *import)
{
    clh_model_close(import->model);
    clh_strbuf_deinit(&import->notes);
    *import = (clh_tl_import){0};
}
