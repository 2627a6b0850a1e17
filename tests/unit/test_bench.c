/* What a step costs by convention, and that a benchmark measures what it says. */
#include <math.h>
#include <string.h>

#include "clearhead/bench.h"
#include "clearhead/model.h"
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

/* One that is not there has no time but NaN: backward is a difference of two times. */
static void a_part_is_timed(const clh_bench_timed *p, bool difference)
{
    assert_true(p->operations > 0 && p->bytes > 0);
    if (difference && isnan(p->seconds))
        return;
    assert_true(p->seconds > 0 && p->seconds <= p->seconds_most);
    assert_true(isnan(p->seconds_least) || p->seconds_least <= p->seconds);
}

static void a_step_is_its_parts(void **state)
{
    (void)state;
    clh_run_config config = notebook("2");
    clh_model *model = NULL;
    size_t n;
    assert_int_equal(clh_model_open(&model, &config.model, NULL), CLH_OK);
    (void)clh_model_data(model, &n);
    clh_model_close(model);
    for (int path = CLH_BENCH_BEST; path <= CLH_BENCH_GENERAL; path++) {
        clh_bench_result r;
        assert_int_equal(clh_bench_step(&r, &config, (clh_bench_path)path, 0, NULL, NULL), CLH_OK);
        for (int p = 0; p < CLH_BENCH_PARTS; p++)
            a_part_is_timed(&r.part[p], p == CLH_BENCH_BACKWARD);
        const clh_bench_timed *forward = &r.part[CLH_BENCH_FORWARD];
        const clh_bench_timed *backward = &r.part[CLH_BENCH_BACKWARD];
        assert_true(fabs(forward->operations + backward->operations - r.operations) < 1);
        assert_true(fabs(2 * forward->operations - backward->operations) < 1);
        assert_true(r.part[CLH_BENCH_UPDATE].bytes == 7 * 4.0 * (double)n);
        assert_true(r.part[CLH_BENCH_UPDATE].operations == 17.0 * (double)n);
    }
}

static void memory_limits_what_reads_more_than_it_computes(void **state)
{
    (void)state;
    const clh_bench_timed update = {.operations = 17, .bytes = 28};
    const clh_bench_timed product = {.operations = 1e9, .bytes = 1e6}, nothing = {.operations = 1};
    assert_true(fabs(clh_bench_limit(&update, 1e11, 1e10) - 17.0 / 28 / 10) < 1e-12);
    assert_true(clh_bench_limit(&product, 1e11, 1e10) == 1);
    assert_true(isnan(clh_bench_limit(NULL, 1e11, 1e10)));
    assert_true(isnan(clh_bench_limit(&nothing, 1e11, 1e10)));
    assert_true(isnan(clh_bench_limit(&update, 0, 1e10)));
    assert_true(isnan(clh_bench_limit(&update, 1e11, NAN)));
    assert_string_equal(clh_bench_part_name(CLH_BENCH_UPDATE), "update");
    assert_null(clh_bench_part_name(CLH_BENCH_PARTS));
}

static void the_machine_has_a_speed(void **state)
{
    (void)state;
    double peak = 0;
    assert_int_equal(clh_bench_peak(&peak, NULL, NULL), CLH_OK);
    assert_true(peak > 1e6 && isfinite(peak));
    assert_int_equal(clh_bench_peak(&peak, &(clh_how){1025, NULL}, NULL), CLH_ERANGE);
    double bandwidth = 0;
    assert_int_equal(clh_bench_bandwidth(&bandwidth, &(clh_how){2, NULL}, NULL), CLH_OK);
    assert_true(bandwidth > 1e6 && isfinite(bandwidth));
    assert_int_equal(clh_bench_bandwidth(NULL, NULL, NULL), CLH_EUSAGE);
    assert_int_equal(clh_bench_bandwidth(&bandwidth, &(clh_how){1025, NULL}, NULL), CLH_ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_of_the_notebook),
        cmocka_unit_test(an_mlp_costs_its_two_products),
        cmocka_unit_test(steps_are_timed_on_the_path_asked_for),
        cmocka_unit_test(a_step_is_its_parts),
        cmocka_unit_test(memory_limits_what_reads_more_than_it_computes),
        cmocka_unit_test(the_machine_has_a_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
