/* What looks at a model over a sample stops when it is told to. */
#include "base/stop.h"
#include "clearhead/attention.h"
#include "clearhead/box.h"
#include "clearhead/causal.h"
#include "clearhead/circuit.h"
#include "clearhead/emergence.h"
#include "clearhead/heads.h"
#include "clearhead/path.h"
#include "clearhead/scrub.h"
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

static clh_status emerge(void *context, stopping *s, clh_error *err)
{
    const asked *a = context;
    clh_emergence e = {0};
    clh_status status = clh_emergence_run(&e, a->world->path, CLH_LAST, a->sample, s->how, err);
    if (!status)
        stopping_note(s, e.row, e.count * sizeof *e.row);
    clh_emergence_deinit(&e);
    return status;
}

static clh_status intervene(void *context, stopping *s, clh_error *err)
{
    const asked *a = context;
    const clh_watch *watch = clh_how_watch(s->how);
    clh_causal *causal = NULL;
    clh_causal_result r = {0};
    clh_causal_row row[CLH_INTERVENTIONS];
    clh_status status = clh_causal_open(&causal, a->world->model, a->sample, 3, s->how, err);
    if (!status)
        status = clh_causal_run(&r, causal, a->sample, s->how, err);
    if (!status)
        status = clh_causal_rows(row, &r, 100, 0.95, 3, watch, err);
    if (!status)
        stopping_note(s, row, sizeof row);
    clh_causal_result_deinit(&r);
    clh_causal_close(causal);
    return status;
}

static clh_status scrub(void *context, stopping *s, clh_error *err)
{
    const asked *a = context;
    size_t presets;
    clh_scrub *scrub = NULL;
    clh_scrub_result r = {0};
    const clh_hypothesis *all = clh_hypothesis_presets(&presets);
    clh_status status = clh_scrub_open(&scrub, a->world->model, a->sample, 3, s->how, err);
    for (size_t i = 0; i < presets && !status; i++) {
        status = clh_scrub_try(scrub, &all[i], 200, 0.95, clh_how_watch(s->how), &r, err);
        if (!status) {
            stopping_note(s, &r.recovered, sizeof r.recovered);
            stopping_note(s, &r.measure.total, sizeof r.measure.total);
        }
        clh_scrub_result_deinit(&r);
    }
    clh_scrub_close(scrub);
    return status;
}

/* ---- Pairs of sequences, weights, writing ------------------------------------------------------
 */

enum { EDGES_MAX = 64, SAMPLES = 100 };

static clh_status follow_paths(void *context, stopping *s, clh_error *err)
{
    const stopping_world *w = context;
    const clh_watch *watch = clh_how_watch(s->how);
    const clh_paths_ask ask = {.clean = clh_sample_tokens(&w->few, 0),
                               .corrupted = clh_sample_tokens(&w->few, 1),
                               .metric = {.kind = CLH_METRIC_LOSS, .first_scored = 6}};
    double effect[EDGES_MAX], one = 0;
    bool chosen[EDGES_MAX] = {true};
    const size_t edge = 1;
    clh_paths *paths = NULL;
    clh_status status = clh_paths_open(&paths, w->model, &ask, watch, err);
    const size_t edges = status ? 0 : clh_paths_graph(paths)->edges;
    assert_true(edges <= EDGES_MAX);
    if (!status)
        status = clh_paths_exact(paths, effect, watch, err);
    if (!status)
        stopping_note(s, effect, edges * sizeof *effect);
    if (!status)
        status = clh_paths_eap(paths, 5, effect, watch, err);
    if (!status)
        stopping_note(s, effect, edges * sizeof *effect);
    if (!status)
        status = clh_paths_along(paths, &edge, 1, &one, watch, err);
    if (!status)
        stopping_note(s, &one, sizeof one);
    if (!status)
        status = clh_paths_set(paths, chosen, &one, watch, err);
    if (!status)
        stopping_note(s, &one, sizeof one);
    clh_paths_close(paths);
    return status;
}

static clh_status compose(void *context, stopping *s, clh_error *err)
{
    const stopping_world *w = context;
    clh_composition c = {0};
    clh_status status = clh_composition_open(&c, w->model, SAMPLES, 1, clh_how_watch(s->how), err);
    if (!status)
        stopping_note(s, &c.mean, sizeof c.mean);
    clh_composition_deinit(&c);
    return status;
}

