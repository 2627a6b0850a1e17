/* Eigenvalues by QR steps of a Hessenberg matrix, two shifts at once. */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "math/algebra/decompose.h"

#define H(i, j) h[(i)*n + (j)]

/* Rows and columns scaled by powers of two until they weigh about the same: eigenvalues stay, what
 * rounding does to them shrinks. Source: Parlett & Reinsch 1969. */
static void balance(double *h, size_t n)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < n; i++) {
            double column = 0, row = 0, factor = 1;
            for (size_t j = 0; j < n; j++) {
                column += j == i ? 0 : fabs(H(j, i));
                row += j == i ? 0 : fabs(H(i, j));
            }
            if (column == 0 || row == 0)
                continue;
            const double before = column + row;
            for (; column < row / 2 && factor < 0x1p500; column *= 4)
                factor *= 2;
            for (; column >= row * 2 && factor > 0x1p-500; column /= 4)
                factor /= 2;
            if ((column + row) / factor >= 0.95 * before)
                continue;
            changed = true;
            for (size_t j = 0; j < n; j++) {
                H(i, j) /= factor;
                H(j, i) *= factor;
            }
        }
    }
}

/* Zeros below the first subdiagonal, by reflections from both sides. v [n] is room. */
static void to_hessenberg(double *h, size_t n, double *v)
{
    for (size_t k = 0; k + 2 < n; k++) {
        double largest = 0, sum = 0;
        for (size_t i = k + 2; i < n; i++)
            largest = fmax(largest, fabs(H(i, k)));
        if (largest == 0)
            continue;
        largest = fmax(largest, fabs(H(k + 1, k)));
        for (size_t i = k + 1; i < n; i++) {
            v[i] = H(i, k) / largest;
            sum += v[i] * v[i];
        }
        const double beta = -copysign(sqrt(sum), v[k + 1]);
        const double tau = 1 / (beta * (beta - v[k + 1])); /* H = I - tau v v^T */
        v[k + 1] -= beta;
        for (size_t j = k; j < n; j++) {
            double along = 0;
            for (size_t i = k + 1; i < n; i++)
                along += v[i] * H(i, j);
            for (size_t i = k + 1; i < n; i++)
                H(i, j) -= tau * along * v[i];
        }
        for (size_t i = 0; i < n; i++) {
            double along = 0;
            for (size_t j = k + 1; j < n; j++)
                along += H(i, j) * v[j];
            for (size_t j = k + 1; j < n; j++)
                H(i, j) -= tau * along * v[j];
        }
        H(k + 1, k) = beta * largest;
        for (size_t i = k + 2; i < n; i++)
            H(i, k) = 0;
    }
}

/* The beginning of the block that ends at `last`: above it the subdiagonal is as good as zero. */
static size_t block_begin(double *h, size_t n, size_t last, double whole)
{
    size_t at = last;
    for (; at > 0; at--) {
        double beside = fabs(H(at - 1, at - 1)) + fabs(H(at, at));
        if (beside == 0)
            beside = whole;
        if (fabs(H(at, at - 1)) <= DBL_EPSILON * beside)
            break;
    }
    if (at > 0)
        H(at, at - 1) = 0;
    return at;
}

/* Both eigenvalues of the block [last-1, last]. */
static void take_two(const double *h, size_t n, size_t last, double *re, double *im)
{
    const double x = H(last, last), w = H(last, last - 1) * H(last - 1, last);
    const double p = (H(last - 1, last - 1) - x) / 2, q = p * p + w, root = sqrt(fabs(q));
    if (q >= 0) {
        const double z = p + copysign(root, p);
        re[last - 1] = x + z;
        re[last] = z != 0 ? x - w / z : x;
        im[last - 1] = im[last] = 0;
    } else {
        re[last - 1] = re[last] = x + p;
        im[last - 1] = root;
        im[last] = -root;
    }
}

/* Two shifts as eigenvalues of [[y, .], [., x]] with product of the others w. */
typedef struct shifts {
    double x, y, w;
} shifts;

static shifts choose_shifts(const double *h, size_t n, size_t last, int round)
{
    if (round % 10 != 9)
        return (shifts){H(last, last), H(last - 1, last - 1),
                        H(last, last - 1) * H(last - 1, last)};
    /* Nothing came of ten: others. Source: EISPACK hqr. */
    const double size = fabs(H(last, last - 1)) + fabs(H(last - 1, last - 2));
    return (shifts){H(last, last) + 0.75 * size, H(last, last) + 0.75 * size,
                    -0.4375 * size * size};
}

/* The first column of (H - first shift)(H - second shift), its three entries that are not zero, in a
 * block that begins at m. */
static void first_column(const double *h, size_t n, size_t m, shifts s, double v[3])
{
    const double z = H(m, m), r = s.x - z, t = s.y - z;
    v[0] = (r * t - s.w) / H(m + 1, m) + H(m, m + 1);
    v[1] = H(m + 1, m + 1) - z - r - t;
    v[2] = H(m + 2, m + 1);
    const double size = fabs(v[0]) + fabs(v[1]) + fabs(v[2]);
    for (int i = 0; i < 3 && size > 0; i++)
        v[i] /= size;
}

