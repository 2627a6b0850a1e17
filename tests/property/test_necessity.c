/* Necessity, against forward passes with hooks that take the part away, of every input. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/necessity.h"
#include "clearhead/run.h"
#include "prove/sensitivity/necessity_walk.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/planted.h"
#include "support/removal_bench.h"
#include "support/run_case.h"
#include "support/task_of.h"

/* Whether the input that is in `base` changes: for certain, or as far as floats tell. */
static void look(const removal_bench *b, bool *sure, bool *may)
{
    *sure = *may = false;
    for (size_t i = b->asked->first_scored - 1; i + 1 < b->asked->length; i++) {
        double by, other_by;
        const bool same =
            removal_bench_says(b->base, i, &by) == removal_bench_says(b->other, i, &other_by);
        const bool clear = by > 1e-3 && other_by > 1e-3;
        *sure = *sure || (!same && clear);
        *may = *may || !same || !clear;
    }
}

/* Inputs that change without a part: for certain, or as far as floats tell; the first for certain. */
typedef struct counted {
    uint64_t sure, most, first;
} counted;

static counted count(removal_bench *b, size_t part)
{
    counted c = {.first = UINT64_MAX};
    const clh_hook hook = {"blocks.0.*", removal_bench_hook, b};
    clh_error err = {0};
    b->part = part;
    for (uint64_t rank = 0; rank < clh_letters_inputs(b->asked); rank++) {
        bool sure, may;
        removal_bench_pass(b, rank);
        must(clh_forward(b->model, &(clh_tokens){b->ids, 1, b->asked->length}, b->other,
                         &(clh_hooks){.items = &hook, .count = 1}, &err),
             &err);
        look(b, &sure, &may);
        c.first = sure && c.first == UINT64_MAX ? rank : c.first;
        c.sure += sure;
        c.most += may;
    }
    return c;
}

typedef struct tally {
    size_t none, some, all, close;
} tally;

/* Every part, both ways; how many parts are needed by no input, some, all, and how many counts are known to
 * the input from floats. */
static void both_ways(const clh_model *model, const clh_task *task, clh_domain_kind domain,
                      clh_removal by, tally *seen)
{
    clh_error err = {0};
    clh_letters_asked asked = {0};
    clh_necessity fast, two;
    const clh_necessity_options options = {domain, by};
    must(clh_necessity_find(&fast, model, task, &options, NULL, &err), &err);
    must(clh_necessity_find(&two, model, task, &options, &(clh_how){.threads = 2}, &err), &err);
    must(clh_letters_asked_open(&asked, task, domain, &err), &err);
    assert_memory_equal(&fast, &two, sizeof fast);
    removal_bench *b = removal_bench_open(model, task, &asked, by);
    assert_int_equal(fast.inputs, clh_letters_inputs(&asked));
    for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
        const clh_necessity_row *is = &fast.row[k];
        const counted c = count(b, k);
        if (is->changed < c.sure || is->changed > c.most)
            fail_msg("domain %d by %d %s: %zu (%zu undecided), by hooks %zu to %zu", domain, by,
                     is->name, (size_t)is->changed, (size_t)is->undecided, (size_t)c.sure,
                     (size_t)c.most);
        if (is->changed)
            assert_true(is->first.rank <= c.first);
        seen->none += is->changed == 0;
        seen->all += is->changed == fast.inputs;
        seen->some += is->changed > 0 && is->changed < fast.inputs;
        seen->close += c.most - c.sure <= fast.inputs / 50;
    }
    removal_bench_close(b);
    clh_letters_asked_deinit(&asked);
}

static void counts_are_those_of_hooks(void **state)
{
    (void)state;
    static const planted cases[] = {{CLH_NORM_LN, 0.05, 1, 1},   {CLH_NORM_RMS, 0.1, 1, 2},
                                    {CLH_NORM_LNPRE, 0.2, 1, 3}, {CLH_NORM_NONE, 0.1, 1, 4},
                                    {CLH_NORM_LN, 0.3, 1, 5},    {CLH_NORM_RMSPRE, 0.15, 1, 6}};
    clh_task *task = task_of("n=2 letters=tuples");
    tally seen = {0};
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        clh_model *model = planted_open(task, &cases[i]);
        both_ways(model, task, (clh_domain_kind)(i % 3), (clh_removal)(i % 2), &seen);
        clh_model_close(model);
    }
    /* Predictions of letters that no source holds yet: a query does not see every slot. */
    clh_task *early = task_of("n=2 letters=tuples first_scored=1");
    clh_model *model = planted_open(early, &cases[1]);
    both_ways(model, early, CLH_DOMAIN_TUPLES, CLH_REMOVAL_MEAN, &seen);
    both_ways(model, early, CLH_DOMAIN_SORTED, CLH_REMOVAL_ZERO, &seen);
    clh_model_close(model);
    clh_task_close(early);
    print_message("# parts: %zu needed nowhere, %zu by some, %zu by all; %zu known to 2 %%\n",
                  seen.none, seen.some, seen.all, seen.close);
    assert_true(seen.none > 2 && seen.some > 20 && seen.all > 2 && seen.close > 70);
    clh_task_close(task);
}

