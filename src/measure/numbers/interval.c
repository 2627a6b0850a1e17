/* The percentile bootstrap of a ratio of sums: draw as many sequences as there are, with
 * replacement, take the ratio, again and again; the interval ends at the quantiles of what came
 * out. Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/random.h"
#include "base/stop.h"
#include "measure/numbers/interval.h"
#include "measure/numbers/tally.h"

void clh_resample(uint32_t *out, size_t sequences, size_t round, uint64_t seed)
{
    assert(out && sequences > 0 && sequences <= UINT32_MAX);
    for (size_t i = 0; i < sequences; i++) {
        const uint64_t word =
            clh_random_word(seed, CLH_STREAM_BOOTSTRAP, (uint64_t)round * sequences + i);
        out[i] = (uint32_t)(((word >> 32) * sequences) >> 32);
    }
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

clh_interval clh_interval_of(double value, double *drawn, size_t count, double level)
{
    assert(drawn && count > 0 && level > 0 && level < 1);
    size_t kept = 0; /* resamples in which something counts */
    for (size_t r = 0; r < count; r++)
        if (!isnan(drawn[r]))
            drawn[kept++] = drawn[r];
    if (kept == 0 || isnan(value))
        return (clh_interval){value, NAN, NAN};
    qsort(drawn, kept, sizeof *drawn, ascending);
    return (clh_interval){value, quantile(drawn, kept, (1 - level) / 2),
                          quantile(drawn, kept, (1 + level) / 2)};
}

clh_status clh_interval_check(size_t sequences, size_t rounds, double level, clh_error *err)
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

/* `count` ratios from `first` on, all over the same resamples; drawn [count, rounds]. */
static clh_status draw_ratios(double *drawn, uint32_t *index, const clh_measure *measure,
                              size_t sequences, clh_ratio first, size_t count, size_t rounds,
                              uint64_t seed, const clh_watch *watch, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t r = 0; r < rounds && !status; r++) {
        clh_tally sum = {0};
        status = clh_watch_check(watch, r, rounds, "resamples", err);
        clh_resample(index, sequences, r, seed);
        for (size_t i = 0; i < sequences; i++)
            clh_tally_add(&sum, &measure->sequence[index[i]]);
        for (size_t k = 0; k < count; k++)
            drawn[k * rounds + r] = clh_tally_ratio(&sum, first + (clh_ratio)k);
    }
    return status ? status : clh_watch_check(watch, rounds, rounds, "resamples", err);
}

static clh_status take_intervals(clh_interval *out, const clh_measure *measure, size_t sequences,
                                 clh_ratio first, size_t count, size_t rounds, double level,
                                 uint64_t seed, const clh_watch *watch, clh_error *err)
{
    assert(out && measure && first + count <= CLH_RATIOS);
    clh_status status = clh_interval_check(sequences, rounds, level, err);
    if (status)
        return status;
    double *drawn = clh_alloc_array(rounds, count * sizeof *drawn, err);
    uint32_t *index = clh_alloc_array(sequences, sizeof *index, err);
    status = drawn && index ? draw_ratios(drawn, index, measure, sequences, first, count, rounds,
                                          seed, watch, err)
                            : CLH_ENOMEM;
    for (size_t k = 0; k < count && !status; k++) {
        const clh_ratio ratio = first + (clh_ratio)k;
        out[k] = clh_interval_of(clh_tally_ratio(&measure->total, ratio), drawn + k * rounds,
                                 rounds, level);
        if (sequences == 1) /* every resample is that one */
            out[k].low = out[k].high = NAN;
        clh_interval_exact(&out[k], measure->sequence, sequences, ratio, level);
    }
    clh_free(index);
    clh_free(drawn);
    return status;
}

void clh_interval_exact(clh_interval *interval, const clh_tally *sequence, size_t sequences,
                        clh_ratio ratio, double level)
{
    size_t counting = 0, whole_right = 0, none_right = 0;
    for (size_t i = 0; i < sequences; i++) {
        double part[CLH_RATIOS], whole[CLH_RATIOS];
        clh_tally_parts(&sequence[i], part, whole);
        counting += whole[ratio] > 0;
        whole_right += whole[ratio] > 0 && part[ratio] >= whole[ratio];
        none_right += whole[ratio] > 0 && part[ratio] <= 0;
    }
    if (ratio == CLH_RATIO_LOSS || counting == 0)
        return;
    const clh_interval all = clh_binomial_interval(whole_right, counting, level);
    if (ratio == CLH_RATIO_SEQUENCES)
        *interval = all;
    else if (whole_right == counting)
        *interval = (clh_interval){interval->value, all.low, 1};
    else if (none_right == counting)
        *interval =
            (clh_interval){interval->value, 0, clh_binomial_interval(0, counting, level).high};
}

static const char a_measure[] = "a measure with its sequences, and room for the interval";

clh_status clh_measure_interval(clh_interval *out, const clh_measure *measure, size_t sequences,
                                clh_ratio ratio, size_t rounds, double level, uint64_t seed,
                                const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && measure && measure->sequence, err, a_measure);
    clh_status status = clh_check_enum((unsigned)ratio, CLH_RATIOS, "ratio", err);
    if (status)
        return status;
    return take_intervals(out, measure, sequences, ratio, 1, rounds, level, seed, watch, err);
}

