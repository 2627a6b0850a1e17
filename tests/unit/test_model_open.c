/* A model and its caches as things: what they are drawn from, how large they are, what is refused,
 * and that nothing is lost when memory runs out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 5 };

/* The notebook's model for n letters: sequences of (n + 1)! + 2 tokens. */
static clh_model_config notebook(size_t n)
{
    clh_model_config config = clh_model_config_default();
    config.n_ctx = 1;
    for (size_t i = 2; i <= n + 1; i++)
        config.n_ctx *= i;
    config.n_ctx += 2;
    config.d_vocab = config.d_vocab_out = 65;
    return config;
}

static clh_model *open_notebook(size_t n, uint64_t seed)
{
    clh_model_config config = notebook(n);
    clh_model *model = NULL;
    clh_error err = {0};
    must(clh_model_open(&model, &config, &err), &err);
    clh_model_init(model, seed);
    return model;
}

static void parameters_of_the_notebook_are_counted(void **state)
{
    (void)state;
    clh_model *model = open_notebook(4, SEED);
    const size_t d = 128, h = 64, embed = 65 * d + 122 * d, heads = 4 * d * h + 3 * h + d;
    assert_int_equal(clh_model_parameter_count(model), embed + heads + 4 * d + d * 65 + 65);
    assert_int_equal(clh_model_tensor_count(model), 2 + 8 + 4 + 2);
    clh_model_close(model);
}

static void moments(const clh_tensor *tensor, double *mean, double *deviation)
{
    size_t n = clh_tensor_count(tensor);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)tensor->data[i];
    for (size_t i = 0; i < n; i++)
        squares += pow((double)tensor->data[i] - sum / (double)n, 2);
    *mean = sum / (double)n;
    *deviation = sqrt(squares / (double)n);
}

/* Means of N draws deviate by std / sqrt(N), deviations by std / sqrt(2N): four of these allowed.
 */
static void initial_weights_are_normal_biases_0_norms_1(void **state)
{
    (void)state;
    clh_model *model = open_notebook(4, SEED);
    const double std = 0.8 / sqrt(128);
    for (size_t t = 0; t < clh_model_tensor_count(model); t++) {
        clh_tensor tensor = clh_model_tensor(model, t);
        double mean, deviation, n = (double)clh_tensor_count(&tensor);
        moments(&tensor, &mean, &deviation);
        if (strstr(tensor.name, "W_")) {
            assert_true(fabs(mean) < 4 * std / sqrt(n));
            assert_true(fabs(deviation - std) < 4 * std / sqrt(2 * n));
        } else {
            assert_true(deviation == 0 && mean == (strstr(tensor.name, ".w") ? 1 : 0));
        }
    }
    clh_model_close(model);
}

static void weights_follow_from_the_seed_alone(void **state)
{
    (void)state;
    clh_model *a = open_notebook(3, SEED), *b = open_notebook(3, SEED);
    clh_model *c = open_notebook(3, SEED + 1);
    size_t count;
    clh_real *data = clh_model_data(a, &count);
    assert_memory_equal(data, clh_model_data(b, NULL), count * sizeof *data);
    for (size_t t = 0; t < clh_model_tensor_count(a); t++) {
        clh_tensor x = clh_model_tensor(a, t), y = clh_model_tensor(c, t);
        for (size_t i = 0; strstr(x.name, "W_") && i < clh_tensor_count(&x); i++)
            assert_true(x.data[i] != y.data[i]);
        for (size_t u = 0; u < t; u++) { /* and no tensor repeats another's draws */
            clh_tensor z = clh_model_tensor(a, u);
            assert_true(!strstr(x.name, "W_") || x.data[0] != z.data[0]);
        }
    }
    clh_model_close(c);
    clh_model_close(b);
    clh_model_close(a);
}

