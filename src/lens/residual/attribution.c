/* Direct logit attribution. With u = (x - mean x) / scale (no mean for RMS, x itself without a
 * norm), scale that of the whole stream (frozen) or of the part (recomputed):
 *
 *    logit_t = sum_parts u . (w W_U[:, t])  +  b . W_U[:, t]  +  b_U[t]
 *
 * Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; TransformerLens:
 * ActivationCache.logit_attrs, apply_ln_to_stack. Sums are in double. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/residual.h"
#include "model/memory/tensors.h"

/* The way from the stream to the logits. */
typedef struct way {
    const clh_model_config *config;
    clh_final_norm norm;
    const clh_real *scale;     /* [batch, pos], of the cache */
    size_t pos;                /* of the cache */
    const clh_real *w, *b;     /* [d_model], NULL where there is none */
    const clh_real *W_U, *b_U; /* [d_model, d_vocab_out], [d_vocab_out] */
    size_t d, vocab;
} way;

static way way_out(const clh_model *model, const clh_cache *cache, clh_final_norm norm)
{
    const clh_model_config *c = clh_model_get_config(model);
    const clh_row *logits = &clh_layout_acts.row[CLH_A_LOGITS], *unembed = logits->map;
    const clh_norm_row *final = unembed->behind;
    const clh_tensor scale = clh_cache_act(cache, final->scale, 0);
    const clh_tensor embed = clh_cache_act(cache, CLH_A_EMBED, 0);
    assert(norm < CLH_FINAL_NORMS && (scale.data || c->normalization_type == CLH_NORM_NONE));
    return (way){.config = c,
                 .norm = norm,
                 .scale = scale.data,
                 .pos = embed.shape[1],
                 .w = clh_model_param(model, final->w, 0).data,
                 .b = clh_model_param(model, final->b, 0).data,
                 .W_U = clh_model_param(model, clh_param_of(unembed), 0).data,
                 .b_U = clh_model_param(model, clh_param_of(unembed->bias), 0).data,
                 .d = c->d_model,
                 .vocab = c->d_vocab_out};
}

/* Whether the cache is one of the model, and `norm` a way to norm. */
static clh_status check_way(const clh_model *model, const clh_cache *cache, clh_final_norm norm,
                            clh_error *err)
{
    clh_status status = clh_check_enum((unsigned)norm, CLH_FINAL_NORMS, "norm", err);
    return status ? status : clh_cache_readable(cache, model, err);
}

/* Whether a stack is of that pass, too. */
static clh_status check_stack(const clh_resid_stack *stack, const clh_model *model,
                              const clh_cache *cache, clh_final_norm norm, clh_error *err)
{
    clh_status status = check_way(model, cache, norm, err);
    if (status)
        return status;
    const clh_tensor embed = clh_cache_act(cache, CLH_A_EMBED, 0);
    if (stack->data && stack->batch == embed.shape[0] && stack->d_model == embed.shape[2] &&
        stack->begin <= embed.shape[1] && stack->pos <= embed.shape[1] - stack->begin)
        return CLH_OK;
    return clh_fail(err, CLH_ESHAPE,
                    "the stack is [%zu, %zu, %zu] from position %zu, the cache [%zu, %zu, %zu]",
                    stack->batch, stack->pos, stack->d_model, stack->begin, embed.shape[0],
                    embed.shape[1], embed.shape[2]);
}

static const char a_stack[] = "a stack, its model and cache, and room for the result";

/* u of a row `x` of the stack that stands at sequence b, position i of the cache. */
static void normalize_row(const way *out, const clh_real *x, size_t b, size_t i, double *u)
{
    const clh_normalization kind = clh_layout_norm_kind(out->config, CLH_NORM_AT_FINAL);
    double mean = 0, square = 0;
    for (size_t k = 0; k < out->d && (kind == CLH_NORM_LN || kind == CLH_NORM_LNPRE); k++)
        mean += (double)x[k];
    mean /= (double)out->d;
    for (size_t k = 0; k < out->d; k++) {
        u[k] = (double)x[k] - mean;
        square += u[k] * u[k];
    }
    if (kind == CLH_NORM_NONE)
        return;
    assert(out->scale || out->norm != CLH_NORM_FROZEN);
    const double scale = out->norm == CLH_NORM_FROZEN
                             ? (double)out->scale[b * out->pos + i]
                             : sqrt(square / (double)out->d + out->config->eps);
    for (size_t k = 0; k < out->d; k++)
        u[k] /= scale;
}

