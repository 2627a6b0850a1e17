/* By LAPACK. */
#include <assert.h>
#include <string.h>

#include <lapacke.h>

#include "math/algebra/decompose.h"

static clh_status check_info(lapack_int info, const char *routine, clh_error *err)
{
    assert(info >= 0 || info <= LAPACK_WORK_MEMORY_ERROR); /* else an argument of ours is wrong */
    if (info < 0)
        return clh_fail(err, CLH_ENOMEM, "%s found no room to work in", routine);
    if (info > 0)
        return clh_fail(err, CLH_ENUMERIC, "%s did not converge", routine);
    return CLH_OK;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static clh_status svd(size_t m, size_t n, double *a, double *s, double *u, double *vt,
                      clh_error *err)
{
    const lapack_int rows = (lapack_int)m, cols = (lapack_int)n, k = (lapack_int)least(m, n);
    return check_info(LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'S', rows, cols, a, cols, s, u, k, vt, cols),
                      "dgesdd", err);
}

/* Of a matrix whose reflectors are made: a [m, n] holds both. */
static clh_status take_qr(size_t m, size_t n, const double *a, const double *tau, double *q,
                          double *r, clh_error *err)
{
    const size_t k = least(m, n);
    for (size_t i = 0; i < k; i++)
        memcpy(r + i * n + i, a + i * n + i, (n - i) * sizeof *a);
    for (size_t i = 0; i < m; i++)
        memcpy(q + i * k, a + i * n, k * sizeof *a);
    return check_info(LAPACKE_dorgqr(LAPACK_ROW_MAJOR, (lapack_int)m, (lapack_int)k, (lapack_int)k,
                                     q, (lapack_int)k, tau),
                      "dorgqr", err);
}

static clh_status qr(size_t m, size_t n, double *a, double *q, double *r, clh_error *err)
{
    double *tau = clh_alloc_zeroed(least(m, n), sizeof *tau, err);
    if (!tau)
        return CLH_ENOMEM;
    clh_status status = check_info(
        LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, (lapack_int)m, (lapack_int)n, a, (lapack_int)n, tau),
        "dgeqrf", err);
    if (!status)
        status = take_qr(m, n, a, tau, q, r, err);
    clh_free(tau);
    return status;
}

static clh_status eigenvalues(size_t n, double *a, double *re, double *im, clh_error *err)
{
    const lapack_int size = (lapack_int)n;
    return check_info(
        LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', size, a, size, re, im, NULL, size, NULL, size),
        "dgeev", err);
}

const clh_decompose clh_decompose_lapack = {"LAPACK", svd, qr, eigenvalues};
