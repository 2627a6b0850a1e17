/* clearhead edit: loss and accuracy with something inside the model changed. */
#include <math.h>

#include "base/strbuf.h"
#include "clearhead/edit.h"
#include "cli/cli_run.h"

enum { ROUNDS = 1000 };

typedef struct job {
    clh_run *run;
    clh_sample sample;
    clh_edit edit[CLH_EDITS_MAX];
    size_t edit_count, threads;
    clh_edits *edits;
    clh_measure plain, edited;
} job;

static const char *const names[CLH_RATIOS] = {
    "loss",           "token_accuracy",  "letter_accuracy",
    "space_accuracy", "period_accuracy", "sequence_accuracy"};

static clh_status compute(job *j, const clh_invocation *inv, clh_error *err)
{
    const char *path;
    const clh_task *task = NULL;
    size_t count = 0;
    unsigned split = 1;
    j->threads = 1;
    clh_status status = clh_opt_need(inv, "edits", &path, err);
    if (!status)
        status = clh_edits_read(j->edit, &j->edit_count, path, err);
    if (!status)
        status = clh_cli_open_run(inv, &j->run, err);
    if (!status)
        status = clh_cli_task(j->run, &task, err);
    if (!status)
        status = clh_opt_size(inv, "count", &count, err);
    if (!status && clh_opt_given(inv, "threads"))
        status = clh_opt_size(inv, "threads", &j->threads, err);
    if (!status && clh_opt_given(inv, "split"))
        status = clh_opt_choice(inv, "split", &split, err);
    if (status)
        return status;
    const clh_model *model = clh_run_model(j->run);
    status =
        clh_sample_draw(&j->sample, task, split ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN, 0, count, err);
    if (!status)
        status = clh_edits_open(&j->edits, j->edit, j->edit_count, model, &j->sample,
                                clh_run_get_config(j->run)->seed, j->threads, err);
    if (status)
        return status;
    const clh_measure_way way = clh_edits_way(j->edits);
    status = clh_measure_run(&j->plain, model, &j->sample, NULL, j->threads, err);
    return status ? status : clh_measure_run(&j->edited, model, &j->sample, &way, j->threads, err);
}

static clh_status intervals(const job *j, const clh_measure *measure, clh_interval *out,
                            clh_error *err)
{
    const uint64_t seed = clh_run_get_config(j->run)->seed;
    clh_status status = CLH_OK;
    for (int r = 0; r < CLH_RATIOS && !status; r++)
        status = clh_measure_interval(&out[r], measure, j->sample.count, (clh_ratio)r, ROUNDS, 0.95,
                                      seed, err);
    return status;
}

/* Each number as [value, low, high]. */
static void add_json(clh_strbuf *text, const char *key, const clh_interval *v)
{
    clh_strbuf_addf(text, ", \"%s\": {", key);
    for (size_t r = 0; r < CLH_RATIOS; r++) {
        const double numbers[] = {v[r].value, v[r].low, v[r].high};
        clh_strbuf_addf(text, "%s\"%s\": ", r ? ", " : "", names[r]);
        for (size_t i = 0; i < 3; i++) {
            clh_strbuf_adds(text, i ? ", " : "[");
            clh_strbuf_add_number(text, numbers[i], 9);
        }
        clh_strbuf_adds(text, "]");
    }
    clh_strbuf_adds(text, "}");
}

static void add_column(clh_strbuf *text, const clh_interval *v) /* a NaN has no sign */
{
    clh_strbuf_addf(text, "  %9.6f [%9.6f, %9.6f]", fabs(v->value), fabs(v->low), fabs(v->high));
}

static clh_status print_job(const job *j, bool json, clh_error *err)
{
    clh_interval before[CLH_RATIOS], after[CLH_RATIOS];
    clh_strbuf text = {0};
    clh_status status = intervals(j, &j->plain, before, err);
    if (!status)
        status = intervals(j, &j->edited, after, err);
    if (status)
        return status;
    if (json) {
        clh_strbuf_adds(&text, "{\"run\": ");
        clh_strbuf_add_json(&text, clh_run_path(j->run));
        clh_strbuf_addf(&text, ", \"sequences\": %zu, \"edits\": %zu", j->sample.count,
                        j->edit_count);
        add_json(&text, "before", before);
        add_json(&text, "after", after);
        clh_strbuf_adds(&text, "}");
    } else {
        clh_strbuf_addf(
            &text, "%s on %zu sequences, edits: %zu; with 95%% intervals\n%-17s  %-32s  %s",
            clh_run_path(j->run), j->sample.count, j->edit_count, "", "before", "after");
        for (size_t r = 0; r < CLH_RATIOS; r++) {
            clh_strbuf_addf(&text, "\n%-17s", names[r]);
            add_column(&text, &before[r]);
            add_column(&text, &after[r]);
        }
    }
    status = clh_strbuf_check(&text, err);
    if (!status)
        (void)puts(clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return status;
}

int clh_cmd_edit(const clh_invocation *inv)
{
    clh_error err = {0};
    job j = {0};
    clh_status status = compute(&j, inv, &err);
    if (!status)
        status = print_job(&j, inv->json, &err);
    clh_measure_deinit(&j.edited);
    clh_measure_deinit(&j.plain);
    clh_edits_close(j.edits);
    clh_sample_deinit(&j.sample);
    clh_run_close(j.run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
