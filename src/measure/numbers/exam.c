#include "measure/numbers/exam.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/decimal.h"
#include "run/settings/run_task.h"

static clh_status of_data(clh_exam *e, const clh_exam_ask *ask, clh_error *err)
{
    const size_t own = ask->run ? clh_run_get_config(ask->run)->first_scored : 0;
    const size_t first = ask->first_scored == SIZE_MAX ? own : ask->first_scored;
    const clh_task_setting settings[] = {{"data", ask->data}, {"order", "file"}, {NULL, NULL}};
    const clh_task_given given = {.first_scored = first ? first : 1, .vocab = ask->vocab};
    clh_task_settings taken;
    size_t count, row = 0;
    const clh_task_row *rows = clh_task_rows(&count);
    clh_status status = clh_task_row_find(&row, "lines", err);
    if (!status)
        status = clh_task_settings_take(rows[row].ops, taken.bytes, settings, err);
    if (!status)
        status = clh_task_open_row(&e->own, &rows[row], taken.bytes, &given, err);
    if (status)
        return status;
    e->task = e->own;
    e->what = "given";
    e->count = ask->count == SIZE_MAX ? (size_t)clh_task_domain_size(e->task) : ask->count;
    return clh_sample_draw(&e->drawn, e->task, CLH_SPLIT_TRAIN, 0, e->count, err);
}

/* The run's own data, found at `data`. */
static clh_status open_there(clh_exam *e, const clh_exam_ask *ask, clh_error *err)
{
    if (!ask->run)
        return clh_fail(err, CLH_EINPUT, "a model in memory has no data of a run's: want no split");
    clh_run_data data = clh_run_get_data(ask->run);
    data.path = ask->data;
    clh_run_config config = *clh_run_get_config(ask->run);
    clh_status status =
        clh_run_task_open_at(&e->own, &config, clh_run_path(ask->run), &data, false, err);
    e->task = e->own;
    return status;
}

static clh_status of_run(clh_exam *e, const clh_exam_ask *ask, clh_error *err)
{
    const clh_split split = ask->split == CLH_EXAM_TRAIN ? CLH_SPLIT_TRAIN : CLH_SPLIT_TEST;
    const size_t tested = ask->run ? clh_run_get_config(ask->run)->train.test_sequences : 0;
    e->task = ask->task;
    e->what = split == CLH_SPLIT_TRAIN ? "training" : "held-out";
    if (!e->task)
        return clh_fail(err, CLH_EINPUT,
                        "%s has no task (import --task says one): give sequences with --data",
                        ask->path);
    clh_status status = *ask->data ? open_there(e, ask, err) : CLH_OK;
    if (status)
        return status;
    const uint64_t there = clh_task_split_size(e->task, split);
    if (there == 0)
        return clh_fail(err, CLH_EINPUT, "this run has no %s sequences: give some with --data",
                        e->what);
    e->count = ask->count != SIZE_MAX ? ask->count : tested ? tested : (size_t)there;
    e->shared = split == CLH_SPLIT_TEST && !e->own;
    return e->shared ? CLH_OK : clh_sample_draw(&e->drawn, e->task, split, 0, e->count, err);
}

clh_status clh_exam_open(clh_exam *out, const clh_exam_ask *ask, clh_error *err)
{
    const size_t n_ctx = clh_model_get_config(ask->model)->n_ctx;
    *out = (clh_exam){0};
    clh_status status =
        *ask->data && ask->split == CLH_EXAM_AUTO ? of_data(out, ask, err) : of_run(out, ask, err);
    if (!status && clh_task_length_max(out->task) > n_ctx)
        status = clh_fail(err, CLH_ESHAPE,
                          "a sequence has %zu tokens, the model takes at most %zu (n_ctx)",
                          clh_task_length_max(out->task), n_ctx);
    out->sample = out->shared ? NULL : &out->drawn;
    return status;
}

void clh_exam_deinit(clh_exam *exam)
{
    clh_sample_deinit(&exam->drawn);
    clh_task_close(exam->own);
    *exam = (clh_exam){0};
}

void clh_exam_enough(char answer[CLH_EXAM_TEXT], char by[CLH_EXAM_TEXT],
                     const clh_interval *accuracy, size_t sequences, double least)
{
    const char *measured = accuracy->value >= least ? "yes" : "no";
    if (accuracy->low >= least || accuracy->high < least)
        (void)clh_snprintf(answer, CLH_EXAM_TEXT, "%s", accuracy->low >= least ? "yes" : "no");
    else
        (void)clh_snprintf(answer, CLH_EXAM_TEXT, "%s as measured, not decided by %zu sequences",
                           measured, sequences);
    (void)clh_snprintf(by, CLH_EXAM_TEXT,
                       "token_accuracy %.6f, of all sequences by the 95 %% interval %.6f to %.6f, "
                       "wanted %.6f",
                       accuracy->value, accuracy->low, accuracy->high, least);
}

size_t clh_positions_worst(size_t *worst, size_t most, const double *loss, size_t positions)
{
    size_t count = 0;
    for (size_t i = 0; i < positions; i++) {
        size_t at = count;
        while (at > 0 && loss[worst[at - 1]] < loss[i])
            at--;
        if (at == most || !isfinite(loss[i]))
            continue;
        count += count < most;
        memmove(&worst[at + 1], &worst[at], (count - at - 1) * sizeof *worst);
        worst[at] = i;
    }
    return count;
}
