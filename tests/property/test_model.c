/* What holds of a pass whatever the model is: what depends on what, to the bit. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_bench.h"

/* Logits [pos] of sequence i in `a` and j in `b` agree to the bit up to position `end`. */
static void same_logits(const clh_cache *a, size_t i, const clh_cache *b, size_t j, size_t end)
{
    clh_tensor x = clh_cache_view(a, "logits"), y = clh_cache_view(b, "logits");
    size_t width = x.shape[2];
    assert_int_equal(width, y.shape[2]);
    assert_memory_equal(x.data + i * x.shape[1] * width, y.data + j * y.shape[1] * width,
                        end * width * sizeof *x.data);
}

static bool is_causal(const model_bench *b)
{
    return b->config.attention_dir == CLH_ATTENTION_CAUSAL;
}

/* Of a causal model; in another the first logits change too, with one of the tokens at least. */
static void a_later_token_changes_no_earlier_logit(void **state)
{
    model_bench *b = *state;
    const size_t pos = b->tokens.pos;
    bool first_changed = false;
    for (size_t at = 0; at < pos; at++) {
        uint32_t *id = &b->ids[at], old = *id;
        *id = (old + 1) % 6; /* below every vocabulary of the cases */
        model_bench_forward(b, b->ids, b->tokens.batch, pos, b->other, NULL);
        *id = old;
        if (is_causal(b))
            same_logits(b->cache, 0, b->other, 0, at);
        clh_tensor x = clh_cache_view(b->cache, "logits"), y = clh_cache_view(b->other, "logits");
        first_changed =
            first_changed || (at > 0 && memcmp(x.data, y.data, x.shape[2] * sizeof *x.data) != 0);
        assert_memory_not_equal(x.data + at * x.shape[2], y.data + at * y.shape[2],
                                x.shape[2] * sizeof *x.data);
    }
    assert_int_equal(first_changed, !is_causal(b));
}

/* Look back only where the model is causal; else at every key. */
static void pattern_rows_sum_to_1_and_look_back_only(void **state)
{
    model_bench *b = *state;
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
                const bool seen = !is_causal(b) || j <= r % pos;
                assert_true(seen ? weight > 0 : weight == 0);
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
    model_bench *b = *state;
    const size_t pos = b->tokens.pos;
    if (b->tokens.batch == 1) {
        uint32_t *twice = clh_alloc_array(2 * pos, sizeof *twice, NULL);
        assert_non_null(twice);
        for (size_t i = 0; i < 2 * pos; i++)
            twice[i] = b->ids[i % pos];
        model_bench_forward(b, twice, 2, pos, b->other, NULL);
        same_logits(b->cache, 0, b->other, 1, pos);
        clh_free(twice);
        return;
    }
    uint32_t *turned = clh_alloc_array(2 * pos, sizeof *turned, NULL);
    assert_non_null(turned);
    memcpy(turned, b->ids + pos, pos * sizeof *turned);
    memcpy(turned + pos, b->ids, pos * sizeof *turned);
    model_bench_forward(b, turned, 2, pos, b->other, NULL);
    same_logits(b->cache, 0, b->other, 1, pos);
    same_logits(b->cache, 1, b->other, 0, pos);
    model_bench_forward(b, turned, 1, pos, b->other, NULL); /* and alone */
    same_logits(b->cache, 1, b->other, 0, pos);
    clh_free(turned);
}

/* Where padding is not seen; where it is, it does change what it follows. */
static void padding_changes_no_bit_of_what_it_follows(void **state)
{
    model_bench *b = *state;
    const size_t pos = b->tokens.pos, padded = b->config.n_ctx;
    uint32_t *ids = clh_alloc_zeroed(padded, sizeof *ids, NULL);
    assert_non_null(ids);
    memcpy(ids, b->ids, pos * sizeof *ids);
    model_bench_forward(b, ids, 1, padded, b->other, NULL);
    if (is_causal(b)) {
        same_logits(b->cache, 0, b->other, 0, pos);
    } else {
        clh_tensor x = clh_cache_view(b->cache, "logits"), y = clh_cache_view(b->other, "logits");
        assert_memory_not_equal(x.data, y.data, x.shape[2] * sizeof *x.data);
    }
    clh_free(ids);
}

static void lean_memory_gives_the_same_logits(void **state)
{
    model_bench *b = *state;
    clh_cache *lean = NULL;
    assert_int_equal(clh_cache_open(&lean, &b->config, CLH_KEEP_BACKWARD, NULL), CLH_OK);
    model_bench_forward(b, b->ids, b->tokens.batch, b->tokens.pos, lean, NULL);
    for (size_t i = 0; i < b->tokens.batch; i++)
        same_logits(b->cache, i, lean, i, b->tokens.pos);
    clh_cache_close(lean);
}

static void gradients_of_parameters_are_added(void **state)
{
    model_bench *b = *state;
    size_t count;
    (void)clh_model_data(b->model, &count);
    clh_real *once = clh_alloc_zeroed(count, sizeof *once, NULL);
    clh_real *more = clh_alloc_zeroed(count, sizeof *more, NULL);
    assert_true(once && more);
    model_bench_backward(b, b->gradient, once, NULL);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        clh_tensor tensor = clh_model_tensor_in(b->model, t, more);
        for (size_t i = 0, n = clh_tensor_count(&tensor); i < n; i++)
            tensor.data[i] = 1000;
    }
    model_bench_backward(b, b->gradient, more, NULL);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        clh_tensor x = clh_model_tensor_in(b->model, t, once);
        clh_tensor y = clh_model_tensor_in(b->model, t, more);
        for (size_t i = 0, n = clh_tensor_count(&x); i < n; i++)
            assert_true(fabs((double)(y.data[i] - 1000 - x.data[i])) < 2e-3);
    }
    clh_free(more);
    clh_free(once);
}

static const each_truth truths[] = {
    {"a later token changes no earlier logit", a_later_token_changes_no_earlier_logit},
    {"pattern rows sum to 1 and look back only", pattern_rows_sum_to_1_and_look_back_only},
    {"the order of a batch does not matter", the_order_of_a_batch_does_not_matter},
    {"padding changes no bit of what it follows", padding_changes_no_bit_of_what_it_follows},
    {"lean memory gives the same logits", lean_memory_gives_the_same_logits},
    {"gradients of parameters are added", gradients_of_parameters_are_added},
};

int main(void)
{
    return each_case_run("model", truths, CLH_COUNT(truths), model_case_names(), model_case_count(),
                         model_bench_open, model_bench_close);
}
