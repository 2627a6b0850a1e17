/* clearhead circuits: what the weights of a run's heads are, as a table, matrices and a figure. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/circuit.h"
#include "clearhead/figure.h"
#include "clearhead/safetensors.h"
#include "cli/cli_film.h"

/** A circuit and what its spectrum says. */
typedef struct item {
    clh_circuit circuit;
    clh_spectrum spectrum;
} item;

typedef struct circuits_job {
    const clh_invocation *inv;
    const clh_run *run;
    const clh_model_config *config;
    bool norm;
    size_t samples;
    item *items; /* every head's circuits, layer by layer, then the direct path */
    size_t count;
    clh_composition composition;
} circuits_job;

static const char *const composition_names[] = {"Q", "K", "V"};

/* ---- Computing ---------------------------------------------------------------------------------
 */

static clh_status add_item(circuits_job *job, clh_circuit_kind kind, size_t layer, size_t head,
                           clh_error *err)
{
    item *next = &job->items[job->count++];
    clh_status status = clh_circuit_open(&next->circuit, clh_run_model(job->run), kind, layer, head,
                                         job->norm, err);
    return status ? status : clh_factored_spectrum(&next->spectrum, &next->circuit.matrix, err);
}

static clh_status compute(circuits_job *job, clh_error *err)
{
    const size_t heads = job->config->n_layers * job->config->n_heads;
    job->items = clh_alloc_zeroed((heads + 1) * CLH_CIRCUIT_KINDS, sizeof *job->items, err);
    clh_status status = job->items ? CLH_OK : CLH_ENOMEM;
    for (size_t i = 0; i < heads; i++)
        for (clh_circuit_kind kind = 0; kind < CLH_CIRCUIT_KINDS && !status; kind++)
            if (clh_circuit_has_head(kind))
                status =
                    add_item(job, kind, i / job->config->n_heads, i % job->config->n_heads, err);
    for (clh_circuit_kind kind = 0; kind < CLH_CIRCUIT_KINDS && !status; kind++)
        if (!clh_circuit_has_head(kind))
            status = add_item(job, kind, 0, 0, err);
    if (status || job->config->n_layers < 2)
        return status;
    return clh_composition_open(&job->composition, clh_run_model(job->run), job->samples,
                                clh_run_get_config(job->run)->seed, NULL, err);
}

/* ---- Labels ------------------------------------------------------------------------------------
 */

typedef struct labels {
    char (*text)[16];
    const char **names;
} labels;

/** One for each of `count` token ids. */
static clh_status make_labels(labels *out, const clh_task *task, size_t count, clh_error *err)
{
    out->text = clh_alloc_zeroed(count, sizeof *out->text, err);
    out->names = clh_alloc_array(count, sizeof *out->names, err);
    if (!out->text || !out->names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (task && i < clh_task_d_vocab(task))
            clh_task_symbol(task, (uint32_t)i, out->text[i]);
        else
            (void)snprintf(out->text[i], sizeof *out->text, "<%u>", (unsigned)i);
        out->names[i] = out->text[i];
    }
    return CLH_OK;
}

static void free_labels(labels *old)
{
    clh_free(old->names);
    clh_free(old->text);
}

static bool has_tokens(clh_side part)
{
    return part == CLH_SIDE_TOKEN || part == CLH_SIDE_OUTPUT;
}

/* ---- Matrices ----------------------------------------------------------------------------------
 */

/** A circuit's product as numbers of a file; data is the caller's, clh_free(). */
static clh_status take_product(clh_tensor *out, const clh_circuit *circuit, clh_error *err)
{
    clh_dense product = {0};
    clh_status status = clh_factored_product(&product, &circuit->matrix, err);
    if (status)
        return status;
    const size_t count = product.rows * product.cols;
    *out = (clh_tensor){.rank = 2, .shape = {product.rows, product.cols}};
    out->data = clh_alloc_array(count, sizeof *out->data, err);
    for (size_t i = 0; out->data && i < count; i++)
        out->data[i] = (clh_real)product.data[i];
    clh_dense_deinit(&product);
    return out->data ? CLH_OK : CLH_ENOMEM;
}