clh_status clh_resid_normalize(clh_resid_stack *stack, const clh_model *model,
                               const clh_cache *cache, clh_final_norm norm, clh_error *err)
{
    CLH_REQUIRE(stack && model && cache, err, a_stack);
    clh_status status = check_stack(stack, model, cache, norm, err);
    if (status)
        return status;
    const way out = way_out(model, cache, norm);
    const size_t rows = stack->count * stack->batch * stack->pos, d = stack->d_model;
    double *u = clh_alloc_array(d, sizeof *u, err);
    if (!u)
        return CLH_ENOMEM;
    for (size_t r = 0; r < rows; r++) {
        clh_real *x = stack->data + r * d;
        normalize_row(&out, x, r / stack->pos % stack->batch, stack->begin + r % stack->pos, u);
        for (size_t k = 0; k < d; k++)
            x[k] = (clh_real)u[k];
    }
    clh_free(u);
    return CLH_OK;
}

clh_status clh_resid_logits(clh_real *out, const clh_resid_stack *stack, const clh_model *model,
                            const clh_cache *cache, clh_final_norm norm, clh_error *err)
{
    CLH_REQUIRE(out && stack && model && cache, err, a_stack);
    clh_status status = check_stack(stack, model, cache, norm, err);
    if (status)
        return status;
    const way to = way_out(model, cache, norm);
    const size_t rows = stack->count * stack->batch * stack->pos;
    double *u = clh_alloc_array(to.d + to.vocab, sizeof *u, err), *logits = u ? u + to.d : NULL;
    if (!u)
        return CLH_ENOMEM;
    for (size_t r = 0; r < rows; r++) {
        normalize_row(&to, stack->data + r * to.d, r / stack->pos % stack->batch,
                      stack->begin + r % stack->pos, u);
        for (size_t t = 0; t < to.vocab; t++)
            logits[t] = (double)to.b_U[t];
        for (size_t k = 0; k < to.d; k++) {
            const double x = u[k] * (to.w ? (double)to.w[k] : 1) + (to.b ? (double)to.b[k] : 0);
            for (size_t t = 0; t < to.vocab; t++)
                logits[t] += x * (double)to.W_U[k * to.vocab + t];
        }
        for (size_t t = 0; t < to.vocab; t++)
            out[r * to.vocab + t] = (clh_real)logits[t];
    }
    clh_free(u);
    return CLH_OK;
}

/* ---- One direction of the logits ---------------------------------------------------------------
 */

/* row[token] - row[against], in double. */
static double difference(const clh_real *row, size_t vocab, uint32_t token, uint32_t against)
{
    double other = 0;
    for (size_t t = 0; against == CLH_EVERY_TOKEN && t < vocab; t++)
        other += (double)row[t] / (double)vocab;
    if (against < vocab)
        other = (double)row[against];
    return (double)row[token] - other;
}

/* w (W_U[token] - W_U[against]) into `direction` [d_model]; what the biases add. */
static void direct(const way *to, uint32_t token, uint32_t against, double *direction,
                   double *norm_bias, double *unembed_bias)
{
    *norm_bias = 0;
    for (size_t k = 0; k < to->d; k++) {
        const double part = difference(to->W_U + k * to->vocab, to->vocab, token, against);
        direction[k] = part * (to->w ? (double)to->w[k] : 1);
        *norm_bias += to->b ? part * (double)to->b[k] : 0;
    }
    *unembed_bias = difference(to->b_U, to->vocab, token, against);
}

