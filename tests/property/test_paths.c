/* What holds of the graph, of patching its edges and of estimating that, whatever the model is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/path.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 41, EDGES_MAX = 512 };

/* A case with two sequences that differ in some tokens, and both runs. */
typedef struct bench {
    clh_model *model;
    uint32_t *clean, *corrupted;
    clh_paths_ask ask;
    clh_paths *paths;
    const clh_graph *graph;
    double effect[EDGES_MAX], estimate[EDGES_MAX];
} bench;

static void open_paths(bench *b)
{
    clh_error err = {0};
    clh_paths_close(b->paths);
    b->paths = NULL;
    must(clh_paths_open(&b->paths, b->model, &b->ask, NULL, &err), &err);
    b->graph = clh_paths_graph(b->paths);
    assert_true(b->graph->edges <= EDGES_MAX);
}

static int open_bench(void **state)
{
    const size_t index = ((const each_case *)*state)->index;
    const model_case *row = model_case_at(index);
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->model = model_case_open(index, SEED);
    b->clean = model_case_tokens(index, SEED);
    b->corrupted = model_case_tokens(index, SEED);
    for (size_t i = 0; i < row->pos; i += i % 3 + 1)
        b->corrupted[i] = (b->clean[i] + 1 + (uint32_t)i % 4) % 6;
    b->ask = (clh_paths_ask){
        .clean = {b->clean, 1, row->pos},
        .corrupted = {b->corrupted, 1, row->pos},
        .metric = {
            .kind = CLH_METRIC_LOGIT_DIFF, .position = row->pos - 1, .token = 2, .against = 4}};
    open_paths(b);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_paths_close(b->paths);
    clh_free(b->corrupted);
    clh_free(b->clean);
    clh_model_close(b->model);
    free(b);
    return 0;
}

static void every_edge_is_found_by_its_name(void **state)
{
    const bench *b = *state;
    const clh_graph *g = b->graph;
    const clh_model_config *c = clh_model_get_config(b->model);
    bool chosen[EDGES_MAX];
    char label[72];
    clh_error err = {0};
    const size_t tables = c->positional_embedding_type == CLH_POSITIONS_STANDARD ? 2 : 1;
    assert_int_equal(g->writers, tables + c->n_layers * (c->n_heads + !c->attn_only));
    assert_int_equal(g->reader[0].reads, tables);
    for (size_t r = 0; r < g->readers && c->parallel_attn_mlp; r++) /* the MLP beside the heads */
        assert_true(g->reader[r].layer > 0 || r == g->readers - 1 || g->reader[r].reads == tables);
    assert_int_equal(g->reader[g->readers - 1].reads, g->writers);
    for (size_t e = 0; e < g->edges; e++) {
        size_t count = 0, path[1];
        must(clh_graph_choose(g, clh_edge_label(g, e, label), chosen, &err), &err);
        for (size_t i = 0; i < g->edges; i++)
            count += chosen[i];
        assert_true(count == 1 && chosen[e]);
        must(clh_graph_path(g, label, path, 1, &count, &err), &err);
        assert_true(count == 1 && path[0] == e);
    }
    must(clh_graph_choose(g, "embed->*,*->logits", chosen, &err), &err);
    for (size_t e = 0; e < g->edges; e++)
        assert_int_equal(chosen[e], clh_graph_edge(g, e).writer == 0 ||
                                        clh_graph_edge(g, e).reader == g->readers - 1);
}

/* The partial pass of one edge against a whole pass with the sums mixed at every input. */
static void check_edges(bench *b)
{
    bool chosen[EDGES_MAX] = {false};
    double set, along;
    clh_error err = {0};
    must(clh_paths_exact(b->paths, b->effect, NULL, &err), &err);
    for (size_t e = 0; e < b->graph->edges; e++) {
        chosen[e] = true;
        must(clh_paths_set(b->paths, chosen, &set, NULL, &err), &err);
        must(clh_paths_along(b->paths, &e, 1, &along, NULL, &err), &err);
        chosen[e] = false;
        if (set != b->effect[e] || along != b->effect[e])
            fail_msg("edge %zu: %.17g alone, %.17g as a set, %.17g as a path", e, b->effect[e], set,
                     along);
    }
}

static void an_edge_is_a_set_of_one_and_a_path_of_one(void **state)
{
    bench *b = *state;
    check_edges(b);
    if (b->ask.clean.pos == 1)
        return;
    b->ask.metric = (clh_metric){.kind = CLH_METRIC_LOSS, .first_scored = 1};
    open_paths(b);
    check_edges(b);
}

static void all_edges_are_the_corrupted_run_and_none_the_clean(void **state)
{
    bench *b = *state;
    bool chosen[EDGES_MAX] = {false};
    double effect = NAN;
    clh_error err = {0};
    must(clh_paths_set(b->paths, chosen, &effect, NULL, &err), &err);
    assert_true(effect == 0);
    memset(chosen, true, b->graph->edges);
    must(clh_paths_set(b->paths, chosen, &effect, NULL, &err), &err);
    assert_true(effect == clh_paths_corrupted(b->paths) - clh_paths_clean(b->paths));
    assert_true(effect != 0);
}

