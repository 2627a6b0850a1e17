/* What the machine itself can do: multiply-adds from registers, and a stream through memory. */
#include "base/platform/clock.h"
#include "base/platform/pool.h"
#include "base/stop.h"
#include "clearhead/bench.h"
#include "math/kernels/blocking.h"
#include "math/kernels/kernels.h"

enum { PEAK_ROUNDS = 40, PEAK_LOOPS = 200000 };

/* Two arrays that are 128 MB together, a row a pass of a thread's share of both. */
enum { STREAM_ROUNDS = 6, STREAM_NUMBERS = 1 << 24, STREAM_ROW = 1 << 12 };

const char *clh_bench_isa(void)
{
    return clh_kernels_best()->name;
}

size_t clh_bench_second_cache(void)
{
    return clh_blocking_here()->second_cache;
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

typedef struct stream {
    clh_real *x, *y; /* [STREAM_NUMBERS] */
} stream;

/* y += x of some rows: two numbers are read and one is written. */
static void stream_task(void *context, size_t row, size_t worker)
{
    (void)worker;
    const stream *s = context;
    const size_t at = row * STREAM_ROW;
    clh_kernels_best()->axpy(STREAM_ROW, 1, s->x + at, s->y + at);
}

/* A round's bytes a second, of which the first only has the memory brought. */
static double stream_round(clh_pool *pool, stream *s)
{
    const double began = clh_clock_seconds();
    clh_pool_run(pool, STREAM_NUMBERS / STREAM_ROW, stream_task, s);
    const double bytes = 3 * (double)STREAM_NUMBERS * sizeof(clh_real);
    return bytes / (clh_clock_seconds() - began);
}

clh_status clh_bench_bandwidth(double *bytes_per_second, const clh_how *how, clh_error *err)
{
    if (!bytes_per_second)
        return clh_fail(err, CLH_EUSAGE,
                        "clh_bench_bandwidth() was given NULL, want a place for it");
    clh_pool *pool = NULL;
    stream s = {0};
    double best = 0;
    clh_status status = clh_pool_open(&pool, clh_how_threads(how), err);
    if (!status) {
        s.x = clh_alloc_zeroed(STREAM_NUMBERS, sizeof *s.x, err);
        s.y = s.x ? clh_alloc_zeroed(STREAM_NUMBERS, sizeof *s.y, err) : NULL;
        status = s.y ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t round = 0; round < STREAM_ROUNDS && !status; round++) {
        status = clh_watch_check(clh_how_watch(how), round, STREAM_ROUNDS, "rounds", err);
        const double speed = status ? 0 : stream_round(pool, &s);
        best = speed > best ? speed : best;
    }
    if (!status)
        status = clh_watch_check(clh_how_watch(how), STREAM_ROUNDS, STREAM_ROUNDS, "rounds", err);
    clh_free(s.y);
    clh_free(s.x);
    clh_pool_close(pool);
    if (!status)
        *bytes_per_second = best;
    return status;
}
