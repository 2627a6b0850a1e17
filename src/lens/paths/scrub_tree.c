/* The recursion. With x, y, … sequences of the sample:
 *
 *    input(reader, x)  = sum over its writers of message(edge, x), and of b_O
 *    message(edge, x)  = rows of embed, each from a sequence that agrees with x there  (by rows)
 *                        plain output of the writer on y, y any, one y for the reader  (nothing)
 *                        output(writer, y), y one that agrees with x, x itself for all (else)
 *    output(writer, x) = what the node makes of input(its readers, x)
 *
 * A writer with nothing but "all" below it is what the plain run says, and is taken from there. */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "lens/paths/scrub_parts.h"

static const clh_scrub_rule anything = {"*", "*", CLH_AGREE_NOTHING, {0}, 0};

/* ---- A worker -----------------------------------------------------------------------------------
 */

/* An input within an input and so on: logits, then an MLP and a head for each layer. */
static size_t depth_of(const clh_graph_twin *twin)
{
    return 1 + 2 * twin->config.n_layers;
}

size_t clh_scrub_worker_bytes(const clh_graph_twin *twin, size_t stride)
{
    size_t caches = clh_cache_bytes(&twin->config, CLH_KEEP_ALL, 1, stride), rows = 0;
    if (!clh_mul_ok(caches, 3, &caches) ||
        !clh_mul_ok(depth_of(twin) * (twin->graph.writers + CLH_SCRUB_INPUTS_MAX), stride, &rows) ||
        !clh_mul_ok(rows, twin->config.d_model * sizeof(clh_real), &rows) ||
        !clh_add_ok(caches, rows, &rows))
        return SIZE_MAX;
    return rows;
}

clh_status clh_scrub_worker_make(clh_scrub_worker *out, const clh_graph_twin *twin,
                                 const clh_scrub_levels *levels, clh_error *err)
{
    assert(out && twin && levels);
    const size_t depth = depth_of(twin), writers = twin->graph.writers;
    *out = (clh_scrub_worker){.twin = twin, .levels = levels, .other_index = SIZE_MAX};
    clh_status status = clh_cache_open(&out->other, &twin->config, CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cache_open(&out->scratch, &twin->config, CLH_KEEP_ALL, err);
    if (!status) {
        const size_t rows = depth * (writers + CLH_SCRUB_INPUTS_MAX) * levels->sample->stride;
        out->room = clh_alloc_array(rows, twin->config.d_model * sizeof *out->room, err);
        out->from = clh_alloc_array(depth * writers, sizeof *out->from, err);
        status = out->room && out->from ? CLH_OK : CLH_ENOMEM;
    }
    if (status)
        clh_scrub_worker_deinit(out);
    return status;
}

void clh_scrub_worker_deinit(clh_scrub_worker *worker)
{
    clh_free(worker->from);
    clh_free(worker->room);
    clh_cache_close(worker->scratch);
    clh_cache_close(worker->other);
    *worker = (clh_scrub_worker){0};
}

/* Rows `which` of a level: those of the writers, then those of a node's inputs. */
static clh_node_rows rows_at(const clh_scrub_worker *k, size_t depth, size_t which)
{
    const size_t d = k->twin->config.d_model, stride = k->levels->sample->stride;
    assert(depth < depth_of(k->twin));
    return (clh_node_rows){
        k->room + (depth * (k->twin->graph.writers + CLH_SCRUB_INPUTS_MAX) + which) * stride * d,
        d};
}

/* ---- Plain outputs ------------------------------------------------------------------------------
 */

static void copy_rows(const clh_scrub_worker *k, clh_node_rows from, clh_node_rows to)
{
    for (size_t i = 0; i < k->levels->sample->length[k->index]; i++)
        memcpy(to.data + i * to.stride, from.data + i * from.stride,
               k->twin->config.d_model * sizeof *to.data);
}

/* What an embedding writes at `row` on sequence `y`. */
static void embed_row(const clh_scrub_worker *k, size_t writer, size_t y, size_t row,
                      clh_node_rows to)
{
    const size_t d = k->twin->config.d_model;
    const size_t at = clh_graph_by_token(k->twin, writer)
                          ? clh_sample_tokens(k->levels->sample, y).ids[row]
                          : row;
    memcpy(to.data + row * to.stride, k->twin->table[writer] + at * d, d * sizeof *to.data);
}

/* The writer's output of the plain run on `y`. */
static clh_status plain_output(clh_scrub_worker *k, size_t writer, size_t y, clh_node_rows to,
                               clh_error *err)
{
    const clh_tokens tokens = clh_sample_tokens(k->levels->sample, y);
    clh_status status = CLH_OK;
    if (k->twin->table[writer]) {
        for (size_t i = 0; i < tokens.pos; i++)
            embed_row(k, writer, y, i, to);
        return CLH_OK;
    }
    if (y != k->index && y != k->other_index) {
        k->other_index = SIZE_MAX;
        status = clh_forward(k->twin->model, &tokens, k->other, NULL, err);
        if (!status)
            k->other_index = y;
    }
    if (!status)
        copy_rows(k, clh_graph_output(k->twin, y == k->index ? k->plain : k->other, writer), to);
    return status;
}

/* ---- Nodes --------------------------------------------------------------------------------------
 */

static clh_status set_inputs(const clh_hook_point *point, void *user, clh_error *err)
{
    const clh_scrub_worker *k = user;
    (void)err;
    for (size_t i = 0; i < k->readers; i++) {
        const size_t reader = k->first_reader + i;
        const size_t activation = k->twin->input[reader].activation;
        if (clh_cache_tensor(k->scratch, activation).data == point->tensor.data)
            copy_rows(k, k->input[i], clh_graph_input(k->twin, k->scratch, reader));
    }
    return CLH_OK;
}

/* What the node makes of the inputs in k->input. */
static clh_status compute_node(clh_scrub_worker *k, size_t writer, clh_node_rows to, clh_error *err)
{
    const clh_hook everywhere = {"*", set_inputs, k};
    const clh_tokens tokens = clh_sample_tokens(k->levels->sample, k->index);
    clh_status status = clh_forward(k->twin->model, &tokens, k->scratch,
                                    &(clh_hooks){.items = &everywhere, .count = 1}, err);
    if (!status)
        copy_rows(k, clh_graph_output(k->twin, k->scratch, writer), to);
    return status;
}

static clh_status read_input(clh_scrub_worker *k, size_t reader, size_t x, size_t depth,
                             clh_node_rows to, clh_error *err);

static clh_status node_output(clh_scrub_worker *k, size_t writer, size_t x, size_t depth,
                              clh_node_rows to, clh_error *err)
{
    if (k->plan->whole[writer])
        return plain_output(k, writer, x, to, err);
    size_t first = 0;
    const size_t readers = clh_scrub_readers(&k->twin->graph, writer, &first);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < readers && !status; i++)
        status = read_input(k, first + i, x, depth + 1,
                            rows_at(k, depth, k->twin->graph.writers + i), err);
    for (size_t i = 0; i < readers; i++)
        k->input[i] = rows_at(k, depth, k->twin->graph.writers + i);
    k->first_reader = first;
    k->readers = readers;
    return status ? status : compute_node(k, writer, to, err);
}

