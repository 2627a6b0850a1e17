/* What TransformerLens computes is what we compute: every golden file, every activation, every
 * gradient, in the order in which its hooks fire. The files are described in README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "model/description/layout.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/golden_case.h"
#include "support/must.h"

/* Relative to the largest value of each tensor; TransformerLens' own float32 is within 2e-6. */
static const double tolerance = 1e-5, lean_tolerance = 1e-6;

/* A gradient below this share of the file's largest one is zero by algebra (README.md, b_K). */
static const double zero_by_algebra = 1e-6;

enum { CASES_MAX = 128, EDITS_MAX = 32, FIRED_MAX = 512, CASES_LEAST = 65 };

/* A case opened, with its hooks: the edits it asks for, then one that writes down what fired. */
typedef struct bench {
    golden_case golden;
    clh_hook hook[EDITS_MAX + 1];
    clh_tensor edit[EDITS_MAX];
    size_t edits;
    char *fired[FIRED_MAX];
    size_t fired_count;
    clh_cache *cache, *gradient;
    clh_real *parameters;
} bench;

static clh_status add_edit(const clh_hook_point *point, void *user, clh_error *err)
{
    const clh_tensor *edit = user;
    (void)err;
    assert_int_equal(clh_tensor_count(edit), clh_tensor_count(&point->tensor));
    for (size_t i = 0, n = clh_tensor_count(edit); i < n; i++)
        point->tensor.data[i] += edit->data[i];
    return CLH_OK;
}

static clh_status write_down(const clh_hook_point *point, void *user, clh_error *err)
{
    bench *b = user;
    (void)err;
    assert_true(b->fired_count < FIRED_MAX);
    if (strcmp(point->tensor.name, "logits") != 0) /* ours: no hook point of TransformerLens */
        b->fired[b->fired_count++] = strdup(point->tensor.name);
    return CLH_OK;
}

static void find_edits(bench *b)
{
    size_t count = clh_safetensors_count(b->golden.file);
    for (size_t i = 0; i < count; i++) {
        const char *name = clh_safetensors_name(b->golden.file, i);
        if (strncmp(name, "edit.", 5) != 0)
            continue;
        assert_true(b->edits < EDITS_MAX);
        b->edit[b->edits] = golden_tensor(&b->golden, "", name);
        b->hook[b->edits] = (clh_hook){name + 5, add_edit, &b->edit[b->edits]};
        b->edits++;
    }
}

/* Forward, with the bench's hooks if wanted, loss and backward of the case; the gradients of the
 * parameters go to b->parameters. */
static void compute(bench *b, clh_keep keep, bool hooked, clh_loss_sum *sum)
{
    golden_case *golden = &b->golden;
    clh_error err = {0};
    size_t count;
    (void)clh_model_data(golden->model, &count);
    clh_hooks hooks = {.items = b->hook, .count = hooked ? b->edits + 1 : 0};
    must(clh_cache_open(&b->cache, &golden->config, keep, &err), &err);
    must(clh_cache_open(&b->gradient, &golden->config, keep, &err), &err);
    b->parameters = clh_alloc_zeroed(count, sizeof *b->parameters, &err);
    assert_non_null(b->parameters);
    must(clh_forward(golden->model, &golden->tokens, b->cache, &hooks, &err), &err);
    size_t scored = golden->tokens.batch * (golden->tokens.pos - golden->first_scored[0]);
    *sum = (clh_loss_sum){0};
    must(clh_loss(b->cache, &golden->tokens, &golden->scored, 1.0 / (double)scored, b->gradient,
                  NULL, sum, &err),
         &err);
    assert_int_equal(sum->count, scored);
    must(clh_backward(golden->model, &golden->tokens, b->cache, b->gradient, b->parameters, NULL,
                      &err),
         &err);
}

static void drop_results(bench *b)
{
    clh_cache_close(b->cache);
    clh_cache_close(b->gradient);
    clh_free(b->parameters);
    b->cache = b->gradient = NULL;
    b->parameters = NULL;
}

static int open_bench(void **state)
{
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    golden_open(&b->golden, ((const each_case *)*state)->name);
    find_edits(b);
    b->hook[b->edits] = (clh_hook){"*", write_down, b};
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    drop_results(b);
    for (size_t i = 0; i < b->fired_count; i++)
        free(b->fired[i]);
    golden_close(&b->golden);
    free(b);
    return 0;
}

static void close_to(const clh_tensor *got, const clh_tensor *want, double floor, double most)
{
    double distance = golden_distance(got, want, floor);
    if (!(distance <= most))
        fail_msg("%s is %.2e from the golden file, want at most %.0e", want->name, distance, most);
}

