/* What TransformerLens says with hooks of every edge of two models is what clh_paths says: exact
 * effects, sets, paths, EAP and EAP-IG (make_paths_golden.py). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "clearhead/path.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/golden_pair.h"
#include "support/must.h"

enum { EDGES_MAX = 128 };

static const char *const names[] = {"mlp_2x2", "notebook_n3"};

typedef struct bench {
    golden_pair pair;
    clh_paths *paths;
    const clh_graph *graph;
} bench;

static int open_bench(void **state)
{
    static bench b;
    clh_error err = {0};
    golden_pair_open(&b.pair, "paths", ((const each_case *)*state)->name);
    const clh_paths_ask ask = {b.pair.clean, b.pair.corrupted, b.pair.metric};
    must(clh_paths_open(&b.paths, b.pair.golden.model, &ask, NULL, &err), &err);
    b.graph = clh_paths_graph(b.paths);
    assert_true(b.graph->edges <= EDGES_MAX);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_paths_close(b->paths);
    golden_pair_close(&b->pair);
    return 0;
}

/* Relative to the clean and corrupted metrics, or to the largest estimate where that is more. */
static void check(const bench *b, const char *name, const double *got, size_t count)
{
    golden_pair_check(&b->pair, name, got, count,
                      fabs(clh_paths_clean(b->paths)) + fabs(clh_paths_corrupted(b->paths)));
}

static void edges_are_the_same(void **state)
{
    const bench *b = *state;
    char label[72];
    clh_strbuf all = {0};
    for (size_t e = 0; e < b->graph->edges; e++)
        clh_strbuf_addf(&all, "%s%s", e ? "," : "", clh_edge_label(b->graph, e, label));
    assert_string_equal(clh_strbuf_view(&all), golden_pair_metadata(&b->pair, "edges"));
    clh_strbuf_deinit(&all);
}

static void every_edge_has_the_effect_of_the_file(void **state)
{
    const bench *b = *state;
    double effect[EDGES_MAX];
    clh_error err = {0};
    must(clh_paths_exact(b->paths, effect, NULL, &err), &err);
    check(b, "exact", effect, b->graph->edges);
}

static void every_set_and_path_has_the_effect_of_the_file(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    size_t found = 0;
    for (size_t i = 0; i < clh_safetensors_count(b->pair.file); i++) {
        const char *name = clh_safetensors_name(b->pair.file, i);
        bool chosen[EDGES_MAX];
        size_t edges[8], count;
        double effect = NAN;
        if (strncmp(name, "set.", 4) == 0) {
            for (size_t e = 0; e < b->graph->edges; e++)
                chosen[e] = e % strtoul(name + 4, NULL, 10) == 0;
            must(clh_paths_set(b->paths, chosen, &effect, NULL, &err), &err);
        } else if (strncmp(name, "path.", 5) == 0) {
            must(clh_graph_path(b->graph, golden_pair_metadata(&b->pair, name), edges, 8, &count,
                                &err),
                 &err);
            must(clh_paths_along(b->paths, edges, count, &effect, NULL, &err), &err);
        } else {
            continue;
        }
        check(b, name, &effect, 1);
        found++;
    }
    assert_true(found >= 5);
}

static void every_estimate_is_that_of_the_file(void **state)
{
    const bench *b = *state;
    double estimate[EDGES_MAX];
    clh_error err = {0};
    must(clh_paths_eap(b->paths, 1, estimate, NULL, &err), &err);
    check(b, "eap", estimate, b->graph->edges);
    must(clh_paths_eap(b->paths, 5, estimate, NULL, &err), &err);
    check(b, "ig_5", estimate, b->graph->edges);
}

static const each_truth truths[] = {
    {"the edges are the same", edges_are_the_same},
    {"every edge has the effect of the file", every_edge_has_the_effect_of_the_file},
    {"every set and path has the effect of the file",
     every_set_and_path_has_the_effect_of_the_file},
    {"every estimate is that of the file", every_estimate_is_that_of_the_file},
};

int main(void)
{
    return each_case_run("paths", truths, CLH_COUNT(truths), names, CLH_COUNT(names), open_bench,
                         close_bench);
}
