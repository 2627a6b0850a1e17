/* A model's parameters in a safetensors file, under TransformerLens' state_dict names. */
#include "run/weights.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run_config.h"
#include "file/stage.h"
#include "model/tensors.h"
#include "run/folder.h"
#include "run/run_files.h"

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

/* What else TransformerLens' state_dict holds: buffers that follow from the config, and a parameter that
 * nothing reads. */
static bool is_passed_over(const char *name, const clh_model_config *config)
{
    const clh_positions positions = config->positional_embedding_type;
    if (ends_with(name, ".attn.mask") || ends_with(name, ".attn.IGNORE"))
        return true;
    if (ends_with(name, ".attn.rotary_sin") || ends_with(name, ".attn.rotary_cos"))
        return positions == CLH_POSITIONS_ROTARY || positions == CLH_POSITIONS_NONE;
    return positions == CLH_POSITIONS_ALIBI &&
           strcmp(name, clh_layout_params.row[CLH_P_W_POS].name) == 0;
}

static clh_status check_known(const clh_model *model, const clh_safetensors *file, const char *path,
                              clh_error *err)
{
    for (size_t i = 0; i < clh_safetensors_count(file); i++) {
        const char *name = clh_safetensors_name(file, i);
        if (!is_passed_over(name, clh_model_get_config(model)) && !clh_model_view(model, name).data)
            return clh_fail(err, CLH_EFORMAT,
                            "%s: tensor %s is none of this model's parameters: want the settings "
                            "of the model the file was made with",
                            path, name);
    }
    return CLH_OK;
}

/* That what is tied is the same in the file, bit for bit. */
static clh_status check_tied(clh_model *model, const char *path, clh_error *err)
{
    const clh_tensor W_U = clh_model_param(model, CLH_P_W_U, 0);
    const size_t count = clh_tensor_count(&W_U);
    if (!clh_model_get_config(model)->tie_word_embeddings)
        return CLH_OK;
    clh_real *read = clh_alloc_array(count, sizeof *read, err);
    if (!read)
        return CLH_ENOMEM;
    memcpy(read, W_U.data, count * sizeof *read);
    clh_model_tie(model);
    bool same = true;
    for (size_t i = 0; i < count; i++)
        same = same && read[i] == W_U.data[i];
    clh_free(read);
    return same ? CLH_OK
                : clh_fail(err, CLH_EFORMAT,
                           "%s: %s is not %s turned over, want tie_word_embeddings false", path,
                           W_U.name, clh_layout_params.row[CLH_P_W_E].name);
}

void clh_model_sha256(const clh_model *model, char hex[CLH_SHA256_TEXT])
{
    size_t count = 0;
    const clh_real *data = clh_model_data(model, &count);
    clh_sha256_of(data, count * sizeof *data, hex);
}

clh_status clh_model_load(clh_model *model, const char *path, clh_error *err)
{
    CLH_REQUIRE(model && path, err, "a model, and a file of weights");
    clh_safetensors *file = NULL;
    char *weights = NULL;
    clh_status status = clh_folder_weights(path, &weights, err);
    if (!status)
        status = clh_safetensors_open(&file, weights, err);
    if (!status)
        status = check_known(model, file, weights, err);
    for (size_t i = 0; i < clh_model_tensor_count(model) && !status; i++) {
        clh_tensor tensor = clh_model_tensor(model, i);
        status = clh_safetensors_read(file, &tensor, err);
    }
    if (!status)
        status = check_tied(model, weights, err);
    clh_safetensors_close(file);
    clh_free(weights);
    return status;
}

clh_status clh_model_stage(clh_file **out, const clh_model *model, const char *path,
                           const clh_run_config *config, size_t step, clh_error *err)
{
    assert(out && model && path && config);
    const size_t count = clh_model_tensor_count(model);
    char step_text[24];
    (void)snprintf(step_text, sizeof step_text, "%zu", step);
    clh_run_config plain = *config;
    plain.threads = 1; /* threads change no number, so they change no byte of a file of numbers */
    clh_run_files_forget(&plain); /* nor does where data lies */
    char *config_text = clh_run_config_json(&plain, err);
    clh_tensor *tensors = clh_alloc_array(count, sizeof *tensors, err);
    clh_status status = CLH_ENOMEM;
    if (config_text && tensors) {
        const clh_pair metadata[] = {
            {"format", "pt"}, {"clearhead", "1"}, {"config", config_text}, {"step", step_text}};
        for (size_t i = 0; i < count; i++)
            tensors[i] = clh_model_tensor(model, i);
        status =
            clh_safetensors_stage(out, path, tensors, count, metadata, CLH_COUNT(metadata), err);
    }
    clh_free(tensors);
    clh_free(config_text);
    return status;
}

clh_status clh_model_save(const clh_model *model, const char *path, const clh_run_config *config,
                          size_t step, clh_error *err)
{
    CLH_REQUIRE(model && path && config, err, "a model, a path and a config");
    clh_file *file = NULL;
    clh_status status = clh_run_config_check(config, err);
    if (!status)
        status = clh_model_stage(&file, model, path, config, step, err);
    return status ? status : clh_file_commit(file, err);
}
