/* The percentile bootstrap of a ratio of sums: draw as many sequences as there are, with
 * replacement, take the ratio, again and again; the interval ends at the quantiles of what came
 * out. Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/measure.h"

/* The ratio over one resample; NaN when nothing in it counts. */
static double resample(const clh_measure *measure, size_t sequences, clh_ratio ratio, size_t round,
                       uint64_t seed)
{
    clh_tally sum = {0};
    for (size_t i = 0; i < sequences; i++) {
        const uint64_t word =
            clh_random_word(seed, CLH_STREAM_BOOTSTRAP, (uint64_t)round * sequences + i);
        clh_tally_add(&sum, &measure->sequence[((word >> 32) * sequences) >> 32]);
    }
    return clh_tally_ratio(&sum, ratio);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quantile by linear interpolation between order statistics (Hyndman and Fan 1996, type 7). */
static double quantile(const double *sorted, size_t count, double q)
{
    const double at = q * (double)(count - 1);
    const size_t below = (size_t)at;
    const size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

static clh_status check(size_t sequences, size_t rounds, double level, clh_error *err)
{
    if (sequences == 0 || sequences > UINT32_MAX)
        return clh_fail(err, CLH_ERANGE, "an interval from %zu sequences, want 1 to %u", sequences,
                        UINT32_MAX);
    if (rounds == 0)
        return clh_fail(err, CLH_ERANGE, "an interval from 0 resamples, want at least 1");
    if (!(level > 0 && level < 1))
        return clh_fail(err, CLH_ERANGE, "the level of an interval is %g, want it in (0, 1)",
                        level);
    return CLH_OK;
}

clh_status clh_measure_interval(clh_interval *out, const clh_measure *measure, size_t sequences,
                                clh_ratio ratio, size_t rounds, double level, uint64_t seed,
                                clh_error *err)
{
    assert(out && measure && ratio < CLH_RATIOS);
    clh_status status = check(sequences, rounds, level, err);
    if (status)
        return status;
    double *drawn = clh_alloc_array(rounds, sizeof *drawn, err);
    if (!drawn)
        return CLH_ENOMEM;
    const double all = clh_tally_ratio(&measure->total, ratio);
    size_t count = 0; /* resamples in which something counts */
    for (size_t r = 0; r < rounds && !isnan(all); r++) {
        const double value = resample(measure, sequences, ratio, r, seed);
        if (!isnan(value))
            drawn[count++] = value;
    }
    *out = (clh_interval){all, NAN, NAN};
    if (count > 0) {
        qsort(drawn, count, sizeof *drawn, ascending);
        out->low = quantile(drawn, count, (1 - level) / 2);
        out->high = quantile(drawn, count, (1 + level) / 2);
    }
    clh_free(drawn);
    return CLH_OK;
}