/* Of a batch: forward, and back from a metric and from a box of an activation. */
static clh_status differentiate(void *context, stopping *s, clh_error *err)
{
    const asked *a = context;
    const clh_watch *watch = clh_how_watch(s->how);
    const clh_model *model = a->world->model;
    const clh_model_config *config = clh_model_get_config(model);
    const clh_tokens tokens = {a->sample->ids, a->sample->count, a->sample->stride};
    const clh_metric metric = {.kind = CLH_METRIC_LOGIT, .position = 9, .token = 4};
    clh_cache *cache = NULL, *gradient = NULL;
    clh_box box;
    double value = 0;
    clh_status status = clh_cache_open(&cache, config, CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cache_open(&gradient, config, CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(model, &tokens, cache, &(clh_hooks){.watch = watch}, err);
    if (!status)
        status =
            clh_metric_gradient(&metric, model, &tokens, cache, gradient, NULL, &value, watch, err);
    if (!status)
        stopping_note(s, &value, sizeof value);
    if (!status)
        status = clh_box_parse(&box, "blocks.0.attn.hook_z[:,7,0,:]", cache, tokens.batch,
                               tokens.pos, err);
    if (!status)
        status = clh_box_gradient(&box, model, &tokens, cache, gradient, NULL, &value, watch, err);
    if (!status) {
        const clh_tensor g = clh_cache_view(gradient, "hook_embed");
        stopping_note(s, g.data, clh_tensor_count(&g) * sizeof *g.data);
    }
    clh_cache_close(gradient);
    clh_cache_close(cache);
    return status;
}

static clh_status write(void *context, stopping *s, clh_error *err)
{
    const stopping_world *w = context;
    const size_t length = w->few.length[0];
    uint32_t ids[256];
    size_t written = 0;
    assert_true(length <= sizeof ids / sizeof ids[0]);
    for (size_t i = 0; i < length; i++)
        ids[i] = w->few.ids[i];
    clh_status status = clh_generate(w->model, ids, w->few.first_scored[0], length, UINT32_MAX,
                                     &written, clh_how_watch(s->how), err);
    if (!status)
        stopping_note(s, ids, written * sizeof *ids);
    return status;
}

/* ------------------------------------------------------------------------------------------------
 */

static void check(void **state, stopping_work *work)
{
    const stopping_world *w = *state;
    stopping_check(work, &(asked){w, &w->few}, true);
    assert_true(stopping_looks(work, &(asked){w, &w->many}) >= w->many.count);
}

static void looking_at_a_head_stops(void **state)
{
    check(state, look);
}

static void detecting_heads_stops(void **state)
{
    check(state, detect);
}

static void the_order_of_learning_stops(void **state)
{
    check(state, emerge);
}

static void the_causal_suite_stops(void **state)
{
    check(state, intervene);
}

static void scrubbing_stops(void **state)
{
    check(state, scrub);
}

static void paths_stop(void **state)
{
    stopping_check(follow_paths, *state, true);
    assert_true(stopping_looks(follow_paths, *state) >= 20); /* edges, points of EAP-IG */
}

static void composition_stops(void **state)
{
    stopping_check(compose, *state, true);
    assert_true(stopping_looks(compose, *state) >= SAMPLES);
}

static void gradients_of_a_batch_stop(void **state)
{
    const stopping_world *w = *state;
    clh_sample some = w->many;
    some.count = 100; /* about 1 MB of activations each, twice */
    stopping_check(differentiate, &(asked){w, &w->few}, true);
    assert_true(stopping_looks(differentiate, &(asked){w, &some}) >= 3 * some.count);
}

static void writing_stops(void **state)
{
    stopping_check(write, *state, true);
    const stopping_world *w = *state; /* each token */
    assert_true(stopping_looks(write, *state) >= w->few.length[0] - w->few.first_scored[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_at_a_head_stops),
        cmocka_unit_test(detecting_heads_stops),
        cmocka_unit_test(the_order_of_learning_stops),
        cmocka_unit_test(the_causal_suite_stops),
        cmocka_unit_test(scrubbing_stops),
        cmocka_unit_test(paths_stop),
        cmocka_unit_test(composition_stops),
        cmocka_unit_test(gradients_of_a_batch_stop),
        cmocka_unit_test(writing_stops),
    };
    return cmocka_run_group_tests_name("stopped lens", tests, stopping_world_setup,
                                       stopping_world_teardown);
}
