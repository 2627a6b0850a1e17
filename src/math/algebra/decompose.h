/** What linear algebra is made of, under one contract: by LAPACK, and by definitions of our own, which
 *  serve where it is absent and which a test holds against it.
 *
 *    clh_status status = clh_decompose_own.svd(m, n, a, s, u, vt, err);
 *
 *  Matrices are row-major, dense, of finite numbers, at least [1, 1], of less than INT_MAX numbers; k =
 *  min(m, n). `a` is worked in: what it holds after is nobody's. CLH_ENOMEM; CLH_ENUMERIC where an
 *  iteration does not end.
 */
#ifndef CLH_DECOMPOSE_H
#define CLH_DECOMPOSE_H

#include "base/base.h"

typedef struct clh_decompose {
    const char *name;

    /** a [m, n] = u diag(s) vt; u [m, k] with orthonormal columns, vt [k, n] with orthonormal rows, s [k]
     *  descending, >= 0. Signs of a pair of vectors are free. */
    clh_status (*svd)(size_t m, size_t n, double *a, double *s, double *u, double *vt,
                      clh_error *err);

    /** a [m, n] = q r; q [m, k] with orthonormal columns, r [k, n] upper triangular, both all zero when
     *  they are given. A diagonal entry of r has the sign that is not that of the entry it was made of. */
    clh_status (*qr)(size_t m, size_t n, double *a, double *q, double *r, clh_error *err);

    /** Eigenvalues of a [n, n], re + i im [n] each, in no order but conjugates together, the one above
     *  the real axis first. */
    clh_status (*eigenvalues)(size_t n, double *a, double *re, double *im, clh_error *err);
} clh_decompose;

extern const clh_decompose clh_decompose_own;
#ifdef CLH_HAVE_LAPACK
extern const clh_decompose clh_decompose_lapack;
#endif

/** The parts of clh_decompose_own. */
clh_status clh_svd_jacobi(size_t m, size_t n, double *a, double *s, double *u, double *vt,
                          clh_error *err);
clh_status clh_qr_householder(size_t m, size_t n, double *a, double *q, double *r, clh_error *err);
clh_status clh_eigenvalues_hessenberg(size_t n, double *a, double *re, double *im, clh_error *err);

#endif
