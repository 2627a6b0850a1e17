#include "lens/paths/path_table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/stop.h"

/* ---- The strongest first -----------------------------------------------------------------------
 */

typedef struct keyed {
    double strength;
    size_t edge;
} keyed;

static int stronger(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->strength < y->strength || x->strength > y->strength)
        return x->strength < y->strength ? 1 : -1;
    return x->edge < y->edge ? -1 : 1;
}

static clh_status sort_edges(clh_path_table *t, clh_error *err)
{
    keyed *key = clh_alloc_array(t->edges, sizeof *key, err);
    t->order = clh_alloc_array(t->edges, sizeof *t->order, err);
    if (key && t->order) {
        for (size_t e = 0; e < t->edges; e++)
            key[e] = (keyed){fabs(t->exact[e]), e};
        qsort(key, t->edges, sizeof *key, stronger);
        for (size_t e = 0; e < t->edges; e++)
            t->order[e] = key[e].edge;
    }
    clh_free(key);
    return key && t->order ? CLH_OK : CLH_ENOMEM;
}

/* ---- Names, and all edges beside each other ----------------------------------------------------
 */

static clh_status name_all(clh_path_table *t, const clh_graph *g, clh_error *err)
{
    const size_t count = g->edges + g->writers + g->readers;
    t->edge = clh_alloc_array(count, sizeof *t->edge, err);
    t->text = clh_alloc_array(count, sizeof *t->text, err);
    if (!t->edge || !t->text)
        return CLH_ENOMEM;
    t->writer = t->edge + g->edges;
    t->reader = t->writer + g->writers;
    for (size_t i = 0; i < g->edges; i++)
        t->edge[i] = clh_edge_label(g, i, t->text[i]);
    for (size_t i = 0; i < g->writers; i++)
        t->writer[i] = clh_component_label(&g->writer[i], t->text[g->edges + i]);
    for (size_t i = 0; i < g->readers; i++)
        t->reader[i] = clh_reader_label(&g->reader[i], t->text[g->edges + g->writers + i]);
    return CLH_OK;
}

static clh_status fill_matrix(clh_path_table *t, const clh_graph *g, clh_error *err)
{
    const size_t cells = g->writers * g->readers;
    t->ways = t->estimate ? 2 : 1;
    t->matrix = clh_alloc_array(cells, t->ways * sizeof *t->matrix, err);
    if (!t->matrix)
        return CLH_ENOMEM;
    for (size_t i = 0; i < t->ways * cells; i++)
        t->matrix[i] = NAN;
    for (size_t e = 0; e < g->edges; e++) {
        const clh_edge edge = clh_graph_edge(g, e);
        double *at = t->matrix + edge.writer * g->readers + edge.reader;
        at[0] = t->exact[e];
        if (t->estimate)
            at[cells] = t->estimate[e];
    }
    return CLH_OK;
}

/* ---- Computing ---------------------------------------------------------------------------------
 */

static clh_status compute(clh_path_table *t, clh_paths *paths, size_t steps, const clh_watch *watch,
                          clh_error *err)
{
    t->exact = clh_alloc_zeroed(t->edges, sizeof *t->exact, err);
    if (steps > 0)
        t->estimate = clh_alloc_zeroed(t->edges, sizeof *t->estimate, err);
    if (!t->exact || (steps > 0 && !t->estimate))
        return CLH_ENOMEM;
    const size_t all = t->edges + steps; /* a pass each, about */
    clh_watch_part part;
    clh_status status =
        clh_paths_exact(paths, t->exact, clh_watch_part_of(&part, watch, 0, t->edges, all), err);
    if (!status && steps > 0)
        status = clh_paths_eap(paths, steps, t->estimate,
                               clh_watch_part_of(&part, watch, t->edges, steps, all), err);
    t->worst = steps > 0 ? 0 : NAN;
    for (size_t e = 0; e < t->edges && !status && steps > 0; e++)
        t->worst = fmax(t->worst, fabs(t->estimate[e] - t->exact[e]));
    return status;
}

clh_status clh_path_table_make(clh_path_table *out, clh_paths *paths, size_t steps,
                               const clh_watch *watch, clh_error *err)
{
    assert(out && paths);
    const clh_graph *g = clh_paths_graph(paths);
    *out = (clh_path_table){.edges = g->edges, .writers = g->writers, .readers = g->readers};
    clh_status status = compute(out, paths, steps, watch, err);
    if (!status)
        status = sort_edges(out, err);
    if (!status)
        status = name_all(out, g, err);
    if (!status)
        status = fill_matrix(out, g, err);
    if (status)
        clh_path_table_deinit(out);
    return status;
}

clh_path_row clh_path_table_row(const clh_path_table *t, size_t place)
{
    const size_t e = t->order[place];
    const double estimate = t->estimate ? t->estimate[e] : NAN;
    return (clh_path_row){t->edge[e], t->exact[e], estimate, estimate - t->exact[e]};
}

void clh_path_table_deinit(clh_path_table *t)
{
    clh_free(t->exact);
    clh_free(t->estimate);
    clh_free(t->order);
    clh_free(t->matrix);
    clh_free((void *)t->edge);
    clh_free(t->text);
    *t = (clh_path_table){0};
}

clh_status clh_paths_one(double *effect, clh_paths *paths, const char *names, const char *path,
                         const clh_watch *watch, clh_error *err)
{
    assert(effect && paths && !names != !path);
    const clh_graph *g = clh_paths_graph(paths);
    size_t count = 0;
    size_t *along = path ? clh_alloc_array(g->edges, sizeof *along, err) : NULL;
    bool *chosen = names ? clh_alloc_array(g->edges, sizeof *chosen, err) : NULL;
    clh_status status = along || chosen ? CLH_OK : CLH_ENOMEM;
    if (!status && path)
        status = clh_graph_path(g, path, along, g->edges, &count, err);
    if (!status && path)
        status = clh_paths_along(paths, along, count, effect, watch, err);
    if (!status && names)
        status = clh_graph_choose(g, names, chosen, err);
    if (!status && names)
        status = clh_paths_set(paths, chosen, effect, watch, err);
    clh_free(chosen);
    clh_free(along);
    return status;
}
