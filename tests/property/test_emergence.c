/* Swaps between a checkpoint and the final weights are what they say; at the last step all are the
 * final model itself. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/keys.h"
#include "clearhead/emergence.h"
#include "clearhead/permutations.h"
#include "clearhead/run.h"
#include "run/folder/checkpoint.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

enum { COUNT = 5, STEPS = 12 };

static char folder[TEMP_PATH_MAX];

static int make_run(void **state)
{
    if (temp_folder_setup(state))
        return 1;
    (void)temp_folder_path(*state, "run", folder);
    const clh_run_config config =
        run_case_config("n=3 steps=12 d_model=16 d_head=8 n_layers=2 checkpoint_every=5");
    run_case_train(&config, folder);
    return 0;
}

static clh_emergence emerge(const clh_run *run, clh_sample *sample, size_t threads)
{
    clh_error err = {0};
    clh_emergence e = {0};
    must(clh_sample_draw(sample, clh_run_task(run), CLH_SPLIT_TEST, 0, COUNT, &err), &err);
    must(clh_emergence_run(&e, folder, CLH_LAST, sample, &(clh_how){threads, NULL}, &err), &err);
    return e;
}

static void rows_are_the_checkpoints(void **state)
{
    (void)state;
    static const size_t steps[] = {0, 1, 2, 4, 5, 8, 10, STEPS};
    clh_error err = {0};
    clh_run *run = NULL;
    clh_sample sample = {0};
    must(clh_run_open(&run, folder, &err), &err);
    clh_emergence e = emerge(run, &sample, 1);
    assert_int_equal(e.count, CLH_COUNT(steps));
    for (size_t i = 0; i < e.count; i++) {
        clh_measure plain = {0};
        assert_int_equal(e.row[i].step, steps[i]);
        char *path = clh_checkpoint_path(folder, steps[i], &err);
        clh_model *model = NULL;
        must(clh_model_open(&model, clh_model_get_config(clh_run_model(run)), &err), &err);
        must(clh_model_load(model, path, &err), &err);
        must(clh_measure_run(&plain, model, &sample, NULL, NULL, &err), &err);
        assert_memory_equal(&plain.total, &e.row[i].tally[CLH_SWAP_NONE], sizeof plain.total);
        clh_measure_deinit(&plain);
        clh_model_close(model);
        clh_free(path);
    }
    for (int k = 0; k < CLH_SWAPS; k++) /* the last checkpoint is the final model */
        assert_memory_equal(&e.row[e.count - 1].tally[k], &e.row[e.count - 1].tally[0],
                            sizeof(clh_tally));
    clh_emergence_deinit(&e);
    clh_sample_deinit(&sample);
    clh_run_close(run);
}

/* Each swap against a model put together here, parameter by parameter. */
static void swaps_take_what_they_say(void **state)
{
    (void)state;
    static const struct {
        clh_swap swap;
        bool final;
        const char *parts;
    } rows[] = {{CLH_SWAP_QK_THEN, true, "W_Q b_Q W_K b_K"},
                {CLH_SWAP_OV_THEN, true, "W_V b_V W_O b_O"},
                {CLH_SWAP_QK_LAST, false, "W_Q b_Q W_K b_K"},
                {CLH_SWAP_OV_LAST, false, "W_V b_V W_O b_O"}};
    clh_error err = {0};
    clh_run *home = NULL, *run = NULL, *then = NULL;
    clh_sample sample = {0};
    must(clh_run_open(&home, folder, &err), &err);
    clh_emergence e = emerge(home, &sample, 2);
    for (size_t r = 0; r < CLH_COUNT(rows); r++) {
        clh_measure m = {0};
        char *path = clh_checkpoint_path(folder, 0, &err);
        must(clh_run_open(&then, path, &err), &err);
        must(clh_run_open(&run, folder, &err), &err);
        clh_model *base = clh_run_model(rows[r].final ? run : then);
        const clh_model *giver = clh_run_model(rows[r].final ? then : run);
        for (size_t i = 0; i < clh_model_tensor_count(base); i++) {
            const clh_tensor to = clh_model_tensor(base, i), from = clh_model_tensor(giver, i);
            if (clh_word_in(rows[r].parts, ' ', strrchr(to.name, '.') + 1))
                memcpy(to.data, from.data, clh_tensor_count(&to) * sizeof *to.data);
        }
        must(clh_measure_run(&m, base, &sample, NULL, NULL, &err), &err);
        assert_memory_equal(&m.total, &e.row[0].tally[rows[r].swap], sizeof m.total);
        assert_true(m.total.loss != e.row[0].tally[CLH_SWAP_NONE].loss);
        clh_measure_deinit(&m);
        clh_run_close(then);
        clh_run_close(run);
        clh_free(path);
    }
    clh_emergence_deinit(&e);
    clh_sample_deinit(&sample);
    clh_run_close(home);
}

static void from_is_where_it_stays(void **state)
{
    (void)state;
    clh_emergence_row rows[4] = {{.step = 0}, {.step = 5}, {.step = 6}, {.step = 9}};
    const clh_emergence e = {rows, 4};
    static const size_t right[] = {9, 10, 8, 10};
    for (size_t i = 0; i < 4; i++) {
        rows[i].tally[0].count = 10;
        rows[i].tally[0].correct = right[i];
    }
    assert_int_equal(clh_emergence_from(&e, CLH_SWAP_NONE, CLH_RATIO_ACCURACY, 0.95), 3);
    assert_int_equal(clh_emergence_from(&e, CLH_SWAP_NONE, CLH_RATIO_ACCURACY, 0.8), 0);
    assert_int_equal(clh_emergence_from(&e, CLH_SWAP_NONE, CLH_RATIO_ACCURACY, 1.1), 4);
    assert_int_equal(clh_emergence_from(&e, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_LETTER), 0),
                     4); /* NaN */
}

static void no_checkpoints_is_said(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_emergence e = {0};
    clh_sample sample = {0};
    uint32_t ids[] = {0, 1, 3};
    must(clh_sample_given(&sample, &(clh_tokens){ids, 1, 3}, 1, &err), &err);
    assert_int_equal(clh_emergence_run(&e, "/nowhere", CLH_LAST, &sample, NULL, &err), CLH_EINPUT);
    assert_string_equal(err.message, "/nowhere is no run folder, want one with its checkpoints");
    clh_sample_deinit(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_checkpoints),
        cmocka_unit_test(swaps_take_what_they_say),
        cmocka_unit_test(from_is_where_it_stays),
        cmocka_unit_test(no_checkpoints_is_said),
    };
    return cmocka_run_group_tests(tests, make_run, temp_folder_teardown);
}
