/* The module tree as print(HookedTransformer) shows it, with the shape of every parameter and hook
 * point beside it. What a module holds comes from the layout: the rows whose names begin with its own,
 * parameters first. The table below is what the layout cannot know: the modules' classes, and where
 * TransformerLens registers something in another order than it computes. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "clearhead/model.h"
#include "model/layout.h"
#include "model/model_keys.h"

enum { SHAPE_COLUMN = 44, INDENT = 2 };

typedef enum tree_kind {
    TREE_OPEN,
    TREE_OPEN_NORM,      /* its class follows from normalization_type */
    TREE_OPEN_SOLU_NORM, /* behind solu every normalization but LN is LNPre */
    TREE_OPEN_BLOCKS,
    TREE_CLOSE,
    TREE_HOOK,
} tree_kind;

typedef struct tree_line {
    tree_kind kind;
    const char *name, *class;
    clh_when when; /* of a module */
    clh_act_id id; /* of a hook point that stands before those its module's other lines leave */
} tree_line;

#define OPEN(name, class, when)                                                                    \
    {                                                                                              \
        TREE_OPEN, name, class, WHEN_##when, 0                                                     \
    }
#define NORM(name, kind, when)                                                                     \
    {                                                                                              \
        TREE_OPEN_##kind, name, NULL, WHEN_##when, 0                                               \
    }
#define CLOSE                                                                                      \
    {                                                                                              \
        TREE_CLOSE, NULL, NULL, WHEN_ALWAYS, 0                                                     \
    }
#define A(id)                                                                                      \
    {                                                                                              \
        TREE_HOOK, NULL, NULL, WHEN_ALWAYS, CLH_A_##id                                             \
    }

/* clang-format off */
static const tree_line tree_lines[] = {
    OPEN("embed", "Embed", ALWAYS), CLOSE,
    A(EMBED),
    OPEN("pos_embed", "PosEmbed", ALWAYS), CLOSE,
    A(POS_EMBED), A(TOKENS),
    OPEN("blocks", "ModuleList", ALWAYS),
        {TREE_OPEN_BLOCKS, "0", "TransformerBlock", WHEN_ALWAYS, 0},
            NORM("ln1", NORM, ALWAYS), CLOSE,
            NORM("ln2", NORM, MLP), CLOSE,
            OPEN("attn", "Attention", ALWAYS), A(K), A(Q), A(V), A(Z), CLOSE,
            OPEN("mlp", "MLP", MLP), A(MLP_MID), NORM("ln", SOLU_NORM, SOLU_LN), CLOSE, CLOSE,
            A(ATTN_IN), A(Q_INPUT), A(K_INPUT), A(V_INPUT), A(MLP_IN), A(ATTN_OUT), A(MLP_OUT),
        CLOSE,
    CLOSE,
    NORM("ln_final", NORM, NORM), CLOSE,
    OPEN("unembed", "Unembed", ALWAYS), CLOSE,
};
/* clang-format on */

static const char *norm_class(clh_normalization kind)
{
    static const char *const classes[] = {
        [CLH_NORM_NONE] = "Identity",      [CLH_NORM_LN] = "LayerNorm",
        [CLH_NORM_LNPRE] = "LayerNormPre", [CLH_NORM_RMS] = "RMSNorm",
        [CLH_NORM_RMSPRE] = "RMSNormPre",
    };
    return classes[kind];
}

/* A module: the rows in it are in the blocks or not, and their names begin with its path. */
typedef struct module {
    bool in_block;
    char path[CLH_ROW_NAME_MAX];
} module;

static bool is_in(const clh_row *row, const module *m)
{
    const char *dot = strrchr(row->name, '.');
    const size_t length = dot ? (size_t)(dot - row->name) : 0;
    return (row->scope == SCOPE_BLOCK) == m->in_block && strlen(m->path) == length &&
           strncmp(row->name, m->path, length) == 0;
}

