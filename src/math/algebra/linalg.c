/* Matrices in double precision: products in loops of a fixed order, the rest by LAPACK or, where that is
 * absent, by definitions of our own. */
#include "clearhead/linalg.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "math/algebra/decompose.h"
#include "math/algebra/vector_norm.h"

#ifdef CLH_HAVE_LAPACK
#define BY clh_decompose_lapack
#else
#define BY clh_decompose_own
#endif

/* Whether a matrix has the numbers that it says it has. */
static bool is_matrix(const clh_dense *a)
{
    return a && (a->data || a->rows == 0 || a->cols == 0);
}

static const char a_matrix[] = "a matrix, and room for the result";

clh_status clh_dense_open(clh_dense *out, size_t rows, size_t cols, clh_error *err)
{
    CLH_REQUIRE(out, err, "room for the matrix");
    size_t count;
    *out = (clh_dense){0};
    if (!clh_mul_ok(rows, cols, &count)) {
        (void)clh_fail(err, CLH_ENOMEM, "a matrix [%zu, %zu] cannot be counted", rows, cols);
        return CLH_ENOMEM;
    }
    double *data = clh_alloc_zeroed(count, sizeof *data, err);
    if (!data)
        return CLH_ENOMEM;
    *out = (clh_dense){data, rows, cols};
    return CLH_OK;
}

void clh_dense_deinit(clh_dense *matrix)
{
    if (!matrix)
        return;
    clh_free(matrix->data);
    *matrix = (clh_dense){0};
}

clh_status clh_dense_multiply(clh_dense *out, const clh_dense *a, const clh_dense *b,
                              clh_error *err)
{
    CLH_REQUIRE(out && is_matrix(a) && is_matrix(b), err, "two matrices, and room for the product");
    if (out == a || out == b)
        return clh_fail(err, CLH_EUSAGE, "a product is to be written over its factor");
    *out = (clh_dense){0};
    if (a->cols != b->rows)
        return clh_fail(err, CLH_ESHAPE, "[%zu, %zu] times [%zu, %zu], want the inner sizes equal",
                        a->rows, a->cols, b->rows, b->cols);
    clh_status status = clh_dense_open(out, a->rows, b->cols, err);
    if (status)
        return status;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t k = 0; k < a->cols; k++)
            for (size_t c = 0; c < b->cols; c++)
                out->data[r * b->cols + c] += a->data[r * a->cols + k] * b->data[k * b->cols + c];
    return CLH_OK;
}

clh_status clh_dense_transpose(clh_dense *out, const clh_dense *a, clh_error *err)
{
    CLH_REQUIRE(out && is_matrix(a), err, a_matrix);
    if (out == a)
        return clh_fail(err, CLH_EUSAGE, "a transpose is to be written over its matrix");
    clh_status status = clh_dense_open(out, a->cols, a->rows, err);
    if (status)
        return status;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++)
            out->data[c * a->rows + r] = a->data[r * a->cols + c];
    return CLH_OK;
}

double clh_dense_norm(const clh_dense *a)
{
    if (!is_matrix(a))
        return NAN;
    return clh_norm(a->data, a->rows * a->cols);
}

/* ---- Decompositions --------------------------------------------------------------------------------
 */

/** What decompositions take: sizes LAPACK can count in, numbers that are numbers. */
static clh_status check_input(const clh_dense *a, clh_error *err)
{
    if (a->rows == 0 || a->cols == 0 || a->rows > INT_MAX / a->cols)
        return clh_fail(err, CLH_ERANGE, "a matrix [%zu, %zu], want 1 … %d numbers", a->rows,
                        a->cols, INT_MAX);
    for (size_t i = 0; i < a->rows * a->cols; i++)
        if (!isfinite(a->data[i]))
            return clh_fail(err, CLH_ENUMERIC, "entry [%zu, %zu] of a matrix [%zu, %zu] is %g",
                            i / a->cols, i % a->cols, a->rows, a->cols, a->data[i]);
    return CLH_OK;
}