static void tensors_are_found_by_name_and_lie_apart(void **state)
{
    (void)state;
    for (size_t c = 0; c < model_case_count(); c++) {
        clh_model *model = model_case_open(c, SEED);
        size_t count;
        const clh_real *end = clh_model_data(model, &count), *last = end + count;
        for (size_t t = 0; t < clh_model_tensor_count(model); t++) {
            clh_tensor tensor = clh_model_tensor(model, t);
            assert_ptr_equal(clh_model_view(model, tensor.name).data, tensor.data);
            assert_true(tensor.data >= end && (uintptr_t)tensor.data % 64 == 0);
            for (; end < tensor.data; end++)
                assert_true(*end == 0);
            end = tensor.data + clh_tensor_count(&tensor);
        }
        assert_true(end <= last);
        assert_null(clh_model_view(model, "no such tensor").data);
        clh_model_close(model);
    }
}

static void bad_tokens_are_named(void **state)
{
    (void)state;
    clh_model *model = open_notebook(2, SEED);
    clh_cache *cache = NULL;
    clh_error err = {0};
    uint32_t ids[30] = {0};
    must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    ids[7] = 65;
    assert_int_equal(clh_forward(model, &(clh_tokens){ids, 2, 5}, cache, NULL, &err), CLH_EINPUT);
    assert_string_equal(err.message,
                        "token 65 at sequence 1, position 2; the vocabulary has 65 (d_vocab)");
    assert_int_equal(clh_forward(model, &(clh_tokens){ids, 1, 9}, cache, NULL, &err), CLH_ESHAPE);
    assert_string_equal(err.message, "a sequence of 9 tokens, the model takes at most 8 (n_ctx)");
    assert_int_equal(clh_forward(model, &(clh_tokens){ids, 0, 5}, cache, NULL, &err), CLH_ESHAPE);
    assert_string_equal(err.message, "tokens are [0, 5], want at least [1, 1]");
    assert_int_equal(clh_forward(model, &(clh_tokens){ids, 5, 0}, cache, NULL, &err), CLH_ESHAPE);
    clh_cache_close(cache);
    clh_model_close(model);
}

static bool same_activations(const clh_cache *a, const clh_cache *b)
{
    bool same = clh_cache_count(a) == clh_cache_count(b);
    for (size_t t = 0; same && t < clh_cache_count(a); t++) {
        const clh_tensor x = clh_cache_describe(a, t, 1, 1), y = clh_cache_describe(b, t, 1, 1);
        same = strcmp(x.name, y.name) == 0 && x.rank == y.rank &&
               memcmp(x.shape, y.shape, sizeof x.shape) == 0;
    }
    return same;
}

/* A cache is good for models with the same activations in the same shapes, and for no other. */
static void a_cache_of_other_activations_is_refused(void **state)
{
    (void)state;
    const uint32_t ids[1] = {0};
    size_t good = 0, bad = 0;
    for (size_t m = 0; m < model_case_count(); m++) {
        clh_model *model = model_case_open(m, SEED);
        const clh_model_config of_model = *clh_model_get_config(model);
        clh_cache *own = NULL;
        clh_error err = {0};
        must(clh_cache_open(&own, &of_model, CLH_KEEP_ALL, &err), &err);
        for (size_t c = 0; c < 2 * model_case_count(); c++) {
            clh_model_config config = model_case_config(c / 2);
            config.d_mlp += c % 2;
            clh_cache *cache = NULL;
            must(clh_cache_open(&cache, &config, CLH_KEEP_ALL, &err), &err);
            const bool fits =
                same_activations(own, cache) && /* RMS keeps one more, without a name */
                clh_cache_bytes(&config, CLH_KEEP_ALL, 1, 1) ==
                    clh_cache_bytes(&of_model, CLH_KEEP_ALL, 1, 1);
            assert_int_equal(clh_forward(model, &(clh_tokens){ids, 1, 1}, cache, NULL, &err),
                             fits ? CLH_OK : CLH_ESHAPE);
            good += fits;
            bad += !fits;
            clh_cache_close(cache);
        }
        clh_cache_close(own);
        clh_model_close(model);
    }
    assert_true(good > 2 * model_case_count() && bad > good);
}

