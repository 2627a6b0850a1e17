/** What the fused backend holds. Numbers are one allocation, made when it is opened for the largest
 *  batch that may come; a step allocates nothing and lays its batch out from the front. The algebra
 *  and its letters (X, M, Y, K) are in docs/mathematics.md, "A step, fused".
 *
 *    memory  +-- tables, made once a step from the weights --------------------------------+
 *            | M | M^T, X | b' u' | |X|^2 | Y | K | key bias | Y_k^T | parts | g_qk | …    |
 *            +-- ones, to add up rows as a product ----------------------------------------+
 *            | 1 1 1 …                                                                     |
 *            +-- sums, for each slot ------------------------------------------------------+
 *            | g_b'_V g_u' | norm | key bias | g_Y of o, tokens | g_parts of tokens | g_K  |
 *            +-- sums of positions, for the run of slots, and for each other slot ---------+
 *            | g_Y | g_parts of positions                                                  |
 *            +-- room, for each worker ----------------------------------------------------+
 *            | 1/s … | v | scores and pattern of a block | z, g_z, row of rows kept | …    |
 *            +-----------------------------------------------------------------------------+
 *
 *  each piece from a line of the processor's cache on (cut()). Beside it are `numbers`, token ids
 *  of the batch and of each worker's sequence, and `offsets`, where blocks of parts begin.
 *
 *  X, M and Y = X M. A source of the residual stream is a row of X and Y: the bias o, then the
 *  batch's `used` tokens, numbered in order of appearance, then its positions. A reader of the
 *  stream is a column of M and Y:
 *
 *                   d_qkv = 3 d_attn      d_attn  d_logits  1  used  rounded up
 *               +--------+--------+--------+--------+------+---+-------+--+
 *    M d_model  |  W'_Q  |  W'_K  |  W'_V  | W_O^T  |  U'  |o^T|  E^T  |  |  `stride` between
 *               +--------+--------+--------+--------+------+---+-------+--+  rows of M and Y
 *               +--------+--------+--------+--------+------+---+-------+--+
 *    Y o        |        |        |        | o W_O^T| o U' |o.o| o E^T |  |  row 0
 *      tokens   | E W'_Q | E W'_K | E W'_V | E W_O^T| E U' |E o| E E^T |  |  rows 1 … used
 *      positions| P W'_Q | P W'_K | P W'_V | P W_O^T| P U' |P o| P E^T |  |  … sources - 1
 *               +--------+--------+--------+--------+------+---+-------+--+
 *               |<---- g_qk ----->|<---- g_Y, `g_stride` between rows --->|
 *                                          ^ column_W_O    ^ column_X
 *                                                   ^ column_W_U
 *
 *  Once made, tokens' rows of the columns W_O and U' hold those of o too (add_b_O()). Behind M^T,
 *  whose last rows are o and E, stand the rows P: so X is there as well, `sources` rows from row
 *  d_qkv + d_attn + d_logits on.
 *
 *  Parts: what two sources make of a score before norms. A row for each query's source, a column
 *  for each key's: `lead` columns for tokens, positions behind them. Tokens' rows are [n_heads,
 *  used, span]. Positions' rows are, for each head, blocks of `block` queries from position `first`
 *  on, each as wide as its last query sees; block k begins at at[k], its rows are across[k] long:
 *
 *               0           lead                      span
 *               +-----------+--------------------------+
 *    tokens     | E_q E_k^T |         E_q P_k^T        |  span long
 *               +-----------+--------------------------+
 *               +-----------+-------+
 *    block 0    |           | . .   |                     across[0] long
 *               |           | . . . |
 *               +           +-------+-----+
 *    block 1    | P_q E_k^T | . . . .     |               across[1] long
 *               |           | . . . . .   |
 *               +           +-------------+-----+
 *    block 2    |           | . . . . . . .     |         across[2] long
 *               +-----------+-------------------+
 */
#ifndef CLH_FUSED_MEMORY_H
#define CLH_FUSED_MEMORY_H

#include "fused/fused.h"
#include "math/kernels/kernels.h"

