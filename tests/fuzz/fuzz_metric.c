/* A metric, for a task and for ids alone: "logit_diff:-2:a:b". */
#include "clearhead/metric.h"
#include "fuzz/fuzz.h"

enum { POSITIONS = 8 };

static bool parses(const char *text, const clh_task *task)
{
    clh_metric metric;
    clh_error err = {0};
    const clh_status status =
        clh_metric_parse(&metric, text, clh_task_vocab(task), POSITIONS, 2, &err);
    if (status)
        return fuzz_refused(status, &err);
    FUZZ_MUST(metric.kind < CLH_METRIC_KINDS);
    FUZZ_MUST(metric.kind == CLH_METRIC_LOSS || metric.position < POSITIONS);
    return true;
}

FUZZ_TARGET(metric)
{
    const char *text = fuzz_text(bytes, size);
    const bool ids = parses(text, NULL);
    return parses(text, clh_run_task(fuzz_run())) || ids;
}