static void what_cannot_be_extended_is_refused(void **state)
{
    (void)state;
    clh_model *model = model_case_open(0, SEED);
    const clh_model_config *config = clh_model_get_config(model);
    clh_cache *cache = NULL;
    const uint32_t ids[10] = {0};
    clh_error err = {0};
    must(clh_cache_open(&cache, config, CLH_KEEP_BACKWARD, &err), &err);
    must(clh_cache_reserve(cache, 1, 4, &err), &err);
    assert_int_equal(clh_forward_more(model, &(clh_tokens){ids, 1, 3}, 1, cache, &err), CLH_ERANGE);
    assert_string_equal(err.message, "cannot go on at position 1 of 3: 0 are computed");
    assert_int_equal(clh_forward_more(model, &(clh_tokens){ids, 1, 5}, 0, cache, &err), CLH_ESHAPE);
    assert_string_equal(err.message, "tokens are [1, 5], the cache has room for [1, 4]");
    assert_int_equal(clh_forward_more(model, &(clh_tokens){ids, 2, 4}, 0, cache, &err), CLH_ESHAPE);
    assert_int_equal(clh_forward_more(model, &(clh_tokens){ids, 1, 4}, 4, cache, &err), CLH_ERANGE);
    must(clh_forward_more(model, &(clh_tokens){ids, 1, 4}, 0, cache, &err), &err);
    must(clh_cache_reserve(cache, 1, 4, &err), &err); /* room again, nothing computed */
    assert_int_equal(clh_forward_more(model, &(clh_tokens){ids, 1, 4}, 3, cache, &err), CLH_ERANGE);
    clh_cache_close(cache);
    clh_model_close(model);
}

static void a_model_too_large_says_so_before_it_is_made(void **state)
{
    (void)state;
    clh_model *model = NULL;
    clh_error err = {0};
    clh_model_config config = notebook(4);
    config.d_vocab = 100000000;
    config.d_model = 1000000;
    assert_int_equal(clh_model_open(&model, &config, &err), CLH_ENOMEM);
    assert_null(model);
    assert_non_null(strstr(err.message, "this model needs 400 TB"));
    config.d_head = 0;
    assert_int_equal(clh_model_open(&model, &config, &err), CLH_ERANGE);
    config = notebook(4);
    assert_true(clh_cache_bytes(&config, CLH_KEEP_ALL, SIZE_MAX / 4, 4) == SIZE_MAX);
}

/* n = 6 has 5,042 tokens: activations and their gradients have to fit in 1 GB. */
static void six_letters_train_in_less_than_a_gigabyte(void **state)
{
    (void)state;
    clh_model_config config = notebook(6);
    assert_int_equal(config.n_ctx, 5042);
    size_t lean = clh_cache_bytes(&config, CLH_KEEP_BACKWARD, 1, config.n_ctx);
    size_t full = clh_cache_bytes(&config, CLH_KEEP_ALL, 1, config.n_ctx);
    assert_true(2 * lean < (size_t)1000000000 && lean < full);
}

static clh_status use_everything(void *context)
{
    clh_model_config config = model_case_config(*(const size_t *)context);
    config.attn_scale = 2; /* jansson 2.14 overlooks a failed allocation in a number of 16 digits */
    const uint32_t ids[4] = {0, 1, 2, 3};
    const size_t length[] = {2, 2}, first[] = {1, 1};
    const clh_tokens tokens = {ids, 2, 2};
    clh_model *model = NULL;
    clh_cache *cache = NULL, *gradient = NULL;
    clh_loss_sum sum = {0};
    clh_error err = {0};
    char *tree = NULL;
    clh_status status = clh_model_open(&model, &config, &err);
    if (!status)
        status = clh_model_tree(&config, &tree, &err);
    if (!status)
        status = clh_cache_open(&cache, &config, CLH_KEEP_ALL, &err);
    if (!status)
        status = clh_cache_open(&gradient, &config, CLH_KEEP_ALL, &err);
    if (!status)
        status = clh_forward(model, &(clh_tokens){ids, 1, 2}, cache, NULL, &err);
    if (!status)
        status = clh_forward(model, &tokens, cache, NULL, &err); /* grows */
    if (!status)
        status = clh_loss(cache, &tokens, &(clh_scored){length, first}, 1, NULL, NULL, &sum, &err);
    if (!status)
        status =
            clh_loss(cache, &tokens, &(clh_scored){length, first}, 1, gradient, NULL, &sum, &err);
    if (!status)
        status = clh_backward(model, &tokens, cache, gradient, NULL, NULL, &err);
    assert_int_equal(err.status, status);
    clh_free(tree);
    clh_cache_close(gradient);
    clh_cache_close(cache);
    clh_model_close(model);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t c = 0; c < model_case_count(); c++)
        assert_true(failing_alloc_each(use_everything, &c) > 15);
}

