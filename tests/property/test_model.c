/* What holds of a forward and backward pass whatever the model is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_case.h"

enum { SEED = 11, FIRED_MAX = 256 };

typedef struct bench {
    size_t index;
    clh_model_config config;
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    clh_cache *cache, *other, *gradient;
    size_t length[2], first_scored[2];
    const char *fired[FIRED_MAX];
    size_t fired_count;
} bench;

static void must(clh_status status, const clh_error *err)
{
    if (status)
        fail_msg("%s", err->message);
}

static void forward(bench *b, const uint32_t *ids, size_t batch, size_t pos, clh_cache *cache,
                    const clh_hooks *hooks)
{
    clh_error err = {0};
    must(clh_forward(b->model, &(clh_tokens){ids, batch, pos}, cache, hooks, &err), &err);
}

static int open_bench(void **state)
{
    bench *b = calloc(1, sizeof *b);
    clh_error err = {0};
    assert_non_null(b);
    b->index = ((const each_case *)*state)->index;
    const model_case *row = model_case_at(b->index);
    b->config = model_case_config(b->index);
    b->model = model_case_open(b->index, SEED);
    b->ids = model_case_tokens(b->index, SEED);
    b->tokens = (clh_tokens){b->ids, row->batch, row->pos};
    for (size_t i = 0; i < 2; i++) {
        b->length[i] = row->pos;
        b->first_scored[i] = 1;
    }
    must(clh_cache_open(&b->cache, &b->config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->other, &b->config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->gradient, &b->config, CLH_KEEP_ALL, &err), &err);
    forward(b, b->ids, row->batch, row->pos, b->cache, NULL);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_cache_close(b->gradient);
    clh_cache_close(b->other);
    clh_cache_close(b->cache);
    clh_free(b->ids);
    clh_model_close(b->model);
    free(b);
    return 0;
}

/* Logits [pos] of sequence i in `a` and j in `b` agree to the bit up to position `end`. */
static void same_logits(const clh_cache *a, size_t i, const clh_cache *b, size_t j, size_t end)
{
    clh_tensor x = clh_cache_view(a, "logits"), y = clh_cache_view(b, "logits");
    size_t width = x.shape[2];
    assert_int_equal(width, y.shape[2]);
    assert_memory_equal(x.data + i * x.shape[1] * width, y.data + j * y.shape[1] * width,
                        end * width * sizeof *x.data);
}

static void a_later_token_changes_no_earlier_logit(void **state)
{
    bench *b = *state;
    const size_t pos = b->tokens.pos;
    for (size_t at = 0; at < pos; at++) {
        uint32_t *id = &b->ids[at], old = *id;
        *id = (old + 1) % 6; /* below every vocabulary of the cases */
        forward(b, b->ids, b->tokens.batch, pos, b->other, NULL);
        *id = old;
        same_logits(b->cache, 0, b->other, 0, at);
        clh_tensor x = clh_cache_view(b->cache, "logits"), y = clh_cache_view(b->other, "logits");
        assert_memory_not_equal(x.data + at * x.shape[2], y.data + at * y.shape[2],
                                x.shape[2] * sizeof *x.data);
    }
}

static void pattern_rows_sum_to_1_and_look_back_only(void **state)
{
    bench *b = *state;
    size_t rows = 0;
    for (size_t t = 0; t < clh_cache_count(b->cache); t++) {
        clh_tensor p = clh_cache_tensor(b->cache, t);
        if (!strstr(p.name, "hook_pattern"))
            continue;
        size_t pos = p.shape[3], all = clh_tensor_count(&p) / pos;
        for (size_t r = 0; r < all; r++, rows++) {
            double sum = 0;
            for (size_t j = 0; j < pos; j++) {
                double weight = (double)p.data[r * pos + j];
                assert_true(weight >= 0 && (j <= r % pos || weight == 0));
                sum += weight;
            }
            assert_true(fabs(sum - 1) < 1e-6);
        }
    }
    assert_int_equal(rows,
                     b->config.n_layers * b->config.n_heads * b->tokens.batch * b->tokens.pos);
}

