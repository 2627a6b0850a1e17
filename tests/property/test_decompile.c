/* A program found in a model: its shares are those of forward passes, and where the two disagree is what
 * forward passes say. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/alloc.h"
#include "clearhead/run.h"
#include "prove/certificate/certify_parts.h"
#include "prove/program/decompile.h"
#include "prove/program/program_parts.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"

typedef struct bench {
    temp_folder *folder;
    clh_run *run[3]; /* n = 2, n = 3 while it learns, n = 3 */
} bench;

enum { TWO, YOUNG, THREE, RUNS };

static int open_bench(void **state)
{
    static bench b;
    static const char *const words[RUNS] = {"n=2 steps=60 lr=0.01", "n=3 steps=30", "n=3"};
    static const char *const names[RUNS] = {"two", "young", "three"};
    clh_error err = {0};
    void *folder = NULL;
    if (temp_folder_setup(&folder))
        return 1;
    b.folder = folder;
    for (int r = 0; r < RUNS; r++) {
        char path[TEMP_PATH_MAX];
        const clh_run_config config = run_case_config(words[r]);
        run_case_train(&config, temp_folder_path(b.folder, names[r], path));
        must(clh_run_open(&b.run[r], path, &err), &err);
    }
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    void *folder = b->folder;
    for (int r = 0; r < RUNS; r++)
        clh_run_close(b->run[r]);
    return temp_folder_teardown(&folder);
}

/* Mean of the pattern over all choices of letters, by forward passes, beside the exact one. */
static void shares_are_the_mean_of_patterns(void **state)
{
    const bench *b = *state;
    const clh_model *model = clh_run_model(b->run[TWO]);
    clh_error err = {0};
    clh_letters_asked asked = {0};
    clh_tables tables = {0};
    clh_shares shares = {0};
    clh_cache *cache = NULL;
    uint32_t ids[64];
    double mean[64][64] = {{0}}, least[64][CLH_CERTIFY_LETTERS];
    must(clh_letters_asked_open(&asked, clh_run_task(b->run[TWO]), CLH_DOMAIN_TUPLES, &err), &err);
    must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    for (size_t i = 0; i < 64; i++)
        for (size_t s = 0; s < CLH_CERTIFY_LETTERS; s++)
            least[i][s] = 1;
    const uint64_t inputs = clh_letters_inputs(&asked);
    for (uint64_t rank = 0; rank < inputs; rank++) {
        uint8_t letters[CLH_CERTIFY_LETTERS];
        clh_letters_unrank(&asked, rank, letters);
        clh_letters_write(&asked, letters, ids);
        must(clh_forward(model, &(clh_tokens){ids, 1, asked.length}, cache, NULL, &err), &err);
        const clh_tensor pattern = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
        for (size_t i = 0; i < asked.length; i++) {
            double slot[CLH_CERTIFY_LETTERS + 1] = {0};
            for (size_t j = 0; j <= i; j++) {
                const double share = (double)pattern.data[i * asked.length + j];
                mean[i][j] += share / (double)inputs;
                slot[asked.slot[j]] += share;
            }
            for (size_t s = 0; s < asked.n; s++)
                least[i][s] = fmin(least[i][s], slot[s]);
        }
    }
    must(clh_tables_open(&tables, model, &asked, NULL, &err), &err);
    must(clh_shares_open(&shares, &tables, &err), &err);
    for (size_t i = asked.first_scored - 1; i < asked.length; i++) {
        double all = 0;
        clh_shares_place(&shares, i);
        for (size_t j = 0; j <= i; j++) {
            all += shares.attention[j];
            assert_true(fabs(shares.attention[j] - mean[i][j]) < 2e-6);
        }
        assert_true(fabs(all - 1) < 1e-6);
        for (size_t s = 0; s < asked.n; s++)
            if (!(fabs(shares.least[s] - least[i][s]) < 1e-5))
                fail_msg("query %zu, slot %zu: %g, passes have %g", i, s, shares.least[s],
                         least[i][s]);
    }
    clh_shares_deinit(&shares);
    clh_tables_deinit(&tables);
    clh_cache_close(cache);
    clh_letters_asked_deinit(&asked);
}

/* What a rule says of these tokens, from the program's pattern and its words alone. */
static uint32_t says(const clh_program *program, const clh_real *pattern, const uint32_t *ids,
                     size_t length, size_t p)
{
    clh_program_rule_view view;
    clh_error err = {0};
    uint32_t token, best = UINT32_MAX;
    size_t count;
    double most = 0;
    must(clh_program_rule(&view, program, p, &err), &err);
    if (strncmp(view.rule, "write \"", 7) == 0) {
        const char symbol[2] = {view.rule[7], '\0'};
        must(clh_task_encode(program->task, symbol, &token, 1, &count, &err), &err);
        return token;
    }
    const clh_real *row = pattern + (p - 1) * length;
    for (size_t i = 0; i < p; i++) {
        double sum = 0;
        for (size_t j = 0; j < p; j++)
            sum += ids[j] == ids[i] ? (double)row[j] : 0;
        if (row[i] > 0 && sum > most + 1e-7) {
            most = sum;
            best = ids[i];
        }
    }
    return best;
}

