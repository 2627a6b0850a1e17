/* The graph as data. Writers are in the order of the pass, so a reader's are those before it. */
#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/path.h"

static const clh_input head_inputs[] = {CLH_INPUT_Q, CLH_INPUT_K, CLH_INPUT_V};

static void put_writer(clh_graph *g, clh_component_kind kind, size_t layer, size_t index)
{
    g->writer[g->writers++] = (clh_component){kind, layer, index};
}

static void put_reader(clh_graph *g, clh_input input, size_t layer, size_t head)
{
    g->reader[g->readers++] = (clh_reader){input, layer, head, g->writers, g->edges};
    g->edges += g->writers;
}

static void put_layer(clh_graph *g, const clh_model_config *c, size_t layer)
{
    for (size_t h = 0; h < c->n_heads; h++)
        for (size_t i = 0; i < CLH_COUNT(head_inputs); i++)
            put_reader(g, head_inputs[i], layer, h);
    for (size_t h = 0; h < c->n_heads; h++)
        put_writer(g, CLH_PART_HEAD, layer, h);
    if (c->attn_only)
        return;
    put_reader(g, CLH_INPUT_MLP, layer, 0);
    put_writer(g, CLH_PART_MLP_OUT, layer, 0);
}

clh_status clh_graph_make(clh_graph *out, const clh_model_config *config, clh_error *err)
{
    assert(out && config);
    const size_t writers = 2 + config->n_layers * (config->n_heads + !config->attn_only);
    const size_t readers =
        1 + config->n_layers * (CLH_COUNT(head_inputs) * config->n_heads + !config->attn_only);
    clh_graph g = {.writer = clh_alloc_array(writers, sizeof *g.writer, err),
                   .reader = clh_alloc_array(readers, sizeof *g.reader, err)};
    if (!g.writer || !g.reader) {
        clh_graph_deinit(&g);
        return CLH_ENOMEM;
    }
    put_writer(&g, CLH_PART_EMBED, 0, 0);
    put_writer(&g, CLH_PART_POS_EMBED, 0, 0);
    for (size_t l = 0; l < config->n_layers; l++)
        put_layer(&g, config, l);
    put_reader(&g, CLH_INPUT_LOGITS, config->n_layers - 1, 0);
    assert(g.writers == writers && g.readers == readers);
    *out = g;
    return CLH_OK;
}

void clh_graph_deinit(clh_graph *graph)
{
    clh_free(graph->writer);
    clh_free(graph->reader);
    *graph = (clh_graph){0};
}

const char *clh_reader_label(const clh_reader *reader, char out[32])
{
    static const char *const format[CLH_INPUTS] = {
        [CLH_INPUT_Q] = "L%zuH%zu.q",   [CLH_INPUT_K] = "L%zuH%zu.k",  [CLH_INPUT_V] = "L%zuH%zu.v",
        [CLH_INPUT_MLP] = "%zu_mlp_in", [CLH_INPUT_LOGITS] = "logits",
    };
    assert(reader->input < CLH_INPUTS);
    (void)snprintf(out, 32, format[reader->input], reader->layer, reader->head);
    return out;
}

clh_edge clh_graph_edge(const clh_graph *graph, size_t index)
{
    assert(index < graph->edges);
    size_t r = 0;
    while (index >= graph->reader[r].first_edge + graph->reader[r].reads)
        r++;
    return (clh_edge){index - graph->reader[r].first_edge, r};
}

const char *clh_edge_label(const clh_graph *graph, size_t index, char out[72])
{
    assert(graph && out);
    const clh_edge edge = clh_graph_edge(graph, index);
    char from[32], to[32];
    (void)snprintf(out, 72, "%s->%s", clh_component_label(&graph->writer[edge.writer], from),
                   clh_reader_label(&graph->reader[edge.reader], to));
    return out;
}

/* ---- Edges by name ------------------------------------------------------------------------------
 */

/* "no edge is called X", with the nearest there is. */
static clh_status no_edge(const clh_graph *graph, const char *name, clh_error *err)
{
    char(*labels)[72] = clh_alloc_array(graph->edges, sizeof *labels, err);
    const char **names = clh_alloc_array(graph->edges, sizeof *names, err);
    clh_status status = CLH_ENOMEM;
    if (labels && names) {
        for (size_t e = 0; e < graph->edges; e++)
            names[e] = clh_edge_label(graph, e, labels[e]);
        const char *near = clh_nearest_name(name, names, graph->edges);
        status = clh_fail(err, CLH_EINPUT, "no edge is called %s%s%s%s", name,
                          near ? "; did you mean " : ", want one such as ", near ? near : names[0],
                          near ? "?" : "");
    }
    clh_free(names);
    clh_free(labels);
    return status;
}

