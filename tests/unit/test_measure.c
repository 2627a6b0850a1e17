/* A measure is the evaluation's numbers, by kind, the same at any number of threads, and says what
 * is not finite. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/measure.h"
#include "clearhead/permutations.h"
#include "clearhead/train.h"
#include "measure/numbers/exam.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/task_of.h"

enum { COUNT = 9 };

typedef struct bench {
    clh_task *task;
    clh_model *model;
    clh_sample sample;
} bench;

static void bench_open(bench *b)
{
    clh_error err = {0};
    clh_model_config config = clh_model_config_default();
    config.d_model = 16;
    config.d_head = 8;
    config.attn_scale = sqrt(8);
    config.n_ctx = 26;
    config.d_vocab = config.d_vocab_out = 65;
    b->task = task_of("n=2,3");
    must(clh_model_open(&b->model, &config, &err), &err);
    clh_model_init(b->model, 3);
    must(clh_sample_draw(&b->sample, b->task, CLH_SPLIT_TEST, 0, COUNT, &err), &err);
}

static void bench_close(bench *b)
{
    clh_sample_deinit(&b->sample);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

static void numbers_are_the_evaluations(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_measure m = {0};
    clh_evaluation want = {0};
    bench_open(&b);
    must(clh_measure_run(&m, b.model, &b.sample, NULL, NULL, &err), &err);
    must(clh_evaluate(&want, b.model, b.task, CLH_SPLIT_TEST, 0, COUNT, NULL, &err), &err);
    /* evaluation goes the fused path, a measure the general one: the same to rounding */
    assert_true(fabs(m.total.loss / (double)m.total.count / want.loss - 1) < 1e-6);
    assert_true((double)m.total.correct / (double)m.total.count == want.token_accuracy);
    assert_int_equal(m.total.sequences, COUNT);
    size_t count = 0, correct = 0;
    for (int k = 0; k < CLH_TOKEN_KINDS; k++) {
        count += m.total.kind_count[k];
        correct += m.total.kind_correct[k];
    }
    assert_int_equal(count, m.total.count);
    assert_int_equal(correct, m.total.correct);
    assert_int_equal(m.total.kind_count[CLH_TOKEN_PERIOD], COUNT);
    assert_int_equal(m.total.kind_count[CLH_TOKEN_OTHER], 0);
    clh_evaluation_deinit(&want);
    clh_measure_deinit(&m);
    bench_close(&b);
}

/* Letters are said right, all else wrongly. */
static clh_status say_letters(void *user, size_t index, size_t worker, const clh_tokens *tokens,
                              clh_cache *cache, clh_error *err)
{
    const bench *b = user;
    (void)index, (void)worker;
    clh_status status = clh_forward(b->model, tokens, cache, NULL, err);
    const clh_tensor logits = clh_cache_view(cache, "logits");
    memset(logits.data, 0, clh_tensor_count(&logits) * sizeof *logits.data);
    for (size_t p = 1; p < tokens->pos; p++) {
        const bool letter = clh_task_kind(b->task, tokens->pos, p) == CLH_TOKEN_LETTER;
        logits.data[(p - 1) * logits.shape[2] + (letter ? tokens->ids[p] : 0)] = 1;
    }
    return status;
}

static void kinds_are_those_of_the_predicted(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_measure m = {0};
    bench_open(&b);
    const clh_measure_way way = {say_letters, &b, CLH_KEEP_ALL};
    must(clh_measure_run(&m, b.model, &b.sample, &way, NULL, &err), &err);
    const clh_tally *t = &m.total;
    assert_true(t->kind_count[CLH_TOKEN_LETTER] > 0 && t->kind_count[CLH_TOKEN_SPACE] > 0);
    assert_int_equal(t->kind_correct[CLH_TOKEN_LETTER], t->kind_count[CLH_TOKEN_LETTER]);
    assert_int_equal(t->kind_correct[CLH_TOKEN_SPACE], 0);
    assert_int_equal(t->kind_correct[CLH_TOKEN_PERIOD], 0);
    assert_int_equal(t->correct, t->kind_correct[CLH_TOKEN_LETTER]);
    assert_true(clh_tally_ratio(t, CLH_RATIO_OF(CLH_TOKEN_LETTER)) == 1);
    assert_true(clh_tally_ratio(t, CLH_RATIO_OF(CLH_TOKEN_SPACE)) == 0);
    assert_true(isnan(clh_tally_ratio(&(clh_tally){0}, CLH_RATIO_LOSS)));
    clh_measure_deinit(&m);
    bench_close(&b);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_measure one = {0}, three = {0};
    bench_open(&b);
    must(clh_measure_run(&one, b.model, &b.sample, NULL, NULL, &err), &err);
    must(clh_measure_run(&three, b.model, &b.sample, NULL, &(clh_how){3, NULL}, &err), &err);
    assert_memory_equal(&one.total, &three.total, sizeof one.total);
    assert_memory_equal(one.sequence, three.sequence, COUNT * sizeof *one.sequence);
    clh_measure_deinit(&three);
    clh_measure_deinit(&one);
    bench_close(&b);
}

