/* Edge attribution patching: every edge at once from one backward pass, or the mean of several
 * along the straight line between the embeddings of the two sequences. */
#include <assert.h>
#include <string.h>

#include "base/stop.h"
#include "lens/paths/path_runs.h"
#include "model/memory/tensors.h"

static clh_status make_gradient(clh_paths *p, clh_error *err)
{
    clh_status status = CLH_OK;
    if (!p->gradient)
        status = clh_cache_open(&p->gradient, &p->twin.config, CLH_KEEP_ALL, err);
    return status ? status : clh_cache_reserve(p->gradient, 1, p->ask.clean.pos, err);
}

/* The scratch holds the clean sequence's run with its embedding `step`/`steps` of the way from the
 * corrupted to the clean one. */
static clh_status run_between(clh_paths *p, size_t step, size_t steps, clh_error *err)
{
    clh_status status = clh_forward(p->twin.model, &p->ask.clean, p->scratch, NULL, err);
    if (status || step == steps)
        return status;
    const size_t activation = clh_cache_index(p->scratch, CLH_A_EMBED, 0);
    const clh_tensor to = clh_cache_tensor(p->scratch, activation);
    const clh_real *clean = clh_cache_tensor(p->clean, activation).data;
    const clh_real *corrupted = clh_cache_tensor(p->corrupted, activation).data;
    const double share = (double)step / (double)steps;
    for (size_t i = 0, n = clh_tensor_count(&to); i < n; i++)
        to.data[i] =
            (clh_real)((double)corrupted[i] + share * ((double)clean[i] - (double)corrupted[i]));
    const clh_change change = {.activation = activation, .end = p->ask.clean.pos};
    return clh_forward_from(p->twin.model, &p->ask.clean, p->scratch, &change, err);
}

/* sum over positions of (corrupted - clean) . gradient */
static double estimate_edge(const clh_paths *p, clh_edge edge)
{
    const clh_node_rows clean = clh_graph_output(&p->twin, p->clean, edge.writer);
    const clh_node_rows corrupted = clh_graph_output(&p->twin, p->corrupted, edge.writer);
    const clh_node_rows g = clh_graph_input(&p->twin, p->gradient, edge.reader);
    double sum = 0;
    for (size_t i = 0; i < p->ask.clean.pos; i++)
        for (size_t k = 0; k < p->twin.config.d_model; k++)
            sum += ((double)corrupted.data[i * corrupted.stride + k] -
                    (double)clean.data[i * clean.stride + k]) *
                   (double)g.data[i * g.stride + k];
    return sum;
}

clh_status clh_paths_eap(clh_paths *paths, size_t steps, double *estimate, const clh_watch *watch,
                         clh_error *err)
{
    CLH_REQUIRE(paths && estimate, err, "paths, and room for the estimates");
    if (steps == 0)
        return clh_fail(err, CLH_ERANGE, "the mean of 0 gradients, want at least 1 step");
    clh_paths *p = paths;
    const size_t edges = p->twin.graph.edges;
    clh_status status = make_gradient(p, err);
    memset(estimate, 0, edges * sizeof *estimate);
    for (size_t step = 1; step <= steps && !status; step++) {
        double value;
        status = clh_watch_check(watch, step - 1, steps, "gradients", err);
        if (!status)
            status = run_between(p, step, steps, err);
        if (!status)
            status = clh_metric_value(&p->ask.metric, p->scratch, &p->ask.clean, &value,
                                      p->gradient, err);
        if (!status)
            status = clh_backward(p->twin.model, &p->ask.clean, p->scratch, p->gradient, NULL, NULL,
                                  err);
        for (size_t e = 0; e < edges && !status; e++)
            estimate[e] += estimate_edge(p, clh_graph_edge(&p->twin.graph, e));
    }
    for (size_t e = 0; e < edges; e++)
        estimate[e] /= (double)steps;
    return status ? status : clh_watch_check(watch, steps, steps, "gradients", err);
}
