/** TransformerLens' HookedTransformerConfig as JSON (`cfg.to_dict()`), read and written.
 *
 *    char *notes = NULL;
 *    if (clh_tl_config_read(&config, &notes, "cfg.json", &err)) ...
 *    fputs(notes, stderr);                  // "device = \"cpu\" does not matter here\n"
 *    clh_free(notes);
 *
 *  What becomes of each of its keys is one table, tl_keys.def: honoured, required to have the value
 *  that this library implements, or without effect and then named in the notes. Unknown keys are
 *  errors. Source: TransformerLens 2.4, HookedTransformerConfig.py.
 */
#ifndef CLH_TL_CONFIG_H
#define CLH_TL_CONFIG_H

#include "clearhead/config.h"

/** Read a config from JSON text; `origin` (a path) begins the error line. `notes` (owned by the
 *  caller, clh_free()) gets one line for each setting that is present, is not TransformerLens'
 *  default and has no effect here; "" when there is none. CLH_EFORMAT when it is not JSON,
 *  CLH_ECONFIG or CLH_ERANGE for a wrong value or a missing or unknown key, CLH_ESUPPORT for a
 *  setting this library does not implement; on failure nothing is written. */
clh_status clh_tl_config_from_json(clh_model_config *out, char **notes, const char *text,
                                   const char *origin, clh_error *err);

/** As clh_tl_config_from_json(), from a file; CLH_EIO too. */
clh_status clh_tl_config_read(clh_model_config *out, char **notes, const char *path,
                              clh_error *err);

/** The config as the JSON that `HookedTransformerConfig.from_dict(json.load(file))` takes: every
 *  key but dtype, which JSON cannot hold (its default is ours, float32). Owned by the caller
 *  (clh_free()); NULL when out of memory. */
char *clh_tl_config_json(const clh_model_config *config, clh_error *err);

#endif
