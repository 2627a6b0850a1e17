/* A cue tried: the keys of layer 0 computed from token embeddings that hold the cue alone, or all
 * but the cue. A second model with those embeddings gives the keys; the first one runs with them.
 */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "lens/cue.h"
#include "lens/trial.h"

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
static void make_embeddings(const clh_trial *t, const clh_cue_levels *l, clh_cue_feature f,
                            bool only, double *mean)
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

clh_status clh_cue_try(clh_cue_test *out, const clh_model *model, const clh_sample *sample,
                       clh_cue_feature feature, clh_error *err)
{
    assert(out && model && sample && feature < CLH_CUES);
    if (feature == CLH_CUE_RANK)
        return clh_fail(err, CLH_ESUPPORT,
                        "the rank among a sequence's letters is no property of a token alone, want "
                        "token, alphabet or class");
    const clh_model_config *c = clh_model_get_config(model);
    clh_trial t = {.model = model, .sample = sample};
    clh_cue_levels levels = {0};
    clh_cue_test test = {0};
    double *mean = clh_alloc_array(2 * c->d_model, sizeof *mean, err);
    clh_status status = mean ? clh_trial_open(&t, err) : CLH_ENOMEM;
    if (!status)
        status = clh_cue_levels_init(&levels, sample->task, c->d_vocab, err);
    if (!status)
        status = clh_trial_run(&t, "", &test.loss, &test.accuracy, err);
    if (!status) {
        make_embeddings(&t, &levels, feature, true, mean);
        status = clh_trial_run(&t, "k", &test.loss_only, &test.accuracy_only, err);
    }
    if (!status) {
        make_embeddings(&t, &levels, feature, false, mean);
        status = clh_trial_run(&t, "k", &test.loss_without, &test.accuracy_without, err);
    }
    clh_cue_levels_deinit(&levels);
    clh_trial_close(&t);
    clh_free(mean);
    if (!status)
        *out = test;
    return status;
}
