/* clearhead paths: what flows along each edge of the model's own graph. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/clock.h"
#include "clearhead/figure.h"
#include "clearhead/path.h"
#include "clearhead/safetensors.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"
#include "cli/cli_pair.h"

enum { LABEL_SIZE = 72, COLUMNS = 3 };

/* One column of results; the first is exact, the others are estimates of it. */
typedef struct column {
    const char *name, *title; /* in JSON and files; in words */
    double *effect;           /* [edges]; NULL: not asked for */
} column;

typedef struct paths_job {
    const clh_invocation *inv;
    const clh_run *run;
    clh_cli_pair pair;
    clh_paths *paths;
    const clh_graph *graph;
    column column[COLUMNS];
    size_t *order; /* [edges]: the strongest first */
} paths_job;

/* ---- Computing ----------------------------------------------------------------------------------
 */

static clh_status make_column(paths_job *job, size_t c, clh_error *err)
{
    job->column[c].effect = clh_alloc_zeroed(job->graph->edges, sizeof *job->column[c].effect, err);
    return job->column[c].effect ? CLH_OK : CLH_ENOMEM;
}

typedef struct keyed {
    double strength;
    size_t edge;
} keyed;

static int stronger(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->strength < y->strength || x->strength > y->strength)
        return x->strength < y->strength ? 1 : -1;
    return x->edge < y->edge ? -1 : 1;
}

static clh_status sort_edges(paths_job *job, clh_error *err)
{
    const size_t edges = job->graph->edges;
    keyed *key = clh_alloc_array(edges, sizeof *key, err);
    job->order = clh_alloc_array(edges, sizeof *job->order, err);
    if (key && job->order) {
        for (size_t e = 0; e < edges; e++)
            key[e] = (keyed){fabs(job->column[0].effect[e]), e};
        qsort(key, edges, sizeof *key, stronger);
        for (size_t e = 0; e < edges; e++)
            job->order[e] = key[e].edge;
    }
    clh_free(key);
    return key && job->order ? CLH_OK : CLH_ENOMEM;
}

static clh_status compute_edges(paths_job *job, clh_error *err)
{
    const clh_watch watch = clh_cli_watch_line(job->inv, "edge");
    size_t steps = 1;
    clh_status status = make_column(job, 0, err);
    if (!status)
        status = clh_paths_exact(job->paths, job->column[0].effect, &watch, err);
    if (job->inv->progress)
        (void)fputs("\r\033[K", stderr);
    if (!status && clh_opt_flag(job->inv, "eap"))
        status = make_column(job, 1, err);
    if (!status && job->column[1].effect)
        status = clh_paths_eap(job->paths, 1, job->column[1].effect, &watch, err);
    if (!status && clh_opt_given(job->inv, "ig")) {
        status = clh_opt_size(job->inv, "ig", &steps, err);
        if (!status)
            status = make_column(job, 2, err);
        if (!status)
            status = clh_paths_eap(job->paths, steps, job->column[2].effect, &watch, err);
    }
    return status ? status : sort_edges(job, err);
}

/* The effect that --edges or --path asks for. */
static clh_status compute_one(const paths_job *job, double *effect, clh_error *err)
{
    const char *edges = clh_opt_text(job->inv, "edges"), *path = clh_opt_text(job->inv, "path");
    const size_t most = 2 * clh_run_get_config(job->run)->model.n_layers + 1;
    size_t count = 0;
    size_t *along = clh_alloc_array(most, sizeof *along, err);
    bool *chosen = clh_alloc_array(job->graph->edges, sizeof *chosen, err);
    clh_status status = along && chosen ? CLH_OK : CLH_ENOMEM;
    if (!status && path)
        status = clh_graph_path(job->graph, path, along, most, &count, err);
    if (!status && path)
        status = clh_paths_along(job->paths, along, count, effect, NULL, err);
    if (!status && edges)
        status = clh_graph_choose(job->graph, edges, chosen, err);
    if (!status && edges)
        status = clh_paths_set(job->paths, chosen, effect, NULL, err);
    clh_free(chosen);
    clh_free(along);
    return status;
}

