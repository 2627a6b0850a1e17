#include "lens/paths/graph_twin.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "model/memory/tensors.h"

/* Where an activation has its rows for `head`. */
static clh_node_place place_of(const clh_cache *cache, const clh_row *row, size_t layer,
                               size_t head)
{
    const size_t a = clh_cache_index(cache, clh_act_of(row), layer);
    assert(a != SIZE_MAX && "the twin's config has every node");
    const clh_tensor t = clh_cache_describe(cache, a, 1, 1);
    return (clh_node_place){a, head * t.shape[t.rank - 1], clh_tensor_count(&t)};
}

static const clh_row *row_of(const clh_component *writer)
{
    return &clh_layout_acts.row[writer->row];
}

/* What a writer is made of: a head the bias of its layer's sum, an embedding its table. */
static void find_weights(clh_graph_twin *twin, size_t w)
{
    const clh_component *writer = &twin->graph.writer[w];
    const clh_row *row = row_of(writer);
    twin->bias[w] = twin->table[w] = NULL;
    if (writer->kind == CLH_PART_HEAD)
        twin->bias[w] =
            clh_model_param(twin->model, clh_param_of(row->map->bias), writer->layer).data;
    else if (!row->from)
        twin->table[w] = clh_model_param(twin->model, clh_param_of(row->map), writer->layer).data;
}

static clh_status find_places(clh_graph_twin *twin, clh_error *err)
{
    const clh_graph *g = &twin->graph;
    clh_cache *cache = NULL;
    clh_status status = clh_cache_open(&cache, &twin->config, CLH_KEEP_ALL, err);
    if (status)
        return status;
    twin->output = clh_alloc_array(g->writers, sizeof *twin->output, err);
    twin->input = clh_alloc_array(g->readers, sizeof *twin->input, err);
    twin->bias = clh_alloc_array(g->writers, sizeof *twin->bias, err);
    twin->table = clh_alloc_array(g->writers, sizeof *twin->table, err);
    if (!twin->output || !twin->input || !twin->bias || !twin->table) {
        clh_cache_close(cache);
        return CLH_ENOMEM;
    }
    for (size_t w = 0; w < g->writers; w++) {
        const clh_component *writer = &g->writer[w];
        const bool head = writer->kind == CLH_PART_HEAD;
        const clh_row *row = head ? clh_graph_apart(row_of(writer)) : row_of(writer);
        twin->output[w] = place_of(cache, row, writer->layer, writer->index);
        find_weights(twin, w);
    }
    for (size_t r = 0; r < g->readers; r++)
        twin->input[r] = place_of(cache, &clh_layout_acts.row[g->reader[r].row], g->reader[r].layer,
                                  g->reader[r].head);
    clh_cache_close(cache);
    return CLH_OK;
}

clh_status clh_graph_twin_open(clh_graph_twin *out, const clh_model *model, clh_error *err)
{
    assert(out && model);
    clh_graph_twin twin = {.config = clh_graph_config(clh_model_get_config(model))};
    clh_status status = clh_model_open(&twin.model, &twin.config, err);
    if (!status) {
        size_t count, same;
        const clh_real *data = clh_model_data(model, &count);
        clh_real *copy = clh_model_data(twin.model, &same);
        assert(same == count);
        memcpy(copy, data, count * sizeof *copy);
        status = clh_graph_make(&twin.graph, &twin.config, err);
    }
    if (!status)
        status = find_places(&twin, err);
    if (status)
        clh_graph_twin_close(&twin);
    else
        *out = twin;
    return status;
}

void clh_graph_twin_close(clh_graph_twin *twin)
{
    clh_free((void *)twin->table);
    clh_free((void *)twin->bias);
    clh_free(twin->input);
    clh_free(twin->output);
    clh_graph_deinit(&twin->graph);
    clh_model_close(twin->model);
    *twin = (clh_graph_twin){0};
}

static clh_node_rows rows_at(const clh_cache *cache, const clh_node_place *place)
{
    return (clh_node_rows){clh_cache_tensor(cache, place->activation).data + place->offset,
                           place->stride};
}

clh_node_rows clh_graph_output(const clh_graph_twin *twin, const clh_cache *cache, size_t writer)
{
    assert(writer < twin->graph.writers);
    return rows_at(cache, &twin->output[writer]);
}

clh_node_rows clh_graph_input(const clh_graph_twin *twin, const clh_cache *cache, size_t reader)
{
    assert(reader < twin->graph.readers);
    return rows_at(cache, &twin->input[reader]);
}

void clh_graph_outputs(const clh_graph_twin *twin, const clh_cache *cache, clh_node_rows *from)
{
    for (size_t w = 0; w < twin->graph.writers; w++)
        from[w] = clh_graph_output(twin, cache, w);
}

bool clh_graph_by_token(const clh_graph_twin *twin, size_t writer)
{
    assert(twin->table[writer]);
    return row_of(&twin->graph.writer[writer])->map->dim[0] == DIM_D_VOCAB;
}

enum { SOME = 64 /* numbers of a row that are added up at a time */ };

static void add(clh_real *sum, const clh_real *more, size_t count)
{
    for (size_t k = 0; k < count; k++)
        sum[k] += more[k];
}

/* Numbers begin … of a position's sum: embed + pos_embed; of each layer + (b_O + head 0 + head 1 …)
 * and + mlp_out. */
static void sum_some(const clh_graph_twin *twin, size_t reads, const clh_node_rows *from,
                     size_t position, size_t begin, size_t count, clh_real *sum)
{
    clh_real term[SOME];
    for (size_t w = 0; w < reads;) {
        const bool first = w == 0, apart = twin->bias[w] != NULL;
        const size_t end = w + (apart ? twin->config.n_heads : 1);
        clh_real *to = first ? sum : term;
        const clh_real *start = apart ? twin->bias[w] : from[w].data + position * from[w].stride;
        memcpy(to, start + begin, count * sizeof *to);
        for (w += !apart; w < end; w++)
            add(to, from[w].data + position * from[w].stride + begin, count);
        if (!first)
            add(sum, term, count);
    }
}

void clh_graph_sum(const clh_graph_twin *twin, size_t reader, const clh_node_rows *from,
                   size_t begin, size_t end, clh_node_rows to)
{
    assert(reader < twin->graph.readers);
    const size_t reads = twin->graph.reader[reader].reads, d = twin->config.d_model;
    clh_real sum[SOME];
    for (size_t i = begin; i < end; i++)
        for (size_t k = 0; k < d; k += SOME) {
            const size_t count = d - k < SOME ? d - k : SOME;
            sum_some(twin, reads, from, i, k, count, sum);
            memcpy(to.data + i * to.stride + k, sum, count * sizeof *sum);
        }
}