/** Metadata: which product each circuit is, and the symbols of the tokens. */
static clh_status write_tensors(const circuits_job *job, const char *path,
                                const clh_tensor *tensors, clh_error *err)
{
    clh_pair metadata[CLH_CIRCUIT_KINDS + 2];
    const size_t d_vocab = job->config->d_vocab;
    size_t pairs = 0;
    clh_strbuf tokens = {0};
    labels symbols = {0};
    clh_status status = make_labels(&symbols, clh_run_task(job->run), d_vocab, err);
    for (size_t i = 0; i < d_vocab && !status; i++) {
        clh_strbuf_adds(&tokens, i ? ", " : "[");
        clh_strbuf_add_json(&tokens, symbols.names[i]);
    }
    clh_strbuf_adds(&tokens, "]");
    if (!status)
        status = clh_strbuf_check(&tokens, err);
    metadata[pairs++] = (clh_pair){"run", clh_run_path(job->run)};
    metadata[pairs++] = (clh_pair){"tokens", clh_strbuf_view(&tokens)};
    for (size_t i = 0; i < job->count; i++)
        if (job->items[i].circuit.layer + job->items[i].circuit.head == 0)
            metadata[pairs++] = (clh_pair){clh_circuit_name(job->items[i].circuit.kind),
                                           job->items[i].circuit.product};
    assert(pairs == CLH_COUNT(metadata));
    if (!status)
        status = clh_safetensors_write(path, tensors, job->count, metadata, pairs, err);
    free_labels(&symbols);
    clh_strbuf_deinit(&tokens);
    return status;
}

static clh_status write_matrices(const circuits_job *job, const char *path, clh_error *err)
{
    clh_tensor *tensors = clh_alloc_zeroed(job->count, sizeof *tensors, err);
    char(*names)[64] = clh_alloc_zeroed(job->count, sizeof *names, err);
    clh_status status = tensors && names ? CLH_OK : CLH_ENOMEM;
    for (size_t i = 0; i < job->count && !status; i++) {
        const clh_circuit *c = &job->items[i].circuit;
        status = take_product(&tensors[i], c, err);
        if (clh_circuit_has_head(c->kind))
            (void)snprintf(names[i], sizeof *names, "blocks.%zu.head.%zu.%s", c->layer, c->head,
                           clh_circuit_name(c->kind));
        else
            (void)snprintf(names[i], sizeof *names, "%s", clh_circuit_name(c->kind));
        tensors[i].name = names[i];
    }
    if (!status)
        status = write_tensors(job, path, tensors, err);
    for (size_t i = 0; tensors && i < job->count; i++)
        clh_free(tensors[i].data);
    clh_free(names);
    clh_free(tensors);
    return status;
}

/* ---- The figure --------------------------------------------------------------------------------
 */

/** The circuit called `name`; CLH_EUSAGE with the nearest name, or all of them. */
static clh_status find_kind(const char *name, clh_circuit_kind *out, clh_error *err)
{
    const char *names[CLH_CIRCUIT_KINDS];
    clh_strbuf all = {0};
    for (clh_circuit_kind kind = 0; kind < CLH_CIRCUIT_KINDS; kind++) {
        names[kind] = clh_circuit_name(kind);
        if (strcmp(name, names[kind]) == 0) {
            *out = kind;
            clh_strbuf_deinit(&all);
            return CLH_OK;
        }
        clh_strbuf_addf(&all, "%s%s", kind ? ", " : "", names[kind]);
    }
    const char *nearest = clh_nearest_name(name, names, CLH_CIRCUIT_KINDS);
    clh_status status =
        nearest
            ? clh_fail(err, CLH_EUSAGE, "--kind %s is no circuit, did you mean %s?", name, nearest)
            : clh_fail(err, CLH_EUSAGE, "--kind %s is no circuit, want one of %s", name,
                       clh_strbuf_view(&all));
    clh_strbuf_deinit(&all);
    return status;
}

/** That what chooses a drawing comes with one. */
static clh_status check_figure_options(const clh_invocation *inv, clh_error *err)
{
    static const char *const names[] = {"kind", "layer", "head"};
    const bool film = clh_opt_flag(inv, "checkpoints");
    for (size_t i = 0; i < CLH_COUNT(names); i++)
        if (clh_opt_given(inv, names[i]) && (film || !clh_opt_given(inv, "figure")))
            return clh_fail(err, CLH_EUSAGE, "--%s chooses what is drawn, want --figure too%s",
                            names[i], film ? ", and no --checkpoints" : "");
    return film && clh_opt_given(inv, "out")
               ? clh_fail(err, CLH_EUSAGE,
                          "--out writes one model's matrices, want no --checkpoints")
               : CLH_OK;
}

