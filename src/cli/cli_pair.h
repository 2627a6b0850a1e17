/** The pair of sequences that `patch` and `paths` compare, and the scalar they are compared by:
 *  --clean, --clean-text, --corrupt, --corrupt-text, --metric.
 *
 *    clh_cli_pair pair;
 *    if (clh_cli_pair_init(&pair, inv, run, &err)) ...
 *    clh_cli_pair_deinit(&pair);
 *
 *  The caller owns the struct; the tokens belong to it.
 */
#ifndef CLH_CLI_PAIR_H
#define CLH_CLI_PAIR_H

#include "clearhead/metric.h"
#include "cli/cli_run.h"

typedef struct clh_cli_pair {
    clh_tokens clean, corrupted; /**< [1, pos] both */
    clh_metric metric;
    clh_sequence sequence[2]; /**< what the tokens point to; owned */
} clh_cli_pair;

/** What the command line means. CLH_EUSAGE for a side that is not given, or twice, or a metric that
 *  cannot be; CLH_ESHAPE for sequences of two lengths; errors of clh_cli_sequence_of(). */
clh_status clh_cli_pair_init(clh_cli_pair *out, const clh_invocation *inv, const clh_run *run,
                             clh_error *err);

/** Below a figure: what is compared, of which model. Cut where it does not fit. */
enum { CLH_PAIR_CAPTION = 256 };
void clh_cli_pair_caption(char out[CLH_PAIR_CAPTION], const clh_invocation *inv,
                          const clh_run *run);

/** Free what a pair holds. All zero is fine. */
void clh_cli_pair_deinit(clh_cli_pair *pair);

#endif
