/* The graph as data. Writers are in the order of the pass, so a reader's are those before it: those in
 * the residual stream where it reads, which beside attention (parallel_attn_mlp) holds not yet its
 * heads. */
#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/quote.h"
#include "lens/paths/graph_twin.h"
#include "model/description/layout.h"

/* Every input has a row of its own; of other hook points that wait for a setting there are none. */
clh_model_config clh_graph_config(const clh_model_config *config)
{
    clh_model_config c = *config;
    for (size_t id = 0; id < CLH_A_COUNT; id++) {
        const clh_row *row = &clh_layout_acts.row[id];
        const char *name;
        bool *setting = clh_when_switch(row->when, &c, &name);
        if (!setting)
            continue;
        *setting = true; /* and off again where the row is not there for want of something else */
        *setting =
            (row->stream == STREAM_INPUT || row->stream == STREAM_APART) && clh_row_exists(row, &c);
    }
    return c;
}

static bool has_heads(const clh_row *row)
{
    bool found = false;
    for (size_t i = 0; i < CLH_RANK_MAX; i++)
        found = found || row->dim[i] == DIM_HEADS;
    return found;
}

const clh_row *clh_graph_apart(const clh_row *term)
{
    for (size_t id = 0; id < CLH_A_COUNT; id++)
        if (clh_layout_acts.row[id].stream == STREAM_APART &&
            clh_layout_acts.row[id].map == term->map)
            return &clh_layout_acts.row[id];
    return NULL;
}

/* A graph under construction; without arrays its nodes are only counted. */
typedef struct builder {
    clh_graph g;
    size_t heads;
    size_t waiting; /* the first reader of a node whose writer is still to come */
    size_t summed;  /* writers in the stream as its last row has it */
} builder;

static void put_reader(builder *b, const clh_row *row, size_t layer, size_t head)
{
    clh_graph *g = &b->g;
    if (g->reader)
        g->reader[g->readers] = (clh_reader){.row = clh_act_of(row),
                                             .layer = layer,
                                             .head = head,
                                             .reads = b->summed,
                                             .first_edge = g->edges,
                                             .writer = SIZE_MAX};
    g->readers++;
    g->edges += b->summed;
}

/* The inputs that follow each other from `at` on, of each head. */
static void put_inputs(builder *b, clh_row_place at)
{
    const clh_row *end = at.row;
    while (end->stream == STREAM_INPUT && has_heads(end) == has_heads(at.row))
        end++;
    for (size_t h = 0; h < (has_heads(at.row) ? b->heads : 1); h++)
        for (const clh_row *row = at.row; row < end; row++)
            put_reader(b, row, at.layer, h);
}

/* A term, or its heads; they are what the node makes of the inputs before them. */
static void put_term(builder *b, clh_row_place at)
{
    clh_graph *g = &b->g;
    const bool apart = clh_graph_apart(at.row) != NULL;
    for (size_t r = b->waiting; g->reader && r < g->readers; r++)
        g->reader[r].writer = g->writers + g->reader[r].head;
    b->waiting = g->readers;
    for (size_t h = 0; h < (apart ? b->heads : 1); h++) {
        if (g->writer)
            g->writer[g->writers] = (clh_component){.kind = apart ? CLH_PART_HEAD : CLH_PART_TERM,
                                                    .layer = at.layer,
                                                    .index = h,
                                                    .row = at.id};
        g->writers++;
    }
}

static void build(builder *b, const clh_model_config *c)
{
    const clh_row *before = NULL;
    b->g.readers = b->g.writers = b->g.edges = b->waiting = b->summed = 0;
    b->heads = c->n_heads;
    for (clh_row_place at = clh_layout_first(&clh_layout_acts, c); at.row;
         at = clh_layout_next(&clh_layout_acts, c, at)) {
        if (at.row->stream == STREAM_INPUT && !(before && before->stream == STREAM_INPUT))
            put_inputs(b, at);
        if (clh_row_stream(at.row, c) == STREAM_TERM)
            put_term(b, at);
        if (clh_row_stream(at.row, c) == STREAM_SELF)
            b->summed = b->g.writers;
        before = at.row;
    }
    put_reader(b, clh_layout_acts.row[CLH_A_LOGITS].from, c->n_layers - 1, 0);
}

clh_status clh_graph_make(clh_graph *out, const clh_model_config *config, clh_error *err)
{
    CLH_REQUIRE(out && config, err, "a config, and room for the graph");
    clh_status status = clh_model_config_check(config, err);
    if (!status && config->n_layers == 0)
        status = clh_fail(err, CLH_ESUPPORT, "a graph of heads and MLPs, the model has 0 layers");
    if (status)
        return status;
    const clh_model_config c = clh_graph_config(config);
    builder b = {0};
    build(&b, &c);
    b.g.writer = clh_alloc_array(b.g.writers, sizeof *b.g.writer, err);
    b.g.reader = clh_alloc_array(b.g.readers, sizeof *b.g.reader, err);
    if (!b.g.writer || !b.g.reader) {
        clh_graph_deinit(&b.g);
        return CLH_ENOMEM;
    }
    build(&b, &c);
    *out = b.g;
    return CLH_OK;
}

void clh_graph_deinit(clh_graph *graph)
{
    if (!graph)
        return;
    clh_free(graph->writer);
    clh_free(graph->reader);
    *graph = (clh_graph){0};
}

const char *clh_reader_label(const clh_reader *reader, char out[32])
{
    if (!out)
        return NULL;
    out[0] = '\0';
    if (!reader || reader->row >= CLH_A_COUNT)
        return out;
    const clh_row *row = &clh_layout_acts.row[reader->row];
    const char *name = clh_row_short(row), *end = strstr(name, "_input");
    if (row->stream != STREAM_INPUT)
        (void)snprintf(out, 32, "%s", clh_row_short(&clh_layout_acts.row[CLH_A_LOGITS]));
    else if (has_heads(row))
        (void)snprintf(out, 32, "L%zuH%zu.%.*s", reader->layer, reader->head,
                       (int)(end ? end - name : 16), name);
    else
        (void)snprintf(out, 32, "%zu_%s", reader->layer, name);
    return out;
}

/* Whether a graph that a caller gave has what it counts. */
static bool is_graph(const clh_graph *graph)
{
    return graph && graph->writer && graph->reader && graph->edges > 0;
}

clh_edge clh_graph_edge(const clh_graph *graph, size_t index)
{
    const clh_edge none = {SIZE_MAX, SIZE_MAX};
    size_t r = 0;
    if (!is_graph(graph) || index >= graph->edges)
        return none;
    while (r < graph->readers && index >= graph->reader[r].first_edge + graph->reader[r].reads)
        r++;
    if (r == graph->readers)
        return none;
    return (clh_edge){index - graph->reader[r].first_edge, r};
}

const char *clh_edge_label(const clh_graph *graph, size_t index, char out[72])
{
    if (!out)
        return NULL;
    out[0] = '\0';
    const clh_edge edge = clh_graph_edge(graph, index);
    if (edge.reader == SIZE_MAX || edge.writer >= graph->writers)
        return out;
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
    CLH_REQUIRE(is_graph(graph) && names && chosen, err,
                "a graph, names, and room for what they mean");
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
    CLH_REQUIRE(is_graph(graph) && text && edges && count, err,
                "a graph, a path, and room for its edges and their number");
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
                        clh_quoted_text(name).text);
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
        writer = graph->reader[reader].writer;
    }
    return CLH_OK;
}
