/* clearhead generalise: what a model does on inputs unlike those it was trained on. */
#include <math.h>

#include "clearhead/figure.h"
#include "clearhead/variant.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

/* One row; `status` where the task has none of it. */
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
    r->status = clh_variant_check(task, variant, &r->error);
    if (r->status && variant != CLH_VARIANT_NONE)
        return CLH_OK;
    clh_status status = clh_variant_draw(&sample, variant, task, count, 0, err);
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

/* The headings of the ratios, their values in a row, or the ends of their intervals. The last column
 * is as wide as it is. */
static void print_columns(const clh_task *task, const clh_interval *of, bool ends)
{
    char value[CLH_NUMBER_TEXT];
    clh_ratio ratio[CLH_RATIOS];
    const size_t count = clh_ratios_of(task, ratio);
    for (size_t k = 0; k < count; k++) {
        const int width = k + 1 < count ? -17 : 0;
        if (ends)
            print_ends(&of[ratio[k]], width);
        else
            (void)printf("  %*s", width,
                         of ? clh_cli_number(value, of[ratio[k]].value, 4)
                            : clh_ratio_name(task, ratio[k]));
    }
    (void)puts("");
}

static void print_text(const clh_run *run, const row *rows, size_t count)
{
    const clh_task *task = clh_run_task(run);
    const size_t variants = clh_variant_count(task);
    (void)printf("%s on %zu sequences of each kind; below each its 95 %% interval\n%-13s",
                 clh_run_path(run), count, "");
    print_columns(task, NULL, false);
    for (clh_variant v = 0; v < variants; v++) {
        const char *name = clh_variant_name(task, v);
        if (rows[v].status) {
            (void)printf("%-13s  left out: %s\n", name, rows[v].error.message);
            continue;
        }
        (void)printf("%-13s", name);
        print_columns(task, rows[v].of, false);
        (void)printf("%-13s", "");
        print_columns(task, rows[v].of, true);
    }
    for (clh_variant v = 0; v < variants; v++)
        (void)printf("%-13s  %s\n", clh_variant_name(task, v), clh_variant_text(task, v));
}

static void add_row(clh_strbuf *text, const clh_task *task, const row *r, size_t count)
{
    if (r->status) {
        clh_strbuf_adds(text, "\"left_out\": ");
        clh_strbuf_add_json(text, r->error.message);
    } else {
        clh_strbuf_addf(text, "\"sequences\": %zu, ", count);
        clh_cli_add_intervals(text, task, r->of);
    }
}

/* A line for each variant of one model; of every checkpoint a line with all. */
static void add_json(clh_strbuf *text, const clh_run *run, const row *rows, size_t count, bool film)
{
    const clh_task *task = clh_run_task(run);
    const size_t variants = clh_variant_count(task);
    if (film)
        clh_strbuf_addf(text, "{\"step\": %zu, \"variants\": {", clh_run_step(run));
    for (clh_variant v = 0; v < variants; v++) {
        const char *name = clh_variant_name(task, v);
        if (film)
            clh_strbuf_addf(text, "%s\"%s\": {", v ? ", " : "", name);
        else
            clh_strbuf_addf(text, "%s{\"variant\": \"%s\", ", v ? "\n" : "", name);
        add_row(text, task, &rows[v], count);
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, film ? "}}" : "");
}

/* ---- Figure ------------------------------------------------------------------------------------
 */

/* A value and its interval, [rows, columns] each, of the variants that there are. */
typedef struct points {
    size_t count;
    double value[CLH_VARIANTS_MAX * CLH_RATIOS], low[CLH_VARIANTS_MAX * CLH_RATIOS],
        high[CLH_VARIANTS_MAX * CLH_RATIOS];
} points;

static points take_points(const row *rows, size_t variants, const clh_ratio *ratio, size_t columns)
{
    points p = {0};
    for (size_t i = 0; i < variants * columns; i++) {
        const clh_interval *v = &rows[i / columns].of[ratio[i % columns]];
        if (rows[i / columns].status)
            continue;
        p.value[p.count] = v->value;
        p.low[p.count] = v->low;
        p.high[p.count++] = v->high;
    }
    return p;
}

/* The ratios of the task's kinds of token, and their headings; how many. */
static size_t kinds_of(const clh_task *task, clh_ratio ratio[CLH_RATIOS],
                       const char *heading[CLH_RATIOS])
{
    size_t count, kinds = 0;
    const clh_token_row *rows = clh_task_kinds(task, &count);
    for (clh_token_kind k = 1; k <= count; k++)
        if (rows[k - 1].accuracy) {
            heading[kinds] = rows[k - 1].heading;
            ratio[kinds++] = CLH_RATIO_OF(k);
        }
    return kinds;
}

static clh_status draw(const clh_run *run, const row *rows, size_t count, const char *path,
                       clh_error *err)
{
    clh_ratio kinds[CLH_RATIOS] = {0};
    const char *names[CLH_RATIOS];
    const clh_task *task = clh_run_task(run);
    const size_t kind_count = kinds_of(task, kinds, names), variants = clh_variant_count(task);
    const points loss = take_points(rows, variants, (clh_ratio[]){CLH_RATIO_LOSS}, 1),
                 kind = take_points(rows, variants, kinds, kind_count),
                 whole = take_points(rows, variants, (clh_ratio[]){CLH_RATIO_SEQUENCES}, 1);
    const clh_rows_panel by_kind = {.title = "accuracy by kind of token",
                                    .count = kind_count,
                                    .names = names,
                                    .value = kind.value,
                                    .low = kind.low,
                                    .high = kind.high,
                                    .most = 1};
    clh_rows_panel panels[3] = {
        {.title = "loss",
         .count = 1,
         .value = loss.value,
         .low = loss.low,
         .high = loss.high,
         .label = "nats a token",
         .log = true},
    };
    size_t panel_count = 1;
    if (kind_count > 0)
        panels[panel_count++] = by_kind;
    panels[panel_count++] = (clh_rows_panel){.title = "whole sequences",
                                             .count = 1,
                                             .value = whole.value,
                                             .low = whole.low,
                                             .high = whole.high,
                                             .label = "right from end to end",
                                             .most = 1};
    const char *labels[CLH_VARIANTS_MAX];
    size_t there = 0;
    for (clh_variant v = 0; v < variants; v++)
        if (!rows[v].status)
            labels[there++] = clh_variant_text(task, v);
    const clh_rows_data data = {
        .rows = there, .row_labels = labels, .panels = panels, .panel_count = panel_count};
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
    row rows[CLH_VARIANTS_MAX] = {0};
    const bool film = clh_opt_flag(job->inv, "checkpoints");
    const char *figure = film ? NULL : clh_opt_text(job->inv, "figure");
    if (figure && clh_figure_available(err))
        return CLH_ESUPPORT;
    clh_status status = clh_cli_task(frame->run, &task, err);
    const size_t variants = status ? 0 : clh_variant_count(task);
    for (clh_variant v = 0; v < variants && !status; v++) {
        clh_watch_call(frame->watch, v, variants);
        status = measure_row(&rows[v], v, frame->run, task, job->count, job->threads, err);
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
