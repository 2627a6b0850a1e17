#include "train/evaluate.h"

#include <assert.h>
#include <math.h>

#include "base/platform/pool_try.h"

/* Sequences are looked at in chunks, each writing its own row; rows are added up in order, so the
 * result does not depend on threads, nor on how many go together: about CHUNK_TOKENS tokens. */
enum { CHUNK_LEAST = 64, CHUNK = 512, CHUNK_TOKENS = 8192 };

typedef struct evaluator {
    clh_evaluate_what what; /* what is left */
    const clh_stepper *stepper;
    clh_pool *pool;
    size_t positions, together; /* sequences of a chunk */
    clh_loss_sum sum[CHUNK];
    double *per_position; /* [together, positions] */
    clh_sequence sequence[CHUNK];
    uint32_t *tokens; /* [together, positions], theirs */
} evaluator;

static clh_status draw_one(void *context, size_t index, size_t worker, clh_error *err)
{
    (void)worker;
    evaluator *e = context;
    return clh_task_draw(e->what.task, e->what.split, e->what.first + index, &e->sequence[index],
                         err);
}

static clh_status run_chunk(evaluator *e, size_t count, clh_error *err)
{
    clh_status status = clh_pool_try(e->pool, count, draw_one, e, err);
    if (status)
        return status;
    const clh_batch batch = {e->sequence, count, 0};
    return e->stepper->backend->losses(e->stepper->state, &batch, e->sum, e->per_position,
                                       e->positions, err);
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

static clh_status run_chunks(evaluator *e, clh_evaluation *out, size_t *position_count,
                             const clh_watch *watch, clh_error *err)
{
    const size_t count = e->what.count;
    clh_loss_sum total = {0};
    clh_status status = CLH_OK;
    for (size_t done = 0; done < count && !status; done += e->together) {
        size_t now = count - done < e->together ? count - done : e->together;
        status = clh_watch_check(watch, done, count, "sequences", err);
        if (!status)
            status = run_chunk(e, now, err);
        if (!status)
            add_chunk(e, now, &total, out->loss_per_position, position_count);
        e->what.first += now;
    }
    if (!status && total.count == 0)
        status = clh_fail(err, CLH_EINPUT,
                          "no prediction is scored in the %zu sequences to "
                          "evaluate: first_scored is past their end",
                          count);
    if (!status)
        status = clh_watch_check(watch, count, count, "sequences", err);
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

/* Memory of an evaluation: rows of losses and the sequences of a chunk. */
static clh_status evaluator_open(evaluator *e, clh_error *err)
{
    const size_t many = CHUNK_TOKENS / e->positions, most = many < CHUNK ? many : CHUNK;
    e->together = most > CHUNK_LEAST ? most : CHUNK_LEAST;
    e->per_position = clh_alloc_array(e->positions, e->together * sizeof *e->per_position, err);
    e->tokens = clh_alloc_array(e->positions, e->together * sizeof *e->tokens, err);
    for (size_t i = 0; i < e->together && e->tokens; i++)
        e->sequence[i] =
            (clh_sequence){.tokens = e->tokens + i * e->positions, .capacity = e->positions};
    return e->per_position && e->tokens ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_evaluate_with(clh_evaluation *out, const clh_evaluate_what *what,
                             const clh_stepper *stepper, clh_pool *pool, const clh_watch *watch,
                             clh_error *err)
{
    assert(out && what && what->task && stepper && stepper->backend);
    if (what->count == 0)
        return clh_fail(err, CLH_ERANGE, "0 sequences to evaluate, want at least 1");
    const size_t positions = clh_task_length_max(what->task);
    evaluator e = {.what = *what, .stepper = stepper, .pool = pool, .positions = positions};
    clh_evaluation result = {.positions = positions};
    size_t *position_count = clh_alloc_zeroed(positions, sizeof *position_count, err);
    result.loss_per_position = clh_alloc_zeroed(positions, sizeof *result.loss_per_position, err);
    clh_status status = CLH_ENOMEM;
    if (position_count && result.loss_per_position)
        status = evaluator_open(&e, err);
    if (!status)
        status = run_chunks(&e, &result, position_count, watch, err);
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
static clh_status say_what_is_not_finite(const clh_model *model, const clh_evaluate_what *what,
                                         const clh_watch *watch, clh_error *err)
{
    clh_sequence s = {.capacity = clh_task_length_max(what->task)};
    s.tokens = clh_alloc_array(s.capacity, sizeof *s.tokens, err);
    clh_status status = s.tokens ? CLH_OK : CLH_ENOMEM;
    size_t i = 0;
    for (; i < what->count && !status; i++) {
        status = clh_watch_check(watch, i, what->count, "sequences", err);
        if (!status)
            status = clh_task_draw(what->task, what->split, what->first + i, &s, err);
        if (!status)
            status = clh_forward_check(model, &(clh_tokens){s.tokens, 1, s.length}, err);
    }
    clh_free(s.tokens);
    return status == CLH_ENUMERIC ? clh_fail_context(err, status, "sequence %zu", i - 1)
           : status               ? status
                    : clh_fail(err, CLH_ENUMERIC, "the loss is not finite, every activation is");
}

clh_status clh_evaluate(clh_evaluation *out, const clh_model *model, const clh_task *task,
                        clh_split split, uint64_t first, size_t count, const clh_how *how,
                        clh_error *err)
{
    if (!out || !model || !task)
        return clh_fail(err, CLH_EUSAGE,
                        "clh_evaluate() was given NULL, want a model, a task and a place for what "
                        "it finds");
    if (split != CLH_SPLIT_TRAIN && split != CLH_SPLIT_TEST)
        return clh_fail(err, CLH_ERANGE, "split is %d, want training (%d) or held out (%d)",
                        (int)split, (int)CLH_SPLIT_TRAIN, (int)CLH_SPLIT_TEST);
    const clh_evaluate_what what = {task, split, first, count};
    clh_pool *pool = NULL;
    clh_stepper stepper = {0};
    clh_status status = clh_pool_open(&pool, clh_how_threads(how), err);
    if (!status)
        status = clh_stepper_open(&stepper, model, task, 0, NULL, pool, err);
    if (!status)
        status = clh_evaluate_with(out, &what, &stepper, pool, clh_how_watch(how), err);
    if (!status && !isfinite(out->loss)) {
        clh_evaluation_deinit(out);
        status = say_what_is_not_finite(model, &what, clh_how_watch(how), err);
    }
    clh_stepper_close(&stepper);
    clh_pool_close(pool);
    return status;
}
