/* Singular values and vectors by one-sided rotations. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "math/algebra/decompose.h"

/* Rows w [count, length], count <= length, that are turned until they are orthogonal, and turns [count,
 * count], the product of all rotations: w = turns * the matrix. Source: Hestenes 1958; the larger row of
 * a pair first: de Rijk 1989. */
typedef struct rows {
    size_t count, length;
    double *w, *turns;
} rows;

static double dot(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static void exchange(double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

static void rotate(double *x, double *y, size_t n, double c, double s)
{
    for (size_t i = 0; i < n; i++) {
        const double was = x[i];
        x[i] = c * was - s * y[i];
        y[i] = s * was + c * y[i];
    }
}

/* Numbers below this square of a norm are taken for none: the largest entry is about 1, and squares
 * of what is left are far from the smallest number. */
#define NOTHING 1e-240

/* Turn rows p < q until they are orthogonal and p is the longer; false where they are so. */
static bool turn_pair(const rows *r, size_t p, size_t q)
{
    const size_t length = r->length, count = r->count;
    double *x = r->w + p * length, *y = r->w + q * length;
    double *tx = r->turns + p * count, *ty = r->turns + q * count;
    if (dot(x, x, length) < dot(y, y, length)) {
        exchange(x, y, length);
        exchange(tx, ty, count);
    }
    const double xx = dot(x, x, length), yy = dot(y, y, length), xy = dot(x, y, length);
    if (yy < NOTHING) {
        memset(y, 0, length * sizeof *y);
        return false;
    }
    if (fabs(xy) <= 0x1p-51 * sqrt((double)length) * sqrt(xx) * sqrt(yy))
        return false;
    const double zeta = (yy - xx) / (2 * xy);
    const double t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    const double c = 1 / sqrt(1 + t * t);
    rotate(x, y, length, c, c * t);
    rotate(tx, ty, count, c, c * t);
    return true;
}

static clh_status turn_all(const rows *r, clh_error *err)
{
    enum { SWEEPS = 100 }; /* about ten were seen to do */
    bool turned = true;
    for (int sweep = 0; sweep < SWEEPS && turned; sweep++) {
        turned = false;
        for (size_t p = 0; p < r->count; p++)
            for (size_t q = p + 1; q < r->count; q++)
                turned = turn_pair(r, p, q) || turned;
    }
    return turned ? clh_fail(err, CLH_ENUMERIC, "rotations of %zu rows did not converge", r->count)
                  : CLH_OK;
}

/* The lengths into s, the rows to length 1, the longest first. */
static void take_lengths(const rows *r, double *s)
{
    for (size_t i = 0; i < r->count; i++) {
        double *x = r->w + i * r->length;
        const double square = dot(x, x, r->length);
        s[i] = square < NOTHING ? 0 : sqrt(square);
        for (size_t j = 0; j < r->length; j++)
            x[j] = s[i] > 0 ? x[j] / s[i] : 0;
    }
    for (size_t i = 0; i < r->count; i++) {
        size_t most = i;
        for (size_t j = i + 1; j < r->count; j++)
            most = s[j] > s[most] ? j : most;
        if (most == i)
            continue;
        exchange(s + i, s + most, 1);
        exchange(r->w + i * r->length, r->w + most * r->length, r->length);
        exchange(r->turns + i * r->count, r->turns + most * r->count, r->count);
    }
}

/* Row `at`, of no length, becomes one of length 1 that is orthogonal to those before: what these leave
 * of a unit vector. Of one of them at least 1 / length is left, in the square. */
static void fill_row(const rows *r, size_t at)
{
    double *x = r->w + at * r->length, square = 0;
    for (size_t unit = 0; unit < r->length && square < 0.5 / (double)r->length; unit++) {
        memset(x, 0, r->length * sizeof *x);
        x[unit] = 1;
        for (int twice = 0; twice < 2;
             twice++) /* once leaves rounding of the size of what it takes */
            for (size_t i = 0; i < at; i++) {
                const double *y = r->w + i * r->length, part = dot(x, y, r->length);
                for (size_t j = 0; j < r->length; j++)
                    x[j] -= part * y[j];
            }
        square = dot(x, x, r->length);
    }
    assert(square > 0);
    const double length = sqrt(square);
    for (size_t j = 0; j < r->length; j++)
        x[j] /= length;
}

/* x [rows, cols] as y [cols, rows]. */
static void transpose(double *y, const double *x, size_t row_count, size_t cols)
{
    for (size_t i = 0; i < row_count; i++)
        for (size_t j = 0; j < cols; j++)
            y[j * row_count + i] = x[i * cols + j];
}

/* Singular values s of r->w, which becomes the unit rows. The largest entry is brought near 1 first by a
 * power of two, which changes no digit. */
static clh_status decompose(const rows *r, double *s, clh_error *err)
{
    int exponent = 0;
    double largest = 0;
    for (size_t i = 0; i < r->count * r->length; i++)
        largest = fmax(largest, fabs(r->w[i]));
    (void)frexp(largest, &exponent);
    for (size_t i = 0; i < r->count * r->length; i++)
        r->w[i] = ldexp(r->w[i], -exponent);
    for (size_t i = 0; i < r->count; i++)
        r->turns[i * r->count + i] = 1;
    clh_status status = turn_all(r, err);
    if (status)
        return status;
    take_lengths(r, s);
    for (size_t i = 0; i < r->count; i++) {
        if (s[i] == 0)
            fill_row(r, i);
        s[i] = ldexp(s[i], exponent);
    }
    return CLH_OK;
}

/* Columns of A are the rows that are turned, or the rows of A where there are fewer of these. */
clh_status clh_svd_jacobi(size_t m, size_t n, double *a, double *s, double *u, double *vt,
                          clh_error *err)
{
    assert(m > 0 && n > 0 && a && s && u && vt);
    const bool tall = m >= n;
    rows r = {.count = tall ? n : m, .length = tall ? m : n};
    clh_status status = CLH_ENOMEM;
    double *columns = tall ? clh_alloc_array(m * n, sizeof *columns, err) : NULL;
    r.turns = clh_alloc_zeroed(r.count * r.count, sizeof *r.turns, err);
    if ((tall && !columns) || !r.turns)
        goto done;
    if (tall)
        transpose(columns, a, m, n);
    r.w = tall ? columns : a;
    status = decompose(&r, s, err);
    if (status)
        goto done;
    transpose(u, tall ? r.w : r.turns, r.count, m);
    memcpy(vt, tall ? r.turns : r.w, r.count * n * sizeof *vt);
done:
    clh_free(r.turns);
    clh_free(columns);
    return status;
}
