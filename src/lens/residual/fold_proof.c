/* The proof of a folding: log-probabilities before and after, without and with rounding. */
#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "clearhead/fold.h"
#include "lens/residual/exact.h"
#include "math/kernels/kernels.h"
#include "model/memory/tensors.h"

/* The largest |log p - log q| of finite logits a and b. */
static double log_difference(const clh_tensor *a, const clh_tensor *b)
{
    const clh_kernels *kernel = clh_kernels_best();
    const size_t vocab = a->shape[2];
    double most = 0;
    assert(vocab > 0);
    for (size_t at = 0; at < clh_tensor_count(a); at += vocab) {
        const clh_real *x = a->data + at, *y = b->data + at;
        const clh_log_sum of_x = clh_log_sum_of(kernel, vocab, x);
        const clh_log_sum of_y = clh_log_sum_of(kernel, vocab, y);
        for (size_t i = 0; i < vocab; i++)
            most = fmax(most, fabs(clh_log_prob(of_x, x[i]) - clh_log_prob(of_y, y[i])));
    }
    return most;
}

static clh_status run(clh_cache **cache, const clh_model *model, const clh_tokens *tokens,
                      clh_error *err)
{
    clh_status status = clh_cache_open(cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(model, tokens, *cache, NULL, err);
    return status ? status : clh_cache_check(*cache, err);
}

clh_status clh_log_prob_distance(double *distance, const clh_model *a, const clh_model *b,
                                 const clh_tokens *tokens, clh_error *err)
{
    CLH_REQUIRE(distance && a && b && tokens, err, "two models, tokens, and room for the distance");
    clh_cache *cache_a = NULL, *cache_b = NULL;
    clh_status status = run(&cache_a, a, tokens, err);
    if (!status)
        status = run(&cache_b, b, tokens, err);
    if (!status) {
        const clh_tensor x = clh_cache_act(cache_a, CLH_A_LOGITS, 0),
                         y = clh_cache_act(cache_b, CLH_A_LOGITS, 0);
        if (x.shape[2] == y.shape[2])
            *distance = log_difference(&x, &y);
        else
            status = clh_fail(err, CLH_ESHAPE, "the models have d_vocab_out %zu and %zu, want one",
                              x.shape[2], y.shape[2]);
    }
    clh_cache_close(cache_b);
    clh_cache_close(cache_a);
    return status;
}

/* ---- Without rounding --------------------------------------------------------------------------
 */

/* The largest |a - b| of `count` numbers. */
static double largest_difference(const double *a, const double *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

/* By how much the forward pass' log-probabilities differ from the exact ones. */
static clh_status rounding_of(double *out, const clh_model *model, const clh_tokens *tokens,
                              const double *exact, clh_error *err)
{
    clh_cache *cache = NULL;
    clh_status status = run(&cache, model, tokens, err);
    *out = 0;
    if (!status) {
        const clh_tensor logits = clh_cache_act(cache, CLH_A_LOGITS, 0);
        const size_t vocab = logits.shape[2];
        for (size_t at = 0; at < clh_tensor_count(&logits); at += vocab) {
            const clh_real *x = logits.data + at;
            const clh_log_sum sum = clh_log_sum_of(clh_kernels_best(), vocab, x);
            for (size_t i = 0; i < vocab; i++)
                *out = fmax(*out, fabs(clh_log_prob(sum, x[i]) - exact[at + i]));
        }
    }
    clh_cache_close(cache);
    return status;
}

clh_status clh_fold_prove(clh_fold_proof *out, const clh_model *model, const clh_model *folded,
                          const clh_tokens *tokens, clh_error *err)
{
    CLH_REQUIRE(out && model && folded && tokens && tokens->ids, err,
                "two models, tokens, and room for the proof");
    if (tokens->batch != 1)
        return clh_fail(err, CLH_ESHAPE, "tokens are [%zu, %zu], want one sequence", tokens->batch,
                        tokens->pos);
    const size_t vocab = clh_model_get_config(model)->d_vocab_out;
    size_t count = 0;
    clh_fold_proof proof = {0};
    if (!clh_mul_ok(tokens->pos, vocab, &count))
        return clh_fail(err, CLH_ENOMEM, "[%zu, %zu] log-probabilities cannot be counted",
                        tokens->pos, vocab);
    double *before = clh_alloc_array(count, sizeof *before, err);
    double *after = clh_alloc_array(count, sizeof *after, err);
    clh_status status = before && after ? CLH_OK : CLH_ENOMEM;
    if (!status) /* also that the vocabularies are one */
        status = clh_log_prob_distance(&proof.forward, model, folded, tokens, err);
    if (!status)
        status = clh_exact_log_probs(before, model, tokens->ids, tokens->pos, err);
    if (!status)
        status = clh_exact_log_probs(after, folded, tokens->ids, tokens->pos, err);
    if (!status) {
        proof.change = largest_difference(before, after, count);
        status = rounding_of(&proof.rounding, model, tokens, before, err);
    }
    clh_free(after);
    clh_free(before);
    if (!status)
        *out = proof;
    return status;
}
