/* What train.h and bench.h are given wrongly they refuse by a status, in any build, and leave nothing
 * behind: no folder, no result. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/bench.h"
#include "clearhead/train.h"
#include "run/settings/run_keys.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

static const char words[] = "n=2 d_model=8 d_head=4 steps=2 test_sequences=2";

/* Ways to spoil a config that clh_run_config_open() made. `counted`: clh_train_bytes() can still say
 * how much it would take. */
typedef struct spoilt {
    const char *what;
    void (*spoil)(clh_run_config *c);
    clh_status status;
    bool counted;
} spoilt;

static const clh_key *key_of(const char *name)
{
    return clh_key_find(clh_run_keys(), clh_run_key_count(), name, NULL);
}

/* A setting of the task, which only its key knows. */
static void write_setting(clh_run_config *c, const char *name, unsigned value)
{
    memcpy((char *)c + key_of(name)->offset, &value, sizeof value);
}

static void write_count(clh_run_config *c, const char *name, size_t count)
{
    memcpy((char *)c + key_of(name)->count_offset, &count, sizeof count);
}

#define SPOIL(name, statement)                                                                     \
    static void name(clh_run_config *c)                                                            \
    {                                                                                              \
        statement;                                                                                 \
    }
SPOIL(no_batch, c->train.batch = 0)
SPOIL(huge_batch, c->train.batch = SIZE_MAX)
SPOIL(no_epoch, c->train.epoch_sequences = 0)
SPOIL(huge_steps, c->train.steps = SIZE_MAX)
SPOIL(lr_nan, c->train.lr = NAN)
SPOIL(lr_negative, c->train.lr = -1)
SPOIL(beta_one, c->train.beta1 = 1)
SPOIL(norm_infinite, c->train.max_grad_norm = INFINITY)
SPOIL(no_optimizer, c->train.optimizer = (clh_optimizer)77)
SPOIL(no_schedule, c->train.schedule = (clh_schedule)-1)
SPOIL(no_threads, c->threads = 0)
SPOIL(huge_threads, c->threads = SIZE_MAX)
SPOIL(no_n, write_count(c, "n", 0))
SPOIL(many_n, write_count(c, "n", 1000000))
SPOIL(large_n, write_setting(c, "n", 9))
static void falling_n(clh_run_config *c)
{
    static const unsigned n[] = {3, 2};
    memcpy((char *)c + key_of("n")->offset, n, sizeof n);
    write_count(c, "n", 2);
}
SPOIL(no_letters, write_setting(c, "letters", 9))
SPOIL(task_without_end, memset(c->task, 'x', sizeof c->task))
SPOIL(task_unknown, memcpy(c->task, "nothing", 8))
SPOIL(data_without_end, memset((char *)c + key_of("data")->offset, 'x', key_of("data")->size))
SPOIL(no_d_model, c->model.d_model = 0)
SPOIL(huge_d_model, c->model.d_model = SIZE_MAX / 2)
SPOIL(no_heads, c->model.n_heads = 0)
SPOIL(no_outputs, c->model.d_vocab = c->model.d_vocab_out = 0)
SPOIL(no_norm, c->model.normalization_type = (clh_normalization)8)
SPOIL(no_act, c->model.act_fn = (clh_act_fn)99)
SPOIL(eps_nan, c->model.eps = NAN)
SPOIL(no_mlp, (c->model.attn_only = false, c->model.d_mlp = 0))
SPOIL(short_n_ctx, c->model.n_ctx = 2)
SPOIL(few_tokens, c->model.d_vocab = 64)
SPOIL(few_outputs, c->model.d_vocab_out = 64)
#undef SPOIL

