/** A run's configuration and model, of weights and a config that TransformerLens wrote.
 *
 *    clh_tl_import theirs = {0};
 *    const clh_tl_import_ask ask = {"model.safetensors", "cfg.json", false, &line};
 *    if (clh_tl_import_read(&theirs, &ask, &err)) ...
 *    clh_run_create("runs/theirs", &theirs.config, theirs.model, &err);
 *    clh_tl_import_deinit(&theirs);
 *
 *  The caller owns the struct.
 */
#ifndef CLH_TL_IMPORT_H
#define CLH_TL_IMPORT_H

#include "base/strbuf.h"
#include "clearhead/model.h"
#include "clearhead/run_config.h"

typedef struct clh_tl_import_ask {
    const char *weights, *config; /**< paths */
    bool ignore_keys;             /**< take a config with unknown keys, without these */
    const clh_run_layer *line;    /**< what is asked for: a task, tl_version; borrowed */
} clh_tl_import_ask;

typedef struct clh_tl_import {
    clh_run_config config; /**< the task asked for or inferred, the model as it is, no training */
    clh_model *model;
    clh_strbuf notes; /**< lines about the config, then about the weights */
} clh_tl_import;

/** Read them. Errors of clh_tl_config_read(), clh_run_layer_suit(), clh_run_config_resolve() and
 *  clh_model_load_from(). */
clh_status clh_tl_import_read(clh_tl_import *out, const clh_tl_import_ask *ask, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_tl_import_deinit(clh_tl_import *import);

#endif
