/* The lens on a cache gives TransformerLens' numbers: decompositions, attributions, head scores.
 * tests/golden/make_residual_golden.py wrote them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/heads.h"
#include "clearhead/residual.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/golden_case.h"
#include "support/must.h"

static const double tolerance = 1e-5; /* of each tensor's largest value */

typedef struct bench {
    golden_case golden;
    clh_safetensors *file;
    clh_cache *cache;
    size_t begin, pos;
    clh_real *taken[16];
    size_t taken_count;
} bench;

/* Tensor of the residual file; data NULL when there is none. */
static clh_tensor wanted(bench *b, const char *name)
{
    clh_tensor tensor;
    clh_error err = {0};
    if (clh_safetensors_describe(b->file, name, &tensor, NULL, NULL))
        return (clh_tensor){0};
    tensor.data = clh_alloc_array(clh_tensor_count(&tensor), sizeof *tensor.data, &err);
    assert_non_null(tensor.data);
    assert_true(b->taken_count < CLH_COUNT(b->taken));
    b->taken[b->taken_count++] = tensor.data;
    must(clh_safetensors_read(b->file, &tensor, &err), &err);
    return tensor;
}

static int open_bench(void **state)
{
    const char *name = ((const each_case *)*state)->name;
    bench *b = calloc(1, sizeof *b);
    char path[1024];
    clh_error err = {0};
    assert_non_null(b);
    golden_open(&b->golden, name);
    (void)snprintf(path, sizeof path, "%s/residual/%s.safetensors", CLH_GOLDEN_DIR, name);
    must(clh_safetensors_open(&b->file, path, &err), &err);
    must(clh_cache_open(&b->cache, &b->golden.config, CLH_KEEP_ALL, &err), &err);
    must(clh_forward(b->golden.model, &b->golden.tokens, b->cache, NULL, &err), &err);
    b->pos = wanted(b, "right").shape[1];
    b->begin = b->golden.tokens.pos - b->pos;
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < b->taken_count; i++)
        clh_free(b->taken[i]);
    clh_cache_close(b->cache);
    clh_safetensors_close(b->file);
    golden_close(&b->golden);
    free(b);
    return 0;
}

static void decompose(bench *b, clh_resid_stack *stack, unsigned split, size_t layers)
{
    clh_error err = {0};
    const clh_resid_ask ask = {
        .split = split, .layers = layers, .begin = b->begin, .end = b->golden.tokens.pos};
    must(clh_resid_decompose(stack, b->golden.model, b->cache, &ask, &err), &err);
}

/* The parts of one kind, or of all but the remainder (CLH_PART_KINDS), are those of the file. */
static void same_parts(bench *b, const clh_resid_stack *stack, clh_component_kind kind,
                       const char *name)
{
    const clh_tensor want = wanted(b, name);
    const size_t size = stack->batch * stack->pos * stack->d_model;
    const double largest = golden_largest(&want);
    size_t part = 0;
    assert(want.data);
    for (size_t c = 0; c < stack->count; c++) {
        const clh_component_kind is = stack->component[c].kind;
        if (kind == CLH_PART_KINDS ? is == CLH_PART_REMAINDER : is != kind)
            continue;
        assert_true(part < want.shape[0]);
        for (size_t i = 0; i < size; i++)
            assert_true(fabs((double)stack->data[c * size + i] -
                             (double)want.data[part * size + i]) <= tolerance * largest);
        part++;
    }
    assert_int_equal(part, want.shape[0]);
}

static void decompositions_are_those_of_the_file(void **state)
{
    bench *b = *state;
    clh_resid_stack stack = {0};
    clh_error err = {0};
    decompose(b, &stack, CLH_SPLIT_LAYERS, 0);
    same_parts(b, &stack, CLH_PART_KINDS, "decompose");
    must(clh_resid_normalize(&stack, b->golden.model, b->cache, CLH_NORM_FROZEN, &err), &err);
    same_parts(b, &stack, CLH_PART_KINDS, "normalized");
    clh_resid_stack_deinit(&stack);
    decompose(b, &stack, CLH_SPLIT_LAYERS, 1);
    same_parts(b, &stack, CLH_PART_KINDS, "decompose_0");
    clh_resid_stack_deinit(&stack);
    decompose(b, &stack, CLH_SPLIT_HEADS | CLH_SPLIT_NEURONS, 0);
    same_parts(b, &stack, CLH_PART_HEAD, "heads");
    if (!b->golden.config.attn_only)
        same_parts(b, &stack, CLH_PART_NEURON, "neurons");
    clh_resid_stack_deinit(&stack);
}

