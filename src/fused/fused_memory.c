/* What the fused backend holds, and where a batch lies in it. */
#include "fused/fused_memory.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "model/memory/tensors.h"

/* More tokens would make tables of tokens by tokens that cost more than they save; more positions
 * need more memory than there is, and counting how much would take long. */
enum { TOKENS_MOST = 256, POSITIONS_MOST = 1 << 24 };

/* The parameters that the algebra is about: field of clh_fused_weights, row of layout.def. */
/* clang-format off */
#define EACH_WEIGHT(W) \
    W(W_E, W_E) W(W_pos, W_POS) W(ln1_w, LN1_W) W(ln1_b, LN1_B) \
    W(W_Q, W_Q) W(W_K, W_K) W(W_V, W_V) W(b_Q, B_Q) W(b_K, B_K) W(b_V, B_V) W(W_O, W_O) W(b_O, B_O) \
    W(ln_final_w, LN_FINAL_W) W(ln_final_b, LN_FINAL_B) W(W_U, W_U) W(b_U, B_U)
/* clang-format on */

/* Whether the model has no parameter but these, and no hook point that waits for a setting. */
static bool knows_all(const clh_model_config *c)
{
#define KNOWN(field, id) [CLH_P_##id] = true,
    static const bool known[CLH_P_COUNT] = {EACH_WEIGHT(KNOWN)};
#undef KNOWN
    clh_model_config on = *c;
    const char *setting;
    bool all = true;
    for (clh_row_place at = clh_layout_first(&clh_layout_params, c); at.row;
         at = clh_layout_next(&clh_layout_params, c, at))
        all = all && known[at.id];
    for (clh_row_place at = clh_layout_first(&clh_layout_acts, c); at.row;
         at = clh_layout_next(&clh_layout_acts, c, at))
        all = all && !clh_when_switch(at.row->when, &on, &setting);
    return all;
}

bool clh_fused_fits(const clh_model_config *c, const clh_backend_use *use)
{
    assert(c && use);
    return c->d_vocab <= TOKENS_MOST && c->n_layers == 1 && c->attn_only &&
           c->positional_embedding_type == CLH_POSITIONS_STANDARD &&
           c->attention_dir == CLH_ATTENTION_CAUSAL && !c->final_rms && !c->tie_word_embeddings &&
           c->normalization_type == CLH_NORM_LN && use->length <= c->n_ctx &&
           use->d_vocab <= c->d_vocab && use->d_vocab <= c->d_vocab_out && knows_all(c);
}

static size_t rounded(size_t n)
{
    return (n + CLH_LANES - 1) / CLH_LANES * CLH_LANES;
}

static clh_fused_size size_of(const clh_model_config *c, size_t length)
{
    const size_t d_attn = c->n_heads * c->d_head;
    return (clh_fused_size){.d_model = c->d_model,
                            .d_attn = d_attn,
                            .d_qkv = 3 * d_attn,
                            .d_vocab = c->d_vocab,
                            .d_vocab_out = c->d_vocab_out,
                            .d_logits = c->d_vocab_out - 1,
                            .K_stride = rounded(d_attn + c->d_vocab_out - 1),
                            .pos = length > 1 ? length - 1 : 1,
                            .n_heads = c->n_heads,
                            .d_head = c->d_head};
}

/* ---- Shapes of a batch
 * ---------------------------------------------------------------------------- */

/* As few blocks as can be, and nearly even; TILE rows go through a product together. */
static size_t block_of(size_t queries)
{
    enum { TILE = 6 };
    const size_t blocks = (queries + CLH_FUSED_BLOCK - 1) / CLH_FUSED_BLOCK;
    return (queries + blocks * TILE - 1) / (blocks * TILE) * TILE;
}

/* With at and across NULL only counts. */
static clh_fused_shape shape_of(const clh_fused_size *size, size_t used, size_t first,
                                size_t positions, size_t *at, size_t *across)
{
    clh_fused_shape s = {
        .used = used, .first = first, .positions = positions, .at = at, .across = across};
    s.sources = 1 + used + positions;
    s.columns = size->d_qkv + size->d_attn + size->d_logits + 1 + used;
    s.stride = rounded(s.columns);
    s.g_stride = rounded(s.columns - 2 * size->d_attn);
    s.lead = rounded(used);
    s.span = s.lead + rounded(positions);
    s.block = block_of(positions - first);
    s.blocks = (positions - first + s.block - 1) / s.block;
    for (size_t k = 0; k < s.blocks; k++) {
        const size_t end = clh_fused_block_end(&s, k, positions), width = s.lead + rounded(end);
        if (at) {
            at[k] = s.parts;
            across[k] = width;
        }
        s.parts += (end - clh_fused_block_begin(&s, k)) * width;
    }
    return s;
}

