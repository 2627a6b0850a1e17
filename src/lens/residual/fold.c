/* Weights folded into their neighbours. Norm parameters are read from the old model, everything
 * else is changed in the new one. */
#include "clearhead/fold.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "lens/residual/fold_refactor.h"

/** The two models, and the layer at work. */
typedef struct folding {
    const clh_model *from;
    clh_model *to;
    const clh_model_config *config; /* of `from` */
    size_t layer;
} folding;

/** A parameter of a model by its name, "blocks.<layer>." put before it where it has a point first.
 */
static clh_tensor view(const folding *f, const clh_model *model, const char *name)
{
    char key[64];
    if (name[0] == '.')
        (void)snprintf(key, sizeof key, "blocks.%zu%s", f->layer, name);
    else
        (void)snprintf(key, sizeof key, "%s", name);
    return clh_model_view(model, key);
}

/** One matrix that reads behind a norm, [rows, cols], and the bias beside it. */
typedef struct reader {
    clh_real *weight, *bias;
    size_t rows, cols;
} reader;

/** bias += b W; W = diag(w) W; then, for LN, each column less its mean. */
static void fold_reader(const reader *r, const clh_real *w, const clh_real *b)
{
    for (size_t c = 0; c < r->cols; c++) {
        double bias = 0, mean = 0;
        for (size_t i = 0; i < r->rows; i++) {
            const double weight = (double)r->weight[i * r->cols + c];
            bias += b ? (double)b[i] * weight : 0;
            mean += (double)w[i] * weight / (double)r->rows;
        }
        for (size_t i = 0; i < r->rows; i++) {
            const double scaled = (double)w[i] * (double)r->weight[i * r->cols + c];
            r->weight[i * r->cols + c] = (clh_real)(b ? scaled - mean : scaled);
        }
        r->bias[c] = (clh_real)((double)r->bias[c] + bias);
    }
}

/** Fold one norm into one reader, or into every head's. */
static void fold_norm(const folding *f, const char *norm_w, const char *norm_b, const char *weight,
                      const char *bias)
{
    const clh_tensor w = view(f, f->from, norm_w), b = view(f, f->from, norm_b);
    const clh_tensor matrix = view(f, f->to, weight), beside = view(f, f->to, bias);
    assert(w.data && matrix.data && beside.data);
    const size_t rows = matrix.shape[matrix.rank - 2], cols = matrix.shape[matrix.rank - 1];
    const size_t heads = matrix.rank == 3 ? matrix.shape[0] : 1;
    for (size_t h = 0; h < heads; h++) {
        const reader r = {matrix.data + h * rows * cols, beside.data + h * cols, rows, cols};
        fold_reader(&r, w.data, b.data);
    }
}

static void fold_norms(folding *f)
{
    const clh_model_config *c = f->config;
    if (c->normalization_type != CLH_NORM_LN && c->normalization_type != CLH_NORM_RMS)
        return;
    for (f->layer = 0; f->layer < c->n_layers; f->layer++) {
        fold_norm(f, ".ln1.w", ".ln1.b", ".attn.W_Q", ".attn.b_Q");
        fold_norm(f, ".ln1.w", ".ln1.b", ".attn.W_K", ".attn.b_K");
        fold_norm(f, ".ln1.w", ".ln1.b", ".attn.W_V", ".attn.b_V");
        if (!c->attn_only)
            fold_norm(f, ".ln2.w", ".ln2.b", ".mlp.W_in", ".mlp.b_in");
        if (view(f, f->from, ".mlp.ln.w").data)
            fold_norm(f, ".mlp.ln.w", ".mlp.ln.b", ".mlp.W_out", ".mlp.b_out");
    }
    fold_norm(f, "ln_final.w", "ln_final.b", "unembed.W_U", "unembed.b_U");
}

/** Every row of the last dimension less its mean. */
static void centre_rows(const clh_tensor *tensor)
{
    const size_t width = tensor->shape[tensor->rank - 1];
    for (size_t at = 0; at < clh_tensor_count(tensor); at += width) {
        double mean = 0;
        for (size_t i = 0; i < width; i++)
            mean += (double)tensor->data[at + i] / (double)width;
        for (size_t i = 0; i < width; i++)
            tensor->data[at + i] = (clh_real)((double)tensor->data[at + i] - mean);
    }
}

static void centre(const folding *f, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const clh_tensor tensor = view(f, f->to, names[i]);
        if (tensor.data)
            centre_rows(&tensor);
    }
}

static void centre_writing(folding *f)
{
    static const char *const once[] = {"embed.W_E", "pos_embed.W_pos"};
    static const char *const block[] = {".attn.W_O", ".attn.b_O", ".mlp.W_out", ".mlp.b_out"};
    centre(f, once, CLH_COUNT(once));
    for (f->layer = 0; f->layer < f->config->n_layers; f->layer++)
        centre(f, block, CLH_COUNT(block));
}

