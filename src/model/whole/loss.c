/* Mean cross-entropy over scored positions, as the notebook's loss_fn and acc_fn: the logits at
 * position i are held against the token at i + 1. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "math/kernels/kernels.h"
#include "model/memory/model_parts.h"
#include "model/whole/loss_row.h"
#include "model/whole/packed.h"

/* gradient = weight (softmax(logits) - onehot(token)) */
static void gradient_row(const clh_kernels *kernel, size_t n, const clh_real *logits,
                         uint32_t token, double weight, clh_real *gradient)
{
    assert(token < n);
    kernel->softmax(n, logits, gradient);
    for (size_t i = 0; i < n; i++)
        gradient[i] *= (clh_real)weight;
    gradient[token] -= (clh_real)weight;
}

/* Counts what beats it without leaving early, so that the loop can run in vectors. */
bool clh_loss_is_largest(size_t n, const clh_real *logits, uint32_t token)
{
    assert(logits && token < n);
    const clh_real own = logits[token];
    unsigned beaten = own != own;
    for (size_t i = 0; i < token; i++)
        beaten |= (unsigned)!(logits[i] < own);
    for (size_t i = token + 1; i < n; i++)
        beaten |= (unsigned)!(logits[i] <= own);
    return !beaten;
}

void clh_loss_sum_add(clh_loss_sum *sum, const clh_loss_sum *more)
{
    if (!sum || !more)
        return;
    sum->loss += more->loss;
    sum->count += more->count;
    sum->correct += more->correct;
    sum->sequences += more->sequences;
    sum->sequences_correct += more->sequences_correct;
}

clh_status clh_loss_check(const clh_tokens *tokens, const clh_scored *scored, size_t n,
                          clh_error *err)
{
    for (size_t b = 0; b < tokens->batch; b++) {
        if (scored->length[b] > tokens->pos || scored->first_scored[b] < 1)
            return clh_fail(
                err, CLH_ERANGE,
                "sequence %zu is scored from token %zu up to %zu, want between 1 and %zu", b,
                scored->first_scored[b], scored->length[b], tokens->pos);
        for (size_t i = scored->first_scored[b]; i < scored->length[b]; i++)
            if (tokens->ids[b * tokens->pos + i] >= n)
                return clh_fail(err, CLH_EINPUT, "token %u is scored, the model predicts %zu",
                                tokens->ids[b * tokens->pos + i], n);
    }
    return CLH_OK;
}

/* Rows of logits, and the weight of each in the gradient. */
typedef struct rows {
    const clh_kernels *kernel;
    size_t n;
    double weight;
} rows;

/* A sequence's predictions of `count` tokens, one after the other. */
static void score(const rows *of, const uint32_t *token, size_t count, const clh_real *logits,
                  clh_real *g, double *losses, clh_loss_sum *sum)
{
    const size_t n = of->n;
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        const clh_real *x = logits + i * n;
        const double loss = -clh_log_prob(clh_log_sum_of(of->kernel, n, x), x[token[i]]);
        if (g)
            gradient_row(of->kernel, n, x, token[i], of->weight, g + i * n);
        const bool right = clh_loss_is_largest(n, x, token[i]);
        sum->loss += loss;
        sum->correct += right;
        wrong += !right;
        if (losses)
            losses[i] = loss;
    }
    sum->count += count;
    sum->sequences++;
    sum->sequences_correct += wrong == 0;
}

clh_status clh_loss(const clh_cache *cache, const clh_tokens *tokens, const clh_scored *scored,
                    double weight, clh_cache *gradient, double *per_position, clh_loss_sum *sum,
                    clh_error *err)
{
    CLH_REQUIRE(cache && tokens && scored && sum && tokens->ids && scored->length &&
                    scored->first_scored,
                err, "a cache, tokens, what is scored of them, and room for the sum");
    if (cache->values.batch != tokens->batch || cache->filled != tokens->pos)
        return clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], the cache holds [%zu, %zu]",
                        tokens->batch, tokens->pos, cache->values.batch, cache->filled);
    if (!isfinite(weight))
        return clh_fail(err, CLH_ENUMERIC, "the weight of the loss is %g, want a finite number",
                        weight);
    const clh_kernels *kernel = clh_kernels_best();
    const size_t n = cache->values.config.d_vocab_out, T = tokens->pos;
    const clh_real *logits = clh_blob_slot(&cache->values, CLH_A_LOGITS, 0);
    clh_status status = clh_loss_check(tokens, scored, n, err);
    if (!status && gradient)
        status = clh_cache_reserve(gradient, tokens->batch, T, err);
    if (status)
        return status;
    clh_real *g = gradient ? clh_blob_slot(&gradient->values, CLH_A_LOGITS, 0) : NULL;
    if (g)
        memset(g, 0, tokens->batch * T * n * sizeof *g);
    for (size_t i = 0; per_position && i < tokens->batch * T; i++)
        per_position[i] = NAN;
    const rows of = {kernel, n, weight};
    for (size_t b = 0; b < tokens->batch; b++) {
        const size_t first = scored->first_scored[b], end = scored->length[b];
        if (end <= first)
            continue;
        const size_t row = b * T + first - 1;
        score(&of, tokens->ids + b * T + first, end - first, logits + row * n,
              g ? g + row * n : NULL, per_position ? per_position + b * T + first : NULL, sum);
    }
    return CLH_OK;
}

void clh_loss_packed(const clh_cache *cache, const clh_pack *pack, double weight,
                     clh_cache *gradient)
{
    assert(cache && pack);
    const size_t n = cache->values.config.d_vocab_out;
    const rows of = {clh_kernels_best(), n, weight};
    const clh_real *logits = clh_blob_slot(&cache->values, CLH_A_LOGITS, 0);
    clh_real *g = gradient ? clh_blob_slot(&gradient->values, CLH_A_LOGITS, 0) : NULL;
    for (size_t b = 0; b < pack->count; b++) {
        const clh_packed *s = &pack->sequence[b];
        for (size_t i = 0; s->per_position && i < s->length; i++)
            s->per_position[i] = NAN;
        if (s->asked == 0)
            continue;
        const size_t first = s->first_scored, row = s->asked0 + first - 1 - s->first;
        const size_t scored = s->length - first, after = row + scored;
        if (g) { /* nothing reaches the rows around those that are scored */
            memset(g + s->asked0 * n, 0, (row - s->asked0) * n * sizeof *g);
            memset(g + after * n, 0, (s->asked0 + s->asked - after) * n * sizeof *g);
        }
        score(&of, s->tokens + first, scored, logits + row * n, g ? g + row * n : NULL,
              s->per_position ? s->per_position + first : NULL, s->sum);
    }
}
