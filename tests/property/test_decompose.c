/* Truths of decompositions, of our own and of LAPACK's where it is there, and both beside each other: on
 * drawn matrices, singular ones, defective ones and badly scaled ones. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "math/algebra/decompose.h"
#include "support/failing_alloc.h"
#include "support/model_case.h"
#include "support/must.h"

enum { STREAM_MATRIX = 202, MOST = 72 };

static clh_error err;

static const clh_decompose *const by[] = {
    &clh_decompose_own,
#ifdef CLH_HAVE_LAPACK
    &clh_decompose_lapack,
#endif
};

static double *numbers(size_t count)
{
    double *x = clh_alloc_zeroed(count, sizeof *x, &err);
    assert_non_null(x);
    return x;
}

static double *copy_of(const double *x, size_t count)
{
    double *y = numbers(count);
    memcpy(y, x, count * sizeof *y);
    return y;
}

static double *draw(size_t count, uint64_t seed)
{
    double *x = numbers(count);
    for (size_t i = 0; i < count; i++)
        x[i] = clh_random_normal(seed, STREAM_MATRIX, i);
    return x;
}

/* a [m, k] times b [k, n]. */
static double *product(const double *a, const double *b, size_t m, size_t k, size_t n)
{
    double *out = numbers(m * n);
    for (size_t i = 0; i < m; i++)
        for (size_t l = 0; l < k; l++)
            for (size_t j = 0; j < n; j++)
                out[i * n + j] += a[i * k + l] * b[l * n + j];
    return out;
}

static double largest(const double *x, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

/* max |a - b| */
static double distance(const double *a, const double *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* An orthogonal matrix [n, n]. */
static double *turn(size_t n, uint64_t seed)
{
    double *a = draw(n * n, seed), *q = numbers(n * n), *r = numbers(n * n);
    must(clh_decompose_own.qr(n, n, a, q, r, &err), &err);
    clh_free(r);
    clh_free(a);
    return q;
}

/* That the rows of x [count, length], or with `columns` the columns of x [length, count], are orthonormal. */
static void check_orthonormal(const double *x, size_t count, size_t length, bool columns)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t l = 0; l < length; l++)
                sum += columns ? x[l * count + i] * x[l * count + j]
                               : x[i * length + l] * x[j * length + l];
            assert_true(fabs(sum - (i == j)) < 1e-13 * (double)MOST);
        }
}

/* ---- Matrices ----------------------------------------------------------------------------------
 */

/* Kinds of matrices [m, n], one after the other; NULL behind the last. */
static double *matrix(size_t kind, size_t m, size_t n)
{
    double *a = draw(m * n, 7 + kind), *b, *out;
    const size_t k = (least(m, n) + 1) / 2;
    switch (kind) {
    case 0: /* any */
        return a;
    case 1: /* all zero */
        memset(a, 0, m * n * sizeof *a);
        return a;
    case 2: /* of half rank */
        b = draw(k * n, 99);
        out = product(a, b, m, k, n);
        clh_free(b);
        clh_free(a);
        return out;
    case 3: /* rows from 1e-150 to 1e150 */
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                a[i * n + j] *= pow(10, 300.0 * (double)i / (double)m - 150);
        return a;
    case 4: /* columns so, from the large to the small */
        for (size_t i = 0; i < m * n; i++)
            a[i] *= pow(10, 150 - 300.0 * (double)(i % n) / (double)n);
        return a;
    case 5: /* all rows the same: of rank 1 */
        for (size_t i = n; i < m * n; i++)
            a[i] = a[i - n];
        return a;
    case 6: /* nearly singular: 1 / (i + j + 1) */
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                a[i * n + j] = 1 / (double)(i + j + 1);
        return a;
    case 7: /* near the ends of the range */
        for (size_t i = 0; i < m * n; i++)
            a[i] *= i % 2 ? 1e-300 : 1e300;
        return a;
    case 8: /* zero but for its last row */
        memset(a, 0, (m - 1) * n * sizeof *a);
        return a;
    case 9: /* the smallest numbers there are */
        for (size_t i = 0; i < m * n; i++)
            a[i] *= 1e-310;
        return a;
    default:
        clh_free(a);
        return NULL;
    }
}

static const size_t shapes[][2] = {{1, 1},   {1, 6},  {6, 1},   {2, 2},  {7, 7},
                                   {20, 13}, {9, 31}, {65, 64}, {64, 66}};

