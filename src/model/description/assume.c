#include "model/description/assume.h"

#include <assert.h>

#include "model/description/model_keys.h"

static const struct {
    clh_model_key key;
    const char *needs;
} table[CLH_ASSUMPTIONS] = {
    [CLH_ASSUME_CAUSAL] = {CLH_MODEL_KEY_attention_dir, "queries that see no key behind them"},
    [CLH_ASSUME_POSITIONS] = {CLH_MODEL_KEY_positional_embedding_type,
                              "embeddings of positions in the residual stream"},
    [CLH_ASSUME_QK] = {CLH_MODEL_KEY_positional_embedding_type,
                       "scores that do not turn with the distance of query and key"},
};

static bool holds(const clh_model_config *c, clh_assumption what)
{
    switch (what) {
    case CLH_ASSUME_CAUSAL:
        return c->attention_dir == CLH_ATTENTION_CAUSAL;
    case CLH_ASSUME_POSITIONS:
        return c->positional_embedding_type == CLH_POSITIONS_STANDARD;
    case CLH_ASSUME_QK:
        return c->positional_embedding_type != CLH_POSITIONS_ROTARY;
    case CLH_ASSUMPTIONS:
        break;
    }
    assert(false && "an assumption that nobody knows");
    return false;
}

clh_status clh_assume(const clh_model_config *config, clh_assumption what, const char *who,
                      clh_error *err)
{
    assert(config && who && what < CLH_ASSUMPTIONS);
    if (holds(config, what))
        return CLH_OK;
    const clh_key *key = &clh_model_keys()[table[what].key];
    clh_strbuf value = {0};
    clh_key_to_json(key, config, &value);
    clh_status status = clh_fail(err, CLH_ESUPPORT, "%s needs %s, this model's %s is %s", who,
                                 table[what].needs, key->name, clh_strbuf_view(&value));
    clh_strbuf_deinit(&value);
    return status;
}
