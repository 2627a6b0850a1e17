/* Hypotheses: names, presets, and one rule for every edge. */
#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"
#include "lens/paths/scrub_parts.h"

/* Nodes a sequence may take: the tree grows by a factor with every layer. */
enum { NODES_MOST = 20000 };

const char *clh_agree_name(clh_agree agree)
{
    static const char *const names[CLH_AGREES] = {"nothing",  "all",   "token",
                                                  "alphabet", "class", "rank"};
    return agree < CLH_AGREES ? names[agree] : NULL;
}

#define NOTHING(from, to)                                                                          \
    {                                                                                              \
        from, to, CLH_AGREE_NOTHING, {0}, 0                                                        \
    }
#define ROWS(from, to, agree)                                                                      \
    {                                                                                              \
        from, to, agree, {0}, 0                                                                    \
    }

static const clh_hypothesis presets[] = {
    {"everything", CLH_AGREE_ALL, 0, {{"", "", CLH_AGREE_ALL, {0}, 0}}},
    {"q_resampled", CLH_AGREE_ALL, 1, {NOTHING("*", "*.q")}},
    {"k_resampled", CLH_AGREE_ALL, 1, {NOTHING("*", "*.k")}},
    {"qk_resampled", CLH_AGREE_ALL, 1, {NOTHING("*", "*.[qk]")}},
    {"direct_resampled", CLH_AGREE_ALL, 1, {NOTHING("embed", "logits")}},
    {"algorithm",
     CLH_AGREE_ALL,
     3,
     {NOTHING("*", "*.[qk]"), ROWS("embed", "*.v", CLH_AGREE_TOKEN), NOTHING("embed", "logits")}},
    {"v_rank", CLH_AGREE_ALL, 1, {ROWS("embed", "*.v", CLH_AGREE_RANK)}},
    {"v_class", CLH_AGREE_ALL, 1, {ROWS("embed", "*.v", CLH_AGREE_CLASS)}},
    {"v_resampled", CLH_AGREE_ALL, 1, {NOTHING("*", "*.v")}},
    {"nothing", CLH_AGREE_NOTHING, 0, {{"", "", CLH_AGREE_ALL, {0}, 0}}},
};

static const char *const preset_texts[CLH_COUNT(presets)] = {
    "nothing is replaced: everything matters",
    "queries are another sequence's: they need to know position only",
    "keys are another sequence's: they need to know position only",
    "queries and keys are another sequence's: they need to know position only",
    "the embedding's direct path to the logits is another sequence's: it does not matter",
    "queries, keys and the direct path are another sequence's, values know the token of their row",
    "values are of other tokens of the same rank among the letters: no more of them matters",
    "values are of other tokens of the same class (lower case, upper case, digit)",
    "values are another sequence's: they need to know position only",
    "everything is another sequence's: nothing matters",
};

const clh_hypothesis *clh_hypothesis_presets(size_t *count)
{
    if (count)
        *count = CLH_COUNT(presets);
    return presets;
}

const char *clh_hypothesis_preset_text(size_t index)
{
    return index < CLH_COUNT(presets) ? preset_texts[index] : NULL;
}

size_t clh_scrub_readers(const clh_graph *graph, size_t writer, size_t *first)
{
    assert(graph && first);
    size_t count = 0;
    for (size_t r = 0; r < graph->readers; r++)
        if (graph->reader[r].writer == writer && count++ == 0)
            *first = r;
    assert(count <= CLH_SCRUB_INPUTS_MAX);
    return count;
}

