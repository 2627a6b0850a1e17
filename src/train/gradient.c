#include "train/gradient.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "base/platform/pool_try.h"
#include "math/kernels/kernels.h"

enum { PIECE = 8192, BLOCK = 1024 };

struct clh_gradient {
    const clh_task *task;
    const clh_stepper *stepper;
    clh_pool *pool;
    size_t n, batch;
    clh_real *data;         /* [n] */
    clh_sequence *sequence; /* [batch] */
    uint32_t *tokens;       /* [batch, length_max], theirs */
    double *square;         /* [pieces] sums of squares */
    uint64_t first;         /* the batch at hand */
    size_t count, total;    /* its sequences and scored positions */
};

static size_t pieces_of(size_t n)
{
    return n / PIECE + (n % PIECE != 0);
}

size_t clh_gradient_bytes(size_t parameters, size_t length, size_t batch)
{
    const size_t vector = clh_bytes_plus(clh_bytes_times(parameters, sizeof(clh_real)),
                                         clh_bytes_times(pieces_of(parameters), sizeof(double)));
    const size_t sequence =
        clh_bytes_plus(sizeof(clh_sequence), clh_bytes_times(length, sizeof(uint32_t)));
    return clh_bytes_plus(vector, clh_bytes_times(batch, sequence));
}

clh_status clh_gradient_open(clh_gradient **out, const clh_model *model, const clh_task *task,
                             size_t batch, const clh_stepper *stepper, clh_pool *pool,
                             clh_error *err)
{
    assert(out && model && task && stepper && stepper->backend && batch >= 1);
    const size_t length = clh_task_length_max(task);
    clh_gradient *g = clh_alloc_zeroed(1, sizeof *g, err);
    if (!g)
        return CLH_ENOMEM;
    *g = (clh_gradient){.task = task, .stepper = stepper, .pool = pool, .batch = batch};
    (void)clh_model_data(model, &g->n);
    g->data = clh_alloc_zeroed(g->n, sizeof *g->data, err);
    g->sequence = clh_alloc_zeroed(batch, sizeof *g->sequence, err);
    g->tokens = clh_alloc_array(batch, length * sizeof *g->tokens, err);
    g->square = clh_alloc_zeroed(pieces_of(g->n), sizeof *g->square, err);
    if (!g->data || !g->sequence || !g->tokens || !g->square) {
        clh_gradient_close(g);
        return CLH_ENOMEM;
    }
    for (size_t b = 0; b < batch; b++)
        g->sequence[b] = (clh_sequence){.tokens = g->tokens + b * length, .capacity = length};
    *out = g;
    return CLH_OK;
}

void clh_gradient_close(clh_gradient *g)
{
    if (!g)
        return;
    clh_free(g->square);
    clh_free(g->tokens);
    clh_free(g->sequence);
    clh_free(g->data);
    clh_free(g);
}

static clh_status draw_sequence(void *context, size_t b, size_t worker, clh_error *err)
{
    (void)worker;
    clh_gradient *g = context;
    clh_status status = clh_task_draw(g->task, CLH_SPLIT_TRAIN, g->first + b, &g->sequence[b], err);
    assert(status || g->sequence[b].length <= clh_task_length_max(g->task));
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
    clh_pool_run(g->pool, pieces_of(g->n), run_piece, &job);
}

/* The sum of squares of the piece, added up in double every BLOCK numbers. */
static void square_piece(void *context, size_t begin, size_t end)
{
    clh_gradient *g = context;
    const clh_kernels *kernel = clh_kernels_best();
    double square = 0;
    for (size_t i = begin; i < end; i += BLOCK) {
        const size_t count = end - i < BLOCK ? end - i : BLOCK;
        square += (double)kernel->dot(count, g->data + i, g->data + i);
    }
    g->square[begin / PIECE] = square;
}

static clh_status draw_batch(clh_gradient *g, uint64_t first, size_t count, clh_error *err)
{
    assert(count >= 1 && count <= g->batch);
    g->first = first;
    g->count = count;
    clh_status status = clh_pool_try(g->pool, g->count, draw_sequence, g, err);
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

clh_status clh_gradient_compute(clh_gradient *g, uint64_t first, size_t count, clh_loss_sum *sum,
                                clh_error *err)
{
    clh_status status = draw_batch(g, first, count, err);
    if (status)
        return status;
    const clh_batch batch = {g->sequence, count, 1.0 / (double)g->total};
    status = g->stepper->backend->gradient(g->stepper->state, &batch, g->data, sum, err);
    if (!status)
        clh_gradient_pieces(g, square_piece, g);
    return status;
}

clh_status clh_gradient_forward(clh_gradient *g, uint64_t first, size_t count, clh_loss_sum *sum,
                                clh_error *err)
{
    const clh_status status = draw_batch(g, first, count, err);
    if (status)
        return status;
    const clh_batch batch = {g->sequence, count, 1.0 / (double)g->total};
    return g->stepper->backend->forward(g->stepper->state, &batch, sum, err);
}

const clh_real *clh_gradient_data(const clh_gradient *g)
{
    return g->data;
}

double clh_gradient_norm(clh_gradient *g)
{
    assert(g);
    double square = 0;
    for (size_t piece = 0; piece * PIECE < g->n; piece++)
        square += g->square[piece];
    return sqrt(square);
}
