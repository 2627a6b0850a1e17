/* A question over seeds: votes counted, spreads in order, whatever the numbers are; seeds that are there
 * are taken, others trained; threads change nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/platform/file.h"
#include "clearhead/ask.h"
#include "clearhead/train.h"
#include "run/settings/run_files.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

enum { SEEDS = 5 };

/* The question asked over `count` seeds of a run of `words`, trained in `folder`; NULL: in memory. */
static clh_result *ask_seeds(const temp_folder *at, const char *words, const char *folder,
                             const char *question, size_t count, size_t threads)
{
    clh_error err = {0};
    clh_subject *subject = NULL;
    clh_result *result = NULL;
    char path[TEMP_PATH_MAX], seeds[TEMP_PATH_MAX];
    const clh_how how = {.threads = threads};
    temp_folder_path(at, "run", path);
    if (!clh_path_exists(path)) {
        const clh_run_config config = run_case_config(words);
        run_case_train(&config, path);
    }
    must(clh_subject_open(&subject, path, &err), &err);
    must(clh_ask_seeds(&result, subject, question, NULL, NULL,
                       folder ? temp_folder_path(at, folder, seeds) : "", count, &how, &err),
         &err);
    clh_subject_close(subject);
    return result;
}

static void votes_are_counted_most_frequent_first(void **state)
{
    clh_result *r =
        ask_seeds(*state, "n=2 steps=1 d_model=8 d_head=4", "seeds", "planted", SEEDS, 2);
    static const char *const paths[] = {"votes.which.that.votes", "votes.which.this.votes",
                                        "votes.which.mostly.votes"};
    for (size_t i = 0; i < 3; i++) /* ties: that of the smaller seed first */
        assert_string_equal(clh_result_path(r, 2 * i), paths[i]);
    assert_true(clh_result_number(r, "votes.which.this.different") == 3);
    assert_true(clh_result_number(r, paths[0]) == 2 && clh_result_number(r, paths[1]) == 2 &&
                clh_result_number(r, paths[2]) == 1);
    assert_string_equal(clh_result_text(r, "votes.which.that.seeds"), "1, 3");
    clh_result_close(r);
}

static void a_spread_leaves_out_what_is_not_there(void **state)
{
    clh_result *r =
        ask_seeds(*state, "n=2 steps=1 d_model=8 d_head=4", "seeds", "planted", SEEDS, 1);
    assert_true(clh_result_number(r, "numbers.value.least") == 1);
    assert_true(clh_result_number(r, "numbers.value.median") == 2.5);
    assert_true(clh_result_number(r, "numbers.value.most") == 4);
    assert_true(clh_result_number(r, "numbers.value.none") == 1);
    assert_true(isnan(clh_result_number(r, "numbers.never.least")));
    assert_true(clh_result_number(r, "numbers.never.none") == SEEDS);
    assert_true(clh_result_number(r, "seeds.2.value") == 1);
    assert_true(isnan(clh_result_number(r, "seeds.1.value")));
    clh_result_close(r);
}

static void assert_same(const clh_result *one, const clh_result *other)
{
    size_t i = 0;
    for (; clh_result_path(one, i); i++) {
        const char *path = clh_result_path(one, i);
        const double x = clh_result_number(one, path), y = clh_result_number(other, path);
        assert_true(x == y || (isnan(x) && isnan(y)));
    }
    assert_true(i > 20 && !clh_result_path(other, i));
}

/* Seeds on three threads are the runs and the numbers of seeds on one; those in memory have the same numbers. */
static void threads_change_nothing(void **state)
{
    static const char words[] = "n=3 steps=20 d_model=16 d_head=8";
    clh_result *one = ask_seeds(*state, words, "a", "heads", 4, 1);
    clh_result *three = ask_seeds(*state, words, "b", "heads", 4, 3);
    clh_result *memory = ask_seeds(*state, words, NULL, "heads", 4, 2);
    char name[32], a[TEMP_PATH_MAX], b[TEMP_PATH_MAX];
    assert_same(one, three);
    assert_same(one, memory);
    assert_int_equal(temp_folder_count(*state), 3); /* the run, a and b */
    assert_non_null(strstr(clh_result_took(memory), "4 seeds, 4 of them trained, in "));
    for (size_t seed = 0; seed < 4; seed++) {
        (void)snprintf(name, sizeof name, "a/seed-%02zu", seed);
        temp_folder_path(*state, name, a);
        (void)snprintf(name, sizeof name, "b/seed-%02zu", seed);
        run_case_assert_same(a, temp_folder_path(*state, name, b));
    }
    assert_true(clh_result_number(one, "seeds.0.induction.0.0.score") !=
                clh_result_number(one, "seeds.1.induction.0.0.score"));
    clh_result_close(memory);
    clh_result_close(three);
    clh_result_close(one);
}

/* What training in memory ends with is what is opened after training into a folder. */
static void a_run_in_memory_is_the_same(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_run *memory = NULL, *kept = NULL;
    const clh_run_config config = run_case_config("n=3 steps=20 d_model=16 d_head=8 seed=3");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    must(clh_run_open(&kept, path, &err), &err);
    must(clh_train_in_memory(&memory, &config, NULL, &err), &err);
    size_t count, other;
    const clh_real *a = clh_model_data(clh_run_model(kept), &count),
                   *b = clh_model_data(clh_run_model(memory), &other);
    assert_int_equal(count, other);
    assert_memory_equal(a, b, count * sizeof *a);
    assert_int_equal(clh_run_step(memory), 20);
    assert_true(clh_run_config_same(clh_run_get_config(memory), clh_run_get_config(kept)));
    assert_string_equal(clh_run_path(memory), "");
    clh_run_close(memory);
    clh_run_close(kept);
}

