#include "train/fused.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "train/fused_parts.h"

bool clh_fused_applies(const clh_model_config *c)
{
    return c->n_layers == 1 && c->attn_only && c->normalization_type == CLH_NORM_LN &&
           !c->use_attn_result && !c->use_attn_in && !c->use_split_qkv_input && !c->use_hook_tokens;
}

static clh_fused_size size_of(const clh_model_config *c, size_t length)
{
    const size_t A = c->n_heads * c->d_head;
    return (clh_fused_size){.D = c->d_model,
                            .A = A,
                            .N = 3 * A,
                            .V = c->d_vocab,
                            .O = c->d_vocab_out,
                            .T = length > 1 ? length - 1 : 1,
                            .heads = c->n_heads,
                            .d_head = c->d_head};
}

/* Hands out pieces of one allocation, or (memory NULL) only counts them. Each starts on a line of
 * the cache. */
typedef struct cutter {
    clh_real *memory;
    size_t used;
    bool overflow;
} cutter;

static clh_real *cut(cutter *c, size_t rows, size_t columns)
{
    size_t count, at = c->used;
    if (!clh_mul_ok(rows, columns, &count) || !clh_add_ok(count, CLH_LANES - 1, &count) ||
        !clh_add_ok(c->used, count / CLH_LANES * CLH_LANES, &c->used))
        c->overflow = true;
    return c->memory ? c->memory + at : NULL;
}

static void cut_tables(cutter *c, const clh_fused_size *s, clh_fused_tables *t)
{
    t->W = cut(c, s->D, s->N);
    t->W_t = cut(c, s->N, s->D);
    t->bias = cut(c, 1, s->N);
    t->U = cut(c, s->D, s->O);
    t->U_t = cut(c, s->O, s->D);
    t->u_bias = cut(c, 1, s->O);
    t->W_O_t = cut(c, s->D, s->A);
    t->E = cut(c, s->V, s->D);
    t->P = cut(c, s->T, s->D);
    t->E_square = cut(c, 1, s->V);
    t->P_square = cut(c, 1, s->T);
    t->EW = cut(c, s->V, s->N);
    t->PW = cut(c, s->T, s->N);
}

/* One stretch, so that slots are added up in one go. */
static void cut_sums(cutter *c, const clh_fused_size *s, clh_fused_sums *sums)
{
    sums->bias = cut(c, 1, s->N);
    sums->u_bias = cut(c, 1, s->O);
    sums->b_O = cut(c, 1, s->D);
    sums->W_O = cut(c, s->A, s->D);
    sums->U = cut(c, s->D, s->O);
    sums->PW = cut(c, s->T, s->N);
    sums->P = cut(c, s->T, s->D);
    sums->EW = cut(c, s->V, s->N + s->D); /* divided between EW and E batch by batch */
}

enum { BLOCK_MOST = 48 };

static void cut_room(cutter *c, const clh_fused_size *s, clh_fused_room *room)
{
    size_t all_heads = 0;
    if (!clh_mul_ok(s->T, s->heads, &all_heads))
        c->overflow = true;
    room->qkv = cut(c, s->T, s->N);
    room->g_qkv = cut(c, s->T, s->N);
    room->inverse = cut(c, 1, s->T);
    room->pattern = cut(c, s->T, all_heads);
    room->g_pattern = cut(c, BLOCK_MOST, s->T);
    room->z = cut(c, s->T, s->A);
    room->g_z = cut(c, s->T, s->A);
    room->resid = cut(c, s->T, s->D);
    room->g_resid = cut(c, s->T, s->D);
    room->inverse_final = cut(c, 1, s->T);
    room->logits = cut(c, s->T, s->O);
    room->g_normalized = cut(c, s->T, s->D);
    room->turned = cut(c, s->d_head, s->T);
}

/* All of a fused path's numbers; `f` has arrays for slots and workers, or is a dummy to count with.
 */
static void cut_all(cutter *c, clh_fused *f)
{
    clh_fused_sums no_sums = {0};
    clh_fused_room no_room = {0};
    cut_tables(c, &f->size, &f->tables);
    f->ones = cut(c, 1, f->size.T);
    for (size_t i = 0; i < f->slots; i++) {
        clh_fused_sums *sums = f->sums ? &f->sums[i] : &no_sums;
        cut_sums(c, &f->size, sums);
        f->sums_fixed = c->memory ? (size_t)(sums->EW - sums->bias) : 0;
    }
    for (size_t i = 0; i < f->workers; i++)
        cut_room(c, &f->size, f->room ? &f->room[i] : &no_room);
}

size_t clh_fused_bytes(const clh_model_config *config, size_t length, size_t slots, size_t threads)
{
    clh_fused f = {.size = size_of(config, length), .slots = slots};
    cutter count = {0};
    size_t bytes;
    f.workers = threads;
    cut_all(&count, &f);
    return !count.overflow && clh_mul_ok(count.used, sizeof(clh_real), &bytes) ? bytes : SIZE_MAX;
}

