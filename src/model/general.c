/* The general backend: each sequence goes through clh_forward(), clh_loss() and clh_backward() on
 * its own, on one worker, at its own length. Any config, any task. */
#include <assert.h>
#include <math.h>

#include "base/platform/pool_try.h"
#include "math/kernels.h"
#include "model/backend.h"
#include "model/blob.h"

enum { PIECE = 8192 };

/* What one worker of the pool computes in; nothing in it outlives a sequence. */
typedef struct worker_room {
    clh_cache *cache,
        *gradient; /* CLH_KEEP_BACKWARD; gradient NULL where only losses are asked for */
} worker_room;

typedef struct general {
    const clh_model *model;
    clh_pool *pool;
    const clh_kernels *kernel;
    size_t n, slots, rooms; /* parameters, slots of the largest batch, workers */
    worker_room *room;      /* [rooms] */
    clh_real *slot;    /* [slots - 1, n]: sums of all slots but the first, which is the result */
    clh_loss_sum *sum; /* [slots] */
} general;

/* ---- Opening -----------------------------------------------------------------------------------
 */

static bool general_fits(const clh_model_config *config, const clh_backend_use *use)
{
    (void)config;
    (void)use;
    return true;
}

/* Slots that have sums of their own. */
static size_t slots_beside(size_t batch)
{
    return batch ? clh_gradient_slots(batch) - 1 : 0;
}

/* Any worker may get any sequence sooner or later, so each has activations of the longest. */
static size_t general_bytes(const clh_model_config *config, const clh_backend_use *use,
                            size_t threads)
{
    assert(config && use);
    const size_t parameters = clh_blob_count(&clh_layout_params, config, false, 0, 0);
    const size_t cache = clh_cache_bytes(config, CLH_KEEP_BACKWARD, 1, use->length);
    const size_t caches = clh_bytes_times(cache, use->batch ? 2 : 1);
    return clh_bytes_plus(clh_bytes_times(parameters, slots_beside(use->batch) * sizeof(clh_real)),
                          clh_bytes_times(threads, caches));
}

static void general_close(void *state)
{
    general *g = state;
    if (!g)
        return;
    for (size_t i = 0; g->room && i < g->rooms; i++) {
        clh_cache_close(g->room[i].cache);
        clh_cache_close(g->room[i].gradient);
    }
    clh_free(g->sum);
    clh_free(g->slot);
    clh_free(g->room);
    clh_free(g);
}

static clh_status open_rooms(general *g, bool gradients, clh_error *err)
{
    const clh_model_config *config = clh_model_get_config(g->model);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < g->rooms && !status; i++) {
        status = clh_cache_open(&g->room[i].cache, config, CLH_KEEP_BACKWARD, err);
        if (!status && gradients)
            status = clh_cache_open(&g->room[i].gradient, config, CLH_KEEP_BACKWARD, err);
    }
    return status;
}

static clh_status general_open(void **state, const clh_model *model, const clh_backend_use *use,
                               clh_pool *pool, clh_error *err)
{
    assert(state && model && use);
    general *g = clh_alloc_zeroed(1, sizeof *g, err);
    if (!g)
        return CLH_ENOMEM;
    *g = (general){.model = model,
                   .pool = pool,
                   .kernel = clh_kernels_best(),
                   .slots = clh_gradient_slots(use->batch),
                   .rooms = clh_pool_size(pool)};
    (void)clh_model_data(model, &g->n);
    g->room = clh_alloc_zeroed(g->rooms, sizeof *g->room, err);
    g->slot = clh_alloc_zeroed(slots_beside(use->batch), g->n * sizeof *g->slot, err);
    g->sum = clh_alloc_zeroed(g->slots, sizeof *g->sum, err);
    clh_status status = g->room && g->slot && g->sum ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = open_rooms(g, use->batch > 0, err);
    if (status)
        general_close(g);
    else
        *state = g;
    return status;
}

/* ---- The gradient of a batch -------------------------------------------------------------------
 */

typedef struct gradient_job {
    general *g;
    const clh_batch *batch;
    clh_real *gradient;
} gradient_job;

