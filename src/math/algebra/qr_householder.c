/* A = Q R by reflections. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "math/algebra/decompose.h"

/* The reflection H = I - tau v v^T, v[0] = 1, that takes x [count, every `step`] to (beta, 0 … 0), with
 * beta of the other sign than x[0]; x becomes (beta, v[1] …). The largest entry is divided out, so that no
 * square is too large or too small. Source: Golub & Van Loan, Matrix Computations, algorithm 5.1.1. */
static double reflect(double *x, size_t count, size_t step)
{
    double largest = 0, sum = 0;
    for (size_t i = 1; i < count; i++)
        largest = fmax(largest, fabs(x[i * step]));
    if (largest == 0)
        return 0;
    largest = fmax(largest, fabs(x[0]));
    for (size_t i = 0; i < count; i++) {
        const double part = x[i * step] / largest;
        sum += part * part;
    }
    const double first = x[0] / largest, beta = -copysign(sqrt(sum), first);
    for (size_t i = 1; i < count; i++)
        x[i * step] = x[i * step] / largest / (first - beta);
    x[0] = beta * largest;
    return (beta - first) / beta;
}

/* H into the columns from `first` on of the rows of `c`, each [width]; v[0] counts as 1. */
static void apply(const double *v, size_t step, double tau, double *c, size_t rows, size_t width,
                  size_t first)
{
    for (size_t j = first; j < width && tau != 0; j++) {
        double sum = c[j];
        for (size_t i = 1; i < rows; i++)
            sum += v[i * step] * c[i * width + j];
        sum *= tau;
        c[j] -= sum;
        for (size_t i = 1; i < rows; i++)
            c[i * width + j] -= sum * v[i * step];
    }
}

clh_status clh_qr_householder(size_t m, size_t n, double *a, double *q, double *r, clh_error *err)
{
    assert(m > 0 && n > 0 && a && q && r);
    const size_t k = m < n ? m : n;
    double *tau = clh_alloc_zeroed(k, sizeof *tau, err);
    if (!tau)
        return CLH_ENOMEM;
    for (size_t j = 0; j < k; j++) {
        tau[j] = reflect(a + j * n + j, m - j, n);
        apply(a + j * n + j, n, tau[j], a + j * n, m - j, n, j + 1);
    }
    for (size_t i = 0; i < k; i++)
        memcpy(r + i * n + i, a + i * n + i, (n - i) * sizeof *a);
    for (size_t j = k; j-- > 0;) {
        q[j * k + j] = 1;
        apply(a + j * n + j, n, tau[j], q + j * k, m - j, k, j);
    }
    clh_free(tau);
    return CLH_OK;
}