/** A copy of `a` to work in. */
static clh_status copy(clh_dense *out, const clh_dense *a, clh_error *err)
{
    clh_status status = clh_dense_open(out, a->rows, a->cols, err);
    if (!status)
        memcpy(out->data, a->data, a->rows * a->cols * sizeof *a->data);
    return status;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

clh_status clh_dense_svd(clh_svd *out, const clh_dense *a, clh_error *err)
{
    CLH_REQUIRE(out && is_matrix(a), err, a_matrix);
    *out = (clh_svd){0};
    const size_t count = least(a->rows, a->cols);
    clh_dense work = {0}, vt = {0};
    clh_svd svd = {.count = count};
    clh_status status = check_input(a, err);
    if (!status)
        status = copy(&work, a, err);
    if (!status)
        status = clh_dense_open(&svd.u, a->rows, count, err);
    if (!status)
        status = clh_dense_open(&vt, count, a->cols, err);
    if (!status && !(svd.s = clh_alloc_zeroed(count, sizeof *svd.s, err)))
        status = CLH_ENOMEM;
    if (!status)
        status = BY.svd(a->rows, a->cols, work.data, svd.s, svd.u.data, vt.data, err);
    if (!status)
        status = clh_dense_transpose(&svd.v, &vt, err);
    clh_dense_deinit(&vt);
    clh_dense_deinit(&work);
    if (status)
        clh_svd_deinit(&svd);
    *out = svd;
    return status;
}

void clh_svd_deinit(clh_svd *svd)
{
    if (!svd)
        return;
    clh_dense_deinit(&svd->u);
    clh_dense_deinit(&svd->v);
    clh_free(svd->s);
    *svd = (clh_svd){0};
}

clh_status clh_dense_qr(clh_qr *out, const clh_dense *a, clh_error *err)
{
    CLH_REQUIRE(out && is_matrix(a), err, a_matrix);
    *out = (clh_qr){0};
    clh_dense work = {0};
    clh_qr qr = {0};
    const size_t count = least(a->rows, a->cols);
    clh_status status = check_input(a, err);
    if (!status)
        status = copy(&work, a, err);
    if (!status)
        status = clh_dense_open(&qr.q, a->rows, count, err);
    if (!status)
        status = clh_dense_open(&qr.r, count, a->cols, err);
    if (!status)
        status = BY.qr(a->rows, a->cols, work.data, qr.q.data, qr.r.data, err);
    clh_dense_deinit(&work);
    if (status)
        clh_qr_deinit(&qr);
    *out = qr;
    return status;
}

void clh_qr_deinit(clh_qr *qr)
{
    if (!qr)
        return;
    clh_dense_deinit(&qr->q);
    clh_dense_deinit(&qr->r);
}

/* Eigenvalue [re, im] pairs: magnitude, then real part, then imaginary part, descending. */
static int eigenvalue_order(const void *left, const void *right)
{
    const double *a = left, *b = right;
    const double key[3][2] = {{hypot(a[0], a[1]), hypot(b[0], b[1])}, {a[0], b[0]}, {a[1], b[1]}};
    for (size_t i = 0; i < 3; i++)
        if (key[i][0] < key[i][1] || key[i][0] > key[i][1])
            return key[i][0] > key[i][1] ? -1 : 1;
    return 0;
}

static void sort_eigenvalues(clh_eigenvalues *e, double (*pairs)[2])
{
    for (size_t i = 0; i < e->count; i++) {
        pairs[i][0] = e->re[i];
        pairs[i][1] = e->im[i];
    }
    qsort(pairs, e->count, sizeof *pairs, eigenvalue_order);
    for (size_t i = 0; i < e->count; i++) {
        e->re[i] = pairs[i][0];
        e->im[i] = pairs[i][1];
    }
}

clh_status clh_dense_eigenvalues(clh_eigenvalues *out, const clh_dense *a, clh_error *err)
{
    CLH_REQUIRE(out && is_matrix(a), err, a_matrix);
    *out = (clh_eigenvalues){0};
    if (a->rows != a->cols)
        return clh_fail(err, CLH_ESHAPE, "eigenvalues of a matrix [%zu, %zu], want it square",
                        a->rows, a->cols);
    clh_dense work = {0};
    clh_eigenvalues e = {.count = a->rows};
    double(*pairs)[2] = NULL;
    clh_status status = check_input(a, err);
    if (!status)
        status = copy(&work, a, err);
    if (!status) {
        e.re = clh_alloc_zeroed(e.count, sizeof *e.re, err);
        e.im = clh_alloc_zeroed(e.count, sizeof *e.im, err);
        pairs = clh_alloc_zeroed(e.count, sizeof *pairs, err);
        if (!e.re || !e.im || !pairs)
            status = CLH_ENOMEM;
    }
    if (!status)
        status = BY.eigenvalues(e.count, work.data, e.re, e.im, err);
    if (!status)
        sort_eigenvalues(&e, pairs);
    clh_free(pairs);
    clh_dense_deinit(&work);
    if (status)
        clh_eigenvalues_deinit(&e);
    *out = e;
    return status;
}

void clh_eigenvalues_deinit(clh_eigenvalues *eigenvalues)
{
    if (!eigenvalues)
        return;
    clh_free(eigenvalues->re);
    clh_free(eigenvalues->im);
    *eigenvalues = (clh_eigenvalues){0};
}
