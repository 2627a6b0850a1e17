/* What a configuration means step by step: batches cut from epochs, learning rates, what is due. */
#include <math.h>
#include <stdio.h>

#include "base/base.h"
#include "clearhead/train.h"
#include "run/folder/checkpoint.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/run_case.h"
#include "train/plan.h"

static clh_train_config config_of(clh_schedule schedule, size_t warmup, size_t steps)
{
    return (clh_train_config){.lr = 0.5,
                              .min_lr = 0.1,
                              .schedule = schedule,
                              .steps = steps,
                              .warmup_steps = warmup,
                              .batch = 4,
                              .epoch_sequences = 97};
}

static void a_constant_rate_is_constant(void **state)
{
    (void)state;
    const clh_train_config c = config_of(CLH_SCHEDULE_CONSTANT, 10, 50);
    for (size_t step = 1; step <= 60; step++)
        assert_true(clh_learning_rate(&c, step) == c.lr);
}

static void a_warm_up_rises_evenly_and_stays(void **state)
{
    (void)state;
    const clh_train_config c = config_of(CLH_SCHEDULE_WARMUP, 8, 50);
    assert_true(clh_learning_rate(&c, 1) == c.lr / 8); /* the first step is not lost */
    for (size_t step = 1; step <= 8; step++)
        assert_true(fabs(clh_learning_rate(&c, step) - c.lr * (double)step / 8) < 1e-15);
    for (size_t step = 8; step <= 60; step++)
        assert_true(clh_learning_rate(&c, step) == c.lr);
    const clh_train_config none = config_of(CLH_SCHEDULE_WARMUP, 0, 50);
    assert_true(clh_learning_rate(&none, 1) == none.lr);
}

/* torch.optim.lr_scheduler.CosineAnnealingLR(T_max=steps): step s runs at
 * min + (lr - min)(1 + cos(pi (s - 1) / steps)) / 2, so the minimum is what would come next. */
static void a_cosine_falls_from_lr_to_min_lr(void **state)
{
    (void)state;
    const double pi = acos(-1);
    const clh_train_config c = config_of(CLH_SCHEDULE_COSINE, 0, 50);
    assert_true(clh_learning_rate(&c, 1) == c.lr);
    for (size_t step = 2; step <= c.steps; step++) {
        double rate = clh_learning_rate(&c, step);
        double torch = 0.1 + (0.5 - 0.1) * (1 + cos(pi * (double)(step - 1) / 50)) / 2;
        assert_true(fabs(rate - torch) < 1e-15);
        assert_true(rate < clh_learning_rate(&c, step - 1) && rate > c.min_lr);
    }
    assert_true(fabs(clh_learning_rate(&c, 26) - 0.3) < 1e-15); /* half-way */
    assert_true(clh_learning_rate(&c, c.steps + 1) == c.min_lr);
    assert_true(clh_learning_rate(&c, c.steps + 9) == c.min_lr);
}

static void a_cosine_may_begin_with_a_warm_up(void **state)
{
    (void)state;
    const clh_train_config c = config_of(CLH_SCHEDULE_COSINE, 10, 50);
    for (size_t step = 2; step <= 10; step++)
        assert_true(clh_learning_rate(&c, step) > clh_learning_rate(&c, step - 1));
    assert_true(clh_learning_rate(&c, 10) == c.lr);
    for (size_t step = 11; step <= 51; step++)
        assert_true(clh_learning_rate(&c, step) <= clh_learning_rate(&c, step - 1));
    assert_true(clh_learning_rate(&c, 51) == c.min_lr);
    const clh_train_config all = config_of(CLH_SCHEDULE_COSINE, 50, 50);
    assert_true(clh_learning_rate(&all, 50) == all.lr);
}

