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
    clh_patch patch[CLH_PATCH_INDICES];
} bench;

static int open_bench(void **state)
{
    static bench b;
    clh_error err = {0};
    golden_pair_open(&b.pair, "patching", ((const each_case *)*state)->name);
    for (unsigned index = 0; index < CLH_PATCH_INDICES; index++) {
        const clh_patch_ask ask = {.clean = b.pair.clean,
                                   .corrupted = b.pair.corrupted,
                                   .sites = index == CLH_PATCH_DEST_SRC_POS ? NULL : "*",
                                   .index = (clh_patch_index)index,
                                   .metric = b.pair.metric};
        must(clh_patch_run(&b.patch[index], b.pair.golden.model, &ask, NULL, &err), &err);
    }
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    for (size_t index = 0; index < CLH_PATCH_INDICES; index++)
        clh_patch_deinit(&b->patch[index]);
    golden_pair_close(&b->pair);
    return 0;
}

static const clh_patch_site *site_of(const clh_patch *patch, const char *name)
{
    for (size_t s = 0; s < patch->count; s++)
        if (strcmp(patch->site[s].name, name) == 0)
            return &patch->site[s];
    return NULL;
}

static void both_runs_have_their_metric(void **state)
{
    const bench *b = *state;
    golden_pair_check(&b->pair, "clean", &b->patch[0].clean, 1, 0);
    golden_pair_check(&b->pair, "corrupted", &b->patch[0].corrupted, 1, 0);
}

/* Names of the file are those of sites, after "all_pos." and the like. */
static const clh_patch *patch_of(const bench *b, const char **name)
{
    for (unsigned index = 0; index < CLH_PATCH_INDICES; index++) {
        const char *prefix = clh_patch_index_name((clh_patch_index)index);
        const size_t length = strlen(prefix);
        if (strncmp(*name, prefix, length) == 0 && (*name)[length] == '.') {
            *name += length + 1;
            return &b->patch[index];
        }
    }
    return &b->patch[CLH_PATCH_BY_POS];
}

static void every_patch_has_the_metric_of_the_file(void **state)
{
    const bench *b = *state;
    size_t checked[CLH_PATCH_INDICES] = {0};
    for (size_t i = 0; i < clh_safetensors_count(b->pair.file); i++) {
        const char *whole = clh_safetensors_name(b->pair.file, i), *name = whole;
        const clh_patch *patch = patch_of(b, &name);
        if (strncmp(name, "blocks.", 7) != 0)
            continue;
        const clh_patch_site *site = site_of(patch, name);
        if (!site)
            fail_msg("%s was not patched", whole);
        else
            golden_pair_check(&b->pair, whole, site->value,
                              (site->heads ? site->heads : 1) * patch->each, 0);
        checked[patch->index]++;
    }
    assert_true(checked[CLH_PATCH_BY_POS] >= 8 && checked[CLH_PATCH_ALL_POS] >= 5 &&
                checked[CLH_PATCH_DEST_SRC_POS] >= 1);
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
