/** How fast this machine trains, beside how fast it could compute at all.
 *
 *    double peak = 0;
 *    clh_bench_result step;
 *    if (clh_bench_peak(&peak, NULL, &err)) ...                         // operations a second
 *    if (clh_bench_step(&step, &config, CLH_BENCH_BEST, 0.5, NULL, &err)) ...
 *    printf("%.2f of the peak\n", step.operations / step.seconds / peak);
 *
 *  Operations are counted conventionally: two for a multiply-add, the products of a forward pass
 *  with causal attention (a query meets (T + 1) / 2 keys on average), and twice that again for the
 *  backward pass. A path that gets by with fewer may pass the peak.
 */
#ifndef CLEARHEAD_BENCH_H
#define CLEARHEAD_BENCH_H

#include "clearhead/api.h"
#include "clearhead/config.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

/** Which way through a step. */
typedef enum clh_bench_path { CLH_BENCH_BEST = 0, CLH_BENCH_GENERAL = 1 } clh_bench_path;

/** The parts of a step. The way back and the update need one another's results, so a step has each
 *  once; forward is also run by itself, over the same blocks, and what a gradient takes beyond that is
 *  backward: with the transposed weights, the slots added up, and the norm. Update: clipping and the
 *  optimizer. */
typedef enum clh_bench_part {
    CLH_BENCH_FORWARD = 0,
    CLH_BENCH_BACKWARD = 1,
    CLH_BENCH_UPDATE = 2,
    CLH_BENCH_PARTS = 3
} clh_bench_part;

typedef struct clh_bench_timed {
    double operations; /**< forward and backward as of the whole step; of the update each addition,
                            multiplication, quotient and root */
    double bytes;      /**< that pass between memory and the processor at least: parameters read,
                            forward and backward; gradients written; what the update reads and writes */
    double seconds, seconds_least, seconds_most; /**< median over rounds; NaN where it came out as a
                                                      difference that is not above 0 */
} clh_bench_timed;

typedef struct clh_bench_result {
    double operations; /**< of one step, conventionally */
    double seconds;    /**< of one step: median over rounds */
    double seconds_least, seconds_most;
    double peak_at_clock; /**< multiply-adds from registers straight after a round, operations a
                               second of all threads: median. Less than clh_bench_peak() where the
                               processor lowers its clock for products */
    size_t rounds;
    clh_bench_timed part[CLH_BENCH_PARTS];
    const char *backend; /**< the one that ran: "fused", "general"; static memory */
} clh_bench_result;

/** Name of the instruction set in use: "avx512", "avx2", "neon", "base", "plain". */
CLH_API const char *clh_bench_isa(void);

/** Bytes of a processor's second cache, for which products are cut; 512 KB where the machine does not say. */
CLH_API size_t clh_bench_second_cache(void);

/** Multiply-adds from registers, in operations a second, on all threads at once: what no product can
 *  pass. The best of several short rounds. CLH_STOPPED; CLH_ERANGE for more than 1024 threads,
 *  CLH_EUSAGE for NULL; written on success only. */
CLH_API clh_status clh_bench_peak(double *operations_per_second, const clh_how *how,
                                  clh_error *err);

/** A stream through memory, y += x over 128 MB, in bytes a second, on all threads at once: 12 bytes a
 *  number, two read and one written. The best of several rounds. A processor with larger caches has part of it
 *  there. Errors as clh_bench_peak(), and CLH_ENOMEM. */
CLH_API clh_status clh_bench_bandwidth(double *bytes_per_second, const clh_how *how,
                                       clh_error *err);

/** Time training steps (gradient, clipping, optimizer; no files) of a run for about `seconds`, 0 or
 *  more; the watch is told milliseconds. *out is written on success only. CLH_STOPPED; CLH_ERANGE,
 *  CLH_ECONFIG or CLH_ESHAPE for what cannot be (clh_run_config_check(), a task that does not fit
 *  the model), CLH_ENOMEM, CLH_EUSAGE for NULL. */
CLH_API clh_status clh_bench_step(clh_bench_result *out, const clh_run_config *config,
                                  clh_bench_path path, double seconds, const clh_how *how,
                                  clh_error *err);

/** Operations of a training step on `batch` sequences of `length` tokens, conventionally; NaN for
 *  none of either and for NULL. */
CLH_API double clh_bench_operations(const clh_model_config *config, size_t batch, size_t length);

/** "forward", "backward", "update"; NULL for no part. */
CLH_API const char *clh_bench_part_name(clh_bench_part part);

/** The roofline: the share of `peak` (operations a second) that a part can reach at most, where
 *  memory gives `bandwidth` (bytes a second): min(1, operations / bytes x bandwidth / peak). Numbers
 *  that stay in caches do not wait for memory, so a small model may pass it. NaN for NULL, and where
 *  peak, bandwidth or bytes are not above 0. Williams et al. 2009, "Roofline". */
CLH_API double clh_bench_limit(const clh_bench_timed *part, double peak, double bandwidth);

CLH_END_DECLS

#endif
