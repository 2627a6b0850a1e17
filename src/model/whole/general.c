/* The general backend: sequences go through forward, loss and backward in blocks of rows (pack.h), a
 * block on one worker. Any config, any task. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/platform/pool_try.h"
#include "math/kernels/kernels.h"
#include "model/memory/blob.h"
#include "model/parts/pass.h"
#include "model/whole/backend.h"
#include "model/whole/packed.h"
#include "model/whole/passes.h"

enum { PIECE = 8192 };

/* What one worker of the pool computes in; nothing in it outlives a block. */
typedef struct worker_room {
    clh_passes passes;
    clh_cache *gradient; /* of passes.cache; NULL where only losses are asked for */
} worker_room;

typedef struct general {
    const clh_model *model;
    clh_pool *pool;
    const clh_kernels *kernel;
    size_t n, slots, rooms; /* parameters, slots of the largest batch, workers */
    size_t rows, length;    /* of a block at most; tokens of the longest sequence */
    worker_room *room;      /* [rooms] */
    bool by_chains;         /* a worker has a whole chain: there are no more workers than chains */
    clh_real *slot;         /* [sums_beside(), n]: sums that are not the result */
    clh_packed_weights weights; /* [n] each; back where there are gradients */
    clh_loss_sum *sum;          /* [slots] */
} general;

/* ---- Opening -----------------------------------------------------------------------------------
 */

static bool general_fits(const clh_model_config *config, const clh_backend_use *use)
{
    (void)config;
    (void)use;
    return true;
}

/* Slots are added up in chains, and these then: ((0 + 1) + 2) + 3, and (0 + … + 3) + (4 + … + 7). */
enum { CHAINS = 2 };

static size_t chains_of(size_t slots)
{
    return slots < CHAINS ? slots : CHAINS;
}

/* The first slot of a chain. */
static size_t chain_begin(size_t used, size_t chain)
{
    const size_t chains = chains_of(used);
    return (used * chain + chains - 1) / chains;
}

/* Sums beside the result: of each slot but the first; or, where a worker has a whole chain, of each chain but the
 * first, and room for the slot that is added to it. */
static size_t sums_beside(size_t batch, size_t threads)
{
    const size_t slots = batch ? clh_gradient_slots(batch) : 0, chains = chains_of(slots);
    if (slots == 0)
        return 0;
    return threads > CHAINS ? slots - 1 : chains - 1 + (slots > chains ? chains : 0);
}

/* Rows of a block: no more than one chain of a product of gradients has; a longer sequence is a block of
 * its own. */
static size_t block_rows(const clh_model_config *config, const clh_backend_use *use)
{
    if (use->batch == 0)
        return clh_passes_rows(config, use->length);
    return use->length > CLH_GEMM_BLOCK ? use->length : CLH_GEMM_BLOCK;
}

/* Any worker may get any block sooner or later, so each has room for the largest. */
static size_t general_bytes(const clh_model_config *config, const clh_backend_use *use,
                            size_t threads)
{
    assert(config && use);
    const size_t parameters = clh_blob_count(&clh_layout_params, config, false, 0, 0);
    const size_t rows = block_rows(config, use),
                 vectors = sums_beside(use->batch, threads) + (use->batch ? 2 : 1);
    const size_t gradient = use->batch ? clh_cache_bytes_packed(config, rows, use->length) : 0;
    const size_t passes = clh_passes_bytes(config, use->length, rows);
    return clh_bytes_plus(clh_bytes_times(parameters, vectors * sizeof(clh_real)),
                          clh_bytes_times(threads, clh_bytes_plus(passes, gradient)));
}

static void general_close(void *state)
{
    general *g = state;
    if (!g)
        return;
    for (size_t i = 0; g->room && i < g->rooms; i++) {
        clh_passes_close(&g->room[i].passes);
        clh_cache_close(g->room[i].gradient);
    }
    clh_free(g->sum);
    clh_packed_weights_close(&g->weights);
    clh_free(g->slot);
    clh_free(g->room);
    clh_free(g);
}

static clh_status open_gradient(clh_cache **out, const general *g, clh_error *err)
{
    clh_status status = clh_cache_open(out, clh_model_get_config(g->model), CLH_KEEP_BACKWARD, err);
    return status ? status : clh_cache_reserve_packed(*out, g->rows, g->length, err);
}