clh_status clh_measure_intervals(clh_interval *out, const clh_measure *measure, size_t sequences,
                                 size_t rounds, double level, uint64_t seed, const clh_watch *watch,
                                 clh_error *err)
{
    CLH_REQUIRE(out && measure && measure->sequence, err, a_measure);
    return take_intervals(out, measure, sequences, 0, CLH_RATIOS, rounds, level, seed, watch, err);
}

/* ---- Any ratio of sums --------------------------------------------------------------------------
 */

/* Of the sequences that are drawn; NULL: each once. */
static double ratio_of(const clh_sums *s, const uint32_t *drawn, size_t sequences)
{
    double part = 0, whole = 0;
    for (size_t i = 0; i < sequences; i++) {
        part += s->part[drawn ? drawn[i] : i];
        whole += s->whole[drawn ? drawn[i] : i];
    }
    return whole > 0 ? part / whole : NAN;
}

static void end_exactly(const clh_sums *s, size_t sequences)
{
    size_t counting = 0, all = 0, none = 0;
    for (size_t i = 0; i < sequences; i++) {
        counting += s->whole[i] > 0;
        all += s->whole[i] > 0 && s->part[i] >= s->whole[i];
        none += s->whole[i] > 0 && s->part[i] <= 0;
    }
    if (sequences == 1)
        s->out->low = s->out->high = NAN;
    if (counting > 0 && all == counting)
        s->out->low = clh_binomial_interval(all, counting, CLH_INTERVAL_LEVEL).low;
    if (counting > 0 && none == counting)
        s->out->high = clh_binomial_interval(0, counting, CLH_INTERVAL_LEVEL).high;
}

clh_status clh_interval_sums(const clh_sums *sums, size_t count, size_t sequences, uint64_t seed,
                             clh_error *err)
{
    assert(sums && count > 0);
    const size_t rounds = CLH_INTERVAL_ROUNDS;
    clh_status status = clh_interval_check(sequences, rounds, CLH_INTERVAL_LEVEL, err);
    if (status)
        return status;
    double *drawn = clh_alloc_array(count * rounds, sizeof *drawn, err);
    uint32_t *index = clh_alloc_array(sequences, sizeof *index, err);
    status = drawn && index ? CLH_OK : CLH_ENOMEM;
    for (size_t r = 0; r < rounds && !status; r++) {
        clh_resample(index, sequences, r, seed);
        for (size_t k = 0; k < count; k++)
            drawn[k * rounds + r] = ratio_of(&sums[k], index, sequences);
    }
    for (size_t k = 0; k < count && !status; k++) {
        *sums[k].out = clh_interval_of(ratio_of(&sums[k], NULL, sequences), drawn + k * rounds,
                                       rounds, CLH_INTERVAL_LEVEL);
        end_exactly(&sums[k], sequences);
    }
    clh_free(index);
    clh_free(drawn);
    return status;
}

/* ---- How much is lost --------------------------------------------------------------------------
 */

/* Right tokens of the plain way less those of the other, and all, of the sequences that are drawn; NULL:
 * each once. */
static double lost_of(const clh_measure *plain, const clh_measure *other, const uint32_t *drawn,
                      size_t sequences)
{
    double lost = 0, count = 0;
    for (size_t i = 0; i < sequences; i++) {
        const size_t k = drawn ? drawn[i] : i;
        lost += (double)plain->sequence[k].correct - (double)other->sequence[k].correct;
        count += (double)plain->sequence[k].count;
    }
    return count > 0 ? lost / count : NAN;
}

clh_status clh_measure_lost(clh_interval *out, const clh_measure *plain, const clh_measure *other,
                            size_t sequences, size_t rounds, double level, uint64_t seed,
                            const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && plain && plain->sequence && other && other->sequence, err, a_measure);
    clh_status status = clh_interval_check(sequences, rounds, level, err);
    if (status)
        return status;
    double *drawn = clh_alloc_array(rounds, sizeof *drawn, err);
    uint32_t *index = clh_alloc_array(sequences, sizeof *index, err);
    status = drawn && index ? CLH_OK : CLH_ENOMEM;
    for (size_t r = 0; r < rounds && !status; r++) {
        status = clh_watch_check(watch, r, rounds, "resamples", err);
        clh_resample(index, sequences, r, seed);
        drawn[r] = lost_of(plain, other, index, sequences);
    }
    size_t told = 0; /* sequences in which they differ */
    for (size_t i = 0; i < sequences; i++)
        told += plain->sequence[i].correct != other->sequence[i].correct;
    if (!status)
        *out = clh_interval_of(lost_of(plain, other, NULL, sequences), drawn, rounds, level);
    if (!status && told == 0 && !isnan(out->value)) {
        out->high = clh_binomial_interval(0, sequences, level).high;
        out->low = -out->high;
    }
    if (!status && sequences == 1)
        out->low = out->high = NAN;
    clh_free(index);
    clh_free(drawn);
    return status ? status : clh_watch_check(watch, rounds, rounds, "resamples", err);
}
