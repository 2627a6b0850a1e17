/** layout.def as data: what exists under a config, of which shape, in which order, and what uses it.
 *
 *    for (clh_row_place at = clh_layout_first(layout, config); at.row;
 *         at = clh_layout_next(layout, config, at))
 *        ... at.row->name, at.layer
 *    clh_layout_acts.row[CLH_A_Q].map->bias                          // b_Q
 *
 *  Order: rows before the blocks, then all block rows layer by layer, then rows after the blocks.
 *  Who looks for tensors asks for rows with a property, or for one by its id (model/memory/tensors.h);
 *  names are for users. Everything here is constant.
 */
#ifndef CLH_LAYOUT_H
#define CLH_LAYOUT_H

#include "base/base.h"
#include "clearhead/config.h"
#include "clearhead/tensor.h"

typedef enum clh_param_id {
#define PARAM(id, ...) CLH_P_##id,
#include "model/description/layout.def"
    CLH_P_COUNT
} clh_param_id;

typedef enum clh_act_id {
#define ACT(id, ...) CLH_A_##id,
#include "model/description/layout.def"
    CLH_A_COUNT
} clh_act_id;

/** A place where a norm stands. */
typedef enum clh_norm_place {
#define NORM(id, ...) CLH_NORM_AT_##id,
#include "model/description/layout.def"
    CLH_NORM_PLACES
} clh_norm_place;

typedef enum clh_dim {
    DIM_NO, /**< past the row's rank */
#define DIM(id, ...) DIM_##id,
#include "model/description/layout.def"
} clh_dim;

/** Under which settings a row exists. */
typedef enum clh_when {
#define WHEN(id, ...) WHEN_##id,
#define SWITCH(id, ...) WHEN_##id,
#include "model/description/layout.def"
} clh_when;

enum {
    WHEN_COUNT = 0
#define WHEN(id, ...) +1
#define SWITCH(id, ...) +1
#include "model/description/layout.def"
};

typedef enum clh_scope { SCOPE_BEFORE, SCOPE_BLOCK, SCOPE_AFTER } clh_scope;
typedef enum clh_start { START_NORMAL, START_ZEROS, START_ONES } clh_start;

/** Parameters that a graft swaps together; bits. */
typedef enum clh_group {
    GROUP_Q = 1,
    GROUP_K = 1 << 1,
    GROUP_V = 1 << 2,
    GROUP_O = 1 << 3,
    GROUP_MLP = 1 << 4,
    GROUP_EMBED = 1 << 5,
    GROUP_POS_EMBED = 1 << 6,
    GROUP_UNEMBED = 1 << 7,
    GROUP_LN = 1 << 8,
} clh_group;

/** Which sum a parameter's output is a term of. */
typedef enum clh_adds_to { ADDS_TO_NONE, ADDS_TO_STREAM, ADDS_TO_LOGITS } clh_adds_to;

/** What an activation is to the residual stream. */
typedef enum clh_stream_role {
    STREAM_NO,
    STREAM_SELF,  /**< the stream */
    STREAM_INPUT, /**< a copy that one node reads */
    STREAM_TERM,  /**< what is added to it */
    STREAM_APART, /**< the heads of the next term */
} clh_stream_role;

enum { SHARES_OWN = -1, SHARES_EARLIER = -2 };

typedef struct clh_row clh_row;
typedef struct clh_norm_row clh_norm_row;

struct clh_row {
    const char *name;
    clh_scope scope;
    clh_when when;
    clh_dim dim[CLH_RANK_MAX];
    clh_when stream_when; /**< `adds_to` and `stream` are so under this condition */
    /* of parameters */
    clh_start start;
    clh_group group;
    clh_adds_to adds_to;
    const clh_row *bias;        /**< of a matrix, else NULL */
    const clh_norm_row *behind; /**< the norm it reads through; NULL: none */
    const clh_row *tied; /**< with tie_word_embeddings it is that one turned over; else NULL */
    /* of activations */
    int shares; /**< SHARES_OWN, SHARES_EARLIER, or a clh_act_id */
    clh_stream_role stream;
    const clh_row *map, *from; /**< the parameter and the activation it is made of; NULL: it is made
                                    otherwise. `map` without `from`: an embedding's rows */
    bool site;                 /**< patched where nobody says what */
    bool masked;               /**< may hold -inf */
};

/** Which slots the norm at a place reads and writes. */
struct clh_norm_row {
    clh_act_id in, scale, normalized, out;
    clh_param_id w, b;
};

typedef struct clh_layout {
    const clh_row *row;
    size_t count, block_begin, block_end; /**< rows [block_begin, block_end) repeat a layer */
} clh_layout;

typedef struct clh_row_place {
    const clh_row *row; /**< NULL past the end */
    size_t id, layer;
} clh_row_place;

