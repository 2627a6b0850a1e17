/* What is kept of a pass, and computing it. */
#include "lens/causal/cached.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "lens/causal/cached_list.h"

const char *clh_cached_scalar(const clh_cached *c)
{
    return c->boxed ? "sum" : clh_metric_name(c->metric.kind);
}

/* ---- Planning ----------------------------------------------------------------------------------
 */

/* First scored token of every sequence, checked against the batch. */
static clh_status first_scored(clh_cached *c, size_t given, clh_error *err)
{
    const size_t pos = c->batch.tokens.pos;
    const size_t first = given == SIZE_MAX ? c->batch.first_scored : given;
    c->metric.first_scored = first;
    if (first == 0 && given == SIZE_MAX)
        return clh_fail(err, CLH_EINPUT,
                        "the sequences of the run are of several n, want first_scored to say where "
                        "the loss begins");
    if (pos < 2)
        return clh_fail(err, CLH_ERANGE,
                        "a loss needs a token to predict: 1 token is given, want 2");
    if (first == 0 || first >= pos)
        return clh_fail(err, CLH_ERANGE,
                        "the loss begins at token %zu (first_scored), want it in [1, %zu] for %zu "
                        "tokens",
                        first, pos - 1, pos);
    return CLH_OK;
}

/* A metric, or a box of an activation: only that has brackets. */
static clh_status read_metric(clh_cached *c, const clh_vocab *vocab, const clh_cached_ask *ask,
                              clh_error *err)
{
    const clh_tokens *t = &c->batch.tokens;
    c->boxed = strchr(ask->metric, '[') != NULL;
    clh_status status = c->boxed
                            ? clh_box_parse(&c->box, ask->metric, c->cache, t->batch, t->pos, err)
                            : clh_metric_parse(&c->metric, ask->metric, vocab, t->pos, 0, err);
    if (!status && !c->boxed && c->metric.kind == CLH_METRIC_LOSS)
        return first_scored(c, ask->first_scored, err);
    if (!status && ask->first_scored != SIZE_MAX)
        status = clh_fail(err, CLH_EUSAGE, "first_scored decides the loss, the metric is %s",
                          clh_cached_scalar(c));
    return status;
}

/* What the passes take; that this machine has it. */
static clh_status measure(clh_cached *c, clh_error *err)
{
    const clh_tokens *t = &c->batch.tokens;
    size_t parameters = 0;
    char what[96];
    (void)clh_model_data(c->model, &parameters);
    c->memory = clh_cache_bytes(clh_model_get_config(c->model), CLH_KEEP_ALL, t->batch, t->pos);
    if (c->grads)
        c->memory = clh_bytes_plus(clh_bytes_times(c->memory, 2),
                                   clh_bytes_times(parameters, sizeof(clh_real)));
    (void)snprintf(what, sizeof what, "the activations of [%zu, %zu] tokens", t->batch, t->pos);
    return clh_memory_check(c->memory, what, err);
}

