/* clearhead bench: training steps beside the machine's own speed. */
#include <string.h>

#include "clearhead/bench.h"
#include "cli/cli_train.h"

/* One line of the table. */
typedef struct row {
    const char *path;
    size_t threads;
    double peak;
    clh_bench_result result;
} row;

static void print_header(const clh_run_config *c)
{
    char *task = clh_run_config_describe(c, NULL);
    (void)printf("%s, %s, batch %zu, %zu layer%s, d_model %zu\n", clh_bench_isa(),
                 task ? task : c->task, c->train.batch, c->model.n_layers,
                 c->model.n_layers == 1 ? "" : "s", c->model.d_model);
    clh_free(task);
    (void)printf("%-8s %7s %12s %12s %22s %10s %10s %9s %12s\n", "path", "threads", "peak GFLOP/s",
                 "MFLOP/step", "ms/step (least, most)", "steps/s", "GFLOP/s", "of peak",
                 "at its clock");
}

static void print_row(const row *r)
{
    const clh_bench_result *b = &r->result;
    char time[48];
    (void)snprintf(time, sizeof time, "%.3f (%.3f, %.3f)", 1e3 * b->seconds, 1e3 * b->seconds_least,
                   1e3 * b->seconds_most);
    const double speed = b->operations / b->seconds;
    (void)printf("%-8s %7zu %12.1f %12.1f %22s %10.0f %10.1f %9.2f %12.2f\n", r->path, r->threads,
                 1e-9 * r->peak, 1e-6 * b->operations, time, 1 / b->seconds, 1e-9 * speed,
                 speed / r->peak, speed / b->peak_at_clock);
    (void)fflush(stdout);
}

static void print_json(const row *r)
{
    const clh_bench_result *b = &r->result;
    (void)printf("{\"isa\": \"%s\", \"path\": \"%s\", \"threads\": %zu, \"peak\": %.6g, "
                 "\"operations\": %.9g, \"seconds\": %.9g, \"seconds_least\": %.9g, "
                 "\"seconds_most\": %.9g, \"rounds\": %zu, \"ratio\": %.6g, "
                 "\"peak_at_clock\": %.6g, \"ratio_at_clock\": %.6g}\n",
                 clh_bench_isa(), r->path, r->threads, r->peak, b->operations, b->seconds,
                 b->seconds_least, b->seconds_most, b->rounds, b->operations / b->seconds / r->peak,
                 b->peak_at_clock, b->operations / b->seconds / b->peak_at_clock);
}

static clh_status bench_row(const clh_invocation *inv, const clh_run_config *config,
                            clh_bench_path path, size_t threads, double seconds, clh_error *err)
{
    row r = {.threads = threads};
    clh_status status = clh_bench_peak(threads, &r.peak, err);
    if (!status)
        status = clh_bench_step(config, path, threads, seconds, &r.result, err);
    if (status)
        return status;
    r.path = r.result.backend;
    (inv->json ? print_json : print_row)(&r);
    return CLH_OK;
}

int clh_cmd_bench(const clh_invocation *inv)
{
    clh_error err = {0};
    clh_run_config config;
    double seconds = 1;
    clh_status status = clh_cli_config(inv, &config, &err);
    if (!status)
        status = clh_opt_real(inv, "seconds", &seconds, &err);
    if (!status && !inv->json)
        print_header(&config);
    const size_t most = status ? 0 : config.threads;
    for (size_t threads = 1; threads <= most && !status; threads += most > 1 ? most - 1 : 1)
        for (int path = CLH_BENCH_BEST; path <= CLH_BENCH_GENERAL && !status; path++)
            status = bench_row(inv, &config, (clh_bench_path)path, threads, seconds, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
