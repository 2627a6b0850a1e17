/* Path patching. A scratch cache holds the clean run; an edge is patched by writing its reader's
 * input, the sum with the corrupted writer in it, and renewing what follows; the next edge of the
 * same reader writes over it, and the last one is taken back. */
#include "clearhead/path.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/stop.h"
#include "lens/causal/patch_sites.h"
#include "lens/paths/path_runs.h"

static clh_status metric_of(const clh_paths *p, const clh_cache *cache, double *value,
                            clh_error *err)
{
    return clh_metric_value(&p->ask.metric, cache, &p->ask.clean, value, NULL, err);
}

/* ---- The two runs -------------------------------------------------------------------------------
 */

static clh_status check_memory(const clh_paths_ask *ask, const clh_model *model, clh_error *err)
{
    const clh_model_config split = clh_graph_config(clh_model_get_config(model));
    size_t bytes = clh_cache_bytes(&split, CLH_KEEP_ALL, 1, ask->clean.pos);
    char what[64];
    if (!clh_mul_ok(bytes, 4, &bytes))
        bytes = SIZE_MAX;
    (void)snprintf(what, sizeof what, "the activations of 4 runs of %zu tokens", ask->clean.pos);
    return clh_memory_check(bytes, what, err);
}

static clh_status compute_run(clh_paths *p, clh_cache **cache, const clh_tokens *tokens,
                              const char *which, double *value, clh_error *err)
{
    clh_status status = clh_cache_open(cache, &p->twin.config, CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(p->twin.model, tokens, *cache, NULL, err);
    if (!status)
        status = metric_of(p, *cache, value, err);
    return status ? status : clh_run_check(*cache, *value, which, err);
}

clh_status clh_paths_open(clh_paths **out, const clh_model *model, const clh_paths_ask *ask,
                          const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && model && ask && ask->clean.ids && ask->corrupted.ids, err,
                "a model, two sequences, and room for the paths");
    clh_status status = clh_pair_check(&ask->clean, &ask->corrupted, err);
    if (!status)
        status = check_memory(ask, model, err);
    clh_paths *p = status ? NULL : clh_alloc_zeroed(1, sizeof *p, err);
    if (!p)
        return status ? status : CLH_ENOMEM;
    p->ask = *ask;
    status = clh_watch_check(watch, 0, 2, "runs", err);
    if (!status)
        status = clh_graph_twin_open(&p->twin, model, err);
    if (!status)
        status = compute_run(p, &p->clean, &ask->clean, "clean", &p->clean_metric, err);
    if (!status)
        status = clh_watch_check(watch, 1, 2, "runs", err);
    if (!status)
        status =
            compute_run(p, &p->corrupted, &ask->corrupted, "corrupted", &p->corrupted_metric, err);
    if (!status)
        status = clh_cache_open(&p->scratch, &p->twin.config, CLH_KEEP_ALL, err);
    const size_t writers = p->twin.graph.writers;
    if (!status) {
        p->rows = clh_alloc_array(writers, sizeof *p->rows, err);
        p->message =
            clh_alloc_array(ask->clean.pos * p->twin.config.d_model, sizeof *p->message, err);
        status = p->rows && p->message ? CLH_OK : CLH_ENOMEM;
    }
    if (!status)
        status = clh_watch_check(watch, 2, 2, "runs", err);
    if (status)
        clh_paths_close(p);
    else
        *out = p;
    return status;
}

void clh_paths_close(clh_paths *paths)
{
    if (!paths)
        return;
    clh_free(paths->message);
    clh_free(paths->rows);
    clh_cache_close(paths->gradient);
    clh_cache_close(paths->scratch);
    clh_cache_close(paths->corrupted);
    clh_cache_close(paths->clean);
    clh_graph_twin_close(&paths->twin);
    clh_free(paths);
}

const clh_graph *clh_paths_graph(const clh_paths *paths)
{
    return paths ? &paths->twin.graph : NULL;
}

double clh_paths_clean(const clh_paths *paths)
{
    return paths ? paths->clean_metric : NAN;
}

