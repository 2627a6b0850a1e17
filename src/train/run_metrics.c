#include "train/run_metrics.h"

#include <math.h>

#include "base/platform/file.h"
#include "train/plan.h"

clh_status clh_run_metrics(clh_metrics_log *out, const clh_run *run, const char *path, size_t step,
                           clh_error *err)
{
    const clh_train_config *train = &clh_run_get_config(run)->train;
    const bool evaluated = step == train->steps && clh_plan_evaluates(train, step);
    *out = (clh_metrics_log){0};
    char *file = clh_path_join(path, "metrics.jsonl", err);
    if (!file)
        return CLH_ENOMEM;
    clh_status status =
        clh_path_exists(file)
            ? clh_metrics_read(out, file, err)
            : clh_fail(err, CLH_EINPUT,
                       "%s has no metrics.jsonl, want the folder of a run that was trained", path);
    if (!status)
        status = clh_metrics_check_end(out, step, evaluated, file, err);
    if (!status && out->steps + out->evaluations == 0)
        status = clh_fail(err, CLH_EINPUT, "%s has no step in its metrics yet", path);
    clh_free(file);
    return status;
}

void clh_run_metrics_not_finite(clh_strbuf *text, const clh_metrics_log *log)
{
    size_t count = 0, first = 0;
    for (size_t e = log->evaluations; e > 0; e--)
        if (isnan(log->eval_loss[e - 1])) {
            first = e - 1;
            count++;
        }
    if (count > 0)
        clh_strbuf_addf(
            text, "Not finite: the held-out loss of %zu of %zu evaluations, the first at step %zu.",
            count, log->evaluations, (size_t)log->eval_step[first]);
}
