/* Gradients of every kind of metric with respect to every activation, against the definition of a
 * derivative: in the double build every hook point is edited in flight, a little to either side.
 *
 * With h = 1e-5 central differences are within 1e-10 of the slope of a scalar of order 1; gradients
 * are held to 1e-6 of their tensor's largest, but at least of 1e-4 of the largest of all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/box.h"
#include "clearhead/metric.h"
#include "support/cmocka_all.h"
#include "support/difference.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

static const double step = 1e-5, tolerance = 1e-6, floor_share = 1e-4;

enum { SEED = 17, SAMPLES = 6, STREAM_SAMPLE = 203 };

typedef struct bench {
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    clh_cache *cache, *gradient, *other;
} bench;

static int open_bench(void **state)
{
    const size_t index = ((const each_case *)*state)->index;
    const clh_model_config config = model_case_config(index);
    static bench b;
    clh_error err = {0};
    b.model = model_case_open(index, SEED);
    b.ids = model_case_tokens(index, SEED);
    b.tokens = (clh_tokens){b.ids, model_case_at(index)->batch, model_case_at(index)->pos};
    b.cache = b.gradient = b.other = NULL;
    must(clh_cache_open(&b.cache, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b.gradient, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b.other, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_forward(b.model, &b.tokens, b.cache, NULL, &err), &err);
    must(clh_forward(b.model, &b.tokens, b.other, NULL, &err), &err);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_cache_close(b->other);
    clh_cache_close(b->gradient);
    clh_cache_close(b->cache);
    clh_free(b->ids);
    clh_model_close(b->model);
    return 0;
}

/* A scalar of a filled cache. */
typedef double scalar_fn(const bench *b, const clh_cache *cache, const void *what);

static double metric_of(const bench *b, const clh_cache *cache, const void *what)
{
    clh_error err = {0};
    double value = NAN;
    must(clh_metric_value(what, cache, &b->tokens, &value, NULL, &err), &err);
    return value;
}

static double moved(const bench *b, const clh_tensor *value, size_t entry, double by, scalar_fn *fn,
                    const void *what)
{
    difference_forward(b->model, &b->tokens, b->other, value, entry, by);
    return fn(b, b->other, what);
}

/* Every activation's gradient is the slope of the scalar, at some entries and the largest. */
static void is_the_slope(const bench *b, scalar_fn *fn, const void *what, size_t samples,
                         const char *name)
{
    const size_t activations = clh_cache_count(b->gradient);
    double of_all = 0;
    for (size_t t = 0; t < activations; t++) {
        const clh_tensor g = clh_cache_tensor(b->gradient, t);
        of_all = fmax(of_all, tensor_largest(&g));
    }
    assert_true(of_all > 0 && isfinite(of_all));
    for (size_t t = 0; t < activations; t++) {
        const clh_tensor g = clh_cache_tensor(b->gradient, t), x = clh_cache_tensor(b->other, t);
        const size_t count = clh_tensor_count(&g);
        if (count == 0)
            fail_msg("%s has no number", g.name);
        const double scale = fmax(tensor_largest(&g), floor_share * of_all);
        for (size_t k = 0; k <= samples; k++) {
            size_t i = clh_random_word(SEED, STREAM_SAMPLE, k) % count;
            for (size_t j = 0; k == samples && j < count; j++)
                i = fabs((double)g.data[j]) > fabs((double)g.data[i]) ? j : i;
            const double slope =
                (moved(b, &x, i, step, fn, what) - moved(b, &x, i, -step, fn, what)) / (2 * step);
            if (!(fabs((double)g.data[i] - slope) <= tolerance * scale))
                fail_msg("%s: gradient of %s[%zu] is %.12g, by differences %.12g", name, g.name, i,
                         (double)g.data[i], slope);
        }
    }
}

static void poison(const bench *b)
{
    clh_error err = {0};
    must(clh_cache_reserve(b->gradient, b->tokens.batch, b->tokens.pos, &err), &err);
    cache_poison(b->gradient, clh_cache_count(b->gradient));
}

static void every_metric_has_the_gradient_of_differences(void **state)
{
    const bench *b = *state;
    const size_t pos = b->tokens.pos;
    for (int kind = 0; kind < CLH_METRIC_KINDS; kind++) {
        const clh_metric metric = {.kind = (clh_metric_kind)kind,
                                   .first_scored = pos > 2 ? 2 : 1,
                                   .position = pos > 1 ? pos - 2 : 0,
                                   .token = 4,
                                   .against = 1};
        clh_error err = {0};
        double value = NAN;
        poison(b);
        if (kind == CLH_METRIC_LOSS && pos == 1) { /* nothing is predicted that is there */
            assert_int_equal(clh_metric_gradient(&metric, b->model, &b->tokens, b->cache,
                                                 b->gradient, NULL, &value, NULL, &err),
                             CLH_ERANGE);
            continue;
        }
        must(clh_metric_gradient(&metric, b->model, &b->tokens, b->cache, b->gradient, NULL, &value,
                                 NULL, &err),
             &err);
        assert_true(value == metric_of(b, b->cache, &metric));
        is_the_slope(b, metric_of, &metric, SAMPLES, clh_metric_name(metric.kind));
    }
}

/* ---- A scalar of an inner activation: sum of c_i pattern_i of layer 0 ---------------------------
 */

static const char inner[] = "blocks.0.attn.hook_pattern";