static clh_status find_drawn(const circuits_job *job, const item **out, clh_error *err)
{
    clh_circuit_kind kind = CLH_CIRCUIT_OV;
    size_t layer = 0, head = 0;
    clh_status status = find_kind(clh_opt_text(job->inv, "kind"), &kind, err);
    if (!status)
        status = clh_opt_size(job->inv, "layer", &layer, err);
    if (!status)
        status = clh_opt_size(job->inv, "head", &head, err);
    if (!status && layer >= job->config->n_layers)
        status = clh_fail(err, CLH_ERANGE, "--layer %zu, want it below n_layers = %zu", layer,
                          job->config->n_layers);
    if (!status && head >= job->config->n_heads)
        status = clh_fail(err, CLH_ERANGE, "--head %zu, want it below n_heads = %zu", head,
                          job->config->n_heads);
    for (size_t i = 0; i < job->count && !status; i++) {
        const clh_circuit *c = &job->items[i].circuit;
        if (c->kind == kind &&
            (!clh_circuit_has_head(kind) || (c->layer == layer && c->head == head)))
            *out = &job->items[i];
    }
    return status;
}

/* What an entry is; the products in the residual stream are neither. */
static const char *unit_of(const clh_circuit *c)
{
    if (c->cols == CLH_SIDE_OUTPUT)
        return "logit";
    return c->cols == CLH_SIDE_RESIDUAL ? NULL : "score";
}

static clh_status draw_matrix(const clh_circuit *c, const clh_tensor *matrix, const labels *symbols,
                              const char *path, const char *caption, clh_error *err)
{
    static const char *const bias = "query bias"; /* one row, and no room for a name beside it */
    assert(c);
    const bool one_row = c->rows == CLH_SIDE_BIAS;
    char title[128], x[32], y[32];
    const char *of[2] = {clh_circuit_has_head(c->kind) ? "source " : "", ""};
    if (strncmp(clh_circuit_name(c->kind), "qk", 2) == 0)
        of[0] = "query ", of[1] = "key ";
    (void)snprintf(y, sizeof y, "%s%s", of[0], clh_side_name(c->rows));
    (void)snprintf(x, sizeof x, "%s%s", of[1], clh_side_name(c->cols));
    if (clh_circuit_has_head(c->kind))
        (void)snprintf(title, sizeof title, "%s, layer %zu head %zu", c->product, c->layer,
                       c->head);
    else
        (void)snprintf(title, sizeof title, "%s", c->product);
    const clh_heatmap_panel panel = {.values = matrix->data};
    const clh_heatmap_data data = {.panels = &panel,
                                   .panel_count = 1,
                                   .rows = matrix->shape[0],
                                   .cols = matrix->shape[1],
                                   .row_labels = one_row               ? &bias
                                                 : has_tokens(c->rows) ? symbols->names
                                                                       : NULL,
                                   .col_labels = has_tokens(c->cols) ? symbols->names : NULL,
                                   .x_label = x,
                                   .y_label = one_row ? NULL : y,
                                   .value_label = unit_of(c)};
    const clh_figure_style style = {.title = title, .caption = caption};
    return clh_figure_heatmap(path, &data, &style, err);
}

static clh_status draw(const circuits_job *job, const char *path, clh_error *err)
{
    const clh_model_config *c = job->config;
    const item *drawn = NULL;
    clh_tensor matrix = {0};
    labels symbols = {0};
    clh_status status = find_drawn(job, &drawn, err);
    if (!status)
        status = take_product(&matrix, &drawn->circuit, err);
    if (!status)
        status = make_labels(&symbols, clh_run_task(job->run),
                             c->d_vocab > c->d_vocab_out ? c->d_vocab : c->d_vocab_out, err);
    if (!status)
        status = draw_matrix(&drawn->circuit, &matrix, &symbols, path, clh_run_path(job->run), err);
    free_labels(&symbols);
    clh_free(matrix.data);
    return status;
}

/* ---- Printing ----------------------------------------------------------------------------------
 */

