/* clearhead heads: how well each head matches each pattern one would look for. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/heads.h"
#include "clearhead/safetensors.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

enum { TARGETS = CLH_DETECTS + 1, FILE_MAX = 1 << 30 };

typedef struct heads_job {
    const clh_run *run;
    size_t count, threads;
    const char *file; /* of a pattern of one's own */
    clh_tensor given; /* what is in it; owned */
    clh_sample sample;
    clh_detect_options options;
    clh_detection found;
} heads_job;

/* ---- A pattern of one's own --------------------------------------------------------------------
 */

static clh_status make_square(clh_tensor *out, size_t pos, clh_error *err)
{
    size_t cells = 0;
    if (!clh_mul_ok(pos, pos, &cells))
        return clh_fail(err, CLH_ENOMEM, "a pattern of %zu positions cannot be counted", pos);
    *out = (clh_tensor){.rank = 2, .shape = {pos, pos}};
    out->data = clh_alloc_zeroed(cells, sizeof *out->data, err);
    return out->data ? CLH_OK : CLH_ENOMEM;
}

/* [[1], [0.5, 0.5], …] or whole rows: what a row does not name is 0. */
static clh_status read_rows(clh_tensor *out, const json_t *rows, const char *path, clh_error *err)
{
    const size_t pos = json_array_size(rows);
    if (pos == 0)
        return clh_fail(err, CLH_EINPUT, "%s: want an array of rows of numbers: [[1], [0, 1]]",
                        path);
    clh_status status = make_square(out, pos, err);
    for (size_t i = 0; i < pos && !status; i++) {
        const json_t *row = json_array_get(rows, i);
        if (!json_is_array(row) || json_array_size(row) > pos)
            return clh_fail(err, CLH_ESHAPE,
                            "%s: row %zu has %zu numbers, want at most %zu, one "
                            "for each row",
                            path, i, json_array_size(row), pos);
        for (size_t j = 0; j < json_array_size(row); j++) {
            const json_t *value = json_array_get(row, j);
            if (!json_is_number(value))
                return clh_fail(err, CLH_EINPUT, "%s: row %zu, place %zu is no number", path, i, j);
            out->data[i * pos + j] = (clh_real)json_number_value(value);
        }
    }
    return status;
}

static clh_status read_json(clh_tensor *out, const char *path, clh_error *err)
{
    json_error_t where;
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (status)
        return status;
    json_t *rows = json_loads(text, 0, &where);
    status = rows ? read_rows(out, rows, path, err)
                  : clh_fail(err, CLH_EFORMAT, "%s: line %d: %s", path, where.line, where.text);
    json_decref(rows);
    clh_free(text);
    return status;
}

/* The tensor called pattern, or the only one. */
static clh_status read_tensor(clh_tensor *out, const char *path, clh_error *err)
{
    clh_safetensors *file = NULL;
    clh_tensor shape;
    clh_status status = clh_safetensors_open(&file, path, err);
    const char *name =
        !status && clh_safetensors_count(file) == 1 ? clh_safetensors_name(file, 0) : "pattern";
    if (!status)
        status = clh_safetensors_describe(file, name, &shape, NULL, err);
    if (!status && (shape.rank != 2 || shape.shape[0] != shape.shape[1]))
        status = clh_fail(err, CLH_ESHAPE,
                          "%s: %s has %zu dimensions, the first of %zu, want a "
                          "square [pos, pos]",
                          path, name, shape.rank, shape.rank ? shape.shape[0] : 0);
    if (!status)
        status = make_square(out, shape.shape[0], err);
    if (!status) {
        out->name = name;
        status = clh_safetensors_read(file, out, err);
        out->name = NULL; /* the file's, which is closed */
    }
    clh_safetensors_close(file);
    return status;
}

static clh_status read_given(heads_job *job, clh_error *err)
{
    const size_t length = strlen(job->file);
    const bool json = length > 5 && strcmp(job->file + length - 5, ".json") == 0;
    return (json ? read_json : read_tensor)(&job->given, job->file, err);
}