void clh_fused_shape_set(clh_fused *f, size_t used, size_t first, size_t positions)
{
    assert(used <= f->size.d_vocab && first < positions && positions <= f->size.pos);
    f->shape = shape_of(&f->size, used, first, positions, f->shape.at, f->shape.across);
}

/* No batch takes more of anything. Blocks that begin later can end later, by less than a block. */
static clh_fused_shape shape_most(const clh_fused_size *size)
{
    clh_fused_shape most = shape_of(size, size->d_vocab, 0, size->pos, NULL, NULL);
    most.parts += size->pos * rounded(CLH_FUSED_BLOCK);
    return most;
}

/* Pieces of one stretch of memory, each from a line of the cache on; without memory only counted.
 */
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

static size_t cut_sums(const clh_fused_size *s, const clh_fused_shape *shape, clh_fused_sums *sums)
{
    cutter c = {.memory = sums->memory};
    sums->b_V = cut(&c, 1, s->d_attn);
    sums->u_bias = cut(&c, 1, s->d_vocab_out);
    sums->norm = cut(&c, 1, shape->sources);
    sums->key_bias = cut(&c, shape->sources, s->n_heads);
    sums->Y = cut(&c, 1 + shape->used, shape->g_stride);
    sums->parts = cut(&c, s->n_heads * shape->used, shape->span);
    sums->K = cut(&c, s->d_attn, s->d_attn + s->d_logits);
    return c.overflow ? SIZE_MAX : c.used;
}

static size_t cut_rows_sums(const clh_fused_size *s, const clh_fused_shape *shape,
                            clh_fused_rows_sums *sums)
{
    cutter c = {.memory = sums->memory};
    sums->Y = cut(&c, shape->sources, shape->g_stride);
    sums->parts = cut(&c, s->n_heads, shape->parts);
    return c.overflow ? SIZE_MAX : c.used;
}

void clh_fused_sums_place(const clh_fused *f, clh_fused_sums *sums)
{
    assert(f && sums && sums->memory);
    (void)cut_sums(&f->size, &f->shape, sums);
    memset(sums->memory, 0, (size_t)(sums->K - sums->memory) * sizeof *sums->memory);
    sums->fresh = true;
    sums->loss = (clh_loss_sum){0};
}

void clh_fused_rows_sums_place(const clh_fused *f, clh_fused_rows_sums *sums)
{
    assert(f && sums && sums->memory);
    (void)cut_rows_sums(&f->size, &f->shape, sums);
    sums->fresh = true;
}

size_t clh_fused_sums_count(const clh_fused *f)
{
    assert(f);
    clh_fused_sums none = {0};
    return cut_sums(&f->size, &f->shape, &none);
}

size_t clh_fused_rows_sums_count(const clh_fused *f)
{
    assert(f);
    clh_fused_rows_sums none = {0};
    return cut_rows_sums(&f->size, &f->shape, &none);
}

/* ---- Opening
 * -------------------------------------------------------------------------------------- */

static void cut_tables(cutter *c, const clh_fused_size *s, const clh_fused_shape *most,
                       clh_fused_tables *t)
{
    const size_t before = s->d_qkv + s->d_attn + s->d_logits;
    t->M = cut(c, s->d_model, most->stride);
    t->M_t = cut(c, before + most->sources, s->d_model);
    t->bias = cut(c, 1, s->d_qkv);
    t->u_bias = cut(c, 1, s->d_vocab_out);
    t->g_bias = cut(c, 1, s->d_qkv);
    t->square = cut(c, 1, most->sources);
    t->Y = cut(c, most->sources, most->stride);
    t->K = cut(c, s->d_attn, s->K_stride);
    t->WU_t = cut(c, s->d_logits, s->d_attn);
    t->key_bias = cut(c, most->sources, s->n_heads);
    t->keys_t = cut(c, s->d_attn, most->span);
    t->token_parts = cut(c, s->n_heads * s->d_vocab, most->span);
    t->parts = cut(c, s->n_heads, most->parts);
    t->g_qk = cut(c, most->sources, 2 * s->d_attn);
    t->g_right = cut(c, 1 + s->d_vocab, s->d_model);
    if (c->memory) {
        t->W_O = t->M_t + s->d_qkv * s->d_model;
        t->U_t = t->W_O + s->d_attn * s->d_model;
        t->X = t->U_t + s->d_logits * s->d_model;
    }
}

