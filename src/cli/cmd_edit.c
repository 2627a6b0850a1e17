/* clearhead edit: loss and accuracy of a model as it is and with something inside it changed. */
#include <math.h>
#include <stdatomic.h>

#include "base/base.h"
#include "base/platform/clock.h"
#include "base/strbuf.h"
#include "clearhead/edit.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

typedef struct job {
    const clh_invocation *inv;
    const clh_run *run;
    bool alone; /* not one of several checkpoints: says how far it is, and how long it took */
    clh_sample sample, reference; /* reference: no sequence where the sample itself is meant */
    clh_edit_file *file;
    size_t edit_count, threads;
    clh_edits *edits;
    clh_measure plain, edited;
    double seconds[2]; /* of the plain and of the edited pass */
} job;

/* ---- What is asked ------------------------------------------------------------------------------
 */

/* The sequences measured, and behind them in the same split those that statistics are taken of. */
static clh_status draw(job *j, clh_error *err)
{
    const clh_task *task = NULL;
    size_t count = 0;
    unsigned choice = 1;
    clh_status status = clh_cli_task(j->run, &task, err);
    if (!status)
        status = clh_opt_size(j->inv, "count", &count, err);
    if (!status && clh_opt_given(j->inv, "split"))
        status = clh_opt_choice(j->inv, "split", &choice, err);
    if (status)
        return status;
    const clh_split split = choice ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN;
    const size_t reference = clh_edit_file_reference(j->file);
    const uint64_t there = clh_task_split_size(task, split);
    if (reference && count + reference > there)
        return clh_fail(err, CLH_ERANGE,
                        "%zu sequences and a reference of %zu others, this split has %llu", count,
                        reference, (unsigned long long)there);
    status = clh_sample_draw(&j->sample, task, split, 0, count, err);
    if (!status && reference)
        status = clh_sample_draw(&j->reference, task, split, count, reference, err);
    return status;
}

/* ---- Measuring ----------------------------------------------------------------------------------
 */

/* A way that tells how far it is. */
typedef struct watched {
    const clh_model *model;
    const clh_measure_way *way; /* NULL: the plain forward pass */
    clh_watch watch;
    size_t count;
    atomic_size_t done;
} watched;

static clh_status watched_forward(void *user, size_t index, size_t worker, const clh_tokens *tokens,
                                  clh_cache *cache, clh_error *err)
{
    watched *w = user;
    clh_status status = w->way ? w->way->forward(w->way->user, index, worker, tokens, cache, err)
                               : clh_forward(w->model, tokens, cache, NULL, err);
    const size_t done = atomic_fetch_add(&w->done, 1);
    if (worker == 0)
        clh_watch_call(&w->watch, done, w->count);
    return status;
}

static clh_watch progress(const job *j, const char *what)
{
    return j->alone ? clh_cli_progress(j->inv, what) : (clh_watch){0};
}

static clh_status measure(clh_measure *out, const job *j, const clh_measure_way *way,
                          const char *what, double *seconds, clh_error *err)
{
    watched w = {.model = clh_run_model(j->run),
                 .way = way,
                 .watch = progress(j, what),
                 .count = j->sample.count};
    const clh_measure_way watching = {
        .forward = watched_forward, .user = &w, .keep = way ? way->keep : CLH_KEEP_BACKWARD};
    const double began = clh_clock_seconds();
    clh_status status = clh_measure_run(out, w.model, &j->sample, &watching, j->threads, err);
    *seconds = clh_clock_seconds() - began;
    clh_watch_call(&w.watch, w.count - 1, w.count); /* the line is cleared */
    return status;
}

static clh_status compute(job *j, clh_error *err)
{
    const char *path = NULL;
    clh_status status = clh_opt_need(j->inv, "edits", &path, err);
    if (!status)
        status = clh_edit_file_open(&j->file, path, j->run, err);
    if (!status)
        status = clh_cli_threads(j->inv, &j->threads, err);
    if (!status)
        status = draw(j, err);
    if (status)
        return status;
    const clh_watch watch = progress(j, "reference sequence");
    const clh_edit *edit = clh_edit_file_edits(j->file, &j->edit_count);
    const clh_edits_setting setting = {.model = clh_run_model(j->run),
                                       .sample = &j->sample,
                                       .reference = j->reference.count ? &j->reference : NULL,
                                       .seed = clh_run_get_config(j->run)->seed,
                                       .threads = j->threads,
                                       .watch = &watch};
    status = clh_edits_open_with(&j->edits, edit, j->edit_count, &setting, err);
    if (status)
        return status;
    const clh_measure_way way = clh_edits_way(j->edits);
    status = measure(&j->plain, j, NULL, "sequence", &j->seconds[0], err);
    return status ? status : measure(&j->edited, j, &way, "edited sequence", &j->seconds[1], err);
}

