/** The model's own graph, and what flows along each of its edges.
 *
 *    const clh_paths_ask ask = {.clean = clean, .corrupted = corrupted, .metric = metric};
 *    clh_paths *paths = NULL;
 *    if (clh_paths_open(&paths, model, &ask, NULL, &err)) ...
 *    const clh_graph *graph = clh_paths_graph(paths);
 *    double effect[graph->edges], estimate[graph->edges];
 *    if (clh_paths_exact(paths, effect, NULL, &err)) ...      // by computing again
 *    if (clh_paths_eap(paths, 1, estimate, NULL, &err)) ...         // and by the gradient
 *    clh_paths_close(paths);
 *
 *  Writers add to the residual stream: embed, pos_embed, every head, every MLP. Readers take its
 *  sum: the q, k and v input of every head, every MLP, the logits. An edge leads from every writer
 *  to every reader behind it. A reader's input is the sum of what its writers wrote (and of the
 *  biases b_O, which no run changes), added up in the order of the forward pass; its norm, where
 *  there is one, is computed again on the sum as changed.
 *
 *  Effects are of the corrupted run in the clean one: metric with the edge corrupted, less the
 *  clean metric. Opened things are closed by the caller; what is borrowed lasts as long as they
 *  do. A clh_paths belongs to one thread.
 *
 *  Wang et al. 2022 (path patching); Goldowsky-Dill et al. 2023; Conmy et al. 2023 (edges); Syed
 *  et al. 2023 (EAP); Hanna et al. 2024 (EAP-IG).
 */
#ifndef CLEARHEAD_PATH_H
#define CLEARHEAD_PATH_H

#include "clearhead/api.h"
#include "clearhead/measure.h"
#include "clearhead/metric.h"
#include "clearhead/residual.h"

CLH_BEGIN_DECLS

/** What reads the stream; its input is the sum of writers 0 … reads-1. */
typedef struct clh_reader {
    size_t row; /**< the activation that is its input: a row of the model's layout */
    size_t layer, head;
    size_t reads;
    size_t first_edge; /**< its edges are first_edge + writer */
    size_t writer;     /**< what the node makes of its inputs; SIZE_MAX: the logits */
} clh_reader;

/** All in the order of the forward pass; owned by who made it. */
typedef struct clh_graph {
    size_t writers, readers, edges;
    clh_component *writer; /**< [writers]: terms of the stream, those of attention as heads */
    clh_reader *reader;    /**< [readers] */
} clh_graph;

typedef struct clh_edge {
    size_t writer, reader;
} clh_edge;

/** The graph of models of this config. CLH_ESUPPORT for one of 0 layers. */
CLH_API clh_status clh_graph_make(clh_graph *out, const clh_model_config *config, clh_error *err);

/** Free what a graph holds. NULL and all zero are fine. */
CLH_API void clh_graph_deinit(clh_graph *graph);

/** "L1H0.q", "1_mlp_in", "logits"; a writer's label is clh_component_label()'s. Returns `out`. */
CLH_API const char *clh_reader_label(const clh_reader *reader, char out[32]);

/** Writer and reader of edge `index` < edges. */
CLH_API clh_edge clh_graph_edge(const clh_graph *graph, size_t index);

/** "L0H1->L1H0.q", into `out`; returns `out`. */
CLH_API const char *clh_edge_label(const clh_graph *graph, size_t index, char out[72]);

/** Mark in `chosen` [edges] the edges that `names` means: labels or shell patterns of them, commas
 *  between. CLH_EINPUT for one that means none, with the nearest. */
CLH_API clh_status clh_graph_choose(const clh_graph *graph, const char *names, bool *chosen,
                                    clh_error *err);

/** The edges of a path such as "embed->L0H0.v->L1H0.q->logits", into `edges` [capacity]; *count
 *  gets how many. CLH_EINPUT names the step that is no edge, or that does not begin where the one
 *  before it ended; CLH_ERANGE for more than there is room for (a model of n layers has no path of
 *  more than 2n + 1 edges). */
CLH_API clh_status clh_graph_path(const clh_graph *graph, const char *text, size_t *edges,
                                  size_t capacity, size_t *count, clh_error *err);

/** Two sequences of one length and the scalar they are compared by. Borrowed. */
typedef struct clh_paths_ask {
    clh_tokens clean, corrupted; /**< [1, pos] both */
    clh_metric metric;           /**< a loss is that of the clean sequence's tokens in every run */
} clh_paths_ask;

typedef struct clh_paths clh_paths;

/** Compute both runs. Here and below `watch` may be NULL, and CLH_STOPPED is returned where it says
 *  stop. CLH_ESHAPE for sequences of two lengths or more than one each; CLH_ENOMEM
 *  says what it takes and what there is; CLH_ENUMERIC names the run and its first
 *  activation that is not finite; errors of clh_metric_value() and clh_forward(). */
CLH_API clh_status clh_paths_open(clh_paths **out, const clh_model *model, const clh_paths_ask *ask,
                                  const clh_watch *watch, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_paths_close(clh_paths *paths);

/** The graph; borrowed. */
CLH_API const clh_graph *clh_paths_graph(const clh_paths *paths);

/** Metric of the clean and of the corrupted run, to rounding those of clh_forward(): attention adds
 *  up its heads one by one here. */
CLH_API double clh_paths_clean(const clh_paths *paths);
CLH_API double clh_paths_corrupted(const clh_paths *paths);

/** The exact effect of every edge alone: its reader's input has the corrupted run's contribution of
 *  its writer, all other contributions are clean, and everything behind the reader is computed
 *  again. `effect` [edges]; the watch is told of each. */
CLH_API clh_status clh_paths_exact(clh_paths *paths, double *effect, const clh_watch *watch,
                                   clh_error *err);

/** The exact effect of a set of edges (`chosen` [edges]) patched at once: the input of every reader
 *  is the sum of what the corrupted run's writers wrote, over the edges chosen, and of what those
 *  of this very run wrote, over the others. All edges: the corrupted run, bit for bit; none: the
 *  clean one. */
CLH_API clh_status clh_paths_set(clh_paths *paths, const bool *chosen, double *effect,
                                 const clh_watch *watch, clh_error *err);

/** The exact effect along one path: the first edge carries the corrupted writer, each further edge
 *  what its writer makes of the edge before it, and nothing else of the path's writers is changed
 *  for anyone else. Behind the last reader everything is computed again. `edges` [count] as
 *  clh_graph_path() gives them. */
CLH_API clh_status clh_paths_along(clh_paths *paths, const size_t *edges, size_t count,
                                   double *effect, const clh_watch *watch, clh_error *err);

/** Every effect estimated by gradients: sum over positions of (corrupted - clean output of the
 *  writer) . d metric / d input of the reader, the gradient being the mean over `steps` >= 1 runs
 *  of the clean sequence whose hook_embed is corrupted + k/steps (clean - corrupted), k = 1 …
 *  steps. One step is the clean run alone: EAP (Syed et al. 2023); more are EAP-IG (Hanna et al.
 *  2024). `estimate` [edges]. */
CLH_API clh_status clh_paths_eap(clh_paths *paths, size_t steps, double *estimate,
                                 const clh_watch *watch, clh_error *err);

CLH_END_DECLS

#endif
