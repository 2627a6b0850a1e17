#include "edit/trial.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "model/layout.h"

enum { INPUTS_MAX = 3 };

static size_t threads_of(const clh_trial *t)
{
    return t->threads ? t->threads : 1;
}

clh_status clh_trial_open(clh_trial *t, clh_error *err)
{
    assert(t && t->model && t->sample);
    const clh_model_config *config = clh_model_get_config(t->model);
    const size_t caches = 2 * threads_of(t);
    clh_status status = clh_model_open(&t->other, config, err);
    if (status)
        return status;
    t->cache = clh_alloc_zeroed(caches, sizeof(clh_cache *), err);
    t->loss_at = clh_alloc_zeroed(t->sample->stride, sizeof *t->loss_at, err);
    t->right_at = clh_alloc_zeroed(t->sample->stride, sizeof *t->right_at, err);
    if (!t->cache || !t->loss_at || !t->right_at)
        return CLH_ENOMEM;
    for (size_t i = 0; i < caches && !status; i++)
        status = clh_cache_open(&t->cache[i], config, CLH_KEEP_ALL, err);
    if (status)
        return status;
    size_t count = 0;
    const clh_real *from = clh_model_data(t->model, &count);
    memcpy(clh_model_data(t->other, NULL), from, count * sizeof *from);
    return CLH_OK;
}

void clh_trial_close(clh_trial *t)
{
    for (size_t i = 0; t->cache && i < 2 * threads_of(t); i++)
        clh_cache_close(t->cache[i]);
    clh_free((void *)t->cache);
    clh_free(t->right_at);
    clh_free(t->loss_at);
    clh_model_close(t->other);
    t->cache = NULL;
    t->right_at = NULL;
    t->loss_at = NULL;
    t->other = NULL;
}

/* ---- One sequence ------------------------------------------------------------------------------
 */

/* A run: what each sequence said. */
typedef struct trying {
    const clh_trial *trial;
    const char *inputs;
    clh_loss_sum *sum; /* [count] */
    double *loss;      /* [count, stride] -log p by the predicted position */
    bool *right;       /* [count, stride] */
    clh_error *error;  /* [count] */
    clh_stop stop;
} trying;

/* hook_q, hook_k or hook_v takes what the other model had there. */
static clh_status put_others(const clh_hook_point *point, void *user, clh_error *err)
{
    const clh_tensor from = clh_cache_view(user, point->tensor.name);
    (void)err;
    assert(clh_tensor_count(&from) == clh_tensor_count(&point->tensor));
    memcpy(point->tensor.data, from.data, clh_tensor_count(&from) * sizeof *from.data);
    return CLH_OK;
}

/* Queries, keys and values are there: the rest of the other model's pass is not asked for. */
static clh_status enough(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)point, (void)user, (void)err;
    return CLH_STOPPED;
}

static clh_status forward(const trying *t, const clh_tokens *tokens, clh_cache *cache,
                          clh_cache *other, clh_error *err)
{
    const size_t count = strlen(t->inputs);
    char name[INPUTS_MAX][CLH_ROW_NAME_MAX], scores[CLH_ROW_NAME_MAX];
    const clh_row *after = &clh_layout_acts.row[CLH_A_ATTN_SCORES];
    const clh_hook stop = {clh_row_name(after, 0, scores), enough, NULL};
    const clh_hooks until = {&stop, 1};
    clh_hook hook[INPUTS_MAX];
    for (size_t i = 0; i < count; i++)
        hook[i] = (clh_hook){clh_row_name(clh_row_head_input(t->inputs[i]), 0, name[i]), put_others,
                             other};
    const clh_hooks hooks = {hook, count};
    clh_status status = CLH_OK;
    if (count > 0)
        status = clh_forward(t->trial->other, tokens, other, &until, err);
    if (status && status != CLH_STOPPED)
        return status;
    return clh_forward(t->trial->model, tokens, cache, &hooks, err);
}