/* Whether TransformerLens has a hook point for the row: the last of its name, and no logits. */
static bool is_hook(size_t id)
{
    const clh_row *row = &clh_layout_acts.row[id];
    for (size_t i = id + 1; i < clh_layout_acts.count; i++)
        if (strcmp(clh_layout_acts.row[i].name, row->name) == 0)
            return false;
    const char *dot = strrchr(row->name, '.');
    return clh_row_short(row) != (dot ? dot + 1 : row->name);
}

/* TransformerLens lists a block's hook points that wait for a setting, and mlp_out, also where they
 * never fire. */
static bool is_listed(const clh_row *row, const clh_model_config *config)
{
    const char *name;
    clh_model_config on = *config;
    return row->scope == SCOPE_BLOCK && (clh_when_switch(row->when, &on, &name) != NULL ||
                                         row == &clh_layout_acts.row[CLH_A_MLP_OUT]);
}

/* What a listed hook point that never fires is waiting for. */
static void add_reason_off(clh_strbuf *out, const clh_row *row, const clh_model_config *config)
{
    const char *name;
    clh_model_config on = *config;
    bool *setting = clh_when_switch(row->when, &on, &name);
    if (setting)
        *setting = true;
    if (setting && clh_row_exists(row, &on))
        clh_strbuf_addf(out, "off: %s is false", name);
    else
        clh_strbuf_adds(out, "off: attn_only");
}

/* "[batch, pos, 1, 64]": what the tokens decide by name, what the config decides as a number. */
static void add_shape(clh_strbuf *out, const clh_row *row, const clh_model_config *config)
{
    const clh_tensor shape = clh_row_shape(row, config, 1, 1);
    clh_strbuf_adds(out, "[");
    for (size_t i = 0; i < shape.rank; i++) {
        const clh_dim dim = clh_row_dim(row, config, i);
        clh_strbuf_adds(out, i ? ", " : "");
        if (dim == DIM_BATCH || dim == DIM_POS || dim == DIM_KEY_POS)
            clh_strbuf_adds(out, clh_dim_name(dim));
        else if (dim == DIM_QUERY_POS) /* short, as it stands before key_pos */
            clh_strbuf_adds(out, clh_dim_name(DIM_POS));
        else
            clh_strbuf_addf(out, "%zu", shape.shape[i]);
    }
    clh_strbuf_adds(out, "]");
}

/* One parameter or hook point, its shape or why it has none in a column of its own. */
static void add_leaf(clh_strbuf *out, const clh_row *row, bool param,
                     const clh_model_config *config, size_t indent)
{
    const bool exists = clh_row_exists(row, config);
    if (!exists && (param || !is_listed(row, config)))
        return;
    const char *dot = strrchr(row->name, '.'), *name = dot ? dot + 1 : row->name;
    size_t start = out->length;
    clh_strbuf_addf(out, param ? "%*s%s" : "%*s(%s): HookPoint()", (int)indent, "", name);
    size_t width = out->length - start;
    clh_strbuf_addf(out, "%*s", width < SHAPE_COLUMN ? (int)(SHAPE_COLUMN - width) : 2, "");
    if (exists)
        add_shape(out, row, config);
    else
        add_reason_off(out, row, config);
    clh_strbuf_adds(out, "\n");
}

static void add_params(clh_strbuf *out, const clh_model_config *config, const module *m,
                       size_t indent)
{
    for (size_t id = 0; id < CLH_P_COUNT; id++)
        if (is_in(&clh_layout_params.row[id], m))
            add_leaf(out, &clh_layout_params.row[id], true, config, indent);
}

/* The hook points of a module that have no line of their own. */
static void add_other_hooks(clh_strbuf *out, const clh_model_config *config, const module *m,
                            size_t indent)
{
    for (size_t id = 0; id < CLH_A_COUNT; id++) {
        bool has_line = false;
        for (size_t i = 0; i < CLH_COUNT(tree_lines); i++)
            has_line = has_line || (tree_lines[i].kind == TREE_HOOK && tree_lines[i].id == id);
        if (!has_line && is_hook(id) && is_in(&clh_layout_acts.row[id], m))
            add_leaf(out, &clh_layout_acts.row[id], false, config, indent);
    }
}