static void a_cache_that_could_not_grow_holds_nothing_and_may_be_used_again(void **state)
{
    (void)state;
    failing_alloc alloc;
    clh_error err = {0};
    clh_cache *cache = NULL;
    clh_model_config config = model_case_config(0);
    failing_alloc_install(&alloc, 0);
    must(clh_cache_open(&cache, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_reserve(cache, 1, 2, &err), &err);
    alloc.fail_at = alloc.calls + 1;
    assert_int_equal(clh_cache_reserve(cache, 2, 5, &err), CLH_ENOMEM);
    for (size_t t = 0; t < clh_cache_count(cache); t++)
        assert_null(clh_cache_tensor(cache, t).data);
    must(clh_cache_reserve(cache, 2, 5, &err), &err);
    assert_non_null(clh_cache_tensor(cache, 0).data);
    clh_cache_close(cache);
    (void)failing_alloc_remove(&alloc);
    assert_int_equal(alloc.live, 0);
}

/* With use_hook_tokens the tokens are an activation: an edit of them is as good as other tokens. */
static clh_status count_up(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)user;
    (void)err;
    for (size_t i = 0, n = clh_tensor_count(&point->tensor); i < n; i++)
        point->tensor.data[i] += 1;
    return CLH_OK;
}

static void edited_tokens_are_other_tokens(void **state)
{
    (void)state;
    clh_model_config config = notebook(3);
    config.use_hook_tokens = true;
    clh_model *model = NULL;
    clh_cache *edited = NULL, *plain = NULL;
    clh_error err = {0};
    const uint32_t ids[] = {0, 3, 4, 5}, next[] = {1, 4, 5, 6};
    clh_hook hook = {"hook_tokens", count_up, NULL};
    must(clh_model_open(&model, &config, &err), &err);
    clh_model_init(model, SEED);
    must(clh_cache_open(&edited, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&plain, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_forward(model, &(clh_tokens){ids, 1, 4}, edited,
                     &(clh_hooks){.items = &hook, .count = 1}, &err),
         &err);
    must(clh_forward(model, &(clh_tokens){next, 1, 4}, plain, NULL, &err), &err);
    clh_tensor x = clh_cache_view(edited, "logits"), y = clh_cache_view(plain, "logits");
    assert_memory_equal(x.data, y.data, clh_tensor_count(&x) * sizeof *x.data);
    clh_cache_close(plain);
    clh_cache_close(edited);
    clh_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_of_the_notebook_are_counted),
        cmocka_unit_test(initial_weights_are_normal_biases_0_norms_1),
        cmocka_unit_test(weights_follow_from_the_seed_alone),
        cmocka_unit_test(tensors_are_found_by_name_and_lie_apart),
        cmocka_unit_test(bad_tokens_are_named),
        cmocka_unit_test(a_cache_of_other_activations_is_refused),
        cmocka_unit_test(what_cannot_be_extended_is_refused),
        cmocka_unit_test(a_model_too_large_says_so_before_it_is_made),
        cmocka_unit_test(six_letters_train_in_less_than_a_gigabyte),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(a_cache_that_could_not_grow_holds_nothing_and_may_be_used_again),
        cmocka_unit_test(edited_tokens_are_other_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
