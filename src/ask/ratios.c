#include "ask/ratios.h"

#include <stdio.h>

clh_status clh_ask_intervals(clh_interval out[CLH_RATIOS], const clh_measure *measure,
                             size_t sequences, const clh_subject *s, const clh_watch *watch,
                             clh_error *err)
{
    return clh_measure_intervals(out, measure, sequences, CLH_ASK_ROUNDS, CLH_ASK_LEVEL,
                                 clh_subject_seed(s), watch, err);
}

void clh_ask_stamp_sample(clh_result *out, const clh_subject *s, size_t count)
{
    char text[64];
    const bool held_out = clh_task_split_size(clh_subject_task(s), CLH_SPLIT_TEST) > 0;
    (void)snprintf(text, sizeof text, "%zu %s sequence%s", count,
                   held_out ? "held-out" : "training", count == 1 ? "" : "s");
    clh_result_stamp(out, "sample", text);
}