static void disagreements_are_those_of_forward_passes(void **state)
{
    const bench *b = *state;
    const clh_model *model = clh_run_model(b->run[TWO]);
    const clh_task *task = clh_run_task(b->run[TWO]);
    const clh_certify_options options = {.domain = CLH_DOMAIN_TUPLES, .counterexamples = 5};
    clh_error err = {0};
    clh_program *program = NULL;
    clh_certificate c = {0};
    clh_cache *cache = NULL;
    uint32_t ids[64];
    bool given[64];
    clh_real pattern[64 * 64];
    uint64_t failed[64] = {0}, tokens = 0;
    must(clh_decompile(&program, model, task, NULL, &err), &err);
    must(clh_program_check(&c, program, model, task, &options, NULL, &err), &err);
    must(clh_program_pattern(program, pattern, given, c.length, &err), &err);
    must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
    for (uint64_t rank = 0; rank < clh_letters_inputs(&program->asked); rank++) {
        uint8_t letters[CLH_CERTIFY_LETTERS];
        clh_letters_unrank(&program->asked, rank, letters);
        clh_letters_write(&program->asked, letters, ids);
        must(clh_forward(model, &(clh_tokens){ids, 1, c.length}, cache, NULL, &err), &err);
        for (size_t p = c.first_scored; p < c.length; p++)
            failed[p] +=
                says(program, pattern, ids, c.length, p) != clh_cache_prediction(cache, 0, p - 1);
    }
    for (size_t p = 0; p < c.length; p++) {
        tokens += failed[p];
        assert_int_equal(c.failed_at[p], failed[p]);
    }
    assert_int_equal(c.all.tokens, tokens);
    assert_true(c.by_bounds);
    clh_cache_close(cache);
    clh_certificate_deinit(&c);
    clh_program_close(program);
}

/* Both ways to hold a program against a model, over whole domains. */
static void both_ways_agree(void **state)
{
    const bench *b = *state;
    size_t mixtures = 0;
    for (int r = TWO; r < RUNS; r++)
        for (clh_domain_kind d = CLH_DOMAIN_SORTED; d <= CLH_DOMAIN_TUPLES; d++) {
            if (d == CLH_DOMAIN_ORDERED && r != TWO)
                continue; /* as many passes as all tuples */
            const clh_model *model = clh_run_model(b->run[r]);
            const clh_task *task = clh_run_task(b->run[r]);
            clh_certify_options options = {.domain = d, .counterexamples = 20};
            clh_error err = {0};
            clh_program *program = NULL;
            clh_program_sums sums = {0};
            clh_certificate bounds = {0}, passes = {0};
            const clh_how two = {2, NULL};
            must(clh_decompile(&program, model, task, &two, &err), &err);
            must(clh_program_count(&sums, program, &err), &err);
            mixtures += sums.mixture;
            must(clh_program_check(&bounds, program, model, task, &options, &two, &err), &err);
            options.way = CLH_CERTIFY_FORWARD;
            must(clh_program_check(&passes, program, model, task, &options, &two, &err), &err);
            assert_true(bounds.by_bounds && !passes.by_bounds);
            assert_int_equal(bounds.all.inputs, passes.all.inputs);
            assert_int_equal(bounds.all.failures, passes.all.failures);
            assert_memory_equal(bounds.failed_at, passes.failed_at,
                                bounds.length * sizeof *bounds.failed_at);
            assert_int_equal(bounds.counterexample_count, passes.counterexample_count);
            for (size_t i = 0; i < bounds.counterexample_count; i++)
                assert_memory_equal(bounds.counterexamples[i].letters,
                                    passes.counterexamples[i].letters, 3);
            clh_certificate_deinit(&bounds);
            clh_certificate_deinit(&passes);
            clh_program_close(program);
        }
    assert_true(mixtures > 0);
}

/* A trained model's program is the task, though nobody told it: it disagrees with the model where the model
 * is wrong, and only there. */
static void a_trained_model_has_the_tasks_program(void **state)
{
    const bench *b = *state;
    const clh_model *model = clh_run_model(b->run[THREE]);
    const clh_task *task = clh_run_task(b->run[THREE]);
    const clh_certify_options options = {.domain = CLH_DOMAIN_ORDERED};
    clh_error err = {0};
    clh_program *program = NULL;
    clh_certificate against = {0}, right = {0};
    must(clh_decompile(&program, model, task, NULL, &err), &err);
    must(clh_program_check(&against, program, model, task, &options, NULL, &err), &err);
    must(clh_certify(&right, model, task, &options, NULL, &err), &err);
    assert_true(right.all.failures > 0 && right.all.failures < right.all.inputs / 100);
    assert_memory_equal(against.failed_at, right.failed_at, right.length * sizeof *right.failed_at);
    clh_certificate_deinit(&against);
    clh_certificate_deinit(&right);
    clh_program_close(program);
}

/* Threads change nothing; what stands in the text is the program. */
static void the_text_is_the_program_at_any_number_of_threads(void **state)
{
    const bench *b = *state;
    for (int r = TWO; r < RUNS; r++) {
        clh_error err = {0};
        clh_program *one = NULL, *three = NULL, *read = NULL;
        char *text = NULL, *other = NULL;
        size_t differ = 1;
        const clh_how how = {3, NULL};
        must(clh_decompile(&one, clh_run_model(b->run[r]), clh_run_task(b->run[r]), NULL, &err),
             &err);
        must(clh_decompile(&three, clh_run_model(b->run[r]), clh_run_task(b->run[r]), &how, &err),
             &err);
        must(clh_program_text(&text, one, &err), &err);
        must(clh_program_text(&other, three, &err), &err);
        assert_string_equal(text, other);
        must(clh_program_parse(&read, text, "text", clh_run_task(b->run[r]), &err), &err);
        must(clh_program_diff(&differ, NULL, one, read, &err), &err);
        assert_int_equal(differ, 0);
        clh_free(text);
        clh_free(other);
        clh_program_close(one);
        clh_program_close(three);
        clh_program_close(read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_the_mean_of_patterns),
        cmocka_unit_test(disagreements_are_those_of_forward_passes),
        cmocka_unit_test(both_ways_agree),
        cmocka_unit_test(a_trained_model_has_the_tasks_program),
        cmocka_unit_test(the_text_is_the_program_at_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
