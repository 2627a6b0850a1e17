/** layout.def as data: what exists under a config, of which shape, in which order.
 *
 *    for (clh_place at = clh_layout_first(layout, config); at.row; at = clh_layout_next(layout,
 *  config, at))
 *        ... at.row->name, at.layer
 *
 *  Order: rows before the blocks, then all block rows layer by layer, then rows after the blocks.
 */
#ifndef CLH_LAYOUT_H
#define CLH_LAYOUT_H

#include "base/base.h"
#include "clearhead/config.h"
#include "clearhead/tensor.h"

typedef enum clh_param_id {
#define PARAM(id, ...) CLH_P_##id,
#include "model/layout.def"
    CLH_P_COUNT
} clh_param_id;

typedef enum clh_act_id {
#define ACT(id, ...) CLH_A_##id,
#include "model/layout.def"
    CLH_A_COUNT
} clh_act_id;

typedef enum clh_dim {
    DIM_NO, /**< past the row's rank */
    DIM_BATCH,
    DIM_POS,
    DIM_KEY_POS,
    DIM_HEADS,
    DIM_HEADS_IF_SPLIT,
    DIM_D_MODEL,
    DIM_D_HEAD,
    DIM_D_MLP,
    DIM_D_VOCAB,
    DIM_D_VOCAB_OUT,
    DIM_N_CTX,
    DIM_ONE,
} clh_dim;

typedef enum clh_scope { SCOPE_ONCE, SCOPE_BLOCK } clh_scope;
typedef enum clh_start { START_NORMAL, START_ZEROS, START_ONES } clh_start;

/** Under which settings a row exists. */
typedef enum clh_when {
    WHEN_ALWAYS,
    WHEN_HOOK_TOKENS,
    WHEN_ATTN_IN,
    WHEN_SPLIT_QKV,
    WHEN_ATTN_RESULT,
    WHEN_HOOK_MLP_IN,
    WHEN_MLP,
    WHEN_NORM,
    WHEN_NORM_SPLIT,
    WHEN_NORM_W,
    WHEN_NORM_B,
    WHEN_RMS,
    WHEN_RMS_SPLIT,
    WHEN_MLP_NORM,
    WHEN_MLP_NORM_W,
    WHEN_MLP_NORM_B,
    WHEN_MLP_RMS,
    WHEN_SOLU_LN,
    WHEN_SOLU_LN_W,
} clh_when;

enum { SHARES_OWN = -1, SHARES_EARLIER = -2 };

typedef struct clh_row {
    const char *name;
    clh_scope scope;
    clh_when when;
    clh_start start; /**< parameters */
    int shares;      /**< activations: SHARES_OWN, SHARES_EARLIER, or a clh_act_id */
    clh_dim dim[CLH_RANK_MAX];
} clh_row;

typedef struct clh_layout {
    const clh_row *row;
    size_t count, block_begin, block_end; /**< rows [block_begin, block_end) repeat a layer */
} clh_layout;

typedef struct clh_place {
    const clh_row *row; /**< NULL past the end */
    size_t id, layer;
} clh_place;

extern const clh_layout clh_layout_params, clh_layout_acts;

/** Whether `row` exists under `config`. */
bool clh_row_exists(const clh_row *row, const clh_model_config *config);

/** First and next existing row. */
clh_place clh_layout_first(const clh_layout *layout, const clh_model_config *config);
clh_place clh_layout_next(const clh_layout *layout, const clh_model_config *config,
                          clh_place place);

/** Rank and shape of a row for [batch, pos] tokens (0, 0 for parameters); data and name NULL. */
clh_tensor clh_row_shape(const clh_row *row, const clh_model_config *config, size_t batch,
                         size_t pos);

/** Whether each head has its own input (use_attn_in or use_split_qkv_input). */
static inline bool clh_heads_split(const clh_model_config *config)
{
    return config->use_attn_in || config->use_split_qkv_input;
}

#endif
