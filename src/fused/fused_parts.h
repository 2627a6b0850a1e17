/** What the files of the fused path share: the step's tables, a slot's sums, a worker's room.
 *  fused.h has the algebra and the names.
 */
#ifndef CLH_FUSED_PARTS_H
#define CLH_FUSED_PARTS_H

#include "fused/fused.h"
#include "math/kernels.h"

/** Queries a block has at most, a multiple of the products' tiles; rows of z and what follows that a
 *  sequence keeps until they are added to the sums: one chain of a product (CLH_GEMM_BLOCK). */
enum { CLH_FUSED_BLOCK = 48, CLH_FUSED_KEPT = 256 };

/** Sizes: D d_model, A = heads * d_head, N = 3 A, V d_vocab, O d_vocab_out, U = O - 1, R = A + U
 *  rounded up, between rows of K and of z K; T positions computed. */
typedef struct clh_fused_size {
    size_t D, A, N, V, O, U, R, T, heads, d_head;
} clh_fused_size;

/** Where a parameter lies in clh_model_data() and in a gradient. */
typedef struct clh_fused_weights {
    const clh_real *W_E, *W_pos, *w, *b, *W_Q, *W_K, *W_V, *b_Q, *b_K, *b_V, *W_O, *b_O, *w_f, *b_f,
        *W_U, *b_U;
} clh_fused_weights;

/** Tokens are numbered 0 … used-1 in order of appearance in the batch. Sources of the residual
 *  stream are b_O, then tokens, then positions: rows of X and Y.
 *
 *  Square tables over queries and keys ("parts") are in two: the tokens' rows, [heads, used, span],
 *  and the positions' rows, [heads, parts], in blocks that are as wide as their last query needs:
 *  row i of block k is `across[k]` long. Columns are tokens, from `lead` on positions; of
 *  positions' rows only those from `first` on are asked. */
typedef struct clh_fused_shape {
    size_t used, positions; /**< rows this batch has */
    size_t sources;         /**< 1 + used + positions */
    size_t columns;         /**< of M and Y that count: N + A + U + 1 + used */
    size_t stride;          /**< of M and Y */
    size_t g_stride;        /**< of the gradient of Y but its q and k columns */
    size_t lead, span;      /**< lead >= used, span = lead + (positions rounded up) */
    size_t first;           /**< the first position anybody asks: block 0 begins there */
    size_t block, blocks;   /**< queries in a block of positions, blocks */
    size_t *at, *across;    /**< [blocks]: a block's first number in parts, its rows' length */
    size_t parts;           /**< numbers of a head's positions' rows */
} clh_fused_shape;

/** Made once a step from the weights. */
typedef struct clh_fused_tables {
    uint32_t *token_of; /**< [V] */
    uint32_t *row_of;   /**< [V] */
    clh_real *M;        /**< [D, stride]: W' | W_O^T | U' | b_O | E^T, the products wanted */
    clh_real *M_t; /**< [columns, D] its transpose, and behind it P: [N + A + U + sources, D] */
    clh_real *W_O, *U_t, *X; /**< rows in M_t: W_O [A, D], U'^T [U, D], X [sources, D] */
    clh_real *bias, *u_bias; /**< b' [N], u' [O] */
    clh_real *g_bias;        /**< gradient of b' [N] */
    clh_real *square;        /**< |X|^2 [sources] */
    clh_real *Y;             /**< X M [sources, stride] */
    clh_real *K, *WU_t;      /**< W_O [W_O^T U'] [A, R], its U' part transposed [U, A] */
    clh_real *key_bias;      /**< b_Q . Y_k / scale [sources, heads] */
    clh_real *keys_t;        /**< Y_k transposed [heads, d_head, span] */
    clh_real *token_parts;   /**< Y_q Y_k^T / scale of tokens' rows [heads, used, span] */
    clh_real *parts;         /**< of positions' rows [heads, parts] */
    clh_real *g_qk;          /**< gradient of the q and k columns of Y [sources, 2 A] */
    clh_real *g_right;       /**< gradients of rows of E and b_O on their way [1 + V, D] */
} clh_fused_tables;

/** Sums of rows of positions, most of what a sequence adds to. It adds to each number once, so
 *  slots of one sequence that one worker runs in turn may share one of these ("a run"): it ends as
 *  sums of their own, added up in order, would. */
typedef struct clh_fused_rows_sums {
    clh_real *memory;
    clh_real *Y;     /**< gradient of Y but its q and k columns [sources, g_stride]; rows of o and
                      tokens get there last of all */
    clh_real *parts; /**< [heads, parts] */
    bool fresh;      /**< no sequence has written yet: they hold nothing */
} clh_fused_rows_sums;

