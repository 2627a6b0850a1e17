#include "train/gradient.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/blob.h"

enum { PIECE = 8192, BLOCK = 1024 };

struct clh_gradient {
    const clh_model *model;
    const clh_task *task;
    clh_workers *workers;
    clh_fused *fused; /* NULL on the general path */
    size_t n, slots, batch;
    clh_real *slot;         /* general: [slots, n], slot 0 becomes the sum; fused: [n] */
    clh_loss_sum *sum;      /* [slots] */
    clh_sequence *sequence; /* [batch] */
    uint32_t *tokens;       /* [batch, length_max], theirs */
    double *square;         /* [pieces] sums of squares */
    uint64_t first;         /* the batch at hand */
    size_t count, total;    /* its sequences and scored positions */
};

clh_gradient_path clh_gradient_best_path(const clh_model_config *config)
{
    return clh_fused_applies(config) ? CLH_PATH_FUSED : CLH_PATH_GENERAL;
}

clh_workers_need clh_gradient_needs(clh_gradient_path path)
{
    return path == CLH_PATH_FUSED ? CLH_WORKERS_SEQUENCE : CLH_WORKERS_GRADIENTS;
}

size_t clh_gradient_bytes(const clh_model_config *config, size_t length, size_t batch,
                          clh_gradient_path path, size_t threads)
{
    const size_t n = clh_blob_count(&clh_layout_params, config, false, 0, 0);
    const size_t copies = path == CLH_PATH_FUSED ? 1 : clh_gradient_slots(batch);
    const size_t fused =
        path == CLH_PATH_FUSED ? clh_fused_bytes(config, length, batch, threads) : 0;
    const size_t sequence =
        clh_bytes_plus(sizeof(clh_sequence), clh_bytes_times(length, sizeof(uint32_t)));
    return clh_bytes_plus(clh_bytes_plus(clh_bytes_times(n, copies * sizeof(clh_real)), fused),
                          clh_bytes_times(batch, sequence));
}

clh_status clh_gradient_open(clh_gradient **out, const clh_model *model, const clh_task *task,
                             size_t batch, clh_gradient_path path, clh_workers *workers,
                             clh_error *err)
{
    assert(out && model && task && workers && batch >= 1);
    const size_t length = clh_task_length_max(task);
    clh_gradient *g = clh_alloc_zeroed(1, sizeof *g, err);
    if (!g)
        return CLH_ENOMEM;
    *g = (clh_gradient){.model = model, .task = task, .workers = workers, .batch = batch};
    (void)clh_model_data(model, &g->n);
    g->slots = clh_gradient_slots(batch);
    g->slot = clh_alloc_zeroed(path == CLH_PATH_FUSED ? 1 : g->slots, g->n * sizeof *g->slot, err);
    g->sum = clh_alloc_zeroed(g->slots, sizeof *g->sum, err);
    g->sequence = clh_alloc_zeroed(batch, sizeof *g->sequence, err);
    g->tokens = clh_alloc_array(batch, length * sizeof *g->tokens, err);
    g->square = clh_alloc_zeroed(g->n / PIECE + 1, sizeof *g->square, err);
    clh_status status = CLH_OK;
    if (!g->slot || !g->sum || !g->sequence || !g->tokens || !g->square)
        status = CLH_ENOMEM;
    for (size_t b = 0; b < batch && !status; b++)
        g->sequence[b] = (clh_sequence){.tokens = g->tokens + b * length, .capacity = length};
    if (!status && path == CLH_PATH_FUSED)
        status = clh_fused_open(&g->fused, model, length, batch, workers->pool, err);
    if (status)
        clh_gradient_close(g);
    else
        *out = g;
    return status;
}

void clh_gradient_close(clh_gradient *g)
{
    if (!g)
        return;
    clh_fused_close(g->fused);
    clh_free(g->square);
    clh_free(g->tokens);
    clh_free(g->sequence);
    clh_free(g->sum);
    clh_free(g->slot);
    clh_free(g);
}

static clh_status draw_sequence(void *context, size_t b, clh_worker *worker, clh_error *err)
{
    (void)worker;
    clh_gradient *g = context;
    clh_status status = clh_task_draw(g->task, CLH_SPLIT_TRAIN, g->first + b, &g->sequence[b], err);
    assert(status || g->sequence[b].length <= clh_task_length_max(g->task));
    return status;
}

