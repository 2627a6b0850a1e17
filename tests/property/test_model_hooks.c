/* What holds of hooks whatever the model is. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_bench.h"

enum { FIRED_MAX = 256 };

/* Reads everything, changes nothing, writes down the names. */
typedef struct names {
    const char *fired[FIRED_MAX];
    size_t count;
} names;

static clh_status look(const clh_hook_point *point, void *user, clh_error *err)
{
    names *n = user;
    (void)err;
    assert_true(n->count < FIRED_MAX);
    n->fired[n->count++] = point->tensor.name;
    return CLH_OK;
}

static void a_hook_that_changes_nothing_changes_no_bit(void **state)
{
    model_bench *b = *state;
    names n = {0};
    clh_hook hook = {"*", look, &n};
    model_bench_forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->other,
                        &(clh_hooks){.items = &hook, .count = 1});
    for (size_t t = 0; t < clh_cache_count(b->cache); t++) {
        clh_tensor x = clh_cache_tensor(b->cache, t), y = clh_cache_tensor(b->other, t);
        assert_memory_equal(x.data, y.data, clh_tensor_count(&x) * sizeof *x.data);
    }
}

static void a_hook_sees_every_activation_once_in_order(void **state)
{
    model_bench *b = *state;
    names n = {0};
    clh_hook hook = {"*", look, &n};
    model_bench_forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->other,
                        &(clh_hooks){.items = &hook, .count = 1});
    assert_int_equal(n.count, clh_cache_count(b->other));
    for (size_t t = 0; t < n.count; t++)
        assert_string_equal(n.fired[t], clh_cache_tensor(b->other, t).name);
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

static void a_gradient_hook_sees_finished_gradients_in_reverse(void **state)
{
    model_bench *b = *state;
    model_bench_backward(b, b->gradient, NULL, NULL);
    watch w = {b->gradient, clh_cache_count(b->gradient)};
    clh_hook hook = {"*", compare_gradient, &w};
    model_bench_backward(b, b->other, NULL, &(clh_hooks){.items = &hook, .count = 1});
    assert_int_equal(w.left, 0);
}

static clh_status fail_here(const clh_hook_point *point, void *user, clh_error *err)
{
    ++*(size_t *)user;
    return clh_fail(err, CLH_STOPPED, "stopped at %s", point->tensor.name);
}

static void a_failing_hook_ends_the_pass_with_its_error(void **state)
{
    model_bench *b = *state;
    size_t calls = 0;
    clh_error err = {0};
    const bool blocks = b->config.n_layers > 0;
    clh_hook hook = {blocks ? "*resid_pre" : "hook_embed", fail_here, &calls};
    assert_int_equal(
        clh_forward(b->model, &b->tokens, b->other, &(clh_hooks){.items = &hook, .count = 1}, &err),
        CLH_STOPPED);
    assert_string_equal(err.message,
                        blocks ? "stopped at blocks.0.hook_resid_pre" : "stopped at hook_embed");
    assert_int_equal(calls, 1);
}

/* Puts NaN where it is told to. */
static clh_status spoil(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)err;
    if (point->tensor.data == user)
        point->tensor.data[0] = (clh_real)NAN;
    return CLH_OK;
}

/* Nothing on the way may turn it into a good-looking number. */
static void what_is_not_a_number_reaches_the_logits(void **state)
{
    model_bench *b = *state;
    model_bench_forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->other, NULL);
    clh_tensor logits = clh_cache_view(b->other, "logits");
    for (size_t t = 0; t < clh_cache_count(b->other); t++) {
        clh_tensor tensor = clh_cache_tensor(b->other, t);
        bool unread = b->config.use_split_qkv_input && strstr(tensor.name, "hook_attn_in");
        if (unread || strcmp(tensor.name, "hook_tokens") == 0)
            continue; /* a token is an id: another is taken for it */
        clh_hook hook = {"*", spoil, tensor.data};
        model_bench_forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->other,
                            &(clh_hooks){.items = &hook, .count = 1});
        bool reached = false;
        for (size_t v = 0; v < logits.shape[2]; v++)
            reached = reached || isnan(logits.data[v]);
        if (!reached)
            fail_msg("NaN in %s is not seen in the logits", tensor.name);
    }
}

static void what_a_hook_ended_cannot_be_extended(void **state)
{
    model_bench *b = *state;
    size_t calls = 0;
    const clh_tokens one = {b->ids, 1, b->tokens.pos};
    clh_hook hook = {"hook_embed", fail_here, &calls};
    model_bench_forward(b, b->ids, 1, one.pos, b->other, NULL);
    const bool causal = b->config.attention_dir == CLH_ATTENTION_CAUSAL;
    assert_int_equal(clh_forward_more(b->model, &one, causal ? one.pos - 1 : 0, b->other, NULL),
                     CLH_OK);
    assert_int_equal(
        clh_forward(b->model, &one, b->other, &(clh_hooks){.items = &hook, .count = 1}, NULL),
        CLH_STOPPED);
    if (one.pos > 1)
        assert_int_equal(clh_forward_more(b->model, &one, one.pos - 1, b->other, NULL),
                         causal ? CLH_ERANGE : CLH_ESUPPORT);
}

static const each_truth truths[] = {
    {"a hook that changes nothing changes no bit", a_hook_that_changes_nothing_changes_no_bit},
    {"a hook sees every activation once, in order", a_hook_sees_every_activation_once_in_order},
    {"a gradient hook sees finished gradients in reverse",
     a_gradient_hook_sees_finished_gradients_in_reverse},
    {"a failing hook ends the pass with its error", a_failing_hook_ends_the_pass_with_its_error},
    {"what a hook ended cannot be extended", what_a_hook_ended_cannot_be_extended},
    {"what is not a number reaches the logits", what_is_not_a_number_reaches_the_logits},
};

int main(void)
{
    return each_case_run("hooks", truths, CLH_COUNT(truths), model_case_names(), model_case_count(),
                         model_bench_open, model_bench_close);
}
