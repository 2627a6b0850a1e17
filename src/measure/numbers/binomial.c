/* What k of n says of a share, exactly: the binomial distribution's tails are the regularized incomplete
 * beta function, P(X >= k) = I_p(k, n - k + 1), which is evaluated by its continued fraction (DLMF
 * 8.17.22, by Lentz's method) and inverted by halving. Clopper and Pearson 1934. */
#include <assert.h>
#include <math.h>

#include "clearhead/measure.h"

/* What comes behind the k-th bar of the fraction (DLMF 8.17.23, 8.17.24). */
static double part_of(size_t k, double p, double a, double b)
{
    const size_t pairs = k / 2;
    const double m = (double)pairs;
    return k % 2 ? -(a + m) * (a + b + m) * p / ((a + 2 * m) * (a + 2 * m + 1))
                 : m * (b - m) * p / ((a + 2 * m - 1) * (a + 2 * m));
}

static double fraction(double p, double a, double b)
{
    enum { MOST = 100000 };
    const double tiny = 1e-300;
    double c = 1, d = 1 + part_of(1, p, a, b);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (size_t k = 2; k < MOST; k++) {
        const double part = part_of(k, p, a, b);
        d = 1 + part * d;
        c = 1 + part / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        value *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return value;
}

/* I_p(a, b) for 0 < p < 1; the fraction is quick below the mean, above it the other tail's is taken. */
static double incomplete_beta(double p, double a, double b)
{
    int sign;
    const double scale = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) +
                             a * log(p) + b * log1p(-p));
    return p < (a + 1) / (a + b + 2) ? scale * fraction(p, a, b) / a
                                     : 1 - scale * fraction(1 - p, b, a) / b;
}

/* The p at which k or more of n come with probability `tail`. */
static double share_at(size_t k, size_t n, double tail)
{
    double low = 0, high = 1;
    for (int i = 0; i < 200 && low < high; i++) {
        const double p = (low + high) / 2;
        if (p <= low || p >= high)
            break;
        if (incomplete_beta(p, (double)k, (double)(n - k + 1)) < tail)
            low = p;
        else
            high = p;
    }
    return (low + high) / 2;
}

/* The least share that k of n does not rule out, when so much is left to chance. */
static double least(size_t k, size_t n, double tail)
{
    return k == 0 ? 0 : k == n ? pow(tail, 1 / (double)n) : share_at(k, n, tail);
}

clh_interval clh_binomial_interval(size_t k, size_t n, double level)
{
    if (n == 0 || k > n || !(level > 0 && level < 1))
        return (clh_interval){NAN, NAN, NAN};
    const double tail = (1 - level) / 2;
    return (clh_interval){(double)k / (double)n, least(k, n, tail), 1 - least(n - k, n, tail)};
}

double clh_binomial_most(size_t k, size_t n, double level)
{
    if (n == 0 || k > n || !(level > 0 && level < 1))
        return NAN;
    return k == 0 ? -expm1(log1p(-level) / (double)n) : 1 - least(n - k, n, 1 - level);
}