/* Whether one number is asked for, and nothing with it that needs all edges. */
static clh_status check_options(const clh_invocation *inv, clh_error *err)
{
    static const char *const all[] = {"eap", "ig", "top", "out", "figure"};
    const bool one = clh_opt_given(inv, "edges") || clh_opt_given(inv, "path");
    const bool film = clh_opt_flag(inv, "checkpoints");
    if (clh_opt_given(inv, "edges") && clh_opt_given(inv, "path"))
        return clh_fail(err, CLH_EUSAGE, "--edges and --path are both given, want one of them");
    if (film && clh_opt_given(inv, "out"))
        return clh_fail(err, CLH_EUSAGE, "--out writes one model's edges, want no --checkpoints");
    for (size_t i = 0; one && i < CLH_COUNT(all) - film; i++) /* a film has its own figure */
        if (clh_opt_given(inv, all[i]))
            return clh_fail(err, CLH_EUSAGE,
                            "--%s is of all edges one by one, and does not go with --edges or "
                            "--path",
                            all[i]);
    return CLH_OK;
}

/* ---- What is said -------------------------------------------------------------------------------
 */

static void begin_json(const paths_job *job, clh_strbuf *text)
{
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, clh_run_path(job->run));
    clh_strbuf_addf(text, ", \"step\": %zu, \"metric\": ", clh_run_step(job->run));
    clh_strbuf_add_json(text, clh_opt_text(job->inv, "metric"));
    clh_cli_add_field(text, "clean", clh_paths_clean(job->paths));
    clh_cli_add_field(text, "corrupted", clh_paths_corrupted(job->paths));
}

static void add_json(clh_strbuf *text, const paths_job *job)
{
    begin_json(job, text);
    clh_strbuf_adds(text, ", \"edges\": [");
    for (size_t i = 0; i < job->graph->edges; i++) {
        const size_t e = job->order[i];
        char label[LABEL_SIZE];
        clh_strbuf_adds(text, i ? ", {\"edge\": " : "{\"edge\": ");
        clh_strbuf_add_json(text, clh_edge_label(job->graph, e, label));
        for (size_t c = 0; c < COLUMNS; c++)
            if (job->column[c].effect)
                clh_cli_add_field(text, job->column[c].name, job->column[c].effect[e]);
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, "]}");
}

static double error_of(const paths_job *job, size_t c, size_t edge)
{
    return job->column[c].effect[edge] - job->column[0].effect[edge];
}

static void print_metric(const paths_job *job)
{
    const double clean = clh_paths_clean(job->paths), corrupted = clh_paths_corrupted(job->paths);
    (void)printf("%s: clean %.6f, corrupted %.6f, a change of %.6f\n",
                 clh_opt_text(job->inv, "metric"), clh_cli_shown(clean, 6),
                 clh_cli_shown(corrupted, 6), clh_cli_shown(corrupted - clean, 6));
}

static void print_text(const paths_job *job, size_t top)
{
    const size_t edges = job->graph->edges, shown = top < edges ? top : edges;
    print_metric(job);
    (void)printf("%zu edges, the strongest first:\n%-26s %12s", edges, "edge", "effect");
    for (size_t c = 1; c < COLUMNS; c++)
        if (job->column[c].effect)
            (void)printf(" %12s %12s", job->column[c].title, "error");
    (void)puts("");
    for (size_t i = 0; i < shown; i++) {
        const size_t e = job->order[i];
        char label[LABEL_SIZE];
        (void)printf("%-26s %12.6f", clh_edge_label(job->graph, e, label),
                     clh_cli_shown(job->column[0].effect[e], 6));
        for (size_t c = 1; c < COLUMNS; c++)
            if (job->column[c].effect)
                (void)printf(" %12.6f %12.6f", clh_cli_shown(job->column[c].effect[e], 6),
                             clh_cli_shown(error_of(job, c, e), 6));
        (void)puts("");
    }
    if (shown < edges)
        (void)printf("and %zu more, the strongest of them %.6f\n", edges - shown,
                     clh_cli_shown(job->column[0].effect[job->order[shown]], 6));
    for (size_t c = 1; c < COLUMNS; c++) {
        double worst = 0;
        for (size_t e = 0; job->column[c].effect && e < edges; e++)
            worst = fmax(worst, fabs(error_of(job, c, e)));
        if (job->column[c].effect)
            (void)printf("%s is off by %.6f at most\n", job->column[c].title, worst);
    }
}

