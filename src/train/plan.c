#include "train/plan.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "clearhead/run_config.h"
#include "clearhead/train.h"
#include "model/description/model_keys.h"
#include "model/memory/blob.h"
#include "train/gradient.h"

static size_t epoch_steps(const clh_train_config *c)
{
    assert(c->batch >= 1 && c->epoch_sequences >= 1);
    return (c->epoch_sequences + c->batch - 1) / c->batch;
}

uint64_t clh_plan_samples(const clh_train_config *c, size_t step)
{
    size_t epoch = step / epoch_steps(c), inside = step % epoch_steps(c) * c->batch;
    return (uint64_t)epoch * c->epoch_sequences + inside;
}

size_t clh_plan_epoch(const clh_train_config *c, size_t step)
{
    return step == 0 ? 0 : (step - 1) / epoch_steps(c) + 1;
}

bool clh_plan_evaluates(const clh_train_config *c, size_t step)
{
    return c->test_sequences > 0 &&
           (step == c->steps || (c->eval_every && step % c->eval_every == 0));
}

clh_status clh_plan_check(const clh_model_config *c, const clh_task *task, clh_error *err)
{
    assert(c && task);
    const size_t length = clh_task_length_max(task), read = clh_task_d_vocab(task);
    const size_t predicted = clh_task_d_vocab_out(task);
    if (length > c->n_ctx)
        return clh_fail(err, CLH_ESHAPE,
                        "the task's longest sequence has %zu tokens, the model takes at most %zu "
                        "(n_ctx)",
                        length, c->n_ctx);
    if (read > c->d_vocab)
        return clh_fail(err, CLH_ESHAPE,
                        "the task has token ids up to %zu, the model takes less than %zu (d_vocab)",
                        read - 1, c->d_vocab);
    if (predicted > c->d_vocab_out)
        return clh_fail(err, CLH_ESHAPE,
                        "the task has token ids up to %zu to predict, the model predicts less than "
                        "%zu (d_vocab_out)",
                        predicted - 1, c->d_vocab_out);
    return CLH_OK;
}

double clh_learning_rate(const clh_train_config *c, size_t step)
{
    if (!c || step < 1)
        return NAN;
    const double pi = 3.14159265358979323846;
    if (c->schedule != CLH_SCHEDULE_CONSTANT && step <= c->warmup_steps)
        return c->lr * (double)step / (double)c->warmup_steps;
    if (c->schedule != CLH_SCHEDULE_COSINE || c->steps <= c->warmup_steps)
        return c->lr;
    double done = (double)(step - 1 - c->warmup_steps) / (double)(c->steps - c->warmup_steps);
    return c->min_lr + (c->lr - c->min_lr) * 0.5 * (1 + cos(pi * (done < 1 ? done : 1)));
}

size_t clh_train_bytes(const clh_run_config *config)
{
    if (clh_run_config_check(config, NULL))
        return SIZE_MAX;
    enum { VECTORS = 3 }; /* parameters, and the optimizer's m and v */
    const clh_model_config resolved = clh_model_config_resolved(&config->model), *model = &resolved;
    const clh_backend_use use = {
        .length = model->n_ctx,
        .d_vocab = model->d_vocab < model->d_vocab_out ? model->d_vocab : model->d_vocab_out,
        .batch = config->train.batch};
    const size_t parameters = clh_blob_count(&clh_layout_params, model, false, 0, 0);
    const size_t step = clh_backend_pick(model, &use, NULL)->bytes(model, &use, config->threads);
    return clh_bytes_plus(
        clh_bytes_plus(step, clh_gradient_bytes(parameters, use.length, use.batch)),
        clh_bytes_times(parameters, VECTORS * sizeof(clh_real)));
}
