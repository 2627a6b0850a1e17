#include "clearhead/bench.h"

#include <math.h>
#include <stdlib.h>

#include "base/platform/clock.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "clearhead/run_config.h"
#include "clearhead/train.h"
#include "math/kernels.h"
#include "model/model_keys.h"
#include "train/gradient.h"
#include "train/optimizer.h"
#include "train/plan.h"

enum { PEAK_ROUNDS = 40, PEAK_LOOPS = 200000, ROUNDS_MAX = 512 };

const char *clh_bench_isa(void)
{
    return clh_kernels_best()->name;
}

double clh_bench_operations(const clh_model_config *config, size_t batch, size_t length)
{
    if (!config || batch == 0 || length == 0)
        return NAN;
    const clh_model_config resolved = clh_model_config_resolved(config), *c = &resolved;
    const double D = (double)c->d_model, A = (double)(c->n_heads * c->d_head);
    const bool causal = c->attention_dir == CLH_ATTENTION_CAUSAL;
    const double keys = causal ? ((double)length + 1) / 2 : (double)length;
    const double mlp = c->attn_only ? 0 : (double)c->d_mlp, products = c->gated_mlp ? 3 : 2;
    const double layer = 2 * (4 * D * A + 2 * A * keys + products * D * mlp);
    const double token = (double)c->n_layers * layer + 2 * D * (double)c->d_vocab_out;
    return 3 * token * (double)(batch * length);
}

static void peak_task(void *context, size_t task, size_t worker)
{
    (void)worker;
    double *operations = context;
    operations[task] = clh_kernels_best()->multiply_adds(PEAK_LOOPS);
}

clh_status clh_bench_peak(double *operations_per_second, const clh_how *how, clh_error *err)
{
    const size_t threads = clh_how_threads(how);
    if (!operations_per_second)
        return clh_fail(err, CLH_EUSAGE, "clh_bench_peak() was given NULL, want a place for it");
    clh_pool *pool = NULL;
    double *operations = NULL, best = 0;
    clh_status status = clh_pool_open(&pool, threads, err);
    if (!status) {
        operations = clh_alloc_zeroed(threads, sizeof *operations, err);
        status = operations ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t round = 0; round < PEAK_ROUNDS && !status; round++) {
        status = clh_watch_check(clh_how_watch(how), round, PEAK_ROUNDS, "rounds", err);
        double total = 0, began = clh_clock_seconds();
        clh_pool_run(pool, threads, peak_task, operations);
        double took = clh_clock_seconds() - began;
        for (size_t i = 0; i < threads; i++)
            total += operations[i];
        if (total / took > best)
            best = total / took;
    }
    if (!status)
        status = clh_watch_check(clh_how_watch(how), PEAK_ROUNDS, PEAK_ROUNDS, "rounds", err);
    clh_pool_close(pool);
    clh_free(operations);
    if (!status)
        *operations_per_second = best;
    return status;
}

/* What a step needs, without a run folder. */
typedef struct bench {
    clh_run_config config;
    clh_task *task;
    clh_model *model;
    clh_pool *pool;
    clh_stepper stepper;
    clh_gradient *gradient;
    clh_real *m, *v;
    size_t step;
} bench;

