/** A model_case at work: model, tokens, and a forward pass already made.
 *
 *    each_case_run("model", truths, n, model_case_names(), model_case_count(),
 *                  model_bench_open, model_bench_close);
 *
 *  The fixture owns the bench; *state is a model_bench until the teardown.
 */
#ifndef CLH_MODEL_BENCH_H
#define CLH_MODEL_BENCH_H

#include "support/model_case.h"

typedef struct model_bench {
    clh_model_config config;
    clh_model *model;
    uint32_t *ids;
    clh_tokens tokens;
    clh_cache *cache;            /**< of `tokens`, keeps all */
    clh_cache *other, *gradient; /**< room for more */
    size_t length[2], first_scored[2];
} model_bench;

/** cmocka fixture: *state is an each_case of the model cases, then the bench. */
int model_bench_open(void **state);

/** cmocka fixture. */
int model_bench_close(void **state);

/** A forward pass of ids [batch, pos] into `cache`; a failure fails the test. */
void model_bench_forward(const model_bench *b, const uint32_t *ids, size_t batch, size_t pos,
                         clh_cache *cache, const clh_hooks *hooks);

/** Loss of b->cache over everything but the first token, and back. */
void model_bench_backward(const model_bench *b, clh_cache *gradient, clh_real *parameters,
                          const clh_hooks *hooks);

#endif
