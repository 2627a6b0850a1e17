#include "lens/circuits/circuit_parts.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/base.h"

clh_status clh_head_check(const clh_model *model, size_t layer, size_t head, clh_error *err)
{
    assert(model);
    const clh_model_config *c = clh_model_get_config(model);
    if (layer >= c->n_layers)
        return clh_fail(err, CLH_ERANGE, "layer %zu, want it below n_layers = %zu", layer,
                        c->n_layers);
    if (head >= c->n_heads)
        return clh_fail(err, CLH_ERANGE, "head %zu, want it below n_heads = %zu", head, c->n_heads);
    return CLH_OK;
}

double clh_attn_scale(const clh_model *model)
{
    const clh_model_config *c = clh_model_get_config(model);
    return c->use_attn_scale ? c->attn_scale : 1;
}

/* [cols] is one row, [rows, cols] a matrix, [heads, rows, cols] a matrix for each head; b_Q … are
 * [heads, cols], of which `head` picks a row. */
clh_status clh_weight_take(clh_dense *out, const clh_model *model, const char *name, size_t head,
                           clh_error *err)
{
    const clh_tensor t = clh_model_view(model, name);
    assert(t.data && t.rank >= 1 && t.rank <= 3);
    const size_t cols = t.shape[t.rank - 1];
    const size_t rows =
        t.rank == 1 || head != SIZE_MAX ? (t.rank == 3 ? t.shape[1] : 1) : t.shape[0];
    const size_t from = head == SIZE_MAX ? 0 : head * rows * cols;
    clh_status status = clh_dense_open(out, rows, cols, err);
    for (size_t i = 0; i < rows * cols && !status; i++) {
        out->data[i] = (double)t.data[from + i];
        if (!isfinite(out->data[i]))
            status = clh_fail(err, CLH_ENUMERIC, "%s holds %g", name, out->data[i]);
    }
    if (status)
        clh_dense_deinit(out);
    return status;
}

clh_status clh_head_weight(clh_dense *out, const clh_model *model, const char *which, size_t layer,
                           size_t head, clh_error *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "blocks.%zu.attn.%s", layer, which);
    return clh_weight_take(out, model, name, head, err);
}

/** Subtract each column's mean: (I - 1 1^T / d) W. */
static void centre(clh_dense *weight)
{
    for (size_t c = 0; c < weight->cols; c++) {
        double mean = 0;
        for (size_t r = 0; r < weight->rows; r++)
            mean += weight->data[r * weight->cols + c] / (double)weight->rows;
        for (size_t r = 0; r < weight->rows; r++)
            weight->data[r * weight->cols + c] -= mean;
    }
}

clh_status clh_norm_fold(clh_dense *weight, const clh_model *model, const char *norm,
                         clh_error *err)
{
    assert(weight && model && norm);
    const clh_normalization kind = clh_model_get_config(model)->normalization_type;
    char name[64];
    clh_dense w = {0};
    if (kind == CLH_NORM_LN || kind == CLH_NORM_RMS) {
        (void)snprintf(name, sizeof name, "%s.w", norm);
        clh_status status = clh_weight_take(&w, model, name, SIZE_MAX, err);
        if (status)
            return status;
        for (size_t i = 0; i < weight->rows * weight->cols; i++)
            weight->data[i] *= w.data[i / weight->cols];
        clh_dense_deinit(&w);
    }
    if (kind == CLH_NORM_LN || kind == CLH_NORM_LNPRE)
        centre(weight);
    return CLH_OK;
}

/** b, with `norm` ln1.b W + b, as one row. */
static clh_status bias_row(clh_dense *out, const clh_model *model, const clh_dense *weight,
                           const char *reader, size_t layer, size_t head, bool norm, clh_error *err)
{
    char which[8], name[64];
    clh_dense ln_b = {0};
    (void)snprintf(which, sizeof which, "b%s", reader + 1);
    clh_status status = clh_head_weight(out, model, which, layer, head, err);
    if (status || !norm || clh_model_get_config(model)->normalization_type != CLH_NORM_LN)
        return status;
    (void)snprintf(name, sizeof name, "blocks.%zu.ln1.b", layer);
    status = clh_weight_take(&ln_b, model, name, SIZE_MAX, err);
    for (size_t r = 0; r < weight->rows && !status; r++)
        for (size_t c = 0; c < weight->cols; c++)
            out->data[c] += ln_b.data[r] * weight->data[r * weight->cols + c];
    clh_dense_deinit(&ln_b);
    if (status)
        clh_dense_deinit(out);
    return status;
}

clh_status clh_leg_make(clh_dense *out, const clh_model *model, clh_side part, const char *reader,
                        size_t layer, size_t head, bool norm, clh_error *err)
{
    assert(part != CLH_SIDE_OUTPUT);
    char ln1[32];
    clh_dense weight = {0}, embedding = {0};
    (void)snprintf(ln1, sizeof ln1, "blocks.%zu.ln1", layer);
    clh_status status = clh_head_weight(&weight, model, reader, layer, head, err);
    if (!status && part == CLH_SIDE_BIAS) {
        status = bias_row(out, model, &weight, reader, layer, head, norm, err);
        clh_dense_deinit(&weight);
        return status;
    }
    if (!status && norm)
        status = clh_norm_fold(&weight, model, ln1, err);
    if (!status && part == CLH_SIDE_RESIDUAL) {
        *out = weight;
        return CLH_OK;
    }
    if (!status)
        status = clh_weight_take(&embedding, model,
                                 part == CLH_SIDE_TOKEN ? "embed.W_E" : "pos_embed.W_pos", SIZE_MAX,
                                 err);
    if (!status)
        status = clh_dense_multiply(out, &embedding, &weight, err);
    clh_dense_deinit(&embedding);
    clh_dense_deinit(&weight);
    return status;
}
