/* What TransformerLens 4's own small model saves is read, and computes what it computes there. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "clearhead/safetensors.h"
#include "run/transformer_lens/tl_config.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/golden_case.h"
#include "support/must.h"
#include "support/temp_folder.h"

enum { CASES_MAX = 32, CASES_LEAST = 6, TENSORS_MAX = 128 };

static const double tolerance = 1e-5;

typedef struct bench {
    clh_safetensors *file;
    clh_model_config config;
    clh_model *model;
    char *notes;
    void *folder;
    char weights[TEMP_PATH_MAX]; /* the state_dict alone, as a user saves it */
} bench;

static clh_tensor take(const bench *b, const char *name)
{
    clh_tensor tensor;
    clh_error err = {0};
    must(clh_safetensors_describe(b->file, name, &tensor, NULL, &err), &err);
    tensor.data = malloc((clh_tensor_count(&tensor) + 1) * sizeof *tensor.data);
    assert_non_null(tensor.data);
    must(clh_safetensors_read_any(b->file, &tensor, &err), &err);
    return tensor;
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static void save_state(bench *b)
{
    static const char prefix[] = "state.";
    clh_tensor state[TENSORS_MAX];
    size_t count = 0;
    clh_error err = {0};
    for (size_t i = 0; i < clh_safetensors_count(b->file); i++) {
        const char *name = clh_safetensors_name(b->file, i);
        if (!begins(name, prefix))
            continue;
        assert_true(count < TENSORS_MAX);
        state[count] = take(b, name);
        state[count++].name = name + sizeof prefix - 1;
    }
    assert_true(count > 10);
    (void)temp_folder_path(b->folder, "state.safetensors", b->weights);
    must(clh_safetensors_write(b->weights, state, count, NULL, 0, &err), &err);
    while (count > 0)
        free(state[--count].data);
}

static int open_bench(void **state)
{
    bench *b = calloc(1, sizeof *b);
    char path[1024];
    clh_error err = {0};
    assert_non_null(b);
    (void)snprintf(path, sizeof path, "%s/native/%s.safetensors", CLH_GOLDEN_DIR,
                   ((const each_case *)*state)->name);
    if (temp_folder_setup(&b->folder))
        return 1;
    must(clh_safetensors_open(&b->file, path, &err), &err);
    assert_string_equal(clh_safetensors_metadata(b->file, "format"), "clearhead-native-1");
    must(clh_tl_config_from_json(&b->config, &b->notes, clh_safetensors_metadata(b->file, "config"),
                                 path, false, &err),
         &err);
    save_state(b);
    must(clh_model_open(&b->model, &b->config, &err), &err);
    must(clh_model_load(b->model, b->weights, &err), &err);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_model_close(b->model);
    clh_safetensors_close(b->file);
    clh_free(b->notes);
    const int failed = temp_folder_teardown(&b->folder);
    free(b);
    return failed;
}

static void it_computes_what_it_computes_there(void **state)
{
    bench *b = *state;
    clh_cache *cache = NULL;
    clh_error err = {0};
    const clh_tensor ids = take(b, "tokens");
    const size_t count = clh_tensor_count(&ids);
    uint32_t *id = malloc(count * sizeof *id);
    assert_non_null(id);
    for (size_t i = 0; i < count; i++)
        id[i] = (uint32_t)ids.data[i];
    must(clh_cache_open(&cache, &b->config, CLH_KEEP_ALL, &err), &err);
    must(clh_forward(b->model, &(clh_tokens){id, ids.shape[0], ids.shape[1]}, cache, NULL, &err),
         &err);
    size_t compared = 0;
    for (size_t i = 0; i < clh_safetensors_count(b->file); i++) {
        const char *name = clh_safetensors_name(b->file, i);
        const bool act = begins(name, "act.");
        if (!act && strcmp(name, "logits") != 0)
            continue;
        const clh_tensor want = take(b, name);
        const clh_tensor got = clh_cache_view(cache, act ? name + strlen("act.") : name);
        if (!got.data)
            fail_msg("there is no activation %s", name);
        assert_int_equal(clh_tensor_count(&got), clh_tensor_count(&want));
        const double distance = golden_distance(&got, &want, 0);
        if (!(distance <= tolerance))
            fail_msg("%s is %.2e from the golden file", name, distance);
        free(want.data);
        compared++;
    }
    assert_true(compared > 10);
    clh_cache_close(cache);
    free(id);
    free(ids.data);
}

/* Turned over, but no other numbers: a sum of their squares is the same. */
static void every_number_of_the_state_is_a_parameter(void **state)
{
    bench *b = *state;
    double there = 0, here = 0;
    size_t count = 0, of_state = 0;
    const clh_real *data = clh_model_data(b->model, &count);
    for (size_t i = 0; i < count; i++)
        here += (double)data[i] * (double)data[i];
    for (size_t i = 0; i < clh_safetensors_count(b->file); i++) {
        const char *name = clh_safetensors_name(b->file, i);
        if (!begins(name, "state."))
            continue;
        const clh_tensor tensor = take(b, name);
        for (size_t k = 0; k < clh_tensor_count(&tensor); k++)
            there += (double)tensor.data[k] * (double)tensor.data[k];
        of_state += clh_tensor_count(&tensor);
        free(tensor.data);
    }
    assert_true(here - there < 1e-9 * there && there - here < 1e-9 * there);
    assert_true(of_state <= clh_model_parameter_count(b->model));
    assert_int_equal(b->config.tl_version, CLH_TL_3_0);
}

int main(void)
{
    static const each_truth truths[] = {
        {"it computes what it computes there", it_computes_what_it_computes_there},
        {"every number of the state is a parameter", every_number_of_the_state_is_a_parameter},
    };
    static char name[CASES_MAX][64];
    const char *names[CASES_MAX];
    glob_t found = {0};
    if (glob(CLH_GOLDEN_DIR "/native/*.safetensors", 0, NULL, &found) ||
        found.gl_pathc < CASES_LEAST)
        return 1;
    for (size_t i = 0; i < found.gl_pathc && i < CASES_MAX; i++) {
        const char *base = strrchr(found.gl_pathv[i], '/') + 1;
        (void)snprintf(name[i], sizeof name[i], "%.*s",
                       (int)(strlen(base) - strlen(".safetensors")), base);
        names[i] = name[i];
    }
    const int failed = each_case_run("native", truths, CLH_COUNT(truths), names, found.gl_pathc,
                                     open_bench, close_bench);
    globfree(&found);
    return failed;
}
