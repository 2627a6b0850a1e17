/* clearhead cache: every activation of a forward pass, and the gradient of every parameter, as a
 * safetensors file. */
#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/safetensors.h"
#include "cli/cli_batch.h"

/** What is computed and what of it is written. */
typedef struct cache_job {
    const clh_invocation *inv;
    clh_run *run;
    clh_cli_batch batch;
    const char *pattern, *path;
    bool grads;
    clh_cache *cache, *gradient;
    clh_real *parameters; /* their gradients, as clh_model_data() */
    clh_real loss, *ids;  /* ids: the tokens as numbers of a file */
    clh_tensor *tensors;  /* what is written, `count` of them */
    char *names;          /* of the gradients */
    size_t count, bytes;
} cache_job;

static bool wanted(const cache_job *job, const char *name)
{
    return strcmp(name, "logits") == 0 || fnmatch(job->pattern, name, 0) == 0;
}

/** That the pattern means something; CLH_EINPUT with the nearest name where it does not. */
static clh_status check_pattern(const cache_job *job, clh_error *err)
{
    const size_t count = clh_cache_count(job->cache);
    const char **names = clh_alloc_array(count, sizeof *names, err);
    if (!names)
        return CLH_ENOMEM;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        names[i] = clh_cache_describe(job->cache, i, 1, 1).name;
        found = found || fnmatch(job->pattern, names[i], 0) == 0;
    }
    clh_status status = CLH_OK;
    if (!found) {
        const char *nearest = clh_nearest_name(job->pattern, names, count);
        status =
            clh_fail(err, CLH_EINPUT, "no hook point matches %s; %s%s%s", job->pattern,
                     nearest ? "did you mean " : "clearhead show ",
                     nearest ? nearest : clh_run_path(job->run), nearest ? "?" : " lists them");
    }
    clh_free(names);
    return status;
}

/** Bytes of the numbers that will be in the file. */
static size_t file_bytes(const cache_job *job)
{
    const clh_tokens *t = &job->batch.tokens;
    size_t numbers = t->batch * t->pos;
    for (size_t i = 0; i < clh_cache_count(job->cache); i++) {
        clh_tensor shape = clh_cache_describe(job->cache, i, t->batch, t->pos);
        if (wanted(job, shape.name) && !clh_cache_repeats(job->cache, i))
            numbers += clh_tensor_count(&shape);
    }
    if (job->grads)
        numbers += 1 + clh_model_parameter_count(clh_run_model(job->run));
    return numbers * sizeof(float);
}

/** Say what it takes before it is taken, and refuse what this machine does not have. */
static clh_status check_size(cache_job *job, clh_error *err)
{
    const clh_tokens *t = &job->batch.tokens;
    const clh_model *model = clh_run_model(job->run);
    char memory_text[24], file_text[24], what[96];
    size_t parameters = 0;
    size_t memory = clh_cache_bytes(clh_model_get_config(model), CLH_KEEP_ALL, t->batch, t->pos);
    (void)clh_model_data(model, &parameters);
    if (job->grads && (!clh_mul_ok(memory, 2, &memory) ||
                       !clh_add_ok(memory, parameters * sizeof(clh_real), &memory)))
        memory = SIZE_MAX;
    (void)snprintf(what, sizeof what, "the activations of [%zu, %zu] tokens", t->batch, t->pos);
    clh_status status = clh_memory_check(memory, what, err);
    if (status)
        return status;
    job->bytes = file_bytes(job);
    (void)fprintf(stderr, "[%zu, %zu] tokens: %s of memory, %s to write\n", t->batch, t->pos,
                  clh_bytes_text(memory, memory_text), clh_bytes_text(job->bytes, file_text));
    return CLH_OK;
}

/** First scored token of every sequence, checked against the batch. */
static clh_status first_scored(const cache_job *job, size_t *first, clh_error *err)
{
    *first = job->batch.first_scored;
    clh_status status = clh_opt_size(job->inv, "first-scored", first, err);
    if (status)
        return status;
    if (*first == 0 && !clh_opt_given(job->inv, "first-scored"))
        return clh_fail(err, CLH_EINPUT,
                        "%s has sequences of several n, want --first-scored to say where the loss "
                        "begins",
                        clh_run_path(job->run));
    if (job->batch.tokens.pos < 2)
        return clh_fail(err, CLH_ERANGE,
                        "a loss needs a token to predict: 1 token is given, want 2");
    if (*first == 0 || *first >= job->batch.tokens.pos)
        return clh_fail(err, CLH_ERANGE,
                        "the loss begins at token %zu (first_scored), want it in [1, %zu] for %zu "
                        "tokens",
                        *first, job->batch.tokens.pos - 1, job->batch.tokens.pos);
    return CLH_OK;
}