static clh_status choose(const clh_graph *graph, const char *name, bool *chosen, clh_error *err)
{
    bool found = false;
    char label[72];
    for (size_t e = 0; e < graph->edges; e++)
        if (fnmatch(name, clh_edge_label(graph, e, label), 0) == 0)
            chosen[e] = found = true;
    return found ? CLH_OK : no_edge(graph, name, err);
}

/* The part of `at` before `separator` or its end; false when it is empty or does not fit. */
static bool cut(const char *at, const char *separator, char out[72], const char **next)
{
    const char *end = strstr(at, separator);
    const size_t length = end ? (size_t)(end - at) : strlen(at);
    *next = end ? end + strlen(separator) : NULL;
    if (length == 0 || length >= 72)
        return false;
    memcpy(out, at, length);
    out[length] = '\0';
    return true;
}

clh_status clh_graph_choose(const clh_graph *graph, const char *names, bool *chosen, clh_error *err)
{
    assert(graph && names && chosen);
    clh_status status = CLH_OK;
    memset(chosen, 0, graph->edges * sizeof *chosen);
    for (const char *at = names, *next; at && !status; at = next) {
        char name[72];
        if (!cut(at, ",", name, &next))
            return clh_fail(err, CLH_EINPUT,
                            "the edges are \"%s\", want names with one comma between them", names);
        status = choose(graph, name, chosen, err);
    }
    return status;
}

/* The writer that the node of a reader is; SIZE_MAX for the logits. */
static size_t writer_of(const clh_graph *graph, const clh_reader *reader)
{
    const clh_component_kind kind =
        reader->input == CLH_INPUT_MLP ? CLH_PART_MLP_OUT : CLH_PART_HEAD;
    for (size_t w = 0; w < graph->writers && reader->input != CLH_INPUT_LOGITS; w++)
        if (graph->writer[w].kind == kind && graph->writer[w].layer == reader->layer &&
            graph->writer[w].index == reader->head)
            return w;
    return SIZE_MAX;
}

static size_t find_writer(const clh_graph *graph, const char *name)
{
    char label[32];
    for (size_t w = 0; w < graph->writers; w++)
        if (strcmp(clh_component_label(&graph->writer[w], label), name) == 0)
            return w;
    return SIZE_MAX;
}

static size_t find_reader(const clh_graph *graph, const char *name)
{
    char label[32];
    for (size_t r = 0; r < graph->readers; r++)
        if (strcmp(clh_reader_label(&graph->reader[r], label), name) == 0)
            return r;
    return SIZE_MAX;
}

/* The edge from `writer` to the reader called `to`. */
static clh_status step(const clh_graph *graph, size_t writer, const char *to, size_t *edge,
                       size_t *reader, clh_error *err)
{
    char from[32], name[112];
    *reader = find_reader(graph, to);
    if (*reader != SIZE_MAX && writer < graph->reader[*reader].reads) {
        *edge = graph->reader[*reader].first_edge + writer;
        return CLH_OK;
    }
    (void)snprintf(name, sizeof name, "%s->%s", clh_component_label(&graph->writer[writer], from),
                   to);
    return no_edge(graph, name, err);
}

clh_status clh_graph_path(const clh_graph *graph, const char *text, size_t *edges, size_t capacity,
                          size_t *count, clh_error *err)
{
    assert(graph && text && edges && count);
    char name[72];
    const char *next;
    if (!cut(text, "->", name, &next) || !next)
        return clh_fail(err, CLH_EINPUT,
                        "the path is \"%s\", want one such as "
                        "embed->L0H0.v->logits",
                        text);
    size_t writer = find_writer(graph, name), reader;
    if (writer == SIZE_MAX)
        return clh_fail(err, CLH_EINPUT,
                        "the path begins with %s, want embed, pos_embed, a head "
                        "such as L0H0 or an MLP such as 0_mlp_out",
                        name);
    *count = 0;
    while (next) {
        if (writer == SIZE_MAX || !cut(next, "->", name, &next))
            return clh_fail(err, CLH_EINPUT,
                            "the path is \"%s\", want every step named, and nothing "
                            "behind logits",
                            text);
        if (*count == capacity)
            return clh_fail(err, CLH_ERANGE, "the path has more than %zu edges", capacity);
        clh_status status = step(graph, writer, name, &edges[*count], &reader, err);
        if (status)
            return status;
        ++*count;
        writer = writer_of(graph, &graph->reader[reader]);
    }
    return CLH_OK;
}
