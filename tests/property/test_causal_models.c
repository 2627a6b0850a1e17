/* The causal suite on models whose parts are known: weights planted so that an intervention can or
 * cannot matter, a trained model beside an untrained one. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/causal.h"
#include "clearhead/permutations.h"
#include "clearhead/run.h"
#include "clearhead/variant.h"
#include "edit/edit_row.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/model_case.h"
#include "support/must.h"
#include "support/run_case.h"

enum { COUNT = 60, SEED = 5 };

/* A run's model, its held-out sequences. */
typedef struct bench {
    clh_run *run;
    clh_model *model;
    clh_sample sample;
} bench;

static bench open_bench(const temp_folder *folder, const char *words)
{
    clh_error err = {0};
    bench b = {0};
    char path[TEMP_PATH_MAX];
    const clh_run_config config = run_case_config(words);
    run_case_train(&config, temp_folder_path(folder, "run", path));
    must(clh_run_open(&b.run, path, &err), &err);
    b.model = clh_run_model(b.run);
    must(clh_sample_draw(&b.sample, clh_run_task(b.run), CLH_SPLIT_TEST, 0, COUNT, &err), &err);
    return b;
}

static void close_bench(bench *b)
{
    clh_sample_deinit(&b->sample);
    clh_run_close(b->run);
}

/* Every intervention, with statistics from the bench's own sequences. */
static clh_causal_result measure(const bench *b, const clh_sample *sample)
{
    clh_error err = {0};
    clh_causal *causal = NULL;
    clh_causal_result result = {0};
    must(clh_causal_open(&causal, b->model, &b->sample, SEED, NULL, &err), &err);
    must(clh_causal_run(&result, causal, sample, &(clh_how){2, NULL}, &err), &err);
    clh_causal_close(causal);
    return result;
}

/* The parameter becomes 0, or all of its rows its first. */
static void plant(const bench *b, const char *name, bool rows)
{
    const clh_tensor t = clh_model_view(b->model, name);
    assert_non_null(t.data);
    for (size_t i = 0; i < clh_tensor_count(&t); i++)
        t.data[i] = rows ? t.data[i % t.shape[t.rank - 1]] : 0;
}

static double loss_of(const clh_causal_result *r, clh_intervention i)
{
    return clh_tally_ratio(&r->measure[i].total, CLH_RATIO_LOSS);
}

static double right(const clh_causal_result *r, clh_intervention i, clh_ratio ratio)
{
    return clh_tally_ratio(&r->measure[i].total, ratio);
}

static const char small[] = "n=3 steps=60 d_model=16 d_head=8";

