#include "model/memory/model_parts.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "model/description/model_keys.h"
#include "model/memory/tensors.h"

clh_status clh_model_open(clh_model **out, const clh_model_config *config, clh_error *err)
{
    CLH_REQUIRE(out && config, err, "a config, and room for the model");
    clh_status status = clh_model_config_check(config, err);
    if (status)
        return status;
    clh_model *model = clh_alloc_zeroed(1, sizeof *model, err);
    if (!model)
        return CLH_ENOMEM;
    model->config = clh_model_config_resolved(config);
    model->acts = clh_layout_whens(&clh_layout_acts, &model->config);
    status = clh_blob_init(&model->params, &clh_layout_params, &model->config, false, err);
    if (!status)
        status = clh_blob_reshape(&model->params, 0, 0, NULL, err);
    if (status) {
        clh_model_close(model);
        return status;
    }
    *out = model;
    return CLH_OK;
}

clh_status clh_model_copy(clh_model **out, const clh_model *model, clh_error *err)
{
    assert(out && model);
    clh_status status = clh_model_open(out, &model->config, err);
    if (!status)
        memcpy((*out)->params.data, model->params.data,
               model->params.count * sizeof *model->params.data);
    return status;
}

void clh_model_close(clh_model *model)
{
    if (!model)
        return;
    clh_blob_deinit(&model->params);
    clh_free(model);
}

/* By what drawn numbers are multiplied: those of a normal distribution, or of [-1, 1). As
 * TransformerLens has it, fan_in and fan_out of [heads, m, n] are m and heads n, and muP's rule for
 * "embed" comes before that for "unembed", whose name holds it: both get 1. */
static double draw_scale(const clh_model_config *c, const clh_tensor *tensor, bool *uniform)
{
    assert(tensor->rank == 2 || tensor->rank == 3);
    const size_t heads = tensor->rank == 3 ? tensor->shape[0] : 1;
    const double in = (double)tensor->shape[tensor->rank - 2];
    const double out = (double)heads * (double)tensor->shape[tensor->rank - 1];
    const double gain = c->initializer_range;
    *uniform = c->init_mode == CLH_INIT_XAVIER_UNIFORM || c->init_mode == CLH_INIT_KAIMING_UNIFORM;
    switch (c->init_mode) {
    case CLH_INIT_GPT2:
        break;
    case CLH_INIT_XAVIER_UNIFORM:
        return gain * sqrt(6 / (in + out));
    case CLH_INIT_XAVIER_NORMAL:
        return gain * sqrt(2 / (in + out));
    case CLH_INIT_KAIMING_UNIFORM:
        return gain * sqrt(2) * sqrt(3 / in);
    case CLH_INIT_KAIMING_NORMAL:
        return gain * sqrt(2) * sqrt(1 / in);
    case CLH_INIT_MUP:
        return strstr(tensor->name, "embed") ? 1 : 1 / sqrt(in);
    }
    return gain;
}

/* In [-1, 1). */
static double draw_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(clh_random_word(seed, stream, index) >> 11) * 0x1p-52 - 1;
}

static void draw(const clh_model_config *c, const clh_tensor *tensor, uint64_t seed,
                 uint64_t stream)
{
    bool uniform;
    const double scale = draw_scale(c, tensor, &uniform);
    for (size_t i = 0, n = clh_tensor_count(tensor); i < n; i++)
        tensor->data[i] = (clh_real)(scale * (uniform ? draw_uniform(seed, stream, i)
                                                      : clh_random_normal(seed, stream, i)));
}

void clh_model_init(clh_model *model, uint64_t seed)
{
    if (!model)
        return;
    const clh_blob *params = &model->params;
    for (size_t t = 0; t < params->tensors; t++) {
        const clh_tensor *tensor = &params->tensor[t];
        const clh_start start = params->place[t].row->start;
        if (start == START_NORMAL)
            draw(&model->config, tensor, seed, CLH_STREAM_INIT | (uint64_t)t << 8);
        for (size_t i = 0, n = clh_tensor_count(tensor); start != START_NORMAL && i < n; i++)
            tensor->data[i] = start == START_ONES;
    }
    clh_model_tie(model);
}

void clh_model_tie(clh_model *model)
{
    for (size_t t = 0; t < clh_model_tensor_count(model); t++) {
        const clh_row *row = model->params.place[t].row;
        if (!clh_row_is_tied(row, &model->config))
            continue;
        const clh_tensor to = model->params.tensor[t];
        const clh_tensor from = clh_model_param(model, clh_param_of(row->tied), 0);
        for (size_t r = 0; r < to.shape[0]; r++)
            for (size_t c = 0; c < to.shape[1]; c++)
                to.data[r * to.shape[1] + c] = from.data[c * from.shape[1] + r];
    }
}

const clh_model_config *clh_model_get_config(const clh_model *model)
{
    return model ? &model->config : NULL;
}

size_t clh_model_tensor_count(const clh_model *model)
{
    return model ? model->params.tensors : 0;
}

size_t clh_model_parameter_count(const clh_model *model)
{
    size_t total = 0;
    for (size_t i = 0; i < clh_model_tensor_count(model); i++)
        if (!clh_row_is_tied(model->params.place[i].row, &model->config))
            total += clh_tensor_count(&model->params.tensor[i]);
    return total;
}

clh_tensor clh_model_tensor(const clh_model *model, size_t index)
{
    return index < clh_model_tensor_count(model) ? model->params.tensor[index] : (clh_tensor){0};
}

clh_tensor clh_model_view(const clh_model *model, const char *name)
{
    return model && name ? clh_blob_view(&model->params, name) : (clh_tensor){0};
}

clh_tensor clh_model_param(const clh_model *model, clh_param_id id, size_t layer)
{
    return clh_blob_tensor(&model->params, id, layer);
}

clh_row_place clh_model_place(const clh_model *model, size_t index)
{
    assert(index < model->params.tensors);
    return model->params.place[index];
}

const char *clh_model_axis(const clh_model *model, size_t index, size_t axis)
{
    if (index >= clh_model_tensor_count(model))
        return NULL;
    return clh_dim_name(clh_row_dim(model->params.place[index].row, &model->config, axis));
}

clh_real *clh_model_data(const clh_model *model, size_t *count)
{
    if (count)
        *count = model ? model->params.count : 0;
    return model ? model->params.data : NULL;
}

clh_tensor clh_model_tensor_in(const clh_model *model, size_t index, clh_real *vector)
{
    clh_tensor tensor = clh_model_tensor(model, index);
    if (!tensor.data || !vector)
        return (clh_tensor){0};
    tensor.data = vector + (tensor.data - model->params.data);
    return tensor;
}
