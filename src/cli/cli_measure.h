/** What the commands that ask a model share: the held-out sequences asked, progress, intervals.
 *
 *    const clh_watch watch = clh_cli_watch_line(inv, "sequence");
 *    clh_interval v[CLH_RATIOS];
 *    if (clh_cli_intervals(v, &measure, sample.count, seed, err)) ...
 *    clh_cli_add_intervals(&text, task, v);          // "loss": [0.1, 0.09, 0.11], "token_accuracy": …
 */
#ifndef CLH_CLI_MEASURE_H
#define CLH_CLI_MEASURE_H

#include "base/strbuf.h"
#include "clearhead/measure.h"
#include "cli/cli_run.h"

/** The first `count` held-out sequences of a run, the caller's to deinit. CLH_EINPUT when it has
 *  no task or holds none out. */
clh_status clh_cli_held_out_sample(clh_sample *out, const clh_run *run, size_t count,
                                   clh_error *err);

/** --threads, 1 when it was not given. */
clh_status clh_cli_threads(const clh_invocation *inv, size_t *threads, clh_error *err);

/** "sequence 12 of 500" on stderr, in place, where that is a terminal; `what` is borrowed. */
clh_watch clh_cli_watch_line(const clh_invocation *inv, const char *what);

/** Every ratio with its 95 % interval of 1,000 resamples: out [CLH_RATIOS]. */
clh_status clh_cli_intervals(clh_interval *out, const clh_measure *measure, size_t sequences,
                             uint64_t seed, clh_error *err);

/** Every ratio the task has as "name": [value, low, high], commas between. */
void clh_cli_add_intervals(clh_strbuf *text, const clh_task *task, const clh_interval *intervals);

/** "name": [numbers], as JSON with 9 digits, a comma before. */
void clh_cli_add_numbers(clh_strbuf *text, const char *name, const double *values, size_t count);

/** "name": number, likewise. */
void clh_cli_add_field(clh_strbuf *text, const char *name, double value);

enum { CLH_NUMBER_TEXT = 32 };

/** A number with so many decimals or, where these would hardly be more than zeros, which say nothing
 *  of a loss, with a power of ten; "-" for NaN. Into `out`. */
const char *clh_cli_number(char out[CLH_NUMBER_TEXT], double value, int decimals);

#endif
