#include "ask/shared/ratios.h"

#include <stdio.h>

clh_status clh_ask_intervals(clh_interval out[CLH_RATIOS], const clh_measure *measure,
                             size_t sequences, const clh_subject *s, const clh_watch *watch,
                             clh_error *err)
{
    return clh_measure_intervals(out, measure, sequences, CLH_ASK_ROUNDS, CLH_ASK_LEVEL,
                                 clh_subject_seed(s), watch, err);
}

clh_status clh_ask_put_ratios(clh_result *r, const char *part, const clh_measure *measure,
                              size_t sequences, const clh_subject *s, const clh_watch *watch,
                              clh_error *err)
{
    clh_ratio_row row;
    clh_status status = clh_ask_intervals(row.of, measure, sequences, s, watch, err);
    if (!status && part)
        clh_result_read(r, part, &row);
    else if (!status)
        clh_row_read(r, &row);
    return status;
}

void clh_ask_stamp_sample(clh_result *r, const clh_subject *s, size_t count, size_t asked,
                          const char *kind)
{
    char text[128], more[64] = "";
    const clh_task *task = clh_subject_task(s);
    if (!kind)
        kind = task && clh_task_split_size(task, CLH_SPLIT_TEST) > 0 ? "held-out" : "training";
    if (count < asked)
        (void)snprintf(more, sizeof more, ", all different (%zu asked for)", asked);
    (void)snprintf(text, sizeof text, "%zu %s sequence%s%s", count, kind, count == 1 ? "" : "s",
                   more);
    clh_result_stamp(r, "sample", text);
}

clh_status clh_ask_sample(const clh_sample **out, clh_result *r, clh_subject *s, size_t count,
                          clh_error *err)
{
    clh_status status = clh_subject_sample(out, s, count, err);
    if (!status)
        clh_ask_stamp_sample(r, s, (*out)->count, count, NULL);
    return status;
}

void clh_ask_put_sequences(clh_result *r, const char *input, const clh_sample *sample)
{
    char text[128];
    clh_row_put_number(r, "sequences", (double)sample->count);
    if (sample->count == sample->asked)
        return;
    (void)snprintf(text, sizeof text, "%s: %zu sequences, all different (%zu asked for).", input,
                   sample->count, sample->asked);
    clh_result_note(r, text);
}

clh_status clh_ask_two(const clh_sample *sample, const char *question, clh_error *err)
{
    return sample->count >= 2
               ? CLH_OK
               : clh_fail(err, CLH_EINPUT,
                          "%s takes from other sequences, and there is only 1: want at least 2 "
                          "different ones held out",
                          question);
}

clh_edited_of clh_subject_edited(const clh_subject *s, const char *path)
{
    return (clh_edited_of){path, clh_subject_model(s), clh_subject_run(s), clh_subject_task(s),
                           clh_subject_seed(s)};
}