static clh_status plan(clh_cached *c, const clh_vocab *vocab, const clh_cached_ask *ask,
                       clh_error *err)
{
    const clh_tokens *t = &c->batch.tokens;
    clh_status status =
        clh_cache_open(&c->cache, clh_model_get_config(c->model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_slices_read(&c->rows, ask->rows, "batch", t->batch, err);
    if (!status)
        status = clh_slices_read(&c->positions, ask->positions, "positions", t->pos, err);
    if (!status)
        status = clh_batch_choose(&c->batch, &c->rows, err);
    if (!status && ask->metric)
        status = read_metric(c, vocab, ask, err);
    if (!status)
        status = clh_cached_list(c, ask->names, err);
    return status ? status : measure(c, err);
}

clh_status clh_cached_plan(clh_cached **out, const clh_model *model, const clh_vocab *vocab,
                           clh_batch *batch, const clh_cached_ask *ask, clh_error *err)
{
    assert(out && model && batch && batch->ids && ask && ask->names);
    clh_cached *c = clh_alloc_zeroed(1, sizeof *c, err);
    if (!c) {
        clh_batch_deinit(batch);
        return CLH_ENOMEM;
    }
    c->model = model;
    c->batch = *batch;
    c->grads = ask->metric != NULL;
    *batch = (clh_batch){0};
    clh_status status = plan(c, vocab, ask, err);
    if (status)
        clh_cached_close(c);
    else
        *out = c;
    return status;
}

/* ---- Computing ---------------------------------------------------------------------------------
 */

/* Gradients are computed in the opposite order, so the last of them comes first. */
static clh_status check_gradient(const clh_cached *c, clh_error *err)
{
    for (size_t t = clh_cache_count(c->gradient); t-- > 0;) {
        const clh_tensor tensor = clh_cache_tensor(c->gradient, t);
        for (size_t i = 0, n = clh_tensor_count(&tensor); i < n; i++)
            if (!isfinite(tensor.data[i]))
                return clh_fail(err, CLH_ENUMERIC,
                                "grad.%s is not finite, the first of the gradients", tensor.name);
    }
    return CLH_OK;
}

static clh_status compute_gradients(clh_cached *c, clh_error *err)
{
    const clh_tokens *t = &c->batch.tokens;
    size_t parameters = 0;
    (void)clh_model_data(c->model, &parameters);
    clh_status status = c->gradient ? CLH_OK
                                    : clh_cache_open(&c->gradient, clh_model_get_config(c->model),
                                                     CLH_KEEP_ALL, err);
    clh_free(c->parameters);
    c->parameters = status ? NULL : clh_alloc_zeroed(parameters, sizeof *c->parameters, err);
    if (!c->parameters)
        return status ? status : CLH_ENOMEM;
    status = c->boxed ? clh_box_gradient(&c->box, c->model, t, c->cache, c->gradient, c->parameters,
                                         &c->value, NULL, err)
                      : clh_metric_gradient(&c->metric, c->model, t, c->cache, c->gradient,
                                            c->parameters, &c->value, NULL, err);
    return status ? status : check_gradient(c, err);
}

clh_status clh_cached_compute(clh_cached *c, clh_error *err)
{
    assert(c);
    if (c->computed)
        return CLH_OK;
    clh_status status = clh_forward(c->model, &c->batch.tokens, c->cache, NULL, err);
    if (!status && c->edits)
        status = clh_cached_run_edited(c, err);
    if (!status)
        status = clh_cache_check(c->cache, err);
    if (!status && c->grads)
        status = compute_gradients(c, err);
    if (!status)
        clh_cached_fill(c);
    c->computed = !status;
    return status;
}

void clh_cached_close(clh_cached *c)
{
    if (!c)
        return;
    clh_free(c->grad_name);
    clh_free(c->numbers);
    clh_free(c->item);
    clh_free(c->activation);
    clh_free(c->parameters);
    clh_cache_close(c->gradient);
    clh_cache_close(c->cache);
    clh_edits_close(c->edits);
    clh_sample_deinit(&c->sample);
    clh_slices_deinit(&c->positions);
    clh_slices_deinit(&c->rows);
    clh_batch_deinit(&c->batch);
    clh_free(c);
}

clh_status clh_cached_limit(const clh_cached *c, const char *limit, clh_error *err)
{
    char memory[24], file[24], most[24];
    size_t bytes = SIZE_MAX;
    clh_status status = *limit ? clh_bytes_read(limit, "limit", &bytes, err) : CLH_OK;
    if (!status && (c->memory > bytes || c->bytes > bytes))
        status =
            clh_fail(err, CLH_ERANGE,
                     "the activations of [%zu, %zu] tokens take %s of memory and %s to write, "
                     "want at most %s (limit)",
                     c->batch.tokens.batch, c->batch.tokens.pos, clh_bytes_text(c->memory, memory),
                     clh_bytes_text(c->bytes, file), clh_bytes_text(bytes, most));
    return status;
}

clh_status clh_cached_array(clh_array *array, void *item, clh_error *err)
{
    const clh_cached_item *cached = item;
    const clh_status status = clh_cached_compute(cached->of, err);
    array->data = cached->array.data;
    return status;
}
