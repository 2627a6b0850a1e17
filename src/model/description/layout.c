#include "model/description/layout.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- The tables --------------------------------------------------------------------------------
 */

/* A row has at most four dimensions; what is not named is DIM_NO. */
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
#define DIMS(...) .dim = DIMS_PICK(__VA_ARGS__, DIMS4, DIMS3, DIMS2, DIMS1, 0)(__VA_ARGS__)
#define EACH(...) DIMS(BATCH, POS, __VA_ARGS__)
#define PAIRS DIMS(BATCH, HEADS, QUERY_POS, KEY_POS)

/* Uses. */
#define BIAS(id) .bias = &param_rows[CLH_P_##id]
#define BEHIND(id) .behind = &clh_norm_rows[CLH_NORM_AT_##id]
#define TIED(id) .tied = &param_rows[CLH_P_##id]
#define TO_STREAM .adds_to = ADDS_TO_STREAM
#define TO_STREAM_WHERE(when_) .adds_to = ADDS_TO_STREAM, .stream_when = WHEN_##when_
#define TO_LOGITS .adds_to = ADDS_TO_LOGITS
#define STREAM .stream = STREAM_SELF
#define INPUT .stream = STREAM_INPUT
#define TERM .stream = STREAM_TERM
#define TERM_WHERE(when_) .stream = STREAM_TERM, .stream_when = WHEN_##when_
#define APART .stream = STREAM_APART
#define BY(from_, map_) .from = &act_rows[CLH_A_##from_], .map = &param_rows[CLH_P_##map_]
#define ROWS(map_) .map = &param_rows[CLH_P_##map_]
#define SITE .site = true
#define MASKED .masked = true

static const clh_row param_rows[CLH_P_COUNT] = {
#define PARAM(id, scope_, when_, start_, group_, name_, ...)                                       \
    [CLH_P_##id] = {.name = name_,                                                                 \
                    .scope = SCOPE_##scope_,                                                       \
                    .when = WHEN_##when_,                                                          \
                    .start = START_##start_,                                                       \
                    .group = GROUP_##group_,                                                       \
                    .shares = SHARES_OWN,                                                          \
                    __VA_ARGS__},
#include "model/description/layout.def"
};

#define CLH_A_OWN SHARES_OWN
#define CLH_A_EARLIER SHARES_EARLIER
static const clh_row act_rows[CLH_A_COUNT] = {
#define ACT(id, scope_, when_, shares_, name_, ...)                                                \
    [CLH_A_##id] = {.name = name_,                                                                 \
                    .scope = SCOPE_##scope_,                                                       \
                    .when = WHEN_##when_,                                                          \
                    .shares = (int)CLH_A_##shares_,                                                \
                    __VA_ARGS__},
#include "model/description/layout.def"
};