static clh_fused_weights weights_of(const clh_model *model)
{
#define AT(name) clh_model_view(model, name).data
    return (clh_fused_weights){
        .W_E = AT("embed.W_E"),
        .W_pos = AT("pos_embed.W_pos"),
        .w = AT("blocks.0.ln1.w"),
        .b = AT("blocks.0.ln1.b"),
        .W_Q = AT("blocks.0.attn.W_Q"),
        .W_K = AT("blocks.0.attn.W_K"),
        .W_V = AT("blocks.0.attn.W_V"),
        .b_Q = AT("blocks.0.attn.b_Q"),
        .b_K = AT("blocks.0.attn.b_K"),
        .b_V = AT("blocks.0.attn.b_V"),
        .W_O = AT("blocks.0.attn.W_O"),
        .b_O = AT("blocks.0.attn.b_O"),
        .w_f = AT("ln_final.w"),
        .b_f = AT("ln_final.b"),
        .W_U = AT("unembed.W_U"),
        .b_U = AT("unembed.b_U"),
    };
#undef AT
}

static clh_status allocate(clh_fused *f, clh_error *err)
{
    cutter c = {0};
    cut_all(&c, f);
    if (c.overflow)
        return clh_fail(err, CLH_ENOMEM, "this model cannot be addressed");
    f->sums = clh_alloc_zeroed(f->slots, sizeof *f->sums, err);
    f->room = clh_alloc_zeroed(f->workers, sizeof *f->room, err);
    f->tables.token_of = clh_alloc_zeroed(f->size.V, sizeof *f->tables.token_of, err);
    f->tables.row_of = clh_alloc_zeroed(f->size.V, sizeof *f->tables.row_of, err);
    f->memory = clh_alloc_array(c.used, sizeof *f->memory, err);
    if (!f->sums || !f->room || !f->tables.token_of || !f->tables.row_of || !f->memory)
        return CLH_ENOMEM;
    c = (cutter){.memory = f->memory};
    cut_all(&c, f);
    for (size_t i = 0; i < f->size.T; i++)
        f->ones[i] = 1;
    return CLH_OK;
}

clh_status clh_fused_open(clh_fused **out, const clh_model *model, size_t length, size_t slots,
                          clh_pool *pool, clh_error *err)
{
    assert(out && model && slots >= 1 && clh_fused_applies(clh_model_get_config(model)));
    const clh_model_config *c = clh_model_get_config(model);
    clh_fused *f = clh_alloc_zeroed(1, sizeof *f, err);
    if (!f)
        return CLH_ENOMEM;
    const size_t threads = clh_pool_size(pool);
    *f = (clh_fused){.model = model,
                     .kernel = clh_kernels_best(),
                     .pool = pool,
                     .size = size_of(c, length),
                     .weights = weights_of(model),
                     .eps = c->eps,
                     .attn_scale = c->use_attn_scale ? c->attn_scale : 1,
                     .slots = slots,
                     .workers = threads};
    clh_status status = allocate(f, err);
    if (status)
        clh_fused_close(f);
    else
        *out = f;
    return status;
}

void clh_fused_close(clh_fused *f)
{
    if (!f)
        return;
    clh_free(f->memory);
    clh_free(f->tables.row_of);
    clh_free(f->tables.token_of);
    clh_free(f->room);
    clh_free(f->sums);
    clh_free(f);
}

static size_t sums_count(const clh_fused *f)
{
    return f->sums_fixed + f->tables.used * (f->size.N + f->size.D);
}

/* What is only ever added to starts at zero; the rest is written by the first sequence. */
static void clear_sums(const clh_fused *f, clh_fused_sums *sums)
{
    const size_t small = (size_t)(sums->W_O - sums->bias), used = f->tables.used;
    sums->E = sums->EW + used * f->size.N;
    memset(sums->bias, 0, small * sizeof *sums->bias);
    memset(sums->EW, 0, used * (f->size.N + f->size.D) * sizeof *sums->EW);
    sums->fresh = true;
    sums->loss = (clh_loss_sum){0};
}

static void run_slot(void *context, size_t slot, size_t worker)
{
    clh_fused *f = context;
    clh_fused_sums *sums = &f->sums[slot];
    clear_sums(f, sums);
    for (size_t b = slot; b < f->batch->count; b += f->slots)
        clh_fused_sequence(f, &f->batch->sequence[b], sums, &f->room[worker]);
    if (sums->fresh) /* nothing in this slot is scored */
        memset(sums->bias, 0, sums_count(f) * sizeof *sums->bias);
}

enum { PIECE = 8192 };

static void add_slots(void *context, size_t piece, size_t worker)
{
    (void)worker;
    clh_fused *f = context;
    const size_t begin = piece * PIECE, rest = sums_count(f) - begin;
    for (size_t s = 1; s < f->slots && s < f->batch->count; s++)
        f->kernel->axpy(rest < PIECE ? rest : PIECE, 1, f->sums[s].bias + begin,
                        f->sums[0].bias + begin);
}

void clh_fused_gradient(clh_fused *f, const clh_fused_batch *batch, clh_real *gradient,
                        clh_loss_sum *sum)
{
    assert(f && batch && batch->count >= 1 && gradient && sum);
    const size_t used = batch->count < f->slots ? batch->count : f->slots;
    f->batch = batch;
    f->gradient = gradient;
    clh_fused_tables_make(f);
    clh_pool_run(f->pool, used, run_slot, f);
    clh_pool_run(f->pool, (sums_count(f) + PIECE - 1) / PIECE, add_slots, f);
    clh_fused_tables_backward(f, &f->sums[0]);
    *sum = (clh_loss_sum){0};
    for (size_t s = 0; s < used; s++)
        clh_loss_sum_add(sum, &f->sums[s].loss);
}
