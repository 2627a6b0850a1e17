/* A config in TransformerLens' words. */
#include "run/transformer_lens/tl_config.h"

#include <assert.h>
#include <string.h>

#include "run/transformer_lens/tl_keys.h"

static clh_model_config in_their_words(const clh_model_config *config)
{
    clh_model_config theirs = *config;
    if (config->positional_embedding_type != CLH_POSITIONS_NONE)
        return theirs;
    theirs.positional_embedding_type = CLH_POSITIONS_ROTARY;
    theirs.rotary_dim = 0;
    return theirs;
}

/* Whether nothing follows from a key in this model, so that its default is written. */
static bool is_idle(clh_model_key key, const clh_model_config *theirs)
{
    return (key == CLH_MODEL_KEY_d_mlp && theirs->attn_only && theirs->d_mlp == 0) ||
           (key == CLH_MODEL_KEY_rotary_dim &&
            theirs->positional_embedding_type != CLH_POSITIONS_ROTARY);
}

/* Which keys are written: 2.4's but the one that JSON cannot hold, and the one that tells 3.0 by. */
static bool is_written(const clh_tl_key *key, const clh_model_config *config)
{
    if (strcmp(key->name, clh_tl_since_3) == 0)
        return config->tl_version == CLH_TL_3_0;
    return !key->other && strcmp(key->name, "dtype") != 0;
}

char *clh_tl_config_json(const clh_model_config *config, clh_error *err)
{
    assert(config);
    size_t count, written = 0;
    const clh_tl_key *key = clh_tl_keys(&count);
    clh_strbuf text = {0};
    const clh_model_config theirs = in_their_words(config);
    for (size_t i = 0; i < count; i++) {
        if (!is_written(&key[i], config))
            continue;
        clh_strbuf_adds(&text, written++ ? ",\n  " : "{\n  ");
        clh_strbuf_add_json(&text, key[i].name);
        clh_strbuf_adds(&text, ": ");
        if (key[i].rule == CLH_TL_HONOURED && !is_idle(clh_tl_model_key(&key[i]), &theirs))
            clh_key_to_json(&clh_model_keys()[clh_tl_model_key(&key[i])], &theirs, &text);
        else
            clh_strbuf_adds(&text, key[i].fallback);
    }
    clh_strbuf_adds(&text, "\n}\n");
    return clh_strbuf_take(&text, err);
}
