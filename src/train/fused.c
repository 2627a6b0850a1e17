/* A batch on the fused path: its stages, one after the other in the pool. */
#include "train/fused.h"

#include <assert.h>
#include <string.h>

#include "train/fused_parts.h"

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

static void run_slot(void *context, size_t slot, size_t worker)
{
    clh_fused *f = context;
    clh_fused_sums *sums = &f->sums[slot];
    const size_t count = clh_fused_sums_place(f, sums);
    for (size_t b = slot; b < f->batch->count; b += f->slots)
        clh_fused_sequence(f, &f->batch->sequence[b], sums, &f->room[worker]);
    if (sums->fresh) /* nothing in this slot is scored */
        memset(sums->memory, 0, count * sizeof *sums->memory);
}

static size_t sums_count(const clh_fused *f)
{
    const clh_fused_sums *sums = &f->sums[0];
    return (size_t)(sums->parts - sums->memory) + f->size.heads * f->shape.parts;
}

enum { PIECE = 4096 };

static void add_slots(clh_fused *f, size_t piece)
{
    const size_t begin = piece * PIECE, rest = sums_count(f) - begin;
    const size_t used = f->batch->count < f->slots ? f->batch->count : f->slots;
    f->kernel->add_rows(rest < PIECE ? rest : PIECE, used - 1, f->sums[1].memory + begin,
                        (size_t)(f->sums[1].memory - f->sums[0].memory), f->sums[0].memory + begin);
}

void clh_fused_gradient(clh_fused *f, const clh_fused_batch *batch, clh_real *gradient,
                        clh_loss_sum *sum)
{
    assert(f && f->slots >= 1 && batch && batch->count >= 1 && gradient && sum);
    const size_t used = batch->count < f->slots ? batch->count : f->slots;
    f->batch = batch;
    f->gradient = gradient;
    clh_fused_tables_make(f);
    clh_pool_run(f->pool, used, run_slot, f);
    if (used > 1)
        clh_fused_run(f, &(clh_fused_job){add_slots, (sums_count(f) + PIECE - 1) / PIECE}, 1);
    clh_fused_tables_backward(f);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < used; s++)
        clh_loss_sum_add(sum, &f->sums[s].loss);
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

void clh_fused_loss(clh_fused *f, const clh_fused_batch *batch, clh_loss_sum *sum,
                    double *per_position, size_t positions)
{
    assert(f && batch && batch->count >= 1 && sum && per_position);
    losses l = {f, sum, per_position, positions};
    f->batch = batch;
    clh_fused_tables_make(f);
    clh_pool_run(f->pool, batch->count, run_loss, &l);
}
