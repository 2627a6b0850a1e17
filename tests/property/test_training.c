/* What training computes and records, seen from outside: losses, norms and rates in metrics.jsonl
 * are those of the models in its checkpoints; padding is nothing; an untrained model knows nothing,
 * a trained one the task. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"
#include "train/optimizer.h"
#include "train/plan.h"

enum { SEQUENCES = 6, LENGTH_MAX = 122 };

typedef struct bench {
    clh_run_config config;
    clh_task *task;
    clh_model *model;
    clh_cache *cache, *gradient;
} bench;

static void bench_open(bench *b, const char *words)
{
    clh_error err = {0};
    b->config = run_case_config(words);
    must(clh_run_config_task(&b->task, &b->config, &err), &err);
    must(clh_model_open(&b->model, &b->config.model, &err), &err);
    must(clh_cache_open(&b->cache, &b->config.model, CLH_KEEP_BACKWARD, &err), &err);
    must(clh_cache_open(&b->gradient, &b->config.model, CLH_KEEP_BACKWARD, &err), &err);
    clh_model_init(b->model, b->config.seed);
}

static void bench_close(bench *b)
{
    clh_cache_close(b->gradient);
    clh_cache_close(b->cache);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

/* Loss of one sequence on its own, added to *sum; its logits' gradients with `weight`, taken back
 * to those of the parameters where `slope` is not NULL. Returns the sequence's length. */
static size_t alone(bench *b, uint64_t k, double weight, double *row, clh_real *slope,
                    clh_loss_sum *sum)
{
    clh_error err = {0};
    uint32_t ids[LENGTH_MAX];
    clh_sequence s = {.tokens = ids, .capacity = LENGTH_MAX};
    must(clh_task_draw(b->task, CLH_SPLIT_TRAIN, k, &s, &err), &err);
    const clh_tokens tokens = {ids, 1, s.length};
    const clh_scored scored = {&s.length, &s.first_scored};
    must(clh_forward(b->model, &tokens, b->cache, NULL, &err), &err);
    must(clh_loss(b->cache, &tokens, &scored, weight, b->gradient, row, sum, &err), &err);
    if (slope)
        must(clh_backward(b->model, &tokens, b->cache, b->gradient, slope, NULL, &err), &err);
    return s.length;
}

/* Norm of the gradient of (sum of losses of [first, past)) / count, and that sum into *sum. */
static double norm_of_mean(bench *b, uint64_t first, uint64_t past, clh_loss_sum *sum)
{
    static clh_real slope[100000];
    size_t n = 0;
    double square = 0;
    (void)clh_model_data(b->model, &n);
    assert_true(n <= CLH_COUNT(slope));
    memset(slope, 0, sizeof slope);
    *sum = (clh_loss_sum){0};
    for (uint64_t k = first; k < past; k++)
        (void)alone(b, k, 1, NULL, slope, sum);
    for (size_t i = 0; i < n; i++)
        square += (double)slope[i] * (double)slope[i];
    return sqrt(square) / (double)sum->count;
}

/* Each prediction counts the same, so a long sequence counts more than a short one. */
static void a_mixtures_loss_is_the_mean_over_all_scored_positions(void **state)
{
    char run[TEMP_PATH_MAX];
    double loss[3], norm[3];
    bench b;
    bench_open(&b, "n=2,3,4 lr=0 steps=3 batch=5 epoch_sequences=13 n_heads=2 d_head=9");
    run_case_train(&b.config, temp_folder_path(*state, "run", run));
    assert_int_equal(run_case_metrics(run, "step", "loss", loss, 3), 3);
    assert_int_equal(run_case_metrics(run, "step", "grad_norm", norm, 3), 3);
    for (size_t step = 0; step < 3; step++) {
        const uint64_t first = clh_plan_samples(&b.config.train, step);
        const uint64_t past = clh_plan_samples(&b.config.train, step + 1);
        clh_loss_sum sum, own;
        double means = 0, slope = norm_of_mean(&b, first, past, &sum);
        assert_int_equal(past - first, step < 2 ? 5 : 3);
        for (uint64_t k = first; k < past; k++) {
            (void)norm_of_mean(&b, k, k + 1, &own);
            means += own.loss / (double)own.count / (double)(past - first);
        }
        double mean = sum.loss / (double)sum.count;
        assert_true(fabs(loss[step] - mean) < 1e-6 * mean);
        assert_true(fabs(norm[step] - slope) < 1e-5 * slope);
        assert_true(fabs(means - mean) > 1e-5 * mean); /* not the mean of means */
    }
    bench_close(&b);
}