static clh_status check_tokens(const way *to, uint32_t token, uint32_t against, clh_error *err)
{
    if (token < to->vocab && (against < to->vocab || against >= CLH_EVERY_TOKEN))
        return CLH_OK;
    return clh_fail(err, CLH_ERANGE,
                    "token %u of an attribution, the logits have %zu (d_vocab_out)",
                    token < to->vocab ? against : token, to->vocab);
}

/* Add weight * (each part's share) of the row at sequence b, row i of the stack to value[c * step].
 * `room` is 2 d_model. */
static void add_row(const way *to, const clh_resid_stack *stack, size_t b, size_t i,
                    const double *direction, double weight, double *room, double *value,
                    size_t step)
{
    for (size_t c = 0; c < stack->count; c++) {
        const size_t row = (c * stack->batch + b) * stack->pos + i;
        double sum = 0;
        normalize_row(to, stack->data + row * to->d, b, stack->begin + i, room);
        for (size_t k = 0; k < to->d; k++)
            sum += room[k] * direction[k];
        value[c * step] += weight * sum;
    }
}

clh_status clh_logit_attrs(double *out, const clh_resid_stack *stack, const clh_model *model,
                           const clh_cache *cache, const uint32_t *token, const uint32_t *against,
                           clh_final_norm norm, clh_error *err)
{
    CLH_REQUIRE(out && stack && model && cache && token, err, a_stack);
    clh_status status = check_stack(stack, model, cache, norm, err);
    if (status)
        return status;
    const way to = way_out(model, cache, norm);
    const size_t rows = stack->batch * stack->pos;
    double *room = clh_alloc_array(to.d, 2 * sizeof *room, err), norm_bias, unembed_bias;
    status = room ? CLH_OK : CLH_ENOMEM;
    for (size_t r = 0; r < rows && !status; r++)
        status = check_tokens(&to, token[r], against ? against[r] : CLH_NO_TOKEN, err);
    for (size_t i = 0; i < stack->count * rows && !status; i++)
        out[i] = 0;
    for (size_t r = 0; r < rows && !status; r++) {
        direct(&to, token[r], against ? against[r] : CLH_NO_TOKEN, room + to.d, &norm_bias,
               &unembed_bias);
        add_row(&to, stack, r / stack->pos, r % stack->pos, room + to.d, 1, room, out + r, rows);
    }
    clh_free(room);
    return status;
}

/* ---- Tables that add up ------------------------------------------------------------------------
 */

/* What is attributed, and into what. */
typedef struct job {
    clh_attribution *out;
    const clh_model *model;
    const clh_cache *cache;
    way to;
    unsigned split;
    double *room; /* 2 d_model */
} job;

static clh_status job_make(job *out, clh_attribution *result, const clh_model *model,
                           const clh_cache *cache, unsigned split, clh_final_norm norm,
                           clh_error *err)
{
    *result = (clh_attribution){.norm = norm};
    *out = (job){result, model, cache, way_out(model, cache, norm), split, NULL};
    out->room = clh_alloc_array(out->to.d, 2 * sizeof *out->room, err);
    return out->room ? CLH_OK : CLH_ENOMEM;
}

/* The table's rows are those of the first stack. */
static clh_status name_rows(clh_attribution *out, const clh_resid_stack *stack, clh_error *err)
{
    if (out->component)
        return CLH_OK;
    out->count = stack->count;
    out->component = clh_alloc_array(stack->count, sizeof *out->component, err);
    out->value = clh_alloc_zeroed(stack->count, sizeof *out->value, err);
    if (!out->component || !out->value)
        return CLH_ENOMEM;
    memcpy(out->component, stack->component, stack->count * sizeof *out->component);
    return CLH_OK;
}

