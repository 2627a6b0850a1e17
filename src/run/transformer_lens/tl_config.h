/** TransformerLens' HookedTransformerConfig as JSON (`cfg.to_dict()`), read and written.
 *
 *    char *notes = NULL;
 *    if (clh_tl_config_read(&config, &notes, "cfg.json", false, &err)) ...
 *    fputs(notes, stderr);                  // "device = \"cpu\" does not matter here\n"
 *    clh_free(notes);
 *
 *  Configs of 1.0 to 3.9 (HookedTransformerConfig) and of 4.x (TransformerBridgeConfig of boot_native()) are
 *  read; what is written is 2.4's. What becomes of each key is one table, tl_keys.def: honoured, required
 *  to have a value that changes nothing here, or without effect and then named in the notes. What keys
 *  mean that are not given, or mean together, depends on the version, which is told by the keys there are.
 */
#ifndef CLH_TL_CONFIG_H
#define CLH_TL_CONFIG_H

#include "clearhead/config.h"

/** Read a config from JSON text; `origin` (a path) begins the error line. `notes` (owned by the
 *  caller, clh_free()) gets one line for each setting that is present, is not TransformerLens'
 *  default and has no effect here, for each that means something else in that version, and for each
 *  unknown key where these are ignored; and one line with the names of those that 2.4 does not have and
 *  that change nothing. "" when there is none. CLH_EFORMAT when it is not JSON, CLH_ECONFIG or CLH_ERANGE
 *  for a wrong value or a missing or unknown key, CLH_ESUPPORT for a setting this library does not
 *  implement, with what it is and what it would have to be; on failure nothing is written. */
clh_status clh_tl_config_from_json(clh_model_config *out, char **notes, const char *text,
                                   const char *origin, bool ignore_unknown, clh_error *err);

/** As clh_tl_config_from_json(), from a file; CLH_EIO too. */
clh_status clh_tl_config_read(clh_model_config *out, char **notes, const char *path,
                              bool ignore_unknown, clh_error *err);

/** The config as the JSON that `HookedTransformerConfig.from_dict(json.load(file))` takes: every key of
 *  2.4 but dtype, which JSON cannot hold (its default is ours, float32). With tl_version 3.0 also
 *  uses_rms_norm, by which it is read back as that and which only 3.x takes. Owned by the caller
 *  (clh_free()); NULL when out of memory. */
char *clh_tl_config_json(const clh_model_config *config, clh_error *err);

#endif