/* Give every edge that rule `index` matches that rule. */
static clh_status put_rule(clh_scrub_plan *plan, const clh_graph *graph, const clh_scrub_rule *rule,
                           size_t index, clh_error *err)
{
    size_t found = 0;
    for (size_t e = 0; e < graph->edges; e++) {
        const clh_edge edge = clh_graph_edge(graph, e);
        char from[32], to[32];
        clh_component_label(&graph->writer[edge.writer], from);
        clh_reader_label(&graph->reader[edge.reader], to);
        if (fnmatch(rule->from, from, 0) != 0 || fnmatch(rule->to, to, 0) != 0)
            continue;
        size_t first;
        if (clh_scrub_by_rows(rule) && clh_scrub_readers(graph, edge.writer, &first) > 0)
            return clh_fail(err, CLH_ESUPPORT,
                            "rule %zu: agree %s without positions is row by row, which only embed "
                            "and pos_embed can be; it matches %s->%s",
                            index, clh_agree_name(rule->agree), from, to);
        plan->rule[e] = rule;
        found++;
    }
    return found ? CLH_OK
                 : clh_fail(err, CLH_EINPUT,
                            "rule %zu: from %s to %s is no edge of this model; clearhead paths "
                            "lists them",
                            index, rule->from, rule->to);
}

/* Nodes behind an input, with the sum over the readers of each node before it. */
static double count_nodes(const clh_scrub_plan *plan, const double *node, const clh_reader *reader)
{
    double sum = 0;
    for (size_t w = 0; w < reader->reads; w++)
        if (plan->rule[reader->first_edge + w]->agree != CLH_AGREE_NOTHING)
            sum += node[w];
    return sum;
}

/* Which writers are whole, and how many nodes a sequence takes. */
static clh_status look_ahead(clh_scrub_plan *plan, const clh_graph *graph, clh_error *err)
{
    double *node = clh_alloc_zeroed(graph->writers, sizeof *node, err);
    if (!node)
        return CLH_ENOMEM;
    for (size_t w = 0; w < graph->writers; w++) {
        size_t first = 0;
        const size_t readers = clh_scrub_readers(graph, w, &first);
        plan->whole[w] = true;
        for (size_t r = first; r < first + readers; r++) {
            const clh_reader *reader = &graph->reader[r];
            for (size_t v = 0; v < reader->reads; v++)
                plan->whole[w] = plan->whole[w] && plan->whole[v] &&
                                 plan->rule[reader->first_edge + v]->agree == CLH_AGREE_ALL;
            node[w] += count_nodes(plan, node, reader);
        }
        node[w] = plan->whole[w] ? 0 : 1 + node[w];
    }
    const double nodes = count_nodes(plan, node, &graph->reader[graph->readers - 1]);
    clh_free(node);
    if (!(nodes <= (double)NODES_MOST))
        return clh_fail(err, CLH_ESUPPORT,
                        "the hypothesis takes %.0f heads and MLPs for every sequence, want at most "
                        "%d",
                        nodes, NODES_MOST);
    plan->nodes = (size_t)nodes;
    return CLH_OK;
}

clh_status clh_scrub_plan_make(clh_scrub_plan *plan, const clh_graph *graph,
                               const clh_hypothesis *hypothesis, clh_error *err)
{
    assert(plan && graph && hypothesis && hypothesis->count <= CLH_SCRUB_RULES_MAX);
    *plan = (clh_scrub_plan){.everywhere = {"*", "*", hypothesis->otherwise, {0}, 0}};
    plan->rule = clh_alloc_array(graph->edges, sizeof(clh_scrub_rule *), err);
    plan->whole = clh_alloc_zeroed(graph->writers, sizeof *plan->whole, err);
    clh_status status = plan->rule && plan->whole ? CLH_OK : CLH_ENOMEM;
    for (size_t e = 0; e < graph->edges && !status; e++)
        plan->rule[e] = &plan->everywhere;
    for (size_t r = 0; r < hypothesis->count && !status; r++)
        status = put_rule(plan, graph, &hypothesis->rule[r], r, err);
    if (!status)
        status = look_ahead(plan, graph, err);
    if (status)
        clh_scrub_plan_deinit(plan);
    return status;
}

void clh_scrub_plan_deinit(clh_scrub_plan *plan)
{
    clh_free(plan->whole);
    clh_free((void *)plan->rule);
    *plan = (clh_scrub_plan){0};
}
