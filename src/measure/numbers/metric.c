/* Scalars of the logits and their gradients. With p = softmax(logits[position]):
 *
 *    logit      d / d logits = 1 at the token
 *    logit_diff 1 at the token, -1 at `against`
 *    log_prob   (token) - p
 *    prob       p_token ((token) - p)
 *    loss       clh_loss()'s own
 */
#include "clearhead/metric.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "math/kernels/kernels.h"
#include "model/memory/tensors.h"
#include "task/vocab_parts.h"

static const char *const names[CLH_METRIC_KINDS] = {"loss", "logit", "logit_diff", "log_prob",
                                                    "prob"};

const char *clh_metric_name(clh_metric_kind kind)
{
    return kind < CLH_METRIC_KINDS ? names[kind] : NULL;
}

static clh_status check(const clh_metric *m, const clh_tensor *logits, clh_error *err)
{
    const size_t pos = logits->shape[1], vocab = logits->shape[2];
    const uint32_t last =
        m->kind == CLH_METRIC_LOGIT_DIFF && m->against > m->token ? m->against : m->token;
    if (m->position >= pos)
        return clh_fail(err, CLH_ERANGE, "position %zu of the metric, the logits have %zu",
                        m->position, pos);
    if (last >= vocab)
        return clh_fail(err, CLH_ERANGE,
                        "token %u of the metric, the logits have %zu (d_vocab_out)", last, vocab);
    return CLH_OK;
}

/* Value of one sequence's row; its gradient into `g` (may be NULL), which is zero. */
static double row_value(const clh_metric *m, const clh_real *row, size_t vocab, clh_real *g)
{
    if (m->kind == CLH_METRIC_LOGIT || m->kind == CLH_METRIC_LOGIT_DIFF) {
        const bool diff = m->kind == CLH_METRIC_LOGIT_DIFF;
        if (g)
            g[m->token] += 1;
        if (g && diff)
            g[m->against] -= 1;
        return (double)row[m->token] - (diff ? (double)row[m->against] : 0);
    }
    const clh_log_sum sum = clh_log_sum_of(clh_kernels_best(), vocab, row);
    const double value = clh_log_prob(sum, row[m->token]);
    const double scale = m->kind == CLH_METRIC_PROB ? exp(value) : 1;
    for (size_t t = 0; g && t < vocab; t++)
        g[t] = (clh_real)(scale * ((t == m->token) - exp(clh_log_prob(sum, row[t]))));
    return m->kind == CLH_METRIC_PROB ? scale : value;
}

static clh_status loss_value(const clh_metric *m, const clh_cache *cache, const clh_tokens *tokens,
                             double *value, clh_cache *gradient, clh_error *err)
{
    if (m->first_scored == 0 || m->first_scored >= tokens->pos)
        return clh_fail(err, CLH_ERANGE,
                        "the loss begins at token %zu (first_scored), want it in [1, %zu) for %zu "
                        "tokens",
                        m->first_scored, tokens->pos, tokens->pos);
    size_t *length = clh_alloc_array(tokens->batch, 2 * sizeof *length, err);
    if (!length)
        return CLH_ENOMEM;
    for (size_t b = 0; b < tokens->batch; b++) {
        length[b] = tokens->pos;
        length[tokens->batch + b] = m->first_scored;
    }
    const clh_scored scored = {.length = length, .first_scored = length + tokens->batch};
    const double weight = 1.0 / ((double)tokens->batch * (double)(tokens->pos - m->first_scored));
    clh_loss_sum sum = {0};
    clh_status status = clh_loss(cache, tokens, &scored, weight, gradient, NULL, &sum, err);
    *value = sum.loss * weight;
    clh_free(length);
    return status;
}

/* Whether logits of the shape of `tokens` stand in a cache, which is the one called `what`. */
static clh_status check_logits(const clh_cache *cache, const clh_tokens *tokens, const char *what,
                               clh_error *err)
{
    const clh_tensor logits = clh_cache_act(cache, CLH_A_LOGITS, 0);
    return logits.data && logits.shape[0] == tokens->batch && logits.shape[1] == tokens->pos
               ? CLH_OK
               : clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], the %s has [%zu, %zu]",
                          tokens->batch, tokens->pos, what, logits.data ? logits.shape[0] : 0,
                          logits.data ? logits.shape[1] : 0);
}

clh_status clh_metric_value(const clh_metric *metric, const clh_cache *cache,
                            const clh_tokens *tokens, double *value, clh_cache *gradient,
                            clh_error *err)
{
    CLH_REQUIRE(metric && cache && tokens && value, err,
                "a metric, a cache, its tokens, and room for the value");
    clh_status status = clh_check_enum((unsigned)metric->kind, CLH_METRIC_KINDS, "kind", err);
    if (!status)
        status = check_logits(cache, tokens, "cache", err);
    if (status)
        return status;
    if (metric->kind == CLH_METRIC_LOSS)
        return loss_value(metric, cache, tokens, value, gradient, err);
    const clh_tensor logits = clh_cache_act(cache, CLH_A_LOGITS, 0);
    status = check(metric, &logits, err);
    if (!status && gradient)
        status = check_logits(gradient, tokens, "gradient", err);
    if (status)
        return status;
    const clh_tensor g = gradient ? clh_cache_act(gradient, CLH_A_LOGITS, 0) : (clh_tensor){0};
    if (gradient)
        memset(g.data, 0, clh_tensor_count(&g) * sizeof *g.data);
    *value = 0;
    for (size_t b = 0; b < tokens->batch; b++) {
        const size_t at = (b * logits.shape[1] + metric->position) * logits.shape[2];
        *value += row_value(metric, logits.data + at, logits.shape[2], g.data ? g.data + at : NULL);
    }
    return CLH_OK;
}

