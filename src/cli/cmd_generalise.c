/* clearhead generalise: what a model does on inputs unlike those it was trained on. */
#include <math.h>

#include "clearhead/figure.h"
#include "clearhead/variant.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

/* One row; `status` CLH_ERANGE where the task has too few letters for it. */
typedef struct row {
    clh_status status;
    clh_error error;
    clh_interval of[CLH_RATIOS];
} row;

static clh_status measure_row(row *r, clh_variant variant, const clh_run *run, const clh_task *task,
                              size_t count, size_t threads, clh_error *err)
{
    clh_sample sample = {0};
    clh_measure measure = {0};
    clh_status status = clh_variant_draw(&sample, variant, task, count, 0, &r->error);
    r->status = status;
    if (status == CLH_ERANGE)
        return CLH_OK;
    if (status)
        *err = r->error;
    if (!status)
        status = clh_measure_run(&measure, clh_run_model(run), &sample, NULL, threads, err);
    if (!status)
        status = clh_cli_intervals(r->of, &measure, count, 0, err);
    clh_measure_deinit(&measure);
    clh_sample_deinit(&sample);
    return status;
}

static void print_ends(const clh_interval *v, int width)
{
    char low[CLH_NUMBER_TEXT], high[CLH_NUMBER_TEXT], text[2 * CLH_NUMBER_TEXT + 3];
    (void)snprintf(text, sizeof text, "%s - %s", clh_cli_number(low, v->low, 4),
                   clh_cli_number(high, v->high, 4));
    (void)printf("  %*s", width, isnan(v->low) ? "" : text);
}

static void print_text(const clh_run *run, const row *rows, size_t count)
{
    char value[CLH_NUMBER_TEXT];
    (void)printf("%s on %zu sequences of each kind; below each its 95 %% interval\n%-13s",
                 clh_run_path(run), count, "");
    for (int k = 0; k < CLH_RATIOS; k++)
        (void)printf("  %*s", k + 1 < CLH_RATIOS ? -17 : 0, clh_ratio_name((clh_ratio)k));
    (void)puts("");
    for (int v = 0; v < CLH_VARIANTS; v++) {
        const char *name = clh_variant_name((clh_variant)v);
        if (rows[v].status) {
            (void)printf("%-13s  left out: %s\n", name, rows[v].error.message);
            continue;
        }
        (void)printf("%-13s", name);
        for (int k = 0; k < CLH_RATIOS; k++)
            (void)printf("  %*s", k + 1 < CLH_RATIOS ? -17 : 0,
                         clh_cli_number(value, rows[v].of[k].value, 4));
        (void)printf("\n%-13s", "");
        for (int k = 0; k < CLH_RATIOS; k++)
            print_ends(&rows[v].of[k], k + 1 < CLH_RATIOS ? -17 : 0);
        (void)puts("");
    }
    for (int v = 0; v < CLH_VARIANTS; v++)
        (void)printf("%-13s  %s\n", clh_variant_name((clh_variant)v),
                     clh_variant_text((clh_variant)v));
}

static void add_row(clh_strbuf *text, const row *r, size_t count)
{
    if (r->status) {
        clh_strbuf_adds(text, "\"left_out\": ");
        clh_strbuf_add_json(text, r->error.message);
    } else {
        clh_strbuf_addf(text, "\"sequences\": %zu, ", count);
        clh_cli_add_intervals(text, r->of);
    }
}

/* A line for each variant of one model; of every checkpoint a line with all. */
static void add_json(clh_strbuf *text, const clh_run *run, const row *rows, size_t count, bool film)
{
    if (film)
        clh_strbuf_addf(text, "{\"step\": %zu, \"variants\": {", clh_run_step(run));
    for (int v = 0; v < CLH_VARIANTS; v++) {
        const char *name = clh_variant_name((clh_variant)v);
        if (film)
            clh_strbuf_addf(text, "%s\"%s\": {", v ? ", " : "", name);
        else
            clh_strbuf_addf(text, "%s{\"variant\": \"%s\", ", v ? "\n" : "", name);
        add_row(text, &rows[v], count);
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, film ? "}}" : "");
}

/* ---- Figure ------------------------------------------------------------------------------------
 */