static size_t kept_of(const clh_fused_size *s)
{
    return s->pos < CLH_FUSED_KEPT ? s->pos : CLH_FUSED_KEPT;
}

static void cut_room(cutter *c, const clh_fused_size *s, const clh_fused_shape *most,
                     clh_fused_room *room)
{
    room->inverse = cut(c, 1, s->pos);
    room->along = cut(c, 1, s->pos);
    room->values = cut(c, s->pos, s->d_attn);
    room->values_t = cut(c, s->d_attn, rounded(s->pos));
    room->bias = cut(c, s->n_heads, s->pos);
    room->sum = cut(c, s->n_heads, s->pos);
    room->sum_along = cut(c, s->n_heads, s->pos);
    room->scores = cut(c, s->n_heads, CLH_FUSED_BLOCK * most->span);
    room->pattern = cut(c, s->n_heads, CLH_FUSED_BLOCK * most->span);
    room->g_pattern = cut(c, CLH_FUSED_BLOCK, most->span);
    room->kind = cut(c, CLH_FUSED_BLOCK, most->lead);
    room->g_kind = cut(c, CLH_FUSED_BLOCK, most->lead);
    room->one_hot = cut(c, s->pos, most->lead);
    room->g_values = cut(c, s->pos, s->d_attn);
    room->z = cut(c, kept_of(s), s->d_attn);
    room->g_z = cut(c, kept_of(s), s->d_attn);
    room->logits = cut(c, CLH_ROWS_TOGETHER, s->d_vocab_out);
    room->square = cut(c, 1, CLH_FUSED_BLOCK);
    room->g_square = cut(c, 1, s->pos);
    room->row = cut(c, kept_of(s), s->K_stride);
}

/* To add up rows, of positions or of tokens. */
static size_t ones_of(const clh_fused_size *s)
{
    return s->pos > s->d_vocab ? s->pos : s->d_vocab;
}

/* Sums of positions: the run's and each other slot's. A batch of fewer sequences takes no more. */
static size_t rows_sums_of(const clh_fused *f)
{
    return f->slots ? 1 + f->slots - clh_fused_run_of(f, f->batch_most) : 0;
}

/* All of its numbers; `f` has arrays for slots and workers, or only counts. A batch with
 * fewer tokens or positions takes less of each. */
static void cut_all(cutter *c, clh_fused *f)
{
    const clh_fused_shape most = shape_most(&f->size);
    clh_fused_sums no_sums = {0};
    clh_fused_rows_sums no_rows = {0};
    clh_fused_room no_room = {0};
    const size_t of_sums = cut_sums(&f->size, &most, &no_sums);
    const size_t of_rows = cut_rows_sums(&f->size, &most, &no_rows);
    cut_tables(c, &f->size, &most, &f->tables);
    f->ones = cut(c, 1, ones_of(&f->size));
    for (size_t i = 0; i < f->slots; i++) {
        clh_real *memory = cut(c, 1, of_sums);
        if (f->sums)
            f->sums[i].memory = memory;
    }
    for (size_t i = 0; i < rows_sums_of(f); i++) {
        clh_real *memory = cut(c, 1, of_rows);
        if (f->of_positions)
            f->of_positions[i].memory = memory;
    }
    for (size_t i = 0; i < f->workers; i++)
        cut_room(c, &f->size, &most, f->room ? &f->room[i] : &no_room);
}

size_t clh_fused_run_of(const clh_fused *f, size_t count)
{
    assert(f && f->slots >= 1 && f->workers >= 1 && count >= 1);
    return count > f->slots ? 1 : (count + f->workers - 1) / f->workers;
}

