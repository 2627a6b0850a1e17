#include "lens/trial.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

enum { INPUTS_MAX = 3 };

clh_status clh_trial_open(clh_trial *t, clh_error *err)
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

void clh_trial_close(clh_trial *t)
{
    clh_cache_close(t->other_cache);
    clh_cache_close(t->cache);
    clh_model_close(t->other);
    t->other_cache = t->cache = NULL;
    t->other = NULL;
}

/* hook_q, hook_k or hook_v takes what the other model had there. */
static clh_status put_others(const clh_hook_point *point, void *user, clh_error *err)
{
    const clh_tensor from = clh_cache_view(user, point->tensor.name);
    (void)err;
    assert(clh_tensor_count(&from) == clh_tensor_count(&point->tensor));
    memcpy(point->tensor.data, from.data, clh_tensor_count(&from) * sizeof *from.data);
    return CLH_OK;
}

static const char *hook_name(char input)
{
    return input == 'q'   ? "blocks.0.attn.hook_q"
           : input == 'k' ? "blocks.0.attn.hook_k"
                          : "blocks.0.attn.hook_v";
}

clh_status clh_trial_run(const clh_trial *t, const char *inputs, double *loss, double *accuracy,
                         clh_error *err)
{
    const size_t count = strlen(inputs);
    clh_hook hook[INPUTS_MAX];
    clh_loss_sum sum = {0};
    clh_status status = CLH_OK;
    assert(count <= INPUTS_MAX && strspn(inputs, "qkv") == count);
    for (size_t i = 0; i < count; i++)
        hook[i] = (clh_hook){hook_name(inputs[i]), put_others, t->other_cache};
    const clh_hooks hooks = {hook, count};
    for (size_t b = 0; b < t->sample->count && !status; b++) {
        const clh_tokens tokens = clh_sample_tokens(t->sample, b);
        const clh_scored scored = {&t->sample->length[b], &t->sample->first_scored[b]};
        if (count > 0)
            status = clh_forward(t->other, &tokens, t->other_cache, NULL, err);
        if (!status)
            status = clh_forward(t->model, &tokens, t->cache, &hooks, err);
        if (!status)
            status = clh_loss(t->cache, &tokens, &scored, 0, NULL, NULL, &sum, err);
    }
    for (size_t b = 0; b < t->sample->count && !status && !isfinite(sum.loss); b++) {
        const clh_tokens tokens = clh_sample_tokens(t->sample, b);
        status = clh_forward_check(t->model, &tokens, err);
        if (status)
            clh_fail_context(err, status, "sequence %zu", b);
    }
    if (!status && sum.count == 0)
        status = clh_fail(err, CLH_EINPUT, "no prediction is scored in the sample");
    if (status)
        return status;
    *loss = sum.loss / (double)sum.count;
    *accuracy = (double)sum.correct / (double)sum.count;
    return CLH_OK;
}
