/** The table of a model's keys (model_keys.def) as rows over clh_model_config.
 *
 *    size_t count;
 *    const clh_key *keys = clh_model_keys(&count);
 *    clh_key_from_text(&keys[CLH_MODEL_KEY_d_model], &config, "64", err);
 *
 *  Constant; nothing to free.
 */
#ifndef CLH_MODEL_KEYS_H
#define CLH_MODEL_KEYS_H

#include "base/keys.h"
#include "clearhead/config.h"

/** Place of each key in the table. */
typedef enum clh_model_key {
#define MODEL(name, ...) CLH_MODEL_KEY_##name,
#include "model/description/model_keys.def"
#undef MODEL
    CLH_MODEL_KEY_COUNT
} clh_model_key;

/** The rows, CLH_MODEL_KEY_COUNT of them. */
const clh_key *clh_model_keys(void);

/** Give the automatic keys their values: those whose `automatic[key]` is true and that follow from
 *  other model keys (d_head, d_mlp, d_vocab_out, attn_scale, initializer_range). n_ctx and d_vocab
 *  are the task's and must be there. */
void clh_model_config_fill(clh_model_config *config, const bool automatic[CLH_MODEL_KEY_COUNT]);

/** A config in which what may be 0 because it follows from other fields has the value that it then
 *  has (clearhead/config.h). Every function that is given a config from outside begins with it. */
clh_model_config clh_model_config_resolved(const clh_model_config *config);

#endif
