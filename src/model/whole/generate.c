/* Writing with a key/value cache: the activations of the positions so far are that cache. With
 * bidirectional attention each token changes all of them, so each token takes a whole pass. */
#include "base/stop.h"
#include "model/memory/model_parts.h"
#include "model/whole/choose.h"

uint32_t clh_cache_prediction(const clh_cache *cache, size_t b, size_t i)
{
    if (!cache || b >= cache->values.batch || i >= cache->values.pos)
        return UINT32_MAX;
    const size_t n = cache->values.config.d_vocab_out;
    const clh_real *logits =
        clh_blob_slot(&cache->values, CLH_A_LOGITS, 0) + (b * cache->values.pos + i) * n;
    size_t best = 0;
    for (size_t j = 1; j < n; j++)
        if (logits[j] > logits[best])
            best = j;
    return (uint32_t)best;
}

static clh_status check_lengths(const clh_model *model, size_t have, size_t length, clh_error *err)
{
    const clh_model_config *c = &model->config;
    if (have < 1)
        return clh_fail(err, CLH_EINPUT, "the prompt is empty, want at least one token");
    if (length > c->n_ctx || have > length)
        return clh_fail(
            err, CLH_ESHAPE,
            "a prompt of %zu tokens is to become %zu, the model takes at most %zu (n_ctx)", have,
            length, c->n_ctx);
    if (c->d_vocab_out > c->d_vocab)
        return clh_fail(
            err, CLH_ESUPPORT,
            "the model predicts %zu tokens but reads only %zu: it cannot read what it writes",
            c->d_vocab_out, c->d_vocab);
    return CLH_OK;
}

clh_status clh_generate(const clh_model *model, uint32_t *ids, size_t have, size_t length,
                        uint32_t stop, size_t *written, const clh_watch *watch, clh_error *err)
{
    return clh_generate_chosen(model, ids, have, length, stop, NULL, written, watch, err);
}

clh_status clh_generate_chosen(const clh_model *model, uint32_t *ids, size_t have, size_t length,
                               uint32_t stop, const clh_choice *choice, size_t *written,
                               const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(model && ids && written, err, "a model, ids, and room for their number");
    clh_cache *cache = NULL;
    clh_chooser chooser = {0};
    const size_t given = have, n = model->config.d_vocab_out;
    clh_status status = check_lengths(model, have, length, err);
    if (!status)
        status = clh_chooser_open(&chooser, choice, n, err);
    if (!status)
        status = clh_cache_open(&cache, &model->config, CLH_KEEP_BACKWARD, err);
    if (!status)
        status = clh_cache_reserve(cache, 1, length, err);
    for (size_t from = 0; !status && have < length && (have == given || ids[have - 1] != stop);) {
        status = clh_watch_check(watch, have, length, "tokens", err);
        if (!status)
            status = clh_forward_more(model, &(clh_tokens){ids, 1, have}, from, cache, err);
        from = model->config.attention_dir == CLH_ATTENTION_BIDIRECTIONAL ? 0 : have;
        if (!status) {
            const clh_real *logits = clh_blob_slot(&cache->values, CLH_A_LOGITS, 0);
            ids[have] = clh_chooser_next(&chooser, logits + (have - 1) * n, have);
            have++;
        }
    }
    if (!status)
        status = clh_watch_check(watch, length, length, "tokens", err);
    if (!status && !clh_cache_sound(cache))
        status = clh_forward_check(model, &(clh_tokens){ids, 1, have}, err);
    clh_cache_close(cache);
    clh_chooser_deinit(&chooser);
    if (!status)
        *written = have;
    return status;
}