/* A way of its own: every logit the same, for the sequences whose index is odd. */
static clh_status flatten(void *user, size_t index, size_t worker, const clh_tokens *tokens,
                          clh_cache *cache, clh_error *err)
{
    (void)worker;
    clh_status status = clh_forward(user, tokens, cache, NULL, err);
    const clh_tensor logits = clh_cache_view(cache, "logits");
    for (size_t i = 0; index % 2 && i < clh_tensor_count(&logits); i++)
        logits.data[i] = 1;
    return status;
}

static void another_way_is_taken(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_measure plain = {0}, m = {0};
    bench_open(&b);
    must(clh_measure_run(&plain, b.model, &b.sample, NULL, NULL, &err), &err);
    const clh_measure_way way = {flatten, b.model, CLH_KEEP_ALL};
    must(clh_measure_run(&m, b.model, &b.sample, &way, &(clh_how){2, NULL}, &err), &err);
    for (size_t i = 0; i < COUNT; i++) {
        const clh_tally *t = &m.sequence[i];
        if (i % 2)
            assert_true(fabs(t->loss / (double)t->count - log(65)) < 1e-5);
        else
            assert_true(fabs(t->loss - plain.sequence[i].loss) < 1e-4);
    }
    clh_measure_deinit(&m);
    clh_measure_deinit(&plain);
    bench_close(&b);
}

static clh_status forward_only(void *user, size_t index, size_t worker, const clh_tokens *tokens,
                               clh_cache *cache, clh_error *err)
{
    (void)index, (void)worker;
    return clh_forward(user, tokens, cache, NULL, err);
}

static void what_is_not_finite_is_named(void **state)
{
    (void)state;
    bench b;
    clh_error err = {0};
    clh_measure m = {0};
    bench_open(&b);
    clh_model_view(b.model, "blocks.0.attn.W_V").data[0] = NAN;
    const clh_measure_way way = {.keep = CLH_KEEP_ALL};
    assert_int_equal(clh_measure_run(&m, b.model, &b.sample, &way, NULL, &err), CLH_ENUMERIC);
    assert_string_equal(err.message, "sequence 0: blocks.0.attn.hook_v is not finite");
    assert_int_equal(clh_measure_run(&m, b.model, &b.sample, NULL, &(clh_how){2, NULL}, &err),
                     CLH_ENUMERIC);
    assert_string_equal(err.message, "sequence 0: blocks.0.attn.hook_v is not finite");
    const clh_measure_way own = {forward_only, b.model, CLH_KEEP_BACKWARD};
    assert_int_equal(clh_measure_run(&m, b.model, &b.sample, &own, &(clh_how){2, NULL}, &err),
                     CLH_ENUMERIC);
    assert_string_equal(err.message, "sequence 0: blocks.0.attn.hook_v is not finite");
    assert_null(m.sequence);
    bench_close(&b);
}

/* The largest first, of equal ones the earlier; what is no number is none of them. */
static void the_worst_positions_come_first(void **state)
{
    const double loss[] = {1, NAN, 3, 3, 2, INFINITY};
    size_t worst[4];
    (void)state;
    assert_int_equal(clh_positions_worst(worst, 3, loss, CLH_COUNT(loss)), 3);
    assert_true(worst[0] == 2 && worst[1] == 3 && worst[2] == 4);
    assert_int_equal(clh_positions_worst(worst, 4, loss, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_evaluations),
        cmocka_unit_test(the_worst_positions_come_first),
        cmocka_unit_test(kinds_are_those_of_the_predicted),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(another_way_is_taken),
        cmocka_unit_test(what_is_not_finite_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
