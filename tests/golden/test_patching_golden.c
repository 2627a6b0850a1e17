/* What TransformerLens' patching module computes is what clh_patch_run() computes: every site,
 * head and position of two models (make_patching_golden.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/patch.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/golden_case.h"
#include "support/must.h"

/* Relative to the largest metric of the site. */
static const double tolerance = 1e-5;

static const char *const names[] = {"mlp_2x2", "notebook_n3"};

typedef struct bench {
    golden_case golden;
    clh_safetensors *file; /* of the patches */
    clh_patch patch;
} bench;

static size_t number(const bench *b, const char *key)
{
    const char *text = clh_safetensors_metadata(b->file, key);
    assert_non_null(text);
    return (size_t)strtoul(text, NULL, 10);
}

static int open_bench(void **state)
{
    static bench b;
    char path[512];
    const char *name = ((const each_case *)*state)->name;
    clh_error err = {0};
    b = (bench){0};
    golden_open(&b.golden, name);
    (void)snprintf(path, sizeof path, "%s/patching/%s.safetensors", CLH_GOLDEN_DIR, name);
    must(clh_safetensors_open(&b.file, path, &err), &err);
    const size_t pos = b.golden.tokens.pos;
    const clh_patch_ask ask = {.clean = {b.golden.ids, 1, pos},
                               .corrupted = {b.golden.ids + pos, 1, pos},
                               .sites = "*",
                               .metric = {.kind = CLH_METRIC_LOGIT_DIFF,
                                          .position = number(&b, "position"),
                                          .token = (uint32_t)number(&b, "token"),
                                          .against = (uint32_t)number(&b, "against")}};
    must(clh_patch_run(&b.patch, b.golden.model, &ask, &err), &err);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_patch_deinit(&b->patch);
    clh_safetensors_close(b->file);
    golden_close(&b->golden);
    return 0;
}

static const clh_patch_site *site_of(const bench *b, const char *name)
{
    for (size_t s = 0; s < b->patch.count; s++)
        if (strcmp(b->patch.site[s].name, name) == 0)
            return &b->patch.site[s];
    return NULL;
}

static void check(const bench *b, const char *name, const double *got)
{
    clh_error err = {0};
    clh_tensor want;
    must(clh_safetensors_describe(b->file, name, &want, NULL, &err), &err);
    want.name = name;
    const size_t count = clh_tensor_count(&want);
    want.data = clh_alloc_array(count, sizeof *want.data, &err);
    assert_non_null(want.data);
    must(clh_safetensors_read(b->file, &want, &err), &err);
    const double largest = golden_largest(&want);
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - (double)want.data[i]) <= tolerance * largest))
            fail_msg("%s[%zu] is %.9g, TransformerLens says %.9g", name, i, got[i],
                     (double)want.data[i]);
    clh_free(want.data);
}

static void both_runs_have_their_metric(void **state)
{
    const bench *b = *state;
    check(b, "clean", &b->patch.clean);
    check(b, "corrupted", &b->patch.corrupted);
}

static void every_patch_has_the_metric_of_the_file(void **state)
{
    const bench *b = *state;
    size_t checked = 0;
    for (size_t i = 0; i < clh_safetensors_count(b->file); i++) {
        const char *name = clh_safetensors_name(b->file, i);
        if (strncmp(name, "blocks.", 7) != 0)
            continue;
        const clh_patch_site *site = site_of(b, name);
        if (!site)
            fail_msg("%s was not patched", name);
        else
            check(b, name, site->value);
        checked++;
    }
    assert_true(checked >= 8);
}

static const each_truth truths[] = {
    {"both runs have their metric", both_runs_have_their_metric},
    {"every patch has the metric of the file", every_patch_has_the_metric_of_the_file},
};

int main(void)
{
    return each_case_run("patching", truths, CLH_COUNT(truths), names, CLH_COUNT(names), open_bench,
                         close_bench);
}
