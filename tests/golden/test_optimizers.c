/* Optimizers and clipping against PyTorch's own, step by step, from given gradients. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/safetensors.h"
#include "support/cmocka_all.h"
#include "train/optimizer.h"

enum { STEPS = 10, A = 7, B = 12, N = A + B, VARIANTS_MAX = 32, VARIANTS_LEAST = 15 };

/* Relative to the largest parameter, per step: rounding of float adds up over the steps. */
static const double tolerance = 2e-6;

static clh_safetensors *file;
static json_t *variants;

static void read_tensor(const char *name, size_t rank, const size_t *shape, clh_real *data)
{
    clh_error err = {0};
    clh_tensor tensor = {.data = data, .rank = rank, .name = name};
    memcpy(tensor.shape, shape, rank * sizeof shape[0]);
    if (clh_safetensors_read(file, &tensor, &err))
        fail_msg("%s", err.message);
}

/* Both tensors of `prefix` as one vector of N a step, a then b. */
static void read_both(const char *prefix, size_t steps, clh_real *out)
{
    clh_real a[STEPS * A], b[STEPS * B];
    char name[64];
    const bool many = steps > 1;
    (void)snprintf(name, sizeof name, "%s.a", prefix);
    read_tensor(name, many ? 2 : 1, many ? (size_t[]){steps, A} : (size_t[]){A}, a);
    (void)snprintf(name, sizeof name, "%s.b", prefix);
    read_tensor(name, many ? 3 : 2, many ? (size_t[]){steps, 3, 4} : (size_t[]){3, 4}, b);
    for (size_t s = 0; s < steps; s++) {
        memcpy(out + s * N, a + s * A, A * sizeof *out);
        memcpy(out + s * N + A, b + s * B, B * sizeof *out);
    }
}

static double number(const json_t *variant, const char *key)
{
    const json_t *value = json_object_get(variant, key);
    return json_is_number(value) ? json_number_value(value) : 0;
}

static clh_train_config config_of(const json_t *variant)
{
    const char *name = json_string_value(json_object_get(variant, "optimizer"));
    const json_t *betas = json_object_get(variant, "betas");
    assert_non_null(name);
    return (clh_train_config){
        .optimizer = strcmp(name, "AdamW") == 0  ? CLH_ADAMW
                     : strcmp(name, "Adam") == 0 ? CLH_ADAM
                                                 : CLH_SGD,
        .beta1 = json_number_value(json_array_get(betas, 0)),
        .beta2 = json_number_value(json_array_get(betas, 1)),
        .eps = number(variant, "eps"),
        .weight_decay = number(variant, "weight_decay"),
        .momentum = number(variant, "momentum"),
        .max_grad_norm = number(variant, "max_grad_norm"),
    };
}

static double norm_of(const clh_real *g)
{
    double square = 0;
    for (size_t i = 0; i < N; i++)
        square += (double)g[i] * (double)g[i];
    return sqrt(square);
}

static void compare(const clh_real *got, const clh_real *want, size_t step)
{
    double largest = 0;
    for (size_t i = 0; i < N; i++)
        largest = fmax(largest, fabs((double)want[i]));
    for (size_t i = 0; i < N; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * largest))
            fail_msg("step %zu, number %zu: %.9g, want %.9g", step, i, (double)got[i],
                     (double)want[i]);
}

static void parameters_move_as_in_pytorch(void **state)
{
    const json_t *variant = *state;
    const clh_train_config c = config_of(variant);
    const json_t *lr = json_object_get(variant, "lr");
    clh_real p[N], m[N] = {0}, v[N] = {0}, g[STEPS * N], want[STEPS * N];
    assert_int_equal(json_array_size(lr), STEPS);
    read_both("start", 1, p);
    read_both("grad", STEPS, g);
    read_both(json_string_value(json_object_get(variant, "name")), STEPS, want);
    for (size_t s = 0; s < STEPS; s++) {
        const double rate = json_number_value(json_array_get(lr, s));
        const double scale = clh_clip_scale(&c, norm_of(g + s * N));
        clh_optimizer_update(&c, s + 1, rate, scale, N, g + s * N, m, v, p);
        compare(p, want + s * N, s + 1);
    }
}

