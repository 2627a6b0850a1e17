/* The module tree as print(HookedTransformer) shows it, with the shape of every parameter and hook
 * point beside it. Shapes and what exists come from the layout; the table below is the order in
 * which TransformerLens registers modules, which is not the order in which they compute. */
#include <assert.h>
#include <string.h>

#include "base/strbuf.h"
#include "clearhead/model.h"
#include "model/layout.h"

enum { SHAPE_COLUMN = 44, INDENT = 2 };

typedef enum tree_kind {
    TREE_OPEN,
    TREE_OPEN_NORM,      /* its class follows from normalization_type */
    TREE_OPEN_SOLU_NORM, /* behind solu every normalization but LN is LNPre */
    TREE_OPEN_BLOCKS,
    TREE_CLOSE,
    TREE_PARAM,
    TREE_HOOK,
    TREE_HOOK_LISTED, /* TransformerLens lists it also where it never fires */
} tree_kind;

typedef struct tree_line {
    tree_kind kind;
    const char *name, *class;
    clh_when when; /* of a module */
    int id;        /* of a parameter or hook point */
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
#define P(id)                                                                                      \
    {                                                                                              \
        TREE_PARAM, NULL, NULL, WHEN_ALWAYS, CLH_P_##id                                            \
    }
#define A(id)                                                                                      \
    {                                                                                              \
        TREE_HOOK, NULL, NULL, WHEN_ALWAYS, CLH_A_##id                                             \
    }
#define LISTED(id)                                                                                 \
    {                                                                                              \
        TREE_HOOK_LISTED, NULL, NULL, WHEN_ALWAYS, CLH_A_##id                                      \
    }

/* clang-format off */
static const tree_line tree_lines[] = {
    OPEN("embed", "Embed", ALWAYS), P(W_E), CLOSE,
    A(EMBED),
    OPEN("pos_embed", "PosEmbed", ALWAYS), P(W_POS), CLOSE,
    A(POS_EMBED), A(TOKENS),
    OPEN("blocks", "ModuleList", ALWAYS),
        {TREE_OPEN_BLOCKS, "0", "TransformerBlock", WHEN_ALWAYS, 0},
            NORM("ln1", NORM, ALWAYS), P(LN1_W), P(LN1_B), A(LN1_SCALE), A(LN1_NORMALIZED), CLOSE,
            NORM("ln2", NORM, MLP), P(LN2_W), P(LN2_B), A(LN2_SCALE), A(LN2_NORMALIZED), CLOSE,
            OPEN("attn", "Attention", ALWAYS),
                P(W_Q), P(W_O), P(B_Q), P(B_O), P(W_K), P(W_V), P(B_K), P(B_V),
                A(K), A(Q), A(V), A(Z), A(ATTN_SCORES), A(PATTERN), LISTED(RESULT),
            CLOSE,
            OPEN("mlp", "MLP", MLP),
                P(W_IN), P(B_IN), P(W_OUT), P(B_OUT),
                A(MLP_MID),
                NORM("ln", SOLU_NORM, SOLU_LN),
                    P(MLP_LN_W), P(MLP_LN_B), A(MLP_LN_SCALE), A(MLP_LN_NORMALIZED),
                CLOSE,
                A(MLP_PRE), A(MLP_POST),
            CLOSE,
            LISTED(ATTN_IN), LISTED(Q_INPUT), LISTED(K_INPUT), LISTED(V_INPUT), LISTED(MLP_IN),
            A(ATTN_OUT), LISTED(MLP_OUT), A(RESID_PRE), A(RESID_MID), A(RESID_POST),
        CLOSE,
    CLOSE,
    NORM("ln_final", NORM, NORM),
        P(LN_FINAL_W), P(LN_FINAL_B), A(LN_FINAL_SCALE), A(LN_FINAL_NORMALIZED),
    CLOSE,
    OPEN("unembed", "Unembed", ALWAYS), P(W_U), P(B_U), CLOSE,
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

/* The switch that a listed hook point which never fires is waiting for. */
static const char *reason_off(const clh_row *row, const clh_model_config *config)
{
    switch (row->when) {
    case WHEN_ATTN_IN:
        return "use_attn_in is false";
    case WHEN_SPLIT_QKV:
        return "use_split_qkv_input is false";
    case WHEN_ATTN_RESULT:
        return "use_attn_result is false";
    case WHEN_HOOK_MLP_IN:
        return config->attn_only ? "attn_only" : "use_hook_mlp_in is false";
    default:
        return "attn_only";
    }
}

/* "[batch, pos, 1, 64]": what the tokens decide by name, what the config decides as a number. */
static void add_shape(clh_strbuf *out, const clh_row *row, const clh_model_config *config)
{
    clh_tensor shape = clh_row_shape(row, config, 1, 1);
    clh_strbuf_adds(out, "[");
    for (size_t i = 0, at = 0; i < CLH_RANK_MAX && row->dim[i] != DIM_NO; i++) {
        if (row->dim[i] == DIM_HEADS_IF_SPLIT && !clh_heads_split(config))
            continue;
        clh_strbuf_adds(out, at ? ", " : "");
        if (row->dim[i] == DIM_BATCH || row->dim[i] == DIM_POS || row->dim[i] == DIM_KEY_POS)
            clh_strbuf_adds(out, row->dim[i] == DIM_BATCH ? "batch"
                                 : row->dim[i] == DIM_POS ? "pos"
                                                          : "key_pos");
        else
            clh_strbuf_addf(out, "%zu", shape.shape[at]);
        at++;
    }
    clh_strbuf_adds(out, "]");
}

/* One parameter or hook point, its shape or why it has none in a column of its own. */
static void add_leaf(clh_strbuf *out, const tree_line *line, const clh_model_config *config,
                     size_t indent)
{
    const bool param = line->kind == TREE_PARAM;
    const clh_row *row = (param ? &clh_layout_params : &clh_layout_acts)->row + line->id;
    const bool exists = clh_row_exists(row, config);
    if (!exists && line->kind != TREE_HOOK_LISTED)
        return;
    const char *dot = strrchr(row->name, '.'), *name = dot ? dot + 1 : row->name;
    size_t start = out->length;
    clh_strbuf_addf(out, param ? "%*s%s" : "%*s(%s): HookPoint()", (int)indent, "", name);
    size_t width = out->length - start;
    clh_strbuf_addf(out, "%*s", width < SHAPE_COLUMN ? (int)(SHAPE_COLUMN - width) : 2, "");
    if (exists)
        add_shape(out, row, config);
    else
        clh_strbuf_addf(out, "off: %s", reason_off(row, config));
    clh_strbuf_adds(out, "\n");
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

/* The lines inside a module, from `at` to its end; returns where that is. */
static size_t add_inside(clh_strbuf *out, const clh_model_config *config, size_t at, size_t depth)
{
    const size_t indent = INDENT * depth;
    while (at < CLH_COUNT(tree_lines) && tree_lines[at].kind != TREE_CLOSE) {
        const tree_line *line = &tree_lines[at];
        if (line->kind > TREE_CLOSE) {
            add_leaf(out, line, config, indent);
            at++;
        } else if (!clh_row_exists(&(clh_row){.when = line->when}, config)) {
            at = skip_module(at);
        } else {
            add_open(out, line, config, indent);
            clh_strbuf inside = {0};
            at = add_inside(&inside, config, at + 1, depth + 1) + 1;
            if (inside.length > 0)
                clh_strbuf_addf(out, "\n%s%*s", clh_strbuf_view(&inside), (int)indent, "");
            clh_strbuf_adds(out, ")\n");
            out->failed |= inside.failed;
            clh_strbuf_deinit(&inside);
        }
    }
    return at;
}

clh_status clh_model_tree(const clh_model_config *config, char **text, clh_error *err)
{
    assert(config && text);
    clh_strbuf out = {0};
    clh_strbuf_adds(&out, "HookedTransformer(\n");
    size_t end = add_inside(&out, config, 0, 1);
    assert(end == CLH_COUNT(tree_lines));
    (void)end;
    clh_strbuf_adds(&out, ")\n");
    *text = clh_strbuf_take(&out, err);
    return *text ? CLH_OK : CLH_ENOMEM;
}