/* Three letters, a few inputs of each domain: the sets that the counts are made of. */
static void inputs_are_those_of_hooks(void **state)
{
    (void)state;
    const planted p = {CLH_NORM_LN, 0.2, 1, 9};
    clh_task *task = task_of("n=3 letters=tuples");
    clh_model *model = planted_open(task, &p);
    size_t sure[2] = {0};
    for (size_t i = 0; i < 4; i++) {
        clh_error err = {0};
        clh_letters_asked a = {0};
        clh_tables tables = {0};
        clh_failures changed[CLH_NECESSITY_PARTS], doubtful[CLH_NECESSITY_PARTS];
        clh_necessity_walk walk = {.changed = changed, .doubtful = doubtful};
        clh_stop stop;
        must(clh_letters_asked_open(&a, task, i < 2 ? CLH_DOMAIN_TUPLES : CLH_DOMAIN_SORTED, &err),
             &err);
        must(clh_tables_open(&tables, model, &a, NULL, &err), &err);
        must(clh_removed_walk_open(&walk.models, &tables, task, CLH_REMOVAL_ZERO, CLH_MODELS, &err),
             &err);
        for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
            must(clh_failures_open(&changed[k], &a, &err), &err);
            must(clh_failures_open(&doubtful[k], &a, &err), &err);
        }
        clh_stop_init(&stop, NULL, 1, "queries");
        const size_t query = a.first_scored - 1 + 5 * i; /* one query, so that sets stay small */
        clh_necessity_walk_position(&walk, query, &stop, 0);
        removal_bench *b = removal_bench_open(model, task, &a, CLH_REMOVAL_ZERO);
        const clh_hook hook = {"blocks.0.*", removal_bench_hook, b};
        for (uint64_t rank = 7 * i; rank < clh_letters_inputs(&a);
             rank += clh_letters_inputs(&a) / 150) {
            uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
            clh_letters_unrank(&a, rank, letters);
            removal_bench_pass(b, rank);
            for (b->part = 0; b->part < CLH_NECESSITY_PARTS; b->part++) {
                double by, other_by;
                bool in = false;
                must(clh_forward(model, &(clh_tokens){b->ids, 1, a.length}, b->other,
                                 &(clh_hooks){.items = &hook, .count = 1}, &err),
                     &err);
                const bool same = removal_bench_says(b->base, query, &by) ==
                                  removal_bench_says(b->other, query, &other_by);
                for (unsigned mask = 0; mask < 1u << a.n; mask++)
                    in = in || clh_failures_has(&changed[b->part], letters, mask);
                if (by < 1e-3 || other_by < 1e-3)
                    continue;
                assert_true(in != same);
                sure[same]++;
            }
        }
        removal_bench_close(b);
        for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
            clh_failures_deinit(&changed[k]);
            clh_failures_deinit(&doubtful[k]);
        }
        clh_removed_walk_deinit(&walk.models);
        clh_tables_deinit(&tables);
        clh_letters_asked_deinit(&a);
    }
    assert_true(sure[0] > 500 && sure[1] > 500);
    clh_model_close(model);
    clh_task_close(task);
}