static void activations_are_those_of_the_file(void **state)
{
    bench *b = *state;
    clh_loss_sum sum;
    compute(b, CLH_KEEP_ALL, true, &sum);
    size_t compared = 0, count = clh_safetensors_count(b->golden.file);
    for (size_t i = 0; i < count; i++) {
        const char *name = clh_safetensors_name(b->golden.file, i);
        bool act = strncmp(name, "act.", 4) == 0;
        if (!act && strcmp(name, "logits") != 0)
            continue;
        clh_tensor want = golden_tensor(&b->golden, "", name);
        clh_tensor got = clh_cache_view(b->cache, act ? name + 4 : name);
        if (!got.data)
            fail_msg("there is no activation %s", name);
        close_to(&got, &want, 0, tolerance);
        compared++;
    }
    assert_true(compared > (b->golden.config.n_layers ? 15 : 1));
    clh_real mean = (clh_real)(sum.loss / (double)sum.count);
    clh_tensor loss = golden_tensor(&b->golden, "", "loss");
    close_to(&(clh_tensor){.data = &mean}, &loss, 0, tolerance);
}

/* TransformerLens applies ln1 three times, also where the three are the same: that is one here. */
static bool is_repeated_ln1(const json_t *hooks, size_t i)
{
    const char *name = json_string_value(json_array_get(hooks, i));
    const char *before = i < 2 ? NULL : json_string_value(json_array_get(hooks, i - 2));
    return before && strcmp(name, before) == 0 && strstr(name, ".ln1.") != NULL;
}

static void hooks_fire_once_each_in_their_order(void **state)
{
    bench *b = *state;
    clh_loss_sum sum;
    compute(b, CLH_KEEP_ALL, true, &sum);
    size_t at = 0;
    for (size_t i = 0; i < json_array_size(b->golden.hooks); i++) {
        if (!b->golden.config.use_split_qkv_input && is_repeated_ln1(b->golden.hooks, i))
            continue;
        const char *want = json_string_value(json_array_get(b->golden.hooks, i));
        assert_true(at < b->fired_count);
        assert_string_equal(b->fired[at], want);
        at++;
    }
    assert_int_equal(at, b->fired_count);
}

static double largest_gradient(bench *b)
{
    double largest = 0;
    for (size_t i = 0; i < clh_model_tensor_count(b->golden.model); i++) {
        clh_tensor want =
            golden_tensor(&b->golden, "grad.", clh_model_tensor(b->golden.model, i).name);
        assert_non_null(want.data);
        double own = golden_largest(&want);
        largest = own > largest ? own : largest;
    }
    return largest;
}

static void gradients_are_those_of_the_file(void **state)
{
    bench *b = *state;
    clh_loss_sum sum;
    compute(b, CLH_KEEP_ALL, true, &sum);
    double largest = largest_gradient(b);
    for (size_t i = 0; i < clh_model_tensor_count(b->golden.model); i++) {
        clh_tensor got = clh_model_tensor_in(b->golden.model, i, b->parameters);
        clh_tensor want = golden_tensor(&b->golden, "grad.", got.name);
        bool zero = golden_largest(&want) < zero_by_algebra * largest;
        close_to(&got, &want, zero ? largest : 0, tolerance);
    }
}

static void parameters_are_those_of_the_file(void **state)
{
    bench *b = *state;
    size_t count = clh_safetensors_count(b->golden.file), in_file = 0;
    for (size_t i = 0; i < count; i++)
        in_file += strncmp(clh_safetensors_name(b->golden.file, i), "param.", 6) == 0;
    assert_int_equal(in_file, clh_model_tensor_count(b->golden.model));
}

/* Without edits: a hook needs a cache that keeps all. */
static void lean_memory_gives_the_same_gradients(void **state)
{
    bench *b = *state;
    clh_loss_sum sum, lean_sum;
    compute(b, CLH_KEEP_ALL, false, &sum);
    clh_real *full = b->parameters;
    b->parameters = NULL;
    double largest = largest_gradient(b);
    drop_results(b);
    compute(b, CLH_KEEP_BACKWARD, false, &lean_sum);
    for (size_t i = 0; i < clh_model_tensor_count(b->golden.model); i++) {
        clh_tensor want = clh_model_tensor_in(b->golden.model, i, full);
        clh_tensor got = clh_model_tensor_in(b->golden.model, i, b->parameters);
        bool zero = golden_largest(&want) < zero_by_algebra * largest;
        close_to(&got, &want, zero ? largest : 0, lean_tolerance);
    }
    clh_free(full);
    assert_true(sum.loss == lean_sum.loss);
}

static const each_truth truths[] = {
    {"parameters are those of the file", parameters_are_those_of_the_file},
    {"activations are those of the file", activations_are_those_of_the_file},
    {"hooks fire once each in their order", hooks_fire_once_each_in_their_order},
    {"gradients are those of the file", gradients_are_those_of_the_file},
    {"lean memory gives the same gradients", lean_memory_gives_the_same_gradients},
};

int main(void)
{
    char *names[CASES_MAX];
    size_t cases = golden_names(names, CASES_MAX);
    if (cases < CASES_LEAST) {
        fprintf(stderr, "%zu golden files in %s, want %d\n", cases, CLH_GOLDEN_DIR, CASES_LEAST);
        return 1;
    }
    int failed = each_case_run("golden", truths, CLH_COUNT(truths), (const char *const *)names,
                               cases, open_bench, close_bench);
    for (size_t c = 0; c < cases; c++)
        free(names[c]);
    return failed;
}