/* Onto what the slot has, or, of its first sequence, in place of it. */
static clh_status add_sequence(clh_gradient *g, size_t slot, const clh_sequence *s, bool first,
                               clh_worker *worker, clh_error *err)
{
    const clh_tokens tokens = {.ids = s->tokens, .batch = 1, .pos = s->length};
    const clh_scored scored = {.length = &s->length, .first_scored = &s->first_scored};
    clh_status status = clh_forward(g->model, &tokens, worker->cache, NULL, err);
    if (!status)
        status = clh_loss(worker->cache, &tokens, &scored, 1.0 / (double)g->total, worker->gradient,
                          NULL, &g->sum[slot], err);
    clh_real *sums = g->slot + slot * g->n;
    if (!status && first)
        clh_backward_first(g->model, &tokens, worker->cache, worker->gradient, sums);
    else if (!status)
        status = clh_backward(g->model, &tokens, worker->cache, worker->gradient, sums, NULL, err);
    return status;
}

static clh_status add_slot(void *context, size_t slot, clh_worker *worker, clh_error *err)
{
    clh_gradient *g = context;
    clh_status status = CLH_OK;
    g->sum[slot] = (clh_loss_sum){0};
    for (size_t b = slot; b < g->count && !status; b += g->slots)
        status = add_sequence(g, slot, &g->sequence[b], b == slot, worker, err);
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

/* On the general path slot 0 += slot 1 + … in order; on both the sum of squares of the piece. */
static void finish_piece(void *context, size_t begin, size_t end)
{
    clh_gradient *g = context;
    const clh_kernels *kernel = clh_kernels_best();
    size_t used = clh_gradient_slots(g->count);
    if (!g->fused && used > 1)
        kernel->add_rows(end - begin, used - 1, g->slot + g->n + begin, g->n, g->slot + begin);
    double square = 0; /* added up in double every BLOCK numbers */
    for (size_t i = begin; i < end; i += BLOCK) {
        const size_t count = end - i < BLOCK ? end - i : BLOCK;
        square += (double)kernel->dot(count, g->slot + i, g->slot + i);
    }
    g->square[begin / PIECE] = square;
}

static clh_status draw_batch(clh_gradient *g, clh_error *err)
{
    clh_status status = clh_workers_run(g->workers, g->count, draw_sequence, g, err);
    g->total = 0;
    for (size_t b = 0; b < g->count && !status; b++)
        if (g->sequence[b].length > g->sequence[b].first_scored)
            g->total += g->sequence[b].length - g->sequence[b].first_scored;
    if (!status && g->total == 0)
        status =
            clh_fail(err, CLH_EINPUT, "no prediction is scored in sequences %llu to %llu",
                     (unsigned long long)g->first, (unsigned long long)(g->first + g->count - 1));
    return status;
}

static clh_status general_gradient(clh_gradient *g, clh_loss_sum *sum, clh_error *err)
{
    const size_t used = clh_gradient_slots(g->count);
    clh_status status = clh_workers_run(g->workers, used, add_slot, g, err);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < used; s++)
        clh_loss_sum_add(sum, &g->sum[s]);
    return status;
}

clh_status clh_gradient_compute(clh_gradient *g, uint64_t first, size_t count, clh_loss_sum *sum,
                                clh_error *err)
{
    assert(count >= 1 && count <= g->batch);
    g->first = first;
    g->count = count;
    clh_status status = draw_batch(g, err);
    if (!status && g->fused)
        clh_fused_gradient(g->fused, &(clh_fused_batch){g->sequence, count, 1.0 / (double)g->total},
                           g->slot, sum);
    else if (!status)
        status = general_gradient(g, sum, err);
    if (!status)
        clh_gradient_pieces(g, finish_piece, g);
    return status;
}

const clh_real *clh_gradient_data(const clh_gradient *g)
{
    return g->slot;
}

clh_fused *clh_gradient_fused(const clh_gradient *g)
{
    return g->fused;
}

double clh_gradient_norm(clh_gradient *g)
{
    assert(g);
    double square = 0;
    for (size_t piece = 0; piece * PIECE < g->n; piece++)
        square += g->square[piece];
    return sqrt(square);
}