static clh_status read_input(clh_scrub_worker *k, size_t reader, size_t x, size_t depth,
                             clh_node_rows to, clh_error *err)
{
    const clh_graph *g = &k->twin->graph;
    const clh_reader *r = &g->reader[reader];
    const size_t pos = k->levels->sample->length[x];
    clh_node_rows *from = k->from + depth * g->writers;
    size_t stranger = SIZE_MAX;
    clh_status status = CLH_OK;
    for (size_t w = 0; w < r->reads && !status; w++) {
        const clh_scrub_rule *rule = k->plan->rule[r->first_edge + w];
        from[w] = rows_at(k, depth, w);
        if (rule->agree == CLH_AGREE_NOTHING) {
            if (stranger == SIZE_MAX)
                stranger = clh_scrub_draw(k->levels, &anything, x, 0, &k->dice);
            status = plain_output(k, w, stranger, from[w], err);
        } else if (clh_scrub_by_rows(rule)) {
            for (size_t i = 0; i < pos; i++)
                embed_row(k, w, clh_scrub_draw(k->levels, rule, x, i, &k->dice), i, from[w]);
        } else {
            const size_t y = clh_scrub_draw(k->levels, rule, x, 0, &k->dice);
            status = node_output(k, w, y, depth, from[w], err);
        }
    }
    if (!status)
        clh_graph_sum(k->twin, reader, from, 0, pos, to);
    return status;
}

clh_status clh_scrub_sequence(clh_scrub_worker *worker, const clh_scrub_plan *plan, size_t index,
                              clh_cache *cache, clh_error *err)
{
    assert(worker && plan && cache && index < worker->levels->sample->count);
    const clh_tokens tokens = clh_sample_tokens(worker->levels->sample, index);
    const size_t logits = worker->twin->graph.readers - 1;
    const clh_change change = {.activation = worker->twin->input[logits].activation,
                               .end = tokens.pos};
    worker->plan = plan;
    worker->index = index;
    worker->plain = cache;
    worker->dice = (clh_scrub_dice){.chain = index};
    clh_status status =
        read_input(worker, logits, index, 0, clh_graph_input(worker->twin, cache, logits), err);
    return status ? status : clh_forward_from(worker->twin->model, &tokens, cache, &change, err);
}