static void say_one(const paths_job *job, double effect, clh_strbuf *json)
{
    const char *path = clh_opt_text(job->inv, "path");
    const char *what = path ? path : clh_opt_text(job->inv, "edges");
    if (json) {
        begin_json(job, json);
        clh_strbuf_addf(json, ", \"%s\": ", path ? "path" : "edges");
        clh_strbuf_add_json(json, what);
        clh_cli_add_field(json, "exact", effect);
        clh_strbuf_adds(json, "}");
    } else {
        print_metric(job);
        (void)printf("effect %s %s: %.6f\n", path ? "along" : "of", what, clh_cli_shown(effect, 6));
    }
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static clh_status write_tensors(const paths_job *job, const char *path, clh_error *err)
{
    const size_t edges = job->graph->edges;
    clh_strbuf names = {0};
    char clean[32], corrupted[32], label[LABEL_SIZE];
    clh_tensor tensors[COLUMNS];
    size_t count = 0;
    (void)snprintf(clean, sizeof clean, "%.17g", clh_paths_clean(job->paths));
    (void)snprintf(corrupted, sizeof corrupted, "%.17g", clh_paths_corrupted(job->paths));
    for (size_t e = 0; e < edges; e++)
        clh_strbuf_addf(&names, "%s%s", e ? "," : "", clh_edge_label(job->graph, e, label));
    clh_real *numbers = clh_alloc_array(edges, COLUMNS * sizeof *numbers, err);
    clh_status status = numbers ? clh_strbuf_check(&names, err) : CLH_ENOMEM;
    for (size_t c = 0; c < COLUMNS && !status; c++) {
        if (!job->column[c].effect)
            continue;
        clh_real *data = numbers + count * edges;
        for (size_t e = 0; e < edges; e++)
            data[e] = (clh_real)job->column[c].effect[e];
        tensors[count++] = (clh_tensor){data, 1, {edges}, job->column[c].name};
    }
    const clh_pair metadata[] = {{"run", clh_run_path(job->run)},
                                 {"metric", clh_opt_text(job->inv, "metric")},
                                 {"clean", clean},
                                 {"corrupted", corrupted},
                                 {"edges", clh_strbuf_view(&names)}};
    if (!status)
        status = clh_safetensors_write(path, tensors, count, metadata, CLH_COUNT(metadata), err);
    clh_free(numbers);
    clh_strbuf_deinit(&names);
    return status;
}

/* Writers down, readers across, a panel for each column of the table; blank where there is no edge.
 */
typedef struct picture {
    clh_real *values;
    char (*labels)[LABEL_SIZE];
    const char **names;
    clh_heatmap_panel panel[COLUMNS];
    size_t panels;
} picture;

static clh_status fill_picture(const paths_job *job, picture *p, clh_error *err)
{
    const clh_graph *g = job->graph;
    const size_t cells = g->writers * g->readers, names = g->writers + g->readers;
    p->values = clh_alloc_array(cells, COLUMNS * sizeof *p->values, err);
    p->labels = clh_alloc_array(names, sizeof *p->labels, err);
    p->names = clh_alloc_array(names, sizeof *p->names, err);
    if (!p->values || !p->labels || !p->names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < names; i++)
        p->names[i] = i < g->writers ? clh_component_label(&g->writer[i], p->labels[i])
                                     : clh_reader_label(&g->reader[i - g->writers], p->labels[i]);
    for (size_t c = 0; c < COLUMNS; c++) {
        if (!job->column[c].effect)
            continue;
        clh_real *values = p->values + p->panels * cells;
        for (size_t i = 0; i < cells; i++)
            values[i] = (clh_real)NAN;
        for (size_t e = 0; e < g->edges; e++) {
            const clh_edge edge = clh_graph_edge(g, e);
            values[edge.writer * g->readers + edge.reader] = (clh_real)job->column[c].effect[e];
        }
        p->panel[p->panels++] =
            (clh_heatmap_panel){.title = job->column[c].title, .values = values};
    }
    return CLH_OK;
}

static clh_status write_figure(const paths_job *job, const char *path, clh_error *err)
{
    const clh_graph *g = job->graph;
    picture p = {0};
    clh_status status = fill_picture(job, &p, err);
    if (!status) {
        const clh_heatmap_data data = {.panels = p.panel,
                                       .panel_count = p.panels,
                                       .rows = g->writers,
                                       .cols = g->readers,
                                       .row_labels = p.names,
                                       .col_labels = p.names + g->writers,
                                       .x_label = "reader",
                                       .y_label = "writer",
                                       .value_label = "effect"};
        char caption[CLH_PAIR_CAPTION];
        clh_cli_pair_caption(caption, job->inv, job->run);
        const clh_figure_style style = {.title = "Path patching", .caption = caption};
        status = clh_figure_heatmap(path, &data, &style, err);
    }
    clh_free(p.names);
    clh_free(p.labels);
    clh_free(p.values);
    return status;
}

static clh_status run_all(paths_job *job, clh_strbuf *json, clh_error *err)
{
    const char *out = clh_opt_text(job->inv, "out"), *figure = clh_opt_text(job->inv, "figure");
    const double begin = clh_clock_seconds();
    const bool film = clh_opt_flag(job->inv, "checkpoints");
    size_t top = 0;
    clh_status status = clh_opt_size(job->inv, "top", &top, err);
    if (!status)
        status = compute_edges(job, err);
    if (!status && !film)
        (void)fprintf(stderr, "%zu edges, %.4f s\n", job->graph->edges,
                      clh_clock_seconds() - begin);
    if (!status && out)
        status = write_tensors(job, out, err);
    if (!status && figure && !film)
        status = write_figure(job, figure, err);
    if (!status && json)
        add_json(json, job);
    else if (!status)
        print_text(job, top);
    return status;
}

static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    const clh_invocation *inv = user;
    paths_job job = {
        .inv = inv,
        .run = frame->run,
        .column = {{"exact", "exact", NULL}, {"eap", "EAP", NULL}, {"ig", "EAP-IG", NULL}}};
    const bool one = clh_opt_given(inv, "edges") || clh_opt_given(inv, "path");
    double effect = 0;
    clh_status status = clh_cli_pair_init(&job.pair, inv, job.run, err);
    const clh_paths_ask ask = {job.pair.clean, job.pair.corrupted, job.pair.metric};
    if (!status)
        status = clh_paths_open(&job.paths, clh_run_model(job.run), &ask, NULL, err);
    if (!status) {
        job.graph = clh_paths_graph(job.paths);
        status = one ? compute_one(&job, &effect, err) : run_all(&job, frame->json, err);
    }
    if (!status && one)
        say_one(&job, effect, frame->json);
    clh_free(job.order);
    for (size_t c = 0; c < COLUMNS; c++)
        clh_free(job.column[c].effect);
    clh_paths_close(job.paths);
    clh_cli_pair_deinit(&job.pair);
    return status;
}

int clh_cmd_paths(const clh_invocation *inv)
{
    clh_error err = {0};
    const clh_film film = {measure, (void *)inv, "edge", true};
    clh_status status = check_options(inv, &err);
    if (!status)
        status = clh_cli_film(inv, &film, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