size_t clh_fused_bytes(const clh_model_config *config, const clh_backend_use *use, size_t threads)
{
    clh_fused f = {.size = size_of(config, use->length),
                   .batch_most = use->batch,
                   .slots = clh_gradient_slots(use->batch),
                   .workers = threads};
    cutter count = {0};
    size_t bytes;
    if (f.size.pos > POSITIONS_MOST)
        return SIZE_MAX;
    cut_all(&count, &f);
    return !count.overflow && clh_mul_ok(count.used, sizeof(clh_real), &bytes) ? bytes : SIZE_MAX;
}

static clh_fused_weights weights_of(const clh_model *model)
{
#define AT(field, id) .field = clh_model_param(model, CLH_P_##id, 0).data,
    return (clh_fused_weights){EACH_WEIGHT(AT)};
#undef AT
}

/* Numbers of tokens: the tables' two [d_vocab], each worker's two [pos] and two [d_vocab]. */
static clh_status allocate_numbers(clh_fused *f, clh_error *err)
{
    const size_t d_vocab = f->size.d_vocab, pos = f->size.pos;
    f->numbers = clh_alloc_array(f->workers + 1, 2 * (d_vocab + pos) * sizeof *f->numbers, err);
    f->offsets = clh_alloc_array(2, (pos / CLH_FUSED_BLOCK + 1) * sizeof *f->offsets, err);
    if (!f->numbers || !f->offsets)
        return CLH_ENOMEM;
    f->tables.token_of = f->numbers;
    f->tables.row_of = f->numbers + d_vocab;
    for (size_t i = 0; i < f->workers; i++) {
        f->room[i].kind_row = f->numbers + 2 * d_vocab + i * 2 * (d_vocab + pos);
        f->room[i].kind_of = f->room[i].kind_row + d_vocab;
        f->room[i].of = f->room[i].kind_of + d_vocab;
        f->room[i].number = f->room[i].of + pos;
    }
    f->shape.at = f->offsets;
    f->shape.across = f->offsets + pos / CLH_FUSED_BLOCK + 1;
    return CLH_OK;
}

static clh_status allocate(clh_fused *f, clh_error *err)
{
    cutter c = {0};
    cut_all(&c, f);
    if (c.overflow)
        return clh_fail(err, CLH_ENOMEM, "this model cannot be addressed");
    f->sums = clh_alloc_zeroed(f->slots + 1, sizeof *f->sums, err);
    f->of_positions = clh_alloc_zeroed(f->slots + 1, sizeof *f->of_positions, err);
    f->room = clh_alloc_zeroed(f->workers, sizeof *f->room, err);
    f->memory = clh_alloc_array(c.used, sizeof *f->memory, err);
    if (!f->sums || !f->of_positions || !f->room || !f->memory || allocate_numbers(f, err))
        return CLH_ENOMEM;
    c = (cutter){.memory = f->memory};
    cut_all(&c, f);
    for (size_t i = 0; i < ones_of(&f->size); i++)
        f->ones[i] = 1;
    return CLH_OK;
}

clh_status clh_fused_open(void **state, const clh_model *model, const clh_backend_use *use,
                          clh_pool *pool, clh_error *err)
{
    assert(state && model && use && clh_fused_fits(clh_model_get_config(model), use));
    const clh_model_config *c = clh_model_get_config(model);
    clh_fused *f = clh_alloc_zeroed(1, sizeof *f, err);
    if (!f)
        return CLH_ENOMEM;
    *f = (clh_fused){.model = model,
                     .kernel = clh_kernels_best(),
                     .pool = pool,
                     .size = size_of(c, use->length),
                     .weights = weights_of(model),
                     .eps = c->eps,
                     .attn_scale = c->use_attn_scale ? c->attn_scale : 1,
                     .batch_most = use->batch,
                     .slots = clh_gradient_slots(use->batch),
                     .workers = clh_pool_size(pool)};
    clh_status status = allocate(f, err);
    if (status)
        clh_fused_close(f);
    else
        *state = f;
    return status;
}

void clh_fused_close(void *state)
{
    clh_fused *f = state;
    if (!f)
        return;
    clh_free(f->offsets);
    clh_free(f->numbers);
    clh_free(f->memory);
    clh_free(f->room);
    clh_free(f->of_positions);
    clh_free(f->sums);
    clh_free(f);
}
