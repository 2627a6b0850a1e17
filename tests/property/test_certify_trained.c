/* The certificate of trained models, by bounds and by forward passes of every input.
 *
 * CLEARHEAD_WHOLE=1: of twenty models of three letters too, a minute of one core. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "clearhead/run.h"
#include "support/both_ways.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

/* What is trained, and for how many steps: from models that know little to such that are mostly right. */
static const char *const models[] = {"d_model=32 d_head=16", "d_model=48 d_head=24 letters=tuples",
                                     "d_model=64 d_head=32 normalization_type=RMS",
                                     "d_model=40 d_head=8 letters=ordered",
                                     "d_model=32 d_head=32 normalization_type=None lr=0.003"};
static const int steps[] = {5, 40, 150, 400};
enum { MODELS = CLH_COUNT(models) * CLH_COUNT(steps) };

/* Models first to last - 1, of n letters, over domains from this one on. */
static void trained(const temp_folder *folder, int n, int first, int last, clh_domain_kind domain,
                    size_t seen[2])
{
    char words[160], name[32], path[TEMP_PATH_MAX];
    for (int k = first; k < last; k++) {
        clh_error err = {0};
        clh_run *run = NULL;
        (void)snprintf(words, sizeof words, "n=%d seed=%d steps=%d lr=0.002 %s", n, k,
                       steps[k % (int)CLH_COUNT(steps)], models[k % (int)CLH_COUNT(models)]);
        (void)snprintf(name, sizeof name, "%d-%d", n, k);
        const clh_run_config config = run_case_config(words);
        run_case_train(&config, temp_folder_path(folder, name, path));
        must(clh_run_open(&run, path, &err), &err);
        for (clh_domain_kind d = domain; d < CLH_DOMAIN_TASK; d++) {
            const uint64_t failures = both_ways(clh_run_model(run), clh_run_task(run), d, n == 2);
            seen[failures > 0]++;
        }
        clh_run_close(run);
    }
    print_message("# n = %d: nothing fails in %zu, something in %zu\n", n, seen[0], seen[1]);
}

static void two_letters(void **state)
{
    size_t seen[2] = {0};
    trained(*state, 2, 0, MODELS, CLH_DOMAIN_SORTED, seen);
    assert_true(seen[0] >= 3 && seen[1] >= 3);
}

static void three_letters(void **state)
{
    size_t seen[2] = {0};
    const int first = getenv("CLEARHEAD_WHOLE") ? 0 : MODELS - 1;
    trained(*state, 3, first, MODELS, CLH_DOMAIN_TUPLES, seen);
    assert_int_equal(seen[0] + seen[1], MODELS - first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(two_letters),
        FOLDER_TEST(three_letters),
    };
    return cmocka_run_group_tests_name("certify_trained", tests, NULL, NULL);
}
