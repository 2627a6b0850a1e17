/* As TransformerLens' generate() and others draw: logits over the temperature, of these the top_k, of
 * their softmax the fewest that have top_p together. */
#include "model/whole/choose.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/random.h"

enum { TEXT_SHIFT = 8 }; /* a stream for each text: its number stands above bit 8 */

clh_status clh_chooser_open(clh_chooser *out, const clh_choice *choice, size_t n, clh_error *err)
{
    assert(out && n > 0);
    *out = (clh_chooser){.n = n};
    if (!choice)
        return CLH_OK;
    out->choice = *choice;
    if (!isfinite(choice->temperature) || choice->temperature < 0)
        return clh_fail(err, CLH_ERANGE, "the temperature is %g, want 0 or more",
                        choice->temperature);
    if (!(choice->top_p >= 0 && choice->top_p <= 1))
        return clh_fail(err, CLH_ERANGE, "top_p is %g, want it in [0, 1]", choice->top_p);
    if (choice->temperature > 0)
        out->candidate = clh_alloc_array(n, sizeof *out->candidate, err);
    return choice->temperature > 0 && !out->candidate ? CLH_ENOMEM : CLH_OK;
}

static uint32_t most_likely(size_t n, const clh_real *logits)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return (uint32_t)best;
}

/* The largest logit first; of equal ones the smaller id, so that the order is one. */
static int by_logit(const void *a, const void *b)
{
    const clh_candidate *x = a, *y = b;
    if (x->logit < y->logit || x->logit > y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->token < y->token ? -1 : x->token > y->token;
}

/* Candidates in order, with their weights; false where a logit is none to draw by. */
static bool weigh(const clh_chooser *c, const clh_real *logits)
{
    for (size_t i = 0; i < c->n; i++) {
        if (isnan(logits[i]))
            return false;
        c->candidate[i] = (clh_candidate){.logit = logits[i], .token = (uint32_t)i};
    }
    qsort(c->candidate, c->n, sizeof *c->candidate, by_logit);
    const double most = (double)c->candidate[0].logit;
    for (size_t i = 0; i < c->n; i++)
        c->candidate[i].weight =
            exp(((double)c->candidate[i].logit - most) / c->choice.temperature);
    return isfinite(most);
}

/* How many of the first candidates may be drawn; *total: their weights together. */
static size_t keep(const clh_chooser *c, double *total)
{
    const size_t k = c->choice.top_k && c->choice.top_k < c->n ? c->choice.top_k : c->n;
    const double p = c->choice.top_p > 0 ? c->choice.top_p : 1;
    double all = 0;
    size_t kept = 0;
    for (size_t i = 0; i < k; i++)
        all += c->candidate[i].weight;
    for (*total = 0; kept < k && (kept == 0 || *total < p * all); kept++)
        *total += c->candidate[kept].weight;
    return kept;
}

uint32_t clh_chooser_next(const clh_chooser *c, const clh_real *logits, size_t position)
{
    assert(c && logits);
    if (!c->candidate || !weigh(c, logits))
        return most_likely(c->n, logits);
    double total, sum = 0;
    const size_t kept = keep(c, &total);
    const uint64_t word = clh_random_word(
        c->choice.seed, CLH_STREAM_CHOICE + (c->choice.text << TEXT_SHIFT), position);
    const double at = (double)(word >> 11) * 0x1p-53 * total; /* uniform in [0, total) */
    for (size_t i = 0; i < kept; i++) {
        sum += c->candidate[i].weight;
        if (at < sum)
            return c->candidate[i].token;
    }
    return c->candidate[kept - 1].token;
}

void clh_chooser_deinit(clh_chooser *chooser)
{
    clh_free(chooser->candidate);
    *chooser = (clh_chooser){0};
}
