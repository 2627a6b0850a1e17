#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/platform/clock.h"
#include "base/platform/file.h"
#include "clearhead/run_config.h"
#include "run/settings/run_about.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/plan.h"

/* ---- Opening -----------------------------------------------------------------------------------
 */

void clh_trainer_close(clh_trainer *t)
{
    clh_keeper_close(t->keeper);
    clh_evaluation_deinit(&t->evaluation);
    clh_metrics_close(t->metrics);
    clh_free(t->moments.v);
    clh_free(t->moments.m);
    clh_gradient_close(t->gradient);
    clh_stepper_close(&t->stepper);
    clh_pool_close(t->pool);
    clh_model_close(t->model);
    clh_task_close(t->task);
    clh_lock_release(t->lock);
}

clh_status clh_trainer_open(clh_trainer *t, clh_error *err)
{
    assert(t);
    const clh_run_config *c = &t->config;
    size_t n = 0;
    clh_status status = clh_run_config_check(c, err);
    if (status)
        return status;
    status = clh_memory_check(clh_train_bytes(c), "training this model", err);
    if (!status && !t->task)
        status = clh_run_config_task(&t->task, c, err);
    if (!status)
        status = clh_plan_check(&c->model, t->task, err);
    if (!status)
        status = clh_model_open(&t->model, &c->model, err);
    if (!status)
        status = clh_pool_open(&t->pool, c->threads, err);
    if (!status)
        status =
            clh_stepper_open(&t->stepper, t->model, t->task, c->train.batch, NULL, t->pool, err);
    if (!status)
        status = clh_gradient_open(&t->gradient, t->model, t->task, c->train.batch, &t->stepper,
                                   t->pool, err);
    if (!status && t->path)
        status = clh_keeper_open(&t->keeper, err);
    if (status)
        return status;
    (void)clh_model_data(t->model, &n);
    t->moments.m = clh_alloc_zeroed(n, sizeof(clh_real), err);
    t->moments.v = clh_alloc_zeroed(n, sizeof(clh_real), err);
    return t->moments.m && t->moments.v ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_trainer_append(clh_trainer *t, size_t next, clh_error *err)
{
    assert(t);
    char *path = clh_path_join(t->path, "metrics.jsonl", err);
    if (!path)
        return CLH_ENOMEM;
    clh_status status = clh_metrics_open(&t->metrics, path, next, &t->before, err);
    clh_free(path);
    return status;
}

/* ---- One step ----------------------------------------------------------------------------------
 */

typedef struct update {
    clh_trainer *t;
    size_t step;
    double lr, grad_scale;
} update;

static void update_piece(void *context, size_t begin, size_t end)
{
    update *u = context;
    clh_trainer *t = u->t;
    clh_optimizer_update(&t->config.train, u->step, u->lr, u->grad_scale, end - begin,
                         clh_gradient_data(t->gradient) + begin, t->moments.m + begin,
                         t->moments.v + begin, clh_model_data(t->model, NULL) + begin);
}

/* What came into its place meanwhile: the newest, and the last before it that the run keeps, are what one
 * can go on from. What only an interruption made goes. */
static void see_newest(clh_trainer *t)
{
    for (size_t step; clh_keeper_next(t->keeper, &step); t->saved = step) {
        const bool kept = clh_checkpoint_keeps(&t->config.train, t->saved);
        const size_t passed = kept ? t->older : t->saved;
        if (t->saved == SIZE_MAX || t->saved == step)
            continue;
        t->older = kept ? t->saved : t->older;
        if (passed != SIZE_MAX)
            clh_checkpoint_forget(t->path, &t->config.train, passed);
    }
}

/* Until all checkpoints are in their places. */
static clh_status wait_for_checkpoints(clh_trainer *t, clh_error *err)
{
    clh_status status = clh_keeper_wait(t->keeper, err);
    see_newest(t);
    return status;
}

/* A loss of so many times that of even logits is one of weights that were too large to begin with. */
enum { FAR_OFF = 10 };

/* fabs(): a NaN may have a sign, which nobody wants to read. */
static clh_status not_finite(clh_trainer *t, clh_error *err)
{
    const clh_progress *p = &t->progress;
    clh_status status = wait_for_checkpoints(t, err);
    if (status)
        return status;
    const bool initial = p->step == 0 || t->began_large;
    char cause[CLH_CAUSE_TEXT], newest[64] = "";
    if (t->path)
        (void)snprintf(newest, sizeof newest, "; the newest checkpoint is that of step %zu",
                       t->saved);
    return clh_fail(err, CLH_ENUMERIC,
                    "at step %zu the loss is %g and the gradient's norm %g: %s%s", p->step + 1,
                    fabs(p->loss), fabs(p->grad_norm),
                    clh_run_config_cause(&t->config, initial, cause), newest);
}

static clh_status one_step(clh_trainer *t, clh_error *err)
{
    const clh_train_config *c = &t->config.train;
    clh_progress *p = &t->progress;
    const uint64_t first = clh_plan_samples(c, p->step), last = clh_plan_samples(c, p->step + 1);
    clh_loss_sum sum;
    clh_status status = clh_gradient_compute(t->gradient, first, (size_t)(last - first), &sum, err);
    if (status)
        return status;
    p->loss = sum.loss / (double)sum.count;
    p->grad_norm = clh_gradient_norm(t->gradient);
    if (!isfinite(p->loss) || !isfinite(p->grad_norm))
        return not_finite(t, err);
    if (p->step == 0)
        t->began_large = p->loss > (double)FAR_OFF * log((double)t->config.model.d_vocab_out);
    p->step++;
    p->lr = clh_learning_rate(c, p->step);
    update u = {
        .t = t, .step = p->step, .lr = p->lr, .grad_scale = clh_clip_scale(c, p->grad_norm)};
    clh_gradient_pieces(t->gradient, update_piece, &u);
    clh_model_tie(t->model);
    p->epoch = clh_plan_epoch(c, p->step);
    p->samples = last;
    double here = clh_clock_seconds() - t->start;
    p->seconds = t->before.seconds + here;
    p->steps_per_second = here > 0 ? (double)(p->step - t->first_step) / here : 0;
    if (t->path)
        clh_metrics_step(t->metrics, p);
    return CLH_OK;
}

/* Whoever watches training may stop it in the middle of an evaluation too, where that is long. */
static bool tell_midway(size_t done, size_t count, void *user)
{
    const clh_trainer *t = user;
    return done == 0 || done == count || !t->watch || !t->watch->progress ||
           t->watch->progress(&t->progress, t->watch->user);
}

static clh_status evaluate(clh_trainer *t, clh_error *err)
{
    const clh_watch midway = {tell_midway, t};
    const clh_train_config *c = &t->config.train;
    const clh_evaluate_what held_out = {t->task, CLH_SPLIT_TEST, 0, c->test_sequences};
    clh_evaluation fresh = {0};
    clh_status status = clh_evaluate_with(&fresh, &held_out, &t->stepper, t->pool, &midway, err);
    if (status)
        return status;
    clh_evaluation_deinit(&t->evaluation);
    t->evaluation = fresh;
    t->progress.evaluation = &t->evaluation;
    t->progress.evaluated = true;
    clh_metrics_evaluation(t->metrics, t->progress.step, &t->evaluation);
    return CLH_OK;
}

/* Lines of the metrics are handed over before the checkpoint that covers them. It is written here,
 * and kept while training goes on. */
static clh_status checkpoint(clh_trainer *t, clh_error *err)
{
    clh_file *files[CLH_CHECKPOINT_FILES];
    const size_t step = t->progress.step;
    clh_status status = clh_metrics_flush(t->metrics, err);
    if (!status)
        status = clh_checkpoint_stage(files, t->path, &t->config, t->model, &t->moments, step, err);
    if (status)
        return status;
    const clh_kept kept = {step, clh_metrics_file(t->metrics), clh_metrics_path(t->metrics),
                           files[0], files[1]};
    status = clh_keeper_give(t->keeper, &kept, err);
    see_newest(t);
    return status;
}

/* The state of this step is kept (`kept`: it is already), so that a resumed run goes on from here. */
static clh_status stop_here(clh_trainer *t, bool kept, clh_error *err)
{
    const clh_progress *p = &t->progress;
    clh_status status = kept || !t->path ? CLH_OK : checkpoint(t, err);
    if (!status)
        status = wait_for_checkpoints(t, err);
    if (status)
        return status;
    return p->step == 0
               ? clh_fail(err, CLH_STOPPED, "stopped before the first of %zu steps", p->steps)
               : clh_fail(err, CLH_STOPPED, "stopped after step %zu of %zu", p->step, p->steps);
}

static bool goes_on(const clh_trainer *t)
{
    return !t->watch || !t->watch->progress || t->watch->progress(&t->progress, t->watch->user);
}

/* What of this step stands in the folder. */
static clh_status keep_step(clh_trainer *t, clh_error *err)
{
    clh_status status = CLH_OK;
    if (clh_checkpoint_keeps(&t->config.train, t->progress.step))
        status = checkpoint(t, err);
    if (!status && clh_clock_seconds() - t->flushed > 0.5) {
        status = clh_metrics_flush(t->metrics, err);
        t->flushed = clh_clock_seconds();
    }
    return status;
}

/* What is due at this step, then the watcher. */
static clh_status after_step(clh_trainer *t, clh_error *err)
{
    const clh_train_config *c = &t->config.train;
    const size_t step = t->progress.step;
    clh_status status = CLH_OK;
    t->progress.evaluated = false;
    if (t->path && clh_plan_evaluates(c, step))
        status = evaluate(t, err);
    if (status == CLH_STOPPED)
        return stop_here(t, false, err);
    if (!status && t->path)
        status = keep_step(t, err);
    if (status || goes_on(t) || step == c->steps) /* after the last nothing is left to stop */
        return status;
    return stop_here(t, clh_checkpoint_keeps(c, step), err);
}

clh_status clh_trainer_run(clh_trainer *t, clh_error *err)
{
    assert(t);
    const clh_train_config *c = &t->config.train;
    clh_status status = CLH_OK;
    t->start = t->flushed = clh_clock_seconds();
    t->first_step = t->progress.step;
    while (!status && t->progress.step < c->steps) {
        status = one_step(t, err);
        if (!status)
            status = after_step(t, err);
    }
    if (status == CLH_ENUMERIC && t->path)
        (void)clh_metrics_flush(t->metrics, NULL);
    if (status || !t->path)
        return status;
    char *path = clh_path_join(t->path, "model.safetensors", err);
    status = path ? clh_metrics_flush(t->metrics, err) : CLH_ENOMEM;
    if (!status)
        status = wait_for_checkpoints(t, err);
    if (!status)
        status = clh_model_save(t->model, path, &t->config, t->progress.step, err);
    clh_free(path);
    return status;
}

void clh_trainer_place(clh_trainer *t, size_t step)
{
    t->progress.step = step;
    t->progress.steps = t->config.train.steps;
    t->progress.epoch = clh_plan_epoch(&t->config.train, step);
    t->progress.samples = clh_plan_samples(&t->config.train, step);
    t->first_step = step;
}

clh_status clh_trainer_begin(clh_trainer *t, clh_error *err)
{
    assert(t);
    clh_trainer_place(t, 0);
    if (!t->path)
        return goes_on(t) ? CLH_OK : stop_here(t, true, err);
    clh_status status = clh_trainer_append(t, 0, err);
    if (status)
        return status;
    t->start = t->flushed = clh_clock_seconds();
    if (clh_plan_evaluates(&t->config.train, 0))
        status = evaluate(t, err);
    if (status == CLH_STOPPED)
        return stop_here(t, false, err);
    if (!status)
        status = checkpoint(t, err);
    if (!status) /* a run without one has not begun */
        status = wait_for_checkpoints(t, err);
    return status || goes_on(t) ? status : stop_here(t, true, err);
}

clh_status clh_trainer_catch_up(clh_trainer *t, clh_error *err)
{
    const size_t step = t->progress.step;
    if (t->before.evaluated || !clh_plan_evaluates(&t->config.train, step))
        return CLH_OK;
    const clh_status status = evaluate(t, err);
    return status == CLH_STOPPED ? stop_here(t, true, err) : status;
}
