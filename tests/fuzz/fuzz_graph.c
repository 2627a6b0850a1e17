/* Edges and paths of a model's graph: "L0H1->L1H0.q", "embed->L0H0.v->logits". */
#include "clearhead/path.h"
#include "fuzz/fuzz.h"

enum { PATH_MOST = 8 };

FUZZ_TARGET(graph)
{
    static clh_graph graph;
    static bool *chosen;
    size_t edges[PATH_MOST], count = 0;
    clh_error err = {0};
    if (!graph.edges) {
        clh_model_config config = *clh_model_get_config(clh_run_model(fuzz_run()));
        config.n_layers = config.n_heads = 2;
        FUZZ_MUST(!clh_graph_make(&graph, &config, NULL));
        chosen = calloc(graph.edges, sizeof *chosen);
        FUZZ_MUST(chosen);
    }
    const char *text = fuzz_text(bytes, size);
    clh_status status = clh_graph_choose(&graph, text, chosen, &err);
    const bool taken = status ? fuzz_refused(status, &err) : true;
    status = clh_graph_path(&graph, text, edges, PATH_MOST, &count, &err);
    if (status)
        return fuzz_refused(status, &err) || taken;
    FUZZ_MUST(count > 0 && count <= PATH_MOST);
    for (size_t i = 0; i < count; i++)
        FUZZ_MUST(edges[i] < graph.edges);
    return true;
}
