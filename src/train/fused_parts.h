/** What the files of the fused path share: the step's tables, a slot's sums, a worker's room. */
#ifndef CLH_FUSED_PARTS_H
#define CLH_FUSED_PARTS_H

#include "math/kernels.h"
#include "train/fused.h"

/** Sizes: D d_model, A = heads * d_head, N = 3 A, V d_vocab, O d_vocab_out, T positions computed.
 */
typedef struct clh_fused_size {
    size_t D, A, N, V, O, T, heads, d_head;
} clh_fused_size;

/** Where a parameter lies in clh_model_data() and in a gradient. */
typedef struct clh_fused_weights {
    const clh_real *W_E, *W_pos, *w, *b, *W_Q, *W_K, *W_V, *b_Q, *b_K, *b_V, *W_O, *b_O, *w_f, *b_f,
        *W_U, *b_U;
} clh_fused_weights;

/** Made once a step. Tokens of the batch are numbered 0 … used-1 in order of appearance. */
typedef struct clh_fused_tables {
    size_t used, positions;        /**< rows of E and P that this batch has */
    uint32_t *token_of;            /**< [V] */
    uint32_t *row_of;              /**< [V] */
    clh_real *W, *W_t, *bias;      /**< W' [D, N], transposed [N, D], b' [N] */
    clh_real *U, *U_t, *u_bias;    /**< U' [D, O], transposed [O, D], u' [O] */
    clh_real *W_O_t;               /**< [D, A] */
    clh_real *E, *P;               /**< centred rows [V, D], [T, D] */
    clh_real *E_square, *P_square; /**< |E|^2 [V], |P|^2 [T] */
    clh_real *EW, *PW;             /**< E W' [V, N], P W' [T, N] */
} clh_fused_tables;

/** Sums over the sequences of a slot, then of all slots (in the first). One stretch of memory from
 *  `bias` on; the rows of tokens come last, as many as the batch uses. */
typedef struct clh_fused_sums {
    clh_real *bias, *u_bias, *b_O; /**< [N], [O], [D] */
    clh_real *W_O, *U;             /**< [A, D], [D, O] */
    clh_real *PW, *P;              /**< gradients of the tables [T, N], and past W' [T, D] */
    clh_real *EW, *E;              /**< [used, N], [used, D] */
    bool fresh;                    /**< no sequence has written yet: W_O, U, PW, P hold nothing */
    clh_loss_sum loss;
} clh_fused_sums;

/** Room for one sequence. */
typedef struct clh_fused_room {
    clh_real *qkv, *g_qkv;     /**< [T, N] */
    clh_real *inverse;         /**< 1 / s of the first norm, [T] */
    clh_real *pattern;         /**< [heads, T, T] */
    clh_real *g_pattern;       /**< [clh_head_block(T), T] */
    clh_real *z, *g_z;         /**< [T, A] */
    clh_real *resid, *g_resid; /**< [T, D]: resid is normalized in place */
    clh_real *inverse_final;   /**< [T] */
    clh_real *logits;          /**< [T, O], then their gradient */
    clh_real *g_normalized;    /**< [T, D] */
    clh_real *turned;          /**< [d_head, T] */
} clh_fused_room;

struct clh_fused {
    const clh_model *model;
    const clh_kernels *kernel;
    clh_pool *pool;
    clh_fused_size size;
    clh_fused_weights weights;
    double eps, attn_scale;
    size_t slots, workers, sums_fixed; /**< numbers of a slot before its rows of tokens */
    clh_fused_tables tables;
    clh_fused_sums *sums; /**< [slots] */
    clh_fused_room *room; /**< [workers] */
    clh_real *memory;
    const clh_fused_batch *batch; /**< the one at hand */
    clh_real *gradient;
};

/** Number the batch's tokens and make the tables from the weights. */
void clh_fused_tables_make(clh_fused *f);

/** One sequence forward and backward, added to `sums`. */
void clh_fused_sequence(const clh_fused *f, const clh_sequence *sequence, clh_fused_sums *sums,
                        const clh_fused_room *room);

/** From the sums of all slots to the gradient of every parameter. */
void clh_fused_tables_backward(clh_fused *f, const clh_fused_sums *sums);

#endif
