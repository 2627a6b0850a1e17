#include "model/model_parts.h"

#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "model/model_keys.h"
#include "model/tensors.h"

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

void clh_model_init(clh_model *model, uint64_t seed)
{
    if (!model)
        return;
    const clh_blob *params = &model->params;
    for (size_t t = 0; t < params->tensors; t++) {
        const clh_tensor *tensor = &params->tensor[t];
        size_t count = clh_tensor_count(tensor);
        uint64_t stream = CLH_STREAM_INIT | (uint64_t)t << 8;
        for (size_t i = 0; i < count; i++)
            switch (params->place[t].row->start) {
            case START_NORMAL:
                tensor->data[i] = (clh_real)(model->config.initializer_range *
                                             clh_random_normal(seed, stream, i));
                break;
            case START_ZEROS:
                tensor->data[i] = 0;
                break;
            case START_ONES:
                tensor->data[i] = 1;
                break;
            }
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