static void bench_close(bench *b)
{
    clh_free(b->v);
    clh_free(b->m);
    clh_gradient_close(b->gradient);
    clh_stepper_close(&b->stepper);
    clh_pool_close(b->pool);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

static clh_status bench_open(bench *b, const char *backend, size_t threads, clh_error *err)
{
    const clh_run_config *c = &b->config;
    clh_status status = clh_memory_check(clh_train_bytes(c), "a step of this model", err);
    if (!status)
        status = clh_run_config_task(&b->task, c, err);
    if (!status)
        status = clh_plan_check(&c->model, b->task, err);
    if (!status)
        status = clh_model_open(&b->model, &c->model, err);
    if (!status)
        status = clh_pool_open(&b->pool, threads, err);
    if (!status)
        status =
            clh_stepper_open(&b->stepper, b->model, b->task, c->train.batch, backend, b->pool, err);
    if (!status)
        status = clh_gradient_open(&b->gradient, b->model, b->task, c->train.batch, &b->stepper,
                                   b->pool, err);
    if (status)
        return status;
    size_t n;
    (void)clh_model_data(b->model, &n);
    clh_model_init(b->model, c->seed);
    b->m = clh_alloc_zeroed(n, sizeof *b->m, err);
    b->v = clh_alloc_zeroed(n, sizeof *b->v, err);
    return b->m && b->v ? CLH_OK : CLH_ENOMEM;
}

typedef struct update {
    const bench *b;
    double grad_scale;
} update;

static void update_piece(void *context, size_t begin, size_t end)
{
    const update *u = context;
    const bench *b = u->b;
    clh_optimizer_update(&b->config.train, b->step, b->config.train.lr, u->grad_scale, end - begin,
                         clh_gradient_data(b->gradient) + begin, b->m + begin, b->v + begin,
                         clh_model_data(b->model, NULL) + begin);
}

static clh_status bench_step(bench *b, clh_error *err)
{
    const size_t batch = b->config.train.batch;
    clh_loss_sum sum;
    clh_status status =
        clh_gradient_compute(b->gradient, (uint64_t)b->step * batch, batch, &sum, err);
    if (status)
        return status;
    b->step++;
    update u = {b, clh_clip_scale(&b->config.train, clh_gradient_norm(b->gradient))};
    clh_gradient_pieces(b->gradient, update_piece, &u);
    clh_model_tie(b->model);
    return CLH_OK;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *x, size_t count)
{
    qsort(x, count, sizeof *x, ascending);
    return x[count / 2];
}

/* Multiply-adds a second at the clock the processor has now: over before it finds another. */
static double peak_now(void)
{
    enum { LOOPS = 3000 };
    const double began = clh_clock_seconds();
    const double operations = clh_kernels_best()->multiply_adds(LOOPS);
    return operations / (clh_clock_seconds() - began);
}

static size_t milliseconds(double seconds)
{
    return seconds < 1e9 ? (size_t)(1e3 * seconds) : (size_t)1e12;
}

/* Rounds of steps, each long enough for the clock (2 ms), until `seconds` are over. */
static clh_status time_rounds(bench *b, double seconds, clh_bench_result *out,
                              const clh_watch *watch, clh_error *err)
{
    const size_t all = milliseconds(seconds);
    double took[ROUNDS_MAX], peak[ROUNDS_MAX], began = clh_clock_seconds();
    size_t rounds = 0, steps = 1;
    clh_status status = bench_step(b, err); /* warm-up */
    for (; !status && rounds < ROUNDS_MAX; rounds++) {
        double round = clh_clock_seconds();
        if (round - began > seconds && rounds >= 3)
            break;
        const size_t done = milliseconds(round - began);
        status = clh_watch_check(watch, done < all ? done : all, all, "milliseconds", err);
        for (size_t i = 0; i < steps && !status; i++)
            status = bench_step(b, err);
        took[rounds] = (clh_clock_seconds() - round) / (double)steps;
        peak[rounds] = peak_now();
        if (rounds == 0)
            steps = took[0] < 0.002 ? (size_t)(0.002 / took[0]) + 1 : 1;
    }
    if (!status)
        status = clh_watch_check(watch, all, all, "milliseconds", err);
    if (status)
        return status;
    out->seconds = median(took, rounds);
    out->seconds_least = took[0];
    out->seconds_most = took[rounds - 1];
    out->peak_at_clock = median(peak, rounds);
    out->rounds = rounds;
    return CLH_OK;
}

static clh_status check_asked(const clh_run_config *config, clh_bench_path path, double seconds,
                              const clh_bench_result *out, clh_error *err)
{
    if (!config || !out)
        return clh_fail(
            err, CLH_EUSAGE,
            "clh_bench_step() was given NULL, want a config and a place for the result");
    if (path != CLH_BENCH_BEST && path != CLH_BENCH_GENERAL)
        return clh_fail(err, CLH_ERANGE, "path is %d, want the best (%d) or the general (%d)",
                        (int)path, (int)CLH_BENCH_BEST, (int)CLH_BENCH_GENERAL);
    if (!(seconds >= 0 && isfinite(seconds)))
        return clh_fail(err, CLH_ERANGE, "seconds is %g, want 0 or more",
                        isnan(seconds) ? NAN : seconds);
    return clh_run_config_check(config, err);
}

clh_status clh_bench_step(clh_bench_result *out, const clh_run_config *config, clh_bench_path path,
                          double seconds, const clh_how *how, clh_error *err)
{
    const size_t threads = clh_how_threads(how);
    clh_status status = check_asked(config, path, seconds, out, err);
    if (status)
        return status;
    const char *backend = path == CLH_BENCH_BEST ? NULL : clh_general_backend.name;
    clh_bench_result result = {0};
    bench b = {.config = *config};
    b.config.model = clh_model_config_resolved(&config->model);
    status = bench_open(&b, backend, threads, err);
    if (!status) {
        result.backend = b.stepper.backend->name;
        result.operations =
            clh_bench_operations(&b.config.model, config->train.batch, clh_task_length_max(b.task));
        status = time_rounds(&b, seconds, &result, clh_how_watch(how), err);
        result.peak_at_clock *= (double)threads;
    }
    bench_close(&b);
    if (!status)
        *out = result;
    return status;
}
