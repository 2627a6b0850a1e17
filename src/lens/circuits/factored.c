/* Products kept as their factors. */
#include <math.h>

#include "base/base.h"
#include "clearhead/circuit.h"
#include "math/algebra/vector_norm.h"

void clh_factored_deinit(clh_factored *factored)
{
    if (!factored)
        return;
    clh_dense_deinit(&factored->a);
    clh_dense_deinit(&factored->b);
}

static const char factors[] = "a factored matrix, and room for the result";

/* Whether the factors can be multiplied; the numbers behind them clh_dense's functions check. */
static clh_status check_factors(const clh_factored *f, clh_error *err)
{
    if (f->a.cols == f->b.rows)
        return CLH_OK;
    return clh_fail(err, CLH_ESHAPE, "[%zu, %zu] times [%zu, %zu], want the inner sizes equal",
                    f->a.rows, f->a.cols, f->b.rows, f->b.cols);
}

clh_status clh_factored_product(clh_dense *out, const clh_factored *factored, clh_error *err)
{
    CLH_REQUIRE(out && factored, err, factors);
    return clh_dense_multiply(out, &factored->a, &factored->b, err);
}

/** QR of the transpose. */
static clh_status qr_of_transpose(clh_qr *out, const clh_dense *b, clh_error *err)
{
    clh_dense bt = {0};
    clh_status status = clh_dense_transpose(&bt, b, err);
    if (!status)
        status = clh_dense_qr(out, &bt, err);
    clh_dense_deinit(&bt);
    return status;
}

/* A singular vector pair has a sign of its own: the largest entry of each u is made positive. */
static void settle_signs(clh_svd *svd)
{
    for (size_t c = 0; c < svd->count; c++) {
        double largest = 0;
        for (size_t r = 0; r < svd->u.rows; r++) {
            const double x = svd->u.data[r * svd->count + c];
            largest = fabs(x) > fabs(largest) ? x : largest;
        }
        for (size_t r = 0; r < svd->u.rows && largest < 0; r++)
            svd->u.data[r * svd->count + c] *= -1;
        for (size_t r = 0; r < svd->v.rows && largest < 0; r++)
            svd->v.data[r * svd->count + c] *= -1;
    }
}

/* A = Qa Ra, B^T = Qb Rb: A B = Qa (Ra Rb^T) Qb^T, and what is between is at most [k, k]. */
clh_status clh_factored_svd(clh_svd *out, const clh_factored *f, clh_error *err)
{
    CLH_REQUIRE(out && f, err, factors);
    *out = (clh_svd){0};
    clh_status status = check_factors(f, err);
    if (status)
        return status;
    clh_qr a = {0}, b = {0};
    clh_dense rb_t = {0}, middle = {0};
    clh_svd small = {0}, svd = {0};
    status = clh_dense_qr(&a, &f->a, err);
    if (!status)
        status = qr_of_transpose(&b, &f->b, err);
    if (!status)
        status = clh_dense_transpose(&rb_t, &b.r, err);
    if (!status)
        status = clh_dense_multiply(&middle, &a.r, &rb_t, err);
    if (!status)
        status = clh_dense_svd(&small, &middle, err);
    if (!status)
        status = clh_dense_multiply(&svd.u, &a.q, &small.u, err);
    if (!status)
        status = clh_dense_multiply(&svd.v, &b.q, &small.v, err);
    if (status) {
        clh_svd_deinit(&svd);
    } else {
        svd.s = small.s;
        svd.count = small.count;
        small.s = NULL;
        settle_signs(&svd);
    }
    *out = svd;
    clh_svd_deinit(&small);
    clh_dense_deinit(&middle);
    clh_dense_deinit(&rb_t);
    clh_qr_deinit(&b);
    clh_qr_deinit(&a);
    return status;
}