/* ---- What is said -------------------------------------------------------------------------------
 */

/* Each number as [value, low, high]. */
static void add_json(clh_strbuf *text, const clh_task *task, const char *key, const clh_interval *v)
{
    clh_strbuf_addf(text, ", \"%s\": {", key);
    clh_cli_add_intervals(text, task, v);
    clh_strbuf_adds(text, "}");
}

static void add_column(clh_strbuf *text, const clh_interval *v) /* a NaN has no sign */
{
    clh_strbuf_addf(text, "  %9.6f [%9.6f, %9.6f]", fabs(v->value), fabs(v->low), fabs(v->high));
}

static void add_all_json(clh_strbuf *text, const job *j, const clh_interval *before,
                         const clh_interval *after)
{
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, clh_run_path(j->run));
    clh_strbuf_addf(text,
                    ", \"step\": %zu, \"sequences\": %zu, \"reference\": ", clh_run_step(j->run),
                    j->sample.count);
    if (j->reference.count)
        clh_strbuf_addf(text, "%zu", j->reference.count);
    else
        clh_strbuf_adds(text, "null");
    clh_strbuf_addf(text, ", \"edits\": %zu", j->edit_count);
    add_json(text, j->sample.task, "before", before);
    add_json(text, j->sample.task, "after", after);
    clh_strbuf_adds(text, "}");
}

static void add_table(clh_strbuf *text, const job *j, const clh_interval *before,
                      const clh_interval *after)
{
    clh_strbuf_addf(text, "%s on %zu sequences, edits: %zu; with 95%% intervals\n",
                    clh_run_path(j->run), j->sample.count, j->edit_count);
    if (j->reference.count)
        clh_strbuf_addf(text, "means and resampling: from %zu other sequences\n",
                        j->reference.count);
    else
        clh_strbuf_adds(text, "means and resampling: from these sequences\n");
    clh_strbuf_addf(text, "%-17s  %-32s  %s", "", "before", "after");
    clh_ratio ratio[CLH_RATIOS];
    const size_t count = clh_ratios_of(j->sample.task, ratio);
    for (size_t k = 0; k < count; k++) {
        clh_strbuf_addf(text, "\n%-17s", clh_ratio_name(j->sample.task, ratio[k]));
        add_column(text, &before[ratio[k]]);
        add_column(text, &after[ratio[k]]);
    }
}

static clh_status say(const job *j, clh_strbuf *json, clh_error *err)
{
    clh_interval before[CLH_RATIOS], after[CLH_RATIOS];
    clh_strbuf text = {0};
    const uint64_t seed = clh_run_get_config(j->run)->seed;
    clh_status status = clh_cli_intervals(before, &j->plain, j->sample.count, seed, err);
    if (!status)
        status = clh_cli_intervals(after, &j->edited, j->sample.count, seed, err);
    if (status)
        return status;
    if (json)
        add_all_json(json, j, before, after);
    else
        add_table(&text, j, before, after);
    status = clh_strbuf_check(&text, err);
    if (!status && !json)
        (void)puts(clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    if (j->alone)
        (void)fprintf(stderr, "%zu sequences: plain %.4f s, edited %.4f s\n", j->sample.count,
                      j->seconds[0], j->seconds[1]);
    return status;
}

static clh_status measure_run(void *user, const clh_frame *frame, clh_error *err)
{
    const clh_invocation *inv = user;
    job j = {.inv = inv, .run = frame->run, .alone = !clh_opt_flag(inv, "checkpoints")};
    clh_status status = compute(&j, err);
    if (!status)
        status = say(&j, frame->json, err);
    clh_measure_deinit(&j.edited);
    clh_measure_deinit(&j.plain);
    clh_edits_close(j.edits);
    clh_sample_deinit(&j.reference);
    clh_sample_deinit(&j.sample);
    clh_edit_file_close(j.file);
    return status;
}

int clh_cmd_edit(const clh_invocation *inv)
{
    clh_error err = {0};
    const clh_film film = {measure_run, (void *)inv, "sequence", false};
    clh_status status = clh_cli_film(inv, &film, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