/* A sequence's forward pass into the worker's cache, and its loss. */
static clh_status forward_and_loss(const general *g, const clh_sequence *s, double weight,
                                   const worker_room *room, clh_cache *gradient,
                                   double *per_position, clh_loss_sum *sum, clh_error *err)
{
    const clh_tokens tokens = {.ids = s->tokens, .batch = 1, .pos = s->length};
    const clh_scored scored = {.length = &s->length, .first_scored = &s->first_scored};
    clh_status status = clh_forward(g->model, &tokens, room->cache, NULL, err);
    if (!status)
        status = clh_loss(room->cache, &tokens, &scored, weight, gradient, per_position, sum, err);
    return status;
}

/* Onto what the slot has, or, of its first sequence, in place of it. */
static clh_status add_sequence(const gradient_job *job, const clh_sequence *s, bool first,
                               const worker_room *room, clh_real *sums, clh_loss_sum *loss,
                               clh_error *err)
{
    const clh_tokens tokens = {.ids = s->tokens, .batch = 1, .pos = s->length};
    clh_status status =
        forward_and_loss(job->g, s, job->batch->weight, room, room->gradient, NULL, loss, err);
    if (!status && first)
        clh_backward_first(job->g->model, &tokens, room->cache, room->gradient, sums);
    else if (!status)
        status = clh_backward(job->g->model, &tokens, room->cache, room->gradient, sums, NULL, err);
    return status;
}

static clh_status add_slot(void *context, size_t slot, size_t worker, clh_error *err)
{
    const gradient_job *job = context;
    const general *g = job->g;
    clh_real *sums = slot == 0 ? job->gradient : g->slot + (slot - 1) * g->n;
    clh_status status = CLH_OK;
    g->sum[slot] = (clh_loss_sum){0};
    for (size_t b = slot; b < job->batch->count && !status; b += g->slots)
        status = add_sequence(job, &job->batch->sequence[b], b == slot, &g->room[worker], sums,
                              &g->sum[slot], err);
    return status;
}

/* gradient += slot 1 + slot 2 + … in order, a piece of it. */
static void add_up_piece(void *context, size_t piece, size_t worker)
{
    (void)worker;
    const gradient_job *job = context;
    const general *g = job->g;
    const size_t begin = piece * PIECE, rest = g->n - begin;
    g->kernel->add_rows(rest < PIECE ? rest : PIECE, clh_gradient_slots(job->batch->count) - 1,
                        g->slot + begin, g->n, job->gradient + begin);
}

static clh_status general_gradient(void *state, const clh_batch *batch, clh_real *gradient,
                                   clh_loss_sum *sum, clh_error *err)
{
    general *g = state;
    assert(g && g->slots >= 1 && batch && batch->count >= 1 && gradient && sum);
    const size_t used = clh_gradient_slots(batch->count);
    gradient_job job = {g, batch, gradient};
    clh_status status = clh_pool_try(g->pool, used, add_slot, &job, err);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < used; s++)
        clh_loss_sum_add(sum, &g->sum[s]);
    if (!status && used > 1)
        clh_pool_run(g->pool, (g->n + PIECE - 1) / PIECE, add_up_piece, &job);
    return status;
}

/* ---- The losses of sequences -------------------------------------------------------------------
 */

typedef struct losses_job {
    const general *g;
    const clh_batch *batch;
    clh_loss_sum *sum;
    double *per_position;
    size_t positions;
} losses_job;

static clh_status look_at(void *context, size_t b, size_t worker, clh_error *err)
{
    const losses_job *job = context;
    const clh_sequence *s = &job->batch->sequence[b];
    const worker_room *room = &job->g->room[worker];
    double *row = job->per_position + b * job->positions;
    job->sum[b] = (clh_loss_sum){0};
    clh_status status = forward_and_loss(job->g, s, 0, room, NULL, row, &job->sum[b], err);
    if (!status && !clh_cache_sound(room->cache))
        job->sum[b].loss = NAN; /* of numbers that came out of an infinity */
    for (size_t p = s->length; p < job->positions; p++)
        row[p] = NAN;
    return status;
}

static clh_status general_losses(void *state, const clh_batch *batch, clh_loss_sum *sum,
                                 double *per_position, size_t positions, clh_error *err)
{
    assert(state && batch && batch->count >= 1 && sum && per_position);
    losses_job job = {state, batch, sum, per_position, positions};
    return clh_pool_try(job.g->pool, batch->count, look_at, &job, err);
}

const clh_backend clh_general_backend = {
    .name = "general",
    .fits = general_fits,
    .bytes = general_bytes,
    .open = general_open,
    .gradient = general_gradient,
    .losses = general_losses,
    .close = general_close,
};