/* The notebook: epochs of 97 in batches of 4, the last of 1. */
static void epochs_are_cut_into_batches_and_lose_nothing(void **state)
{
    (void)state;
    const clh_train_config c = config_of(CLH_SCHEDULE_CONSTANT, 0, 500);
    assert_int_equal(clh_plan_samples(&c, 0), 0);
    for (size_t step = 1; step <= 500; step++) {
        size_t size = (size_t)(clh_plan_samples(&c, step) - clh_plan_samples(&c, step - 1));
        assert_int_equal(size, step % 25 == 0 ? 1 : 4);
        assert_int_equal(clh_plan_epoch(&c, step), (step + 24) / 25);
    }
    assert_int_equal(clh_plan_samples(&c, 500), 20 * 97);
    assert_int_equal(clh_plan_epoch(&c, 0), 0);
    clh_train_config large = c;
    large.batch = 1000; /* more than an epoch has: an epoch a step */
    assert_int_equal(clh_plan_samples(&large, 3), 3 * 97);
    assert_int_equal(clh_plan_epoch(&large, 3), 3);
}

static void what_is_kept_and_evaluated_follows_from_the_step(void **state)
{
    (void)state;
    clh_train_config c = config_of(CLH_SCHEDULE_CONSTANT, 0, 50);
    const size_t log_spaced[] = {0, 1, 2, 4, 8, 16, 32, 50};
    c.checkpoint_log = true;
    for (size_t step = 0, k = 0; step <= 50; step++) {
        bool wanted = k < CLH_COUNT(log_spaced) && log_spaced[k] == step;
        assert_int_equal(clh_checkpoint_keeps(&c, step), wanted);
        k += wanted;
    }
    c.checkpoint_log = false;
    for (size_t step = 0; step <= 50;
         step++) /* the untrained model and the last, whatever is set */
        assert_int_equal(clh_checkpoint_keeps(&c, step), step == 0 || step == 50);
    c.checkpoint_every = 20;
    c.eval_every = 15;
    for (size_t step = 0; step <= 50; step++) {
        assert_int_equal(clh_checkpoint_keeps(&c, step), step % 20 == 0 || step == 50);
        assert_false(clh_plan_evaluates(&c, step)); /* nothing to evaluate on */
    }
    c.test_sequences = 5;
    for (size_t step = 0; step <= 50; step++)
        assert_int_equal(clh_plan_evaluates(&c, step), step % 15 == 0 || step == 50);
    c.eval_every = 0;
    assert_false(clh_plan_evaluates(&c, 0));
    assert_true(clh_plan_evaluates(&c, 50));
}

/* What training is said to take before it begins, beside what it then takes at most: a batch so large
 * that its tokens are most of it. The second row goes the general path. */
static void bytes_said_before_are_those_taken(void **state)
{
    static const char *const words[] = {
        "n=2 batch=60000 steps=1 test_sequences=1 d_model=8 d_head=8",
        "n=2 batch=60000 steps=1 test_sequences=1 d_model=8 d_head=8 n_layers=2",
    };
    for (size_t i = 0; i < CLH_COUNT(words); i++) {
        char path[TEMP_PATH_MAX], name[16];
        failing_alloc alloc;
        const clh_run_config config = run_case_config(words[i]);
        const size_t said = clh_train_bytes(&config);
        (void)snprintf(name, sizeof name, "run %zu", i);
        failing_alloc_install(&alloc, 0);
        run_case_train(&config, temp_folder_path(*state, name, path));
        (void)failing_alloc_remove(&alloc);
        assert_int_equal(alloc.bytes, 0);
        assert_true((double)said > 0.95 * (double)alloc.most);
        assert_true((double)said < 1.05 * (double)alloc.most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_rate_is_constant),
        cmocka_unit_test(a_warm_up_rises_evenly_and_stays),
        cmocka_unit_test(a_cosine_falls_from_lr_to_min_lr),
        cmocka_unit_test(a_cosine_may_begin_with_a_warm_up),
        cmocka_unit_test(epochs_are_cut_into_batches_and_lose_nothing),
        cmocka_unit_test(what_is_kept_and_evaluated_follows_from_the_step),
        FOLDER_TEST(bytes_said_before_are_those_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
