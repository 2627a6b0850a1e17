/* Optimizer steps are PyTorch's: ten of each variant, from given gradients. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/safetensors.h"
#include "support/cmocka_all.h"
#include "support/golden_optimizer.h"
#include "train/optimizer.h"

/* Ten steps in float32, of parameters of order 1. */
static const double tolerance = 2e-6;

enum { VARIANTS_LEAST = 15, STEPS = 10, PARTS = 2 };

/* The two tensors of optimizers.safetensors in one vector. */
enum { A_COUNT = 7, B_COUNT = 12, ALL = A_COUNT + B_COUNT };

static const struct part {
    const char *suffix;
    size_t at, count, rank, shape[2];
} parts[PARTS] = {{".a", 0, A_COUNT, 1, {A_COUNT, 0}}, {".b", A_COUNT, B_COUNT, 2, {3, 4}}};

static void must(clh_status status, const clh_error *err)
{
    if (status)
        fail_msg("%s", err->message);
}

/* "name.a" and "name.b" into out [steps, ALL]; steps 0: without that dimension. */
static void read_parts(const clh_safetensors *file, const char *name, size_t steps,
                       clh_real (*out)[ALL])
{
    clh_error err = {0};
    for (size_t p = 0; p < PARTS; p++) {
        char key[96];
        clh_real data[STEPS * B_COUNT];
        (void)snprintf(key, sizeof key, "%s%s", name, parts[p].suffix);
        clh_tensor tensor = {.data = data, .name = key};
        if (steps)
            tensor.shape[tensor.rank++] = steps;
        for (size_t i = 0; i < parts[p].rank; i++)
            tensor.shape[tensor.rank++] = parts[p].shape[i];
        must(clh_safetensors_read(file, &tensor, &err), &err);
        for (size_t s = 0; s < (steps ? steps : 1); s++)
            memcpy(&out[s][parts[p].at], data + s * parts[p].count, parts[p].count * sizeof *data);
    }
}

static void run_variant(const clh_safetensors *file, const json_t *variant)
{
    const char *name = json_string_value(json_object_get(variant, "name"));
    const json_t *rates = json_object_get(variant, "lr");
    const clh_train_config config = golden_optimizer(variant);
    clh_real p[1][ALL], m[ALL] = {0}, v[ALL] = {0}, g[STEPS][ALL], want[STEPS][ALL];
    read_parts(file, "start", 0, p);
    read_parts(file, "grad", STEPS, g);
    read_parts(file, name, STEPS, want);
    for (size_t s = 0; s < STEPS; s++) {
        double scale = clh_clip_scale(&config, golden_norm(g[s], ALL));
        clh_optimizer_update(&config, s + 1, json_number_value(json_array_get(rates, s)), scale,
                             ALL, g[s], m, v, p[0]);
        for (size_t i = 0; i < ALL; i++) {
            double got = (double)p[0][i], meant = (double)want[s][i];
            if (!(fabs(got - meant) <= tolerance * fmax(1, fabs(meant))))
                fail_msg("%s, step %zu: parameter %zu is %.9g, want %.9g", name, s + 1, i, got,
                         meant);
        }
    }
}

static void variants_move_as_in_pytorch(void **state)
{
    (void)state;
    clh_safetensors *file = NULL;
    clh_error err = {0};
    must(clh_safetensors_open(&file, CLH_GOLDEN_DIR "/optimizers.safetensors", &err), &err);
    json_t *variants = json_loads(clh_safetensors_metadata(file, "variants"), 0, NULL);
    assert_true(json_array_size(variants) >= VARIANTS_LEAST);
    for (size_t i = 0; i < json_array_size(variants); i++)
        run_variant(file, json_array_get(variants, i));
    json_decref(variants);
    clh_safetensors_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(variants_move_as_in_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
