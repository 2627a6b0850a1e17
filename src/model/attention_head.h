/** The T x T part of attention: one head of one sequence.
 *
 *    scores_ij  = q_i . k_j / attn_scale  for j <= i, else -inf
 *    pattern_ij = softmax_j(scores_ij)
 *    z_i        = sum_j pattern_ij v_j
 *
 *  Queries run in blocks, and what no query of a block may see is skipped. A `whole` head holds
 * whole rows instead, so that a hook may look at, and write to, any key. Gradients are a second
 * clh_head of the same geometry. Everything is borrowed; nothing is allocated.
 */
#ifndef CLH_ATTENTION_HEAD_H
#define CLH_ATTENTION_HEAD_H

#include "math/kernels.h"

typedef struct clh_head {
    size_t T, d;     /**< positions, d_head */
    size_t first;    /**< queries before it are left alone */
    size_t stride;   /**< distance between rows of q, k and v */
    size_t z_stride; /**< between rows of z */
    size_t across;   /**< between rows of scores and pattern */
    bool whole;
    double attn_scale;
    clh_real *q, *k, *v, *z;    /**< first rows of this head */
    clh_real *scores, *pattern; /**< may be the same memory unless `whole` */
    clh_real *scratch;          /**< [d, T] */
} clh_head;

/** Forward, in this order. */
void clh_head_scores(const clh_head *head, const clh_kernels *kernel);
void clh_head_pattern(const clh_head *head, const clh_kernels *kernel);
void clh_head_z(const clh_head *head, const clh_kernels *kernel);

/** Backward, in this order; each writes the gradients its name ends with from those before. */
void clh_head_backward_pattern(const clh_head *head, const clh_head *g, const clh_kernels *kernel);
void clh_head_backward_v(const clh_head *head, const clh_head *g, const clh_kernels *kernel);
void clh_head_backward_scores(const clh_head *head, const clh_head *g, const clh_kernels *kernel);
void clh_head_backward_qk(const clh_head *head, const clh_head *g, const clh_kernels *kernel);

#endif
