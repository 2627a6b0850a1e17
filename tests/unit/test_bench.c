/* What a step costs by convention, and that a benchmark measures what it says. */
#include <math.h>
#include <string.h>

#include "clearhead/bench.h"
#include "clearhead/run_config.h"
#include "support/cmocka_all.h"

static clh_run_config notebook(const char *n)
{
    clh_run_layer all, line;
    clh_run_config config;
    clh_run_layer_default(&all);
    clh_run_layer_init(&line);
    assert_int_equal(clh_run_layer_set(&line, "n", n, NULL), CLH_OK);
    clh_run_layer_apply(&all, &line);
    assert_int_equal(clh_run_config_open(&config, NULL, &all, NULL), CLH_OK);
    return config;
}

/* 3 (2 (4 D A + 2 A (T + 1)/2) + 2 D V) for each of 4 T tokens: the counts the targets are stated
 * in. */
static void operations_of_the_notebook(void **state)
{
    (void)state;
    clh_run_config four = notebook("4"), five = notebook("5");
    assert_true(fabs(clh_bench_operations(&four.model, 4, 122) - 143.4e6) < 0.05e6);
    assert_true(fabs(clh_bench_operations(&five.model, 4, 722) - 1513.8e6) < 0.05e6);
}

static void an_mlp_costs_its_two_products(void **state)
{
    (void)state;
    clh_model_config c = notebook("3").model;
    double without = clh_bench_operations(&c, 2, 26);
    c.attn_only = false;
    c.d_mlp = 100;
    assert_true(fabs(clh_bench_operations(&c, 2, 26) - without - 3.0 * 2 * 26 * 4 * 128 * 100) < 1);
}

static void steps_are_timed_on_the_path_asked_for(void **state)
{
    (void)state;
    clh_run_config config = notebook("2");
    clh_bench_result best, general;
    assert_int_equal(clh_bench_step(&best, &config, CLH_BENCH_BEST, 0, NULL, NULL), CLH_OK);
    assert_int_equal(
        clh_bench_step(&general, &config, CLH_BENCH_GENERAL, 0, &(clh_how){2, NULL}, NULL), CLH_OK);
    assert_true(strcmp(best.backend, "fused") == 0 && strcmp(general.backend, "general") == 0);
    assert_true(best.seconds_least > 0 && best.seconds_least <= best.seconds);
    assert_true(best.seconds <= best.seconds_most && best.rounds >= 3);
    assert_true(best.operations == general.operations);
    assert_true(best.peak_at_clock > 1e6 && isfinite(best.peak_at_clock));
    assert_true(general.peak_at_clock > 1e6 && isfinite(general.peak_at_clock));
}

static void the_machine_has_a_speed(void **state)
{
    (void)state;
    double peak = 0;
    assert_int_equal(clh_bench_peak(&peak, NULL, NULL), CLH_OK);
    assert_true(peak > 1e6 && isfinite(peak));
    assert_int_equal(clh_bench_peak(&peak, &(clh_how){1025, NULL}, NULL), CLH_ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_of_the_notebook),
        cmocka_unit_test(an_mlp_costs_its_two_products),
        cmocka_unit_test(steps_are_timed_on_the_path_asked_for),
        cmocka_unit_test(the_machine_has_a_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
