#include <assert.h>
#include <math.h>
#include <string.h>

#include "train/evaluate.h"

/* Sequences are looked at in chunks, each writing its own row; rows are added up in order, so the
 * result does not depend on threads. */
enum { CHUNK = 64 };

typedef struct evaluator {
    const clh_model *model;
    const clh_task *task;
    clh_split split;
    uint64_t first;
    size_t positions;
    clh_fused *fused; /* NULL: the general path */
    clh_loss_sum sum[CHUNK];
    double *per_position;         /* [CHUNK, positions] */
    clh_sequence sequence[CHUNK]; /* the fused path's */
    uint32_t *tokens;             /* [CHUNK, positions], theirs */
} evaluator;

static clh_status evaluate_one(void *context, size_t index, clh_worker *worker, clh_error *err)
{
    evaluator *e = context;
    clh_sequence *s = &worker->sequence;
    double *row = e->per_position + index * e->positions;
    e->sum[index] = (clh_loss_sum){0};
    clh_status status = clh_task_draw(e->task, e->split, e->first + index, s, err);
    if (status)
        return status;
    const clh_tokens tokens = {.ids = s->tokens, .batch = 1, .pos = s->length};
    const clh_scored scored = {.length = &s->length, .first_scored = &s->first_scored};
    status = clh_forward(e->model, &tokens, worker->cache, NULL, err);
    if (!status)
        status = clh_loss(worker->cache, &tokens, &scored, 0, NULL, row, &e->sum[index], err);
    if (!status && !clh_cache_sound(worker->cache))
        e->sum[index].loss = NAN; /* of numbers that came out of an infinity */
    for (size_t i = s->length; i < e->positions; i++)
        row[i] = NAN;
    return status;
}

static clh_status draw_one(void *context, size_t index, clh_worker *worker, clh_error *err)
{
    (void)worker;
    evaluator *e = context;
    return clh_task_draw(e->task, e->split, e->first + index, &e->sequence[index], err);
}

static clh_status run_chunk(evaluator *e, size_t count, clh_workers *workers, clh_error *err)
{
    if (!e->fused)
        return clh_workers_run(workers, count, evaluate_one, e, err);
    clh_status status = clh_workers_run(workers, count, draw_one, e, err);
    if (!status)
        clh_fused_loss(e->fused, &(clh_fused_batch){e->sequence, count, 0}, e->sum, e->per_position,
                       e->positions);
    return status;
}

static void add_chunk(const evaluator *e, size_t count, clh_loss_sum *total, double *position_loss,
                      size_t *position_count)
{
    for (size_t i = 0; i < count; i++) {
        clh_loss_sum_add(total, &e->sum[i]);
        const double *row = e->per_position + i * e->positions;
        for (size_t p = 0; p < e->positions; p++)
            if (!isnan(row[p])) {
                position_loss[p] += row[p];
                position_count[p]++;
            }
    }
}

static clh_status run_chunks(evaluator *e, size_t count, clh_workers *workers, clh_evaluation *out,
                             size_t *position_count, const clh_watch *watch, clh_error *err)
{
    clh_loss_sum total = {0};
    clh_status status = CLH_OK;
    for (size_t done = 0; done < count && !status; done += CHUNK) {
        size_t now = count - done < CHUNK ? count - done : CHUNK;
        for (size_t i = 0; i < now; i++)
            clh_watch_call(watch, done + i, count);
        status = run_chunk(e, now, workers, err);
        if (!status)
            add_chunk(e, now, &total, out->loss_per_position, position_count);
        e->first += now;
    }
    if (!status && total.count == 0)
        status = clh_fail(err, CLH_EINPUT,
                          "no prediction is scored in the %zu sequences to "
                          "evaluate: first_scored is past their end",
                          count);
    if (status)
        return status;
    out->sequences = count;
    out->loss = total.loss / (double)total.count;
    out->token_accuracy = (double)total.correct / (double)total.count;
    out->sequence_accuracy = (double)total.sequences_correct / (double)count;
    for (size_t p = 0; p < out->positions; p++)
        out->loss_per_position[p] =
            position_count[p] ? out->loss_per_position[p] / (double)position_count[p] : NAN;
    return status;
}