/* Sequences of several lengths in one rectangle, whatever stands behind their ends. */
static void padding_is_nothing(void **state)
{
    (void)state;
    clh_error err = {0};
    bench b;
    bench_open(&b, "n=2,3,4 attn_only=false n_layers=2 d_model=24 d_head=8 d_mlp=30");
    static uint32_t ids[SEQUENCES * LENGTH_MAX];
    static double row[SEQUENCES * LENGTH_MAX], own_row[LENGTH_MAX];
    size_t length[SEQUENCES], first_scored[SEQUENCES];
    for (size_t s = 0; s < SEQUENCES; s++) {
        clh_sequence q = {.tokens = ids + s * LENGTH_MAX, .capacity = LENGTH_MAX};
        must(clh_task_draw(b.task, CLH_SPLIT_TRAIN, s, &q, &err), &err);
        length[s] = q.length;
        first_scored[s] = q.first_scored;
        for (size_t i = q.length; i < LENGTH_MAX; i++)
            q.tokens[i] = (uint32_t)((7 * i + s) % 65);
    }
    const clh_tokens tokens = {ids, SEQUENCES, LENGTH_MAX};
    const clh_scored scored = {length, first_scored};
    clh_cache *cache = NULL, *gradient = NULL;
    clh_loss_sum sum = {0}, sum_alone = {0};
    must(clh_cache_open(&cache, &b.config.model, CLH_KEEP_BACKWARD, &err), &err);
    must(clh_cache_open(&gradient, &b.config.model, CLH_KEEP_BACKWARD, &err), &err);
    must(clh_forward(b.model, &tokens, cache, NULL, &err), &err);
    must(clh_cache_reserve(gradient, SEQUENCES, LENGTH_MAX, &err), &err);
    must(clh_loss(cache, &tokens, &scored, 0.01, gradient, row, &sum, &err), &err);
    const clh_tensor slope = clh_cache_view(gradient, "logits");
    for (size_t s = 0; s < SEQUENCES; s++) {
        (void)alone(&b, s, 0.01, own_row, NULL, &sum_alone);
        const clh_tensor own = clh_cache_view(b.gradient, "logits");
        const size_t v = own.shape[2];
        for (size_t i = 0; i < LENGTH_MAX; i++) {
            const double here = row[s * LENGTH_MAX + i];
            assert_true(i < length[s] ? here == own_row[i] || (isnan(here) && isnan(own_row[i]))
                                      : isnan(here));
            const clh_real *got = slope.data + (s * LENGTH_MAX + i) * v;
            for (size_t k = 0; k < v; k++)
                assert_true(got[k] == (i < length[s] ? own.data[i * v + k] : 0));
        }
    }
    assert_int_equal(sum.count, sum_alone.count);
    assert_int_equal(sum.correct, sum_alone.correct);
    assert_int_equal(sum.sequences, SEQUENCES);
    assert_true(fabs(sum.loss - sum_alone.loss) < 1e-12 * sum.loss);
    clh_cache_close(gradient);
    clh_cache_close(cache);
    bench_close(&b);
}

/* At each position the mean over the sequences that have it scored, in all that over all of them;
 * more sequences than are looked at together. */
