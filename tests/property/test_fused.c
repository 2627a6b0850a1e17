/* The fused backend against the general one: the same loss and the same gradient of every
 * parameter, whatever the sizes, with norm weights and biases moved off 1 and 0 so that each one
 * matters. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/run_config.h"
#include "fused/fused.h"
#include "math/kernels/kernels.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/task_of.h"
#include "train/evaluate.h"
#include "train/gradient.h"

typedef struct shape {
    const char *what;
    const char *n;
    size_t batch, heads, d_model, d_head;
    const char *letters;
} shape;

/* Relative L2 of every tensor's gradient. Held against the double build, in float either path is up
 * to 0.75e-6 off with these weights, most in W_Q and W_pos: scores of size 10 carry 6e-7 into their
 * exponentials. Without fused multiply-add each product is rounded once more, and `plain`
 * adds up one number after the other. In double what is left would be an error of the algebra. */
static double bound(void)
{
    if (sizeof(clh_real) == sizeof(double))
        return 1e-12;
    const char *isa = clh_kernels_best()->name;
    return strcmp(isa, "plain") == 0 ? 2e-6 : strcmp(isa, "base") == 0 ? 1.5e-6 : 1e-6;
}

static const shape shapes[] = {
    {"the notebook", "4", 4, 1, 128, 64, "sorted"},
    {"one sequence", "4", 1, 1, 128, 64, "sorted"},
    {"two letters", "2", 4, 1, 128, 64, "sorted"},
    {"three letters, more sequences than slots", "3", 11, 1, 128, 64, "ordered"},
    {"as many sequences as slots, more queries than are kept", "4,5", 8, 1, 32, 16, "sorted"},
    {"five letters", "5", 2, 1, 128, 64, "sorted"},
    {"one letter", "1", 3, 1, 32, 16, "sorted"},
    {"a mixture", "2,3,4", 7, 1, 64, 32, "tuples"},
    {"three heads, odd sizes", "3", 5, 3, 37, 11, "tuples"},
    {"heads wider than the model", "3", 4, 2, 20, 33, "sorted"},
};

static clh_model *open_model(const shape *s, size_t n_ctx)
{
    clh_model_config c = clh_model_config_default();
    clh_model *model = NULL;
    c.n_heads = s->heads;
    c.d_model = s->d_model;
    c.d_head = s->d_head;
    c.attn_scale = sqrt((double)s->d_head);
    c.initializer_range = 0.8 / sqrt((double)s->d_model);
    c.n_ctx = n_ctx;
    c.d_vocab = c.d_vocab_out = 65;
    assert_int_equal(clh_model_open(&model, &c, NULL), CLH_OK);
    clh_model_init(model, 7);
    size_t count;
    clh_real *data = clh_model_data(model, &count);
    for (size_t t = 0; t < clh_model_tensor_count(model); t++) {
        const clh_tensor tensor = clh_model_tensor(model, t);
        for (size_t i = 0; i < clh_tensor_count(&tensor); i++)
            tensor.data[i] += (clh_real)(0.1 * clh_random_normal(11, t, i));
    }
    assert_non_null(data);
    return model;
}

typedef struct result {
    clh_real *gradient;
    double norm;
    clh_loss_sum sum;
} result;

static result compute(const clh_model *model, const clh_task *task, const shape *s,
                      const clh_backend *backend, size_t threads)
{
    result r = {0};
    clh_error err = {0};
    clh_pool *pool = NULL;
    clh_stepper stepper = {0};
    clh_gradient *gradient = NULL;
    size_t n;
    (void)clh_model_data(model, &n);
    must(clh_pool_open(&pool, threads, &err), &err);
    must(clh_stepper_open(&stepper, model, task, s->batch, backend->name, pool, &err), &err);
    must(clh_gradient_open(&gradient, model, task, s->batch, &stepper, pool, &err), &err);
    /* A first batch elsewhere, smaller where it can be: nothing of it may be left over. */
    must(clh_gradient_compute(gradient, 100, s->batch / 2 + 1, &r.sum, &err), &err);
    must(clh_gradient_compute(gradient, 3, s->batch, &r.sum, &err), &err);
    r.norm = clh_gradient_norm(gradient);
    r.gradient = clh_alloc_array(n, sizeof *r.gradient, NULL);
    memcpy(r.gradient, clh_gradient_data(gradient), n * sizeof *r.gradient);
    clh_gradient_close(gradient);
    clh_stepper_close(&stepper);
    clh_pool_close(pool);
    return r;
}

/* |a - b| / |b| over a tensor; for b_K over the norm of the whole gradient: scores moved by the
 * same for all keys leave the pattern as it is, so its gradient is 0 and either path holds
 * rounding. */
