#include "run/metrics.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/platform/file_lines.h"
#include "base/platform/handle.h"
#include "base/strbuf.h"

struct clh_metrics {
    int file;
    char *path;
    clh_strbuf text;
};

/* What a line says. */
typedef struct said {
    bool of_step; /* it is a whole one, of `step` */
    size_t step;
    bool timed, evaluation;
    double seconds;
} said;

/* CLH_ENOMEM; a line that is no JSON says nothing. */
static clh_status read_line(said *out, const char *at, size_t length, const char *path,
                            clh_error *err)
{
    json_t *line = NULL;
    const clh_status status = clh_json_parse(&line, at, length, 0, path, NULL, err);
    if (status == CLH_ENOMEM)
        return status;
    const json_t *step = json_object_get(line, "step"), *time = json_object_get(line, "seconds");
    const char *type = json_string_value(json_object_get(line, "type"));
    *out = (said){.of_step = json_is_integer(step) && json_integer_value(step) >= 0,
                  .step = (size_t)json_integer_value(step),
                  .timed = json_is_number(time),
                  .evaluation = type && strcmp(type, "eval") == 0,
                  .seconds = json_number_value(time)};
    json_decref(line);
    return CLH_OK;
}

/* How much of the file is kept: up to the last line of a step before `next`. Lines stand in the order
 * of their steps, that of a step before its evaluation: so only those behind are looked at, and of
 * those that are kept as many as it takes to find a time. */
static clh_status look_back(const char *path, size_t next, uint64_t *kept,
                            clh_metrics_before *before, clh_error *err)
{
    clh_lines *lines = NULL;
    const char *line;
    size_t length;
    uint64_t end;
    bool found = false, timed = false;
    *kept = 0;
    clh_status status = clh_lines_open(&lines, path, err);
    while (!status && !timed) {
        said s;
        status = clh_lines_last(lines, &line, &length, &end, err);
        if (!status)
            status = read_line(&s, line, length, path, err);
        if (status)
            break;
        if (!s.of_step || s.step >= next)
            continue;
        *kept = found ? *kept : end;
        found = true;
        timed = s.timed;
        before->evaluated = before->evaluated || (s.evaluation && s.step + 1 == next);
        before->seconds = s.timed ? s.seconds : 0;
    }
    clh_lines_close(lines);
    return status == CLH_NO ? CLH_OK : status;
}

/* Cut the open file back to what is kept. */
static clh_status cut_back(const clh_metrics *metrics, size_t next, clh_metrics_before *before,
                           clh_error *err)
{
    uint64_t kept;
    clh_status status = look_back(metrics->path, next, &kept, before, err);
    return status ? status : clh_appending_cut(metrics->file, kept, metrics->path, err);
}

clh_status clh_metrics_open(clh_metrics **out, const char *path, size_t next,
                            clh_metrics_before *before, clh_error *err)
{
    assert(out && path && before);
    *before = (clh_metrics_before){0};
    const bool fresh = !clh_path_exists(path);
    clh_metrics *metrics = clh_alloc_zeroed(1, sizeof *metrics, err);
    if (!metrics)
        return CLH_ENOMEM;
    metrics->path = clh_text_copy(path, err);
    metrics->file = -1;
    clh_status status = metrics->path ? clh_appending_open(&metrics->file, path, err) : CLH_ENOMEM;
    if (!status)
        status = fresh ? clh_folder_sync_above(path, err) : cut_back(metrics, next, before, err);
    if (status)
        clh_metrics_close(metrics);
    else
        *out = metrics;
    return status;
}

static void add_number(clh_strbuf *text, const char *key, double value)
{
    clh_strbuf_addf(text, ", \"%s\": ", key);
    clh_strbuf_add_number(text, value, 9);
}

void clh_metrics_step(clh_metrics *metrics, const clh_progress *p)
{
    assert(metrics && p);
    clh_strbuf *text = &metrics->text;
    clh_strbuf_addf(text, "{\"type\": \"step\", \"step\": %zu, \"epoch\": %zu, \"samples\": %llu",
                    p->step, p->epoch, (unsigned long long)p->samples);
    add_number(text, "loss", p->loss);
    add_number(text, "grad_norm", p->grad_norm);
    add_number(text, "lr", p->lr);
    clh_strbuf_addf(text, ", \"seconds\": %.6f}\n", p->seconds);
}

void clh_metrics_evaluation(clh_metrics *metrics, size_t step, const clh_evaluation *e)
{
    assert(metrics && e);
    clh_strbuf *text = &metrics->text;
    clh_strbuf_addf(text, "{\"type\": \"eval\", \"step\": %zu, \"sequences\": %zu", step,
                    e->sequences);
    add_number(text, "token_accuracy", e->token_accuracy);
    add_number(text, "sequence_accuracy", e->sequence_accuracy);
    add_number(text, "loss", e->loss);
    clh_strbuf_adds(text, ", \"loss_per_position\": [");
    for (size_t i = 0; i < e->positions; i++) {
        clh_strbuf_adds(text, i ? ", " : "");
        clh_strbuf_add_number(text, e->loss_per_position[i], 6);
    }
    clh_strbuf_adds(text, "]}\n");
}

clh_status clh_metrics_flush(clh_metrics *metrics, clh_error *err)
{
    assert(metrics);
    clh_status status = clh_strbuf_check(&metrics->text, err);
    if (!status)
        status = clh_appending_put(metrics->file, clh_strbuf_view(&metrics->text),
                                   metrics->text.length, metrics->path, err);
    if (status == CLH_EIO)
        return status;
    clh_strbuf_clear(&metrics->text);
    return status;
}

int clh_metrics_file(const clh_metrics *metrics)
{
    assert(metrics);
    return metrics->file;
}

const char *clh_metrics_path(const clh_metrics *metrics)
{
    assert(metrics);
    return metrics->path;
}

void clh_metrics_close(clh_metrics *metrics)
{
    if (!metrics)
        return;
    clh_handle_close(metrics->file);
    clh_strbuf_deinit(&metrics->text);
    clh_free(metrics->path);
    clh_free(metrics);
}

void clh_evaluation_deinit(clh_evaluation *evaluation)
{
    if (!evaluation)
        return;
    clh_free(evaluation->loss_per_position);
    *evaluation = (clh_evaluation){0};
}