/* ---- Output ------------------------------------------------------------------------------------
 */

static const char *target_name(size_t target)
{
    return target == CLH_DETECT_GIVEN ? "given" : clh_detect_name((clh_detect)target);
}

static void print_text(const heads_job *job)
{
    const size_t heads = job->found.n_layers * job->found.n_heads;
    (void)printf("%-16s", "pattern");
    for (size_t h = 0; h < heads; h++) {
        char name[48];
        (void)snprintf(name, sizeof name, "L%zuH%zu", h / job->found.n_heads,
                       h % job->found.n_heads);
        (void)printf(" %8s", name);
    }
    (void)printf(" %8s\n", "even");
    for (size_t d = 0; d < TARGETS; d++) {
        if (!job->found.known[d])
            continue;
        (void)printf("%-16s", target_name(d));
        for (size_t h = 0; h < heads; h++)
            (void)printf(" %8.4f", job->found.score[d * heads + h]);
        (void)printf(" %8.4f\n", job->found.even[d]);
    }
}

static void add_json(clh_strbuf *text, const heads_job *job)
{
    const size_t heads = job->found.n_layers * job->found.n_heads;
    clh_strbuf_addf(text,
                    "{\"step\": %zu, \"sequences\": %zu, \"measure\": \"%s\", \"n_heads\": %zu, "
                    "\"patterns\": {",
                    clh_run_step(job->run), job->sample.count,
                    job->options.measure == CLH_DETECT_MUL ? "mul" : "abs", job->found.n_heads);
    for (size_t d = 0, shown = 0; d < TARGETS; d++) {
        if (!job->found.known[d])
            continue;
        clh_strbuf_addf(text, "%s\"%s\": {\"even\": ", shown++ ? ", " : "", target_name(d));
        clh_strbuf_add_number(text, job->found.even[d], 9);
        clh_strbuf_adds(text, ", \"scores\": [");
        for (size_t h = 0; h < heads; h++) {
            clh_strbuf_adds(text, h ? ", " : "");
            clh_strbuf_add_number(text, job->found.score[d * heads + h], 9);
        }
        clh_strbuf_adds(text, "]}");
    }
    clh_strbuf_adds(text, "}}");
}

static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    heads_job *job = user;
    const clh_task *task = NULL;
    job->run = frame->run;
    clh_status status = clh_cli_task(job->run, &task, err);
    if (!status) {
        const bool held_out = clh_task_split_size(task, CLH_SPLIT_TEST) > 0;
        status = clh_sample_draw(&job->sample, task, held_out ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN, 0,
                                 job->count, err);
    }
    if (!status)
        status = clh_heads_detect(&job->found, clh_run_model(job->run), &job->sample,
                                  job->file ? &job->given : NULL, &job->options, job->threads,
                                  frame->watch, err);
    if (!status && frame->json)
        add_json(frame->json, job);
    else if (!status)
        print_text(job);
    clh_detection_deinit(&job->found);
    clh_sample_deinit(&job->sample);
    return status;
}

int clh_cmd_heads(const clh_invocation *inv)
{
    clh_error err = {0};
    heads_job job = {.file = clh_opt_text(inv, "pattern")};
    unsigned match = 0;
    clh_status status = clh_opt_size(inv, "count", &job.count, &err);
    if (!status)
        status = clh_opt_choice(inv, "measure", &match, &err);
    job.options.measure = (clh_detect_measure)match;
    if (!status)
        status = clh_cli_threads(inv, &job.threads, &err);
    if (!status && job.file)
        status = read_given(&job, &err);
    if (!status)
        status = clh_cli_film(inv, &(clh_film){measure, &job, "sequence", false}, &err);
    clh_free(job.given.data);
    return status ? clh_cli_fail(inv, &err) : 0;
}
