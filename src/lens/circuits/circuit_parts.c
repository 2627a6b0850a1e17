#include "lens/circuits/circuit_parts.h"

#include <assert.h>
#include <math.h>

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
clh_status clh_weight_take(clh_dense *out, const clh_model *model, clh_param_id id, size_t layer,
                           size_t head, clh_error *err)
{
    const clh_tensor t = clh_model_param(model, id, layer);
    assert(t.data && t.rank >= 1 && t.rank <= 3);
    const size_t cols = t.shape[t.rank - 1];
    const size_t rows =
        t.rank == 1 || head != SIZE_MAX ? (t.rank == 3 ? t.shape[1] : 1) : t.shape[0];
    const size_t from = head == SIZE_MAX ? 0 : head * rows * cols;
    clh_status status = clh_dense_open(out, rows, cols, err);
    for (size_t i = 0; i < rows * cols && !status; i++) {
        out->data[i] = (double)t.data[from + i];
        if (!isfinite(out->data[i]))
            status = clh_fail(err, CLH_ENUMERIC, "%s holds %g", t.name, out->data[i]);
    }
    if (status)
        clh_dense_deinit(out);
    return status;
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

clh_status clh_norm_fold(clh_dense *weight, const clh_model *model, clh_param_id id, size_t layer,
                         clh_error *err)
{
    const clh_norm_row *norm = clh_layout_params.row[id].behind;
    assert(weight && model && norm);
    const clh_norm_place place = (clh_norm_place)(norm - clh_norm_rows);
    const clh_normalization kind = clh_layout_norm_kind(clh_model_get_config(model), place);
    clh_dense w = {0};
    if (kind == CLH_NORM_LN || kind == CLH_NORM_RMS) {
        clh_status status = clh_weight_take(&w, model, norm->w, layer, SIZE_MAX, err);
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
                           clh_param_id reader, size_t layer, size_t head, bool norm,
                           clh_error *err)
{
    const clh_row *row = &clh_layout_params.row[reader];
    clh_dense ln_b = {0};
    clh_status status = clh_weight_take(out, model, clh_param_of(row->bias), layer, head, err);
    if (status || !norm || clh_model_get_config(model)->normalization_type != CLH_NORM_LN)
        return status;
    status = clh_weight_take(&ln_b, model, row->behind->b, layer, SIZE_MAX, err);
    for (size_t r = 0; r < weight->rows && !status; r++)
        for (size_t c = 0; c < weight->cols; c++)
            out->data[c] += ln_b.data[r] * weight->data[r * weight->cols + c];
    clh_dense_deinit(&ln_b);
    if (status)
        clh_dense_deinit(out);
    return status;
}

clh_param_id clh_embedding_of(clh_side part)
{
    assert(part == CLH_SIDE_TOKEN || part == CLH_SIDE_POSITION);
    return part == CLH_SIDE_TOKEN ? CLH_P_W_E : CLH_P_W_POS;
}

clh_status clh_leg_make(clh_dense *out, const clh_model *model, clh_side part, clh_param_id reader,
                        size_t layer, size_t head, bool norm, clh_error *err)
{
    assert(part != CLH_SIDE_OUTPUT);
    clh_dense weight = {0}, embedding = {0};
    clh_status status = clh_weight_take(&weight, model, reader, layer, head, err);
    if (!status && part == CLH_SIDE_BIAS) {
        status = bias_row(out, model, &weight, reader, layer, head, norm, err);
        clh_dense_deinit(&weight);
        return status;
    }
    if (!status && norm)
        status = clh_norm_fold(&weight, model, reader, layer, err);
    if (!status && part == CLH_SIDE_RESIDUAL) {
        *out = weight;
        return CLH_OK;
    }
    if (!status)
        status = clh_weight_take(&embedding, model, clh_embedding_of(part), 0, SIZE_MAX, err);
    if (!status)
        status = clh_dense_multiply(out, &embedding, &weight, err);
    clh_dense_deinit(&embedding);
    clh_dense_deinit(&weight);
    return status;
}
