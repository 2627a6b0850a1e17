#include "clearhead/bench.h"

#include <math.h>
#include <stdlib.h>

#include "base/platform/clock.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "clearhead/run_config.h"
#include "clearhead/train.h"
#include "math/kernels/kernels.h"
#include "model/description/model_keys.h"
#include "train/gradient.h"
#include "train/optimizer.h"
#include "train/plan.h"

enum { ROUNDS_MAX = 512 };

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

const char *clh_bench_part_name(clh_bench_part part)
{
    static const char *const names[CLH_BENCH_PARTS] = {"forward", "backward", "update"};
    return (unsigned)part < CLH_BENCH_PARTS ? names[part] : NULL;
}

double clh_bench_limit(const clh_bench_timed *part, double peak, double bandwidth)
{
    if (!part || !(peak > 0) || !(bandwidth > 0) || !(part->bytes > 0))
        return NAN;
    const double limit = part->operations / part->bytes * bandwidth / peak;
    return limit < 1 ? limit : 1;
}

/* Of the products, a third is forward; parameters are read there, read and their gradients written on
 * the way back. */
static void count_parts(clh_bench_result *out, const clh_run_config *config, size_t parameters)
{
    const double n = (double)parameters, number = sizeof(clh_real);
    const clh_optimizer optimizer = config->train.optimizer;
    out->part[CLH_BENCH_FORWARD].operations = out->operations / 3;
    out->part[CLH_BENCH_FORWARD].bytes = n * number;
    out->part[CLH_BENCH_BACKWARD].operations = out->operations - out->operations / 3;
    out->part[CLH_BENCH_BACKWARD].bytes = 2 * n * number;
    out->part[CLH_BENCH_UPDATE].operations = n * clh_optimizer_operations(optimizer);
    out->part[CLH_BENCH_UPDATE].bytes = n * clh_optimizer_numbers(optimizer) * number;
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

/* Seconds of the last step: all of it, and its update. */
typedef struct step_seconds {
    double all, update;
} step_seconds;

static clh_status bench_step(bench *b, step_seconds *took, clh_error *err)
{
    const size_t batch = b->config.train.batch;
    const double began = clh_clock_seconds();
    clh_loss_sum sum;
    clh_status status =
        clh_gradient_compute(b->gradient, (uint64_t)b->step * batch, batch, &sum, err);
    if (status)
        return status;
    const double gone = clh_clock_seconds();
    b->step++;
    update u = {b, clh_clip_scale(&b->config.train, clh_gradient_norm(b->gradient))};
    clh_gradient_pieces(b->gradient, update_piece, &u);
    clh_model_tie(b->model);
    const double now = clh_clock_seconds();
    took->all += now - began;
    took->update += now - gone;
    return CLH_OK;
}

/* The forward part of the next step, which then has it all again. */
static clh_status bench_forward(bench *b, double *took, clh_error *err)
{
    const size_t batch = b->config.train.batch;
    const double began = clh_clock_seconds();
    clh_loss_sum sum;
    const clh_status status =
        clh_gradient_forward(b->gradient, (uint64_t)b->step * batch, batch, &sum, err);
    *took += clh_clock_seconds() - began;
    return status;
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

/* Seconds of each round, of a step. */
typedef struct rounds {
    size_t count;
    double step[ROUNDS_MAX], part[CLH_BENCH_PARTS][ROUNDS_MAX], peak[ROUNDS_MAX];
} rounds;

static clh_status time_round(bench *b, rounds *r, size_t steps, clh_error *err)
{
    step_seconds took = {0};
    double forward = 0;
    clh_status status = CLH_OK;
    for (size_t i = 0; i < steps && !status; i++)
        status = bench_step(b, &took, err);
    r->peak[r->count] = peak_now();
    for (size_t i = 0; i < steps && !status; i++)
        status = bench_forward(b, &forward, err);
    r->step[r->count] = took.all / (double)steps;
    r->part[CLH_BENCH_FORWARD][r->count] = forward / (double)steps;
    r->part[CLH_BENCH_BACKWARD][r->count] = (took.all - took.update - forward) / (double)steps;
    r->part[CLH_BENCH_UPDATE][r->count] = took.update / (double)steps;
    r->count++;
    return status;
}

/* Rounds of steps, each long enough for the clock (2 ms), until `seconds` are over. */
static clh_status time_rounds(bench *b, rounds *r, double seconds, const clh_watch *watch,
                              clh_error *err)
{
    const size_t all = milliseconds(seconds);
    const double began = clh_clock_seconds();
    step_seconds warm_up = {0};
    size_t steps = 1;
    clh_status status = bench_step(b, &warm_up, err);
    for (; !status && r->count < ROUNDS_MAX;) {
        const double gone = clh_clock_seconds() - began;
        if (gone > seconds && r->count >= 3)
            break;
        const size_t done = milliseconds(gone);
        status = clh_watch_check(watch, done < all ? done : all, all, "milliseconds", err);
        if (!status)
            status = time_round(b, r, steps, err);
        if (r->count == 1)
            steps = r->step[0] < 0.002 ? (size_t)(0.002 / r->step[0]) + 1 : 1;
    }
    return status ? status : clh_watch_check(watch, all, all, "milliseconds", err);
}

/* What is a difference of two times is none where noise took it to 0 or below. */
static double none_below_zero(double seconds)
{
    return seconds > 0 ? seconds : NAN;
}

static void sum_up(clh_bench_result *out, rounds *r, size_t threads)
{
    out->seconds = median(r->step, r->count);
    out->seconds_least = r->step[0];
    out->seconds_most = r->step[r->count - 1];
    out->peak_at_clock = median(r->peak, r->count) * (double)threads;
    out->rounds = r->count;
    for (int p = 0; p < CLH_BENCH_PARTS; p++) {
        out->part[p].seconds = none_below_zero(median(r->part[p], r->count));
        out->part[p].seconds_least = none_below_zero(r->part[p][0]);
        out->part[p].seconds_most = none_below_zero(r->part[p][r->count - 1]);
    }
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
    rounds *r = clh_alloc_zeroed(1, sizeof *r, err);
    if (!r)
        return CLH_ENOMEM;
    bench b = {.config = *config};
    b.config.model = clh_model_config_resolved(&config->model);
    status = bench_open(&b, backend, threads, err);
    if (!status) {
        result.backend = b.stepper.backend->name;
        result.operations =
            clh_bench_operations(&b.config.model, config->train.batch, clh_task_length_max(b.task));
        size_t parameters = 0;
        (void)clh_model_data(b.model, &parameters);
        count_parts(&result, &b.config, parameters);
        status = time_rounds(&b, r, seconds, clh_how_watch(how), err);
    }
    if (!status)
        sum_up(&result, r, threads);
    bench_close(&b);
    clh_free(r);
    if (!status)
        *out = result;
    return status;
}