static const char *number_or_dash(double value, char out[24])
{
    (void)snprintf(out, 24, isfinite(value) ? "%.3f" : "-", value);
    return out;
}

static void print_table(const circuits_job *job)
{
    char rank[24], entropy[24], copying[24];
    (void)printf("%-5s %-4s  %-18s %-42s %-12s %10s %8s %8s %8s\n", "layer", "head", "circuit",
                 "product", "shape", "norm", "rank", "exp(H)", "copying");
    for (size_t i = 0; i < job->count; i++) {
        const clh_circuit *c = &job->items[i].circuit;
        const clh_spectrum *s = &job->items[i].spectrum;
        char shape[32], layer[24] = "-", head[24] = "-";
        if (clh_circuit_has_head(c->kind)) {
            (void)snprintf(layer, sizeof layer, "%zu", c->layer);
            (void)snprintf(head, sizeof head, "%zu", c->head);
        }
        (void)snprintf(shape, sizeof shape, "[%zu, %zu]", c->matrix.a.rows, c->matrix.b.cols);
        (void)printf("%5s %4s  %-18s %-42s %-12s %10.4g %8s %8s %8s\n", layer, head,
                     clh_circuit_name(c->kind), c->product, shape, s->norm,
                     number_or_dash(s->participation, rank), number_or_dash(s->entropy, entropy),
                     number_or_dash(s->copying, copying));
    }
}

/** Called once for each pair of heads of which the second is later. */
typedef void pair_fn(const circuits_job *job, clh_composition_kind kind, const size_t from[2],
                     const size_t to[2], clh_strbuf *text);

static void each_pair(const circuits_job *job, pair_fn *fn, clh_strbuf *text)
{
    const size_t heads = job->config->n_heads, count = job->config->n_layers * heads;
    for (clh_composition_kind kind = 0; kind < CLH_COMPOSITION_KINDS; kind++)
        for (size_t i = 0; i < count; i++)
            for (size_t j = (i / heads + 1) * heads; j < count; j++)
                fn(job, kind, (const size_t[]){i / heads, i % heads},
                   (const size_t[]){j / heads, j % heads}, text);
}

static void add_pair_line(const circuits_job *job, clh_composition_kind kind, const size_t from[2],
                          const size_t to[2], clh_strbuf *text)
{
    const clh_composition_pair pair =
        clh_composition_at(&job->composition, kind, from[0], from[1], to[0], to[1]);
    clh_strbuf_addf(text, "%s  %zu.%zu -> %zu.%zu  %8.4f  z %8.2f\n", composition_names[kind],
                    from[0], from[1], to[0], to[1], pair.score, pair.z);
}

static void add_pair_json(const circuits_job *job, clh_composition_kind kind, const size_t from[2],
                          const size_t to[2], clh_strbuf *text)
{
    const clh_composition_pair pair =
        clh_composition_at(&job->composition, kind, from[0], from[1], to[0], to[1]);
    clh_strbuf_addf(text,
                    "%s{\"kind\": \"%s\", \"from\": [%zu, %zu], \"to\": [%zu, %zu], \"score\": ",
                    text->data[text->length - 1] == '[' ? "" : ", ", composition_names[kind],
                    from[0], from[1], to[0], to[1]);
    clh_strbuf_add_number(text, pair.score, 9);
    clh_strbuf_adds(text, ", \"z\": ");
    clh_strbuf_add_number(text, pair.z, 9);
    clh_strbuf_adds(text, "}");
}

static void add_numbers(clh_strbuf *text, const char *key, const double *values, size_t count)
{
    clh_strbuf_addf(text, ", \"%s\": [", key);
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_adds(text, i ? ", " : "");
        clh_strbuf_add_number(text, values[i], 9);
    }
    clh_strbuf_adds(text, "]");
}