static void an_evaluation_is_the_mean_of_its_sequences(void **state)
{
    (void)state;
    enum { COUNT = 70, FIRST = 5 };
    const char *const words[] = {"n=2,3,4 n_heads=2 d_head=9",
                                 "n=2,3,4 n_layers=2 d_model=16 d_head=8",
                                 ("n=2,3,4 d_model=16 d_head=8 attention_dir=bidirectional "
                                  "positional_embedding_type=alibi")};
    for (size_t w = 0; w < CLH_COUNT(words); w++) {
        clh_error err = {0};
        clh_evaluation e = {0};
        clh_loss_sum sum = {0};
        double row[LENGTH_MAX], mean[LENGTH_MAX] = {0};
        size_t count[LENGTH_MAX] = {0};
        bench b;
        bench_open(&b, words[w]);
        for (uint64_t k = FIRST; k < FIRST + COUNT; k++) {
            const size_t length = alone(&b, k, 0, row, NULL, &sum);
            for (size_t i = 0; i < length; i++)
                if (!isnan(row[i])) {
                    mean[i] += row[i];
                    count[i]++;
                }
        }
        must(clh_evaluate(&e, b.model, b.task, CLH_SPLIT_TRAIN, FIRST, COUNT, &(clh_how){2, NULL},
                          &err),
             &err);
        assert_int_equal(e.sequences, COUNT);
        assert_int_equal(e.positions, LENGTH_MAX);
        assert_true(fabs(e.loss * (double)sum.count / sum.loss - 1) < 1e-6);
        assert_true(e.token_accuracy == (double)sum.correct / (double)sum.count);
        assert_true(e.sequence_accuracy == (double)sum.sequences_correct / COUNT);
        for (size_t i = 0; i < LENGTH_MAX; i++) {
            const double want = mean[i] / (double)count[i], got = e.loss_per_position[i];
            assert_true(count[i] ? fabs(got - want) < 1e-5 * want : isnan(got));
        }
        assert_true(count[LENGTH_MAX - 1] > 0 && count[LENGTH_MAX - 1] < COUNT);
        clh_evaluation_deinit(&e);
        bench_close(&b);
    }
}

static void the_rate_of_each_step_is_recorded(void **state)
{
    const char *const words[] = {"n=1 steps=12 d_model=8 d_head=4 lr=0.01",
                                 "n=1 steps=12 d_model=8 d_head=4 schedule=warmup warmup_steps=5",
                                 "n=1 steps=12 d_model=8 d_head=4 schedule=cosine min_lr=1e-5"};
    for (size_t i = 0; i < CLH_COUNT(words); i++) {
        char run[TEMP_PATH_MAX], name[16];
        double rate[13], step[13];
        (void)snprintf(name, sizeof name, "run-%zu", i);
        clh_run_config config = run_case_config(words[i]);
        run_case_train(&config, temp_folder_path(*state, name, run));
        assert_int_equal(run_case_metrics(run, "step", "lr", rate, 13), 12);
        assert_int_equal(run_case_metrics(run, "step", "step", step, 13), 12);
        for (size_t k = 0; k < 12; k++) {
            double want = clh_learning_rate(&config.train, k + 1);
            assert_true(step[k] == (double)(k + 1));
            assert_true(fabs(rate[k] - want) <= 1e-8 * want);
        }
    }
}

/* SGD without momentum moves by lr times the gradient, so the way it goes is lr times the norm it
 * was clipped to; the norm recorded is the one before. */
