#include "run/folder/run_gather.h"

#include <assert.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "run/settings/run_keys.h"

clh_status clh_run_layers_gather(clh_run_layer *out, const char *preset, const char *file,
                                 const clh_model_config *weights, const clh_run_layer *line,
                                 clh_error *err)
{
    assert(out && line);
    clh_run_layer layer, model;
    clh_status status = CLH_OK;
    clh_run_layer_default(out);
    if (preset)
        status = clh_run_layer_preset(&layer, preset, err);
    if (!status && preset)
        clh_run_layer_apply(out, &layer);
    if (weights)
        clh_run_layer_model(&model, weights);
    if (weights)
        clh_run_layer_apply(out, &model);
    if (!status && file)
        status = clh_run_layer_file(&layer, file, err);
    if (!status && file)
        clh_run_layer_apply(out, &layer);
    if (!status)
        clh_run_layer_apply(out, line);
    if (!status && weights)
        clh_run_layer_fill(out, &model);
    return status;
}

clh_status clh_run_config_gather(clh_run_config *out, clh_run_layer *all, const char *preset,
                                 const char *file, const clh_run_layer *line, clh_error *err)
{
    assert(out && all && line);
    clh_run_config weights;
    bool known = false;
    if (line->state[clh_run_key_place(CLH_RUN_KEY_init)] == CLH_KEY_ASKED && line->config.init[0]) {
        clh_status status = clh_run_config_peek(&weights, line->config.init, err);
        if (status && status != CLH_NO)
            return status;
        known = status == CLH_OK; /* a file without a config: the settings describe it */
    }
    clh_status status =
        clh_run_layers_gather(all, preset, file, known ? &weights.model : NULL, line, err);
    return status ? status : clh_run_config_open(out, NULL, all, err);
}