static void the_order_of_a_batch_does_not_matter(void **state)
{
    bench *b = *state;
    const size_t pos = b->tokens.pos;
    if (b->tokens.batch == 1) {
        uint32_t *twice = clh_alloc_array(2 * pos, sizeof *twice, NULL);
        assert_non_null(twice);
        for (size_t i = 0; i < 2 * pos; i++)
            twice[i] = b->ids[i % pos];
        forward(b, twice, 2, pos, b->other, NULL);
        same_logits(b->cache, 0, b->other, 1, pos);
        clh_free(twice);
        return;
    }
    uint32_t *turned = clh_alloc_array(2 * pos, sizeof *turned, NULL);
    assert_non_null(turned);
    memcpy(turned, b->ids + pos, pos * sizeof *turned);
    memcpy(turned + pos, b->ids, pos * sizeof *turned);
    forward(b, turned, 2, pos, b->other, NULL);
    same_logits(b->cache, 0, b->other, 1, pos);
    same_logits(b->cache, 1, b->other, 0, pos);
    forward(b, turned, 1, pos, b->other, NULL); /* and alone */
    same_logits(b->cache, 1, b->other, 0, pos);
    clh_free(turned);
}

static void padding_changes_no_bit_of_what_it_follows(void **state)
{
    bench *b = *state;
    const size_t pos = b->tokens.pos, padded = b->config.n_ctx;
    uint32_t *ids = clh_alloc_zeroed(padded, sizeof *ids, NULL);
    assert_non_null(ids);
    memcpy(ids, b->ids, pos * sizeof *ids);
    forward(b, ids, 1, padded, b->other, NULL);
    same_logits(b->cache, 0, b->other, 0, pos);
    clh_free(ids);
}

static void lean_memory_gives_the_same_logits(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    clh_cache *lean = NULL;
    must(clh_cache_open(&lean, &b->config, CLH_KEEP_BACKWARD, &err), &err);
    forward(b, b->ids, b->tokens.batch, b->tokens.pos, lean, NULL);
    for (size_t i = 0; i < b->tokens.batch; i++)
        same_logits(b->cache, i, lean, i, b->tokens.pos);
    clh_cache_close(lean);
}

/* Reads everything, changes nothing, writes down the names. */
static clh_status look(const clh_hook_point *point, void *user, clh_error *err)
{
    bench *b = user;
    (void)err;
    assert_true(b->fired_count < FIRED_MAX);
    b->fired[b->fired_count++] = point->tensor.name;
    return CLH_OK;
}

static void a_hook_that_changes_nothing_changes_no_bit(void **state)
{
    bench *b = *state;
    clh_hook hook = {"*", look, b};
    forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->other, &(clh_hooks){&hook, 1});
    for (size_t t = 0; t < clh_cache_count(b->cache); t++) {
        clh_tensor x = clh_cache_tensor(b->cache, t), y = clh_cache_tensor(b->other, t);
        assert_memory_equal(x.data, y.data, clh_tensor_count(&x) * sizeof *x.data);
    }
}

static void a_hook_sees_every_activation_once_in_order(void **state)
{
    bench *b = *state;
    clh_hook hook = {"*", look, b};
    forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->other, &(clh_hooks){&hook, 1});
    assert_int_equal(b->fired_count, clh_cache_count(b->other));
    for (size_t t = 0; t < b->fired_count; t++)
        assert_string_equal(b->fired[t], clh_cache_tensor(b->other, t).name);
}

/* A gradient hook compares what it is shown with what the cache holds at the end of another pass:
 * it is shown finished gradients, the last activation's first. */
typedef struct watch {
    const clh_cache *finished;
    size_t left;
} watch;

static clh_status compare_gradient(const clh_hook_point *point, void *user, clh_error *err)
{
    watch *w = user;
    (void)err;
    assert_int_equal(point->gradient, 1);
    assert_true(w->left > 0);
    clh_tensor want = clh_cache_tensor(w->finished, --w->left);
    assert_string_equal(point->tensor.name, want.name);
    assert_memory_equal(point->tensor.data, want.data, clh_tensor_count(&want) * sizeof *want.data);
    return CLH_OK;
}

