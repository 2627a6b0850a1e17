/* metrics.jsonl: read for curves, and cut back to a step as a resumed run does. */
#include "fuzz/fuzz.h"
#include "run/folder/metrics.h"

enum { NEXT = 3 };

static bool reads(const char *path)
{
    clh_metrics_log log;
    clh_error err = {0};
    const clh_status status = clh_metrics_read(&log, path, &err);
    if (status)
        return fuzz_refused(status, &err);
    double sum = 0; /* every number is there to be read */
    for (size_t i = 0; i < log.steps; i++)
        sum += log.step[i] + log.loss[i];
    for (size_t i = 0; i < log.evaluations; i++)
        sum += log.eval_step[i] + log.eval_loss[i] + log.token_accuracy[i];
    for (size_t i = 0; i < log.positions; i++)
        sum += log.loss_per_position[i];
    FUZZ_MUST(sum != 0.1234567);
    clh_metrics_log_deinit(&log);
    return true;
}

FUZZ_TARGET(metrics)
{
    clh_metrics *metrics = NULL;
    clh_metrics_before before;
    clh_error err = {0};
    const char *path = fuzz_file(bytes, size, ".jsonl");
    const bool taken = reads(path);
    const clh_status status = clh_metrics_open(&metrics, path, NEXT, &before, &err);
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(metrics);
    clh_metrics_close(metrics);
    return taken;
}