/* Memory of an evaluation: rows of losses and, for the fused path, the sequences of a chunk. */
static clh_status evaluator_open(evaluator *e, clh_error *err)
{
    e->per_position = clh_alloc_array(e->positions, CHUNK * sizeof *e->per_position, err);
    if (e->per_position && e->fused)
        e->tokens = clh_alloc_array(e->positions, CHUNK * sizeof *e->tokens, err);
    for (size_t i = 0; i < CHUNK && e->tokens; i++)
        e->sequence[i] =
            (clh_sequence){.tokens = e->tokens + i * e->positions, .capacity = e->positions};
    return e->per_position && (e->tokens || !e->fused) ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_evaluate_with(clh_evaluation *out, const clh_model *model, const clh_task *task,
                             clh_split split, uint64_t first, size_t count, clh_workers *workers,
                             clh_fused *fused, const clh_watch *watch, clh_error *err)
{
    assert(out && model && task && workers);
    if (count == 0)
        return clh_fail(err, CLH_ERANGE, "0 sequences to evaluate, want at least 1");
    const size_t positions = clh_task_length_max(task);
    evaluator e = {.model = model,
                   .task = task,
                   .split = split,
                   .first = first,
                   .positions = positions,
                   .fused = fused};
    clh_evaluation result = {.positions = positions};
    size_t *position_count = clh_alloc_zeroed(positions, sizeof *position_count, err);
    result.loss_per_position = clh_alloc_zeroed(positions, sizeof *result.loss_per_position, err);
    clh_status status = CLH_ENOMEM;
    if (position_count && result.loss_per_position)
        status = evaluator_open(&e, err);
    if (!status)
        status = run_chunks(&e, count, workers, &result, position_count, watch, err);
    clh_free(e.tokens);
    clh_free(e.per_position);
    clh_free(position_count);
    if (status)
        clh_evaluation_deinit(&result);
    else
        *out = result;
    return status;
}

/* A loss that is not finite: the first sequence with it, and what in it is not. */
static clh_status say_what_is_not_finite(const clh_model *model, const clh_task *task,
                                         clh_split split, uint64_t first, size_t count,
                                         clh_error *err)
{
    clh_sequence s = {.capacity = clh_task_length_max(task)};
    s.tokens = clh_alloc_array(s.capacity, sizeof *s.tokens, err);
    clh_status status = s.tokens ? CLH_OK : CLH_ENOMEM;
    size_t i = 0;
    for (; i < count && !status; i++) {
        status = clh_task_draw(task, split, first + i, &s, err);
        if (!status)
            status = clh_forward_check(model, &(clh_tokens){s.tokens, 1, s.length}, err);
    }
    clh_free(s.tokens);
    return status == CLH_ENUMERIC ? clh_fail_context(err, status, "sequence %zu", i - 1)
           : status               ? status
                    : clh_fail(err, CLH_ENUMERIC, "the loss is not finite, every activation is");
}

/* A task that does not fit the model goes the general path, which says what does not fit. */
static bool fits_fused(const clh_model_config *c, const clh_task *task)
{
    const size_t tokens = clh_task_d_vocab(task);
    return clh_fused_applies(c) && clh_task_length_max(task) <= c->n_ctx && tokens <= c->d_vocab &&
           tokens <= c->d_vocab_out;
}

clh_status clh_evaluate(clh_evaluation *out, const clh_model *model, const clh_task *task,
                        clh_split split, uint64_t first, size_t count, size_t threads,
                        const clh_watch *watch, clh_error *err)
{
    assert(out && model && task && threads >= 1);
    const clh_model_config *c = clh_model_get_config(model);
    const bool fits = fits_fused(c, task);
    clh_workers *workers = NULL;
    clh_fused *fused = NULL;
    clh_status status = clh_workers_open(
        &workers, c, task, threads, fits ? CLH_WORKERS_SEQUENCE : CLH_WORKERS_ACTIVATIONS, err);
    if (!status && fits)
        status = clh_fused_open(&fused, model, clh_task_length_max(task), 0, workers->pool, err);
    if (!status)
        status =
            clh_evaluate_with(out, model, task, split, first, count, workers, fused, watch, err);
    if (!status && !isfinite(out->loss)) {
        clh_evaluation_deinit(out);
        status = say_what_is_not_finite(model, task, split, first, count, err);
    }
    clh_fused_close(fused);
    clh_workers_close(workers);
    return status;
}