/* Where the step may begin: two small subdiagonals in a row are as good as one that is zero. */
static size_t step_begin(const double *h, size_t n, size_t begin, size_t last, shifts s,
                         double v[3])
{
    size_t m = last - 2;
    for (;; m--) {
        first_column(h, n, m, s, v);
        if (m == begin)
            break;
        const double above = fabs(H(m, m - 1)) * (fabs(v[1]) + fabs(v[2]));
        const double beside =
            fabs(v[0]) * (fabs(H(m - 1, m - 1)) + fabs(H(m, m)) + fabs(H(m + 1, m + 1)));
        if (above <= DBL_EPSILON * beside)
            break;
    }
    return m;
}

/* Reflect rows and columns k, k+1 and (with `three`) k+2 of the block begin … last by what takes v to its
 * first entry; where that is left is -*size. */
static void reflect(double *h, size_t n, size_t k, size_t begin, size_t last, bool three,
                    const double v[3], double *size)
{
    const double s = copysign(sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), v[0]);
    const double p = v[0] + s, x = p / s, y = v[1] / s, z = v[2] / s, q = v[1] / p, r = v[2] / p;
    const size_t below = k + 3 < last ? k + 3 : last;
    for (size_t j = k; j <= last; j++) {
        const double t = H(k, j) + q * H(k + 1, j) + (three ? r * H(k + 2, j) : 0);
        H(k, j) -= t * x;
        H(k + 1, j) -= t * y;
        if (three)
            H(k + 2, j) -= t * z;
    }
    for (size_t i = begin; i <= below; i++) {
        const double t = x * H(i, k) + y * H(i, k + 1) + (three ? z * H(i, k + 2) : 0);
        H(i, k) -= t;
        H(i, k + 1) -= t * q;
        if (three)
            H(i, k + 2) -= t * r;
    }
    *size = s;
}

/* One step of the block begin … last, of three rows or more: the bulge goes down the diagonal. */
static void step(double *h, size_t n, size_t begin, size_t last, int round)
{
    double v[3];
    const size_t m = step_begin(h, n, begin, last, choose_shifts(h, n, last, round), v);
    for (size_t i = m + 2; i <= last; i++) {
        H(i, i - 2) = 0;
        if (i > m + 2)
            H(i, i - 3) = 0;
    }
    for (size_t k = m; k < last; k++) {
        const bool three = k + 1 < last;
        double scale = 1, size;
        if (k > m) {
            v[0] = H(k, k - 1);
            v[1] = H(k + 1, k - 1);
            v[2] = three ? H(k + 2, k - 1) : 0;
            scale = fabs(v[0]) + fabs(v[1]) + fabs(v[2]);
            if (scale == 0)
                continue;
            for (int i = 0; i < 3; i++)
                v[i] /= scale;
        } else if (v[0] == 0 && v[1] == 0 && v[2] == 0) {
            continue;
        }
        reflect(h, n, k, begin, last, three, v, &size);
        if (k > m) {
            H(k, k - 1) = -size * scale;
            H(k + 1, k - 1) = 0;
            if (three)
                H(k + 2, k - 1) = 0;
        } else if (m > begin) {
            H(k, k - 1) = -H(k, k - 1);
        }
    }
}

/* Source: Golub & Van Loan, algorithm 7.5.2; Francis 1961. */
static clh_status iterate(double *h, size_t n, double *re, double *im, clh_error *err)
{
    enum { ROUNDS = 300 }; /* for one eigenvalue; about three were seen to do */
    double whole = 0;
    for (size_t i = 0; i < n * n; i++)
        whole += fabs(h[i]);
    int round = 0;
    for (size_t left = n; left > 0;) {
        const size_t last = left - 1, begin = block_begin(h, n, last, whole);
        if (last - begin < 2) {
            if (begin == last) {
                re[last] = H(last, last);
                im[last] = 0;
            } else {
                take_two(h, n, last, re, im);
            }
            left = begin;
            round = 0;
            continue;
        }
        if (round == ROUNDS)
            return clh_fail(err, CLH_ENUMERIC,
                            "eigenvalues of a matrix [%zu, %zu] did not converge", n, n);
        step(h, n, begin, last, round++);
    }
    return CLH_OK;
}

clh_status clh_eigenvalues_hessenberg(size_t n, double *a, double *re, double *im, clh_error *err)
{
    assert(n > 0 && a && re && im);
    double *v = clh_alloc_zeroed(n, sizeof *v, err), largest = 0;
    if (!v)
        return CLH_ENOMEM;
    int exponent = 0;
    for (size_t i = 0; i < n * n; i++)
        largest = fmax(largest, fabs(a[i]));
    (void)frexp(largest, &exponent);
    for (size_t i = 0; i < n * n; i++)
        a[i] = ldexp(a[i], -exponent);
    balance(a, n);
    to_hessenberg(a, n, v);
    clh_status status = iterate(a, n, re, im, err);
    for (size_t i = 0; i < n && !status; i++) {
        re[i] = ldexp(re[i], exponent);
        im[i] = ldexp(im[i], exponent);
    }
    clh_free(v);
    return status;
}