clh_status clh_metric_gradient(const clh_metric *metric, const clh_model *model,
                               const clh_tokens *tokens, const clh_cache *cache,
                               clh_cache *gradient, clh_real *parameters, double *value,
                               const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(metric && model && tokens && cache && gradient && value, err,
                "a metric, a model, tokens, a cache, a gradient, and room for the value");
    clh_status status = clh_cache_reserve_watched(gradient, tokens->batch, tokens->pos, watch, err);
    if (!status)
        status = clh_metric_value(metric, cache, tokens, value, gradient, err);
    const clh_hooks hooks = {.watch = watch};
    if (!status)
        status = clh_backward(model, tokens, cache, gradient, parameters, &hooks, err);
    const size_t count = clh_cache_count(cache);
    return status ? status : clh_watch_check(watch, count, count, "activations", err);
}

/* ---- The text of a metric ----------------------------------------------------------------------
 */

enum { PART_MAX = 128 };

/* The next part of "a:b:c" into `out`; a token may itself be ":", so a lone colon is a part. */
static bool next_part(const char **at, char out[PART_MAX])
{
    if (**at != ':')
        return false;
    const char *begin = *at + 1;
    size_t length = *begin == ':' ? 1 : strcspn(begin, ":");
    if (length == 0 || length >= PART_MAX)
        return false;
    memcpy(out, begin, length);
    out[length] = '\0';
    *at = begin + length;
    return true;
}

static clh_status parse_token(uint32_t *out, const char *part, const clh_vocab *vocab,
                              clh_error *err)
{
    char *end;
    if (part[0] == '#' && part[1] >= '0' && part[1] <= '9') {
        unsigned long id = strtoul(part + 1, &end, 10);
        if (*end || id >= UINT32_MAX)
            return clh_fail(err, CLH_EUSAGE, "the metric's token is %s, want an id such as #17",
                            part);
        *out = (uint32_t)id;
        return CLH_OK;
    }
    if (clh_vocab_find(vocab, part, out))
        return CLH_OK;
    if (clh_vocab_is_ids(vocab))
        return clh_fail(
            err, CLH_EUSAGE,
            "the metric's token is %s, want a token id%s: these ids stand for no symbols", part,
            vocab ? "" : ", such as 17");
    return clh_fail(err, CLH_EUSAGE,
                    "the metric's token is %s, want one symbol of the vocabulary, or an id such as "
                    "#17",
                    part);
}

static clh_status parse_position(size_t *out, const char *part, size_t pos, clh_error *err)
{
    char *end;
    const long long at = strtoll(part, &end, 10);
    const long long from_start = at < 0 ? at + (long long)pos : at;
    if (*end || end == part || from_start < 0 || (size_t)from_start >= pos)
        return clh_fail(err, CLH_EUSAGE, "the metric's position is %s, want one in [-%zu, %zu]",
                        part, pos, pos - 1);
    *out = (size_t)from_start;
    return CLH_OK;
}

clh_status clh_metric_parse(clh_metric *out, const char *text, const clh_vocab *vocab, size_t pos,
                            size_t first_scored, clh_error *err)
{
    CLH_REQUIRE(out && text, err, "the text of a metric, and room for it");
    if (pos == 0)
        return clh_fail(err, CLH_ERANGE, "a metric of 0 tokens, want at least 1");
    const size_t name = strcspn(text, ":");
    clh_metric metric = {.kind = CLH_METRIC_KINDS, .first_scored = first_scored};
    for (int k = 0; k < CLH_METRIC_KINDS; k++)
        if (strlen(names[k]) == name && memcmp(names[k], text, name) == 0)
            metric.kind = (clh_metric_kind)k;
    if (metric.kind == CLH_METRIC_KINDS)
        return clh_fail(err, CLH_EUSAGE,
                        "metric is %s, want loss, logit:POSITION:TOKEN, "
                        "logit_diff:POSITION:TOKEN:AGAINST, log_prob:POSITION:TOKEN or "
                        "prob:POSITION:TOKEN",
                        text);
    const char *at = text + name;
    char part[3][PART_MAX];
    const size_t wanted = metric.kind == CLH_METRIC_LOSS         ? 0
                          : metric.kind == CLH_METRIC_LOGIT_DIFF ? 3
                                                                 : 2;
    size_t found = 0;
    while (found < wanted && next_part(&at, part[found]))
        found++;
    if (found < wanted || *at)
        return clh_fail(err, CLH_EUSAGE, "metric %s does not have %zu parts behind %s", text,
                        wanted, names[metric.kind]);
    clh_status status = wanted ? parse_position(&metric.position, part[0], pos, err) : CLH_OK;
    if (!status && wanted)
        status = parse_token(&metric.token, part[1], vocab, err);
    if (!status && wanted == 3)
        status = parse_token(&metric.against, part[2], vocab, err);
    if (!status)
        *out = metric;
    return status;
}
