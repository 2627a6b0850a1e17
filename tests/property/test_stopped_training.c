/* Training stopped at any point, in the middle of an evaluation too, keeps what was done: gone on with
 * it is the run that nobody stopped. An evaluation of its own stops likewise. */
#include <stdio.h>

#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/run_case.h"
#include "support/stopping.h"

/* 700 held-out sequences of 26 tokens are evaluated in three parts. */
static const char words[] =
    "n=3 steps=6 eval_every=3 test_sequences=700 d_model=8 d_head=4 checkpoint_every=4";

/* Says stop at call `at`; 0: never. */
typedef struct watcher {
    size_t calls, at;
} watcher;

static bool count_calls(const clh_progress *progress, void *user)
{
    watcher *w = user;
    assert_true(progress->step <= progress->steps);
    return ++w->calls != w->at;
}

/* Trains, or goes on; how many calls there were, stopped at call `at`. */
static clh_status go(const clh_run_config *config, const char *path, bool resumes, watcher *w)
{
    const clh_train_watch watch = {count_calls, w};
    clh_error err = {0};
    failing_alloc alloc;
    failing_alloc_install(&alloc, 0);
    const clh_status status = resumes ? clh_train_resume(path, config->threads, &watch, &err)
                                      : clh_train(config, path, &watch, &err);
    (void)failing_alloc_remove(&alloc);
    assert_int_equal(alloc.live, 0);
    if (status && status != CLH_STOPPED)
        fail_msg("stopped at call %zu: %s", w->at, err.message);
    return status;
}

static size_t train_unstopped(void **state, clh_run_config *config, char whole[TEMP_PATH_MAX])
{
    watcher w = {0};
    *config = run_case_config(words);
    assert_int_equal(go(config, temp_folder_path(*state, "whole", whole), false, &w), CLH_OK);
    return w.calls;
}

static void a_run_stopped_anywhere_goes_on_as_if_it_were_not(void **state)
{
    char whole[TEMP_PATH_MAX], path[TEMP_PATH_MAX], name[32];
    clh_run_config config;
    const size_t calls = train_unstopped(state, &config, whole);
    assert_int_equal(calls, 7 + 3 * 2); /* steps 0 to 6; three evaluations, each told of midway */
    for (size_t threads = 1; threads <= 2; threads++)
        for (size_t at = 1; at <= calls; at++) {
            watcher w = {.at = at}, rest = {0};
            config.threads = threads;
            (void)snprintf(name, sizeof name, "stopped-%zu-%zu", threads, at);
            (void)temp_folder_path(*state, name, path);
            const clh_status status = go(&config, path, false, &w);
            assert_int_equal(status, at == calls ? CLH_OK : CLH_STOPPED); /* nothing is left */
            assert_int_equal(w.calls, at);
            run_case_assert_tidy(path);
            assert_int_equal(go(&config, path, true, &rest), CLH_OK);
            run_case_assert_same(whole, path);
        }
}

static void a_run_stopped_again_and_again_ends_the_same(void **state)
{
    char whole[TEMP_PATH_MAX], path[TEMP_PATH_MAX];
    clh_run_config config;
    size_t stops = 0;
    (void)train_unstopped(state, &config, whole);
    (void)temp_folder_path(*state, "again", path);
    clh_status status = CLH_STOPPED;
    for (; status == CLH_STOPPED; stops++) { /* the third call: what is done midway is done again */
        watcher w = {.at = 3};
        assert_true(stops < 20);
        status = go(&config, path, stops > 0, &w);
        run_case_assert_tidy(path);
    }
    assert_true(stops > 4);
    run_case_assert_same(whole, path);
}

enum { EVALUATED = 700 };

static clh_status evaluate(void *context, stopping *s, clh_error *err)
{
    const stopping_world *w = context;
    clh_evaluation e = {0};
    clh_status status =
        clh_evaluate(&e, w->model, clh_run_task(w->run), CLH_SPLIT_TEST, 0, EVALUATED, s->how, err);
    if (!status) {
        stopping_note(s, &e.loss, sizeof e.loss);
        stopping_note(s, e.loss_per_position, e.positions * sizeof *e.loss_per_position);
    }
    clh_evaluation_deinit(&e);
    return status;
}

/* The notebook's run, with a long evaluation now and then. */
static bool pass_on(const clh_progress *progress, void *user)
{
    return clh_watch_call(user, progress->step, progress->steps);
}

static clh_status train(void *context, stopping *s, clh_error *err)
{
    char path[TEMP_PATH_MAX], name[32];
    const stopping_world *w = context;
    static size_t count;
    const clh_train_watch watch = {pass_on, (void *)s->how->watch};
    clh_run_config config = run_case_config("n=4 steps=120 eval_every=40 test_sequences=1500");
    config.threads = s->how->threads;
    (void)snprintf(name, sizeof name, "timed-%zu", count++);
    return clh_train(&config, temp_folder_path(w->folder, name, path), &watch, err);
}

static void evaluation_and_training_stop(void **state)
{
    void *world;
    (void)state;
    assert_int_equal(stopping_world_setup(&world), 0);
    stopping_check(evaluate, world, true);
    /* after each 67 sequences of an evaluation, 8192 tokens; four are in a training of 120 steps */
    assert_true(stopping_looks(evaluate, world) >= EVALUATED / 67);
    assert_true(stopping_looks(train, world) >= 120 + 4 * (1500 / 67));
    assert_int_equal(stopping_world_teardown(&world), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_run_stopped_anywhere_goes_on_as_if_it_were_not),
        FOLDER_TEST(a_run_stopped_again_and_again_ends_the_same),
        cmocka_unit_test(evaluation_and_training_stop),
    };
    return cmocka_run_group_tests_name("stopped training", tests, NULL, NULL);
}
