#include "model/description/model_keys.h"

#include <assert.h>
#include <math.h>

static const clh_key model_keys[] = {
#define MODEL(name_, kind_, fallback_, values_, automatic_, resets_, help_)                        \
    {.section = "model",                                                                           \
     .name = #name_,                                                                               \
     .kind = CLH_KEY_##kind_,                                                                      \
     .offset = offsetof(clh_model_config, name_),                                                  \
     .size = sizeof(((clh_model_config *)0)->name_),                                               \
     .fallback = fallback_,                                                                        \
     .automatic = automatic_,                                                                      \
     .values = values_,                                                                            \
     .resets = resets_,                                                                            \
     .help = help_},
#include "model/description/model_keys.def"
#undef MODEL
};

const clh_key *clh_model_keys(void)
{
    return model_keys;
}

void clh_model_config_fill(clh_model_config *config, const bool automatic[CLH_MODEL_KEY_COUNT])
{
    assert(config && automatic && config->d_model > 0);
    clh_model_config *c = config;
    if (automatic[CLH_MODEL_KEY_d_head]) {
        c->d_head = c->d_model / (c->n_heads < 2 ? 2 : c->n_heads);
        c->d_head += c->d_head == 0;
    }
    if (automatic[CLH_MODEL_KEY_d_mlp])
        c->d_mlp = c->attn_only ? 0 : 4 * c->d_model;
    if (automatic[CLH_MODEL_KEY_d_vocab_out])
        c->d_vocab_out = c->d_vocab;
    if (automatic[CLH_MODEL_KEY_attn_scale])
        c->attn_scale = sqrt((double)c->d_head);
    if (automatic[CLH_MODEL_KEY_rotary_dim])
        c->rotary_dim = c->d_head;
    if (automatic[CLH_MODEL_KEY_initializer_range])
        c->initializer_range = c->init_mode == CLH_INIT_GPT2 ? 0.8 / sqrt((double)c->d_model) : 1;
}

clh_model_config clh_model_config_resolved(const clh_model_config *config)
{
    assert(config);
    clh_model_config c = *config;
    if (c.rotary_base == 0)
        c.rotary_base = 10000;
    if (c.d_model > 0) /* clh_model_config_check() refuses a model of no width */
        clh_model_config_fill(&c,
                              (const bool[CLH_MODEL_KEY_COUNT]){
                                  [CLH_MODEL_KEY_d_vocab_out] = c.d_vocab_out == 0,
                                  [CLH_MODEL_KEY_attn_scale] = c.attn_scale == 0,
                                  [CLH_MODEL_KEY_rotary_dim] = c.rotary_dim == 0,
                                  [CLH_MODEL_KEY_initializer_range] = c.initializer_range == 0});
    return c;
}

clh_model_config clh_model_config_default(void)
{
    clh_model_config config = {0};
    for (size_t i = 0; i < CLH_MODEL_KEY_COUNT; i++) {
        if (!model_keys[i].fallback)
            continue;
        clh_status status =
            clh_key_from_text(&model_keys[i], &config, model_keys[i].fallback, NULL);
        assert(!status);
        (void)status;
    }
    clh_model_config_fill(&config,
                          (const bool[CLH_MODEL_KEY_COUNT]){
                              [CLH_MODEL_KEY_d_head] = true, [CLH_MODEL_KEY_d_mlp] = true});
    return config;
}

/* What no single key can say. */
static clh_status check_together(const clh_model_config *c, clh_error *err)
{
    if (!c->attn_only && c->d_mlp == 0)
        return clh_fail(err, CLH_ECONFIG, "d_mlp is 0, want 1 or more, or attn_only true");
    if (c->attn_only && (c->gated_mlp || c->parallel_attn_mlp))
        return clh_fail(err, CLH_ECONFIG, "%s is true, want attn_only false: there is no MLP",
                        c->gated_mlp ? "gated_mlp" : "parallel_attn_mlp");
    if (c->gated_mlp && c->act_fn == CLH_ACT_SOLU_LN)
        return clh_fail(
            err, CLH_ECONFIG,
            "act_fn is solu_ln and gated_mlp true, want another act_fn: behind that one "
            "TransformerLens leaves out what is gated");
    if (c->tie_word_embeddings && c->d_vocab_out != c->d_vocab)
        return clh_fail(
            err, CLH_ECONFIG,
            "d_vocab_out is %zu, want d_vocab, which is %zu: tie_word_embeddings is true",
            c->d_vocab_out, c->d_vocab);
    if (c->positional_embedding_type != CLH_POSITIONS_ROTARY)
        return CLH_OK;
    if (c->rotary_dim > c->d_head)
        return clh_fail(err, CLH_ECONFIG, "rotary_dim is %zu, want at most d_head, which is %zu",
                        c->rotary_dim, c->d_head);
    if (c->rotary_dim % 2)
        return clh_fail(err, CLH_ECONFIG, "rotary_dim is %zu, want pairs: an even number",
                        c->rotary_dim);
    return CLH_OK;
}

clh_status clh_model_config_check(const clh_model_config *config, clh_error *err)
{
    CLH_REQUIRE(config, err, "a config");
    const clh_model_config c = clh_model_config_resolved(config);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_MODEL_KEY_COUNT && !status; i++)
        status = clh_key_check(&model_keys[i], &c, err);
    return status ? status : check_together(&c, err);
}
