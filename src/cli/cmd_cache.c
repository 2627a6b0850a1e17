/* clearhead cache: activations of a forward pass, and the gradients of a metric with respect to
 * them and to every parameter, as a safetensors or npz file. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/strbuf.h"
#include "clearhead/box.h"
#include "clearhead/metric.h"
#include "clearhead/npz.h"
#include "cli/cli_activations.h"
#include "cli/cli_batch.h"

/** What is computed and what of it is written. */
typedef struct cache_job {
    const clh_invocation *inv;
    clh_run *run;
    clh_cli_batch batch;
    clh_cli_slice rows, positions;
    uint32_t *ids; /* of the rows that are run */
    const char *path;
    bool dry, grads, npz;
    bool boxed; /* the scalar is `box`, else `metric` */
    clh_box box;
    clh_metric metric;
    clh_cache *cache, *gradient;
    clh_real *parameters; /* their gradients, as clh_model_data() */
    size_t memory;        /* bytes of all that */
    clh_cli_activations list;
} cache_job;

/* ---- What is asked ------------------------------------------------------------------------------
 */

static bool ends_in(const char *text, const char *ending)
{
    const size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

static clh_status read_options(cache_job *job, clh_error *err)
{
    const clh_invocation *inv = job->inv;
    job->grads = clh_opt_flag(inv, "grads");
    job->dry = clh_opt_flag(inv, "dry-run");
    job->path = clh_opt_text(inv, "out");
    clh_status status = job->dry ? CLH_OK : clh_opt_need(inv, "out", &job->path, err);
    if (!status && clh_opt_given(inv, "first-scored") && !job->grads)
        status = clh_fail(err, CLH_EUSAGE, "--first-scored decides the loss, want --grads too");
    if (!status && clh_opt_given(inv, "metric") && !job->grads)
        status = clh_fail(err, CLH_EUSAGE, "--metric is what gradients are of, want --grads too");
    job->npz = job->path && ends_in(job->path, ".npz");
    return status || !job->npz ? status : clh_npz_available(err);
}

/** Of the batch only the rows that --batch names. */
static clh_status choose_rows(cache_job *job, clh_error *err)
{
    clh_tokens *t = &job->batch.tokens;
    clh_status status = clh_cli_slice_init(&job->rows, job->inv, "batch", t->batch, err);
    if (!status)
        status = clh_cli_slice_init(&job->positions, job->inv, "positions", t->pos, err);
    if (status || !job->rows.index)
        return status;
    job->ids = clh_alloc_array(job->rows.count * t->pos, sizeof *job->ids, err);
    for (size_t r = 0; job->ids && r < job->rows.count; r++)
        memcpy(job->ids + r * t->pos, t->ids + job->rows.index[r] * t->pos,
               t->pos * sizeof *t->ids);
    *t = (clh_tokens){job->ids, job->rows.count, t->pos};
    return job->ids ? CLH_OK : CLH_ENOMEM;
}

/** First scored token of every sequence, checked against the batch. */
static clh_status first_scored(const cache_job *job, size_t *first, clh_error *err)
{
    const size_t pos = job->batch.tokens.pos;
    *first = job->batch.first_scored;
    clh_status status = clh_opt_size(job->inv, "first-scored", first, err);
    if (status)
        return status;
    if (*first == 0 && !clh_opt_given(job->inv, "first-scored"))
        return clh_fail(err, CLH_EINPUT,
                        "%s has sequences of several n, want --first-scored to say where the loss "
                        "begins",
                        clh_run_path(job->run));
    if (pos < 2)
        return clh_fail(err, CLH_ERANGE,
                        "a loss needs a token to predict: 1 token is given, want 2");
    if (*first == 0 || *first >= pos)
        return clh_fail(err, CLH_ERANGE,
                        "the loss begins at token %zu (first_scored), want it in [1, %zu] for %zu "
                        "tokens",
                        *first, pos - 1, pos);
    return CLH_OK;
}

/** Under which the scalar stands in a file: "loss", "logit_diff", "sum". */
static const char *name_of(const cache_job *job)
{
    return job->boxed ? "sum" : clh_metric_name(job->metric.kind);
}

/** A metric, or a box of an activation: only that has brackets. */
static clh_status read_metric(cache_job *job, clh_error *err)
{
    const clh_tokens *t = &job->batch.tokens;
    const char *text = clh_opt_text(job->inv, "metric");
    job->boxed = strchr(text, '[') != NULL;
    clh_status status =
        job->boxed ? clh_box_parse(&job->box, text, job->cache, t->batch, t->pos, err)
                   : clh_metric_parse(&job->metric, text, clh_run_task(job->run), t->pos, 0, err);
    if (!status && !job->boxed && job->metric.kind == CLH_METRIC_LOSS)
        return first_scored(job, &job->metric.first_scored, err);
    if (!status && clh_opt_given(job->inv, "first-scored"))
        status = clh_fail(err, CLH_EUSAGE, "--first-scored decides the loss, the metric is %s",
                          name_of(job));
    return status;
}

/* ---- What it takes ------------------------------------------------------------------------------
 */

/** Say what it takes before it is taken, and refuse what this machine or --limit does not allow. */
static clh_status check_size(cache_job *job, clh_error *err)
{
    const clh_tokens *t = &job->batch.tokens;
    const clh_model *model = clh_run_model(job->run);
    char memory_text[24], file_text[24], limit_text[24], what[96];
    size_t parameters = 0, limit = SIZE_MAX;
    size_t memory = clh_cache_bytes(clh_model_get_config(model), CLH_KEEP_ALL, t->batch, t->pos);
    (void)clh_model_data(model, &parameters);
    if (job->grads && (!clh_mul_ok(memory, 2, &memory) ||
                       !clh_add_ok(memory, parameters * sizeof(clh_real), &memory)))
        memory = SIZE_MAX;
    (void)snprintf(what, sizeof what, "the activations of [%zu, %zu] tokens", t->batch, t->pos);
    clh_status status = clh_cli_bytes(job->inv, "limit", &limit, err);
    if (!status)
        status = clh_memory_check(memory, what, err);
    if (status)
        return status;
    (void)clh_bytes_text(memory, memory_text);
    (void)clh_bytes_text(job->list.bytes, file_text);
    if (memory > limit || job->list.bytes > limit)
        return clh_fail(err, CLH_ERANGE,
                        "%s take %s of memory and %s to write, want at most %s (--limit)", what,
                        memory_text, file_text, clh_bytes_text(limit, limit_text));
    (void)fprintf(stderr, "[%zu, %zu] tokens: %s of memory, %s to write\n", t->batch, t->pos,
                  memory_text, file_text);
    job->memory = memory;
    return CLH_OK;
}

static clh_status plan(cache_job *job, clh_error *err)
{
    const clh_model *model = clh_run_model(job->run);
    clh_status status = clh_cache_open(&job->cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cli_batch_init(&job->batch, job->inv, job->run, err);
    if (!status)
        status = choose_rows(job, err);
    if (!status && job->grads)
        status = read_metric(job, err);
    if (status)
        return status;
    job->list = (clh_cli_activations){.model = model,
                                      .cache = job->cache,
                                      .tokens = job->batch.tokens,
                                      .names = clh_opt_text(job->inv, "names"),
                                      .batch = job->rows,
                                      .positions = job->positions,
                                      .metric = job->grads ? name_of(job) : NULL};
    status = clh_cli_activations_list(&job->list, err);
    return status ? status : check_size(job, err);
}

/* ---- What comes out -----------------------------------------------------------------------------
 */

/* Gradients are computed in the opposite order, so the last of them comes first. */
static clh_status check_gradient(const cache_job *job, clh_error *err)
{
    for (size_t t = clh_cache_count(job->gradient); t-- > 0;) {
        const clh_tensor tensor = clh_cache_tensor(job->gradient, t);
        for (size_t i = 0, n = clh_tensor_count(&tensor); i < n; i++)
            if (!isfinite(tensor.data[i]))
                return clh_fail(err, CLH_ENUMERIC,
                                "grad.%s is not finite, the first of the gradients", tensor.name);
    }
    return CLH_OK;
}

static clh_status compute_gradients(cache_job *job, clh_error *err)
{
    const clh_model *model = clh_run_model(job->run);
    size_t parameters = 0;
    (void)clh_model_data(model, &parameters);
    clh_status status =
        clh_cache_open(&job->gradient, clh_model_get_config(model), CLH_KEEP_ALL, err);
    job->parameters = status ? NULL : clh_alloc_zeroed(parameters, sizeof *job->parameters, err);
    if (!job->parameters)
        return status ? status : CLH_ENOMEM;
    const clh_tokens *t = &job->batch.tokens;
    double *value = &job->list.value;
    status = job->boxed ? clh_box_gradient(&job->box, model, t, job->cache, job->gradient,
                                           job->parameters, value, err)
                        : clh_metric_gradient(&job->metric, model, t, job->cache, job->gradient,
                                              job->parameters, value, err);
    return status ? status : check_gradient(job, err);
}

static clh_status write_file(cache_job *job, clh_error *err)
{
    char step[24];
    (void)snprintf(step, sizeof step, "%zu", clh_run_step(job->run));
    const clh_pair metadata[] = {{"format", "pt"},
                                 {"run", clh_run_path(job->run)},
                                 {"step", step},
                                 {"metric", clh_opt_text(job->inv, "metric")}};
    const size_t pairs = CLH_COUNT(metadata) - (job->grads ? 0 : 1);
    clh_cli_activations_fill(&job->list, job->gradient, job->parameters);
    return (job->npz ? clh_npz_write : clh_safetensors_write_arrays)(
        job->path, job->list.array, job->list.count, metadata, pairs, err);
}

/** What would be written, an array a line. */
static void print_list(const cache_job *job)
{
    for (size_t i = 0; i < job->list.count; i++) {
        const clh_array *a = &job->list.array[i];
        char text[24];
        (void)printf("%-40s %s [", a->name, clh_dtype_name(a->dtype));
        for (size_t d = 0; d < a->rank; d++)
            (void)printf("%s%zu", d ? ", " : "", a->shape[d]);
        (void)printf("]  %s\n", clh_bytes_text(clh_array_bytes(a), text));
    }
}

static void add_list(clh_strbuf *text, const cache_job *job)
{
    clh_strbuf_adds(text, ", \"list\": [");
    for (size_t i = 0; i < job->list.count; i++) {
        const clh_array *a = &job->list.array[i];
        clh_strbuf_adds(text, i ? ", {\"name\": " : "{\"name\": ");
        clh_strbuf_add_json(text, a->name);
        clh_strbuf_addf(text, ", \"dtype\": \"%s\", \"shape\": [", clh_dtype_name(a->dtype));
        for (size_t d = 0; d < a->rank; d++)
            clh_strbuf_addf(text, "%s%zu", d ? ", " : "", a->shape[d]);
        clh_strbuf_addf(text, "], \"bytes\": %zu}", clh_array_bytes(a));
    }
    clh_strbuf_adds(text, "]");
}

static void print_json(const cache_job *job)
{
    const clh_tokens *t = &job->batch.tokens;
    clh_strbuf text = {0};
    clh_strbuf_addf(&text,
                    "{\"tensors\": %zu, \"bytes\": %zu, \"memory\": %zu, \"batch\": %zu, "
                    "\"pos\": %zu",
                    job->list.count, job->list.bytes, job->memory, t->batch, t->pos);
    if (job->dry)
        add_list(&text, job);
    if (!job->dry) {
        clh_strbuf_adds(&text, ", \"file\": ");
        clh_strbuf_add_json(&text, job->path);
    }
    if (!job->dry && job->grads) {
        clh_strbuf_addf(&text, ", \"%s\": ", name_of(job));
        clh_strbuf_add_number(&text, job->list.value, 9);
    }
    (void)printf("%s}\n", clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
}

static void print_summary(const cache_job *job)
{
    char text[24];
    if (job->inv->json) {
        print_json(job);
        return;
    }
    if (job->dry)
        print_list(job);
    else if (job->grads)
        (void)printf("%s %.9g\n", name_of(job), job->list.value);
    (void)printf("%zu tensors, %s: %s\n", job->list.count, clh_bytes_text(job->list.bytes, text),
                 job->dry ? "not written" : job->path);
}

static clh_status run_job(cache_job *job, clh_error *err)
{
    clh_status status = clh_cli_open_run(job->inv, &job->run, err);
    if (!status)
        status = plan(job, err);
    if (status || job->dry)
        return status;
    status = clh_forward(clh_run_model(job->run), &job->batch.tokens, job->cache, NULL, err);
    if (!status)
        status = clh_cache_check(job->cache, err);
    if (!status && job->grads)
        status = compute_gradients(job, err);
    return status ? status : write_file(job, err);
}

int clh_cmd_cache(const clh_invocation *inv)
{
    clh_error err = {0};
    cache_job job = {.inv = inv};
    clh_status status = read_options(&job, &err);
    if (!status)
        status = run_job(&job, &err);
    if (!status)
        print_summary(&job);
    clh_cli_activations_deinit(&job.list);
    clh_free(job.parameters);
    clh_cache_close(job.gradient);
    clh_cache_close(job.cache);
    clh_free(job.ids);
    clh_cli_slice_deinit(&job.positions);
    clh_cli_slice_deinit(&job.rows);
    clh_cli_batch_deinit(&job.batch);
    clh_run_close(job.run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
