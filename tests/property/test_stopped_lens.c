/* What looks at a model over a sample stops when it is told to. */
#include "clearhead/attention.h"
#include "clearhead/heads.h"
#include "support/cmocka_all.h"
#include "support/stopping.h"

/* On how many sequences. */
typedef struct asked {
    const stopping_world *world;
    const clh_sample *sample;
} asked;

static clh_status look(void *context, stopping *s, clh_error *err)
{
    const asked *a = context;
    const clh_attention_ask ask = {.seed = 7};
    clh_attention_report r = {0};
    clh_status status = clh_attention_look(&r, a->world->model, a->sample, &ask, s->how, err);
    if (!status) {
        stopping_note(s, &r.scores, sizeof r.scores);
        stopping_note(s, r.memory, (2 + CLH_CUES) * r.rows * sizeof *r.memory);
        stopping_note(s, r.slot, sizeof r.slot);
    }
    clh_attention_deinit(&r);
    return status;
}

static clh_status detect(void *context, stopping *s, clh_error *err)
{
    const asked *a = context;
    const clh_detect_options options = {.measure = CLH_DETECT_MUL};
    clh_detection d = {0};
    clh_status status =
        clh_heads_detect(&d, a->world->model, a->sample, NULL, &options, s->how, err);
    if (!status)
        stopping_note(s, d.score, (CLH_DETECTS + 1) * d.n_layers * d.n_heads * sizeof *d.score);
    clh_detection_deinit(&d);
    return status;
}

static void check(void **state, stopping_work *work)
{
    const stopping_world *w = *state;
    stopping_check(work, &(asked){w, &w->few});
    stopping_in_time(work, &(asked){w, &w->many}, 50);
}

static void looking_at_a_head_stops(void **state)
{
    check(state, look);
}

static void detecting_heads_stops(void **state)
{
    check(state, detect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_at_a_head_stops),
        cmocka_unit_test(detecting_heads_stops),
    };
    return cmocka_run_group_tests_name("stopped lens", tests, stopping_world_setup,
                                       stopping_world_teardown);
}
