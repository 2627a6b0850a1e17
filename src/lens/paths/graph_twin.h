/** The graph's nodes in a cache: a model whose readers have inputs of their own, and the sums they
 *  read.
 *
 *    clh_graph_twin twin = {0};
 *    if (clh_graph_twin_open(&twin, model, err)) ...
 *    clh_forward(twin.model, &tokens, cache, NULL, err);       // caches of twin's config
 *    clh_rows z = clh_graph_output(&twin, cache, writer);      // what it wrote, by position
 *    clh_graph_sum(&twin, reader, from, begin, end, clh_graph_input(&twin, cache, reader));
 *    clh_graph_twin_close(&twin);
 *
 *  The twin has the model's parameters, and use_split_qkv_input, use_attn_result and
 *  use_hook_mlp_in on, so it computes the same to rounding: attention adds up its heads one by
 *  one. Read-only once opened: threads share it.
 */
#ifndef CLH_GRAPH_TWIN_H
#define CLH_GRAPH_TWIN_H

#include "clearhead/path.h"
#include "model/description/layout.h"

/** Where in a cache a node lies: activation, first number, distance between positions. */
typedef struct clh_node_place {
    size_t activation, offset, stride;
} clh_node_place;

/** Rows of d_model numbers, one for each position. */
typedef struct clh_node_rows {
    clh_real *data;
    size_t stride;
} clh_node_rows;

typedef struct clh_graph_twin {
    clh_model *model;
    clh_model_config config;
    clh_graph graph;
    clh_node_place *output, *input; /**< [writers], [readers] */
    const clh_real **bias;  /**< [writers]: of a head the bias behind the sum of its layer's */
    const clh_real **table; /**< [writers]: of an embedding its rows, else NULL */
} clh_graph_twin;

/** The config of a twin of models of `config`: each reader has an input of its own. */
clh_model_config clh_graph_config(const clh_model_config *config);

/** The row that holds the heads of a term apart; NULL where it has none. */
const clh_row *clh_graph_apart(const clh_row *term);

/** Whether an embedding's rows are looked up by token, not by position. */
bool clh_graph_by_token(const clh_graph_twin *twin, size_t writer);

/** A twin of `model`, which is copied. */
clh_status clh_graph_twin_open(clh_graph_twin *out, const clh_model *model, clh_error *err);

/** Free what a twin holds. All zero is fine. */
void clh_graph_twin_close(clh_graph_twin *twin);

/** What a writer wrote in `cache`, and what a reader reads; of a gradient their gradients. */
clh_node_rows clh_graph_output(const clh_graph_twin *twin, const clh_cache *cache, size_t writer);
clh_node_rows clh_graph_input(const clh_graph_twin *twin, const clh_cache *cache, size_t reader);

/** All outputs in `cache`, into `from` [writers]. */
void clh_graph_outputs(const clh_graph_twin *twin, const clh_cache *cache, clh_node_rows *from);

/** Positions begin … end-1 of a reader's input: the sum of its writers' rows `from` and biases in
 *  the order of the forward pass, so that the rows of one run give the bits of that run. */
void clh_graph_sum(const clh_graph_twin *twin, size_t reader, const clh_node_rows *from,
                   size_t begin, size_t end, clh_node_rows to);

#endif
