/** What training wrote of a run, whole.
 *
 *    clh_metrics_log log = {0};
 *    if (clh_run_metrics(&log, run, "runs/notebook", step, &err)) ...
 *    clh_metrics_log_deinit(&log);
 */
#ifndef CLH_RUN_METRICS_H
#define CLH_RUN_METRICS_H

#include "base/strbuf.h"
#include "clearhead/run.h"
#include "run/folder/metrics.h"

/** Read the metrics of the run in the folder `path`, and see that the lines of the `step` steps that its weights
 *  have seen are there; of one that was trained to its end the evaluation too. CLH_EINPUT where there is
 *  none, or no step yet; errors of clh_metrics_read() and clh_metrics_check_end(). */
clh_status clh_run_metrics(clh_metrics_log *out, const clh_run *run, const char *path, size_t step,
                           clh_error *err);

/** "Not finite: the held-out loss of 2 of 9 evaluations, the first at step 40.", of what JSON has no number for;
 *  nothing where all are. */
void clh_run_metrics_not_finite(clh_strbuf *text, const clh_metrics_log *log);

#endif