/* Add weight * (the attribution at `position`), token[b * stride] of every sequence. */
static clh_status add_position(job *of, size_t position, const uint32_t *token, size_t stride,
                               uint32_t against, double weight, clh_error *err)
{
    const clh_tensor logits = clh_cache_act(of->cache, CLH_A_LOGITS, 0);
    const clh_resid_ask ask = {.split = of->split, .begin = position, .end = position + 1};
    clh_resid_stack stack = {0};
    clh_status status = clh_resid_decompose(&stack, of->model, of->cache, &ask, err);
    if (!status)
        status = name_rows(of->out, &stack, err);
    for (size_t b = 0; b < stack.batch && !status; b++) {
        const uint32_t id = token[b * stride];
        double norm_bias, unembed_bias, *direction = of->room + of->to.d;
        status = check_tokens(&of->to, id, against, err);
        if (status)
            break;
        direct(&of->to, id, against, direction, &norm_bias, &unembed_bias);
        add_row(&of->to, &stack, b, 0, direction, weight, of->room, of->out->value, 1);
        of->out->norm_bias += weight * norm_bias;
        of->out->unembed_bias += weight * unembed_bias;
        of->out->total +=
            weight * difference(logits.data + (b * logits.shape[1] + position) * of->to.vocab,
                                of->to.vocab, id, against);
    }
    clh_resid_stack_deinit(&stack);
    return status;
}

/* What is missing is the remainder; free what a failure left. */
static clh_status job_finish(job *of, clh_status status)
{
    clh_attribution *out = of->out;
    clh_free(of->room);
    if (status) {
        clh_attribution_deinit(out);
        return status;
    }
    double sum = out->norm_bias + out->unembed_bias;
    for (size_t c = 0; c < out->count; c++)
        sum += out->value[c];
    out->remainder = out->total - sum;
    return CLH_OK;
}

clh_status clh_attribution_metric(clh_attribution *out, const clh_model *model,
                                  const clh_cache *cache, const clh_metric *metric, unsigned split,
                                  clh_final_norm norm, clh_error *err)
{
    CLH_REQUIRE(out && model && cache && metric, err,
                "a model, a cache, a metric, and room for the attribution");
    clh_status status = check_way(model, cache, norm, err);
    if (!status)
        status = clh_check_enum((unsigned)metric->kind, CLH_METRIC_KINDS, "kind", err);
    if (status)
        return status;
    const bool diff = metric->kind == CLH_METRIC_LOGIT_DIFF;
    if (!diff && metric->kind != CLH_METRIC_LOGIT)
        return clh_fail(err, CLH_ESUPPORT,
                        "%s is not linear in the logits and has no direct attribution, want logit "
                        "or logit_diff",
                        clh_metric_name(metric->kind));
    job of;
    status = job_make(&of, out, model, cache, split, norm, err);
    if (!status)
        status = add_position(&of, metric->position, &metric->token, 0,
                              diff ? metric->against : CLH_NO_TOKEN, 1, err);
    return job_finish(&of, status);
}

clh_status clh_attribution_predictions(clh_attribution *out, const clh_model *model,
                                       const clh_cache *cache, const clh_tokens *tokens,
                                       size_t begin, size_t end, uint32_t against, unsigned split,
                                       clh_final_norm norm, clh_error *err)
{
    CLH_REQUIRE(out && model && cache && tokens && tokens->ids, err,
                "a model, a cache, its tokens, and room for the attribution");
    clh_status status = check_way(model, cache, norm, err);
    if (!status)
        status = clh_cache_holds(cache, model, tokens, err);
    if (status)
        return status;
    if (begin == 0 || begin >= end || end > tokens->pos)
        return clh_fail(err, CLH_ERANGE, "predictions of tokens %zu to %zu, want them in [1, %zu)",
                        begin, end, tokens->pos);
    const double weight = 1.0 / ((double)tokens->batch * (double)(end - begin));
    job of;
    status = job_make(&of, out, model, cache, split, norm, err);
    for (size_t i = begin; i < end && !status; i++)
        status = add_position(&of, i - 1, tokens->ids + i, tokens->pos, against, weight, err);
    return job_finish(&of, status);
}

void clh_attribution_deinit(clh_attribution *attribution)
{
    if (!attribution)
        return;
    clh_free(attribution->component);
    clh_free(attribution->value);
    *attribution = (clh_attribution){0};
}
