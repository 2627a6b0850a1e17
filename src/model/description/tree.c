/* The module tree as print(HookedTransformer) shows it, with the shape of every parameter and hook
 * point beside it. What a module holds comes from the layout: the rows whose names begin with its own,
 * parameters first. The table below is what the layout cannot know: the modules' classes, and where
 * TransformerLens registers something in another order than it computes. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "clearhead/model.h"
#include "model/description/model_keys.h"
#include "model/description/tree.h"

enum { SHAPE_COLUMN = 44, INDENT = 2 };

typedef enum tree_kind {
    TREE_OPEN,
    TREE_OPEN_NORM, /* its class follows from normalization_type */
    TREE_OPEN_FINAL_NORM,
    TREE_OPEN_SOLU_NORM, /* behind solu every normalization but LN is LNPre */
    TREE_OPEN_BLOCKS,
    TREE_CLOSE,
    TREE_HOOK,
    TREE_NEVER, /* a hook point that TransformerLens has and no pass of ours fires */
} tree_kind;

typedef struct tree_line {
    tree_kind kind;
    const char *name, *class; /* of TREE_NEVER: why */
    clh_when when;            /* of a module, and of TREE_NEVER */
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
#define NEVER(id, when, why)                                                                       \
    {                                                                                              \
        TREE_NEVER, NULL, why, WHEN_##when, CLH_A_##id                                             \
    }
#define A(id)                                                                                      \
    {                                                                                              \
        TREE_HOOK, NULL, NULL, WHEN_ALWAYS, CLH_A_##id                                             \
    }

/* clang-format off */
static const tree_line tree_lines[] = {
    OPEN("embed", "Embed", ALWAYS), CLOSE,
    A(EMBED),
    OPEN("pos_embed", "PosEmbed", POS_MODULE), CLOSE,
    A(POS_EMBED), NEVER(POS_EMBED, ALIBI, "alibi embeds no positions"), A(TOKENS),
    OPEN("blocks", "ModuleList", ALWAYS),
        {TREE_OPEN_BLOCKS, "0", "TransformerBlock", WHEN_ALWAYS, 0},
            NORM("ln1", NORM, ALWAYS), CLOSE,
            NORM("ln2", NORM, MLP), CLOSE,
            OPEN("attn", "Attention", ALWAYS), A(K), A(Q), A(V), A(Z), A(ATTN_SCORES), A(PATTERN), A(RESULT),
                NEVER(ATTN_INPUT, SHORTFORMER, "TransformerLens never fires it"),
                NEVER(ROT_K, NO_POSITIONS, "nothing is turned"),
                NEVER(ROT_Q, NO_POSITIONS, "nothing is turned"),
                A(ROT_K), A(ROT_Q), CLOSE,
            OPEN("mlp", "GatedMLP", GATED), A(MLP_GATE), A(MLP_PRE_LINEAR), CLOSE,
            OPEN("mlp", "MLP", MLP_PLAIN), A(MLP_MID), NORM("ln", SOLU_NORM, SOLU_LN), CLOSE, CLOSE,
            A(ATTN_IN), A(Q_INPUT), A(K_INPUT), A(V_INPUT), A(MLP_IN), A(ATTN_OUT), A(MLP_OUT),
        CLOSE,
    CLOSE,
    NORM("ln_final", FINAL_NORM, NORM), CLOSE,
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

typedef struct walk {
    const clh_model_config *config;
    clh_tree_visit *visit;
    void *user;
} walk;

static bool is_in(const clh_row *row, const module *m)
{
    const char *dot = strrchr(row->name, '.');
    const size_t length = dot ? (size_t)(dot - row->name) : 0;
    return (row->scope == SCOPE_BLOCK) == m->in_block && strlen(m->path) == length &&
           strncmp(row->name, m->path, length) == 0;
}

/* Whether TransformerLens has a hook point for the row: the last of its name that exists, and no
 * logits. */
static bool is_hook(size_t id, const clh_model_config *config)
{
    const clh_row *row = &clh_layout_acts.row[id];
    for (size_t i = id + 1; i < clh_layout_acts.count; i++)
        if (strcmp(clh_layout_acts.row[i].name, row->name) == 0 &&
            clh_row_exists(&clh_layout_acts.row[i], config))
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
static void say_off(char out[CLH_TREE_TEXT], const clh_row *row, const clh_model_config *config)
{
    const char *name;
    clh_model_config on = *config;
    bool *setting = clh_when_switch(row->when, &on, &name);
    if (setting)
        *setting = true;
    if (setting && clh_row_exists(row, &on))
        (void)snprintf(out, CLH_TREE_TEXT, "%s is false", name);
    else
        (void)snprintf(out, CLH_TREE_TEXT, "attn_only");
}

/* "[batch, pos, 1, 64]": what the tokens decide by name, what the config decides as a number. */
static void say_shape(char out[CLH_TREE_TEXT], const clh_row *row, const clh_model_config *config)
{
    const clh_tensor shape = clh_row_shape(row, config, 1, 1);
    int used = snprintf(out, CLH_TREE_TEXT, "[");
    for (size_t i = 0; i < shape.rank; i++) {
        clh_dim dim = clh_row_dim(row, config, i);
        char *at = out + used;
        const size_t room = CLH_TREE_TEXT - (size_t)used;
        dim = dim == DIM_QUERY_POS ? DIM_POS : dim; /* short, as it stands before key_pos */
        if (dim == DIM_BATCH || dim == DIM_POS || dim == DIM_KEY_POS)
            used += snprintf(at, room, "%s%s", i ? ", " : "", clh_dim_name(dim));
        else
            used += snprintf(at, room, "%s%zu", i ? ", " : "", shape.shape[i]);
        assert(used > 0 && used < CLH_TREE_TEXT - 1);
    }
    (void)snprintf(out + used, CLH_TREE_TEXT - (size_t)used, "]");
}

/* One parameter or hook point, with its shape or why it has none. */
static void add_leaf(const walk *w, const clh_row *row, bool param, size_t depth)
{
    const bool exists = clh_row_exists(row, w->config);
    if (!exists && (param || !is_listed(row, w->config)))
        return;
    const char *dot = strrchr(row->name, '.'), *name = dot ? dot + 1 : row->name;
    clh_tree_node node = {.kind = param ? CLH_TREE_PARAMETER : CLH_TREE_HOOK, .depth = depth};
    (void)clh_row_name(row, w->config->n_layers > 1 ? SIZE_MAX : 0, node.path);
    (void)snprintf(node.label, sizeof node.label, param ? "%s" : "(%s): HookPoint()", name);
    (void)snprintf(node.class_name, sizeof node.class_name, "%s", param ? "" : "HookPoint");
    if (exists)
        say_shape(node.shape, row, w->config);
    else
        say_off(node.off, row, w->config);
    w->visit(&node, w->user);
}

static void add_params(const walk *w, const module *m, size_t depth)
{
    for (size_t id = 0; id < CLH_P_COUNT; id++)
        if (is_in(&clh_layout_params.row[id], m))
            add_leaf(w, &clh_layout_params.row[id], true, depth);
}

/* The hook points of a module that have no line of their own. */
static void add_other_hooks(const walk *w, const module *m, size_t depth)
{
    for (size_t id = 0; id < CLH_A_COUNT; id++) {
        bool has_line = false;
        for (size_t i = 0; i < CLH_COUNT(tree_lines); i++)
            has_line = has_line || (tree_lines[i].kind == TREE_HOOK && tree_lines[i].id == id);
        if (!has_line && is_hook(id, w->config) && is_in(&clh_layout_acts.row[id], m))
            add_leaf(w, &clh_layout_acts.row[id], false, depth);
    }
}

/* "blocks.*.attn": what stands before a row's name in a layer, and the module's own path. */
static void say_path(char out[CLH_TREE_TEXT], const module *m, const clh_model_config *config)
{
    const clh_row *any = &clh_layout_acts.row[clh_layout_acts.block_begin];
    char full[CLH_ROW_NAME_MAX];
    const size_t length = strlen(clh_row_name(any, config->n_layers > 1 ? SIZE_MAX : 0, full));
    const size_t before = length - strlen(any->name);
    (void)snprintf(out, CLH_TREE_TEXT, "%.*s%s",
                   !m->in_block ? 0
                   : m->path[0] ? (int)before
                                : (int)before - 1,
                   full, m->path);
}

/* A hook point that no pass of this model fires, and why. */
static void add_never(const walk *w, const tree_line *line, size_t depth)
{
    const clh_row *row = &clh_layout_acts.row[line->id];
    const char *dot = strrchr(row->name, '.');
    clh_tree_node node = {.kind = CLH_TREE_HOOK, .depth = depth};
    if (!clh_when_holds(line->when, w->config))
        return;
    (void)clh_row_name(row, w->config->n_layers > 1 ? SIZE_MAX : 0, node.path);
    (void)snprintf(node.label, sizeof node.label, "(%s): HookPoint()", dot ? dot + 1 : row->name);
    (void)snprintf(node.class_name, sizeof node.class_name, "HookPoint");
    (void)snprintf(node.off, sizeof node.off, "%s", line->class);
    w->visit(&node, w->user);
}

static void add_open(const walk *w, const tree_line *line, const module *inner, size_t depth)
{
    const clh_norm_place place = line->kind == TREE_OPEN_SOLU_NORM    ? CLH_NORM_AT_SOLU
                                 : line->kind == TREE_OPEN_FINAL_NORM ? CLH_NORM_AT_FINAL
                                                                      : CLH_NORM_AT_ATTN;
    const bool norm = line->kind >= TREE_OPEN_NORM && line->kind <= TREE_OPEN_SOLU_NORM;
    const size_t layers = w->config->n_layers;
    clh_tree_node node = {.kind = CLH_TREE_MODULE, .depth = depth};
    (void)snprintf(node.class_name, sizeof node.class_name, "%s",
                   norm ? norm_class(clh_layout_norm_kind(w->config, place)) : line->class);
    if (line->kind == TREE_OPEN_BLOCKS && layers > 1)
        (void)snprintf(node.label, sizeof node.label, "(0-%zu): %zu x %s", layers - 1, layers,
                       line->class);
    else
        (void)snprintf(node.label, sizeof node.label, "(%s): %s", line->name, node.class_name);
    say_path(node.path, inner, w->config);
    w->visit(&node, w->user);
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
    assert(strlen(outer->path) + strlen(line->name) + 1 < sizeof m.path);
    (void)snprintf(m.path, sizeof m.path, "%.31s%s%.31s", outer->path, outer->path[0] ? "." : "",
                   line->name);
    return m;
}

/* What is inside a module, whose lines go from `at` to its end; returns where that is. */
static size_t add_inside(const walk *w, const module *m, size_t at, size_t depth)
{
    add_params(w, m, depth);
    while (at < CLH_COUNT(tree_lines) && tree_lines[at].kind != TREE_CLOSE) {
        const tree_line *line = &tree_lines[at];
        if (line->kind == TREE_HOOK) {
            add_leaf(w, &clh_layout_acts.row[line->id], false, depth);
            at++;
        } else if (line->kind == TREE_NEVER) {
            add_never(w, line, depth);
            at++;
        } else if (!clh_when_holds(line->when, w->config) ||
                   (line->kind == TREE_OPEN_BLOCKS && w->config->n_layers == 0)) {
            at = skip_module(at);
        } else {
            const module inner = module_in(m, line);
            add_open(w, line, &inner, depth);
            at = add_inside(w, &inner, at + 1, depth + 1) + 1;
            w->visit(&(clh_tree_node){.kind = CLH_TREE_END, .depth = depth}, w->user);
        }
    }
    add_other_hooks(w, m, depth);
    return at;
}

void clh_model_walk(const clh_model_config *config, clh_tree_visit *visit, void *user)
{
    assert(config && visit);
    const clh_model_config resolved = clh_model_config_resolved(config);
    const walk w = {&resolved, visit, user};
    const module root = {0};
    visit(&(clh_tree_node){.label = "HookedTransformer", .class_name = "HookedTransformer"}, user);
    const size_t end = add_inside(&w, &root, 0, 1);
    assert(end == CLH_COUNT(tree_lines));
    (void)end;
    visit(&(clh_tree_node){.kind = CLH_TREE_END}, user);
}

/* ---- As text -----------------------------------------------------------------------------------
 */

typedef struct page {
    clh_strbuf text;
    bool fresh; /* a module has begun, and nothing stands in it yet */
} page;

static void write_node(const clh_tree_node *node, void *user)
{
    page *p = user;
    const int indent = (int)(INDENT * node->depth);
    if (node->kind == CLH_TREE_END) {
        clh_strbuf_addf(&p->text, "%*s)\n", p->fresh ? 0 : indent, "");
        p->fresh = false;
        return;
    }
    clh_strbuf_adds(&p->text, p->fresh ? "\n" : "");
    p->fresh = node->kind == CLH_TREE_MODULE;
    clh_strbuf_addf(&p->text, "%*s%s%s", indent, "", node->label, p->fresh ? "(" : "");
    if (p->fresh)
        return;
    const size_t width = (size_t)indent + strlen(node->label);
    clh_strbuf_addf(&p->text, "%*s%s%s\n", width < SHAPE_COLUMN ? (int)(SHAPE_COLUMN - width) : 2,
                    "", node->off[0] ? "off: " : node->shape, node->off);
}

clh_status clh_model_tree(const clh_model_config *config, char **text, clh_error *err)
{
    CLH_REQUIRE(config && text, err, "a config, and room for the text");
    clh_status status = clh_model_config_check(config, err);
    if (status)
        return status;
    page p = {0};
    clh_model_walk(config, write_node, &p);
    *text = clh_strbuf_take(&p.text, err);
    return *text ? CLH_OK : CLH_ENOMEM;
}