static void add_item_json(clh_strbuf *text, const item *one)
{
    const clh_circuit *c = &one->circuit;
    const clh_spectrum *s = &one->spectrum;
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"norm", s->norm},
                   {"rank_participation", s->participation},
                   {"rank_entropy", s->entropy},
                   {"copying", s->copying}};
    clh_strbuf_addf(text, "{\"circuit\": \"%s\", \"product\": \"%s\"", clh_circuit_name(c->kind),
                    c->product);
    if (clh_circuit_has_head(c->kind))
        clh_strbuf_addf(text, ", \"layer\": %zu, \"head\": %zu", c->layer, c->head);
    clh_strbuf_addf(text, ", \"rows\": \"%s\", \"cols\": \"%s\", \"shape\": [%zu, %zu]",
                    clh_side_name(c->rows), clh_side_name(c->cols), c->matrix.a.rows,
                    c->matrix.b.cols);
    for (size_t i = 0; i < CLH_COUNT(numbers); i++) {
        clh_strbuf_addf(text, ", \"%s\": ", numbers[i].key);
        clh_strbuf_add_number(text, numbers[i].value, 9);
    }
    add_numbers(text, "singular_values", s->svd.s, s->svd.count);
    add_numbers(text, "eigenvalues_re", s->eigenvalues.re, s->eigenvalues.count);
    add_numbers(text, "eigenvalues_im", s->eigenvalues.im, s->eigenvalues.count);
    clh_strbuf_adds(text, "}");
}

static void add_json(clh_strbuf *text, const circuits_job *job)
{
    clh_strbuf_addf(text, "{\"step\": %zu, \"norm\": %s, \"circuits\": [", clh_run_step(job->run),
                    job->norm ? "true" : "false");
    for (size_t i = 0; i < job->count; i++) {
        clh_strbuf_adds(text, i ? ", " : "");
        add_item_json(text, &job->items[i]);
    }
    clh_strbuf_adds(text, "]");
    if (job->composition.n_layers > 0) {
        clh_strbuf_addf(text, ", \"composition\": {\"samples\": %zu, \"mean\": ", job->samples);
        clh_strbuf_add_number(text, job->composition.mean, 9);
        clh_strbuf_adds(text, ", \"deviation\": ");
        clh_strbuf_add_number(text, job->composition.deviation, 9);
        clh_strbuf_adds(text, ", \"pairs\": [");
        if (!text->failed)
            each_pair(job, add_pair_json, text);
        clh_strbuf_adds(text, "]}");
    }
    clh_strbuf_adds(text, "}");
}

static clh_status print_text(const circuits_job *job, clh_error *err)
{
    clh_strbuf text = {0};
    print_table(job);
    if (job->composition.n_layers > 0) {
        clh_strbuf_addf(
            &text, "\ncomposition of a head with a later one; %zu random pairs: %.4f +- %.4f\n",
            job->samples, job->composition.mean, job->composition.deviation);
        each_pair(job, add_pair_line, &text);
    }
    clh_status status = clh_strbuf_check(&text, err);
    if (!status)
        (void)fputs(clh_strbuf_view(&text), stdout);
    clh_strbuf_deinit(&text);
    return status;
}

/* ---- The command -------------------------------------------------------------------------------
 */

static void forget(circuits_job *job)
{
    clh_composition_deinit(&job->composition);
    for (size_t i = 0; i < job->count; i++) {
        clh_spectrum_deinit(&job->items[i].spectrum);
        clh_circuit_deinit(&job->items[i].circuit);
    }
    clh_free(job->items);
    job->items = NULL;
    job->count = 0;
}

/* A matrix is drawn and written of one model; over training --figure is the film's. */
static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    circuits_job *job = user;
    const bool film = clh_opt_flag(job->inv, "checkpoints");
    const char *out = clh_opt_text(job->inv, "out"), *figure = clh_opt_text(job->inv, "figure");
    job->run = frame->run;
    job->config = clh_model_get_config(clh_run_model(job->run));
    clh_status status = compute(job, err);
    if (!status && figure && !film)
        status = draw(job, figure, err);
    if (!status && out)
        status = write_matrices(job, out, err);
    if (!status && frame->json)
        add_json(frame->json, job);
    else if (!status)
        status = print_text(job, err);
    forget(job);
    return status;
}

int clh_cmd_circuits(const clh_invocation *inv)
{
    clh_error err = {0};
    circuits_job job = {.inv = inv, .norm = clh_opt_flag(inv, "norm")};
    clh_status status = check_figure_options(inv, &err);
    if (!status)
        status = clh_opt_size(inv, "samples", &job.samples, &err);
    if (!status)
        status = clh_cli_film(inv, &(clh_film){measure, &job, "circuit", true}, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
