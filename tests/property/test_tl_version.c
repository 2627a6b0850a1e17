/* Where hook_normalized of LN lies changes what it shows and what an edit there does, and nothing else. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "math/kernels/kernels.h"
#include "model/memory/tensors.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_bench.h"
#include "support/must.h"

/* The same model under the other convention. */
static model_bench open_other(const model_bench *b)
{
    model_bench other = *b;
    clh_error err = {0};
    other.config.tl_version = b->config.tl_version == CLH_TL_3_0 ? CLH_TL_2_4 : CLH_TL_3_0;
    other.model = NULL;
    other.cache = other.other = other.gradient = NULL;
    must(clh_model_open(&other.model, &other.config, &err), &err);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        const clh_tensor from = clh_model_tensor(b->model, t),
                         to = clh_model_tensor(other.model, t);
        assert_string_equal(from.name, to.name);
        memcpy(to.data, from.data, clh_tensor_count(&from) * sizeof *from.data);
    }
    must(clh_cache_open(&other.cache, &other.config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&other.gradient, &other.config, CLH_KEEP_ALL, &err), &err);
    return other;
}

static void close_other(model_bench *other)
{
    clh_cache_close(other->gradient);
    clh_cache_close(other->cache);
    clh_model_close(other->model);
}

static bool is_normalized(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && strcmp(dot, ".hook_normalized") == 0;
}

/* Whether the norm of that hook is LN: not what final_rms makes of the last. */
static bool is_ln(const clh_model_config *c, const char *name)
{
    return c->normalization_type == CLH_NORM_LN &&
           !(c->final_rms && strncmp(name, "ln_final", strlen("ln_final")) == 0);
}

static clh_tensor beside(const clh_model *model, const char *hook, const char *parameter)
{
    char name[CLH_ROW_NAME_MAX];
    const size_t length = (size_t)(strrchr(hook, '.') - hook);
    (void)snprintf(name, sizeof name, "%.*s.%s", (int)length, hook, parameter);
    const clh_tensor tensor = clh_model_view(model, name);
    assert_non_null(tensor.data);
    return tensor;
}

/* What lies before w and b, with them, is what lies behind, to the bit. */
static void hold_both(const model_bench *b, const clh_tensor *before, const clh_tensor *behind)
{
    const clh_tensor w = beside(b->model, before->name, "w"),
                     bias = beside(b->model, before->name, "b");
    const size_t width = clh_tensor_count(&w);
    clh_real out[64];
    assert_true(width <= CLH_COUNT(out));
    for (size_t at = 0; at < clh_tensor_count(before); at += width) {
        clh_kernels_best()->normalize(width, before->data + at, 0, 1, w.data, bias.data, out);
        assert_memory_equal(out, behind->data + at, width * sizeof *out);
    }
}

static void only_hook_normalized_shows_another_number(void **state)
{
    model_bench *b = *state;
    model_bench other = open_other(b);
    const bool today = b->config.tl_version == CLH_TL_3_0;
    model_bench_forward(&other, b->ids, b->tokens.batch, b->tokens.pos, other.cache, NULL);
    size_t moved = 0;
    for (size_t t = 0; t < clh_cache_count(b->cache); t++) {
        const clh_tensor x = clh_cache_tensor(b->cache, t);
        if (clh_cache_view(b->cache, x.name).data != x.data)
            continue; /* of a name that repeats the last is looked at */
        const clh_tensor y = clh_cache_view(other.cache, x.name);
        const size_t count = clh_tensor_count(&x);
        assert_int_equal(count, clh_tensor_count(&y));
        if (is_normalized(x.name) && is_ln(&b->config, x.name)) {
            hold_both(b, today ? &x : &y, today ? &y : &x);
            moved++;
        } else {
            assert_memory_equal(x.data, y.data, count * sizeof *x.data);
        }
    }
    assert_int_equal(moved > 0, b->config.normalization_type == CLH_NORM_LN);
    close_other(&other);
}

static void gradients_of_parameters_are_the_same_bits(void **state)
{
    model_bench *b = *state;
    model_bench other = open_other(b);
    size_t count;
    (void)clh_model_data(b->model, &count);
    clh_real *here = clh_alloc_zeroed(count, sizeof *here, NULL);
    clh_real *there = clh_alloc_zeroed(count, sizeof *there, NULL);
    assert_true(here && there);
    model_bench_backward(b, b->gradient, here, NULL);
    model_bench_forward(&other, b->ids, b->tokens.batch, b->tokens.pos, other.cache, NULL);
    model_bench_backward(&other, other.gradient, there, NULL);
    assert_memory_equal(here, there, count * sizeof *here);
    clh_free(there);
    clh_free(here);
    close_other(&other);
}

static clh_status set_to_zero(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)user;
    (void)err;
    memset(point->tensor.data, 0, clh_tensor_count(&point->tensor) * sizeof *point->tensor.data);
    return CLH_OK;
}

/* In front of the unembedding: nothing is left, or b. */
static void an_edit_goes_through_w_and_b_or_not(void **state)
{
    model_bench *b = *state;
    if (b->config.normalization_type != CLH_NORM_LN || b->config.final_rms)
        return;
    const bool today = b->config.tl_version == CLH_TL_3_0;
    clh_hook hook = {"ln_final.hook_normalized", set_to_zero, NULL};
    model_bench_forward(b, b->ids, b->tokens.batch, b->tokens.pos, b->other,
                        &(clh_hooks){.items = &hook, .count = 1});
    const clh_tensor logits = clh_cache_view(b->other, "logits");
    const clh_tensor W = clh_model_view(b->model, "unembed.W_U"),
                     bias = clh_model_view(b->model, "unembed.b_U");
    const clh_tensor shift = clh_model_view(b->model, "ln_final.b");
    for (size_t i = 0; i < clh_tensor_count(&logits); i++) {
        const size_t token = i % W.shape[1];
        double want = bias.data[token];
        for (size_t k = 0; today && k < W.shape[0]; k++)
            want += (double)shift.data[k] * (double)W.data[k * W.shape[1] + token];
        assert_true(want - (double)logits.data[i] < 1e-5 && want - (double)logits.data[i] > -1e-5);
    }
}

int main(void)
{
    static const each_truth truths[] = {
        {"only hook_normalized shows another number", only_hook_normalized_shows_another_number},
        {"gradients of parameters are the same bits", gradients_of_parameters_are_the_same_bits},
        {"an edit goes through w and b, or not", an_edit_goes_through_w_and_b_or_not},
    };
    return each_case_run("tl_version", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_count(), model_bench_open, model_bench_close);
}
