/* The backward pass against the definition of a derivative: the same source compiled in double,
 * every parameter and every activation moved a little to either side.
 *
 *    (L(x + h) - L(x - h)) / 2h = L'(x) + h^2 L'''(x) / 6 + O(rounding / h)
 *
 * With h = 1e-5 the two errors are near 1e-11 for losses of order 1; gradients are held to 1e-6 of
 * their tensor's largest, but at least of 1e-4 of the largest of all, so that what is zero by
 * algebra (a key's bias) is asked to be zero to 1e-10. */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/difference.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

static const double step = 1e-5, tolerance = 1e-6, floor_share = 1e-4;

enum { SEED = 7, ALL_UP_TO = 80, SAMPLES = 40, STREAM_SAMPLE = 201 };

/* A case with its loss: some positions scored, of the second sequence fewer than of the first. */
typedef struct bench {
    size_t index;
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    size_t length[2], first_scored[2];
    clh_cache *cache, *gradient, *other;
    clh_real *parameters;
    double largest;
} bench;

/* A loss of order 1: weight * sum, the weight that of no mean. */
static double read_loss(const bench *b, const clh_cache *cache, clh_cache *gradient)
{
    const double weight = 0.7 / (double)b->tokens.pos;
    clh_error err = {0};
    clh_loss_sum sum = {0};
    clh_scored scored = {b->length, b->first_scored};
    must(clh_loss(cache, &b->tokens, &scored, weight, gradient, NULL, &sum, &err), &err);
    return weight * sum.loss;
}

static double loss_of(const bench *b, clh_cache *cache, clh_cache *gradient)
{
    clh_error err = {0};
    must(clh_forward(b->model, &b->tokens, cache, NULL, &err), &err);
    return read_loss(b, cache, gradient);
}

/* Backward into memory that holds no good number but the loss's own: what is not written shows. */
static void take_back(bench *b, const clh_cache *cache, clh_cache *gradient, clh_real *parameters)
{
    clh_error err = {0};
    cache_poison(gradient, clh_cache_count(gradient) - 1);
    must(clh_backward(b->model, &b->tokens, cache, gradient, parameters, NULL, &err), &err);
}

static int open_bench(void **state)
{
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->index = ((const each_case *)*state)->index;
    const model_case *row = model_case_at(b->index);
    clh_model_config config = model_case_config(b->index);
    clh_error err = {0};
    size_t count;
    b->model = model_case_open(b->index, SEED);
    b->ids = model_case_tokens(b->index, SEED);
    b->tokens = (clh_tokens){b->ids, row->batch, row->pos};
    b->length[0] = row->pos;
    b->first_scored[0] = 1;
    b->length[1] = row->pos > 1 ? row->pos - 1 : 1;
    b->first_scored[1] = 2;
    (void)clh_model_data(b->model, &count);
    b->parameters = clh_alloc_zeroed(count, sizeof *b->parameters, &err);
    assert_non_null(b->parameters);
    must(clh_cache_open(&b->cache, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->gradient, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->other, &config, CLH_KEEP_ALL, &err), &err);
    (void)loss_of(b, b->cache, b->gradient);
    take_back(b, b->cache, b->gradient, b->parameters);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        clh_tensor tensor = clh_model_tensor_in(b->model, t, b->parameters);
        b->largest = fmax(b->largest, tensor_largest(&tensor));
    }
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_free(b->parameters);
    clh_cache_close(b->other);
    clh_cache_close(b->gradient);
    clh_cache_close(b->cache);
    clh_free(b->ids);
    clh_model_close(b->model);
    free(b);
    return 0;
}

/* How many entries of a tensor to look at, and the i-th of them. */
static size_t looks(size_t count)
{
    return count <= ALL_UP_TO ? count : SAMPLES;
}

static size_t look_at(size_t count, size_t i)
{
    return count <= ALL_UP_TO ? i : clh_random_word(SEED, STREAM_SAMPLE, i) % count;
}

static void close_to(const bench *b, const clh_tensor *tensor, size_t i, double by_difference)
{
    double scale = fmax(tensor_largest(tensor), floor_share * b->largest);
    double error = fabs((double)tensor->data[i] - by_difference);
    if (!(error <= tolerance * scale) && !(b->largest == 0 && error == 0))
        fail_msg("gradient of %s[%zu] is %.12g, by differences %.12g: %.1e of the largest",
                 tensor->name, i, (double)tensor->data[i], by_difference, error / scale);
}

