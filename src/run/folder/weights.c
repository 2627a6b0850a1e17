/* A model's parameters in a safetensors file, under TransformerLens' state_dict names. */
#include "run/folder/weights.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run_config.h"
#include "file/stage.h"
#include "model/memory/tensors.h"
#include "run/settings/run_files.h"

void clh_model_sha256(const clh_model *model, char hex[CLH_SHA256_TEXT])
{
    size_t count = 0;
    const clh_real *data = clh_model_data(model, &count);
    clh_sha256_of(data, count * sizeof *data, hex);
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