/** Sums over the sequences of a slot, then of all slots (in the first): one stretch of memory. */
typedef struct clh_fused_sums {
    clh_real *memory;
    clh_real *b_V, *u_bias; /**< [A], [O] */
    clh_real *norm;         /**< factor of X in its own gradient [sources] */
    clh_real *key_bias;     /**< [sources, heads] */
    clh_real *Y;            /**< as in clh_fused_rows_sums, of o and tokens [1 + used, g_stride] */
    clh_real *parts;        /**< of tokens [heads, used, span] */
    clh_real *K;            /**< [A, A + U], of the first A columns the lower half */
    bool fresh;             /**< no sequence has written yet: K holds nothing */
    clh_fused_rows_sums *of_positions;
    clh_loss_sum loss;
} clh_fused_sums;

/** Room for one sequence. */
typedef struct clh_fused_room {
    uint32_t *of;                 /**< a position's kind of token [T] */
    uint32_t *number;             /**< a position's token, by the batch's number [T] */
    uint32_t *kind_row, *kind_of; /**< the batch's number of a kind, and back [V] */
    clh_real *inverse;            /**< 1 / s of the first norm [T] */
    clh_real *along;              /**< gradient of log(1 / s) [T] */
    clh_real *values;             /**< v [T, A] */
    clh_real *values_t;           /**< [A, T rounded up] */
    clh_real *bias;               /**< b_Q . k of a head [T] */
    clh_real *sum, *sum_along;    /**< of a head's keys [T] */
    clh_real *scores, *pattern;   /**< [heads, parts] */
    clh_real *g_pattern;          /**< [block, span] */
    clh_real *kind, *g_kind;      /**< [block, lead] */
    clh_real *one_hot;            /**< of the keys' kinds [T, V] */
    clh_real *g_values;           /**< [T, A] */
    clh_real *z, *g_z;            /**< of the rows kept [CLH_FUSED_KEPT, A] */
    clh_real *logits;             /**< [CLH_ROWS_TOGETHER, O] */
    clh_real *square;             /**< of tp + b_O in the last norm [block] */
    clh_real *g_square;           /**< gradient of |x|^2 of the last norm [T] */
    clh_real *row;                /**< of the rows kept: z [W_O W_O^T, W_O U'], then its gradient
                        [CLH_FUSED_KEPT, R] */
} clh_fused_room;

typedef struct clh_fused {
    const clh_model *model;
    const clh_kernels *kernel;
    clh_pool *pool;
    clh_fused_size size;
    clh_fused_shape shape;
    clh_fused_weights weights;
    double eps, attn_scale;
    size_t batch_most, slots, workers;
    size_t run; /**< slots, from the first on, that share their sums of positions */
    clh_fused_tables tables;
    clh_fused_sums *sums;              /**< [slots] */
    clh_fused_rows_sums *of_positions; /**< the run's, then one for each other slot */
    clh_fused_room *room;              /**< [workers] */
    clh_real *ones;                    /**< of 1, [T] and [V] */
    clh_real *memory;
    uint32_t *numbers;
    size_t *offsets;
    const clh_batch *batch; /**< the one at hand */
    clh_real unit;          /**< what o, E, P and W_O are multiplied by in X and M */
    double unit_eps;        /**< eps in that unit */
    clh_real *gradient;
} clh_fused;

/** The row of the table of backends (model/backend.h) but its two ways to compute (fused.c). */
bool clh_fused_fits(const clh_model_config *config, const clh_backend_use *use);
size_t clh_fused_bytes(const clh_model_config *config, const clh_backend_use *use, size_t threads);
clh_status clh_fused_open(void **state, const clh_model *model, const clh_backend_use *use,
                          clh_pool *pool, clh_error *err);
void clh_fused_close(void *state);

/** Columns of M and Y. In the gradient of Y, which has no q and k columns, 2 A less. */
static inline size_t clh_fused_column_O(const clh_fused *f)
{
    return f->size.N;
}
static inline size_t clh_fused_column_U(const clh_fused *f)
{
    return f->size.N + f->size.A;
}
static inline size_t clh_fused_column_X(const clh_fused *f)
{
    return f->size.N + f->size.A + f->size.U;
}

/** Row of X and Y of the batch's token number `row`, and of a position. */
static inline size_t clh_fused_token(size_t row)
{
    return 1 + row;
}
static inline size_t clh_fused_position(const clh_fused *f, size_t p)
{
    return 1 + f->shape.used + p;
}

/** Queries [begin, end) of a block. */
static inline size_t clh_fused_block_begin(const clh_fused_shape *s, size_t block)
{
    return s->first + block * s->block;
}
static inline size_t clh_fused_block_end(const clh_fused_shape *s, size_t block, size_t positions)
{
    const size_t end = s->first + (block + 1) * s->block;
    return end < positions ? end : positions;
}

