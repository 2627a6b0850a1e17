/* A batch of the fused backend: its stages, one after the other in the pool. */
#include "fused/fused.h"

#include <assert.h>
#include <string.h>

#include "fused/fused_parts.h"

typedef struct stage {
    clh_fused *f;
    const clh_fused_job *jobs;
} stage;

static void run_piece(void *context, size_t piece, size_t worker)
{
    (void)worker;
    const stage *s = context;
    const clh_fused_job *job = s->jobs;
    for (; piece >= job->pieces; job++)
        piece -= job->pieces;
    job->run(s->f, piece);
}

void clh_fused_run(clh_fused *f, const clh_fused_job *jobs, size_t count)
{
    assert(f && jobs && count >= 1);
    stage s = {f, jobs};
    size_t pieces = 0;
    for (size_t i = 0; i < count; i++)
        pieces += jobs[i].pieces;
    clh_pool_run(f->pool, pieces, run_piece, &s);
}

static void run_slot(clh_fused *f, size_t slot, clh_fused_rows_sums *rows, size_t worker)
{
    clh_fused_sums *sums = &f->sums[slot];
    clh_fused_sums_place(f, sums);
    sums->of_positions = rows;
    for (size_t b = slot; b < f->batch->count; b += f->slots)
        clh_fused_sequence(f, &f->batch->sequence[b], sums, &f->room[worker]);
    if (sums->fresh) /* nothing in this slot is scored */
        memset(sums->memory, 0, clh_fused_sums_count(f) * sizeof *sums->memory);
}

/* Task 0 is the run of slots that share their sums of positions, each other task a slot. */
static void run_slots(void *context, size_t task, size_t worker)
{
    clh_fused *f = context;
    clh_fused_rows_sums *rows = &f->of_positions[task];
    const size_t begin = task == 0 ? 0 : f->run + task - 1, end = f->run + task;
    clh_fused_rows_sums_place(f, rows);
    for (size_t slot = begin; slot < end; slot++)
        run_slot(f, slot, rows, worker);
    if (rows->fresh)
        memset(rows->memory, 0, clh_fused_rows_sums_count(f) * sizeof *rows->memory);
}

enum { PIECE = 4096 };

static size_t sums_pieces(size_t numbers)
{
    return (numbers + PIECE - 1) / PIECE;
}

/* Onto the first of `count` sums of `numbers` numbers, one after the other, a piece of the rest. */
static void add_sums(const clh_fused *f, size_t piece, size_t numbers, size_t count,
                     clh_real *first, const clh_real *second)
{
    const size_t begin = piece * PIECE, rest = numbers - begin;
    f->kernel->add_rows(rest < PIECE ? rest : PIECE, count - 1, second + begin,
                        (size_t)(second - first), first + begin);
}

static void add_slots(clh_fused *f, size_t piece)
{
    add_sums(f, piece, clh_fused_sums_count(f), clh_gradient_slots(f->batch->count),
             f->sums[0].memory, f->sums[1].memory);
}

static void add_positions(clh_fused *f, size_t piece)
{
    add_sums(f, piece, clh_fused_rows_sums_count(f),
             1 + clh_gradient_slots(f->batch->count) - f->run, f->of_positions[0].memory,
             f->of_positions[1].memory);
}

/* All slots' sums into the first's. */
static void add_up(clh_fused *f)
{
    const size_t used = clh_gradient_slots(f->batch->count);
    const clh_fused_job jobs[] = {
        {add_slots, used > 1 ? sums_pieces(clh_fused_sums_count(f)) : 0},
        {add_positions, used > f->run ? sums_pieces(clh_fused_rows_sums_count(f)) : 0},
    };
    clh_fused_run(f, jobs, CLH_COUNT(jobs));
}

static clh_status fused_gradient(void *state, const clh_batch *batch, clh_real *gradient,
                                 clh_loss_sum *sum, clh_error *err)
{
    (void)err;
    clh_fused *f = state;
    assert(f && f->slots >= 1 && batch && batch->count >= 1 && gradient && sum);
    assert(batch->count <= f->batch_most);
    f->batch = batch;
    f->gradient = gradient;
    f->run = clh_fused_run_of(f, batch->count);
    clh_fused_tables_make(f);
    clh_pool_run(f->pool, 1 + clh_gradient_slots(f->batch->count) - f->run, run_slots, f);
    add_up(f);
    clh_fused_tables_backward(f);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < clh_gradient_slots(f->batch->count); s++)
        clh_loss_sum_add(sum, &f->sums[s].loss);
    return CLH_OK;
}

/* As run_slot(), with none of its sums but the loss. */
static void run_slot_forward(void *context, size_t slot, size_t worker)
{
    clh_fused *f = context;
    clh_loss_sum *sum = &f->sums[slot].loss;
    *sum = (clh_loss_sum){0};
    for (size_t b = slot; b < f->batch->count; b += f->slots) {
        clh_loss_sum one;
        clh_fused_sequence_loss(f, &f->batch->sequence[b], &f->room[worker], &one, NULL, 0);
        clh_loss_sum_add(sum, &one);
    }
}

static clh_status fused_forward(void *state, const clh_batch *batch, clh_loss_sum *sum,
                                clh_error *err)
{
    (void)err;
    clh_fused *f = state;
    assert(f && f->slots >= 1 && batch && batch->count >= 1 && batch->count <= f->batch_most &&
           sum);
    f->batch = batch;
    clh_fused_tables_make(f);
    clh_pool_run(f->pool, clh_gradient_slots(batch->count), run_slot_forward, f);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < clh_gradient_slots(batch->count); s++)
        clh_loss_sum_add(sum, &f->sums[s].loss);
    return CLH_OK;
}

typedef struct losses {
    clh_fused *f;
    clh_loss_sum *sum;
    double *per_position;
    size_t positions;
} losses;

static void run_loss(void *context, size_t number, size_t worker)
{
    const losses *l = context;
    clh_fused_sequence_loss(l->f, &l->f->batch->sequence[number], &l->f->room[worker],
                            &l->sum[number], l->per_position + number * l->positions, l->positions);
}

static clh_status fused_losses(void *state, const clh_batch *batch, clh_loss_sum *sum,
                               double *per_position, size_t positions, clh_error *err)
{
    (void)err;
    clh_fused *f = state;
    assert(f && batch && batch->count >= 1 && sum && per_position);
    losses l = {f, sum, per_position, positions};
    f->batch = batch;
    clh_fused_tables_make(f);
    clh_pool_run(f->pool, batch->count, run_loss, &l);
    return CLH_OK;
}

const clh_backend clh_fused_backend = {
    .name = "fused",
    .fits = clh_fused_fits,
    .bytes = clh_fused_bytes,
    .open = clh_fused_open,
    .gradient = fused_gradient,
    .forward = fused_forward,
    .losses = fused_losses,
    .close = clh_fused_close,
};
