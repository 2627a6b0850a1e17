#include "run/folder/metrics.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/checksum.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/platform/file_lines.h"
#include "base/platform/handle.h"
#include "base/strbuf.h"
#include "file/verify.h"

struct clh_metrics {
    int file;
    char *path;
    clh_strbuf text;
};

/* ---- Cut back to a checkpoint -------------------------------------------------------------------
 */

/* What a line says. */
typedef struct said {
    bool whole; /* it is a whole one, of `step` */
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
    *out = (said){.whole = json_is_integer(step) && json_integer_value(step) >= 0,
                  .step = (size_t)json_integer_value(step),
                  .timed = json_is_number(time),
                  .evaluation = type && strcmp(type, "eval") == 0,
                  .seconds = json_number_value(time)};
    json_decref(line);
    return CLH_OK;
}

clh_status clh_metrics_check_rest(const char *rest, size_t length, const char *path, clh_error *err)
{
    /* a whole line and a byte more: what ended it is another */
    return length > 0 && clh_verifies() && clh_checksum_line(rest, length - 1) == CLH_LINE_WHOLE
               ? clh_fail(err, CLH_EFORMAT, "%s is damaged behind its last line", path)
               : CLH_OK;
}

/* Where the lines of steps before `next` end, and what they say. */
typedef struct kept {
    uint64_t end;
    bool any, step; /* a line; one of the last of these steps, which is no evaluation */
    clh_metrics_before *before;
} kept;

/* One line more, from the last on; *enough: those before it say nothing new. */
static clh_status look_at(kept *k, const char *line, size_t length, uint64_t end, size_t next,
                          const char *path, bool *enough, clh_error *err)
{
    said s;
    if (clh_verifies() && clh_checksum_line(line, length) == CLH_LINE_DAMAGED)
        return clh_fail(err, CLH_EFORMAT,
                        "%s is damaged: the line that ends at byte %ju is not as it was written; "
                        "--no-verify takes it as it is",
                        path, (uintmax_t)end);
    clh_status status = read_line(&s, line, length, path, err);
    if (status || !s.whole || s.step >= next)
        return status;
    k->end = k->any ? k->end : end;
    k->any = true;
    k->step = k->step || (!s.evaluation && s.step + 1 == next);
    k->before->evaluated = k->before->evaluated || (s.evaluation && s.step + 1 == next);
    k->before->seconds = s.timed ? s.seconds : 0;
    *enough = s.timed;
    return CLH_OK;
}

/* How much of the file is kept: up to the last line of a step before `next`. Lines stand in the order
 * of their steps, that of a step before its evaluation: so only those behind are looked at, and of
 * those that are kept as many as it takes to find a time. */
static clh_status look_back(kept *k, const char *path, size_t next, clh_error *err)
{
    clh_lines *lines = NULL;
    const char *line;
    size_t length;
    uint64_t end;
    bool enough = false;
    clh_status status = clh_lines_open(&lines, path, err);
    if (!status)
        status = clh_lines_rest(lines, &line, &length, err);
    if (!status)
        status = clh_metrics_check_rest(line, length, path, err);
    while (!status && !enough) {
        status = clh_lines_last(lines, &line, &length, &end, err);
        if (!status)
            status = look_at(k, line, length, end, next, path, &enough, err);
    }
    clh_lines_close(lines);
    return status == CLH_NO ? CLH_OK : status;
}

/* What of the file is kept. A checkpoint is made once the lines of its step are there. */
static clh_status find_end(uint64_t *end, const char *path, bool fresh, size_t next,
                           clh_metrics_before *before, clh_error *err)
{
    kept k = {.before = before};
    clh_status status = fresh ? CLH_OK : look_back(&k, path, next, err);
    *end = k.end;
    if (!status && next > 1 && next != SIZE_MAX && !k.step && clh_verifies())
        status =
            clh_fail(err, CLH_EFORMAT,
                     "%s lacks the line of step %zu, which the checkpoint is of: it was cut off "
                     "or is damaged; --no-verify takes what is left",
                     path, next - 1);
    return status;
}

clh_status clh_metrics_open(clh_metrics **out, const char *path, size_t next,
                            clh_metrics_before *before, clh_error *err)
{
    assert(out && path && before);
    *before = (clh_metrics_before){0};
    const bool fresh = !clh_path_exists(path);
    uint64_t end = 0;
    clh_metrics *metrics = clh_alloc_zeroed(1, sizeof *metrics, err);
    if (!metrics)
        return CLH_ENOMEM;
    metrics->path = clh_text_copy(path, err);
    metrics->file = -1;
    clh_status status = metrics->path ? find_end(&end, path, fresh, next, before, err) : CLH_ENOMEM;
    if (!status)
        status = clh_appending_open(&metrics->file, path, err);
    if (!status)
        status = fresh ? clh_folder_sync_above(path, err)
                       : clh_appending_cut(metrics->file, end, path, err);
    if (status)
        clh_metrics_close(metrics);
    else
        *out = metrics;
    return status;
}

/* ---- Append -------------------------------------------------------------------------------------
 */

static void add_number(clh_strbuf *text, const char *key, double value)
{
    clh_strbuf_addf(text, ", \"%s\": ", key);
    clh_strbuf_add_number(text, value, 9);
}

void clh_metrics_step(clh_metrics *metrics, const clh_progress *p)
{
    assert(metrics && p);
    clh_strbuf *text = &metrics->text;
    const size_t begin = text->length;
    clh_strbuf_addf(text, "{\"type\": \"step\", \"step\": %zu, \"epoch\": %zu, \"samples\": %llu",
                    p->step, p->epoch, (unsigned long long)p->samples);
    add_number(text, "loss", p->loss);
    add_number(text, "grad_norm", p->grad_norm);
    add_number(text, "lr", p->lr);
    clh_strbuf_addf(text, ", \"seconds\": %.6f", p->seconds);
    clh_checksum_end_line(text, begin);
}

void clh_metrics_evaluation(clh_metrics *metrics, size_t step, const clh_evaluation *e)
{
    assert(metrics && e);
    clh_strbuf *text = &metrics->text;
    const size_t begin = text->length;
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
    clh_strbuf_adds(text, "]");
    clh_checksum_end_line(text, begin);
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
