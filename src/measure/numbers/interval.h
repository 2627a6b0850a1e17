/** The pieces of a percentile bootstrap, for several ratios of the same resamples.
 *
 *    clh_resample(drawn, sequences, r, seed);           // for r < rounds: sums over these
 *    clh_interval_of(value, values, rounds, 0.95);      // values: one a resample
 */
#ifndef CLH_INTERVAL_H
#define CLH_INTERVAL_H

#include "clearhead/measure.h"

/** Those of every question. */
enum { CLH_INTERVAL_ROUNDS = 1000 };
#define CLH_INTERVAL_LEVEL 0.95

/** Errors of clh_measure_interval(). */
clh_status clh_interval_check(size_t sequences, size_t rounds, double level, clh_error *err);

/** The sequences that resample `round` draws: out [sequences]. */
void clh_resample(uint32_t *out, size_t sequences, size_t round, uint64_t seed);

/** `value` with the quantiles of what `count` resamples gave, NaN left out; drawn is sorted. */
clh_interval clh_interval_of(double value, double *drawn, size_t count, double level);

/** A ratio of two sums over sequences: out is that of sum part / sum whole, with the percentile bootstrap
 *  interval of every question. */
typedef struct clh_sums {
    const double *part, *whole; /**< [sequences] */
    clh_interval *out;          /**< NaN where nothing counts, and ends of a single sequence */
} clh_sums;

/** The intervals of `count` ratios over the same resamples. An end that resamples cannot know, of a ratio
 *  that is 0, or 1, in every sequence that counts, is the exact one of such sequences. CLH_ENOMEM; errors of
 *  clh_interval_check(). */
clh_status clh_interval_sums(const clh_sums *sums, size_t count, size_t sequences, uint64_t seed,
                             clh_error *err);

/** Put what is exact in place of what the bootstrap of a ratio gave: of whole sequences, and of an accuracy
 *  of 0 or 1. `sequence` [sequences] are the tallies. */
void clh_interval_exact(clh_interval *interval, const clh_tally *sequence, size_t sequences,
                        clh_ratio ratio, double level);

#endif