static void add_open(clh_strbuf *out, const tree_line *line, const clh_model_config *config,
                     size_t indent)
{
    const clh_normalization kind = config->normalization_type;
    const bool behind_solu = line->kind == TREE_OPEN_SOLU_NORM && kind != CLH_NORM_LN;
    const char *class = line->kind == TREE_OPEN_NORM || line->kind == TREE_OPEN_SOLU_NORM
                            ? norm_class(behind_solu ? CLH_NORM_LNPRE : kind)
                            : line->class;
    if (line->kind == TREE_OPEN_BLOCKS && config->n_layers > 1)
        clh_strbuf_addf(out, "%*s(0-%zu): %zu x %s(", (int)indent, "", config->n_layers - 1,
                        config->n_layers, class);
    else
        clh_strbuf_addf(out, "%*s(%s): %s(", (int)indent, "", line->name, class);
}

/* Past the module that opens at `at` and all that is in it. */
static size_t skip_module(size_t at)
{
    size_t depth = 0;
    do {
        tree_kind kind = tree_lines[at++].kind;
        depth += kind < TREE_CLOSE;
        depth -= kind == TREE_CLOSE;
    } while (depth > 0);
    return at;
}

static module module_in(const module *outer, const tree_line *line)
{
    module m = {.in_block = outer->in_block || line->kind == TREE_OPEN_BLOCKS};
    if (line->kind == TREE_OPEN_BLOCKS)
        return m;
    const int length = snprintf(m.path, sizeof m.path, "%s%s%s", outer->path,
                                outer->path[0] ? "." : "", line->name);
    assert(length > 0 && (size_t)length < sizeof m.path);
    (void)length;
    return m;
}

/* What is inside a module, whose lines go from `at` to its end; returns where that is. */
static size_t add_inside(clh_strbuf *out, const clh_model_config *config, const module *m,
                         size_t at, size_t depth)
{
    const size_t indent = INDENT * depth;
    add_params(out, config, m, indent);
    while (at < CLH_COUNT(tree_lines) && tree_lines[at].kind != TREE_CLOSE) {
        const tree_line *line = &tree_lines[at];
        if (line->kind == TREE_HOOK) {
            add_leaf(out, &clh_layout_acts.row[line->id], false, config, indent);
            at++;
        } else if (!clh_when_holds(line->when, config)) {
            at = skip_module(at);
        } else {
            add_open(out, line, config, indent);
            clh_strbuf inside = {0};
            const module inner = module_in(m, line);
            at = add_inside(&inside, config, &inner, at + 1, depth + 1) + 1;
            if (inside.length > 0)
                clh_strbuf_addf(out, "\n%s%*s", clh_strbuf_view(&inside), (int)indent, "");
            clh_strbuf_adds(out, ")\n");
            out->failed |= inside.failed;
            clh_strbuf_deinit(&inside);
        }
    }
    add_other_hooks(out, config, m, indent);
    return at;
}

clh_status clh_model_tree(const clh_model_config *config, char **text, clh_error *err)
{
    CLH_REQUIRE(config && text, err, "a config, and room for the text");
    clh_status status = clh_model_config_check(config, err);
    if (status)
        return status;
    const clh_model_config c = clh_model_config_resolved(config);
    clh_strbuf out = {0};
    clh_strbuf_adds(&out, "HookedTransformer(\n");
    const module root = {0};
    size_t end = add_inside(&out, &c, &root, 0, 1);
    assert(end == CLH_COUNT(tree_lines));
    (void)end;
    clh_strbuf_adds(&out, ")\n");
    *text = clh_strbuf_take(&out, err);
    return *text ? CLH_OK : CLH_ENOMEM;
}
