/* What a processor's clock does while it computes: a chain of dependent multiplications, three
 * cycles each on x86, timed straight after a stretch of work of each kind.
 *
 *    ninja -C build bench/clock && taskset -c 0 build/bench/clock
 *
 * A processor that lowers its clock for wide multiply-adds, and further for those that read memory,
 * cannot do products, and so training, at the speed that multiply-adds from registers have. Median
 * and, in brackets, tenth and ninetieth percentile of many stretches of about 0.2 ms. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/platform/clock.h"
#include "clearhead/bench.h"
#include "clearhead/run_config.h"
#include "math/kernels/kernels.h"
#include "train/gradient.h"

enum { STRETCHES = 2000, ROOM = 1 << 18, CHAIN = 200, CYCLES = 3 };

static clh_real *room; /* a third for each operand */
static volatile uint64_t sink;

/* Each of CHAIN rounds has ten multiplications that wait for one another; least of three tries, as
 * the processor may be taken away. */
static double clock_ghz(void)
{
    double least = 1e9;
    for (int try = 0; try < 3; try++) {
        uint64_t x = sink | 3;
        const double began = clh_clock_seconds();
        for (int i = 0; i < CHAIN; i++) {
            x *= x, x *= x, x *= x, x *= x, x *= x;
            x *= x, x *= x, x *= x, x *= x, x *= x;
        }
        sink = x;
        const double took = clh_clock_seconds() - began;
        least = took < least ? took : least;
    }
    return 10.0 * CHAIN * CYCLES / least / 1e9;
}

/* Kinds of work; each returns its floating-point operations. */
static double scalars(void)
{
    uint64_t x = sink;
    for (int i = 0; i < 100000; i++)
        x = x * 5 + 1;
    sink = x;
    return 0;
}

static double registers(void)
{
    return clh_kernels_best()->multiply_adds(100000);
}

static double products(size_t columns, size_t times)
{
    enum { ROWS = 24, DEPTH = 128 };
    const clh_gemm g =
        clh_product(ROWS, columns, DEPTH, 1, clh_rows(room, DEPTH),
                    clh_rows(room + ROOM / 3, columns), room + 2 * (ROOM / 3), columns);
    for (size_t i = 0; i < times; i++)
        clh_kernels_best()->gemm(&g);
    return 2.0 * ROWS * DEPTH * (double)(columns * times);
}

static double first_cache(void)
{
    return products(64, 100);
}

static double second_cache(void)
{
    return products(352, 18);
}

/* The notebook's model and batches. */
static clh_task *task;
static clh_model *model;
static clh_stepper stepper;
static clh_gradient *gradient;

static clh_status open_notebook(clh_error *err)
{
    clh_run_layer layer;
    clh_run_config config;
    clh_run_layer_default(&layer);
    clh_status status = clh_run_config_open(&config, &task, &layer, err);
    if (!status)
        status = clh_model_open(&model, &config.model, err);
    if (!status)
        status = clh_stepper_open(&stepper, model, task, config.train.batch, NULL, NULL, err);
    if (!status)
        status = clh_gradient_open(&gradient, model, task, config.train.batch, &stepper, NULL, err);
    if (!status)
        clh_model_init(model, config.seed);
    return status;
}

static void close_notebook(void)
{
    clh_gradient_close(gradient);
    clh_stepper_close(&stepper);
    clh_model_close(model);
    clh_task_close(task);
}

static double gradients(void)
{
    enum { BATCH = 4 };
    clh_loss_sum sum;
    (void)clh_gradient_compute(gradient, 0, BATCH, &sum, NULL);
    return 0;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void show(const char *what, double (*work)(void))
{
    static double ghz[STRETCHES], speed[STRETCHES];
    for (size_t s = 0; s < STRETCHES; s++) {
        const double began = clh_clock_seconds(), operations = work();
        speed[s] = operations / (clh_clock_seconds() - began) / 1e9;
        ghz[s] = clock_ghz();
    }
    qsort(ghz, STRETCHES, sizeof *ghz, ascending);
    qsort(speed, STRETCHES, sizeof *speed, ascending);
    printf("%-34s %6.2f (%4.2f, %4.2f)", what, ghz[STRETCHES / 2], ghz[STRETCHES / 10],
           ghz[STRETCHES * 9 / 10]);
    if (speed[0] > 0)
        printf(" %10.1f", speed[STRETCHES / 2]);
    printf("\n");
}

static void show_all(void)
{
    for (size_t i = 0; i < ROOM; i++) /* numbers of all sizes, as training has */
        room[i] = (clh_real)((double)(i * 2654435761U % 1000003) / 1000003 - 0.5);
    printf("%s\n%-34s %20s %10s\n", clh_bench_isa(), "after", "clock, GHz", "GFLOP/s");
    show("integers", scalars);
    show("multiply-adds from registers", registers);
    show("products from the first cache", first_cache);
    show("products from the second cache", second_cache);
    show("gradients of a batch, n = 4", gradients);
}

int main(void)
{
    clh_error err = {0};
    room = clh_alloc_array(ROOM, sizeof *room, &err);
    const bool failed = !room || open_notebook(&err);
    if (failed)
        (void)fprintf(stderr, "clock: %s\n", err.message);
    else
        show_all();
    close_notebook();
    clh_free(room);
    return failed;
}
