/* What flows along each edge of the model's own graph: path patching, and what gradients say of it.
 *
 *    08_paths RUN CLEAN CORRUPTED        e.g. runs/notebook abcd wxyz
 */
#include <stdio.h>
#include <stdlib.h>

#include <clearhead/clearhead.h>

int main(int argc, char **argv)
{
    static uint32_t clean[5042], corrupted[5042]; /* the longest sequence, of six letters */
    clh_error err = {0};
    clh_run *run = NULL;
    clh_paths *paths = NULL;
    clh_sequence a = {.tokens = clean, .capacity = 5042},
                 b = {.tokens = corrupted, .capacity = 5042};
    double *exact = NULL, *eap = NULL;

    if (argc != 4)
        return fprintf(stderr, "usage: 08_paths RUN CLEAN CORRUPTED\n"), 2;
    if (clh_run_open(&run, argv[1], &err) ||
        clh_task_expand(clh_run_task(run), argv[2], &a, &err) ||
        clh_task_expand(clh_run_task(run), argv[3], &b, &err))
        goto done;
    const clh_paths_ask ask = {
        .clean = {clean, 1, a.length},
        .corrupted = {corrupted, 1, b.length},
        .metric = {.kind = CLH_METRIC_LOSS, .first_scored = a.first_scored},
    };
    if (clh_paths_open(&paths, clh_run_model(run), &ask, NULL, &err))
        goto done;
    const clh_graph *graph = clh_paths_graph(paths);
    exact = calloc(graph->edges, sizeof *exact);
    eap = calloc(graph->edges, sizeof *eap);
    if (!exact || !eap || clh_paths_exact(paths, exact, NULL, &err) ||
        clh_paths_eap(paths, 20, eap, NULL, &err))
        goto done;
    printf("loss of writing %s: %.4f, of it after %s: %.4f\n", argv[2], clh_paths_clean(paths),
           argv[3], clh_paths_corrupted(paths));
    for (size_t e = 0; e < graph->edges; e++) {
        char label[72];
        printf("%s: %+.4f (integrated gradients say %+.4f)\n", clh_edge_label(graph, e, label),
               exact[e], eap[e]);
    }
done:
    if (err.status)
        fprintf(stderr, "08_paths: %s\n", err.message);
    free(eap);
    free(exact);
    clh_paths_close(paths);
    clh_run_close(run);
    return clh_status_exit_code(err.status);
}
