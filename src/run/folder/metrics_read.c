/* metrics.jsonl read back: the numbers of curves. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/checksum.h"
#include "base/json_text.h"
#include "base/platform/file_lines.h"
#include "file/verify.h"
#include "run/folder/metrics.h"

static double number_of(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The losses of this evaluation in place of those of the one before it. */
static clh_status take_positions(clh_metrics_log *log, const json_t *line, clh_error *err)
{
    const json_t *losses = json_object_get(line, "loss_per_position");
    const size_t count = json_array_size(losses);
    double *fresh = clh_alloc_array(count, sizeof *fresh, err);
    if (!fresh)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(losses, i);
        fresh[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    clh_free(log->loss_per_position);
    log->loss_per_position = fresh;
    log->positions = count;
    return CLH_OK;
}

static clh_status take_line(clh_metrics_log *log, const json_t *line, bool summed, clh_error *err)
{
    const char *type = json_string_value(json_object_get(line, "type"));
    if (!type)
        return clh_fail(err, CLH_EFORMAT, "want an object with a type");
    if (strcmp(type, "step") == 0) {
        const double step = number_of(line, "step"),
                     last = log->steps ? log->step[log->steps - 1] : 0;
        if (summed && step != last + 1 && clh_verifies())
            return clh_fail(err, CLH_EFORMAT, "step %g follows step %g, want each in its turn",
                            fabs(step), last);
        log->step[log->steps] = number_of(line, "step");
        log->loss[log->steps++] = number_of(line, "loss");
    } else if (strcmp(type, "eval") == 0) {
        log->eval_step[log->evaluations] = number_of(line, "step");
        log->eval_loss[log->evaluations] = number_of(line, "loss");
        log->token_accuracy[log->evaluations++] = number_of(line, "token_accuracy");
        return take_positions(log, line, err);
    }
    return CLH_OK;
}

/* Room for as many steps and evaluations as there are lines. */
static bool log_make(clh_metrics_log *log, size_t lines, clh_error *err)
{
    double **const column[] = {&log->step, &log->loss, &log->eval_step, &log->eval_loss,
                               &log->token_accuracy};
    for (size_t i = 0; i < CLH_COUNT(column); i++)
        if (!(*column[i] = clh_alloc_array(lines, sizeof **column[i], err)))
            return false;
    return true;
}

static clh_status count_lines(const char *path, size_t *count, clh_error *err)
{
    clh_lines *lines = NULL;
    const char *line;
    size_t length;
    *count = 0;
    clh_status status = clh_lines_open(&lines, path, err);
    while (!status && !(status = clh_lines_next(lines, &line, &length, err)))
        ++*count;
    if (status == CLH_NO)
        status = clh_lines_rest(lines, &line, &length, err);
    if (!status)
        status = clh_metrics_check_rest(line, length, path, err);
    clh_lines_close(lines);
    return status;
}

/* The first `count` lines: a run that is being trained may have written more since they were
 * counted. */
static clh_status read_lines(clh_metrics_log *log, const char *path, size_t count, clh_error *err)
{
    clh_lines *lines = NULL;
    const char *text;
    size_t length;
    clh_status status = clh_lines_open(&lines, path, err);
    for (size_t n = 1; !status && n <= count; n++) {
        status = clh_lines_next(lines, &text, &length, err);
        if (status)
            break;
        json_error_t where;
        json_t *line = NULL;
        const clh_line_state state = clh_checksum_line(text, length);
        if (clh_verifies() && state == CLH_LINE_DAMAGED) {
            status =
                clh_fail(err, CLH_EFORMAT,
                         "%s: line %zu is damaged: it is not as it was written; --no-verify takes "
                         "it as it is",
                         path, n);
            break;
        }
        status = clh_json_parse(&line, text, length, 0, path, &where, err);
        if (status == CLH_EFORMAT)
            clh_fail(err, status, "%s", where.text);
        if (!status)
            status = take_line(log, line, state == CLH_LINE_WHOLE, err);
        json_decref(line);
        if (status == CLH_EFORMAT)
            clh_fail_context(err, status, "%s: line %zu", path, n);
    }
    clh_lines_close(lines);
    return status == CLH_NO ? CLH_OK : status; /* or cut back, by one who resumed it */
}

clh_status clh_metrics_read(clh_metrics_log *out, const char *path, clh_error *err)
{
    assert(out && path);
    size_t lines = 0;
    *out = (clh_metrics_log){0};
    clh_status status = count_lines(path, &lines, err);
    if (!status)
        status = log_make(out, lines, err) ? read_lines(out, path, lines, err) : CLH_ENOMEM;
    if (status)
        clh_metrics_log_deinit(out);
    return status;
}

clh_status clh_metrics_check_end(const clh_metrics_log *log, size_t step, bool evaluated,
                                 const char *path, clh_error *err)
{
    assert(log && path);
    const double wanted = (double)step, last = log->steps ? log->step[log->steps - 1] : 0,
                 eval = log->evaluations ? log->eval_step[log->evaluations - 1] : -1;
    if (!clh_verifies() || (last >= wanted && (!evaluated || eval >= wanted)))
        return CLH_OK;
    return clh_fail(err, CLH_EFORMAT,
                    "%s ends too early: %s of step %zu, which the weights are of, is not there; "
                    "--no-verify takes what is left",
                    path, last >= wanted ? "the evaluation" : "the line", step);
}

clh_status clh_metrics_rows(clh_metrics_row **rows, size_t *count, const clh_metrics_log *log,
                            clh_error *err)
{
    clh_metrics_row *row = clh_alloc_array(log->steps + log->evaluations, sizeof *row, err);
    *rows = row;
    *count = 0;
    if (!row)
        return CLH_ENOMEM;
    for (size_t s = 0, e = 0; s < log->steps || e < log->evaluations; ++*count, row++) {
        const double step = s < log->steps ? log->step[s] : INFINITY,
                     evaluated = e < log->evaluations ? log->eval_step[e] : INFINITY,
                     at = fmin(step, evaluated);
        *row = (clh_metrics_row){(size_t)at, NAN, NAN, NAN};
        if (step <= at)
            row->loss = log->loss[s++];
        if (evaluated <= at) {
            row->eval_loss = log->eval_loss[e];
            row->token_accuracy = log->token_accuracy[e++];
        }
    }
    return CLH_OK;
}

void clh_metrics_log_deinit(clh_metrics_log *log)
{
    clh_free(log->step);
    clh_free(log->loss);
    clh_free(log->eval_step);
    clh_free(log->eval_loss);
    clh_free(log->token_accuracy);
    clh_free(log->loss_per_position);
    *log = (clh_metrics_log){0};
}
