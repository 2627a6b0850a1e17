/** The T x T part of attention: heads of one sequence.
 *
 *    scores_ij  = q_i . k_j / attn_scale  for j <= i, else -inf (`both_ways`: for every j)
 *                 less slope (i - j) for j < i, where there is a slope (ALiBi)
 *    pattern_ij = softmax_j(scores_ij)
 *    z_i        = sum_j pattern_ij v_j
 *
 *  Each function does its stage for the queries [begin, end). Two ways to use them:
 *
 *    a stage for all queries, then the next: hooks can look between (attention.c, caches that keep
 *  all) all stages for a block of queries, then the next block: what a block needs stays in the
 *  processor's cache, and keys that no query of the block may see are skipped (clh_head_forward(),
 *  _backward())
 *
 *  A `whole` head holds whole rows, so that a hook may look at, and write to, any key; going
 *  forward it too skips keys that the mask left empty. Gradients are a second clh_head of the same
 *  geometry. Everything is borrowed, nothing allocated.
 *
 *  Heads of a short sequence go together, `count` of them: a stage is then one product for all, as each
 *  would hardly be longer than what it takes to begin it.
 */
#ifndef CLH_ATTENTION_HEAD_H
#define CLH_ATTENTION_HEAD_H

#include "math/kernels/kernels.h"

typedef struct clh_head {
    size_t T, d;   /**< positions, d_head */
    size_t count;  /**< heads that go together; their rows are `d` behind one another */
    size_t square; /**< between their scores, and between their patterns */
    size_t number; /**< of the first among all `heads` of the layer */
    size_t heads;
    size_t stride;   /**< distance between rows of q, k and v */
    size_t z_stride; /**< between rows of z */
    size_t across;   /**< between rows of scores and pattern */
    size_t first;    /**< the query whose row of q and z lies first in memory */
    size_t row0;     /**< the query whose row of scores and pattern lies first in memory */
    bool whole;
    bool fresh;     /**< of gradients: k and v hold nothing yet, and are written */
    bool both_ways; /**< a query sees the keys behind it too */
    bool alibi;     /**< scores have a slope */
    double attn_scale;
    clh_real *q, *k, *v, *z;    /**< first rows of the first head */
    clh_real *scores, *pattern; /**< may be the same memory unless `whole` */
    clh_real *turned;           /**< [count, d, turned_row]: room for keys or values transposed */
    size_t turned_row;          /**< clh_cache_scratch_row() of T */
} clh_head;

/** Queries a block has when T positions are attended to: all where they are few. */
size_t clh_head_block(size_t T);

/** First query past the block that `begin` is in; blocks lie on a fixed grid, so that the bits of a
 *  query do not depend on where a pass began. */
size_t clh_head_block_end(const clh_head *head, size_t begin);

/* ---- Stages; clh_head_turn_k() comes before scores, clh_head_turn_v() before backward_pattern
 * ---- */

void clh_head_turn_k(const clh_head *head, const clh_kernels *kernel);
void clh_head_turn_v(const clh_head *head, const clh_kernels *kernel);

void clh_head_scores(const clh_head *head, const clh_kernels *kernel, size_t begin, size_t end);
void clh_head_pattern(const clh_head *head, const clh_kernels *kernel, size_t begin, size_t end);
void clh_head_z(const clh_head *head, const clh_kernels *kernel, size_t begin, size_t end);

/** Gradients of pattern, then scores, then q: written. Those of v and k: added, or written where they are
 *  fresh. */
void clh_head_backward_pattern(const clh_head *head, const clh_head *g, const clh_kernels *kernel,
                               size_t begin, size_t end);
void clh_head_backward_v(const clh_head *head, const clh_head *g, const clh_kernels *kernel,
                         size_t begin, size_t end);
void clh_head_backward_scores(const clh_head *head, const clh_head *g, const clh_kernels *kernel,
                              size_t begin, size_t end);
void clh_head_backward_qk(const clh_head *head, const clh_head *g, const clh_kernels *kernel,
                          size_t begin, size_t end);

/* ---- All stages, block by block
 * ------------------------------------------------------------------ */

/** z of the queries from `first` on; the pattern is kept for the way back. */
void clh_head_forward(const clh_head *head, const clh_kernels *kernel, size_t first);

/** Gradients of q, k and v from that of z. g->scores and g->pattern are one room of
 *  [clh_head_block(T), across]. Queries before `first` have none: their rows of g->q are left
 *  alone; g->k and g->v are written for all keys. */
void clh_head_backward(const clh_head *head, const clh_head *g, const clh_kernels *kernel,
                       size_t first);

#endif