static void centre_unembed(const folding *f)
{
    static const char *const names[] = {"unembed.W_U", "unembed.b_U"};
    centre(f, names, CLH_COUNT(names));
}

/* The pattern's rows sum to 1, so a value's bias is the same at every position. */
static void fold_value_biases(folding *f)
{
    for (f->layer = 0; f->layer < f->config->n_layers; f->layer++) {
        const clh_tensor b_v = view(f, f->to, ".attn.b_V"), b_o = view(f, f->to, ".attn.b_O");
        const clh_tensor w_o = view(f, f->to, ".attn.W_O"); /* [heads, d_head, d_model] */
        const size_t rows = w_o.shape[0] * w_o.shape[1], d_model = w_o.shape[2];
        for (size_t c = 0; c < d_model; c++) {
            double sum = (double)b_o.data[c];
            for (size_t r = 0; r < rows; r++)
                sum += (double)b_v.data[r] * (double)w_o.data[r * d_model + c];
            b_o.data[c] = (clh_real)sum;
        }
        memset(b_v.data, 0, rows * sizeof *b_v.data);
    }
}

static clh_model_config folded_config(const clh_model_config *config, unsigned what)
{
    clh_model_config folded = *config;
    if (what & CLH_FOLD_LN && config->normalization_type == CLH_NORM_LN)
        folded.normalization_type = CLH_NORM_LNPRE;
    if (what & CLH_FOLD_LN && config->normalization_type == CLH_NORM_RMS)
        folded.normalization_type = CLH_NORM_RMSPRE;
    return folded;
}

/* ---- Words for it ------------------------------------------------------------------------------
 */

static const struct {
    unsigned bit;
    const char *name;
} names[] = {
    {CLH_FOLD_LN, "fold_layer_norm"},
    {CLH_FOLD_WRITING, "center_writing_weights"},
    {CLH_FOLD_UNEMBED, "center_unembed"},
    {CLH_FOLD_VALUE_BIAS, "fold_value_biases"},
    {CLH_FOLD_REFACTOR, "refactor_factored_attn_matrices"},
};

/* Whether `name` is one of the words of `record`. */
static bool has_word(const char *record, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = strstr(record, name); at; at = strstr(at + 1, name))
        if ((at == record || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

void clh_fold_record(char out[CLH_FOLD_RECORD], const char *before, const clh_model_config *config,
                     unsigned what)
{
    const bool norms =
        config->normalization_type == CLH_NORM_LN || config->normalization_type == CLH_NORM_RMS;
    size_t used = 0;
    assert(out && before && out != before && what <= CLH_FOLD_EVERYTHING);
    what &= norms ? CLH_FOLD_EVERYTHING : CLH_FOLD_EVERYTHING - CLH_FOLD_LN;
    what |= what & CLH_FOLD_REFACTOR ? CLH_FOLD_VALUE_BIAS : 0;
    out[0] = '\0';
    for (size_t i = 0; i < CLH_COUNT(names); i++) {
        if (!(what & names[i].bit) && !has_word(before, names[i].name))
            continue;
        const int length =
            snprintf(out + used, CLH_FOLD_RECORD - used, "%s%s", used ? " " : "", names[i].name);
        used += (size_t)length;
        assert(used < CLH_FOLD_RECORD);
    }
}

clh_status clh_model_fold(clh_model **out, const clh_model *model, unsigned what, clh_error *err)
{
    assert(out && model && what <= CLH_FOLD_EVERYTHING);
    const clh_model_config *config = clh_model_get_config(model);
    const clh_model_config folded = folded_config(config, what);
    const bool centres =
        config->normalization_type == CLH_NORM_LN || config->normalization_type == CLH_NORM_LNPRE;
    *out = NULL;
    if (what & CLH_FOLD_WRITING && !centres)
        return clh_fail(
            err, CLH_ECONFIG,
            "centring what is written would change this model: its norms do not centre, "
            "want normalization_type LN or LNPre");
    folding f = {.from = model, .config = config};
    clh_status status = clh_model_open(&f.to, &folded, err);
    if (status)
        return status;
    for (size_t i = 0; i < clh_model_tensor_count(f.to); i++) {
        const clh_tensor to = clh_model_tensor(f.to, i), from = clh_model_view(model, to.name);
        memcpy(to.data, from.data, clh_tensor_count(&to) * sizeof *to.data);
    }
    if (what & CLH_FOLD_LN)
        fold_norms(&f);
    if (what & CLH_FOLD_WRITING)
        centre_writing(&f);
    if (what & CLH_FOLD_UNEMBED)
        centre_unembed(&f);
    if (what & (CLH_FOLD_VALUE_BIAS | CLH_FOLD_REFACTOR))
        fold_value_biases(&f);
    if (what & CLH_FOLD_REFACTOR)
        status = clh_refactor_heads(f.to, err);
    if (status) {
        clh_model_close(f.to);
        return status;
    }
    *out = f.to;
    return CLH_OK;
}
