/* Samples are the task's draws, or the tokens given, and hold what counts in each. */
#include <string.h>

#include "base/base.h"
#include "clearhead/sample.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/task_of.h"

static void draws_are_the_tasks(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_task *task = task_of("n=2,3");
    clh_sample sample = {0};
    uint32_t ids[26];
    must(clh_sample_draw(&sample, task, CLH_SPLIT_TRAIN, 5, 9, &err), &err);
    assert_int_equal(sample.stride, 26);
    for (size_t i = 0; i < 9; i++) {
        clh_sequence want = {.tokens = ids, .capacity = CLH_COUNT(ids)};
        must(clh_task_draw(task, CLH_SPLIT_TRAIN, 5 + i, &want, &err), &err);
        const clh_tokens got = clh_sample_tokens(&sample, i);
        assert_int_equal(got.batch, 1);
        assert_int_equal(got.pos, want.length);
        assert_int_equal(sample.first_scored[i], want.first_scored);
        assert_memory_equal(got.ids, ids, want.length * sizeof *ids);
        for (size_t j = want.length; j < sample.stride; j++)
            assert_int_equal(sample.ids[i * sample.stride + j], 0);
    }
    clh_sample_deinit(&sample);
    assert_int_equal(clh_sample_draw(&sample, task, CLH_SPLIT_TRAIN, 0, 0, &err), CLH_ERANGE);
    assert_null(sample.ids);
    clh_task_close(task);
}

static void given_tokens_are_copied(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_sample sample = {0};
    uint32_t ids[] = {0, 1, 2, 3, 4, 5};
    must(clh_sample_given(&sample, &(clh_tokens){ids, 2, 3}, 1, &err), &err);
    ids[4] = 9;
    assert_int_equal(clh_sample_tokens(&sample, 1).ids[1], 4);
    assert_int_equal(sample.length[1], 3);
    assert_int_equal(sample.first_scored[1], 1);
    clh_sample_deinit(&sample);
    assert_int_equal(clh_sample_given(&sample, &(clh_tokens){ids, 0, 3}, 1, &err), CLH_ESHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_the_tasks),
        cmocka_unit_test(given_tokens_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