static clh_status open_rooms(general *g, bool gradients, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < g->rooms && !status; i++) {
        worker_room *room = &g->room[i];
        status = clh_passes_open(&room->passes, g->model, g->length, g->rows, err);
        if (!status && gradients)
            status = open_gradient(&room->gradient, g, err);
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
                   .rows = block_rows(clh_model_get_config(model), use),
                   .length = use->length,
                   .rooms = clh_pool_size(pool)};
    (void)clh_model_data(model, &g->n);
    g->room = clh_alloc_zeroed(g->rooms, sizeof *g->room, err);
    g->by_chains = g->rooms <= CHAINS;
    g->slot = clh_alloc_zeroed(sums_beside(use->batch, g->rooms), g->n * sizeof *g->slot, err);
    g->sum = clh_alloc_zeroed(g->slots, sizeof *g->sum, err);
    clh_status status = g->room && g->slot && g->sum ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_packed_weights_open(&g->weights, model, use->batch > 0, err);
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
    clh_real *gradient; /* NULL: forward alone */
} gradient_job;

/* Where the sums of a slot go: to `own`, from nothing, and then, unless that is the same, onto `total`. */
typedef struct slot_sums {
    clh_real *own, *total;
} slot_sums;

/* The block in the room goes onto what the slot has, or, of its first, in place of it. The only one of a slot,
 * whose products are one chain each, is added to the total at once, which gives the same bits: true. */
static bool add_block(const gradient_job *job, const worker_room *room, slot_sums sums, bool *fresh,
                      bool last)
{
    const general *g = job->g;
    const clh_pack *pack = &room->passes.pack;
    if (pack->rows == 0)
        return false;
    clh_forward_packed(g->model, pack, room->passes.cache, &g->weights);
    clh_loss_packed(room->passes.cache, pack, job->batch->weight,
                    job->gradient ? room->gradient : NULL);
    if (!job->gradient)
        return false;
    const bool at_once = last && *fresh && sums.total != sums.own && pack->rows <= CLH_GEMM_BLOCK;
    clh_backward_packed(g->model, pack, room->passes.cache, room->gradient, &g->weights, sums.own,
                        *fresh, at_once ? sums.total : NULL);
    *fresh = false;
    return at_once;
}

static clh_status add_slot(const gradient_job *job, size_t slot, worker_room *room, slot_sums sums,
                           clh_error *err)
{
    const general *g = job->g;
    clh_pack *pack = &room->passes.pack;
    clh_status status = CLH_OK;
    bool fresh = true;
    g->sum[slot] = (clh_loss_sum){0};
    clh_pack_clear(pack);
    for (size_t b = slot; b < job->batch->count && !status; b += g->slots) {
        const clh_sequence *s = &job->batch->sequence[b];
        status = clh_passes_check(&room->passes, s, true, err);
        if (status ||
            clh_pack_add(pack, s->tokens, s->length, s->first_scored, &g->sum[slot], NULL))
            continue;
        (void)add_block(job, room, sums, &fresh, false);
        clh_pack_clear(pack);
        (void)clh_pack_add(pack, s->tokens, s->length, s->first_scored, &g->sum[slot], NULL);
    }
    if (status)
        return status;
    const bool at_once = add_block(job, room, sums, &fresh, true);
    if (!job->gradient)
        return CLH_OK;
    if (fresh && sums.own == sums.total) /* nothing was scored */
        memset(sums.own, 0, g->n * sizeof *sums.own);
    else if (at_once)
        clh_gradient_add_rest(g->model, sums.own, sums.total);
    else if (!fresh && sums.own != sums.total)
        g->kernel->add_rows(g->n, 1, sums.own, g->n, sums.total);
    return CLH_OK;
}

/* The sums of slot s, where each has its own. */
static clh_real *sums_of(const gradient_job *job, size_t slot)
{
    return slot == 0 || !job->gradient ? job->gradient : job->g->slot + (slot - 1) * job->g->n;
}

static clh_status run_slot(void *context, size_t slot, size_t worker, clh_error *err)
{
    const gradient_job *job = context;
    clh_real *sums = sums_of(job, slot);
    return add_slot(job, slot, &job->g->room[worker], (slot_sums){sums, sums}, err);
}

/* The slots of a chain in order: the first makes its total. */
static clh_status run_chain(void *context, size_t chain, size_t worker, clh_error *err)
{
    const gradient_job *job = context;
    const general *g = job->g;
    const size_t used = clh_gradient_slots(job->batch->count), chains = chains_of(used);
    const size_t first = chain_begin(used, chain), end = chain_begin(used, chain + 1);
    clh_real *total = sums_of(job, chain);
    clh_status status = CLH_OK;
    for (size_t slot = first; slot < end && !status; slot++) {
        clh_real *own = slot == first ? total : g->slot + (chains - 1 + chain) * g->n;
        status = add_slot(job, slot, &g->room[worker], (slot_sums){own, total}, err);
    }
    return status;
}