static const spoilt ways[] = {
    {"batch 0", no_batch, CLH_ERANGE, false},
    {"batch too large", huge_batch, CLH_ERANGE, false},
    {"epochs of nothing", no_epoch, CLH_ERANGE, false},
    {"too many steps", huge_steps, CLH_ERANGE, false},
    {"lr NaN", lr_nan, CLH_ERANGE, false},
    {"lr below 0", lr_negative, CLH_ERANGE, false},
    {"beta1 1", beta_one, CLH_ERANGE, false},
    {"max_grad_norm infinite", norm_infinite, CLH_ERANGE, false},
    {"optimizer 77", no_optimizer, CLH_ECONFIG, false},
    {"schedule -1", no_schedule, CLH_ECONFIG, false},
    {"threads 0", no_threads, CLH_ERANGE, false},
    {"threads too many", huge_threads, CLH_ERANGE, false},
    {"no n", no_n, CLH_ECONFIG, false},
    {"more n than there is room for", many_n, CLH_ERANGE, false},
    {"n 9", large_n, CLH_ERANGE, false},
    {"n that fall", falling_n, CLH_ERANGE, false},
    {"letters 9", no_letters, CLH_ECONFIG, false},
    {"a task's name without an end", task_without_end, CLH_ERANGE, false},
    {"a task that there is not", task_unknown, CLH_ECONFIG, true},
    {"a path without an end", data_without_end, CLH_ERANGE, false},
    {"d_model 0", no_d_model, CLH_ERANGE, false},
    {"d_model too large", huge_d_model, CLH_ERANGE, false},
    {"no heads", no_heads, CLH_ERANGE, false},
    {"no outputs", no_outputs, CLH_ERANGE, false},
    {"normalization 8", no_norm, CLH_ECONFIG, false},
    {"act_fn 99", no_act, CLH_ECONFIG, false},
    {"eps NaN", eps_nan, CLH_ERANGE, false},
    {"an MLP of nothing", no_mlp, CLH_ECONFIG, false},
    {"n_ctx too small", short_n_ctx, CLH_ERANGE, true},
    {"d_vocab too small", few_tokens, CLH_ESHAPE, true},
    {"d_vocab_out too small", few_outputs, CLH_ESHAPE, true},
};

static void assert_refused(const char *what, const char *call, clh_status status, clh_status wanted,
                           const clh_error *err)
{
    if (status != wanted)
        fail_msg("%s: %s says %s (%s), want %s", what, call, clh_status_text(status), err->message,
                 clh_status_text(wanted));
    assert_int_equal(err->status, wanted);
    assert_true(err->message[0]);
}

static void a_config_that_cannot_be_is_not_trained(void **state)
{
    char path[TEMP_PATH_MAX];
    (void)temp_folder_path(*state, "refused", path);
    for (size_t i = 0; i < CLH_COUNT(ways); i++) {
        clh_error err = {0};
        clh_run_config c = run_case_config(words);
        ways[i].spoil(&c);
        assert_refused(ways[i].what, "clh_train()", clh_train(&c, path, NULL, &err), ways[i].status,
                       &err);
        assert_false(clh_path_exists(path));
        if ((clh_train_bytes(&c) != SIZE_MAX) != ways[i].counted)
            fail_msg("%s: clh_train_bytes() says %zu", ways[i].what, clh_train_bytes(&c));
    }
}

static void a_config_that_cannot_be_is_not_timed(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(ways); i++)
        for (int path = CLH_BENCH_BEST; path <= CLH_BENCH_GENERAL; path++) {
            clh_error err = {0};
            clh_bench_result result = {.rounds = 17};
            clh_run_config c = run_case_config(words);
            ways[i].spoil(&c);
            assert_refused(ways[i].what, "clh_bench_step()",
                           clh_bench_step(&result, &c, (clh_bench_path)path, 0, NULL, &err),
                           ways[i].status, &err);
            assert_int_equal(result.rounds, 17);
        }
}

