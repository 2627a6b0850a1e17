/* What TransformerLens' patching module computes is what clh_patch_run() computes: every site,
 * head and position of two models (make_patching_golden.py). */
#include <string.h>

#include "base/base.h"
#include "clearhead/patch.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/golden_pair.h"
#include "support/must.h"

static const char *const names[] = {"mlp_2x2", "notebook_n3"};

typedef struct bench {
    golden_pair pair;
    clh_patch patch;
} bench;

static int open_bench(void **state)
{
    static bench b;
    clh_error err = {0};
    golden_pair_open(&b.pair, "patching", ((const each_case *)*state)->name);
    const clh_patch_ask ask = {.clean = b.pair.clean,
                               .corrupted = b.pair.corrupted,
                               .sites = "*",
                               .metric = b.pair.metric};
    must(clh_patch_run(&b.patch, b.pair.golden.model, &ask, NULL, &err), &err);
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_patch_deinit(&b->patch);
    golden_pair_close(&b->pair);
    return 0;
}

static const clh_patch_site *site_of(const bench *b, const char *name)
{
    for (size_t s = 0; s < b->patch.count; s++)
        if (strcmp(b->patch.site[s].name, name) == 0)
            return &b->patch.site[s];
    return NULL;
}

static void both_runs_have_their_metric(void **state)
{
    const bench *b = *state;
    golden_pair_check(&b->pair, "clean", &b->patch.clean, 1, 0);
    golden_pair_check(&b->pair, "corrupted", &b->patch.corrupted, 1, 0);
}

static void every_patch_has_the_metric_of_the_file(void **state)
{
    const bench *b = *state;
    size_t checked = 0;
    for (size_t i = 0; i < clh_safetensors_count(b->pair.file); i++) {
        const char *name = clh_safetensors_name(b->pair.file, i);
        if (strncmp(name, "blocks.", 7) != 0)
            continue;
        const clh_patch_site *site = site_of(b, name);
        if (!site)
            fail_msg("%s was not patched", name);
        else
            golden_pair_check(&b->pair, name, site->value,
                              (site->heads ? site->heads : 1) * b->patch.pos, 0);
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