enum { KINDS = 3 }; /* of tokens */

/* A value and its interval, [rows, columns] each, of the variants that there are. */
typedef struct points {
    size_t count;
    double value[CLH_VARIANTS * KINDS], low[CLH_VARIANTS * KINDS], high[CLH_VARIANTS * KINDS];
} points;

static points take_points(const row *rows, const clh_ratio *ratio, size_t columns)
{
    points p = {0};
    for (size_t i = 0; i < CLH_VARIANTS * columns; i++) {
        const clh_interval *v = &rows[i / columns].of[ratio[i % columns]];
        if (rows[i / columns].status)
            continue;
        p.value[p.count] = v->value;
        p.low[p.count] = v->low;
        p.high[p.count++] = v->high;
    }
    return p;
}

static clh_status draw(const clh_run *run, const row *rows, size_t count, const char *path,
                       clh_error *err)
{
    static const clh_ratio kinds[KINDS] = {CLH_RATIO_LETTERS, CLH_RATIO_SPACES, CLH_RATIO_PERIODS};
    static const char *const names[KINDS] = {"letters", "spaces", "period"};
    const points loss = take_points(rows, (clh_ratio[]){CLH_RATIO_LOSS}, 1),
                 kind = take_points(rows, kinds, KINDS),
                 whole = take_points(rows, (clh_ratio[]){CLH_RATIO_SEQUENCES}, 1);
    const clh_rows_panel panels[] = {
        {.title = "loss",
         .count = 1,
         .value = loss.value,
         .low = loss.low,
         .high = loss.high,
         .label = "nats a token",
         .log = true},
        {.title = "accuracy by kind of token",
         .count = KINDS,
         .names = names,
         .value = kind.value,
         .low = kind.low,
         .high = kind.high,
         .most = 1},
        {.title = "whole sequences",
         .count = 1,
         .value = whole.value,
         .low = whole.low,
         .high = whole.high,
         .label = "right from end to end",
         .most = 1},
    };
    const char *labels[CLH_VARIANTS];
    size_t there = 0;
    for (int v = 0; v < CLH_VARIANTS; v++)
        if (!rows[v].status)
            labels[there++] = clh_variant_text((clh_variant)v);
    const clh_rows_data data = {
        .rows = there, .row_labels = labels, .panels = panels, .panel_count = 3};
    char caption[256];
    (void)snprintf(caption, sizeof caption,
                   "%s, %zu sequences of each kind; 95 %% bootstrap intervals", clh_run_path(run),
                   count);
    const clh_figure_style style = {.title = "On inputs unlike those it was trained on",
                                    .caption = caption};
    return clh_figure_rows(path, &data, &style, err);
}

typedef struct generalise_job {
    const clh_invocation *inv;
    size_t count, threads;
} generalise_job;

static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    const generalise_job *job = user;
    const clh_task *task = NULL;
    row rows[CLH_VARIANTS] = {0};
    const bool film = clh_opt_flag(job->inv, "checkpoints");
    const char *figure = film ? NULL : clh_opt_text(job->inv, "figure");
    if (figure && clh_figure_available(err))
        return CLH_ESUPPORT;
    clh_status status = clh_cli_task(frame->run, &task, err);
    for (int v = 0; v < CLH_VARIANTS && !status; v++) {
        clh_watch_call(frame->watch, (size_t)v, CLH_VARIANTS);
        status =
            measure_row(&rows[v], (clh_variant)v, frame->run, task, job->count, job->threads, err);
    }
    if (!status && figure)
        status = draw(frame->run, rows, job->count, figure, err);
    if (!status && frame->json)
        add_json(frame->json, frame->run, rows, job->count, film);
    else if (!status)
        print_text(frame->run, rows, job->count);
    return status;
}

int clh_cmd_generalise(const clh_invocation *inv)
{
    clh_error err = {0};
    generalise_job job = {.inv = inv};
    clh_status status = clh_opt_size(inv, "count", &job.count, &err);
    if (!status)
        status = clh_cli_threads(inv, &job.threads, &err);
    if (!status)
        status = clh_cli_film(inv, &(clh_film){measure, &job, "variant", true}, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
