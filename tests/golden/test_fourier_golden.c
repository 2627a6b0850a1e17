/* Fourier structure of a small model against NumPy's, computed in double precision from the same weights: 1e-5. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/safetensors.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/sum_bench.h"

static clh_error err;

/* Tensor `name` against `count` numbers. */
static void check(const clh_safetensors *file, const char *name, const double *got, size_t count)
{
    clh_tensor want;
    must(clh_safetensors_describe(file, name, &want, NULL, &err), &err);
    assert_int_equal(clh_tensor_count(&want), count);
    want.data = clh_alloc_array(count, sizeof *want.data, &err);
    must(clh_safetensors_read(file, &want, &err), &err);
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - (double)want.data[i]) <= 1e-5))
            fail_msg("%s[%zu] is %.9g, want %.9g", name, i, got[i], (double)want.data[i]);
    clh_free(want.data);
}

static void energies_and_losses_are_numpys(void **state)
{
    (void)state;
    enum { P = 7, COUNT = P / 2 + 1, NEURONS = 10 };
    clh_model_config config = sum_bench_config(P);
    config.normalization_type = CLH_NORM_NONE;
    sum_bench b = sum_bench_of(P, false, &config);
    clh_safetensors *file = NULL;
    must(clh_safetensors_open(&file, CLH_GOLDEN_DIR "/fourier/sums_7.safetensors", &err), &err);
    for (size_t i = 0; i < clh_model_tensor_count(b.model); i++) {
        char name[128];
        clh_tensor parameter = clh_model_tensor(b.model, i);
        (void)snprintf(name, sizeof name, "param.%s", parameter.name);
        parameter.name = name;
        must(clh_safetensors_read(file, &parameter, &err), &err);
    }
    const clh_fourier_ask ask = {.least = atof(clh_safetensors_metadata(file, "least")),
                                 .explained = CLH_FOURIER_EXPLAINED};
    clh_fourier f = sum_bench_run(&b, &ask, 1);
    double embedding[COUNT], neurons[COUNT] = {0}, logits[COUNT] = {0}, explained[NEURONS],
                             losses[CLH_FOURIER_LOGITS];
    assert_true(f.count == COUNT && f.d_mlp == NEURONS && f.keys > 0 && f.keys < COUNT - 1);
    for (size_t k = 0; k < COUNT; k++) {
        embedding[k] = f.frequency[k].embedding;
        neurons[k] = k ? f.frequency[k].neurons : 0;
        logits[k] = k ? f.frequency[k].logits : 0;
    }
    for (size_t j = 0; j < NEURONS; j++)
        explained[j] = f.neuron[j].explained;
    for (size_t i = 0; i < CLH_FOURIER_LOGITS; i++)
        losses[i] = (f.loss[i][0].loss + f.loss[i][1].loss) / (P * P);
    check(file, "embedding", embedding, COUNT);
    check(file, "neurons", neurons, COUNT);
    check(file, "logits", logits, COUNT);
    check(file, "explained", explained, NEURONS);
    check(file, "losses", losses, CLH_FOURIER_LOGITS);
    clh_fourier_deinit(&f);
    clh_safetensors_close(file);
    sum_bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(energies_and_losses_are_numpys)};
    return cmocka_run_group_tests_name("fourier golden", tests, NULL, NULL);
}
