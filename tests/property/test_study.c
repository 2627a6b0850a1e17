/* What a study says of its seeds: votes counted, spreads in order, whatever the numbers are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/study.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

enum { SEEDS = 5 };

static double plain_loss(const clh_answers *a)
{
    return a->plain.loss;
}

static void votes_are_counted_most_frequent_first(void **state)
{
    (void)state;
    /* accuracy with position only: mostly, by position twice, by token only later */
    static const double position[SEEDS] = {0.95, 1, 0.2, 1, 0.2}, token[SEEDS] = {0, 0, 1, 0, 1};
    clh_answers answers[SEEDS] = {{0}};
    clh_vote votes[SEEDS];
    const clh_study study = {.seeds = SEEDS, .answers = answers};
    for (size_t i = 0; i < SEEDS; i++) {
        answers[i].plain.accuracy = 1;
        answers[i].qk_position.accuracy = position[i];
        answers[i].qk_token.accuracy = token[i];
    }
    assert_int_equal(clh_study_votes(&study, CLH_QUESTION_QK, votes), 3);
    assert_string_equal(votes[0].verdict, "by position");
    assert_int_equal(votes[0].count, 2);
    assert_int_equal(votes[0].first, 1);
    assert_string_equal(votes[1].verdict, "by token");
    assert_int_equal(votes[1].count, 2);
    assert_string_equal(votes[2].verdict, "mostly by position");
    assert_int_equal(votes[2].first, 0);
}

static void a_spread_leaves_out_what_is_not_there(void **state)
{
    (void)state;
    static const double loss[SEEDS] = {4, NAN, 1, 3, 2};
    clh_error err = {0};
    clh_answers answers[SEEDS] = {{0}};
    clh_spread spread;
    clh_study study = {.seeds = SEEDS, .answers = answers};
    const clh_answers_number number = {"loss", "loss", 2, plain_loss};
    for (size_t i = 0; i < SEEDS; i++)
        answers[i].plain.loss = loss[i];
    must(clh_study_spread(&spread, &study, &number, &err), &err);
    assert_true(spread.least == 1 && spread.median == 2.5 && spread.most == 4);
    assert_int_equal(spread.none, 1);
    study.seeds = 1;
    must(clh_study_spread(&spread, &study, &number, &err), &err);
    assert_true(spread.least == 4 && spread.median == 4 && spread.most == 4 && spread.none == 0);
    answers[0].plain.loss = NAN;
    must(clh_study_spread(&spread, &study, &number, &err), &err);
    assert_true(isnan(spread.least) && isnan(spread.median) && spread.none == 1);
}

/* Seeds on three threads are the runs and the answers of seeds on one. */
static void threads_change_nothing(void **state)
{
    clh_error err = {0};
    clh_study one = {0}, three = {0};
    char path[TEMP_PATH_MAX], a[TEMP_PATH_MAX], b[TEMP_PATH_MAX];
    const clh_run_config config = run_case_config("n=3 steps=20 d_model=16 d_head=8");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    clh_study_ask ask = {.seeds = 4, .count = 10, .threads = 1};
    must(clh_study_run(&one, path, temp_folder_path(*state, "a", a), &ask, NULL, &err), &err);
    ask.threads = 3;
    must(clh_study_run(&three, path, temp_folder_path(*state, "b", b), &ask, NULL, &err), &err);
    size_t count = 0;
    const clh_answers_number *numbers = clh_answers_numbers(&count);
    for (size_t seed = 0; seed < ask.seeds; seed++) {
        char name[32];
        for (size_t i = 0; i < count; i++) {
            const double x = numbers[i].get(&one.answers[seed]);
            const double y = numbers[i].get(&three.answers[seed]);
            assert_true(x == y || (isnan(x) && isnan(y)));
        }
        (void)snprintf(name, sizeof name, "a/seed-%02zu", seed);
        temp_folder_path(*state, name, a);
        (void)snprintf(name, sizeof name, "b/seed-%02zu", seed);
        run_case_assert_same(a, temp_folder_path(*state, name, b));
    }
    assert_true(one.answers[0].plain.loss != one.answers[1].plain.loss);
    clh_study_deinit(&three);
    clh_study_deinit(&one);
}

static void a_failing_seed_is_named_and_the_others_stay(void **state)
{
    clh_error err = {0};
    clh_study study = {0};
    char path[TEMP_PATH_MAX], folder[TEMP_PATH_MAX], seed[TEMP_PATH_MAX];
    clh_run_config config = run_case_config("n=3 steps=2 d_model=16 d_head=8");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    temp_folder_path(*state, "seeds", folder);
    must(clh_folder_make(folder, &err), &err);
    config.seed = 5; /* not that of its place */
    run_case_train(&config, temp_folder_path(*state, "seeds/seed-01", seed));
    const clh_study_ask ask = {.seeds = 2, .count = 5, .threads = 1};
    assert_int_equal(clh_study_run(&study, path, folder, &ask, NULL, &err), CLH_EBUSY);
    assert_non_null(strstr(err.message, "seed 1: "));
    assert_null(study.answers);
    assert_true(clh_path_exists(temp_folder_path(*state, "seeds/seed-00/model.safetensors", seed)));
}

/* A seed's run that is there already is taken, whatever its number of threads. */
static void a_run_that_is_there_is_taken(void **state)
{
    clh_error err = {0};
    clh_study study = {0};
    char path[TEMP_PATH_MAX], folder[TEMP_PATH_MAX], seed[TEMP_PATH_MAX];
    clh_run_config config = run_case_config("n=3 steps=2 d_model=16 d_head=8");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    temp_folder_path(*state, "seeds", folder);
    must(clh_folder_make(folder, &err), &err);
    config.threads = 2;
    run_case_train(&config, temp_folder_path(*state, "seeds/seed-00", seed));
    const clh_study_ask ask = {.seeds = 1, .count = 5, .threads = 1};
    must(clh_study_run(&study, path, folder, &ask, NULL, &err), &err);
    clh_run_config found;
    must(clh_run_config_peek(&found, seed, &err), &err);
    assert_int_equal(found.threads, 2);
    clh_study_deinit(&study);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_are_counted_most_frequent_first),
        cmocka_unit_test(a_spread_leaves_out_what_is_not_there),
        FOLDER_TEST(threads_change_nothing),
        FOLDER_TEST(a_run_that_is_there_is_taken),
        FOLDER_TEST(a_failing_seed_is_named_and_the_others_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