/** Queries a block has at most, a multiple of the products' tiles; rows of z and what follows that
 *  a sequence keeps until they are added to the sums: one chain of a product (CLH_GEMM_BLOCK). */
enum { CLH_FUSED_BLOCK = 48, CLH_FUSED_KEPT = 256 };

/** Sizes of the model and of what is computed of it. */
typedef struct clh_fused_size {
    size_t d_model, n_heads, d_head, d_vocab, d_vocab_out;
    size_t d_attn;   /**< n_heads d_head: the queries, keys, values or z of all heads */
    size_t d_qkv;    /**< 3 d_attn */
    size_t d_logits; /**< d_vocab_out - 1: logits are measured against the last */
    size_t K_stride; /**< between rows of K and of z K: d_attn + d_logits rounded up */
    size_t pos; /**< positions computed at most: the last token of a sequence is read by none */
} clh_fused_size;

/** Where a parameter lies in clh_model_data() and in a gradient. */
typedef struct clh_fused_weights {
    const clh_real *W_E, *W_pos, *ln1_w, *ln1_b, *W_Q, *W_K, *W_V, *b_Q, *b_K, *b_V, *W_O, *b_O,
        *ln_final_w, *ln_final_b, *W_U, *b_U;
} clh_fused_weights;

/** A batch's rows, columns and blocks, as drawn above. */
typedef struct clh_fused_shape {
    size_t used, positions; /**< rows this batch has */
    size_t sources;         /**< 1 + used + positions */
    size_t columns;         /**< of M and Y that count: d_qkv + d_attn + d_logits + 1 + used */
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
    uint32_t *token_of;    /**< of the batch's token numbers [d_vocab] */
    uint32_t *row_of;      /**< the number of a token, UINT32_MAX: not in the batch [d_vocab] */
    clh_real *M;           /**< [d_model, stride] */
    clh_real *M_t;         /**< [columns, d_model], and behind it P */
    clh_real *W_O;         /**< rows in M_t: [d_attn, d_model], */
    clh_real *U_t;         /**< [d_logits, d_model], */
    clh_real *X;           /**< [sources, d_model] */
    clh_real *bias;        /**< b' [d_qkv] */
    clh_real *u_bias;      /**< u' [d_vocab_out] */
    clh_real *g_bias;      /**< gradient of b' [d_qkv] */
    clh_real *square;      /**< |X|^2 [sources] */
    clh_real *Y;           /**< X M [sources, stride] */
    clh_real *K;           /**< W_O [W_O^T U'] [d_attn, K_stride] */
    clh_real *WU_t;        /**< its U' part transposed [d_logits, d_attn] */
    clh_real *key_bias;    /**< b'_Q . Y_k / scale [sources, n_heads] */
    clh_real *keys_t;      /**< Y_k transposed [n_heads, d_head, span] */
    clh_real *token_parts; /**< Y_q Y_k^T / scale of tokens' rows [n_heads, used, span] */
    clh_real *parts;       /**< of positions' rows [n_heads, parts] */
    clh_real *g_qk;        /**< gradient of the q and k columns of Y [sources, 2 d_attn] */
    clh_real *g_right;     /**< gradients of o and E on their way [1 + d_vocab, d_model] */
} clh_fused_tables;

/** Sums of rows of positions, most of what a sequence adds to. It adds to each number once, so
 *  slots of one sequence that one worker runs in turn may share one of these ("a run"): it ends as
 *  sums of their own, added up in order, would. */
typedef struct clh_fused_rows_sums {
    clh_real *memory;
    clh_real *Y;     /**< gradient of Y but its q and k columns [sources, g_stride]; rows of o and
                          tokens get there last of all */
    clh_real *parts; /**< [n_heads, parts] */
    bool fresh;      /**< no sequence has written yet: they hold nothing */
} clh_fused_rows_sums;

