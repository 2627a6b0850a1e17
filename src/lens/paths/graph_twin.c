#include "lens/paths/graph_twin.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "measure/lens_view.h"

static clh_model_config split_config(const clh_model_config *config)
{
    clh_model_config c = *config;
    c.use_attn_in = c.use_hook_tokens = false;
    c.use_split_qkv_input = c.use_attn_result = true;
    c.use_hook_mlp_in = !c.attn_only;
    return c;
}

/* Where activation "blocks.<layer>.<name>", or <name> where `once`, has its rows for `head`. */
static clh_node_place place_of(const clh_cache *cache, bool once, size_t layer, const char *name,
                               size_t head)
{
    char full[CLH_BLOCK_NAME_MAX];
    (void)snprintf(full, sizeof full, "blocks.%zu.%s", layer, name);
    for (size_t a = 0; a < clh_cache_count(cache); a++) {
        const clh_tensor t = clh_cache_describe(cache, a, 1, 1);
        if (strcmp(t.name, once ? name : full) == 0)
            return (clh_node_place){a, head * t.shape[t.rank - 1], clh_tensor_count(&t)};
    }
    assert(0 && "the twin's config has every node");
    return (clh_node_place){0};
}

static clh_node_place output_of(const clh_cache *cache, const clh_component *writer)
{
    const bool once = writer->kind == CLH_PART_EMBED || writer->kind == CLH_PART_POS_EMBED;
    const char *name = writer->kind == CLH_PART_EMBED       ? "hook_embed"
                       : writer->kind == CLH_PART_POS_EMBED ? "hook_pos_embed"
                       : writer->kind == CLH_PART_HEAD      ? "attn.hook_result"
                                                            : "hook_mlp_out";
    return place_of(cache, once, writer->layer, name, writer->index);
}

static clh_node_place input_of(const clh_cache *cache, const clh_reader *reader)
{
    static const char *const name[CLH_INPUTS] = {
        [CLH_INPUT_Q] = "hook_q_input",         [CLH_INPUT_K] = "hook_k_input",
        [CLH_INPUT_V] = "hook_v_input",         [CLH_INPUT_MLP] = "hook_mlp_in",
        [CLH_INPUT_LOGITS] = "hook_resid_post",
    };
    return place_of(cache, false, reader->layer, name[reader->input], reader->head);
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
    twin->b_O = clh_alloc_array(twin->config.n_layers, sizeof *twin->b_O, err);
    if (!twin->output || !twin->input || !twin->b_O) {
        clh_cache_close(cache);
        return CLH_ENOMEM;
    }
    for (size_t w = 0; w < g->writers; w++)
        twin->output[w] = output_of(cache, &g->writer[w]);
    for (size_t r = 0; r < g->readers; r++)
        twin->input[r] = input_of(cache, &g->reader[r]);
    for (size_t l = 0; l < twin->config.n_layers; l++)
        twin->b_O[l] = clh_model_in_block(twin->model, l, "attn.b_O").data;
    clh_cache_close(cache);
    return CLH_OK;
}

clh_status clh_graph_twin_open(clh_graph_twin *out, const clh_model *model, clh_error *err)
{
    assert(out && model);
    clh_graph_twin twin = {.config = split_config(clh_model_get_config(model))};
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
    clh_free((void *)twin->b_O);
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

/* sum = embed + pos_embed; of each layer sum += (b_O + head 0 + head 1 …), sum += mlp_out */
static clh_real sum_number(const clh_graph_twin *twin, size_t reads, const clh_node_rows *from,
                           size_t position, size_t k)
{
    const size_t heads = twin->config.n_heads;
    size_t w = 2;
    clh_real sum =
        from[0].data[position * from[0].stride + k] + from[1].data[position * from[1].stride + k];
    while (w < reads) {
        clh_real attn_out = twin->b_O[twin->graph.writer[w].layer][k];
        for (const size_t end = w + heads; w < end; w++)
            attn_out += from[w].data[position * from[w].stride + k];
        sum += attn_out;
        if (w < reads && !twin->config.attn_only) {
            sum += from[w].data[position * from[w].stride + k];
            w++;
        }
    }
    return sum;
}

void clh_graph_sum(const clh_graph_twin *twin, size_t reader, const clh_node_rows *from,
                   size_t begin, size_t end, clh_node_rows to)
{
    assert(reader < twin->graph.readers);
    const size_t reads = twin->graph.reader[reader].reads;
    for (size_t i = begin; i < end; i++)
        for (size_t k = 0; k < twin->config.d_model; k++)
            to.data[i * to.stride + k] = sum_number(twin, reads, from, i, k);
}