const clh_norm_row clh_norm_rows[CLH_NORM_PLACES] = {
#define NORM(id, in, scale, normalized, out, w, b)                                                 \
    [CLH_NORM_AT_##                                                                                \
        id] = {CLH_A_##in, CLH_A_##scale, CLH_A_##normalized, CLH_A_##out, CLH_P_##w, CLH_P_##b},
#include "model/description/layout.def"
};

/* How many rows stand before the blocks, and in them. */
enum {
    PARAMS_BEFORE = 0
#define PARAM(id, scope, ...) +(SCOPE_##scope == SCOPE_BEFORE)
#include "model/description/layout.def"
    ,
    PARAMS_IN_BLOCK = 0
#define PARAM(id, scope, ...) +(SCOPE_##scope == SCOPE_BLOCK)
#include "model/description/layout.def"
    ,
    ACTS_BEFORE = 0
#define ACT(id, scope, ...) +(SCOPE_##scope == SCOPE_BEFORE)
#include "model/description/layout.def"
    ,
    ACTS_IN_BLOCK = 0
#define ACT(id, scope, ...) +(SCOPE_##scope == SCOPE_BLOCK)
#include "model/description/layout.def"
};

const clh_layout clh_layout_params = {param_rows, CLH_P_COUNT, PARAMS_BEFORE,
                                      PARAMS_BEFORE + PARAMS_IN_BLOCK};
const clh_layout clh_layout_acts = {act_rows, CLH_A_COUNT, ACTS_BEFORE,
                                    ACTS_BEFORE + ACTS_IN_BLOCK};

/* ---- Conditions --------------------------------------------------------------------------------
 */

static bool is_ln(const clh_model_config *c)
{
    return c->normalization_type == CLH_NORM_LN;
}

static bool is_rms(const clh_model_config *c)
{
    return c->normalization_type == CLH_NORM_RMS;
}

/* Whether w and b lie behind hook_normalized, and not before it. */
static bool has_norm_out(const clh_model_config *c)
{
    return is_rms(c) || (is_ln(c) && c->tl_version == CLH_TL_3_0);
}

static bool has_norm(const clh_model_config *c)
{
    return c->normalization_type != CLH_NORM_NONE;
}

static bool has_pos_embed(const clh_model_config *c)
{
    return c->positional_embedding_type == CLH_POSITIONS_STANDARD ||
           c->positional_embedding_type == CLH_POSITIONS_SHORTFORMER;
}

static bool has_mlp(const clh_model_config *c)
{
    return !c->attn_only;
}

static bool is_gated(const clh_model_config *c)
{
    return has_mlp(c) && c->gated_mlp;
}

static bool is_parallel(const clh_model_config *c)
{
    return has_mlp(c) && c->parallel_attn_mlp;
}

static bool is_solu_ln(const clh_model_config *c)
{
    return has_mlp(c) && c->act_fn == CLH_ACT_SOLU_LN;
}

bool clh_when_holds(clh_when when, const clh_model_config *c)
{
    switch (when) {
#define WHEN(id, condition)                                                                        \
    case WHEN_##id:                                                                                \
        return condition;
#define SWITCH(id, setting, when)                                                                  \
    case WHEN_##id:                                                                                \
        return c->setting && clh_when_holds(WHEN_##when, c);
#include "model/description/layout.def"
    }
    assert(false && "a row has a condition that layout.def does not know");
    return false;
}

uint64_t clh_layout_whens(const clh_layout *layout, const clh_model_config *config)
{
    _Static_assert(WHEN_COUNT <= 64, "a bit for each condition");
    uint64_t whens = 0;
    for (size_t id = 0; id < layout->count; id++) {
        const clh_row *row = &layout->row[id];
        whens |= (uint64_t)clh_row_exists(row, config) << row->when;
    }
    return whens;
}

bool *clh_when_switch(clh_when when, clh_model_config *config, const char **name)
{
    assert(config && name);
    switch (when) {
#define SWITCH(id, setting, when)                                                                  \
    case WHEN_##id:                                                                                \
        *name = #setting;                                                                          \
        return &config->setting;
#include "model/description/layout.def"
    default:
        *name = NULL;
        return NULL;
    }
}

bool clh_row_exists(const clh_row *row, const clh_model_config *config)
{
    return (row->scope != SCOPE_BLOCK || config->n_layers > 0) && clh_when_holds(row->when, config);
}

clh_adds_to clh_row_adds_to(const clh_row *row, const clh_model_config *config)
{
    return clh_when_holds(row->stream_when, config) ? row->adds_to : ADDS_TO_NONE;
}

clh_stream_role clh_row_stream(const clh_row *row, const clh_model_config *config)
{
    return clh_when_holds(row->stream_when, config) ? row->stream : STREAM_NO;
}

/* ---- Rows in their order -----------------------------------------------------------------------
 */

/* The row after (id, layer), whether it exists or not. */
static clh_row_place step(const clh_layout *layout, const clh_model_config *config,
                          clh_row_place at)
{
    size_t id = at.id + 1, layer = at.layer;
    if (id == layout->block_begin && config->n_layers == 0)
        id = layout->block_end;
    if (id == layout->block_end && at.row->scope == SCOPE_BLOCK) {
        bool again = layer + 1 < config->n_layers;
        id = again ? layout->block_begin : layout->block_end;
        layer = again ? layer + 1 : 0;
    }
    return (clh_row_place){id < layout->count ? &layout->row[id] : NULL, id, layer};
}

static clh_row_place skip_absent(const clh_layout *layout, const clh_model_config *config,
                                 clh_row_place at)
{
    while (at.row && !clh_row_exists(at.row, config))
        at = step(layout, config, at);
    return at;
}

clh_row_place clh_layout_first(const clh_layout *layout, const clh_model_config *config)
{
    return skip_absent(layout, config, (clh_row_place){&layout->row[0], 0, 0});
}

clh_row_place clh_layout_next(const clh_layout *layout, const clh_model_config *config,
                              clh_row_place place)
{
    assert(place.row);
    return skip_absent(layout, config, step(layout, config, place));
}

/* ---- Shapes and names --------------------------------------------------------------------------
 */

static size_t dim_size(clh_dim dim, const clh_model_config *c, size_t batch, size_t pos)
{
    switch (dim) {
#define DIM(id, name, size)                                                                        \
    case DIM_##id:                                                                                 \
        return size;
#include "model/description/layout.def"
    case DIM_NO:
        break;
    }
    return 1;
}

const char *clh_dim_name(clh_dim dim)
{
    switch (dim) {
#define DIM(id, name, size)                                                                        \
    case DIM_##id:                                                                                 \
        return name;
#include "model/description/layout.def"
    case DIM_NO:
        break;
    }
    return "";
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

clh_dim clh_row_dim(const clh_row *row, const clh_model_config *config, size_t axis)
{
    assert(row && config);
    for (size_t i = 0; i < CLH_RANK_MAX && row->dim[i] != DIM_NO; i++) {
        if (row->dim[i] == DIM_HEADS_IF_SPLIT && !clh_heads_split(config))
            continue;
        if (axis-- == 0)
            return row->dim[i];
    }
    return DIM_NO;
}

/* The first axis that is either dimension. */
static size_t find_axis(const clh_row *row, const clh_model_config *config, clh_dim a, clh_dim b)
{
    clh_dim dim;
    for (size_t axis = 0; (dim = clh_row_dim(row, config, axis)) != DIM_NO; axis++)
        if (dim == a || dim == b)
            return axis;
    return SIZE_MAX;
}

size_t clh_row_heads(const clh_row *row, const clh_model_config *config)
{
    return find_axis(row, config, DIM_HEADS, DIM_HEADS_IF_SPLIT);
}

size_t clh_row_position(const clh_row *row, const clh_model_config *config)
{
    return find_axis(row, config, DIM_POS, DIM_QUERY_POS);
}

const char *clh_row_short(const clh_row *row)
{
    static const char hook[] = "hook_";
    assert(row);
    const char *dot = strrchr(row->name, '.'), *last = dot ? dot + 1 : row->name;
    return strncmp(last, hook, sizeof hook - 1) == 0 ? last + sizeof hook - 1 : last;
}

const char *clh_row_name(const clh_row *row, size_t layer, char out[CLH_ROW_NAME_MAX])
{
    assert(row && out);
    int length;
    if (row->scope != SCOPE_BLOCK)
        length = snprintf(out, CLH_ROW_NAME_MAX, "%s", row->name);
    else if (layer == SIZE_MAX)
        length = snprintf(out, CLH_ROW_NAME_MAX, "blocks.*.%s", row->name);
    else
        length = snprintf(out, CLH_ROW_NAME_MAX, "blocks.%zu.%s", layer, row->name);
    assert(length >= 0 && length < CLH_ROW_NAME_MAX);
    (void)length;
    return out;
}

const clh_row *clh_row_named(const clh_layout *layout, const char *name)
{
    static const char blocks[] = "blocks.";
    assert(layout && name);
    const bool in_block = strncmp(name, blocks, sizeof blocks - 1) == 0;
    const char *dot = in_block ? strchr(name + sizeof blocks - 1, '.') : NULL;
    const char *own = dot ? dot + 1 : name;
    for (size_t id = layout->count; id-- > 0;)
        if ((layout->row[id].scope == SCOPE_BLOCK) == (dot != NULL) && own[0] &&
            strcmp(layout->row[id].name, own) == 0)
            return &layout->row[id];
    return NULL;
}

bool clh_row_is_head_input(const clh_row *row)
{
    assert(row);
    return row->map && row->map->behind == &clh_norm_rows[CLH_NORM_AT_ATTN];
}

const clh_row *clh_row_head_input(char letter)
{
    const char name[] = {letter, '\0'};
    for (size_t id = 0; id < CLH_A_COUNT; id++)
        if (clh_row_is_head_input(&act_rows[id]) && strcmp(clh_row_short(&act_rows[id]), name) == 0)
            return &act_rows[id];
    return NULL;
}

clh_act_id clh_layout_scores_of(const clh_model_config *config, bool key)
{
    const bool turned = config->positional_embedding_type == CLH_POSITIONS_ROTARY;
    return key ? (turned ? CLH_A_ROT_K : CLH_A_K) : (turned ? CLH_A_ROT_Q : CLH_A_Q);
}

static clh_row_place place_of(clh_act_id id, size_t layer)
{
    return (clh_row_place){&act_rows[id], id, layer};
}

clh_row_place clh_layout_stream_begin(const clh_model_config *config)
{
    return place_of(config->n_layers ? CLH_A_RESID_PRE : CLH_A_RESID_EMBED, 0);
}

clh_row_place clh_layout_stream_end(const clh_model_config *config)
{
    return config->n_layers ? place_of(CLH_A_RESID_POST, config->n_layers - 1)
                            : place_of(CLH_A_RESID_EMBED, 0);
}

clh_act_id clh_layout_mlp_reads(const clh_model_config *config)
{
    return is_parallel(config) ? CLH_A_RESID_PRE : CLH_A_RESID_MID;
}

clh_normalization clh_layout_norm_kind(const clh_model_config *c, clh_norm_place place)
{
    assert(c && place < CLH_NORM_PLACES);
    if (place == CLH_NORM_AT_SOLU && c->normalization_type != CLH_NORM_LN)
        return CLH_NORM_LNPRE;
    if (place == CLH_NORM_AT_FINAL && c->final_rms)
        return c->normalization_type == CLH_NORM_LN      ? CLH_NORM_RMS
               : c->normalization_type == CLH_NORM_LNPRE ? CLH_NORM_RMSPRE
                                                         : c->normalization_type;
    return c->normalization_type;
}