/* All edges out of the embeddings corrupt every input there is. */
static void embeddings_are_the_whole_cause(void **state)
{
    bench *b = *state;
    bool chosen[EDGES_MAX];
    double effect = NAN;
    clh_error err = {0};
    must(clh_graph_choose(b->graph, "embed->*", chosen, &err), &err);
    must(clh_paths_set(b->paths, chosen, &effect, NULL, &err), &err);
    assert_true(effect == clh_paths_corrupted(b->paths) - clh_paths_clean(b->paths));
}

static void the_split_model_is_the_model(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    clh_cache *cache = NULL;
    double value = NAN;
    must(clh_cache_open(&cache, clh_model_get_config(b->model), CLH_KEEP_ALL, &err), &err);
    must(clh_forward(b->model, &b->ask.clean, cache, NULL, &err), &err);
    must(clh_metric_value(&b->ask.metric, cache, &b->ask.clean, &value, NULL, &err), &err);
    assert_true(fabs(value - clh_paths_clean(b->paths)) <= 1e-5 * (1 + fabs(value)));
    clh_cache_close(cache);
}

static void a_run_in_itself_has_no_effect(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    b->ask.corrupted = b->ask.clean;
    open_paths(b);
    must(clh_paths_exact(b->paths, b->effect, NULL, &err), &err);
    must(clh_paths_eap(b->paths, 3, b->estimate, NULL, &err), &err);
    for (size_t e = 0; e < b->graph->edges; e++)
        assert_true(b->effect[e] == 0 && b->estimate[e] == 0);
}

/* The estimates of the edges out of embed, added up: the whole effect, in the limit of many steps
 * (integrated gradients are complete: Sundararajan et al. 2017, proposition 1). */
static double distance_from_whole(bench *b, size_t steps)
{
    clh_error err = {0};
    double sum = 0;
    must(clh_paths_eap(b->paths, steps, b->estimate, NULL, &err), &err);
    for (size_t e = 0; e < b->graph->edges; e++)
        if (clh_graph_edge(b->graph, e).writer == 0)
            sum += b->estimate[e];
    return fabs(sum - (clh_paths_corrupted(b->paths) - clh_paths_clean(b->paths)));
}

static void integrated_gradients_become_the_whole_effect(void **state)
{
    bench *b = *state;
    const double one = distance_from_whole(b, 1), some = distance_from_whole(b, 32),
                 many = distance_from_whole(b, 512);
    if (!(many <= 0.02 * (1e-3 + one) && many <= 1e-4 + some / 8))
        fail_msg("off by %g with 1 step, %g with 32, %g with 512", one, some, many);
}

static void what_cannot_be_is_named(void **state)
{
    bench *b = *state;
    bool chosen[EDGES_MAX];
    size_t edges[4], count;
    clh_error err = {0};
    assert_int_equal(clh_graph_choose(b->graph, "embed->L0H0.w", chosen, &err), CLH_EINPUT);
    assert_non_null(
        strstr(err.message, "no edge is called embed->L0H0.w; did you mean embed->L0H0."));
    assert_int_equal(clh_graph_choose(b->graph, "embed->*,", chosen, &err), CLH_EINPUT);
    assert_int_equal(clh_graph_path(b->graph, "embed", edges, 4, &count, &err), CLH_EINPUT);
    assert_int_equal(clh_graph_path(b->graph, "embd->logits", edges, 4, &count, &err), CLH_EINPUT);
    assert_int_equal(clh_graph_path(b->graph, "embed->logits->L0H0.q", edges, 4, &count, &err),
                     CLH_EINPUT);
    assert_int_equal(clh_graph_path(b->graph, "L0H0->L0H0.q", edges, 4, &count, &err), CLH_EINPUT);
    assert_int_equal(clh_graph_path(b->graph, "embed->L0H0.v->logits", edges, 1, &count, &err),
                     CLH_ERANGE);
    clh_paths *none = NULL;
    b->ask.corrupted.pos++;
    assert_int_equal(clh_paths_open(&none, b->model, &b->ask, NULL, &err), CLH_ESHAPE);
    b->ask.corrupted.pos--;
    clh_model_view(b->model, "blocks.0.attn.W_Q").data[0] = NAN;
    assert_int_equal(clh_paths_open(&none, b->model, &b->ask, NULL, &err), CLH_ENUMERIC);
    assert_string_equal(err.message, "the clean run: blocks.0.attn.hook_q is not finite");
    assert_null(none);
}

static const each_truth truths[] = {
    {"every edge is found by its name", every_edge_is_found_by_its_name},
    {"an edge is a set of one and a path of one", an_edge_is_a_set_of_one_and_a_path_of_one},
    {"all edges are the corrupted run, none the clean one",
     all_edges_are_the_corrupted_run_and_none_the_clean},
    {"embeddings are the whole cause", embeddings_are_the_whole_cause},
    {"the split model is the model", the_split_model_is_the_model},
    {"a run in itself has no effect", a_run_in_itself_has_no_effect},
    {"integrated gradients become the whole effect", integrated_gradients_become_the_whole_effect},
    {"what cannot be is named", what_cannot_be_is_named},
};

int main(void)
{
    return each_case_run("paths", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_with_blocks(), open_bench, close_bench);
}
