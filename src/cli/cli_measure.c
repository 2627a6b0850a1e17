#include "cli/cli_measure.h"

#include <math.h>

#include "base/base.h"

enum { ROUNDS = 1000, DIGITS = 9 };

clh_status clh_cli_held_out_sample(clh_sample *out, const clh_run *run, size_t count,
                                   clh_error *err)
{
    const clh_task *task = NULL;
    clh_status status = clh_cli_task(run, &task, err);
    if (status)
        return status;
    if (clh_task_split_size(task, CLH_SPLIT_TEST) == 0)
        return clh_fail(err, CLH_EINPUT, "%s has no held-out sequences", clh_run_path(run));
    return clh_sample_draw(out, task, CLH_SPLIT_TEST, 0, count, err);
}

clh_status clh_cli_threads(const clh_invocation *inv, size_t *threads, clh_error *err)
{
    *threads = 1;
    return clh_opt_given(inv, "threads") ? clh_opt_size(inv, "threads", threads, err) : CLH_OK;
}

/* Every hundredth is shown, and the line is cleared behind the last. */
static bool show(size_t done, size_t count, void *user)
{
    const size_t every = count / 100 ? count / 100 : 1;
    if (done >= count)
        (void)fputs("\r\033[K", stderr);
    else if (done % every == 0)
        (void)fprintf(stderr, "\r\033[K%s %zu of %zu", (const char *)user, done + 1, count);
    return true;
}

clh_watch clh_cli_watch_line(const clh_invocation *inv, const char *what)
{
    return (clh_watch){inv->progress ? show : NULL, (void *)what};
}

clh_status clh_cli_intervals(clh_interval *out, const clh_measure *measure, size_t sequences,
                             uint64_t seed, clh_error *err)
{
    return clh_measure_intervals(out, measure, sequences, ROUNDS, 0.95, seed, NULL, err);
}

static void add_list(clh_strbuf *text, const double *values, size_t count)
{
    clh_strbuf_adds(text, "[");
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_adds(text, i ? ", " : "");
        clh_strbuf_add_number(text, values[i], DIGITS);
    }
    clh_strbuf_adds(text, "]");
}

void clh_cli_add_intervals(clh_strbuf *text, const clh_task *task, const clh_interval *intervals)
{
    clh_ratio ratio[CLH_RATIOS];
    const size_t count = clh_ratios_of(task, ratio);
    for (size_t k = 0; k < count; k++) {
        const clh_interval *v = &intervals[ratio[k]];
        clh_strbuf_addf(text, "%s\"%s\": ", k ? ", " : "", clh_ratio_name(task, ratio[k]));
        add_list(text, (double[]){v->value, v->low, v->high}, 3);
    }
}

void clh_cli_add_numbers(clh_strbuf *text, const char *name, const double *values, size_t count)
{
    clh_strbuf_addf(text, ", \"%s\": ", name);
    add_list(text, values, count);
}

void clh_cli_add_field(clh_strbuf *text, const char *name, double value)
{
    clh_strbuf_addf(text, ", \"%s\": ", name);
    clh_strbuf_add_number(text, value, DIGITS);
}

const char *clh_cli_number(char out[CLH_NUMBER_TEXT], double value, int decimals)
{
    if (isnan(value))
        (void)snprintf(out, CLH_NUMBER_TEXT, "-");
    else if (value != 0 && fabs(value) < 5e-5)
        (void)snprintf(out, CLH_NUMBER_TEXT, "%.1e", value);
    else
        (void)snprintf(out, CLH_NUMBER_TEXT, "%.*f", decimals, value);
    return out;
}