/* What rounding may do to numbers of size `most` in a matrix of up to MOST rows. */
static double slack(double most)
{
    return 2e3 * DBL_EPSILON * most + 1e-320;
}

/* ---- Singular values ---------------------------------------------------------------------------
 */

static void check_svd(const double *a, size_t m, size_t n, const double *s, const double *u,
                      const double *vt)
{
    const size_t k = least(m, n);
    double *scaled = copy_of(vt, k * n);
    for (size_t i = 0; i < k * n; i++)
        scaled[i] *= s[i / n];
    double *again = product(u, scaled, m, k, n);
    assert_true(distance(again, a, m * n) <= slack(largest(a, m * n)));
    check_orthonormal(u, k, m, true);
    check_orthonormal(vt, k, n, false);
    for (size_t i = 0; i < k; i++)
        assert_true(s[i] >= 0 && (i == 0 || s[i] <= s[i - 1]));
    clh_free(again);
    clh_free(scaled);
}

static void singular_values_rebuild_and_agree(void **state)
{
    (void)state;
    for (size_t at = 0; at < CLH_COUNT(shapes); at++) {
        const size_t m = shapes[at][0], n = shapes[at][1], k = least(m, n);
        double *a;
        for (size_t kind = 0; (a = matrix(kind, m, n)); kind++) {
            double s[CLH_COUNT(by)][MOST];
            for (size_t d = 0; d < CLH_COUNT(by); d++) {
                double *work = copy_of(a, m * n), *u = numbers(m * k), *vt = numbers(k * n);
                must(by[d]->svd(m, n, work, s[d], u, vt, &err), &err);
                check_svd(a, m, n, s[d], u, vt);
                assert_true(distance(s[0], s[d], k) <= slack(s[0][0]));
                clh_free(vt);
                clh_free(u);
                clh_free(work);
            }
            clh_free(a);
        }
    }
}

/* Columns of a turn, each stretched: down to the smallest stretch all are known to their last digits. */
static void small_singular_values_are_exact(void **state)
{
    (void)state;
    enum { N = 8, ALL = N * N };
    double *q = turn(N, 5), s[N], u[ALL], vt[ALL];
    for (size_t i = 0; i < ALL; i++)
        q[i] *= pow(10, -10.0 * (double)(i % N));
    must(clh_decompose_own.svd(N, N, q, s, u, vt, &err), &err);
    for (size_t i = 0; i < N; i++)
        assert_true(fabs(s[i] - pow(10, -10.0 * (double)i)) <= 1e-14 * s[i]);
    clh_free(q);
}

/* ---- Q and R -----------------------------------------------------------------------------------
 */

static void qr_rebuilds_and_agrees(void **state)
{
    (void)state;
    for (size_t at = 0; at < CLH_COUNT(shapes); at++) {
        const size_t m = shapes[at][0], n = shapes[at][1], k = least(m, n);
        double *a;
        for (size_t kind = 0; (a = matrix(kind, m, n)); kind++) {
            const double most = largest(a, m * n);
            double *first = NULL;
            for (size_t d = 0; d < CLH_COUNT(by); d++) {
                double *work = copy_of(a, m * n), *q = numbers(m * k), *r = numbers(k * n);
                must(by[d]->qr(m, n, work, q, r, &err), &err);
                double *again = product(q, r, m, k, n);
                assert_true(distance(again, a, m * n) <= slack(most));
                check_orthonormal(q, k, m, true);
                for (size_t i = 0; i < k; i++)
                    for (size_t j = 0; j < i; j++)
                        assert_true(r[i * n + j] == 0);
                if (kind == 0 && first) /* of full rank there is one of these signs only */
                    assert_true(distance(first, r, k * n) <= slack(most));
                if (!first)
                    first = copy_of(r, k * n);
                clh_free(again);
                clh_free(r);
                clh_free(q);
                clh_free(work);
            }
            clh_free(first);
            clh_free(a);
        }
    }
}

/* ---- Eigenvalues -------------------------------------------------------------------------------
 */

/* The farthest of one set of numbers from its partner in another, each taken to the nearest that is
 * still free. */
static double farthest(size_t n, const double *re, const double *im, const double *other_re,
                       const double *other_im)
{
    bool taken[MOST] = {0};
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t nearest = n;
        double least_so_far = INFINITY;
        for (size_t j = 0; j < n; j++) {
            const double away = hypot(re[i] - other_re[j], im[i] - other_im[j]);
            if (!taken[j] && away < least_so_far) {
                nearest = j;
                least_so_far = away;
            }
        }
        assert_true(nearest < n);
        taken[nearest] = true;
        most = fmax(most, least_so_far);
    }
    return most;
}