/* A worker updates its own piece of the vector: where the cuts are changes nothing. */
static void pieces_move_as_the_whole(void **state)
{
    const clh_train_config c = config_of(*state);
    clh_real g[STEPS * N], p[2][N], m[2][N] = {{0}}, v[2][N] = {{0}};
    read_both("start", 1, p[0]);
    memcpy(p[1], p[0], sizeof p[0]);
    read_both("grad", STEPS, g);
    for (size_t s = 0; s < STEPS; s++) {
        const clh_real *now = g + s * N;
        const size_t cut = s + 3;
        clh_optimizer_update(&c, s + 1, 0.1, 0.5, N, now, m[0], v[0], p[0]);
        clh_optimizer_update(&c, s + 1, 0.1, 0.5, cut, now, m[1], v[1], p[1]);
        clh_optimizer_update(&c, s + 1, 0.1, 0.5, N - cut, now + cut, m[1] + cut, v[1] + cut,
                             p[1] + cut);
    }
    assert_memory_equal(p[0], p[1], sizeof p[0]);
}

static void norms_before_clipping_are_those_of_the_file(void **state)
{
    (void)state;
    clh_real g[STEPS * N], want[STEPS];
    read_both("grad", STEPS, g);
    read_tensor("grad_norms", 1, (size_t[]){STEPS}, want);
    for (size_t s = 0; s < STEPS; s++)
        assert_true(fabs(norm_of(g + s * N) - (double)want[s]) <= 1e-6 * (double)want[s]);
}

/* torch/nn/utils/clip_grad.py: coefficient = max_norm / (norm + 1e-6), clamped to 1. */
static void clipping_is_that_of_clip_grad_norm(void **state)
{
    (void)state;
    const clh_train_config one = {.max_grad_norm = 1}, off = {.max_grad_norm = 0};
    assert_true(clh_clip_scale(&one, 0) == 1);
    assert_true(clh_clip_scale(&one, 0.5) == 1);
    assert_true(clh_clip_scale(&one, 1) == 1 / (1 + 1e-6)); /* just under 1: PyTorch's too */
    assert_true(clh_clip_scale(&one, 4) == 1 / (4 + 1e-6));
    assert_true(clh_clip_scale(&off, 1e30) == 1);
    for (double norm = 1.5; norm < 1e6; norm *= 3) {
        double after = norm * clh_clip_scale(&one, norm);
        assert_true(after <= 1 && after > 1 - 1e-6);
    }
}

static int open_file(void **state)
{
    (void)state;
    clh_error err = {0};
    if (clh_safetensors_open(&file, CLH_GOLDEN_DIR "/optimizers.safetensors", &err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    variants = json_loads(clh_safetensors_metadata(file, "variants"), 0, NULL);
    return json_array_size(variants) >= VARIANTS_LEAST ? 0 : -1;
}

int main(void)
{
    static struct CMUnitTest tests[2 * VARIANTS_MAX + 2];
    static char titles[2 * VARIANTS_MAX][96];
    size_t count = 0;
    if (open_file(NULL))
        return 1;
    for (size_t i = 0; i < json_array_size(variants) && i < VARIANTS_MAX; i++) {
        json_t *variant = json_array_get(variants, i);
        const char *name = json_string_value(json_object_get(variant, "name"));
        (void)snprintf(titles[count], sizeof titles[0], "%s: parameters move as in PyTorch", name);
        tests[count] = (struct CMUnitTest){.name = titles[count],
                                           .test_func = parameters_move_as_in_pytorch,
                                           .initial_state = variant};
        count++;
        (void)snprintf(titles[count], sizeof titles[0], "%s: pieces move as the whole", name);
        tests[count] = (struct CMUnitTest){
            .name = titles[count], .test_func = pieces_move_as_the_whole, .initial_state = variant};
        count++;
    }
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(norms_before_clipping_are_those_of_the_file);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(clipping_is_that_of_clip_grad_norm);
    int failed = _cmocka_run_group_tests("optimizers", tests, count, NULL, NULL);
    json_decref(variants);
    clh_safetensors_close(file);
    return failed;
}
