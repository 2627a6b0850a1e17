/* Weights folded into their neighbours. Norm parameters are read from the old model, everything
 * else is changed in the new one. */
#include "clearhead/fold.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "lens/residual/fold_refactor.h"
#include "model/description/assume.h"
#include "model/memory/tensors.h"

/** The two models. */
typedef struct folding {
    const clh_model *from;
    clh_model *to;
    const clh_model_config *config; /* of `from` */
} folding;

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
        if (b)
            r->bias[c] = (clh_real)((double)r->bias[c] + bias);
    }
}

/** Fold the norm a matrix reads through into it, or into every head's. */
static void fold_norm(const folding *f, const clh_row *row, size_t layer)
{
    const clh_tensor w = clh_model_param(f->from, row->behind->w, layer);
    const clh_tensor b = clh_model_param(f->from, row->behind->b, layer);
    const clh_tensor matrix = clh_model_param(f->to, clh_param_of(row), layer);
    const clh_tensor beside =
        row->bias ? clh_model_param(f->to, clh_param_of(row->bias), layer) : (clh_tensor){0};
    if (!w.data) /* of the Pre kinds, and of an MLP that has none */
        return;
    assert(matrix.data && (beside.data || !b.data));
    const size_t rows = matrix.shape[matrix.rank - 2], cols = matrix.shape[matrix.rank - 1];
    const size_t heads = matrix.rank == 3 ? matrix.shape[0] : 1;
    for (size_t h = 0; h < heads; h++) {
        const reader r = {matrix.data + h * rows * cols, b.data ? beside.data + h * cols : NULL,
                          rows, cols};
        fold_reader(&r, w.data, b.data);
    }
}

static void fold_norms(const folding *f)
{
    for (clh_row_place at = clh_layout_first(&clh_layout_params, f->config); at.row;
         at = clh_layout_next(&clh_layout_params, f->config, at))
        if (at.row->behind)
            fold_norm(f, at.row, at.layer);
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

/** Whatever adds to the stream, or to the logits. */
static void centre(const folding *f, clh_adds_to adds_to)
{
    for (size_t i = 0; i < clh_model_tensor_count(f->to); i++) {
        const clh_tensor tensor = clh_model_tensor(f->to, i);
        if (clh_row_adds_to(clh_model_place(f->to, i).row, f->config) == adds_to)
            centre_rows(&tensor);
    }
}

/* The pattern's rows sum to 1, so a value's bias is the same at every position. */
static void fold_value_biases(const folding *f)
{
    for (size_t layer = 0; layer < f->config->n_layers; layer++) {
        const clh_tensor b_v = clh_model_param(f->to, CLH_P_B_V, layer);
        const clh_tensor b_o = clh_model_param(f->to, CLH_P_B_O, layer);
        const clh_tensor w_o =
            clh_model_param(f->to, CLH_P_W_O, layer); /* [heads, d_head, d_model] */
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
    if (what & (CLH_FOLD_LN | CLH_FOLD_WRITING | CLH_FOLD_UNEMBED))
        folded.tie_word_embeddings = false; /* W_E and W_U are changed, each in its way */
    return folded;
}

/* Whether the model stays the same function. */
static clh_status check_fold(const clh_model_config *c, unsigned what, clh_error *err)
{
    const clh_normalization last = clh_layout_norm_kind(c, CLH_NORM_AT_FINAL);
    const bool centres = last == CLH_NORM_LN || last == CLH_NORM_LNPRE;
    if (what & CLH_FOLD_WRITING && !centres)
        return clh_fail(
            err, CLH_ECONFIG,
            "centring what is written would change this model: its norms do not centre, "
            "want normalization_type LN or LNPre%s",
            c->final_rms ? ", and final_rms false" : "");
    if (what & CLH_FOLD_LN && c->positional_embedding_type == CLH_POSITIONS_SHORTFORMER)
        return clh_fail(err, CLH_ECONFIG,
                        "folding norms would change this model: queries and keys of a shortformer "
                        "read positions behind them");
    if (what & CLH_FOLD_LN && c->gated_mlp && c->normalization_type == CLH_NORM_LN)
        return clh_fail(err, CLH_ECONFIG,
                        "folding norms would change this model: a gate has no bias that theirs "
                        "could go to, want normalization_type RMS");
    return what & CLH_FOLD_REFACTOR ? clh_assume(c, CLH_ASSUME_QK, "refactoring heads", err)
                                    : CLH_OK;
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
    if (!out || !config || !before || out == before)
        return;
    const bool norms =
        config->normalization_type == CLH_NORM_LN || config->normalization_type == CLH_NORM_RMS;
    size_t used = 0;
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

unsigned clh_fold_allowed(const clh_model_config *config)
{
    unsigned what = CLH_FOLD_EVERYTHING;
    for (unsigned bit = 1; config && bit <= CLH_FOLD_EVERYTHING; bit <<= 1)
        if (check_fold(config, bit, NULL))
            what -= bit;
    return config ? what : 0;
}

clh_status clh_model_fold(clh_model **out, const clh_model *model, unsigned what, clh_error *err)
{
    CLH_REQUIRE(out && model, err, "a model, and room for the folded one");
    if (what > CLH_FOLD_EVERYTHING)
        return clh_fail(err, CLH_ERANGE, "what to fold is %u, want bits of %d", what,
                        CLH_FOLD_EVERYTHING);
    const clh_model_config *config = clh_model_get_config(model);
    const clh_model_config folded = folded_config(config, what);
    *out = NULL;
    clh_status allowed = check_fold(config, what, err);
    if (allowed)
        return allowed;
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
        centre(&f, ADDS_TO_STREAM);
    if (what & CLH_FOLD_UNEMBED)
        centre(&f, ADDS_TO_LOGITS);
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
