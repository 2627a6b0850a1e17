/** The pieces of a percentile bootstrap, for several ratios of the same resamples.
 *
 *    clh_resample(drawn, sequences, r, seed);           // for r < rounds: sums over these
 *    clh_interval_of(value, values, rounds, 0.95);      // values: one a resample
 */
#ifndef CLH_INTERVAL_H
#define CLH_INTERVAL_H

#include "clearhead/measure.h"

/** Errors of clh_measure_interval(). */
clh_status clh_interval_check(size_t sequences, size_t rounds, double level, clh_error *err);

/** The sequences that resample `round` draws: out [sequences]. */
void clh_resample(uint32_t *out, size_t sequences, size_t round, uint64_t seed);

/** `value` with the quantiles of what `count` resamples gave, NaN left out; drawn is sorted. */
clh_interval clh_interval_of(double value, double *drawn, size_t count, double level);

#endif