static bool stop_at_three(const clh_progress *p, void *user)
{
    (void)user;
    return p->step < 3;
}

/* Stopped, or asked for what a folder would have: one line, nothing left. */
static void what_memory_cannot_is_refused(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_run *run = NULL;
    clh_subject *subject = NULL;
    clh_result *result = NULL;
    const clh_run_config config = run_case_config("n=2 steps=5 d_model=8 d_head=4");
    const clh_train_watch watch = {stop_at_three, NULL};
    assert_int_equal(clh_train_in_memory(&run, &config, &watch, &err), CLH_STOPPED);
    assert_string_equal(err.message, "stopped after step 3 of 5");
    assert_null(run);
    run_case_train(&config, temp_folder_path(*state, "run", path));
    must(clh_subject_open(&subject, path, &err), &err);
    assert_int_equal(clh_ask_seeds(&result, subject, "answers", NULL, NULL, "", 2, NULL, &err),
                     CLH_EUSAGE);
    assert_non_null(strstr(err.message, "in the folder of a run"));
    clh_subject_close(subject);
    assert_int_equal(temp_folder_count(*state), 1);
}

static void a_failing_seed_is_named_and_the_others_stay(void **state)
{
    clh_error err = {0};
    clh_subject *subject = NULL;
    clh_result *result = NULL;
    char path[TEMP_PATH_MAX], folder[TEMP_PATH_MAX], seed[TEMP_PATH_MAX];
    clh_run_config config = run_case_config("n=3 steps=2 d_model=16 d_head=8");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    temp_folder_path(*state, "seeds", folder);
    must(clh_folder_make(folder, &err), &err);
    config.seed = 5; /* not that of its place */
    run_case_train(&config, temp_folder_path(*state, "seeds/seed-01", seed));
    must(clh_subject_open(&subject, path, &err), &err);
    assert_int_equal(clh_ask_seeds(&result, subject, "heads", NULL, NULL, folder, 2, NULL, &err),
                     CLH_EBUSY);
    assert_non_null(strstr(err.message, "seed 1: "));
    assert_null(result);
    assert_true(clh_path_exists(temp_folder_path(*state, "seeds/seed-00/model.safetensors", seed)));
    clh_subject_close(subject);
}

/* A seed's run that is there already is taken, whatever its number of threads. */
static void a_run_that_is_there_is_taken(void **state)
{
    clh_error err = {0};
    char path[TEMP_PATH_MAX], folder[TEMP_PATH_MAX], seed[TEMP_PATH_MAX];
    clh_run_config config = run_case_config("n=3 steps=2 d_model=16 d_head=8"), found;
    run_case_train(&config, temp_folder_path(*state, "run", path));
    temp_folder_path(*state, "seeds", folder);
    must(clh_folder_make(folder, &err), &err);
    config.threads = 2;
    run_case_train(&config, temp_folder_path(*state, "seeds/seed-00", seed));
    clh_result *r = ask_seeds(*state, "", "seeds", "heads", 1, 1);
    must(clh_run_config_peek(&found, seed, &err), &err);
    assert_int_equal(found.threads, 2);
    clh_result_close(r);
}

/* Over checkpoints and against another run, too, from nothing but its row. */
static void a_question_of_the_table_combines(void **state)
{
    clh_error err = {0};
    clh_subject *subject = NULL;
    clh_result *r = NULL;
    clh_settings *settings = NULL;
    char path[TEMP_PATH_MAX];
    const clh_run_config config = run_case_config("n=2 steps=2 d_model=8 d_head=4 seed=3");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    must(clh_subject_open(&subject, path, &err), &err);
    must(clh_settings_open(&settings, "planted", &err), &err);
    must(clh_settings_set(settings, "factor", "10", &err), &err);
    must(clh_ask_steps(&r, subject, "planted", settings, "rows.one.double", NULL, NULL, NULL, &err),
         &err);
    for (size_t i = 0; i < 3; i++)
        assert_true(clh_result_number(r, clh_result_path(r, i)) == 60);
    assert_string_equal(clh_result_path(r, 2), "steps.2.rows.one.double");
    clh_result_close(r);
    r = NULL;
    must(clh_ask_against(&r, subject, subject, "planted", settings, NULL, NULL, &err), &err);
    assert_true(clh_result_number(r, "value.this") == 30);
    assert_true(clh_result_number(r, "value.difference") == 0);
    assert_string_equal(clh_result_text(r, "answers.which.other"), "that");
    clh_result_close(r);
    clh_settings_close(settings);
    clh_subject_close(subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(votes_are_counted_most_frequent_first),
        FOLDER_TEST(a_spread_leaves_out_what_is_not_there),
        FOLDER_TEST(threads_change_nothing),
        FOLDER_TEST(a_run_in_memory_is_the_same),
        FOLDER_TEST(what_memory_cannot_is_refused),
        FOLDER_TEST(a_run_that_is_there_is_taken),
        FOLDER_TEST(a_failing_seed_is_named_and_the_others_stay),
        FOLDER_TEST(a_question_of_the_table_combines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