static void what_is_asked_of_a_bench_is_checked(void **state)
{
    (void)state;
    static const double bad[] = {NAN, -1, INFINITY};
    static const size_t threads[] = {1025, SIZE_MAX};
    clh_error err = {0};
    clh_bench_result result;
    double peak = 17;
    const clh_run_config c = run_case_config(words);
    assert_int_equal(clh_bench_step(&result, NULL, CLH_BENCH_BEST, 0, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_bench_step(NULL, &c, CLH_BENCH_BEST, 0, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_bench_step(&result, &c, (clh_bench_path)2, 0, NULL, NULL), CLH_ERANGE);
    assert_int_equal(clh_bench_step(&result, &c, (clh_bench_path)-1, 0, NULL, NULL), CLH_ERANGE);
    for (size_t i = 0; i < CLH_COUNT(bad); i++)
        assert_int_equal(clh_bench_step(&result, &c, CLH_BENCH_BEST, bad[i], NULL, &err),
                         CLH_ERANGE);
    assert_null(strstr(err.message, "seconds is 1"));
    assert_int_equal(clh_bench_peak(NULL, NULL, &err), CLH_EUSAGE);
    for (size_t i = 0; i < CLH_COUNT(threads); i++) {
        assert_int_equal(
            clh_bench_step(&result, &c, CLH_BENCH_BEST, 0, &(clh_how){threads[i], NULL}, &err),
            CLH_ERANGE);
        assert_int_equal(clh_bench_peak(&peak, &(clh_how){threads[i], NULL}, &err), CLH_ERANGE);
    }
    assert_true(peak == 17);
    assert_true(isnan(clh_bench_operations(NULL, 1, 1)));
    assert_true(isnan(clh_bench_operations(&c.model, 0, 1)));
    assert_true(isnan(clh_bench_operations(&c.model, 1, 0)));
}

static void nothing_is_not_trained(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    const clh_run_config c = run_case_config(words);
    (void)temp_folder_path(*state, "nothing", path);
    assert_int_equal(clh_train(NULL, path, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_train(&c, NULL, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_train(&c, NULL, NULL, NULL), CLH_EUSAGE);
    assert_int_equal(clh_train_resume(NULL, 1, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_train_resume(path, 1, NULL, &err), CLH_EINPUT);
    assert_false(clh_path_exists(path));
    assert_true(clh_train_bytes(NULL) == SIZE_MAX);
    assert_true(isnan(clh_learning_rate(NULL, 1)));
    assert_true(isnan(clh_learning_rate(&c.train, 0)));
    run_case_train(&c, path);
    assert_int_equal(clh_train_resume(path, 1025, NULL, &err), CLH_ERANGE);
    assert_int_equal(clh_train_resume(path, SIZE_MAX, NULL, &err), CLH_ERANGE);
}

static void an_evaluation_of_nothing_is_refused(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_task *task = NULL;
    clh_model *model = NULL;
    clh_evaluation e = {.sequences = 17};
    const clh_run_config c = run_case_config(words);
    must(clh_run_config_task(&task, &c, &err), &err);
    must(clh_model_open(&model, &c.model, &err), &err);
    const clh_split test = CLH_SPLIT_TEST;
    assert_int_equal(clh_evaluate(NULL, model, task, test, 0, 1, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_evaluate(&e, NULL, task, test, 0, 1, NULL, &err), CLH_EUSAGE);
    assert_int_equal(clh_evaluate(&e, model, NULL, test, 0, 1, NULL, NULL), CLH_EUSAGE);
    assert_int_equal(clh_evaluate(&e, model, task, (clh_split)2, 0, 1, NULL, &err), CLH_ERANGE);
    assert_int_equal(clh_evaluate(&e, model, task, (clh_split)-1, 0, 1, NULL, &err), CLH_ERANGE);
    assert_int_equal(clh_evaluate(&e, model, task, test, 0, 0, NULL, &err), CLH_ERANGE);
    assert_int_equal(clh_evaluate(&e, model, task, test, 0, 1, &(clh_how){SIZE_MAX, NULL}, &err),
                     CLH_ERANGE);
    assert_int_equal(e.sequences, 17);
    clh_model_close(model);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_config_that_cannot_be_is_not_trained),
        cmocka_unit_test(a_config_that_cannot_be_is_not_timed),
        cmocka_unit_test(what_is_asked_of_a_bench_is_checked),
        cmocka_unit_test(nothing_is_not_trained),
        cmocka_unit_test(an_evaluation_of_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