static double weight_of(size_t i)
{
    return (double)(i * 7 % 5) - 1.5;
}

static double inner_sum(const bench *b, const clh_cache *cache, const void *what)
{
    const clh_tensor x = clh_cache_view(cache, inner);
    double sum = 0;
    (void)b, (void)what;
    for (size_t i = 0; i < clh_tensor_count(&x); i++)
        sum += weight_of(i) * (double)x.data[i];
    return sum;
}

static clh_status add_slope(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)user, (void)err;
    for (size_t i = 0; i < clh_tensor_count(&point->tensor); i++)
        point->tensor.data[i] += (clh_real)weight_of(i);
    return CLH_OK;
}

static void a_scalar_of_inner_activations_too(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    poison(b);
    const clh_tensor logits = clh_cache_view(b->gradient, "logits");
    memset(logits.data, 0, clh_tensor_count(&logits) * sizeof *logits.data);
    const clh_hook hook = {inner, add_slope, NULL};
    must(clh_backward(b->model, &b->tokens, b->cache, b->gradient, NULL,
                      &(clh_hooks){.items = &hook, .count = 1}, &err),
         &err);
    is_the_slope(b, inner_sum, NULL, SAMPLES, "a sum over the pattern");
}

/* ---- Boxes -------------------------------------------------------------------------------------
 */

/* One row of the last dimension, at the last query of scores and pattern: it has no -inf. */
static clh_box box_in(const bench *b, size_t activation)
{
    const clh_tensor x = clh_cache_tensor(b->cache, activation);
    clh_box box = {.activation = activation};
    for (size_t d = 0; d < x.rank; d++) {
        const bool last = d + 1 == x.rank;
        const size_t query = clh_cache_position_dim(b->cache, activation);
        box.begin[d] = last && d != query ? 0 : d == query ? x.shape[d] - 1 : x.shape[d] / 2;
        box.end[d] = last ? x.shape[d] : box.begin[d] + 1;
    }
    return box;
}

static double box_sum(const bench *b, const clh_cache *cache, const void *what)
{
    const clh_box *box = what;
    const clh_tensor x = clh_cache_tensor(cache, box->activation);
    double sum = 0;
    (void)b;
    for (size_t i = 0; i < clh_tensor_count(&x); i++) {
        bool in = true;
        for (size_t d = x.rank, rest = i; d-- > 0; rest /= x.shape[d])
            in = in && rest % x.shape[d] >= box->begin[d] && rest % x.shape[d] < box->end[d];
        sum += in ? (double)x.data[i] : 0;
    }
    return sum;
}

static void a_box_of_any_activation_has_the_gradient_of_differences(void **state)
{
    const bench *b = *state;
    for (size_t t = 0; t < clh_cache_count(b->cache); t++) {
        const clh_box box = box_in(b, t);
        clh_error err = {0};
        double value = NAN;
        poison(b);
        must(clh_box_gradient(&box, b->model, &b->tokens, b->cache, b->gradient, NULL, &value, NULL,
                              &err),
             &err);
        assert_true(fabs(value - box_sum(b, b->cache, &box)) < 1e-12 * (1 + fabs(value)));
        is_the_slope(b, box_sum, &box, 1, clh_cache_tensor(b->cache, t).name);
    }
}

static void a_box_is_what_its_text_says(void **state)
{
    const bench *b = *state;
    const size_t pos = b->tokens.pos, batch = b->tokens.batch;
    clh_error err = {0};
    clh_box box = {0};
    must(clh_box_parse(&box, "blocks.0.attn.hook_q[-1,:,0,1:3]", b->cache, batch, pos, &err), &err);
    assert_string_equal(clh_cache_tensor(b->cache, box.activation).name, "blocks.0.attn.hook_q");
    const size_t begin[] = {batch - 1, 0, 0, 1}, end[] = {batch, pos, 1, 3};
    assert_memory_equal(box.begin, begin, sizeof begin);
    assert_memory_equal(box.end, end, sizeof end);
    static const char *const wrong[] = {"blocks.0.attn.hook_q",
                                        "blocks.0.attn.hook_q[]",
                                        "blocks.0.attn.hook_q[0,0,0]",
                                        "blocks.0.attn.hook_q[0,0,0,0,0]",
                                        "blocks.0.attn.hook_q[0,0,0,3]",
                                        "blocks.0.attn.hook_q[0,0,0,-4]",
                                        "blocks.0.attn.hook_q[0,0,0,2:2]",
                                        "blocks.0.attn.hook_q[0,0,0,0",
                                        "blocks.0.attn.hook_q[0,0,0,0]x",
                                        "blocks.0.attn.hook_q[0,,0,0]",
                                        "blocks.0.attn.hook_Q[0,0,0,0]",
                                        "[0]",
                                        ""};
    for (size_t i = 0; i < CLH_COUNT(wrong); i++)
        assert_int_equal(clh_box_parse(&box, wrong[i], b->cache, batch, pos, &err), CLH_EUSAGE);
}

static const each_truth truths[] = {
    {"every metric has the gradient of differences", every_metric_has_the_gradient_of_differences},
    {"a scalar of inner activations has it too", a_scalar_of_inner_activations_too},
    {"a box of any activation has the gradient of differences",
     a_box_of_any_activation_has_the_gradient_of_differences},
    {"a box is what its text says", a_box_is_what_its_text_says},
};

int main(void)
{
    return each_case_run("metric gradients", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_with_blocks(), open_bench, close_bench);
}