double clh_paths_corrupted(const clh_paths *paths)
{
    return paths ? paths->corrupted_metric : NAN;
}

/* ---- One edge at a time -------------------------------------------------------------------------
 */

/* Positions [begin, end); nothing where begin >= end. */
typedef struct span {
    size_t begin, end;
} span;

/* Where the two runs' writer differs in a bit. */
static span differs(const clh_paths *p, size_t writer)
{
    const clh_node_rows a = clh_graph_output(&p->twin, p->clean, writer);
    const clh_node_rows b = clh_graph_output(&p->twin, p->corrupted, writer);
    const size_t pos = p->ask.clean.pos, bytes = p->twin.config.d_model * sizeof *a.data;
    span at = {pos, 0};
    for (size_t i = 0; i < pos; i++)
        if (memcmp(a.data + i * a.stride, b.data + i * b.stride, bytes) != 0) {
            at.begin = at.begin < i ? at.begin : i;
            at.end = i + 1;
        }
    return at;
}

static span hull(span a, span b)
{
    return (span){a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

/* Write a reader's input into the scratch at these positions and renew what follows from it;
 * p->rows are the writers it is the sum of. `all`: every logit, not only those of the metric. */
static clh_status write_input(const clh_paths *p, size_t reader, span at, bool all, clh_error *err)
{
    const clh_metric *metric = &p->ask.metric;
    const bool loss = metric->kind == CLH_METRIC_LOSS;
    const clh_change change = {.activation = p->twin.input[reader].activation,
                               .begin = at.begin,
                               .end = at.end,
                               .logits_begin = all    ? 0
                                               : loss ? metric->first_scored - 1
                                                      : metric->position,
                               .logits_end = all    ? 0
                                             : loss ? p->ask.clean.pos - 1
                                                    : metric->position + 1};
    clh_graph_sum(&p->twin, reader, p->rows, at.begin, at.end,
                  clh_graph_input(&p->twin, p->scratch, reader));
    return clh_forward_from(p->twin.model, &p->ask.clean, p->scratch, &change, err);
}

/* The effects of a reader's edges; `scratch` is the clean run before and after. */
static clh_status patch_reader(const clh_paths *p, size_t reader, double *effect,
                               const clh_watch *watch, clh_error *err)
{
    const clh_graph *g = &p->twin.graph;
    const span nothing = {p->ask.clean.pos, 0};
    span last = nothing;
    clh_status status = CLH_OK;
    for (size_t w = 0; w < g->reader[reader].reads && !status; w++) {
        const span at = differs(p, w);
        effect[w] = 0;
        status = clh_watch_check(watch, g->reader[reader].first_edge + w, g->edges, "edges", err);
        if (status || at.begin >= at.end)
            continue;
        double value = NAN;
        p->rows[w] = clh_graph_output(&p->twin, p->corrupted, w);
        status = write_input(p, reader, hull(last, at), false, err);
        p->rows[w] = clh_graph_output(&p->twin, p->clean, w);
        if (!status)
            status = metric_of(p, p->scratch, &value, err);
        effect[w] = value - p->clean_metric;
        last = at;
    }
    return status || last.begin >= last.end ? status : write_input(p, reader, last, false, err);
}

clh_status clh_paths_exact(clh_paths *paths, double *effect, const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(paths && effect, err, "paths, and room for the effects");
    const clh_graph *g = &paths->twin.graph;
    clh_status status =
        clh_forward(paths->twin.model, &paths->ask.clean, paths->scratch, NULL, err);
    clh_graph_outputs(&paths->twin, paths->clean, paths->rows);
    for (size_t r = 0; r < g->readers && !status; r++)
        status = patch_reader(paths, r, effect + g->reader[r].first_edge, watch, err);
    return status ? status : clh_watch_check(watch, g->edges, g->edges, "edges", err);
}

/* ---- Along a path -------------------------------------------------------------------------------
 */

/* What the writer of the next edge makes of the input just written, out of the way of the scratch.
 */
static clh_node_rows take_message(const clh_paths *p, size_t writer)
{
    const clh_node_rows from = clh_graph_output(&p->twin, p->scratch, writer);
    const size_t d = p->twin.config.d_model;
    for (size_t i = 0; i < p->ask.clean.pos; i++)
        memcpy(p->message + i * d, from.data + i * from.stride, d * sizeof *from.data);
    return (clh_node_rows){p->message, d};
}

clh_status clh_paths_along(clh_paths *paths, const size_t *edges, size_t count, double *effect,
                           const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(paths && edges && effect, err, "paths, the edges of one, and room for its effect");
    clh_paths *p = paths;
    if (count == 0)
        return clh_fail(err, CLH_ERANGE, "a path of 0 edges, want at least 1");
    for (size_t i = 0; i < count; i++)
        if (edges[i] >= p->twin.graph.edges)
            return clh_fail(err, CLH_ERANGE, "edge %zu of the path is %zu, the graph has %zu", i,
                            edges[i], p->twin.graph.edges);
    const span all = {0, p->ask.clean.pos};
    double value = NAN;
    clh_status status = clh_forward(p->twin.model, &p->ask.clean, p->scratch, NULL, err);
    clh_graph_outputs(&p->twin, p->clean, p->rows);
    clh_node_rows message = {0};
    for (size_t i = 0; i < count && !status; i++) {
        const clh_edge edge = clh_graph_edge(&p->twin.graph, edges[i]);
        if (i == 0)
            message = clh_graph_output(&p->twin, p->corrupted, edge.writer);
        p->rows[edge.writer] = message;
        status = clh_watch_check(watch, i, count, "edges", err);
        if (!status)
            status = write_input(p, edge.reader, all, true, err);
        p->rows[edge.writer] = clh_graph_output(&p->twin, p->clean, edge.writer);
        if (status || i + 1 == count)
            continue;
        message = take_message(p, clh_graph_edge(&p->twin.graph, edges[i + 1]).writer);
        status = write_input(p, edge.reader, all, true, err);
    }
    if (!status)
        status = metric_of(p, p->scratch, &value, err);
    *effect = value - p->clean_metric;
    return status ? status : clh_watch_check(watch, count, count, "edges", err);
}

/* ---- Many edges at once -------------------------------------------------------------------------
 */

typedef struct together {
    const clh_paths *paths;
    const bool *chosen;
} together;

static bool any(const bool *flag, size_t count)
{
    size_t i = 0;
    while (i < count && !flag[i])
        i++;
    return i < count;
}

/* At a reader's input: the sum again, with the corrupted writers in it. */
static clh_status mix_inputs(const clh_hook_point *point, void *user, clh_error *err)
{
    const together *t = user;
    const clh_paths *p = t->paths;
    const clh_graph *g = &p->twin.graph;
    (void)err;
    for (size_t r = 0; r < g->readers; r++) {
        const clh_tensor input = clh_cache_tensor(p->scratch, p->twin.input[r].activation);
        const bool *chosen = t->chosen + g->reader[r].first_edge;
        if (input.data != point->tensor.data || !any(chosen, g->reader[r].reads))
            continue;
        for (size_t w = 0; w < g->reader[r].reads; w++)
            p->rows[w] = clh_graph_output(&p->twin, chosen[w] ? p->corrupted : p->scratch, w);
        clh_graph_sum(&p->twin, r, p->rows, 0, p->ask.clean.pos,
                      clh_graph_input(&p->twin, p->scratch, r));
    }
    return CLH_OK;
}

clh_status clh_paths_set(clh_paths *paths, const bool *chosen, double *effect,
                         const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(paths && chosen && effect, err, "paths, a set of edges, and room for its effect");
    together t = {paths, chosen};
    const clh_hook everywhere = {"*", mix_inputs, &t};
    double value = NAN;
    clh_status status = clh_watch_check(watch, 0, 1, "passes", err);
    if (!status)
        status = clh_forward(paths->twin.model, &paths->ask.clean, paths->scratch,
                             &(clh_hooks){.items = &everywhere, .count = 1}, err);
    if (!status)
        status = metric_of(paths, paths->scratch, &value, err);
    *effect = value - paths->clean_metric;
    return status ? status : clh_watch_check(watch, 1, 1, "passes", err);
}
