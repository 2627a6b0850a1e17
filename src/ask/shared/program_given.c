#include "ask/shared/program_given.h"

#include <math.h>
#include <stdio.h>

clh_status clh_program_put(clh_result *r, const char *name, const clh_program *program,
                           clh_program_sums *out, clh_error *err)
{
    clh_program_sums sums = {0};
    const clh_status status = clh_program_count(&sums, program, err);
    if (status)
        return status;
    clh_result_read(r, name, &sums);
    if (isnan(sums.explained))
        clh_result_absent_each(r, "no rule that copies was found in a model", "explained",
                               "explained_least");
    if (isnan(sums.hub_share))
        clh_result_absent(r, "hub_share", "no rule copies");
    if (out)
        *out = sums;
    return CLH_OK;
}

void clh_program_decide(clh_result *r, const clh_program_sums *sums)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%016llx", (unsigned long long)sums->number);
    clh_result_decide(r, "algorithm", number, "made of positions and rules");
}

clh_status clh_program_put_sources(clh_result *r, const clh_program *program, clh_error *err)
{
    clh_program_source *row = NULL;
    size_t count = 0;
    const clh_status status = clh_program_sources(&row, &count, program, err);
    for (size_t i = 0; i < count && !status; i++) {
        clh_result_row(r, "sources", row[i].position);
        clh_row_read(r, &row[i]);
    }
    clh_free(row);
    return status;
}

clh_status clh_program_task(clh_task **out, size_t n, clh_error *err)
{
    char number[24];
    const clh_task_setting settings[] = {{"n", clh_key_text(number, n)}, {NULL, NULL}};
    return clh_task_open(out, &(clh_task_config){.name = "permutations", .settings = settings},
                         err);
}

clh_status clh_program_given(clh_program **out, const char *what, const clh_task *task,
                             const clh_how *how, clh_error *err)
{
    clh_subject *subject = NULL;
    bool is_file = false;
    clh_status status = clh_program_is_file(&is_file, what, err);
    if (status || is_file)
        return status ? status : clh_program_read_any(out, what, task, err);
    status = clh_subject_open(&subject, what, err);
    if (!status && !clh_subject_task(subject))
        status = clh_fail(err, CLH_EINPUT, "%s was imported and fits no task, want a model of one",
                          what);
    if (!status)
        status =
            clh_decompile(out, clh_subject_model(subject), clh_subject_task(subject), how, err);
    clh_subject_close(subject);
    return status;
}
