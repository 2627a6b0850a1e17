/** What is made least by clh_refit(): with q_i and k_j those of a position's mean row,
 *
 *    mean over given i of the cross-entropy of softmax(q_i . k_j / attn_scale) against the wanted row, and
 *    half the variance that letters bring to scores
 *
 *  in coordinates x = [W_Q with b_Q, W_K with b_K], whitened (refit.c). docs/mathematics.md, "Repair".
 */
#ifndef CLH_PROVE_REFIT_PARTS_H
#define CLH_PROVE_REFIT_PARTS_H

#include <stdbool.h>

#include "clearhead/error.h"

enum { CLH_REFIT_MEMORY = 12 /* steps that L-BFGS remembers */ };

typedef struct clh_refit_work {
    const double *wanted;              /* [length, length] */
    const bool *given;                 /* [length] */
    size_t length, d, n;               /* tokens; d_model + 1; d_head */
    double scale, weight;              /* attn_scale; of a given row */
    double *read;                      /* [letters, length, d]: what is read, and 1 */
    double *mean;                      /* [length, d]: of the rows of a position */
    double *spread;                    /* [d, d]: mean covariance of a position's rows */
    double *gram;                      /* [d, d] */
    double *to;                        /* [d, d]: whitened coordinates into weights */
    double *white;                     /* [length, d]: `mean` in them */
    double *inside;                    /* [d, d]: `spread` in them */
    double *q, *k, *dq, *dk, *centred; /* [length, n] */
    double *score;                     /* [length, length] */
    double *cq, *ck;                   /* [d, n] */
    double *rq, *rk, *qq, *kk;         /* [n, n] */
    double *x, *first, *gradient, *next, *other, *step; /* [2, d, n] */
    double *s, *y;                                      /* [CLH_REFIT_MEMORY, 2, d, n] */
} clh_refit_work;

/** Room for `letters` of each position; length, d and n are set. CLH_ENOMEM. The caller deinits it even then. */
clh_status clh_refit_open(clh_refit_work *r, size_t letters, clh_error *err);
void clh_refit_deinit(clh_refit_work *r);

/** Its value at x, and its gradient, [2, d, n] each. */
double clh_refit_value(clh_refit_work *r, const double *x, double *gradient);

/** out = A B, A [rows, inner]; `turned`: A is [inner, rows] and its transpose is meant. */
void clh_refit_multiply(double *out, const double *a, const double *b, size_t rows, size_t inner,
                        size_t cols, bool turned);
double clh_refit_dot(const double *a, const double *b, size_t count);

#endif