static double difference(const clh_tensor *a, const clh_tensor *b, double norm)
{
    double apart = 0, size = 0;
    for (size_t i = 0; i < clh_tensor_count(a); i++) {
        double d = (double)a->data[i] - (double)b->data[i];
        apart += d * d;
        size += (double)b->data[i] * (double)b->data[i];
    }
    return sqrt(apart) / (strstr(a->name, "b_K") ? norm : sqrt(size));
}

static void test_same_as_general(void **state)
{
    const shape *s = *state;
    clh_task *task = task_of("n=%s letters=%s seed=5", s->n, s->letters);
    clh_model *model = open_model(s, clh_task_length_max(task) + 3);
    result general = compute(model, task, s, &clh_general_backend, 1);
    result fused = compute(model, task, s, &clh_fused_backend, 1);
    assert_true(fabs(fused.sum.loss / general.sum.loss - 1) <= bound());
    assert_int_equal(fused.sum.count, general.sum.count);
    assert_int_equal(fused.sum.correct, general.sum.correct);
    assert_int_equal(fused.sum.sequences, general.sum.sequences);
    assert_int_equal(fused.sum.sequences_correct, general.sum.sequences_correct);
    assert_true(fabs(fused.norm / general.norm - 1) <= bound());
    for (size_t t = 0; t < clh_model_tensor_count(model); t++) {
        const clh_tensor a = clh_model_tensor_in(model, t, fused.gradient);
        const clh_tensor b = clh_model_tensor_in(model, t, general.gradient);
        double apart = difference(&a, &b, general.norm);
        if (!(apart <= bound()))
            fail_msg("%s: gradient of %s is %g apart, want at most %g", s->what, a.name, apart,
                     bound());
    }
    clh_free(general.gradient);
    clh_free(fused.gradient);
    clh_model_close(model);
    clh_task_close(task);
}

static clh_evaluation evaluate(const clh_model *model, const clh_task *task,
                               const clh_backend *backend, size_t threads)
{
    enum { SEQUENCES = 70 }; /* more than go together */
    const clh_evaluate_what what = {task, CLH_SPLIT_TEST, 2, SEQUENCES};
    clh_evaluation e = {0};
    clh_error err = {0};
    clh_pool *pool = NULL;
    clh_stepper stepper = {0};
    must(clh_pool_open(&pool, threads, &err), &err);
    must(clh_stepper_open(&stepper, model, task, 0, backend->name, pool, &err), &err);
    must(clh_evaluate_with(&e, &what, &stepper, pool, NULL, &err), &err);
    clh_stepper_close(&stepper);
    clh_pool_close(pool);
    return e;
}

/* clh_evaluate() itself takes the first that fits: the fused one. */
static void assert_is_evaluated(const clh_evaluation *fused, const clh_model *model,
                                const clh_task *task)
{
    clh_evaluation e = {0};
    clh_error err = {0};
    must(clh_evaluate(&e, model, task, CLH_SPLIT_TEST, 2, fused->sequences, &(clh_how){2, NULL},
                      &err),
         &err);
    assert_true(e.loss == fused->loss);
    assert_memory_equal(e.loss_per_position, fused->loss_per_position,
                        e.positions * sizeof *e.loss_per_position);
    clh_evaluation_deinit(&e);
}

static void test_evaluation_same_as_general(void **state)
{
    const shape *s = *state;
    clh_task *task = task_of("n=%s letters=%s seed=5", s->n, s->letters);
    clh_model *model = open_model(s, clh_task_length_max(task));
    clh_evaluation general = evaluate(model, task, &clh_general_backend, 1);
    clh_evaluation one = evaluate(model, task, &clh_fused_backend, 1);
    clh_evaluation three = evaluate(model, task, &clh_fused_backend, 3);
    assert_true(fabs(one.loss / general.loss - 1) <= bound());
    assert_true(one.token_accuracy == general.token_accuracy);
    assert_true(one.sequence_accuracy == general.sequence_accuracy);
    assert_int_equal(one.positions, general.positions);
    for (size_t p = 0; p < one.positions; p++) {
        const double a = one.loss_per_position[p], b = general.loss_per_position[p];
        assert_true((isnan(a) && isnan(b)) || fabs(a - b) <= 10 * bound() * (1 + b));
    }
    assert_memory_equal(one.loss_per_position, three.loss_per_position,
                        one.positions * sizeof *one.loss_per_position);
    assert_true(one.loss == three.loss);
    assert_is_evaluated(&one, model, task);
    clh_evaluation_deinit(&general);
    clh_evaluation_deinit(&one);
    clh_evaluation_deinit(&three);
    clh_model_close(model);
    clh_task_close(task);
}

