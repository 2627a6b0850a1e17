#include "model/layout.h"

#include <assert.h>

/* The first of the dimensions a row names is at most four; what is not named is DIM_NO. */
static const clh_row param_rows[] = {
#define DIMS1(a)                                                                                   \
    {                                                                                              \
        DIM_##a                                                                                    \
    }
#define DIMS2(a, b)                                                                                \
    {                                                                                              \
        DIM_##a, DIM_##b                                                                           \
    }
#define DIMS3(a, b, c)                                                                             \
    {                                                                                              \
        DIM_##a, DIM_##b, DIM_##c                                                                  \
    }
#define DIMS4(a, b, c, d)                                                                          \
    {                                                                                              \
        DIM_##a, DIM_##b, DIM_##c, DIM_##d                                                         \
    }
#define DIMS_PICK(a, b, c, d, macro, ...) macro
#define DIMS(...) DIMS_PICK(__VA_ARGS__, DIMS4, DIMS3, DIMS2, DIMS1, 0)(__VA_ARGS__)
#define PARAM(id, scope_, when_, start_, name_, ...)                                               \
    {.name = name_,                                                                                \
     .scope = SCOPE_##scope_,                                                                      \
     .when = WHEN_##when_,                                                                         \
     .start = START_##start_,                                                                      \
     .shares = SHARES_OWN,                                                                         \
     .dim = DIMS(__VA_ARGS__)},
#include "model/layout.def"
};

#define CLH_A_OWN SHARES_OWN
#define CLH_A_EARLIER SHARES_EARLIER
static const clh_row act_rows[] = {
#define ACT(id, scope_, when_, shares_, name_, ...)                                                \
    {.name = name_,                                                                                \
     .scope = SCOPE_##scope_,                                                                      \
     .when = WHEN_##when_,                                                                         \
     .shares = (int)CLH_A_##shares_,                                                               \
     .dim = DIMS(__VA_ARGS__)},
#include "model/layout.def"
};

const clh_layout clh_layout_params = {param_rows, CLH_P_COUNT, CLH_P_LN1_W, CLH_P_LN_FINAL_W};
const clh_layout clh_layout_acts = {act_rows, CLH_A_COUNT, CLH_A_RESID_PRE, CLH_A_LN_FINAL_SCALE};

bool clh_row_exists(const clh_row *row, const clh_model_config *c)
{
    const clh_normalization norm = c->normalization_type;
    const bool mlp = !c->attn_only, normed = norm != CLH_NORM_NONE;
    const bool rms = norm == CLH_NORM_RMS, ln = norm == CLH_NORM_LN;
    const bool solu_ln = mlp && c->act_fn == CLH_ACT_SOLU_LN;
    switch (row->when) {
    case WHEN_ALWAYS:
        return true;
    case WHEN_HOOK_TOKENS:
        return c->use_hook_tokens;
    case WHEN_ATTN_IN:
        return c->use_attn_in;
    case WHEN_SPLIT_QKV:
        return c->use_split_qkv_input;
    case WHEN_ATTN_RESULT:
        return c->use_attn_result;
    case WHEN_HOOK_MLP_IN:
        return mlp && c->use_hook_mlp_in;
    case WHEN_MLP:
        return mlp;
    case WHEN_NORM:
        return normed;
    case WHEN_NORM_SPLIT:
        return normed && c->use_split_qkv_input;
    case WHEN_NORM_W:
        return ln || rms;
    case WHEN_NORM_B:
        return ln;
    case WHEN_RMS:
        return rms;
    case WHEN_RMS_SPLIT:
        return rms && c->use_split_qkv_input;
    case WHEN_MLP_NORM:
        return mlp && normed;
    case WHEN_MLP_NORM_W:
        return mlp && (ln || rms);
    case WHEN_MLP_NORM_B:
        return mlp && ln;
    case WHEN_MLP_RMS:
        return mlp && rms;
    case WHEN_SOLU_LN:
        return solu_ln;
    case WHEN_SOLU_LN_W:
        return solu_ln && ln;
    }
    assert(false && "a row has a condition that layout.c does not know");
    return false;
}

/* The row after (id, layer), whether it exists or not. */
static clh_place step(const clh_layout *layout, const clh_model_config *config, clh_place at)
{
    size_t id = at.id + 1, layer = at.layer;
    if (id == layout->block_end && at.row->scope == SCOPE_BLOCK) {
        bool again = layer + 1 < config->n_layers;
        id = again ? layout->block_begin : layout->block_end;
        layer = again ? layer + 1 : 0;
    }
    return (clh_place){id < layout->count ? &layout->row[id] : NULL, id, layer};
}

static clh_place skip_absent(const clh_layout *layout, const clh_model_config *config, clh_place at)
{
    while (at.row && !clh_row_exists(at.row, config))
        at = step(layout, config, at);
    return at;
}

clh_place clh_layout_first(const clh_layout *layout, const clh_model_config *config)
{
    return skip_absent(layout, config, (clh_place){&layout->row[0], 0, 0});
}

clh_place clh_layout_next(const clh_layout *layout, const clh_model_config *config, clh_place place)
{
    assert(place.row);
    return skip_absent(layout, config, step(layout, config, place));
}

static size_t dim_size(clh_dim dim, const clh_model_config *c, size_t batch, size_t pos)
{
    switch (dim) {
    case DIM_BATCH:
        return batch;
    case DIM_POS:
    case DIM_KEY_POS:
        return pos;
    case DIM_HEADS:
    case DIM_HEADS_IF_SPLIT:
        return c->n_heads;
    case DIM_D_MODEL:
        return c->d_model;
    case DIM_D_HEAD:
        return c->d_head;
    case DIM_D_MLP:
        return c->d_mlp;
    case DIM_D_VOCAB:
        return c->d_vocab;
    case DIM_D_VOCAB_OUT:
        return c->d_vocab_out;
    case DIM_N_CTX:
        return c->n_ctx;
    case DIM_ONE:
    case DIM_NO:
        return 1;
    }
    return 1;
}

clh_tensor clh_row_shape(const clh_row *row, const clh_model_config *config, size_t batch,
                         size_t pos)
{
    assert(row && config);
    clh_tensor tensor = {0};
    for (size_t i = 0; i < CLH_RANK_MAX && row->dim[i] != DIM_NO; i++)
        if (row->dim[i] != DIM_HEADS_IF_SPLIT || clh_heads_split(config))
            tensor.shape[tensor.rank++] = dim_size(row->dim[i], config, batch, pos);
    return tensor;
}
