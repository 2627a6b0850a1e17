#include "support/model_bench.h"

#include <stdlib.h>

#include "base/base.h"
#include "support/each_case.h"
#include "support/must.h"

enum { SEED = 11 };

void model_bench_forward(const model_bench *b, const uint32_t *ids, size_t batch, size_t pos,
                         clh_cache *cache, const clh_hooks *hooks)
{
    clh_error err = {0};
    must(clh_forward(b->model, &(clh_tokens){ids, batch, pos}, cache, hooks, &err), &err);
}

int model_bench_open(void **state)
{
    model_bench *b = calloc(1, sizeof *b);
    clh_error err = {0};
    assert_non_null(b);
    const size_t index = ((const each_case *)*state)->index;
    const model_case *row = model_case_at(index);
    b->config = model_case_config(index);
    b->model = model_case_open(index, SEED);
    b->ids = model_case_tokens(index, SEED);
    b->tokens = (clh_tokens){b->ids, row->batch, row->pos};
    for (size_t i = 0; i < 2; i++) {
        b->length[i] = row->pos;
        b->first_scored[i] = 1;
    }
    must(clh_cache_open(&b->cache, &b->config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->other, &b->config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->gradient, &b->config, CLH_KEEP_ALL, &err), &err);
    model_bench_forward(b, b->ids, row->batch, row->pos, b->cache, NULL);
    *state = b;
    return 0;
}

int model_bench_close(void **state)
{
    model_bench *b = *state;
    clh_cache_close(b->gradient);
    clh_cache_close(b->other);
    clh_cache_close(b->cache);
    clh_free(b->ids);
    clh_model_close(b->model);
    free(b);
    return 0;
}

void model_bench_backward(const model_bench *b, clh_cache *gradient, clh_real *parameters,
                          const clh_hooks *hooks)
{
    clh_error err = {0};
    clh_loss_sum sum = {0};
    clh_scored scored = {b->length, b->first_scored};
    must(clh_loss(b->cache, &b->tokens, &scored, 1, gradient, NULL, &sum, &err), &err);
    must(clh_backward(b->model, &b->tokens, b->cache, gradient, parameters, hooks, &err), &err);
}
