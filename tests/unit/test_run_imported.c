/* A run without a task: its configuration, its folder, what it refuses. And the names of a cache,
 * known before it has any memory. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/run.h"
#include "clearhead/run_config.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/temp_folder.h"

/** The configuration of `words` ("key=value", NULL at the end) over the defaults. */
static clh_status resolve(clh_run_config *out, const char *const *words, clh_error *err)
{
    clh_run_layer all, line;
    clh_run_layer_default(&all);
    clh_run_layer_init(&line);
    for (size_t i = 0; words[i]; i++) {
        char key[64];
        const char *equal = strchr(words[i], '=');
        (void)snprintf(key, sizeof key, "%.*s", (int)(equal - words[i]), words[i]);
        assert_int_equal(clh_run_layer_set(&line, key, equal + 1, NULL), CLH_OK);
    }
    clh_run_layer_apply(&all, &line);
    return clh_run_config_resolve(out, &all, NULL, err);
}

static clh_run_config none_config(void)
{
    clh_run_config config;
    clh_error err = {0};
    if (resolve(&config,
                (const char *const[]){"task=none", "n_ctx=9", "d_vocab=11", "d_model=8", "d_head=4",
                                      NULL},
                &err))
        fail_msg("%s", err.message);
    return config;
}

static void none_has_the_model_and_no_training(void **state)
{
    (void)state;
    clh_run_config config = none_config(), back;
    assert_int_equal(config.model.n_ctx, 9);
    assert_int_equal(config.model.d_vocab_out, 11);
    assert_int_equal(config.first_scored, 1);
    assert_int_equal(config.train.steps, 0);
    assert_int_equal(config.train.epochs, 0);
    assert_int_equal(config.train.test_sequences, 0);
    char *text = clh_run_config_json(&config, NULL), *again = NULL;
    assert_non_null(text);
    assert_int_equal(clh_run_config_from_json(&back, text, "config.json", NULL), CLH_OK);
    again = clh_run_config_json(&back, NULL);
    assert_string_equal(text, again);
    clh_free(text);
    clh_free(again);
}

static void none_needs_to_know_the_model(void **state)
{
    (void)state;
    clh_run_config config;
    clh_error err = {0};
    assert_int_equal(resolve(&config, (const char *const[]){"task=none", "n_ctx=9", NULL}, &err),
                     CLH_ECONFIG);
    assert_string_equal(err.message, "task is none, want n_ctx and d_vocab given");
    assert_int_equal(
        resolve(&config,
                (const char *const[]){"task=none", "n_ctx=9", "d_vocab=11", "first_scored=0", NULL},
                &err),
        CLH_ERANGE);
}

static void what_needs_a_task_has_no_effect(void **state)
{
    (void)state;
    clh_run_config config = none_config();
    clh_run_layer asked;
    clh_run_layer_init(&asked);
    assert_int_equal(clh_run_layer_set(&asked, "n", "3", NULL), CLH_OK);
    assert_int_equal(clh_run_layer_set(&asked, "letters", "tuples", NULL), CLH_OK);
    char *notes = clh_run_config_notes(&config, &asked, NULL);
    assert_string_equal(notes, "n has no effect: the task is none\n"
                               "letters has no effect: the task is none\n");
    clh_free(notes);
}

/** A run folder `name` of the model that seed 5 draws. */
static void create(void **state, const char *name, char path[TEMP_PATH_MAX])
{
    clh_run_config config = none_config();
    clh_model *model = NULL;
    clh_error err = {0};
    assert_int_equal(clh_model_open(&model, &config.model, NULL), CLH_OK);
    clh_model_init(model, 5);
    if (clh_run_create(temp_folder_path(*state, name, path), &config, model, &err))
        fail_msg("%s", err.message);
    clh_model_close(model);
}

static void what_is_created_opens(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_run *run = NULL;
    clh_model *model = NULL;
    clh_run_config config = none_config();
    create(state, "run", path);
    assert_int_equal(clh_run_open(&run, path, NULL), CLH_OK);
    assert_null(clh_run_task(run));
    assert_int_equal(clh_run_step(run), 0);
    assert_int_equal(clh_model_open(&model, &config.model, NULL), CLH_OK);
    clh_model_init(model, 5);
    size_t count;
    const clh_real *want = clh_model_data(model, &count);
    assert_memory_equal(want, clh_model_data(clh_run_model(run), NULL), count * sizeof *want);
    clh_model_close(model);
    clh_run_close(run);
}