/* Attention by position alone, values that know the token alone: what else there is, nothing needs. */
static void a_copier_needs_what_copies(void **state)
{
    (void)state;
    const planted p = {CLH_NORM_LN, 0, 1, 0};
    clh_task *task = task_of("n=2 letters=tuples");
    clh_model *model = planted_open(task, &p);
    clh_error err = {0};
    static const bool all[CLH_NECESSITY_PARTS] = {[HEAD] = true,
                                                  [SCORES + 3] = true, /* position x position */
                                                  [VALUE_TOKEN] = true,
                                                  [ANSWER] = true};
    for (size_t q = 0; q < clh_task_length_max(task); q++) /* what has no source looks at 0 */
        *planted_at(model, "blocks.0.attn.W_Q", clh_task_d_vocab(task) + q, 0) += 1;
    for (clh_domain_kind d = CLH_DOMAIN_SORTED; d < CLH_DOMAIN_TASK; d++) {
        clh_necessity n;
        const clh_necessity_options options = {.domain = d};
        must(clh_necessity_find(&n, model, task, &options, NULL, &err), &err);
        for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
            if (k == DIRECT || k == SLOT || k == FIRST)
                continue; /* as the task's terms have it */
            assert_int_equal(n.row[k].changed, all[k] ? n.inputs : 0);
            assert_true(all[k] || n.row[k].undecided == 0);
        }
    }
    clh_model_close(model);
    clh_task_close(task);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    (void)state;
    const planted p = {CLH_NORM_LN, 0.1, 1, 1};
    clh_task *task = task_of("n=2 letters=tuples"), *mixture = task_of("n=2,3 letters=sorted");
    clh_task *sums = task_of("task=modular_addition p=5"), *three = task_of("n=3 letters=sorted");
    clh_model *model = planted_open(task, &p), *heads = NULL, *steep = NULL;
    clh_error err = {0};
    clh_necessity n;
    clh_necessity_options options = {.domain = CLH_DOMAIN_TUPLES};
    assert_int_equal(clh_necessity_find(&n, model, mixture, NULL, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "mixes 2 lengths"));
    assert_int_equal(clh_necessity_find(&n, model, sums, NULL, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "has no letters"));
    assert_int_equal(clh_necessity_find(&n, model, three, NULL, NULL, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "n_ctx"));
    clh_model_config config = *clh_model_get_config(model);
    config.n_heads = 2;
    must(clh_model_open(&heads, &config, &err), &err);
    assert_int_equal(clh_necessity_find(&n, heads, task, NULL, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "one layer of one head"));
    /* Scores so far apart that the mean of a pattern has no digits in double: by mean alone. */
    steep = planted_open(task, &(planted){CLH_NORM_LN, 0.5, 30, 1});
    must(clh_necessity_find(&n, steep, task, &options, NULL, &err), &err);
    options.by = CLH_REMOVAL_MEAN;
    assert_int_equal(clh_necessity_find(&n, steep, task, &options, NULL, &err), CLH_ENUMERIC);
    assert_non_null(strstr(err.message, "apart"));
    *planted_at(model, "unembed.W_U", 3, 3) = (clh_real)NAN;
    assert_int_equal(clh_necessity_find(&n, model, task, NULL, NULL, &err), CLH_ENUMERIC);
    clh_model_close(steep);
    clh_model_close(heads);
    clh_model_close(model);
    clh_task_close(three);
    clh_task_close(sums);
    clh_task_close(mixture);
    clh_task_close(task);
}

/* Of models that were trained: one that has learnt, and one that has not yet. With CLEARHEAD_WHOLE=1 also one of
 * three letters, minutes of one core. */
static void trained_models_too(void **state)
{
    static const char *const words[] = {"n=2 steps=60 lr=0.01", "n=2 steps=4",
                                        "n=3 steps=300 d_model=32 d_head=16"};
    static const char *const names[] = {"old", "young", "three"};
    const size_t count = CLH_COUNT(words) - (getenv("CLEARHEAD_WHOLE") ? 0 : 1);
    temp_folder *folder = *state;
    tally seen = {0};
    clh_error err = {0};
    for (size_t i = 0; i < count; i++) {
        char path[TEMP_PATH_MAX];
        clh_run *run = NULL;
        const clh_run_config config = run_case_config(words[i]);
        run_case_train(&config, temp_folder_path(folder, names[i], path));
        must(clh_run_open(&run, path, &err), &err);
        both_ways(clh_run_model(run), clh_run_task(run), CLH_DOMAIN_SORTED, CLH_REMOVAL_ZERO,
                  &seen);
        both_ways(clh_run_model(run), clh_run_task(run), CLH_DOMAIN_TUPLES, CLH_REMOVAL_MEAN,
                  &seen);
        clh_run_close(run);
    }
    assert_true(seen.some > 10 && seen.close > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copier_needs_what_copies),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(inputs_are_those_of_hooks),
        cmocka_unit_test(counts_are_those_of_hooks),
        cmocka_unit_test_setup_teardown(trained_models_too, temp_folder_setup,
                                        temp_folder_teardown),
    };
    return cmocka_run_group_tests_name("necessity", tests, NULL, NULL);
}
