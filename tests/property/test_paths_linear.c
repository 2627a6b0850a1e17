/* On a model that is linear in its embeddings the gradient tells all: scores that are 0 whatever is
 * read (so every pattern is even), MLPs whose relu never closes, no norm, a difference of logits.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/path.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"

enum { POS = 7, EDGES_MAX = 128 };

/* Where every number is double, rounding is all that is left. */
static const double tolerance = sizeof(clh_real) == sizeof(double) ? 1e-12 : 1e-5;

static const uint32_t clean[POS] = {1, 4, 2, 8, 5, 7, 3}, corrupted[POS] = {1, 6, 2, 0, 5, 8, 1};

static void fill(clh_model *model, const char *name, clh_real value)
{
    for (size_t l = 0; l < 2; l++) {
        char full[64];
        (void)snprintf(full, sizeof full, "blocks.%zu.%s", l, name);
        const clh_tensor t = clh_model_view(model, full);
        assert(t.data);
        for (size_t i = 0; i < clh_tensor_count(&t); i++)
            t.data[i] = value;
    }
}

static clh_model *open_linear_model(void)
{
    const clh_model_config config = {.n_layers = 2,
                                     .n_heads = 2,
                                     .d_model = 11,
                                     .d_head = 5,
                                     .d_mlp = 13,
                                     .n_ctx = POS,
                                     .d_vocab = 9,
                                     .d_vocab_out = 9,
                                     .act_fn = CLH_ACT_RELU,
                                     .normalization_type = CLH_NORM_NONE,
                                     .eps = 1e-5,
                                     .use_attn_scale = true,
                                     .attn_scale = 2,
                                     .initializer_range = 0.3};
    clh_model *model = NULL;
    clh_error err = {0};
    must(clh_model_open(&model, &config, &err), &err);
    clh_model_init(model, 5);
    fill(model, "attn.W_Q", 0);
    fill(model, "attn.W_K", 0);
    fill(model, "attn.b_K", (clh_real)0.7);
    fill(model, "mlp.b_in", 60);
    return model;
}

static const clh_paths_ask ask = {
    {clean, 1, POS},
    {corrupted, 1, POS},
    {.kind = CLH_METRIC_LOGIT_DIFF, .position = POS - 1, .token = 2, .against = 4}};

static clh_paths *open_linear(void)
{
    clh_model *model = open_linear_model();
    clh_paths *paths = NULL;
    clh_error err = {0};
    must(clh_paths_open(&paths, model, &ask, NULL, &err), &err);
    clh_model_close(model); /* the paths have a copy */
    return paths;
}

static double scale_of(const clh_paths *paths)
{
    return fabs(clh_paths_clean(paths)) + fabs(clh_paths_corrupted(paths));
}

static void eap_equals_exact(void **state)
{
    clh_paths *paths = *state;
    const clh_graph *g = clh_paths_graph(paths);
    double exact[EDGES_MAX], eap[EDGES_MAX], ig[EDGES_MAX];
    size_t strong = 0;
    clh_error err = {0};
    assert_true(g->edges <= EDGES_MAX);
    must(clh_paths_exact(paths, exact, NULL, &err), &err);
    must(clh_paths_eap(paths, 1, eap, NULL, &err), &err);
    must(clh_paths_eap(paths, 5, ig, NULL, &err), &err);
    for (size_t e = 0; e < g->edges; e++) {
        char label[72];
        const double most = tolerance * scale_of(paths);
        if (!(fabs(exact[e] - eap[e]) <= most && fabs(exact[e] - ig[e]) <= most))
            fail_msg("%s: exact %.17g, EAP %.17g, EAP-IG %.17g", clh_edge_label(g, e, label),
                     exact[e], eap[e], ig[e]);
        strong += fabs(exact[e]) > 1e-3;
    }
    assert_true(strong >= 20);
}

/* What leaves a head arrives somewhere: an edge is the sum of the paths that begin with it. */
static void an_edge_is_the_sum_of_its_paths(void **state)
{
    static const char *const first = "embed->L0H1.v",
                             *const paths_of[] = {
                                 "embed->L0H1.v->logits",
                                 "embed->L0H1.v->0_mlp_in->logits",
                                 "embed->L0H1.v->1_mlp_in->logits",
                                 "embed->L0H1.v->0_mlp_in->1_mlp_in->logits",
                                 "embed->L0H1.v->L1H0.v->logits",
                                 "embed->L0H1.v->L1H0.v->1_mlp_in->logits",
                                 "embed->L0H1.v->L1H1.v->logits",
                                 "embed->L0H1.v->L1H1.v->1_mlp_in->logits",
                                 "embed->L0H1.v->0_mlp_in->L1H0.v->logits",
                                 "embed->L0H1.v->0_mlp_in->L1H0.v->1_mlp_in->logits",
                                 "embed->L0H1.v->0_mlp_in->L1H1.v->logits",
                                 "embed->L0H1.v->0_mlp_in->L1H1.v->1_mlp_in->logits",
                             };
    clh_paths *paths = *state;
    const clh_graph *g = clh_paths_graph(paths);
    double sum = 0, whole, effect;
    size_t edges[8], count;
    clh_error err = {0};
    for (size_t i = 0; i < CLH_COUNT(paths_of); i++) {
        must(clh_graph_path(g, paths_of[i], edges, 8, &count, &err), &err);
        must(clh_paths_along(paths, edges, count, &effect, NULL, &err), &err);
        assert_true(fabs(effect) > 1e-6);
        sum += effect;
    }
    must(clh_graph_path(g, first, edges, 8, &count, &err), &err);
    must(clh_paths_along(paths, edges, count, &whole, NULL, &err), &err);
    assert_true(fabs(sum - whole) <= 10 * tolerance * scale_of(paths));
    assert_true(fabs(whole) > 1e-3);
}

static clh_status ask_everything(void *model)
{
    clh_paths *paths = NULL;
    double effect[EDGES_MAX];
    bool chosen[EDGES_MAX] = {true};
    clh_status status = clh_paths_open(&paths, model, &ask, NULL, NULL);
    if (!status)
        status = clh_paths_exact(paths, effect, NULL, NULL);
    if (!status)
        status = clh_paths_set(paths, chosen, effect, NULL, NULL);
    if (!status)
        status = clh_paths_eap(paths, 2, effect, NULL, NULL);
    clh_paths_close(paths);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    clh_model *model = open_linear_model();
    (void)state;
    assert_true(failing_alloc_each(ask_everything, model) > 15);
    clh_model_close(model);
}

static int open_test(void **state)
{
    *state = open_linear();
    return 0;
}

static int close_test(void **state)
{
    clh_paths_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(eap_equals_exact, open_test, close_test),
        cmocka_unit_test_setup_teardown(an_edge_is_the_sum_of_its_paths, open_test, close_test),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("paths on a linear model", tests, NULL, NULL);
}