static void it_is_not_trained_nor_resumed(void **state)
{
    char path[TEMP_PATH_MAX], other[TEMP_PATH_MAX], weights[TEMP_PATH_MAX];
    clh_run_config config = none_config(), task;
    clh_error err = {0};
    static char before[1 << 16], after[1 << 16];
    create(state, "run", path);
    assert_int_equal(clh_train(&config, temp_folder_path(*state, "other", other), NULL, &err),
                     CLH_ECONFIG);
    assert_non_null(strstr(err.message, "task is \"none\", want one of: permutations, lines"));
    assert_false(clh_path_exists(other));
    assert_int_equal(clh_train_resume(path, 0, NULL, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "holds imported weights"));

    /* with a task too: the weights did not come from training */
    clh_model *model = NULL;
    assert_int_equal(resolve(&task,
                             (const char *const[]){"n=2", "d_model=8", "d_head=4", "steps=3", NULL},
                             &err),
                     CLH_OK);
    assert_int_equal(clh_model_open(&model, &task.model, NULL), CLH_OK);
    assert_int_equal(clh_run_create(other, &task, model, NULL), CLH_OK);
    clh_model_close(model);
    (void)temp_folder_path(*state, "other/model.safetensors", weights);
    size_t length = temp_file_get(weights, before, sizeof before);
    assert_int_equal(clh_train_resume(other, 0, NULL, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "holds imported weights"));
    assert_int_equal(temp_file_get(weights, after, sizeof after), length);
    assert_memory_equal(before, after, length);
}

typedef struct creation {
    const char *path;
    clh_run_config config; /* made while there is memory */
} creation;

static clh_status create_and_count(void *context)
{
    const creation *wanted = context;
    clh_model *model = NULL;
    clh_status status = clh_model_open(&model, &wanted->config.model, NULL);
    if (!status)
        status = clh_run_create(wanted->path, &wanted->config, model, NULL);
    clh_model_close(model);
    if (status) /* a failed one leaves nothing */
        assert_false(clh_path_exists(wanted->path));
    return status;
}

static void a_failed_creation_leaves_nothing(void **state)
{
    char path[TEMP_PATH_MAX];
    creation wanted = {.path = temp_folder_path(*state, "run", path), .config = none_config()};
    assert_true(failing_alloc_each(create_and_count, &wanted) > 10);
}

static void names_and_shapes_are_known_before_there_is_memory(void **state)
{
    (void)state;
    clh_model_config config = none_config().model;
    clh_cache *cache = NULL;
    config.n_heads = 2;
    config.use_split_qkv_input = true;
    assert_int_equal(clh_cache_open(&cache, &config, CLH_KEEP_ALL, NULL), CLH_OK);
    const size_t count = clh_cache_count(cache);
    clh_tensor *shapes = clh_alloc_array(count, sizeof *shapes, NULL);
    size_t repeats = 0;
    for (size_t i = 0; i < count; i++) {
        shapes[i] = clh_cache_describe(cache, i, 3, 7);
        assert_null(shapes[i].data);
    }
    assert_int_equal(clh_cache_reserve(cache, 3, 7, NULL), CLH_OK);
    for (size_t i = 0; i < count; i++) {
        const clh_tensor tensor = clh_cache_tensor(cache, i);
        assert_string_equal(tensor.name, shapes[i].name);
        assert_int_equal(tensor.rank, shapes[i].rank);
        assert_memory_equal(tensor.shape, shapes[i].shape, tensor.rank * sizeof *tensor.shape);
        /* a name that comes again is the one whose view is another tensor */
        bool repeats_here = clh_cache_view(cache, tensor.name).data != tensor.data;
        assert_int_equal(clh_cache_repeats(cache, i), repeats_here);
        repeats += repeats_here;
    }
    assert_int_equal(repeats, 4); /* scale and normalized, of q and of k */
    clh_free(shapes);
    clh_cache_close(cache);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_has_the_model_and_no_training),
        cmocka_unit_test(none_needs_to_know_the_model),
        cmocka_unit_test(what_needs_a_task_has_no_effect),
        IN_FOLDER(what_is_created_opens),
        IN_FOLDER(it_is_not_trained_nor_resumed),
        IN_FOLDER(a_failed_creation_leaves_nothing),
        cmocka_unit_test(names_and_shapes_are_known_before_there_is_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
