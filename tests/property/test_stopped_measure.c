/* Measures and their intervals stop when they are told to. */
#include "base/stop.h"
#include "clearhead/measure.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/stopping.h"

/* On how many sequences. */
typedef struct asked {
    const stopping_world *world;
    const clh_sample *sample;
} asked;

static clh_status measure(void *context, stopping *s, clh_error *err)
{
    const asked *a = context;
    clh_measure m = {0};
    clh_status status = clh_measure_run(&m, a->world->model, a->sample, NULL, s->how, err);
    if (!status)
        stopping_note(s, &m.total, sizeof m.total);
    clh_measure_deinit(&m);
    return status;
}

/* A measure made before. */
typedef struct measured {
    clh_measure measure;
    size_t sequences;
} measured;

static clh_status intervals(void *context, stopping *s, clh_error *err)
{
    const measured *m = context;
    clh_interval out[CLH_RATIOS], one;
    clh_status status = clh_measure_intervals(out, &m->measure, m->sequences, 1000, 0.95, 3,
                                              clh_how_watch(s->how), err);
    if (!status)
        stopping_note(s, out, sizeof out);
    if (!status)
        status = clh_measure_interval(&one, &m->measure, m->sequences, CLH_RATIO_LOSS, 10, 0.95, 3,
                                      clh_how_watch(s->how), err);
    if (!status)
        stopping_note(s, &one, sizeof one);
    return status;
}

static void intervals_stop(void **state)
{
    const stopping_world *w = *state;
    clh_error err = {0};
    measured m = {.sequences = w->many.count};
    must(clh_measure_run(&m.measure, w->model, &w->many, NULL, NULL, &err), &err);
    stopping_check(intervals, &m, true);
    assert_true(stopping_looks(intervals, &m) >= 1000); /* resamples */
    clh_measure_deinit(&m.measure);
}

static void a_measure_stops(void **state)
{
    const stopping_world *w = *state;
    stopping_check(measure, &(asked){w, &w->few}, true);
    assert_true(stopping_looks(measure, &(asked){w, &w->many}) >= w->many.count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_measure_stops),
        cmocka_unit_test(intervals_stop),
    };
    return cmocka_run_group_tests_name("stopped measure", tests, stopping_world_setup,
                                       stopping_world_teardown);
}
