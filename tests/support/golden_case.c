#include "support/golden_case.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "run/transformer_lens/tl_config.h"
#include "support/cmocka_all.h"
#include "support/must.h"

static const char *metadata(const golden_case *golden, const char *key)
{
    const char *value = clh_safetensors_metadata(golden->file, key);
    assert_non_null(value);
    return value;
}

clh_tensor golden_tensor(golden_case *golden, const char *prefix, const char *name)
{
    char key[160];
    clh_error err = {0};
    clh_tensor tensor;
    assert_in_range(snprintf(key, sizeof key, "%s%s", prefix, name), 1, sizeof key - 1);
    if (clh_safetensors_describe(golden->file, key, &tensor, NULL, NULL))
        return (clh_tensor){0};
    assert_true(golden->taken_count < GOLDEN_TENSORS_MAX);
    tensor.data = clh_alloc_array(clh_tensor_count(&tensor), sizeof *tensor.data, &err);
    if (!tensor.data)
        fail_msg("%s", err.message);
    golden->taken[golden->taken_count++] = tensor.data;
    must(clh_safetensors_read_any(golden->file, &tensor, &err), &err);
    return tensor;
}

static void read_tokens(golden_case *golden)
{
    clh_tensor tokens = golden_tensor(golden, "", "tokens");
    if (!tokens.data || tokens.rank != 2)
        fail_msg("want tokens of [batch, pos]");
    assert_true(tokens.shape[0] <= GOLDEN_BATCH_MAX);
    size_t count = clh_tensor_count(&tokens);
    golden->ids = clh_alloc_array(count, sizeof *golden->ids, NULL);
    assert_non_null(golden->ids);
    for (size_t i = 0; i < count; i++)
        golden->ids[i] = (uint32_t)tokens.data[i];
    golden->tokens = (clh_tokens){golden->ids, tokens.shape[0], tokens.shape[1]};
    for (size_t b = 0; b < tokens.shape[0]; b++) {
        golden->length[b] = tokens.shape[1];
        golden->first_scored[b] = strtoul(metadata(golden, "first_scored"), NULL, 10);
    }
    golden->scored = (clh_scored){golden->length, golden->first_scored};
}

void golden_open(golden_case *golden, const char *name)
{
    char path[1024], *notes = NULL;
    clh_error err = {0};
    *golden = (golden_case){0};
    assert_in_range(snprintf(path, sizeof path, "%s/%s.safetensors", CLH_GOLDEN_DIR, name), 1,
                    sizeof path - 1);
    must(clh_safetensors_open(&golden->file, path, &err), &err);
    assert_string_equal(metadata(golden, "format"), "clearhead-golden-1");
    must(clh_tl_config_from_json(&golden->config, &notes, metadata(golden, "config"), name, false,
                                 &err),
         &err);
    clh_free(notes);
    must(clh_model_open(&golden->model, &golden->config, &err), &err);
    for (size_t i = 0; i < clh_model_tensor_count(golden->model); i++) {
        char key[160];
        clh_tensor tensor = clh_model_tensor(golden->model, i);
        assert_in_range(snprintf(key, sizeof key, "param.%s", tensor.name), 1, sizeof key - 1);
        tensor.name = key;
        must(clh_safetensors_read(golden->file, &tensor, &err), &err);
    }
    read_tokens(golden);
    golden->hooks = json_loads(metadata(golden, "hooks"), 0, NULL);
    golden->hook_points = json_loads(metadata(golden, "hook_points"), 0, NULL);
    assert_true(json_is_array(golden->hooks) && json_is_array(golden->hook_points));
}

void golden_close(golden_case *golden)
{
    while (golden->taken_count > 0)
        clh_free(golden->taken[--golden->taken_count]);
    json_decref(golden->hooks);
    json_decref(golden->hook_points);
    clh_free(golden->ids);
    clh_model_close(golden->model);
    clh_safetensors_close(golden->file);
    *golden = (golden_case){0};
}

size_t golden_names(char **names, size_t most)
{
    const char *suffix = ".safetensors";
    glob_t found = {0};
    size_t count = 0;
    if (glob(CLH_GOLDEN_DIR "/*.safetensors", 0, NULL, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc && count < most; i++) {
        const char *base = strrchr(found.gl_pathv[i], '/') + 1;
        if (strcmp(base, "optimizers.safetensors") != 0)
            names[count++] = strndup(base, strlen(base) - strlen(suffix));
    }
    globfree(&found);
    return count;
}

double golden_largest(const clh_tensor *tensor)
{
    double largest = 0;
    for (size_t i = 0, n = clh_tensor_count(tensor); i < n; i++)
        if (isfinite(tensor->data[i]))
            largest = fmax(largest, fabs((double)tensor->data[i]));
    return largest;
}

double golden_distance(const clh_tensor *got, const clh_tensor *want, double floor)
{
    double most = 0, scale = fmax(golden_largest(want), floor);
    assert_int_equal(got->rank, want->rank);
    for (size_t i = 0; i < got->rank; i++)
        assert_int_equal(got->shape[i], want->shape[i]);
    for (size_t i = 0, n = clh_tensor_count(want); i < n; i++) {
        double a = (double)got->data[i], b = (double)want->data[i];
        if (!isfinite(a) || !isfinite(b)) {
            if (isnan(a) || isnan(b) || isfinite(a) || isfinite(b) || (a < 0) != (b < 0))
                return INFINITY;
            continue;
        }
        most = fmax(most, fabs(a - b));
    }
    return scale > 0 ? most / scale : most > 0 ? INFINITY : 0;
}