/** Sums over the sequences of a slot, then of all slots (in the first): one stretch of memory. */
typedef struct clh_fused_sums {
    clh_real *memory;
    clh_real *b_V, *u_bias; /**< [d_attn], [d_vocab_out] */
    clh_real *norm;         /**< factor of X in its own gradient [sources] */
    clh_real *key_bias;     /**< [sources, n_heads] */
    clh_real *Y;            /**< as in clh_fused_rows_sums, of o and tokens [1 + used, g_stride] */
    clh_real *parts;        /**< of tokens [n_heads, used, span] */
    clh_real *K;            /**< [d_attn, d_attn + d_logits], of the first d_attn columns the lower
                                 half */
    bool fresh;             /**< no sequence has written yet: K holds nothing */
    clh_fused_rows_sums *of_positions;
    clh_loss_sum loss;
} clh_fused_sums;

/** Room for one sequence. A kind is one of its different tokens, numbered once more from 0 without
 *  gaps; rows kept are those of the last queries, at most CLH_FUSED_KEPT. */
typedef struct clh_fused_room {
    uint32_t *of;               /**< a position's kind [pos] */
    uint32_t *number;           /**< a position's token, by the batch's number [pos] */
    uint32_t *kind_row;         /**< the batch's number of a kind [d_vocab] */
    uint32_t *kind_of;          /**< and back [d_vocab] */
    clh_real *inverse;          /**< 1 / s of the first norm [pos] */
    clh_real *along;            /**< gradient of log(1 / s) [pos] */
    clh_real *values;           /**< v [pos, d_attn] */
    clh_real *values_t;         /**< [d_attn, pos rounded up] */
    clh_real *bias;             /**< b'_Q . k / scale [n_heads, pos] */
    clh_real *sum;              /**< of g_score over a key's queries [n_heads, pos] */
    clh_real *sum_along;        /**< of g_score score [n_heads, pos] */
    clh_real *scores, *pattern; /**< of a block [n_heads, block, span] */
    clh_real *g_pattern;        /**< of a block and head [block, span] */
    clh_real *kind, *g_kind;    /**< of its queries with each kind [block, kinds rounded up] */
    clh_real *one_hot;          /**< of the keys' kinds [pos, kinds rounded up] */
    clh_real *g_values;         /**< [pos, d_attn] */
    clh_real *z, *g_z;          /**< of the rows kept [CLH_FUSED_KEPT, d_attn] */
    clh_real *logits;           /**< [CLH_ROWS_TOGETHER, d_vocab_out] */
    clh_real *square;           /**< |E_t + P_p + o|^2 [block] */
    clh_real *g_square;         /**< gradient of |x|^2 of the last norm [pos] */
    clh_real *row;              /**< of the rows kept: z K, then its gradient [CLH_FUSED_KEPT,
                                       K_stride] */
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
    clh_real *ones;                    /**< of 1, [pos] and [d_vocab] */
    clh_real *memory;
    uint32_t *numbers;
    size_t *offsets;
    const clh_batch *batch; /**< the one at hand */
    clh_real unit;          /**< what o, E, P and W_O are multiplied by in X and M */
    double unit_eps;        /**< eps in that unit */
    clh_real *gradient;
} clh_fused;

/** The row of the table of backends (model/whole/backend.h) but its two ways to compute (fused.c). */
bool clh_fused_fits(const clh_model_config *config, const clh_backend_use *use);
size_t clh_fused_bytes(const clh_model_config *config, const clh_backend_use *use, size_t threads);
clh_status clh_fused_open(void **state, const clh_model *model, const clh_backend_use *use,
                          clh_pool *pool, clh_error *err);
void clh_fused_close(void *state);

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

/** Columns of M and Y. In the gradient of Y, which has no q and k columns, 2 d_attn less. */
static inline size_t clh_fused_column_W_O(const clh_fused *f)
{
    return f->size.d_qkv;
}
static inline size_t clh_fused_column_W_U(const clh_fused *f)
{
    return f->size.d_qkv + f->size.d_attn;
}
static inline size_t clh_fused_column_X(const clh_fused *f)
{
    return f->size.d_qkv + f->size.d_attn + f->size.d_logits;
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

#endif
