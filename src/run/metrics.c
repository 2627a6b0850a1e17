#include "run/metrics.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/platform/file.h"
#include "base/strbuf.h"

struct clh_metrics {
    int file;
    char *path;
    clh_strbuf text;
};

enum { METRICS_MAX = 1 << 30 };

/* Whether the line [at, end) is one to keep, and what it says. */
static bool keep_line(const char *at, const char *end, size_t next, clh_metrics_before *before)
{
    json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
    const json_t *step = json_object_get(line, "step"), *time = json_object_get(line, "seconds");
    const char *type = json_string_value(json_object_get(line, "type"));
    bool keep = json_is_integer(step) && json_integer_value(step) >= 0 &&
                (size_t)json_integer_value(step) < next;
    if (keep && json_is_number(time))
        before->seconds = json_number_value(time);
    if (keep && type && strcmp(type, "eval") == 0)
        before->evaluated = (size_t)json_integer_value(step);
    json_decref(line);
    return keep;
}

/* Rewrite `path` without the lines that are not to be kept. */
static clh_status drop_lines(const char *path, size_t next, clh_metrics_before *before,
                             clh_error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (!clh_path_exists(path))
        return CLH_OK;
    clh_status status = clh_file_read(&text, &length, path, METRICS_MAX, err);
    clh_file *file = NULL;
    if (!status)
        status = clh_file_begin(&file, path, err);
    if (!status) {
        for (const char *at = text, *end; (end = memchr(at, '\n', length - (size_t)(at - text)));
             at = end + 1)
            if (keep_line(at, end, next, before))
                clh_file_write(file, at, (size_t)(end + 1 - at));
        status = clh_file_commit(file, err);
    }
    clh_free(text);
    return status;
}

clh_status clh_metrics_open(clh_metrics **out, const char *path, size_t next,
                            clh_metrics_before *before, clh_error *err)
{
    assert(out && path && before);
    *before = (clh_metrics_before){.evaluated = SIZE_MAX};
    clh_status status = drop_lines(path, next, before, err);
    if (status)
        return status;
    clh_metrics *metrics = clh_alloc_zeroed(1, sizeof *metrics, err);
    if (!metrics)
        return CLH_ENOMEM;
    metrics->path = clh_text_copy(path, err);
    metrics->file =
        metrics->path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (!metrics->path || metrics->file < 0) {
        if (metrics->path)
            clh_fail(err, CLH_EIO, "cannot write %s: %s", path, strerror(errno));
        status = metrics->path ? CLH_EIO : CLH_ENOMEM;
        clh_metrics_close(metrics);
        return status;
    }
    *out = metrics;
    return CLH_OK;
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
    const char *at = clh_strbuf_view(&metrics->text);
    for (size_t rest = metrics->text.length; rest > 0 && !status;) {
        ssize_t done = write(metrics->file, at, rest);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return clh_fail(err, CLH_EIO, "cannot write %s: %s", metrics->path, strerror(errno));
        at += done;
        rest -= (size_t)done;
    }
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
    if (metrics->file >= 0)
        (void)close(metrics->file);
    clh_strbuf_deinit(&metrics->text);
    clh_free(metrics->path);
    clh_free(metrics);
}

void clh_evaluation_deinit(clh_evaluation *evaluation)
{
    clh_free(evaluation->loss_per_position);
    *evaluation = (clh_evaluation){0};
}
