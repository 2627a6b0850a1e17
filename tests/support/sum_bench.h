/** Small models of sums and differences modulo p, with random weights.
 *
 *    const clh_model_config config = sum_bench_config(7);
 *    sum_bench b = sum_bench_of(7, false, &config);
 *    clh_fourier f = sum_bench_run(&b, NULL, 1);
 *    clh_fourier_deinit(&f);
 *    sum_bench_close(&b);
 *
 *  What goes wrong fails the cmocka test.
 */
#ifndef CLH_SUM_BENCH_H
#define CLH_SUM_BENCH_H

#include "clearhead/fourier.h"

typedef struct sum_bench {
    size_t p;
    bool minus; /**< differences */
    clh_task *task;
    clh_model *model;
} sum_bench;

/** What follows x y =. */
size_t sum_bench_answer(const sum_bench *b, size_t x, size_t y);

/** The task of that operation: "add", "subtract", "multiply". */
clh_task *sum_bench_task(size_t p, const char *operation);

/** One layer of two heads and ten neurons, LN. */
clh_model_config sum_bench_config(size_t p);

sum_bench sum_bench_of(size_t p, bool minus, const clh_model_config *config);
void sum_bench_close(sum_bench *b);

/** clh_fourier_run() of it. */
clh_fourier sum_bench_run(const sum_bench *b, const clh_fourier_ask *ask, size_t threads);

#endif
