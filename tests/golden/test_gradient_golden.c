/* Gradients of scalars with respect to every activation are torch's, taken at TransformerLens' hook
 * points (make_gradient_golden.py): every tensor of the files, to 1e-5 of its largest. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/metric.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/golden_case.h"
#include "support/must.h"

/* Of the tensor's largest; of one that is zero by algebra, of the largest of all of its kind. */
static const double tolerance = 1e-5, floor_share = 1e-3;

static const char *const names[] = {"notebook_n3", "mlp_2x2",       "use_all",
                                    "norm_rms",    "attn_only_2x3", "act_solu_ln"};

typedef struct bench {
    golden_case golden;
    clh_safetensors *file;
    clh_tokens tokens; /* the first sequence */
    clh_cache *cache, *gradient;
} bench;

static int open_bench(void **state)
{
    static bench b;
    char path[512];
    clh_error err = {0};
    const char *name = ((const each_case *)*state)->name;
    b = (bench){0};
    golden_open(&b.golden, name);
    (void)snprintf(path, sizeof path, "%s/gradients/%s.safetensors", CLH_GOLDEN_DIR, name);
    must(clh_safetensors_open(&b.file, path, &err), &err);
    b.tokens = (clh_tokens){b.golden.ids, 1, b.golden.tokens.pos};
    must(clh_cache_open(&b.cache, &b.golden.config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b.gradient, &b.golden.config, CLH_KEEP_ALL, &err), &err);
    must(clh_forward(b.golden.model, &b.tokens, b.cache, NULL, &err), &err);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_cache_close(b->gradient);
    clh_cache_close(b->cache);
    clh_safetensors_close(b->file);
    golden_close(&b->golden);
    return 0;
}

static size_t number(const bench *b, const char *key)
{
    const char *text = clh_safetensors_metadata(b->file, key);
    assert_non_null(text);
    return (size_t)strtoul(text, NULL, 10);
}

static clh_metric metric_of(const bench *b, const char *kind)
{
    clh_metric metric = {.kind = CLH_METRIC_KINDS,
                         .first_scored = number(b, "first_scored"),
                         .position = number(b, "position"),
                         .token = (uint32_t)number(b, "token"),
                         .against = (uint32_t)number(b, "against")};
    for (int k = 0; k < CLH_METRIC_KINDS; k++)
        if (strcmp(kind, clh_metric_name((clh_metric_kind)k)) == 0)
            metric.kind = (clh_metric_kind)k;
    assert_int_not_equal(metric.kind, CLH_METRIC_KINDS);
    return metric;
}

/* The tensor of the file under `key` is `got`, up to `floor` * tolerance. */
static void same(const bench *b, const char *key, const clh_tensor *got, double floor)
{
    clh_error err = {0};
    clh_tensor want;
    must(clh_safetensors_describe(b->file, key, &want, NULL, &err), &err);
    want.data = clh_alloc_array(clh_tensor_count(&want), sizeof *want.data, &err);
    assert_non_null(want.data);
    must(clh_safetensors_read(b->file, &want, &err), &err);
    const double distance = golden_distance(got, &want, floor);
    if (!(distance <= tolerance))
        fail_msg("%s is %.2e away", key, distance);
    clh_free(want.data);
}

static void every_gradient_is_that_of_torch(void **state)
{
    const bench *b = *state;
    json_t *kinds = json_loads(clh_safetensors_metadata(b->file, "kinds"), 0, NULL);
    size_t k, checked = 0;
    json_t *kind;
    assert_true(json_is_array(kinds));
    json_array_foreach(kinds, k, kind)
    {
        const char *name = json_string_value(kind);
        const clh_metric metric = metric_of(b, name);
        clh_error err = {0};
        double value = NAN, largest = 0;
        must(clh_metric_gradient(&metric, b->golden.model, &b->tokens, b->cache, b->gradient, NULL,
                                 &value, NULL, &err),
             &err);
        clh_real real = (clh_real)value;
        same(b, name, &(clh_tensor){.data = &real}, 0);
        for (size_t t = 0; t < clh_cache_count(b->gradient); t++) {
            const clh_tensor g = clh_cache_tensor(b->gradient, t);
            largest = fmax(largest, golden_largest(&g));
        }
        for (size_t i = 0; i < clh_safetensors_count(b->file); i++) {
            const char *key = clh_safetensors_name(b->file, i);
            const size_t length = strlen(name);
            if (strncmp(key, name, length) != 0 || key[length] != '.')
                continue;
            const clh_tensor g = clh_cache_view(b->gradient, key + length + 1);
            if (!g.data)
                fail_msg("there is no %s", key + length + 1);
            same(b, key, &g, floor_share * largest);
            checked++;
        }
    }
    assert_true(checked >= 12 * json_array_size(kinds)); /* the notebook's model has 14 */
    json_decref(kinds);
}

static const each_truth truths[] = {
    {"every gradient is that of torch", every_gradient_is_that_of_torch},
};

int main(void)
{
    return each_case_run("gradients", truths, CLH_COUNT(truths), names, CLH_COUNT(names),
                         open_bench, close_bench);
}
