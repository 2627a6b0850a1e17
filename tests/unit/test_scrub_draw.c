/* Sequences that agree are drawn uniformly, however rare they are. */
#include <math.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "lens/paths/scrub_parts.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

enum { COUNT = 300, LENGTH = 3, VOCAB = COUNT + 1, DRAWS = 3000 };

/* Sequence i begins with token i, but 40, 170 and 299 begin with one token of their own; the second
 * token is i / 150. */
static clh_sample sample_make(void)
{
    clh_error err = {0};
    clh_sample sample = {0};
    uint32_t ids[COUNT * LENGTH];
    for (size_t i = 0; i < COUNT; i++) {
        const bool rare = i == 40 || i == 170 || i == 299;
        ids[i * LENGTH] = (uint32_t)(rare ? COUNT : i);
        ids[i * LENGTH + 1] = (uint32_t)(i / 150);
        ids[i * LENGTH + 2] = 0;
    }
    must(clh_sample_given(&sample, &(clh_tokens){ids, COUNT, LENGTH}, 1, &err), &err);
    return sample;
}

/* How often each sequence is drawn for `index`. */
static void count_draws(size_t drawn[COUNT], const clh_scrub_rule *rule, size_t index, size_t row)
{
    clh_error err = {0};
    clh_sample sample = sample_make();
    clh_scrub_levels levels = {0};
    must(clh_scrub_levels_make(&levels, &sample, VOCAB, 7, &err), &err);
    for (size_t i = 0; i < COUNT; i++)
        drawn[i] = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        clh_scrub_dice dice = {.chain = i};
        drawn[clh_scrub_draw(&levels, rule, index, row, &dice)]++;
    }
    clh_scrub_levels_deinit(&levels);
    clh_sample_deinit(&sample);
}

/* 64 throws miss three of 300 half of the time. Of 3,000 draws each is 1,000, with a standard
 * deviation of 26: 870 to 1,130 is five of them to either side. */
static void check_rare(const clh_scrub_rule *rule, size_t row)
{
    static const size_t rare[] = {40, 170, 299};
    size_t drawn[COUNT];
    for (size_t k = 0; k < CLH_COUNT(rare); k++) {
        count_draws(drawn, rule, rare[k], row);
        for (size_t i = 0; i < CLH_COUNT(rare); i++)
            assert_in_range(drawn[rare[i]], 870, 1130);
    }
    count_draws(drawn, rule, 41, row); /* none but itself */
    assert_int_equal(drawn[41], DRAWS);
}

static void rare_ones_are_drawn_as_often_as_each_other(void **state)
{
    (void)state;
    const clh_scrub_rule rows = {"embed", "*", CLH_AGREE_TOKEN, {0}, 0},
                         first = {"*", "*", CLH_AGREE_TOKEN, {0}, 1},
                         counted = {"*", "*", CLH_AGREE_TOKEN, {2, -3}, 2};
    check_rare(&rows, 0);
    check_rare(&first, 2); /* the row is that of rules by rows alone */
    check_rare(&counted, 2);
}

static void half_of_them_agree_in_the_second_token(void **state)
{
    (void)state;
    const clh_scrub_rule rule = {"*", "*", CLH_AGREE_TOKEN, {1}, 1};
    size_t drawn[COUNT], low = 0;
    count_draws(drawn, &rule, 149, 0);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(i < 150 || drawn[i] == 0);
        low += i < 150 && drawn[i] == 0;
    }
    assert_int_equal(low, 0); /* 20 of each are wanted: none is left out */
}

/* Whatever the sequence; and the sequence itself. */
static void nothing_takes_any_and_all_takes_itself(void **state)
{
    (void)state;
    const clh_scrub_rule nothing = {"*", "*", CLH_AGREE_NOTHING, {0}, 0},
                         all = {"*", "*", CLH_AGREE_ALL, {0}, 0};
    size_t drawn[COUNT], low = 0;
    count_draws(drawn, &nothing, 5, 0);
    for (size_t i = 0; i < COUNT / 2; i++)
        low += drawn[i];
    assert_in_range(low, DRAWS / 2 - 137, DRAWS / 2 + 137); /* five standard deviations */
    count_draws(drawn, &all, 5, 0);
    assert_int_equal(drawn[5], DRAWS);
}

/* Where nothing is scrubbed every resample recovers all, so one of them is the whole interval. */
static void one_resample_is_an_interval(void **state)
{
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};
    clh_scrub *scrub = NULL;
    clh_scrub_result result = {0};
    char path[TEMP_PATH_MAX];
    size_t presets = 0;
    const clh_run_config config = run_case_config("n=3 steps=60 d_model=16 d_head=8");
    run_case_train(&config, temp_folder_path(*state, "run", path));
    must(clh_run_open(&run, path, &err), &err);
    must(clh_sample_draw(&sample, clh_run_task(run), CLH_SPLIT_TEST, 0, 20, &err), &err);
    must(clh_scrub_open(&scrub, clh_run_model(run), &sample, 3, NULL, &err), &err);
    must(clh_scrub_try(scrub, &clh_hypothesis_presets(&presets)[0], 1, 0.95, NULL, &result, &err),
         &err);
    assert_true(result.recovered.value == 1);
    assert_true(result.recovered.low == 1 && result.recovered.high == 1);
    clh_scrub_result_deinit(&result);
    clh_scrub_close(scrub);
    clh_sample_deinit(&sample);
    clh_run_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rare_ones_are_drawn_as_often_as_each_other),
        cmocka_unit_test(half_of_them_agree_in_the_second_token),
        cmocka_unit_test(nothing_takes_any_and_all_takes_itself),
        FOLDER_TEST(one_resample_is_an_interval),
    };
    return cmocka_run_group_tests_name("scrub_draw", tests, NULL, NULL);
}