static void backward(bench *b, clh_cache *gradient, clh_real *parameters, const clh_hooks *hooks)
{
    clh_error err = {0};
    clh_loss_sum sum = {0};
    clh_scored scored = {b->length, b->first_scored};
    must(clh_loss(b->cache, &b->tokens, &scored, 1, gradient, NULL, &sum, &err), &err);
    must(clh_backward(b->model, &b->tokens, b->cache, gradient, parameters, hooks, &err), &err);
}

static void a_gradient_hook_sees_finished_gradients_in_reverse(void **state)
{
    bench *b = *state;
    backward(b, b->gradient, NULL, NULL);
    watch w = {b->gradient, clh_cache_count(b->gradient)};
    clh_hook hook = {"*", compare_gradient, &w};
    clh_error err = {0};
    clh_cache *again = NULL;
    must(clh_cache_open(&again, &b->config, CLH_KEEP_ALL, &err), &err);
    backward(b, again, NULL, &(clh_hooks){&hook, 1});
    assert_int_equal(w.left, 0);
    clh_cache_close(again);
}

static void gradients_of_parameters_are_added(void **state)
{
    bench *b = *state;
    size_t count;
    (void)clh_model_data(b->model, &count);
    clh_real *once = clh_alloc_zeroed(count, sizeof *once, NULL);
    clh_real *more = clh_alloc_zeroed(count, sizeof *more, NULL);
    assert_true(once && more);
    backward(b, b->gradient, once, NULL);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        clh_tensor tensor = clh_model_tensor_in(b->model, t, more);
        for (size_t i = 0, n = clh_tensor_count(&tensor); i < n; i++)
            tensor.data[i] = 1000;
    }
    backward(b, b->gradient, more, NULL);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        clh_tensor x = clh_model_tensor_in(b->model, t, once);
        clh_tensor y = clh_model_tensor_in(b->model, t, more);
        for (size_t i = 0, n = clh_tensor_count(&x); i < n; i++)
            assert_true(fabs((double)(y.data[i] - 1000 - x.data[i])) < 2e-3);
    }
    clh_free(more);
    clh_free(once);
}

static clh_status fail_here(const clh_hook_point *point, void *user, clh_error *err)
{
    ++*(size_t *)user;
    return clh_fail(err, CLH_STOPPED, "stopped at %s", point->tensor.name);
}

static void a_failing_hook_ends_the_pass_with_its_error(void **state)
{
    bench *b = *state;
    size_t calls = 0;
    clh_error err = {0};
    clh_hook hook = {"*resid_pre", fail_here, &calls};
    assert_int_equal(clh_forward(b->model, &b->tokens, b->other, &(clh_hooks){&hook, 1}, &err),
                     CLH_STOPPED);
    assert_string_equal(err.message, "stopped at blocks.0.hook_resid_pre");
    assert_int_equal(calls, 1);
}

static const each_truth truths[] = {
    {"a later token changes no earlier logit", a_later_token_changes_no_earlier_logit},
    {"pattern rows sum to 1 and look back only", pattern_rows_sum_to_1_and_look_back_only},
    {"the order of a batch does not matter", the_order_of_a_batch_does_not_matter},
    {"padding changes no bit of what it follows", padding_changes_no_bit_of_what_it_follows},
    {"lean memory gives the same logits", lean_memory_gives_the_same_logits},
    {"a hook that changes nothing changes no bit", a_hook_that_changes_nothing_changes_no_bit},
    {"a hook sees every activation once, in order", a_hook_sees_every_activation_once_in_order},
    {"a gradient hook sees finished gradients in reverse",
     a_gradient_hook_sees_finished_gradients_in_reverse},
    {"gradients of parameters are added", gradients_of_parameters_are_added},
    {"a failing hook ends the pass with its error", a_failing_hook_ends_the_pass_with_its_error},
};

int main(void)
{
    return each_case_run("model", truths, CLH_COUNT(truths), model_case_names(), model_case_count(),
                         open_bench, close_bench);
}
