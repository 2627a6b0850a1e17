#include "support/sum_bench.h"

#include <stdio.h>

#include "support/must.h"

size_t sum_bench_answer(const sum_bench *b, size_t x, size_t y)
{
    return (x + (b->minus ? b->p - y : y)) % b->p;
}

clh_task *sum_bench_task(size_t p, const char *operation)
{
    char text[24];
    clh_error err = {0};
    clh_task *task = NULL;
    (void)snprintf(text, sizeof text, "%zu", p);
    const clh_task_setting settings[] = {
        {"p", text}, {"operation", operation}, {"train_fraction", "0.4"}, {NULL, NULL}};
    const clh_task_config config = {.name = "modular_addition", .settings = settings, .seed = 3};
    must(clh_task_open(&task, &config, &err), &err);
    return task;
}

clh_model_config sum_bench_config(size_t p)
{
    clh_model_config c = clh_model_config_default();
    c.n_heads = 2;
    c.d_model = 8;
    c.d_head = 4;
    c.d_mlp = 10;
    c.attn_only = false;
    c.act_fn = CLH_ACT_RELU;
    c.n_ctx = 4;
    c.d_vocab = p + 1;
    c.d_vocab_out = p;
    return c;
}

sum_bench sum_bench_of(size_t p, bool minus, const clh_model_config *c)
{
    clh_error err = {0};
    sum_bench b = {p, minus, sum_bench_task(p, minus ? "subtract" : "add"), NULL};
    must(clh_model_open(&b.model, c, &err), &err);
    clh_model_init(b.model, 5);
    return b;
}

void sum_bench_close(sum_bench *b)
{
    clh_model_close(b->model);
    clh_task_close(b->task);
}

clh_fourier sum_bench_run(const sum_bench *b, const clh_fourier_ask *ask, size_t threads)
{
    clh_fourier f = {0};
    clh_error err = {0};
    const clh_how how = {threads, NULL};
    must(clh_fourier_run(&f, b->model, b->task, ask, &how, &err), &err);
    return f;
}
