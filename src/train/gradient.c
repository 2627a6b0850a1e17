#include "train/gradient.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PIECE = 8192 };

struct clh_gradient {
    const clh_model *model;
    const clh_task *task;
    clh_workers *workers;
    size_t n, slots, batch;
    clh_real *slot;    /* [slots, n]; slot 0 becomes the sum */
    clh_loss_sum *sum; /* [slots] */
    size_t *scored;    /* [batch] scored positions of each sequence */
    double *square;    /* [pieces] sums of squares */
    uint64_t first;    /* the batch at hand */
    size_t count, total;
};

clh_status clh_gradient_open(clh_gradient **out, const clh_model *model, const clh_task *task,
                             size_t batch, clh_workers *workers, clh_error *err)
{
    assert(out && model && task && workers && batch >= 1);
    clh_gradient *g = clh_alloc_zeroed(1, sizeof *g, err);
    if (!g)
        return CLH_ENOMEM;
    *g = (clh_gradient){.model = model, .task = task, .workers = workers, .batch = batch};
    (void)clh_model_data(model, &g->n);
    g->slots = batch < CLH_GRADIENT_SLOTS ? batch : CLH_GRADIENT_SLOTS;
    g->slot = clh_alloc_array(g->slots, g->n * sizeof *g->slot, err);
    g->sum = clh_alloc_zeroed(g->slots, sizeof *g->sum, err);
    g->scored = clh_alloc_zeroed(batch, sizeof *g->scored, err);
    g->square = clh_alloc_zeroed(g->n / PIECE + 1, sizeof *g->square, err);
    if (!g->slot || !g->sum || !g->scored || !g->square) {
        clh_gradient_close(g);
        return CLH_ENOMEM;
    }
    *out = g;
    return CLH_OK;
}

void clh_gradient_close(clh_gradient *g)
{
    if (!g)
        return;
    clh_free(g->square);
    clh_free(g->scored);
    clh_free(g->sum);
    clh_free(g->slot);
    clh_free(g);
}

static clh_status count_scored(void *context, size_t b, clh_worker *worker, clh_error *err)
{
    clh_gradient *g = context;
    clh_sequence *s = &worker->sequence;
    clh_status status = clh_task_draw(g->task, CLH_SPLIT_TRAIN, g->first + b, s, err);
    if (!status)
        g->scored[b] = s->length > s->first_scored ? s->length - s->first_scored : 0;
    return status;
}

static clh_status add_sequence(clh_gradient *g, size_t slot, size_t b, clh_worker *worker,
                               clh_error *err)
{
    clh_sequence *s = &worker->sequence;
    clh_status status = clh_task_draw(g->task, CLH_SPLIT_TRAIN, g->first + b, s, err);
    if (status)
        return status;
    const clh_tokens tokens = {.ids = s->tokens, .batch = 1, .pos = s->length};
    const clh_scored scored = {.length = &s->length, .first_scored = &s->first_scored};
    status = clh_forward(g->model, &tokens, worker->cache, NULL, err);
    if (!status)
        status = clh_loss(worker->cache, &tokens, &scored, 1.0 / (double)g->total, worker->gradient,
                          NULL, &g->sum[slot], err);
    if (!status)
        status = clh_backward(g->model, &tokens, worker->cache, worker->gradient,
                              g->slot + slot * g->n, NULL, err);
    return status;
}

static clh_status add_slot(void *context, size_t slot, clh_worker *worker, clh_error *err)
{
    clh_gradient *g = context;
    clh_status status = CLH_OK;
    g->sum[slot] = (clh_loss_sum){0};
    memset(g->slot + slot * g->n, 0, g->n * sizeof *g->slot);
    for (size_t b = slot; b < g->count && !status; b += g->slots)
        status = add_sequence(g, slot, b, worker, err);
    return status;
}

typedef struct piece_job {
    clh_gradient *gradient;
    clh_piece_fn *fn;
    void *context;
} piece_job;

static void run_piece(void *context, size_t piece, size_t worker)
{
    (void)worker;
    piece_job *job = context;
    size_t begin = piece * PIECE, end = begin + PIECE, n = job->gradient->n;
    job->fn(job->context, begin, end < n ? end : n);
}

void clh_gradient_pieces(clh_gradient *g, clh_piece_fn *fn, void *context)
{
    piece_job job = {.gradient = g, .fn = fn, .context = context};
    clh_pool_run(g->workers->pool, (g->n + PIECE - 1) / PIECE, run_piece, &job);
}

/* slot 0 += slot 1 + … in order, and the sum of squares of the piece */
static void add_slots(void *context, size_t begin, size_t end)
{
    clh_gradient *g = context;
    size_t used = g->count < g->slots ? g->count : g->slots;
    for (size_t s = 1; s < used; s++)
        clh_kernels_best()->axpy(end - begin, 1, g->slot + s * g->n + begin, g->slot + begin);
    double lane[CLH_LANES] = {0}, square = 0;
    for (size_t i = begin; i < end; i++)
        lane[i % CLH_LANES] += (double)g->slot[i] * (double)g->slot[i];
    for (size_t i = 0; i < CLH_LANES; i++)
        square += lane[i];
    g->square[begin / PIECE] = square;
}

clh_status clh_gradient_compute(clh_gradient *g, uint64_t first, size_t count, clh_loss_sum *sum,
                                clh_error *err)
{
    assert(count >= 1 && count <= g->batch);
    g->first = first;
    g->count = count;
    clh_status status = clh_workers_run(g->workers, count, count_scored, g, err);
    if (status)
        return status;
    g->total = 0;
    for (size_t b = 0; b < count; b++)
        g->total += g->scored[b];
    if (g->total == 0)
        return clh_fail(err, CLH_EINPUT, "no prediction is scored in sequences %llu to %llu",
                        (unsigned long long)first, (unsigned long long)(first + count - 1));
    size_t used = count < g->slots ? count : g->slots;
    status = clh_workers_run(g->workers, used, add_slot, g, err);
    if (status)
        return status;
    clh_gradient_pieces(g, add_slots, g);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < used; s++) {
        sum->loss += g->sum[s].loss;
        sum->count += g->sum[s].count;
        sum->correct += g->sum[s].correct;
        sum->sequences += g->sum[s].sequences;
        sum->sequences_correct += g->sum[s].sequences_correct;
    }
    return CLH_OK;
}

const clh_real *clh_gradient_data(const clh_gradient *g)
{
    return g->slot;
}

double clh_gradient_norm(clh_gradient *g)
{
    double square = 0;
    for (size_t piece = 0; piece * PIECE < g->n; piece++)
        square += g->square[piece];
    return sqrt(square);
}
