/** Small dense matrices in double precision, and what is made of them.
 *
 *    clh_dense a = {0};
 *    clh_svd svd = {0};
 *    if (clh_dense_open(&a, 128, 64, &err)) ...
 *    a.data[2 * a.cols + 3] = 1;                             // row 2, column 3
 *    if (clh_dense_svd(&svd, &a, &err)) ...                  // A = U diag(s) V^T
 *    clh_svd_deinit(&svd);
 *    clh_dense_deinit(&a);
 *
 *  Row-major, dense. The caller owns every struct that is filled in and frees what it holds with
 *  its deinit, for which NULL and all zero are fine; what a failed call was to fill in stays all zero. Sums
 *  run in a fixed order; decompositions are LAPACK's where it was built with it, and depend in their last
 *  bits on which one is installed; else they are our own, and the same everywhere.
 */
#ifndef CLEARHEAD_LINALG_H
#define CLEARHEAD_LINALG_H

#include <stddef.h>

#include "clearhead/api.h"
#include "clearhead/error.h"

CLH_BEGIN_DECLS

typedef struct clh_dense {
    double *data; /**< [rows, cols]; owned */
    size_t rows, cols;
} clh_dense;

/** A matrix of zeros; either size may be 0. CLH_ENOMEM. */
CLH_API clh_status clh_dense_open(clh_dense *out, size_t rows, size_t cols, clh_error *err);

/** Free what it holds. */
CLH_API void clh_dense_deinit(clh_dense *matrix);

/** A B into `out`, which is neither of them. CLH_ESHAPE naming both shapes when they do not fit, CLH_ENOMEM. */
CLH_API clh_status clh_dense_multiply(clh_dense *out, const clh_dense *a, const clh_dense *b,
                                      clh_error *err);

/** The transpose into `out`, which is not `a`. */
CLH_API clh_status clh_dense_transpose(clh_dense *out, const clh_dense *a, clh_error *err);

/** Frobenius norm: the root of the sum of squares; NaN of NULL. */
CLH_API double clh_dense_norm(const clh_dense *a);

/** A = U diag(s) V^T with count = min(rows, cols): U [rows, count], V [cols, count] with
 *  orthonormal columns, s descending. */
typedef struct clh_svd {
    clh_dense u, v;
    double *s; /**< [count] */
    size_t count;
} clh_svd;

/** LAPACK dgesdd, or one-sided rotations. CLH_ENUMERIC when A is not finite or it does not converge, CLH_ERANGE past the
 *  sizes LAPACK counts in, CLH_ENOMEM. */
CLH_API clh_status clh_dense_svd(clh_svd *out, const clh_dense *a, clh_error *err);

CLH_API void clh_svd_deinit(clh_svd *svd);

/** A = Q R with count = min(rows, cols): Q [rows, count] with orthonormal columns, R [count, cols]
 *  upper triangular. */
typedef struct clh_qr {
    clh_dense q, r;
} clh_qr;

/** LAPACK dgeqrf and dorgqr, or the same reflections. Errors as clh_dense_svd(). */
CLH_API clh_status clh_dense_qr(clh_qr *out, const clh_dense *a, clh_error *err);

CLH_API void clh_qr_deinit(clh_qr *qr);

/** The eigenvalues of a square matrix, largest magnitude first; of a conjugate pair the one with
 *  positive imaginary part first. */
typedef struct clh_eigenvalues {
    double *re, *im; /**< [count] */
    size_t count;
} clh_eigenvalues;

/** LAPACK dgeev, or QR steps with two shifts. CLH_ESHAPE when it is not square, else errors as clh_dense_svd(). */
CLH_API clh_status clh_dense_eigenvalues(clh_eigenvalues *out, const clh_dense *a, clh_error *err);

CLH_API void clh_eigenvalues_deinit(clh_eigenvalues *eigenvalues);

CLH_END_DECLS

#endif