extern const clh_layout clh_layout_params, clh_layout_acts;
extern const clh_norm_row clh_norm_rows[CLH_NORM_PLACES];

/** Which row of its table it is. */
static inline clh_act_id clh_act_of(const clh_row *row)
{
    return (clh_act_id)(row - clh_layout_acts.row);
}

static inline clh_param_id clh_param_of(const clh_row *row)
{
    return (clh_param_id)(row - clh_layout_params.row);
}

/** Whether `row` exists under `config`. */
bool clh_row_exists(const clh_row *row, const clh_model_config *config);

/** What an activation is to the residual stream of a model: a shortformer's hook_pos_embed is no term
 *  of it. */
clh_stream_role clh_row_stream(const clh_row *row, const clh_model_config *config);

/** Which sum a parameter's output is a term of in a model, likewise. */
clh_adds_to clh_row_adds_to(const clh_row *row, const clh_model_config *config);

/** Whether a row of this condition exists. */
bool clh_when_holds(clh_when when, const clh_model_config *config);

/** Which conditions hold that rows of a layout have, a bit for each: where they are the same there are
 *  the same rows. */
uint64_t clh_layout_whens(const clh_layout *layout, const clh_model_config *config);

/** The setting for hook points that a condition waits for, in *config, and its name; NULL where it
 *  waits for none. */
bool *clh_when_switch(clh_when when, clh_model_config *config, const char **name);

/** First and next existing row. */
clh_row_place clh_layout_first(const clh_layout *layout, const clh_model_config *config);
clh_row_place clh_layout_next(const clh_layout *layout, const clh_model_config *config,
                              clh_row_place place);

/** Rank and shape of a row for [batch, pos] tokens (0, 0 for parameters); data and name NULL. */
clh_tensor clh_row_shape(const clh_row *row, const clh_model_config *config, size_t batch,
                         size_t pos);

/** The dimension of the row that has index `axis` in its shape; DIM_NO past the rank. */
clh_dim clh_row_dim(const clh_row *row, const clh_model_config *config, size_t axis);

/** Index in its shape of the row's heads; of its position (scores and patterns: the query's).
 *  SIZE_MAX where it has none. */
size_t clh_row_heads(const clh_row *row, const clh_model_config *config);
size_t clh_row_position(const clh_row *row, const clh_model_config *config);

/** "batch", "head", "query_pos": the name of an axis. */
const char *clh_dim_name(clh_dim dim);

/** What a user may say for short: "q" of "attn.hook_q", "W_Q" of "attn.W_Q", "logits". */
const char *clh_row_short(const clh_row *row);

enum { CLH_ROW_NAME_MAX = 64 };

/** The full name of a row in a layer, "blocks.0.attn.hook_q"; returns `out`. A layer SIZE_MAX stands
 *  for every one: "blocks.*.attn.hook_q". */
const char *clh_row_name(const clh_row *row, size_t layer, char out[CLH_ROW_NAME_MAX]);

/** The row of a full name; of a name that repeats the last; NULL when there is none. */
const clh_row *clh_row_named(const clh_layout *layout, const char *name);

/** Whether an activation is what heads make of the stream through ln1: queries, keys or values. */
bool clh_row_is_head_input(const clh_row *row);

/** Which of them a letter of "qkv" is; NULL for another letter. */
const clh_row *clh_row_head_input(char letter);

/** Where the residual stream begins, and where it ends: what the first block reads, what ln_final
 *  does. The same row without blocks. */
clh_row_place clh_layout_stream_begin(const clh_model_config *config);
clh_row_place clh_layout_stream_end(const clh_model_config *config);

/** The row that the MLP's norm, or hook_mlp_in, takes: resid_mid, or with parallel_attn_mlp
 *  resid_pre. */
clh_act_id clh_layout_mlp_reads(const clh_model_config *config);

/** Whether a parameter of this model is a copy of another, and none of its own. */
static inline bool clh_row_is_tied(const clh_row *row, const clh_model_config *config)
{
    return row->tied && config->tie_word_embeddings;
}

/** What scores are made of: queries and keys, or these turned by rotary positions. */
clh_act_id clh_layout_scores_of(const clh_model_config *config, bool key);

/** Which kind stands at `place`: behind solu every one but LN is LNPre (TransformerLens:
 *  can_be_used_as_mlp.py), and ln_final is the RMS kind with final_rms. */
clh_normalization clh_layout_norm_kind(const clh_model_config *config, clh_norm_place place);

/** Whether each head has its own input (use_attn_in or use_split_qkv_input). */
static inline bool clh_heads_split(const clh_model_config *config)
{
    return config->use_attn_in || config->use_split_qkv_input;
}

#endif