/* A piece of the chains' totals, which are made of slots first where these have sums of their own. */
static void add_up_piece(void *context, size_t piece, size_t worker)
{
    (void)worker;
    const gradient_job *job = context;
    const general *g = job->g;
    const size_t used = clh_gradient_slots(job->batch->count);
    const size_t begin = piece * PIECE, rest = g->n - begin, count = rest < PIECE ? rest : PIECE;
    for (size_t chain = 0; chain < chains_of(used); chain++) {
        const size_t first = g->by_chains ? chain : chain_begin(used, chain);
        clh_real *total = sums_of(job, first) + begin;
        const size_t more = chain_begin(used, chain + 1) - chain_begin(used, chain) - 1;
        if (!g->by_chains && more > 0)
            g->kernel->add_rows(count, more, sums_of(job, first + 1) + begin, g->n, total);
        if (chain > 0)
            g->kernel->add_rows(count, 1, total, g->n, job->gradient + begin);
    }
}

static clh_status run_slots(gradient_job *job, clh_loss_sum *sum, clh_error *err)
{
    const general *g = job->g;
    const size_t used = clh_gradient_slots(job->batch->count);
    assert(g->slots >= 1 && job->batch->count >= 1 && sum);
    const bool chains = job->gradient && g->by_chains;
    const clh_status status = clh_pool_try(g->pool, chains ? chains_of(used) : used,
                                           chains ? run_chain : run_slot, job, err);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < used; s++)
        clh_loss_sum_add(sum, &g->sum[s]);
    return status;
}

static void renew_part(void *context, size_t part, size_t worker)
{
    (void)worker;
    const general *g = context;
    clh_packed_weights_renew(&g->weights, g->model, part, g->rooms);
}

static void renew_weights(general *g)
{
    clh_pool_run(g->pool, g->rooms, renew_part, g);
}

static clh_status general_gradient(void *state, const clh_batch *batch, clh_real *gradient,
                                   clh_loss_sum *sum, clh_error *err)
{
    general *g = state;
    assert(g && batch && gradient);
    gradient_job job = {g, batch, gradient};
    renew_weights(g);
    const clh_status status = run_slots(&job, sum, err);
    if (!status && clh_gradient_slots(batch->count) > 1)
        clh_pool_run(g->pool, (g->n + PIECE - 1) / PIECE, add_up_piece, &job);
    return status;
}

static clh_status general_forward(void *state, const clh_batch *batch, clh_loss_sum *sum,
                                  clh_error *err)
{
    assert(state && batch);
    gradient_job job = {state, batch, NULL};
    renew_weights(state);
    return run_slots(&job, sum, err);
}

/* ---- The losses of sequences -------------------------------------------------------------------
 */

typedef struct losses_job {
    const general *g;
    const clh_batch *batch;
    clh_loss_sum *sum;
    double *per_position;
    size_t positions, together;        /* sequences that go together */
    const clh_packed_weights *weights; /* NULL where they are too few for a copy */
} losses_job;

static clh_status look_at(void *context, size_t block, size_t worker, clh_error *err)
{
    const losses_job *job = context;
    clh_passes *passes = &job->g->room[worker].passes;
    const size_t begin = block * job->together, rest = job->batch->count - begin;
    const size_t count = rest < job->together ? rest : job->together;
    clh_status status = CLH_OK;
    clh_passes_clear(passes);
    passes->weights = job->weights;
    for (size_t b = begin; b < begin + count && !status; b++) {
        double *row = job->per_position + b * job->positions;
        job->sum[b] = (clh_loss_sum){0};
        for (size_t p = 0; p < job->positions; p++)
            row[p] = NAN;
        status = clh_passes_add(passes, &job->batch->sequence[b], &job->sum[b], row, err);
    }
    if (status)
        return status;
    clh_passes_losses(passes);
    for (size_t i = 0; i < count; i++)
        if (!clh_passes_sound(passes, i))
            job->sum[begin + i].loss = NAN; /* of numbers that came out of an infinity */
    return CLH_OK;
}

static clh_status general_losses(void *state, const clh_batch *batch, clh_loss_sum *sum,
                                 double *per_position, size_t positions, clh_error *err)
{
    enum { BLOCKS_FOR_A_COPY = 4 };
    general *g = state;
    assert(g && batch && batch->count >= 1 && sum && per_position);
    const size_t together = clh_passes_together(&g->room->passes);
    const size_t blocks = (batch->count + together - 1) / together;
    losses_job job = {.g = g,
                      .batch = batch,
                      .sum = sum,
                      .per_position = per_position,
                      .positions = positions,
                      .together = together};
    if (blocks >= BLOCKS_FOR_A_COPY) {
        renew_weights(g);
        job.weights = &g->weights;
    }
    return clh_pool_try(g->pool, blocks, look_at, &job, err);
}

const clh_backend clh_general_backend = {
    .name = "general",
    .fits = general_fits,
    .bytes = general_bytes,
    .open = general_open,
    .gradient = general_gradient,
    .forward = general_forward,
    .losses = general_losses,
    .close = general_close,
};