static void the_logit_lens_is_that_of_the_file(void **state)
{
    bench *b = *state;
    clh_resid_stack stack = {0};
    clh_error err = {0};
    const clh_tensor want = wanted(b, "lens");
    must(clh_resid_accumulate(&stack, b->golden.model, b->cache, true, b->begin,
                              b->golden.tokens.pos, &err),
         &err);
    same_parts(b, &stack, CLH_PART_KINDS, "accumulated");
    clh_tensor got = want;
    got.data = clh_alloc_array(clh_tensor_count(&want), sizeof *got.data, &err);
    assert_non_null(got.data);
    assert_int_equal(want.shape[0], stack.count);
    must(clh_resid_logits(got.data, &stack, b->golden.model, b->cache, CLH_NORM_FROZEN, &err),
         &err);
    assert_true(golden_distance(&got, &want, 0) <= tolerance);
    clh_free(got.data);
    clh_resid_stack_deinit(&stack);
}

/* The file's [batch, pos] of ids. */
static void read_ids(bench *b, const char *name, uint32_t *out)
{
    const clh_tensor from = wanted(b, name);
    assert(from.data);
    for (size_t i = 0; i < clh_tensor_count(&from); i++)
        out[i] = (uint32_t)from.data[i];
}

static void attributions_are_those_of_the_file(void **state)
{
    bench *b = *state;
    clh_resid_stack stack = {0};
    clh_error err = {0};
    uint32_t right[64], wrong[64];
    read_ids(b, "right", right);
    read_ids(b, "wrong", wrong);
    decompose(b, &stack, CLH_SPLIT_LAYERS, 0);
    const size_t rows = stack.batch * stack.pos;
    assert_true(rows <= 64);
    double *got = clh_alloc_array(stack.count * rows, sizeof *got, &err);
    assert_non_null(got);
    for (int diff = 0; diff < 2; diff++) {
        const clh_tensor want = wanted(b, diff ? "logit_diff_attrs" : "logit_attrs");
        const double largest = golden_largest(&want);
        assert(want.data);
        assert_int_equal(want.shape[0], stack.count - 1);
        must(clh_logit_attrs(got, &stack, b->golden.model, b->cache, right, diff ? wrong : NULL,
                             CLH_NORM_FROZEN, &err),
             &err);
        for (size_t i = 0; i < clh_tensor_count(&want); i++)
            assert_true(fabs(got[i] - (double)want.data[i]) <= tolerance * largest);
    }
    clh_free(got);
    clh_resid_stack_deinit(&stack);
}

static void head_scores_are_those_of_the_file(void **state)
{
    bench *b = *state;
    clh_error err = {0};
    const clh_tensor want = wanted(b, "detect");
    assert(want.data);
    const size_t batch = b->golden.tokens.batch, pos = b->golden.tokens.pos,
                 layers = b->golden.config.n_layers, heads = b->golden.config.n_heads;
    clh_real *expected = clh_alloc_array(pos * pos, sizeof *expected, &err);
    assert_non_null(expected);
    assert_int_equal(clh_tensor_count(&want), (size_t)3 * 2 * 2 * 2 * batch * layers * heads);
    for (size_t i = 0, n = clh_tensor_count(&want); i < n; i++) {
        const size_t h = i % heads, l = i / heads % layers, s = i / heads / layers % batch,
                     way = i / heads / layers / batch;
        const clh_detect_options options = {.measure = (clh_detect_measure)(way / 4 % 2),
                                            .exclude_bos = way / 2 % 2,
                                            .exclude_current_token = way % 2};
        const clh_tokens tokens = {b->golden.ids + s * pos, 1, pos};
        char name[64];
        (void)snprintf(name, sizeof name, "blocks.%zu.attn.hook_pattern", l);
        const clh_tensor pattern = clh_cache_view(b->cache, name);
        must(clh_detection_pattern(expected, (clh_detect)(way / 8), &tokens, NULL, &err), &err);
        const double got =
            clh_head_score(pattern.data + (s * heads + h) * pos * pos, expected, pos, &options);
        assert_true(fabs(got - (double)want.data[i]) <= tolerance);
    }
    clh_free(expected);
}

static const each_truth truths[] = {
    {"decompositions are those of the file", decompositions_are_those_of_the_file},
    {"the logit lens is that of the file", the_logit_lens_is_that_of_the_file},
    {"attributions are those of the file", attributions_are_those_of_the_file},
    {"head scores are those of the file", head_scores_are_those_of_the_file},
};

int main(void)
{
    static const char *const names[] = {"notebook_n3", "mlp_2x2"};
    return each_case_run("residual golden", truths, CLH_COUNT(truths), names, CLH_COUNT(names),
                         open_bench, close_bench);
}