static void clipping_shortens_the_step_and_not_the_record(void **state)
{
    enum { STEPS = 8 };
    const double lr = 0.01, most = 0.5;
    char run[TEMP_PATH_MAX], file[TEMP_PATH_MAX + 64];
    clh_error err = {0};
    double norm[STEPS];
    bool clipped = false;
    bench b;
    bench_open(&b, "n=2 optimizer=sgd lr=0.01 max_grad_norm=0.5 steps=8 checkpoint_every=1 "
                   "d_model=16 d_head=8");
    run_case_train(&b.config, temp_folder_path(*state, "run", run));
    assert_int_equal(run_case_metrics(run, "step", "grad_norm", norm, STEPS), STEPS);
    size_t n = 0;
    static clh_real before[100000];
    const clh_real *now = clh_model_data(b.model, &n);
    assert_true(n <= CLH_COUNT(before));
    for (size_t step = 0; step <= STEPS; step++) {
        double square = 0;
        (void)snprintf(file, sizeof file, "%s/checkpoints/step-%08zu.safetensors", run, step);
        must(clh_model_load(b.model, file, &err), &err);
        for (size_t i = 0; i < n; i++)
            square += ((double)now[i] - (double)before[i]) * ((double)now[i] - (double)before[i]);
        memcpy(before, now, n * sizeof *before);
        if (step == 0)
            continue;
        double want = lr * (norm[step - 1] > most ? most : norm[step - 1]);
        clipped = clipped || norm[step - 1] > most;
        assert_true(fabs(sqrt(square) - want) < 1e-3 * want);
    }
    assert_true(clipped);
    bench_close(&b);
}

static double held_out_accuracy(const char *words, uint64_t seed)
{
    clh_error err = {0};
    clh_evaluation e = {0};
    bench b;
    bench_open(&b, words);
    clh_model_init(b.model, seed);
    must(clh_evaluate(&e, b.model, b.task, CLH_SPLIT_TEST, 0, 30, &(clh_how){2, NULL}, &err), &err);
    double accuracy = e.token_accuracy;
    assert_true(fabs(e.loss - log(65)) < 0.6); /* it thinks of everything as about as likely */
    assert_true(e.sequence_accuracy == 0);
    clh_evaluation_deinit(&e);
    bench_close(&b);
    return accuracy;
}

/* Weights are drawn alike for each of the 65 tokens, so an untrained model is right with
 * probability 1/65 = 0.0154. Over 32 seeds and 30 sequences of 116 predictions the mean's standard
 * error is 0.001, and no seed was seen above 0.04; bounds are four errors and 0.1. The notebook's
 * own test compares one character with eight, so it always passes; this one fails for a model that
 * knows anything (the spaces alone would be 0.2). */
static void an_untrained_model_is_wrong(void **state)
{
    (void)state;
    enum { SEEDS = 32 };
    double sum = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double accuracy = held_out_accuracy("n=4", seed);
        assert_true(accuracy < 0.1);
        sum += accuracy;
    }
    assert_true(fabs(sum / SEEDS - 1.0 / 65) < 0.004);
}

static void a_trained_model_is_right(void **state)
{
    char run[TEMP_PATH_MAX];
    double accuracy[64], sequences[64];
    clh_run_config config =
        run_case_config("n=3 steps=500 threads=2 test_sequences=200 eval_every=100");
    run_case_train(&config, temp_folder_path(*state, "run", run));
    size_t count = run_case_metrics(run, "eval", "token_accuracy", accuracy, 64);
    assert_int_equal(run_case_metrics(run, "eval", "sequence_accuracy", sequences, 64), count);
    assert_int_equal(count, 6);
    assert_true(accuracy[0] < 0.1);
    assert_true(accuracy[count - 1] > 0.99);
    assert_true(sequences[count - 1] > 0.99);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_mixtures_loss_is_the_mean_over_all_scored_positions),
        cmocka_unit_test(padding_is_nothing),
        cmocka_unit_test(an_evaluation_is_the_mean_of_its_sequences),
        IN_FOLDER(the_rate_of_each_step_is_recorded),
        IN_FOLDER(clipping_shortens_the_step_and_not_the_record),
        cmocka_unit_test(an_untrained_model_is_wrong),
        IN_FOLDER(a_trained_model_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