/** Loss over the scored positions, and the gradient of every parameter. */
static clh_status compute_gradients(cache_job *job, clh_error *err)
{
    const clh_tokens *t = &job->batch.tokens;
    clh_model *model = clh_run_model(job->run);
    size_t first, parameters = 0, *length = NULL;
    clh_loss_sum sum = {0};
    (void)clh_model_data(model, &parameters);
    clh_status status = first_scored(job, &first, err);
    if (status)
        return status;
    status = clh_cache_open(&job->gradient, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (status)
        return status;
    job->parameters = clh_alloc_zeroed(parameters, sizeof *job->parameters, err);
    length = clh_alloc_array(t->batch, 2 * sizeof *length, err);
    if (!job->parameters || !length) {
        clh_free(length);
        return CLH_ENOMEM;
    }
    for (size_t b = 0; b < t->batch; b++) {
        length[b] = t->pos;
        length[t->batch + b] = first;
    }
    const clh_scored scored = {.length = length, .first_scored = length + t->batch};
    const double weight = 1.0 / ((double)t->batch * (double)(t->pos - first));
    status = clh_loss(job->cache, t, &scored, weight, job->gradient, NULL, &sum, err);
    if (!status)
        status = clh_backward(model, t, job->cache, job->gradient, job->parameters, NULL, err);
    job->loss = (clh_real)(sum.loss * weight);
    clh_free(length);
    return status;
}

static void add_tensor(cache_job *job, clh_tensor tensor)
{
    job->tensors[job->count++] = tensor;
}

static void add_gradients(cache_job *job, size_t name_size)
{
    const clh_model *model = clh_run_model(job->run);
    add_tensor(job, (clh_tensor){.data = &job->loss, .name = "loss"});
    for (size_t i = 0; i < clh_model_tensor_count(model); i++) {
        char *name = job->names + i * name_size;
        clh_tensor tensor = clh_model_tensor_in(model, i, job->parameters);
        (void)snprintf(name, name_size, "grad.%s", tensor.name);
        tensor.name = name;
        add_tensor(job, tensor);
    }
}

/** What is written, in order: tokens, activations, loss, gradients. */
static clh_status list_tensors(cache_job *job, clh_error *err)
{
    enum { NAME_SIZE = 96 };
    const clh_tokens *t = &job->batch.tokens;
    const size_t parameters = clh_model_tensor_count(clh_run_model(job->run));
    const size_t activations = clh_cache_count(job->cache);
    job->tensors = clh_alloc_array(activations + parameters + 2, sizeof *job->tensors, err);
    job->names = clh_alloc_array(parameters, NAME_SIZE, err);
    job->ids = clh_alloc_array(t->batch * t->pos, sizeof *job->ids, err);
    if (!job->tensors || !job->names || !job->ids)
        return CLH_ENOMEM;
    for (size_t i = 0; i < t->batch * t->pos; i++)
        job->ids[i] = (clh_real)t->ids[i];
    add_tensor(
        job,
        (clh_tensor){.data = job->ids, .rank = 2, .shape = {t->batch, t->pos}, .name = "tokens"});
    for (size_t i = 0; i < activations; i++) {
        clh_tensor tensor = clh_cache_tensor(job->cache, i);
        if (wanted(job, tensor.name) && !clh_cache_repeats(job->cache, i))
            add_tensor(job, tensor);
    }
    if (job->grads)
        add_gradients(job, NAME_SIZE);
    return CLH_OK;
}

static clh_status write_file(cache_job *job, clh_error *err)
{
    char step[24];
    (void)snprintf(step, sizeof step, "%zu", clh_run_step(job->run));
    const clh_pair metadata[] = {{"format", "pt"}, {"run", clh_run_path(job->run)}, {"step", step}};
    clh_status status = list_tensors(job, err);
    return status ? status
                  : clh_safetensors_write(job->path, job->tensors, job->count, metadata,
                                          CLH_COUNT(metadata), err);
}

static void print_summary(const cache_job *job)
{
    const clh_tokens *t = &job->batch.tokens;
    char text[24];
    if (!job->inv->json) {
        if (job->grads)
            (void)printf("loss %.9g\n", (double)job->loss);
        (void)printf("%zu tensors, %s: %s\n", job->count, clh_bytes_text(job->bytes, text),
                     job->path);
        return;
    }
    clh_strbuf path = {0};
    clh_strbuf_add_json(&path, job->path);
    (void)printf("{\"tensors\": %zu, \"bytes\": %zu, \"batch\": %zu, \"pos\": %zu, \"file\": %s",
                 job->count, job->bytes, t->batch, t->pos, clh_strbuf_view(&path));
    if (job->grads)
        (void)printf(", \"loss\": %.9g", (double)job->loss);
    (void)printf("}\n");
    clh_strbuf_deinit(&path);
}

static clh_status run_job(cache_job *job, clh_error *err)
{
    const clh_model *model = clh_run_model(job->run);
    clh_status status = clh_cache_open(&job->cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (!status)
        status = check_pattern(job, err);
    if (!status)
        status = clh_cli_batch_init(&job->batch, job->inv, job->run, err);
    if (!status)
        status = check_size(job, err);
    if (!status)
        status = clh_forward(model, &job->batch.tokens, job->cache, NULL, err);
    if (!status && job->grads)
        status = compute_gradients(job, err);
    return status ? status : write_file(job, err);
}

int clh_cmd_cache(const clh_invocation *inv)
{
    clh_error err = {0};
    cache_job job = {
        .inv = inv, .pattern = clh_opt_text(inv, "names"), .grads = clh_opt_flag(inv, "grads")};
    clh_status status = clh_opt_need(inv, "out", &job.path, &err);
    if (!status && clh_opt_given(inv, "first-scored") && !job.grads)
        status = clh_fail(&err, CLH_EUSAGE, "--first-scored decides the loss, want --grads too");
    if (!status)
        status = clh_cli_open_run(inv, &job.run, &err);
    if (!status)
        status = run_job(&job, &err);
    if (!status)
        print_summary(&job);
    clh_free(job.ids);
    clh_free(job.names);
    clh_free(job.tensors);
    clh_free(job.parameters);
    clh_cache_close(job.gradient);
    clh_cache_close(job.cache);
    clh_cli_batch_deinit(&job.batch);
    clh_run_close(job.run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