static void test_same_bytes_at_any_threads(void **state)
{
    const shape *s = *state;
    clh_task *task = task_of("n=%s letters=%s seed=5", s->n, s->letters);
    clh_model *model = open_model(s, clh_task_length_max(task));
    size_t n;
    (void)clh_model_data(model, &n);
    const clh_backend *const backends[] = {&clh_general_backend, &clh_fused_backend};
    for (size_t i = 0; i < CLH_COUNT(backends); i++) {
        result one = compute(model, task, s, backends[i], 1);
        for (size_t threads = 2; threads <= 4; threads++) {
            result more = compute(model, task, s, backends[i], threads);
            assert_memory_equal(one.gradient, more.gradient, n * sizeof *one.gradient);
            assert_memory_equal(&one.sum, &more.sum, sizeof one.sum);
            assert_memory_equal(&one.norm, &more.norm, sizeof one.norm);
            clh_free(more.gradient);
        }
        clh_free(one.gradient);
    }
    clh_model_close(model);
    clh_task_close(task);
}

static void into(void *fused, const clh_batch *batch, clh_real *gradient, clh_loss_sum *sum)
{
    assert_int_equal(clh_fused_backend.gradient(fused, batch, gradient, sum, NULL), CLH_OK);
}

/* A sequence of which nothing is scored adds nothing to its batch, not even what its slot held. */
static void test_what_is_not_scored_is_nothing(void **state)
{
    (void)state;
    enum { LENGTH = 8 }; /* "> ab ba." */
    clh_task *task = task_of("n=2 seed=5");
    clh_model *model = open_model(&shapes[2], LENGTH);
    void *fused = NULL;
    const clh_backend_use use = {LENGTH, clh_task_d_vocab(task), 2};
    assert_int_equal(clh_fused_backend.open(&fused, model, &use, NULL, NULL), CLH_OK);
    uint32_t tokens[2][LENGTH];
    clh_sequence both[2];
    for (uint64_t k = 0; k < 2; k++) {
        both[k] = (clh_sequence){.tokens = tokens[k], .capacity = LENGTH};
        assert_int_equal(clh_task_draw(task, CLH_SPLIT_TRAIN, k, &both[k], NULL), CLH_OK);
    }
    const clh_batch two = {both, 2, 0.25}, one = {both, 1, 0.25};
    size_t n;
    (void)clh_model_data(model, &n);
    clh_real *alone = clh_alloc_zeroed(n, sizeof *alone, NULL);
    clh_real *beside = clh_alloc_zeroed(n, sizeof *beside, NULL);
    clh_loss_sum sum_alone, sum_beside;
    into(fused, &one, alone, &sum_alone);
    into(fused, &two, beside, &sum_beside);
    assert_memory_not_equal(alone, beside, n * sizeof *alone);
    both[1].first_scored = both[1].length;
    into(fused, &two, beside, &sum_beside);
    assert_memory_equal(alone, beside, n * sizeof *alone);
    assert_memory_equal(&sum_alone, &sum_beside, sizeof sum_alone);
    both[1].first_scored = both[0].first_scored; /* and the other way round: the first is nothing */
    into(fused, &(clh_batch){both + 1, 1, 0.25}, alone, &sum_alone);
    both[0].first_scored = both[0].length;
    into(fused, &two, beside, &sum_beside);
    double apart = 0, size = 0; /* tokens are numbered in another order, so not the same bits */
    for (size_t i = 0; i < n; i++) {
        apart += pow((double)alone[i] - (double)beside[i], 2);
        size += pow((double)alone[i], 2);
    }
    assert_true(sqrt(apart / size) <= bound());
    clh_free(beside);
    clh_free(alone);
    clh_fused_backend.close(fused);
    clh_model_close(model);
    clh_task_close(task);
}

int main(void)
{
    enum { SHAPES = CLH_COUNT(shapes) };
    struct CMUnitTest tests[3 * SHAPES + 1];
    for (size_t i = 0; i < SHAPES; i++) {
        void *shape_of = (void *)&shapes[i];
        struct CMUnitTest *three = tests + 3 * i;
        three[0] = (struct CMUnitTest){shapes[i].what, test_same_as_general, NULL, NULL, shape_of};
        three[1] =
            (struct CMUnitTest){"threads", test_same_bytes_at_any_threads, NULL, NULL, shape_of};
        three[2] = (struct CMUnitTest){"evaluation", test_evaluation_same_as_general, NULL, NULL,
                                       shape_of};
    }
    tests[(size_t)3 * SHAPES] =
        (struct CMUnitTest)cmocka_unit_test(test_what_is_not_scored_is_nothing);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
