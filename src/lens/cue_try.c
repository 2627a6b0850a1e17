/* A cue tried: the keys of layer 0 computed from token embeddings that hold the cue alone, or all
 * but the cue. A second model with those embeddings gives the keys; the first one runs with them.
 */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "lens/cue.h"

typedef struct trial {
    const clh_model *model;
    clh_model *other; /* differs in W_E only */
    clh_cache *cache, *other_cache;
    const clh_sample *sample;
} trial;

static clh_status trial_open(trial *t, clh_error *err)
{
    const clh_model_config *config = clh_model_get_config(t->model);
    clh_status status = clh_model_open(&t->other, config, err);
    if (!status)
        status = clh_cache_open(&t->cache, config, CLH_KEEP_ALL, err);
    if (!status)
        status = clh_cache_open(&t->other_cache, config, CLH_KEEP_ALL, err);
    if (status)
        return status;
    size_t count = 0;
    const clh_real *from = clh_model_data(t->model, &count);
    memcpy(clh_model_data(t->other, NULL), from, count * sizeof *from);
    return CLH_OK;
}

static void trial_close(trial *t)
{
    clh_cache_close(t->other_cache);
    clh_cache_close(t->cache);
    clh_model_close(t->other);
}

/* mean [d] of the rows of W_E whose level is `level`; of all letters for UINT32_MAX */
static void mean_row(const clh_cue_levels *l, clh_cue_feature f, uint32_t level,
                     const clh_tensor *E, double *mean)
{
    const size_t d = E->shape[1];
    size_t count = 0;
    memset(mean, 0, d * sizeof *mean);
    for (size_t t = 0; t < l->d_vocab; t++) {
        if (!l->letter[t] || (level != UINT32_MAX && l->level[f][t] != level))
            continue;
        for (size_t i = 0; i < d; i++)
            mean[i] += (double)E->data[t * d + i];
        count++;
    }
    for (size_t i = 0; i < d; i++)
        mean[i] /= count ? (double)count : 1;
}

/* W_E of the other model: the cue alone, or all but it. What is no letter stays as it is. */
static void make_embeddings(const trial *t, const clh_cue_levels *l, clh_cue_feature f, bool only,
                            double *mean)
{
    const clh_tensor E = clh_model_view(t->model, "embed.W_E");
    const clh_tensor to = clh_model_view(t->other, "embed.W_E");
    const size_t d = E.shape[1];
    double *all = mean + d;
    mean_row(l, f, UINT32_MAX, &E, all);
    for (size_t token = 0; token < l->d_vocab; token++) {
        if (!l->letter[token])
            continue;
        mean_row(l, f, l->level[f][token], &E, mean);
        for (size_t i = 0; i < d; i++)
            to.data[token * d + i] =
                (clh_real)(only ? mean[i] : (double)E.data[token * d + i] - mean[i] + all[i]);
    }
}

static clh_status put_keys(const clh_hook_point *point, void *user, clh_error *err)
{
    const clh_tensor *keys = user;
    (void)err;
    assert(clh_tensor_count(keys) == clh_tensor_count(&point->tensor));
    memcpy(point->tensor.data, keys->data, clh_tensor_count(keys) * sizeof *keys->data);
    return CLH_OK;
}

/* Loss and accuracy over the sample, with the other model's keys or with the model's own. */
static clh_status run(const trial *t, bool keys, double *loss, double *accuracy, clh_error *err)
{
    clh_loss_sum sum = {0};
    clh_status status = CLH_OK;
    for (size_t b = 0; b < t->sample->count && !status; b++) {
        const clh_tokens tokens = clh_sample_tokens(t->sample, b);
        const clh_scored scored = {&t->sample->length[b], &t->sample->first_scored[b]};
        clh_tensor k = {0};
        if (keys)
            status = clh_forward(t->other, &tokens, t->other_cache, NULL, err);
        if (keys && !status)
            k = clh_cache_view(t->other_cache, "blocks.0.attn.hook_k");
        const clh_hook hook = {"blocks.0.attn.hook_k", put_keys, &k};
        if (!status)
            status =
                clh_forward(t->model, &tokens, t->cache, &(clh_hooks){&hook, keys ? 1 : 0}, err);
        if (!status)
            status = clh_loss(t->cache, &tokens, &scored, 0, NULL, NULL, &sum, err);
    }
    if (!status && sum.count == 0)
        status = clh_fail(err, CLH_EINPUT, "no prediction is scored in the sample");
    if (status)
        return status;
    *loss = sum.loss / (double)sum.count;
    *accuracy = (double)sum.correct / (double)sum.count;
    return CLH_OK;
}

clh_status clh_cue_try(clh_cue_test *out, const clh_model *model, const clh_sample *sample,
                       clh_cue_feature feature, clh_error *err)
{
    assert(out && model && sample && feature < CLH_CUES);
    if (feature == CLH_CUE_RANK)
        return clh_fail(err, CLH_ESUPPORT,
                        "the rank among a sequence's letters is no property of a token alone, want "
                        "token, alphabet or class");
    const clh_model_config *c = clh_model_get_config(model);
    trial t = {.model = model, .sample = sample};
    clh_cue_levels levels = {0};
    clh_cue_test test = {0};
    double *mean = clh_alloc_array(2 * c->d_model, sizeof *mean, err);
    clh_status status = mean ? trial_open(&t, err) : CLH_ENOMEM;
    if (!status)
        status = clh_cue_levels_init(&levels, sample->task, c->d_vocab, err);
    if (!status)
        status = run(&t, false, &test.loss, &test.accuracy, err);
    if (!status) {
        make_embeddings(&t, &levels, feature, true, mean);
        status = run(&t, true, &test.loss_only, &test.accuracy_only, err);
    }
    if (!status) {
        make_embeddings(&t, &levels, feature, false, mean);
        status = run(&t, true, &test.loss_without, &test.accuracy_without, err);
    }
    clh_cue_levels_deinit(&levels);
    trial_close(&t);
    clh_free(mean);
    if (!status)
        *out = test;
    return status;
}
