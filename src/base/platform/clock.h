/** A clock that only goes forward, for how long things take.
 *
 *    double began = clh_clock_seconds();
 *    ...
 *    double took = clh_clock_seconds() - began;
 */
#ifndef CLH_CLOCK_H
#define CLH_CLOCK_H

#include <math.h>
#include <time.h>

/** Seconds since some moment before the process began. */
static inline double clh_clock_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/** Seconds that processors worked for this process, all its threads together; NaN where nobody counts them. */
static inline double clh_clock_worked(void)
{
#ifdef CLOCK_PROCESS_CPUTIME_ID
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now))
        return NAN;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
#else
    return NAN;
#endif
}

#endif