/* That A - (re + i im) I is singular but for rounding: as real numbers [[A - re, im], [-im, A - re]]. */
static void check_eigenvalue(const double *a, size_t n, double re, double im)
{
    double *both = numbers(4 * n * n), s[2 * MOST];
    for (size_t i = 0; i < 2 * n; i++)
        for (size_t j = 0; j < 2 * n; j++) {
            const bool same = i % n == j % n;
            both[i * 2 * n + j] = i / n == j / n ? a[i % n * n + j % n] - (same ? re : 0)
                                  : same         ? (i < n ? im : -im)
                                                 : 0;
        }
    double *u = numbers(4 * n * n), *vt = numbers(4 * n * n);
    must(clh_decompose_own.svd(2 * n, 2 * n, both, s, u, vt, &err), &err);
    assert_true(s[2 * n - 1] <= slack(largest(a, n * n)));
    clh_free(vt);
    clh_free(u);
    clh_free(both);
}

/* All eigenvalues by each, in re and im [CLH_COUNT(by), MOST]; conjugates stand together. */
static void eigenvalues_of(const double *a, size_t n, double (*re)[MOST], double (*im)[MOST])
{
    for (size_t d = 0; d < CLH_COUNT(by); d++) {
        double *work = copy_of(a, n * n);
        must(by[d]->eigenvalues(n, work, re[d], im[d], &err), &err);
        for (size_t i = 0; i < n; i++)
            if (im[d][i] != 0) {
                assert_true(i + 1 < n && im[d][i] > 0);
                assert_true(re[d][i + 1] == re[d][i] && im[d][i + 1] == -im[d][i]);
                i++;
            }
        clh_free(work);
    }
}

static void eigenvalues_are_eigenvalues(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 4, 9, 16};
    static const size_t kinds[] = {0, 1, 2, 5, 6, 8};
    for (size_t at = 0; at < CLH_COUNT(sizes); at++)
        for (size_t k = 0; k < CLH_COUNT(kinds); k++) {
            const size_t n = sizes[at];
            double *a = matrix(kinds[k], n, n);
            double re[CLH_COUNT(by)][MOST], im[CLH_COUNT(by)][MOST];
            eigenvalues_of(a, n, re, im);
            for (size_t d = 0; d < CLH_COUNT(by); d++)
                for (size_t i = 0; i < n; i++)
                    check_eigenvalue(a, n, re[d][i], im[d][i]);
            clh_free(a);
        }
}

static void eigenvalues_of_drawn_matrices_agree(void **state)
{
    (void)state;
    for (size_t n = 1; n <= MOST; n += 1 + n / 3) {
        double *a = draw(n * n, n), re[CLH_COUNT(by)][MOST], im[CLH_COUNT(by)][MOST];
        double sum = 0, trace = 0;
        eigenvalues_of(a, n, re, im);
        for (size_t d = 0; d < CLH_COUNT(by); d++)
            assert_true(farthest(n, re[0], im[0], re[d], im[d]) < 1e-10);
        for (size_t i = 0; i < n; i++) {
            sum += re[0][i];
            trace += a[i * n + i];
        }
        assert_true(fabs(sum - trace) < 1e-11);
        clh_free(a);
    }
}

/* Turned Jordan blocks: an eigenvalue of one block of size k moves by the k-th root of rounding. */
static void eigenvalues_of_defective_matrices(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 3, 5};
    for (size_t at = 0; at < CLH_COUNT(sizes); at++) {
        const size_t n = 2 * sizes[at];
        double *q = turn(n, n), *j = numbers(n * n), *qt = numbers(n * n);
        double want_re[MOST], want_im[MOST] = {0};
        for (size_t i = 0; i < n; i++) {
            want_re[i] = j[i * n + i] = i < sizes[at] ? 2 : -1;
            if (i % sizes[at])
                j[(i - 1) * n + i] = 1;
            for (size_t l = 0; l < n; l++)
                qt[i * n + l] = q[l * n + i];
        }
        double *left = product(q, j, n, n, n), *a = product(left, qt, n, n, n);
        double re[CLH_COUNT(by)][MOST], im[CLH_COUNT(by)][MOST];
        eigenvalues_of(a, n, re, im);
        const double moved = 10 * pow(DBL_EPSILON, 1 / (double)sizes[at]);
        for (size_t d = 0; d < CLH_COUNT(by); d++) {
            assert_true(farthest(n, re[d], im[d], want_re, want_im) < moved);
            for (size_t i = 0; i < n; i++)
                check_eigenvalue(a, n, re[d][i], im[d][i]);
        }
        double *const all[] = {q, j, qt, left, a};
        for (size_t i = 0; i < CLH_COUNT(all); i++)
            clh_free(all[i]);
    }
}