static void without_ov_no_intervention_on_attention_matters(void **state)
{
    bench b = open_bench(*state, small);
    plant(&b, "blocks.0.attn.W_O", false);
    plant(&b, "blocks.0.attn.b_O", false);
    clh_causal_result r = measure(&b, &b.sample);
    for (int i = 0; i < CLH_CAUSAL_DIRECT_ZERO; i++)
        assert_true(loss_of(&r, (clh_intervention)i) == loss_of(&r, CLH_CAUSAL_NONE));
    assert_true(fabs(loss_of(&r, CLH_CAUSAL_DIRECT_ZERO) - loss_of(&r, CLH_CAUSAL_NONE)) > 1e-3);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void without_queries_attention_is_even_already(void **state)
{
    bench b = open_bench(*state, small);
    plant(&b, "blocks.0.attn.W_Q", false);
    plant(&b, "blocks.0.attn.b_Q", false);
    clh_causal_result r = measure(&b, &b.sample);
    static const clh_intervention same[] = {CLH_CAUSAL_PATTERN_EVEN,  CLH_CAUSAL_PATTERN_MEAN,
                                            CLH_CAUSAL_PATTERN_OTHER, CLH_CAUSAL_Q_TOKEN_MEAN,
                                            CLH_CAUSAL_K_TOKEN_MEAN,  CLH_CAUSAL_QK_POSITION_MEAN};
    for (size_t i = 0; i < CLH_COUNT(same); i++)
        assert_true(fabs(loss_of(&r, same[i]) - loss_of(&r, CLH_CAUSAL_NONE)) < 1e-6);
    assert_true(fabs(loss_of(&r, CLH_CAUSAL_PATTERN_ONE_HOT) - loss_of(&r, CLH_CAUSAL_NONE)) >
                1e-3);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

/* Scores that are all 0 give every source the same. */
static void even_attention_is_that_of_a_model_without_queries(void **state)
{
    bench b = open_bench(*state, "n=3 steps=60 d_model=16 d_head=8 n_layers=2 n_heads=2");
    clh_causal_result r = measure(&b, &b.sample);
    const double even = loss_of(&r, CLH_CAUSAL_PATTERN_EVEN), plain = loss_of(&r, CLH_CAUSAL_NONE);
    clh_causal_result_deinit(&r);
    static const char *const names[] = {"blocks.0.attn.W_Q", "blocks.0.attn.b_Q",
                                        "blocks.1.attn.W_Q", "blocks.1.attn.b_Q"};
    for (size_t i = 0; i < CLH_COUNT(names); i++)
        plant(&b, names[i], false);
    r = measure(&b, &b.sample);
    assert_true(fabs(even - loss_of(&r, CLH_CAUSAL_NONE)) < 1e-6);
    assert_true(fabs(even - plain) > 1e-3);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void where_all_positions_are_one_the_token_is_all(void **state)
{
    bench b = open_bench(*state, small);
    plant(&b, "pos_embed.W_pos", true);
    clh_causal_result r = measure(&b, &b.sample);
    const double plain = loss_of(&r, CLH_CAUSAL_NONE);
    assert_true(fabs(loss_of(&r, CLH_CAUSAL_QK_POSITION_MEAN) - plain) < 1e-6);
    assert_true(fabs(loss_of(&r, CLH_CAUSAL_V_POSITION_MEAN) - plain) < 1e-6);
    assert_true(fabs(loss_of(&r, CLH_CAUSAL_V_TOKEN_MEAN) - plain) > 1e-3);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void where_all_tokens_are_one_the_position_is_all(void **state)
{
    bench b = open_bench(*state, small);
    plant(&b, "embed.W_E", true);
    clh_causal_result r = measure(&b, &b.sample);
    const double plain = loss_of(&r, CLH_CAUSAL_NONE);
    static const clh_intervention same[] = {CLH_CAUSAL_QK_TOKEN_MEAN, CLH_CAUSAL_V_TOKEN_MEAN,
                                            CLH_CAUSAL_PATTERN_OTHER, CLH_CAUSAL_ATTN_MEAN,
                                            CLH_CAUSAL_ATTN_OTHER};
    for (size_t i = 0; i < CLH_COUNT(same); i++)
        assert_true(fabs(loss_of(&r, same[i]) - plain) < 1e-5);
    assert_true(fabs(loss_of(&r, CLH_CAUSAL_V_POSITION_MEAN) - plain) > 1e-3);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void a_mean_of_nothing_is_attention_of_nothing(void **state)
{
    bench b = open_bench(*state, small);
    plant(&b, "blocks.0.attn.W_O", false);
    plant(&b, "blocks.0.attn.b_O", false);
    clh_causal_result r = measure(&b, &b.sample);
    for (size_t k = 0; k < COUNT; k++)
        assert_true(r.measure[CLH_CAUSAL_ATTN_ZERO].sequence[k].loss ==
                    r.measure[CLH_CAUSAL_ATTN_MEAN].sequence[k].loss);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void a_trained_model_is_taken_apart(void **state)
{
    bench b = open_bench(*state, "n=3 steps=500 d_model=64 d_head=32");
    clh_error err = {0};
    clh_causal_row row[CLH_INTERVENTIONS];
    clh_causal_result r = measure(&b, &b.sample);
    must(clh_causal_rows(row, &r, 200, 0.95, SEED, NULL, &err), &err);
    assert_true(right(&r, CLH_CAUSAL_NONE, CLH_RATIO_OF(CLH_TOKEN_LETTER)) > 0.99);
    assert_true(right(&r, CLH_CAUSAL_PATTERN_MEAN, CLH_RATIO_OF(CLH_TOKEN_LETTER)) > 0.99);
    assert_true(right(&r, CLH_CAUSAL_WITHOUT_ANSWER, CLH_RATIO_OF(CLH_TOKEN_LETTER)) < 0.1);
    assert_true(right(&r, CLH_CAUSAL_ATTN_ZERO, CLH_RATIO_OF(CLH_TOKEN_LETTER)) < 0.3);
    assert_true(right(&r, CLH_CAUSAL_ATTN_MEAN, CLH_RATIO_OF(CLH_TOKEN_LETTER)) < 0.3);
    assert_true(row[CLH_CAUSAL_PATTERN_OTHER].recovered.low > 0.95);
    assert_true(row[CLH_CAUSAL_ATTN_MEAN].recovered.high < 0.8);
    assert_true(fabs(row[CLH_CAUSAL_ATTN_OTHER].recovered.value) < 0.2);
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        assert_true(row[i].recovered.low <= row[i].recovered.value &&
                    row[i].recovered.value <= row[i].recovered.high);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void in_an_untrained_model_there_is_nothing_to_lose(void **state)
{
    bench b = open_bench(*state, "n=3 steps=0 d_model=64 d_head=32");
    clh_causal_result r = measure(&b, &b.sample);
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        assert_true(right(&r, (clh_intervention)i, CLH_RATIO_ACCURACY) < 0.2);
        assert_true(fabs(loss_of(&r, (clh_intervention)i) - loss_of(&r, CLH_CAUSAL_NONE)) < 0.3);
    }
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void other_inputs_take_the_same_statistics(void **state)
{
    bench b = open_bench(*state, "n=3 steps=300 d_model=64 d_head=32");
    clh_error err = {0};
    for (clh_variant v = 0; v < clh_variant_count(clh_run_task(b.run)); v++) {
        clh_sample sample = {0};
        if (clh_variant_draw(&sample, v, clh_run_task(b.run), COUNT, 0, &err))
            continue;
        clh_causal_result r = measure(&b, &sample);
        assert_int_equal(r.measure[CLH_CAUSAL_NONE].total.sequences, sample.count);
        assert_false(r.left_out[CLH_CAUSAL_ONLY_FIRST_TERM]);
        if (v == CLH_VARIANT_ALL_SAME) /* whatever letter is looked at is the right one */
            assert_true(right(&r, CLH_CAUSAL_PATTERN_MEAN, CLH_RATIO_OF(CLH_TOKEN_LETTER)) > 0.95);
        clh_causal_result_deinit(&r);
        clh_sample_deinit(&sample);
    }
    close_bench(&b);
}

/* Without the leading > the first term begins a position earlier. */
static void the_first_term_is_found_without_the_start(void **state)
{
    bench b = open_bench(*state, small);
    clh_error err = {0};
    const clh_edit only = {.kind = CLH_EDIT_ONLY, .sources = CLH_SOURCES_FIRST_TERM};
    for (clh_variant v = CLH_VARIANT_NONE; v <= CLH_VARIANT_NO_START; v += CLH_VARIANT_NO_START) {
        clh_sample sample = {0};
        must(clh_variant_draw(&sample, v, clh_run_task(b.run), 1, 0, &err), &err);
        const clh_tokens tokens = clh_sample_tokens(&sample, 0);
        const size_t first = v ? 1 : 2;
        clh_real row[26];
        for (size_t j = 0; j < tokens.pos; j++)
            row[j] = 1;
        clh_edit_row(&only, &sample, &tokens, sample.first_scored[0], 10, 10, tokens.pos, row);
        for (size_t j = 0; j <= 10; j++)
            assert_true((row[j] > 0) == (j >= first && j < first + 3));
        clh_sample_deinit(&sample);
    }
    close_bench(&b);
}

static void mixtures_have_means_of_each_length(void **state)
{
    bench b = open_bench(*state, "n=2,3 steps=20 d_model=16 d_head=8");
    clh_causal_result r = measure(&b, &b.sample), one = {0};
    clh_sample first = b.sample;
    size_t length = b.sample.length[0];
    for (size_t k = 0; k < COUNT; k++)
        length = b.sample.length[k] < length ? b.sample.length[k] : length;
    assert_true(length < b.sample.stride); /* there are both */
    first.count = 1;
    one = measure(&b, &first);
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        assert_true(one.measure[i].sequence[0].loss == r.measure[i].sequence[0].loss);
    clh_causal_result_deinit(&one);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

static void reverse(clh_sample *s)
{
    for (size_t a = 0, b = s->count - 1; a < b; a++, b--) {
        for (size_t p = 0; p < s->stride; p++) {
            const uint32_t held = s->ids[a * s->stride + p];
            s->ids[a * s->stride + p] = s->ids[b * s->stride + p];
            s->ids[b * s->stride + p] = held;
        }
        const size_t length = s->length[a], first = s->first_scored[a];
        s->length[a] = s->length[b];
        s->length[b] = length;
        s->first_scored[a] = s->first_scored[b];
        s->first_scored[b] = first;
    }
}

/* Means are those of the same sequences in any order, the longest first or last. */
static void the_order_of_a_mixture_does_not_matter(void **state)
{
    static const clh_intervention means[] = {CLH_CAUSAL_PATTERN_MEAN, CLH_CAUSAL_PATTERN_MEAN_TOP,
                                             CLH_CAUSAL_ATTN_MEAN, CLH_CAUSAL_V_TOKEN_MEAN};
    bench b = open_bench(*state, "n=2,3 steps=20 d_model=16 d_head=8");
    clh_causal_result there = measure(&b, &b.sample);
    assert_true(b.sample.length[0] != b.sample.length[COUNT - 1]);
    reverse(&b.sample);
    clh_causal_result back = measure(&b, &b.sample);
    for (size_t i = 0; i < CLH_COUNT(means); i++)
        for (size_t k = 0; k < COUNT; k++)
            assert_true(fabs(there.measure[means[i]].sequence[k].loss -
                             back.measure[means[i]].sequence[COUNT - 1 - k].loss) < 1e-4);
    clh_causal_result_deinit(&back);
    clh_causal_result_deinit(&there);
    close_bench(&b);
}

/* The suite as a file, read again and run by itself: the numbers of the suite, to the bit, also where
 * fewer sequences are measured than means are taken of. */
static void the_suite_printed_and_run_again_is_the_suite(void **state)
{
    bench b = open_bench(*state, "n=2,3 steps=20 d_model=16 d_head=8");
    const clh_edits_base base = {
        .split = CLH_SPLIT_TEST, .count = COUNT, .seed = SEED, .seeded = true};
    clh_error err = {0};
    clh_edit_file *file = NULL;
    clh_edits *edits = NULL;
    clh_edited again = {0};
    clh_sample means = {0}, fewer = b.sample;
    char *text = NULL, path[TEMP_PATH_MAX];
    size_t count = 0;
    fewer.count = COUNT / 2;
    clh_causal_result r = measure(&b, &fewer);
    must(clh_causal_edits_text(&text, &base, &err), &err);
    must(clh_edit_file_open(&file, temp_folder_put(*state, "suite.json", text, strlen(text), path),
                            b.run, &err),
         &err);
    const clh_edit_list *lists = clh_edit_file_lists(file, &count);
    const clh_edits_base *said = clh_edit_file_base(file);
    assert_int_equal(count, CLH_INTERVENTIONS);
    must(clh_sample_draw(&means, clh_run_task(b.run), said->split, said->first, said->count, &err),
         &err);
    const clh_edits_setting setting = {
        .model = b.model, .sample = &fewer, .reference = &means, .seed = said->seed, .threads = 3};
    must(clh_edits_open(&edits, lists, count, &setting, &err), &err);
    must(clh_edits_run(&again, edits, NULL, &(clh_how){3, NULL}, &err), &err);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(lists[i].name, clh_intervention_name((clh_intervention)i));
        assert_string_equal(lists[i].text, clh_intervention_text((clh_intervention)i));
        assert_memory_equal(&again.list[i].total, &r.measure[i].total, sizeof(clh_tally));
        assert_memory_equal(again.list[i].sequence, r.measure[i].sequence,
                            fewer.count * sizeof(clh_tally));
    }
    clh_edited_deinit(&again);
    clh_edits_close(edits);
    clh_sample_deinit(&means);
    clh_edit_file_close(file);
    clh_free(text);
    clh_causal_result_deinit(&r);
    close_bench(&b);
}

/* Tokens that no task drew. */
static clh_sample given(size_t pos)
{
    static const uint32_t ids[] = {0, 1, 2, 3, 4, 5, 6, 7};
    clh_error err = {0};
    clh_sample sample = {0};
    must(clh_sample_given(&sample, &(clh_tokens){ids, 2, pos}, 1, &err), &err);
    return sample;
}

static clh_status open_run_and_close(void *context)
{
    const bench *b = context;
    clh_error err = {0};
    clh_causal *causal = NULL;
    clh_causal_result result = {0};
    clh_causal_row row[CLH_INTERVENTIONS];
    clh_status status = clh_causal_open(&causal, b->model, &b->sample, SEED, NULL, &err);
    if (!status)
        status = clh_causal_run(&result, causal, &b->sample, NULL, &err);
    if (!status)
        status = clh_causal_rows(row, &result, 2, 0.9, 3, NULL, &err);
    clh_causal_result_deinit(&result);
    clh_causal_close(causal);
    return status;
}

static void memory_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    bench b = {.model = model_case_open(0, SEED), .sample = given(3)};
    assert_true(failing_alloc_each(open_run_and_close, &b) > 50);
    clh_sample_deinit(&b.sample);
    clh_model_close(b.model);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_causal *causal = NULL;
    clh_causal_result result = {0};
    clh_model *model = model_case_open(0, SEED);
    clh_sample base = given(3), sample = given(4);
    must(clh_causal_open(&causal, model, &base, SEED, NULL, &err), &err);
    assert_int_equal(clh_causal_run(&result, causal, &sample, NULL, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "sequence 0 has 4 tokens, the longest"));
    for (size_t i = 0; i < 2; i++)
        base.first_scored[i] = 3;
    assert_int_equal(clh_causal_run(&result, causal, &base, NULL, &err), CLH_EINPUT);
    const clh_tensor W_O = clh_model_view(model, "blocks.0.attn.W_O");
    W_O.data[0] = NAN;
    for (size_t i = 0; i < 2; i++)
        base.first_scored[i] = 1;
    assert_int_equal(clh_causal_run(&result, causal, &base, NULL, &err), CLH_ENUMERIC);
    assert_non_null(strstr(err.message, "none: sequence 0: blocks.0"));
    clh_causal_close(causal);
    clh_sample_deinit(&sample);
    clh_sample_deinit(&base);
    clh_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(without_ov_no_intervention_on_attention_matters),
        FOLDER_TEST(without_queries_attention_is_even_already),
        FOLDER_TEST(even_attention_is_that_of_a_model_without_queries),
        FOLDER_TEST(where_all_positions_are_one_the_token_is_all),
        FOLDER_TEST(where_all_tokens_are_one_the_position_is_all),
        FOLDER_TEST(a_mean_of_nothing_is_attention_of_nothing),
        FOLDER_TEST(a_trained_model_is_taken_apart),
        FOLDER_TEST(in_an_untrained_model_there_is_nothing_to_lose),
        FOLDER_TEST(other_inputs_take_the_same_statistics),
        FOLDER_TEST(the_first_term_is_found_without_the_start),
        FOLDER_TEST(mixtures_have_means_of_each_length),
        FOLDER_TEST(the_order_of_a_mixture_does_not_matter),
        FOLDER_TEST(the_suite_printed_and_run_again_is_the_suite),
        cmocka_unit_test(memory_that_is_not_there_is_an_error),
        cmocka_unit_test(bad_input_is_named),
    };
    return cmocka_run_group_tests_name("causal models", tests, NULL, NULL);
}