/** Where parts of scores begin: of a token's row among the tokens', of a position's row among the
 *  positions'. */
static inline size_t clh_fused_token_part(const clh_fused *f, size_t head, size_t row)
{
    return (head * f->shape.used + row) * f->shape.span;
}
static inline size_t clh_fused_position_part(const clh_fused *f, size_t head, size_t p)
{
    const clh_fused_shape *s = &f->shape;
    const size_t k = (p - s->first) / s->block;
    return head * s->parts + s->at[k] + (p - clh_fused_block_begin(s, k)) * s->across[k];
}

/** A piece of a stage's work. */
typedef void clh_fused_piece(clh_fused *f, size_t piece);

/** One kind of work of a stage: `pieces` pieces that may run at once with all others. */
typedef struct clh_fused_job {
    clh_fused_piece *run;
    size_t pieces;
} clh_fused_job;

/** Run all pieces of all jobs in the pool. */
void clh_fused_run(clh_fused *f, const clh_fused_job *jobs, size_t count);

/** Number the batch's tokens and make the tables from the weights. */
void clh_fused_tables_make(clh_fused *f);

/** Where a batch of `used` tokens and `positions`, asked from `first` on, has its rows; blocks of
 *  queries. */
void clh_fused_shape_set(clh_fused *f, size_t used, size_t first, size_t positions);

/** The run of a batch of `count` sequences: a worker's share of the slots, the first one's where a
 *  slot has several. */
size_t clh_fused_run_of(const clh_fused *f, size_t count);

/** Lay sums out for this batch; what is added to begins as 0. */
void clh_fused_sums_place(const clh_fused *f, clh_fused_sums *sums);
void clh_fused_rows_sums_place(const clh_fused *f, clh_fused_rows_sums *sums);

/** Numbers of this batch's sums, from their memory's first on. */
size_t clh_fused_sums_count(const clh_fused *f);
size_t clh_fused_rows_sums_count(const clh_fused *f);

/** One sequence's view of the work: rows r are positions, `first` is the first query that counts,
 *  length the positions that anybody reads. */
typedef struct clh_fused_work {
    const clh_fused *f;
    const clh_fused_room *room;
    clh_fused_sums *sums;
    const clh_sequence *sequence;
    size_t length, first, rows; /**< rows = length - first */
    size_t kept;                /**< the first position whose rows of z and so on the room has */
    size_t kinds;               /**< different tokens among the positions */
    size_t kind_stride;         /**< between rows of one_hot and g_kind */
} clh_fused_work;

/** Loss, and its way back added to `sums`, of one sequence. */
void clh_fused_sequence(const clh_fused *f, const clh_sequence *sequence, clh_fused_sums *sums,
                        const clh_fused_room *room);

/** Loss of one sequence; row per_position as in clh_backend.losses(). */
void clh_fused_sequence_loss(const clh_fused *f, const clh_sequence *sequence,
                             const clh_fused_room *room, clh_loss_sum *sum, double *per_position,
                             size_t positions);

/** Queries [begin, end) of block k that count. */
typedef struct clh_fused_queries {
    size_t begin, end;
} clh_fused_queries;
clh_fused_queries clh_fused_block(const clh_fused_work *work, size_t k);
size_t clh_fused_block_first(const clh_fused_work *work);
size_t clh_fused_blocks(const clh_fused_work *work);

/** Attention of a sequence: begin, then block by block z of its queries from the parts of their
 *  scores and the values, and back, from the gradient of z to that of the parts (into the sums) and
 *  of the values; then end, for what all queries' keys got. */
void clh_fused_attend_begin(const clh_fused_work *work);
void clh_fused_attend(const clh_fused_work *work, size_t k);
void clh_fused_attend_backward(const clh_fused_work *work, size_t k);
void clh_fused_attend_end(const clh_fused_work *work);

/** z of a position that is kept, and its gradient; row of `row`. */
static inline clh_real *clh_fused_z(const clh_fused_work *w, size_t p)
{
    return w->room->z + (p - w->kept) * w->f->size.A;
}
static inline clh_real *clh_fused_g_z(const clh_fused_work *w, size_t p)
{
    return w->room->g_z + (p - w->kept) * w->f->size.A;
}
static inline clh_real *clh_fused_row(const clh_fused_work *w, size_t p)
{
    return w->room->row + (p - w->kept) * w->f->size.R;
}

/** From the sums of all slots to the gradient of every parameter. */
void clh_fused_tables_backward(clh_fused *f);

#endif