/* D A D^-1 has the eigenvalues of A, however much D stretches; and c A has c times those. */
static void eigenvalues_of_badly_scaled_matrices(void **state)
{
    (void)state;
    enum { N = 12, ALL = N * N };
    double *a = draw(ALL, 3), *b = copy_of(a, ALL);
    double re[CLH_COUNT(by)][MOST], im[CLH_COUNT(by)][MOST];
    double scaled_re[CLH_COUNT(by)][MOST], scaled_im[CLH_COUNT(by)][MOST];
    eigenvalues_of(a, N, re, im);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            b[i * N + j] *= pow(10, 8 * ((double)i - (double)j));
    eigenvalues_of(b, N, scaled_re, scaled_im);
    for (size_t d = 0; d < CLH_COUNT(by); d++)
        assert_true(farthest(N, re[d], im[d], scaled_re[d], scaled_im[d]) < 1e-11);
    static const int powers[] = {-1040, -700, 700, 1015};
    for (size_t p = 0; p < CLH_COUNT(powers); p++) {
        for (size_t i = 0; i < ALL; i++)
            b[i] = ldexp(a[i], powers[p]);
        must(clh_decompose_own.eigenvalues(N, b, scaled_re[0], scaled_im[0], &err), &err);
        for (size_t i = 0; i < N; i++) {
            assert_true(fabs(ldexp(scaled_re[0][i], -powers[p]) - re[0][i]) < 1e-4);
            assert_true(fabs(ldexp(scaled_im[0][i], -powers[p]) - im[0][i]) < 1e-4);
        }
    }
    clh_free(b);
    clh_free(a);
}

/* e_1 -> e_2 -> … -> e_1: the n-th roots of 1. Plain double shifts stand still on it. */
static void eigenvalues_of_a_cycle(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 12; n++) {
        double *a = numbers(n * n), want_re[MOST], want_im[MOST];
        double re[CLH_COUNT(by)][MOST], im[CLH_COUNT(by)][MOST];
        for (size_t i = 0; i < n; i++) {
            a[(i + 1) % n * n + i] = 1;
            want_re[i] = cos(2 * 3.14159265358979323846 * (double)i / (double)n);
            want_im[i] = sin(2 * 3.14159265358979323846 * (double)i / (double)n);
        }
        eigenvalues_of(a, n, re, im);
        for (size_t d = 0; d < CLH_COUNT(by); d++)
            assert_true(farthest(n, re[d], im[d], want_re, want_im) < 1e-13);
        clh_free(a);
    }
}

/* ---- Memory ------------------------------------------------------------------------------------
 */

static clh_status all_three(void *user)
{
    const double *a = user;
    double work[12], s[3], u[12], v[12];
    memcpy(work, a, sizeof work);
    clh_status status = clh_decompose_own.svd(4, 3, work, s, u, v, &err);
    memcpy(work, a, sizeof work);
    memset(u, 0, sizeof u);
    memset(v, 0, sizeof v);
    if (!status)
        status = clh_decompose_own.qr(3, 4, work, u, v, &err);
    memcpy(work, a, sizeof work);
    return status ? status : clh_decompose_own.eigenvalues(3, work, u, v, &err);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    double *a = draw(12, 1);
    assert_true(failing_alloc_each(all_three, a) >= 4);
    clh_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(singular_values_rebuild_and_agree),
        cmocka_unit_test(small_singular_values_are_exact),
        cmocka_unit_test(qr_rebuilds_and_agrees),
        cmocka_unit_test(eigenvalues_are_eigenvalues),
        cmocka_unit_test(eigenvalues_of_drawn_matrices_agree),
        cmocka_unit_test(eigenvalues_of_defective_matrices),
        cmocka_unit_test(eigenvalues_of_badly_scaled_matrices),
        cmocka_unit_test(eigenvalues_of_a_cycle),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