/* The loss under parameters one of which was moved; one that is tied to another moves with that. */
static double loss_with(const bench *b)
{
    clh_model_tie(b->model);
    return loss_of(b, b->other, NULL);
}

static void parameters_have_the_gradient_of_differences(void **state)
{
    bench *b = *state;
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        clh_tensor value = clh_model_tensor(b->model, t);
        clh_tensor gradient = clh_model_tensor_in(b->model, t, b->parameters);
        size_t count = clh_tensor_count(&value);
        for (size_t k = 0; k < looks(count); k++) {
            size_t i = look_at(count, k);
            clh_real old = value.data[i];
            value.data[i] = old + (clh_real)step;
            double above = loss_with(b);
            value.data[i] = old - (clh_real)step;
            double below = loss_with(b);
            value.data[i] = old;
            clh_model_tie(b->model);
            close_to(b, &gradient, i, (above - below) / (2 * step));
        }
    }
}

static double loss_moved(const bench *b, const clh_tensor *value, size_t entry, double by)
{
    difference_forward(b->model, &b->tokens, b->other, value, entry, by);
    return read_loss(b, b->other, NULL);
}

static void activations_have_the_gradient_of_differences(void **state)
{
    bench *b = *state;
    (void)loss_of(b, b->other, NULL); /* its activations are where they will be */
    for (size_t t = 0; t < clh_cache_count(b->cache); t++) {
        clh_tensor value = clh_cache_tensor(b->other, t);
        clh_tensor gradient = clh_cache_tensor(b->gradient, t);
        size_t count = clh_tensor_count(&value);
        for (size_t k = 0; k < looks(count); k++) {
            size_t i = look_at(count, k);
            double above = loss_moved(b, &value, i, step), below = loss_moved(b, &value, i, -step);
            close_to(b, &gradient, i, (above - below) / (2 * step));
        }
    }
}

static void lean_memory_gives_the_same_gradients(void **state)
{
    bench *b = *state;
    clh_model_config config = model_case_config(b->index);
    clh_error err = {0};
    clh_cache *cache = NULL, *gradient = NULL;
    size_t count;
    (void)clh_model_data(b->model, &count);
    clh_real *parameters = clh_alloc_zeroed(count, sizeof *parameters, &err);
    assert_non_null(parameters);
    must(clh_cache_open(&cache, &config, CLH_KEEP_BACKWARD, &err), &err);
    must(clh_cache_open(&gradient, &config, CLH_KEEP_BACKWARD, &err), &err);
    (void)loss_of(b, cache, gradient);
    take_back(b, cache, gradient, parameters);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)(parameters[i] - b->parameters[i])) <= 1e-13 * b->largest);
    clh_cache_close(gradient);
    clh_cache_close(cache);
    clh_free(parameters);
}

/* Into parameters that hold nothing: what is not written would show. Numbers between them belong to
 * none and stay. */
static void a_first_pass_writes_what_others_add(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    size_t count;
    (void)clh_model_data(b->model, &count);
    clh_real *parameters = clh_alloc_zeroed(count, sizeof *parameters, &err);
    assert_non_null(parameters);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        clh_tensor tensor = clh_model_tensor_in(b->model, t, parameters);
        for (size_t i = 0; i < clh_tensor_count(&tensor); i++)
            tensor.data[i] = (clh_real)NAN;
    }
    (void)loss_of(b, b->other, b->gradient);
    cache_poison(b->gradient, clh_cache_count(b->gradient) - 1);
    clh_backward_first(b->model, &b->tokens, b->other, b->gradient, parameters);
    for (size_t i = 0; i < count; i++)
        assert_true(parameters[i] == b->parameters[i]);
    clh_free(parameters);
}

static const each_truth truths[] = {
    {"parameters have the gradient of differences", parameters_have_the_gradient_of_differences},
    {"activations have the gradient of differences", activations_have_the_gradient_of_differences},
    {"lean memory gives the same gradients", lean_memory_gives_the_same_gradients},
    {"a first pass writes what others add", a_first_pass_writes_what_others_add},
};

int main(void)
{
    return each_case_run("gradients", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_count(), open_bench, close_bench);
}