static clh_status check_square(const clh_factored *f, clh_error *err)
{
    clh_status status = check_factors(f, err);
    if (status)
        return status;
    if (f->a.rows != f->b.cols)
        return clh_fail(err, CLH_ESHAPE, "the product is [%zu, %zu], want it square", f->a.rows,
                        f->b.cols);
    return CLH_OK;
}

clh_status clh_factored_eigenvalues(clh_eigenvalues *out, const clh_factored *f, clh_error *err)
{
    CLH_REQUIRE(out && f, err, factors);
    clh_dense ba = {0};
    *out = (clh_eigenvalues){0};
    clh_status status = check_square(f, err);
    if (!status)
        status = clh_dense_multiply(&ba, &f->b, &f->a, err);
    if (!status)
        status = clh_dense_eigenvalues(out, &ba, err);
    clh_dense_deinit(&ba);
    return status;
}

static double norm_of(const clh_svd *svd)
{
    return clh_norm(svd->s, svd->count);
}

clh_status clh_factored_norm(double *norm, const clh_factored *f, clh_error *err)
{
    CLH_REQUIRE(norm && f, err, factors);
    clh_svd svd = {0};
    clh_status status = clh_factored_svd(&svd, f, err);
    if (!status)
        *norm = norm_of(&svd);
    clh_svd_deinit(&svd);
    return status;
}

clh_status clh_factored_trace(double *trace, const clh_factored *f, clh_error *err)
{
    CLH_REQUIRE(trace && f && f->a.data && f->b.data, err, factors);
    clh_status status = check_square(f, err);
    if (status)
        return status;
    double sum = 0;
    for (size_t r = 0; r < f->a.rows; r++)
        for (size_t i = 0; i < f->a.cols; i++)
            sum += f->a.data[r * f->a.cols + i] * f->b.data[i * f->b.cols + r];
    *trace = sum;
    return CLH_OK;
}

/* Singular values are taken relative to the largest: powers of small ones would underflow. */
static void effective_ranks(clh_spectrum *spectrum)
{
    const clh_svd *svd = &spectrum->svd;
    double sum = 0, squares = 0, fourths = 0, entropy = 0;
    for (size_t i = 0; i < svd->count; i++) {
        const double s = svd->s[i] / svd->s[0];
        sum += s;
        squares += s * s;
        fourths += s * s * s * s;
    }
    for (size_t i = 0; i < svd->count; i++) {
        const double p = svd->s[i] / svd->s[0] / sum;
        entropy -= p > 0 ? p * log(p) : 0;
    }
    spectrum->participation = squares * squares / fourths;
    spectrum->entropy = isnan(sum) ? NAN : exp(entropy);
}

static double copying_of(const clh_eigenvalues *e)
{
    double sum = 0, magnitudes = 0;
    for (size_t i = 0; i < e->count; i++) {
        sum += e->re[i];
        magnitudes += hypot(e->re[i], e->im[i]);
    }
    return sum / magnitudes;
}

clh_status clh_factored_spectrum(clh_spectrum *out, const clh_factored *f, clh_error *err)
{
    CLH_REQUIRE(out && f, err, factors);
    *out = (clh_spectrum){0};
    clh_spectrum spectrum = {.copying = NAN};
    clh_status status = clh_factored_svd(&spectrum.svd, f, err);
    if (!status && f->a.rows == f->b.cols)
        status = clh_factored_eigenvalues(&spectrum.eigenvalues, f, err);
    if (status) {
        clh_spectrum_deinit(&spectrum);
        return status;
    }
    spectrum.norm = norm_of(&spectrum.svd);
    effective_ranks(&spectrum);
    if (spectrum.eigenvalues.count > 0)
        spectrum.copying = copying_of(&spectrum.eigenvalues);
    *out = spectrum;
    return CLH_OK;
}

void clh_spectrum_deinit(clh_spectrum *spectrum)
{
    if (!spectrum)
        return;
    clh_svd_deinit(&spectrum->svd);
    clh_eigenvalues_deinit(&spectrum->eigenvalues);
    *spectrum = (clh_spectrum){0};
}