static void try_one(const trying *t, size_t b, size_t worker)
{
    const clh_sample *sample = t->trial->sample;
    clh_cache *cache = t->trial->cache[2 * worker];
    const clh_tokens tokens = clh_sample_tokens(sample, b);
    const clh_scored scored = {&sample->length[b], &sample->first_scored[b]};
    clh_status status = forward(t, &tokens, cache, t->trial->cache[2 * worker + 1], &t->error[b]);
    if (!status)
        status = clh_loss(cache, &tokens, &scored, 0, NULL, t->loss + b * sample->stride,
                          &t->sum[b], &t->error[b]);
    if (!status && !(isfinite(t->sum[b].loss) && clh_cache_sound(cache)))
        status = clh_cache_check(cache, &t->error[b]);
    t->error[b].status = status;
    for (size_t p = scored.first_scored[0]; !status && p < tokens.pos; p++)
        t->right[b * sample->stride + p] = clh_cache_prediction(cache, 0, p - 1) == tokens.ids[p];
}

static void try_task(void *context, size_t b, size_t worker)
{
    trying *t = context;
    try_one(t, b, worker);
    clh_stop_step(&t->stop);
}

/* ---- All of them -------------------------------------------------------------------------------
 */

/* In the order of the sequences. */
static clh_status add_up(const trying *t, clh_loss_sum *sum, clh_error *err)
{
    const clh_sample *s = t->trial->sample;
    memset(t->trial->loss_at, 0, s->stride * sizeof *t->trial->loss_at);
    memset(t->trial->right_at, 0, s->stride * sizeof *t->trial->right_at);
    for (size_t b = 0; b < s->count; b++) {
        if (t->error[b].status)
            return clh_fail(err, t->error[b].status, "sequence %zu: %s", b, t->error[b].message);
        clh_loss_sum_add(sum, &t->sum[b]);
        for (size_t p = s->first_scored[b]; p < s->length[b]; p++) {
            t->trial->loss_at[p] += t->loss[b * s->stride + p];
            t->trial->right_at[p] += t->right[b * s->stride + p];
        }
    }
    return sum->count > 0 ? CLH_OK
                          : clh_fail(err, CLH_EINPUT, "no prediction is scored in the sample");
}

clh_status clh_trial_run(const clh_trial *trial, const char *inputs, double *loss, double *accuracy,
                         const clh_watch *watch, clh_error *err)
{
    assert(strlen(inputs) <= INPUTS_MAX && strspn(inputs, "qkv") == strlen(inputs));
    const size_t count = trial->sample->count, stride = trial->sample->stride;
    trying t = {.trial = trial, .inputs = inputs};
    clh_loss_sum sum = {0};
    clh_pool *pool = NULL;
    clh_stop_init(&t.stop, watch, count, "sequences");
    t.sum = clh_alloc_zeroed(count, sizeof *t.sum, err);
    t.error = clh_alloc_zeroed(count, sizeof *t.error, err);
    t.loss = clh_alloc_zeroed(count, stride * sizeof *t.loss, err);
    t.right = clh_alloc_zeroed(count, stride * sizeof *t.right, err);
    clh_status status = t.sum && t.error && t.loss && t.right
                            ? clh_pool_open(&pool, threads_of(trial), err)
                            : CLH_ENOMEM;
    if (!status) {
        clh_pool_run_watched(pool, count, try_task, &t, &t.stop);
        status = clh_stop_end(&t.stop, err);
    }
    if (!status)
        status = add_up(&t, &sum, err);
    clh_pool_close(pool);
    clh_free(t.right);
    clh_free(t.loss);
    clh_free(t.error);
    clh_free(t.sum);
    if (status)
        return status;
    *loss = sum.loss / (double)sum.count;
    *accuracy = (double)sum.correct / (double)sum.count;
    return CLH_OK;
}
