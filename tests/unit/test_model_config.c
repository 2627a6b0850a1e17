/* What may be 0 in a model's config because it follows from other fields, and then does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/bench.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/model_case.h"
#include "support/must.h"
#include "support/run_case.h"

/* As config.h opens. */
static clh_model_config example(void)
{
    clh_model_config model = clh_model_config_default();
    model.n_ctx = 122;
    model.d_vocab = 65;
    return model;
}

static clh_model_config opened(const clh_model_config *config)
{
    clh_model *model = NULL;
    clh_error err = {0};
    must(clh_model_open(&model, config, &err), &err);
    const clh_model_config c = *clh_model_get_config(model);
    clh_model_close(model);
    return c;
}

static void the_example_is_the_notebooks_model(void **state)
{
    (void)state;
    clh_error err = {0};
    const clh_model_config model = example();
    must(clh_model_config_check(&model, &err), &err);
    const clh_model_config c = opened(&model), notebook = run_case_config("n=4").model;
    assert_true(c.d_vocab_out == 65 && c.attn_scale == 8);
    model_case_same_config(&c, &notebook);
}

static void what_is_0_follows_from_what_was_changed(void **state)
{
    (void)state;
    clh_model_config model = example();
    model.d_model = 64;
    model.d_head = 25;
    model.d_vocab = 7;
    const clh_model_config c = opened(&model);
    assert_true(c.attn_scale == 5 && c.initializer_range == 0.1);
    assert_int_equal(c.d_vocab_out, 7);
    assert_int_equal(model.d_vocab_out, 0); /* the caller's is left alone */
}

static void what_is_given_stays(void **state)
{
    (void)state;
    clh_model_config model = example();
    model.attn_scale = 3;
    model.initializer_range = 0.02;
    model.d_vocab_out = 66;
    model.rotary_dim = 6;
    model.rotary_base = 300;
    const clh_model_config c = opened(&model);
    model_case_same_config(&c, &model);
}

/* Caches, their size and the tree are asked for with a config, not a model. */
static void whoever_is_given_a_config_reads_it_so(void **state)
{
    (void)state;
    const clh_model_config open = example(), full = opened(&open);
    clh_error err = {0};
    clh_cache *cache = NULL;
    char *text[2] = {NULL};
    must(clh_cache_open(&cache, &open, CLH_KEEP_ALL, &err), &err);
    const clh_tensor logits = clh_cache_describe(cache, clh_cache_count(cache) - 1, 1, open.n_ctx);
    assert_string_equal(logits.name, "logits");
    assert_int_equal(logits.shape[2], 65);
    clh_cache_close(cache);
    assert_int_equal(clh_cache_bytes(&open, CLH_KEEP_BACKWARD, 2, 9),
                     clh_cache_bytes(&full, CLH_KEEP_BACKWARD, 2, 9));
    assert_true(clh_bench_operations(&open, 4, 122) == clh_bench_operations(&full, 4, 122));
    must(clh_model_tree(&open, &text[0], &err), &err);
    must(clh_model_tree(&full, &text[1], &err), &err);
    assert_string_equal(text[0], text[1]);
    clh_free(text[0]);
    clh_free(text[1]);
}

static void what_cannot_be_is_still_refused(void **state)
{
    (void)state;
    const double bad[] = {-1, NAN, INFINITY};
    for (size_t i = 0; i < CLH_COUNT(bad); i++) {
        clh_model_config scale = example(), range = example();
        scale.attn_scale = range.initializer_range = bad[i];
        assert_int_equal(clh_model_config_check(&scale, NULL), CLH_ERANGE);
        assert_int_equal(clh_model_config_check(&range, NULL), CLH_ERANGE);
    }
    clh_model_config none = example();
    none.d_vocab = 0;
    assert_int_equal(clh_model_config_check(&none, NULL), CLH_ERANGE);
    none = example();
    none.d_model = 0;
    assert_int_equal(clh_model_config_check(&none, NULL), CLH_ERANGE);
}

static void layers_of_given_weights_hold_the_values(void **state)
{
    (void)state;
    const clh_model_config open = example(), full = opened(&open);
    clh_run_layer layer;
    clh_run_layer_model(&layer, &open);
    model_case_same_config(&layer.config.model, &full);
}

/* A run's folder says numbers, so that it means the same whatever 0 means. */
static void a_run_is_that_of_the_values(void **state)
{
    char open[TEMP_PATH_MAX], full[TEMP_PATH_MAX];
    size_t length[2];
    clh_run_config c = run_case_config("n=2 d_model=16 d_head=9 steps=3 test_sequences=2");
    run_case_train(&c, temp_folder_path(*state, "full", full));
    const size_t bytes = clh_train_bytes(&c);
    c.model.attn_scale = c.model.initializer_range = 0;
    c.model.d_vocab_out = 0;
    assert_int_equal(clh_train_bytes(&c), bytes);
    run_case_train(&c, temp_folder_path(*state, "open", open));
    run_case_assert_same(open, full);
    char *a = run_case_read(open, "config.json", &length[0]);
    char *b = run_case_read(full, "config.json", &length[1]);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_the_notebooks_model),
        cmocka_unit_test(what_is_0_follows_from_what_was_changed),
        cmocka_unit_test(what_is_given_stays),
        cmocka_unit_test(whoever_is_given_a_config_reads_it_so),
        cmocka_unit_test(what_cannot_be_is_still_refused),
        cmocka_unit_test(layers_of_given_weights_hold_the_values),
        cmocka_unit_test(a_run_is_that_of_the_values),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
