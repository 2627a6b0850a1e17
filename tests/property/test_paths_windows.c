/* Runs that differ in fewer positions behind one head than behind another: each edge is patched where
 * its own writer differs, and what the edge before it changed elsewhere must be gone. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/path.h"
#include "support/cmocka_all.h"
#include "support/must.h"

enum { POS = 8, D = 24, D_HEAD = POS, EDGES_MAX = 128 };

static const uint32_t clean[POS] = {1, 4, 2, 8, 5, 7, 3, 6},
                      corrupted[POS] = {1, 4, 6, 0, 5, 7, 3, 6};

static clh_real *head(const clh_model *model, const char *name, size_t layer, size_t h)
{
    char full[64];
    (void)snprintf(full, sizeof full, "blocks.%zu.attn.%s", layer, name);
    const clh_tensor t = clh_model_view(model, full);
    assert(t.data);
    return t.data + clh_tensor_count(&t) / t.shape[0] * h;
}

/* Positions are one-hot in the stream's first numbers. Head 0 of layer 0 attends evenly and spreads
 * what it reads to all later positions; head 1 looks at its own position with scores so large that
 * all others get exactly 0, so it differs where the tokens do and nowhere else; head 2 looks only
 * at the position before. */
static clh_model *open_model(void)
{
    const clh_model_config config = {.n_layers = 2,
                                     .n_heads = 3,
                                     .d_model = D,
                                     .d_head = D_HEAD,
                                     .n_ctx = POS,
                                     .d_vocab = 9,
                                     .d_vocab_out = 9,
                                     .attn_only = true,
                                     .normalization_type = CLH_NORM_NONE,
                                     .eps = 1e-5,
                                     .attn_scale = 1,
                                     .initializer_range = 0.3};
    clh_model *model = NULL;
    clh_error err = {0};
    must(clh_model_open(&model, &config, &err), &err);
    clh_model_init(model, 5);
    const clh_tensor E = clh_model_view(model, "embed.W_E"),
                     P = clh_model_view(model, "pos_embed.W_pos");
    memset(P.data, 0, clh_tensor_count(&P) * sizeof *P.data);
    for (size_t t = 0; t < 9; t++)
        memset(E.data + t * D, 0, POS * sizeof *E.data);
    for (size_t i = 0; i < POS; i++)
        P.data[i * D + i] = 1;
    for (size_t h = 0; h < 3; h++) {
        clh_real *Q = head(model, "W_Q", 0, h), *K = head(model, "W_K", 0, h);
        memset(Q, 0, (size_t)D * D_HEAD * sizeof *Q); /* [d_model, d_head] */
        memset(K, 0, (size_t)D * D_HEAD * sizeof *K);
        for (size_t i = 0; i < POS; i++) {
            const size_t source = h == 2 && i > 0 ? i - 1 : i;
            Q[i * D_HEAD + source] = h > 0 ? 400 : 0;
            K[i * D_HEAD + i] = 1;
        }
    }
    return model;
}

static clh_paths *open_paths(const clh_model *model, const clh_metric *metric)
{
    clh_paths *paths = NULL;
    clh_error err = {0};
    const clh_paths_ask ask = {{clean, 1, POS}, {corrupted, 1, POS}, *metric};
    must(clh_paths_open(&paths, model, &ask, NULL, &err), &err);
    return paths;
}

/* How many edges out of a writer have an effect. */
static size_t count_effects(const clh_graph *g, const double *effect, const char *writer)
{
    size_t count = 0;
    for (size_t e = 0; e < g->edges; e++) {
        char label[72];
        (void)clh_edge_label(g, e, label);
        count += strncmp(label, writer, strlen(writer)) == 0 && effect[e] != 0;
    }
    return count;
}

static void an_edge_alone_is_a_whole_pass_with_it(void **state)
{
    (void)state;
    static const clh_metric metrics[] = {
        {.kind = CLH_METRIC_LOGIT_DIFF, .position = POS - 1, .token = 2, .against = 4},
        {.kind = CLH_METRIC_LOSS, .first_scored = 1}};
    clh_model *model = open_model();
    for (size_t m = 0; m < CLH_COUNT(metrics); m++) {
        clh_error err = {0};
        clh_paths *paths = open_paths(model, &metrics[m]);
        const clh_graph *g = clh_paths_graph(paths);
        double effect[EDGES_MAX], set;
        bool chosen[EDGES_MAX] = {false};
        assert_true(g->edges <= EDGES_MAX);
        must(clh_paths_exact(paths, effect, NULL, &err), &err);
        for (size_t e = 0; e < g->edges; e++) {
            char label[72];
            chosen[e] = true;
            must(clh_paths_set(paths, chosen, &set, NULL, &err), &err);
            chosen[e] = false;
            if (set != effect[e])
                fail_msg("%s: %.17g, as a set %.17g", clh_edge_label(g, e, label), effect[e], set);
        }
        assert_true(count_effects(g, effect, "L0H0->") > 0);
        assert_true(count_effects(g, effect, "L0H1->") > 0);
        assert_true(count_effects(g, effect, "L0H2->") > 0);
        clh_paths_close(paths);
    }
    clh_model_close(model);
}

/* That the windows are what the test is about. */
static void heads_differ_where_they_were_built_to(void **state)
{
    (void)state;
    static const bool differs[3][POS] = {{0, 0, 1, 1, 1, 1, 1, 1}, {0, 0, 1, 1}, {0, 0, 0, 1, 1}};
    clh_model *model = open_model();
    clh_cache *a = NULL, *b = NULL;
    clh_error err = {0};
    must(clh_cache_open(&a, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    must(clh_forward(model, &(clh_tokens){clean, 1, POS}, a, NULL, &err), &err);
    must(clh_forward(model, &(clh_tokens){corrupted, 1, POS}, b, NULL, &err), &err);
    const clh_tensor x = clh_cache_view(a, "blocks.0.attn.hook_z"),
                     y = clh_cache_view(b, "blocks.0.attn.hook_z");
    for (size_t h = 0; h < 3; h++)
        for (size_t i = 0; i < POS; i++) {
            const size_t at = clh_tensor_at(&x, 0, i, h, 0);
            bool other = false;
            for (size_t k = at; k < at + D_HEAD; k++)
                other = other || x.data[k] != y.data[k];
            assert_int_equal(other, differs[h][i]);
        }
    clh_cache_close(b);
    clh_cache_close(a);
    clh_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_differ_where_they_were_built_to),
        cmocka_unit_test(an_edge_alone_is_a_whole_pass_with_it),
    };
    return cmocka_run_group_tests_name("windows of edges", tests, NULL, NULL);
}
