/* clearhead edit: loss and accuracy with something inside the model changed. */
#include <math.h>

#include "clearhead/edit.h"
#include "cli/cli_measure.h"

typedef struct job {
    clh_run *run;
    clh_sample sample;
    clh_edit edit[CLH_EDITS_MAX];
    size_t edit_count, threads;
    clh_edits *edits;
    clh_measure plain, edited;
} job;

static clh_status compute(job *j, const clh_invocation *inv, clh_error *err)
{
    const char *path;
    const clh_task *task = NULL;
    size_t count = 0;
    unsigned split = 1;
    clh_status status = clh_opt_need(inv, "edits", &path, err);
    if (!status)
        status = clh_edits_read(j->edit, &j->edit_count, path, err);
    if (!status)
        status = clh_cli_open_run(inv, &j->run, err);
    if (!status)
        status = clh_cli_task(j->run, &task, err);
    if (!status)
        status = clh_opt_size(inv, "count", &count, err);
    if (!status)
        status = clh_cli_threads(inv, &j->threads, err);
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

/* Each number as [value, low, high]. */
static void add_json(clh_strbuf *text, const char *key, const clh_interval *v)
{
    clh_strbuf_addf(text, ", \"%s\": {", key);
    clh_cli_add_intervals(text, v);
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
    const uint64_t seed = clh_run_get_config(j->run)->seed;
    clh_status status = clh_cli_intervals(before, &j->plain, j->sample.count, seed, err);
    if (!status)
        status = clh_cli_intervals(after, &j->edited, j->sample.count, seed, err);
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
            clh_strbuf_addf(&text, "\n%-17s", clh_ratio_name((clh_ratio)r));
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
