/* Head detection: a head that does exactly what is looked for scores 1, one that does not 0. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/heads.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/task_of.h"

enum { LETTERS = 3, LENGTH = 26 };

static clh_task *task_open(void)
{
    return task_of("n=%d", LETTERS);
}

/* The keys that `detect` expects of query i, as a bit mask. */
static uint32_t keys_of(clh_detect detect, const char *letters, size_t i)
{
    clh_task *task = task_open();
    clh_error err = {0};
    uint32_t ids[LENGTH], mask = 0;
    clh_real expected[LENGTH * LENGTH];
    clh_sequence sequence = {.tokens = ids, .capacity = LENGTH};
    must(clh_task_expand(task, letters, &sequence, &err), &err);
    const clh_tokens tokens = {ids, 1, sequence.length};
    must(clh_detection_pattern(expected, detect, &tokens, task, &err), &err);
    for (size_t j = 0; j < LENGTH; j++)
        if (expected[i * LENGTH + j] != 0)
            mask |= 1U << j;
    clh_task_close(task);
    return mask;
}

/* "> abc acb bac …": term t, slot s (from 1) is position 4 t - 2 + s - 1. */
static void patterns_are_what_their_names_say(void **state)
{
    (void)state;
    assert_int_equal(keys_of(CLH_DETECT_PREVIOUS_TOKEN, "abc", 7), 1U << 6);
    assert_int_equal(keys_of(CLH_DETECT_PREVIOUS_TOKEN, "abc", 0), 0);
    assert_int_equal(keys_of(CLH_DETECT_DUPLICATE_TOKEN, "abc", 6), 1U << 2);
    assert_int_equal(keys_of(CLH_DETECT_INDUCTION, "abc", 6), 1U << 3);
    assert_int_equal(keys_of(CLH_DETECT_INDUCTION, "aaa", 3), 1U << 3);
    assert_int_equal(keys_of(CLH_DETECT_SAME_SLOT, "abc", 11), 1U << 7);
    assert_int_equal(keys_of(CLH_DETECT_SAME_SLOT, "abc", 9), 0); /* a space */
    assert_int_equal(keys_of(CLH_DETECT_SAME_SLOT, "abc", 3), 0); /* no term before */
    assert_int_equal(keys_of(CLH_DETECT_NEXT_SLOT, "abc", 9), 1U << 6);
    assert_int_equal(keys_of(CLH_DETECT_NEXT_SLOT, "abc", 12), 0); /* predicts a space */
    assert_int_equal(keys_of(CLH_DETECT_FIRST_TERM, "abc", 9), 1U << 2 | 1U << 3 | 1U << 4);
    assert_int_equal(keys_of(CLH_DETECT_FIRST_TERM, "abc", 4), 0);
}

static void a_perfect_head_scores_1_and_an_idle_one_0(void **state)
{
    (void)state;
    const clh_real expected[9] = {1, 0, 0, 1, 0, 0, 0, 1, 0};
    const clh_real other[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const clh_detect_options mul = {.measure = CLH_DETECT_MUL}, abs = {.measure = CLH_DETECT_ABS},
                             own = {.measure = CLH_DETECT_MUL, .exclude_current_token = true},
                             bos = {.measure = CLH_DETECT_MUL, .exclude_bos = true};
    assert_true(clh_head_score(expected, expected, 3, &mul) == 1);
    assert_true(clh_head_score(expected, expected, 3, &abs) == 1);
    assert_true(fabs(clh_head_score(other, expected, 3, &mul) - 1.0 / 3) < 1e-12);
    assert_true(fabs(clh_head_score(other, expected, 3, &abs) - (1 - 4.0 / 3)) < 1e-12);
    assert_true(isnan(clh_head_score(other, expected, 3, &own)));
    assert_true(clh_head_score(other, expected, 3, &bos) == 0);
}

static void terms_need_a_task_that_has_them(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_real out[4];
    const uint32_t ids[2] = {1, 2};
    const clh_tokens tokens = {ids, 1, 2};
    for (int d = 0; d < CLH_DETECTS; d++)
        assert_int_equal(clh_detection_pattern(out, (clh_detect)d, &tokens, NULL, &err),
                         clh_detect_needs_terms((clh_detect)d) ? CLH_ESUPPORT : CLH_OK);
}

/* With every parameter 0 attention is even, so each head scores what even attention does. */
static void a_model_of_zeros_scores_as_even_attention(void **state)
{
    (void)state;
    clh_task *task = task_open();
    clh_error err = {0};
    clh_sample sample = {0};
    clh_model *model = NULL;
    clh_model_config config = clh_model_config_default();
    config.n_ctx = LENGTH;
    config.d_vocab = config.d_vocab_out = clh_task_d_vocab(task);
    config.n_heads = 2;
    must(clh_sample_draw(&sample, task, CLH_SPLIT_TEST, 0, 3, &err), &err);
    must(clh_model_open(&model, &config, &err), &err);
    for (int d = 0; d < CLH_DETECTS; d++)
        for (int m = 0; m < CLH_DETECT_MEASURES; m++) {
            const clh_detect_options options = {.measure = (clh_detect_measure)m};
            clh_detection found;
            must(
                clh_heads_detect(&found, model, &sample, NULL, &options, &(clh_how){2, NULL}, &err),
                &err);
            const double *score = found.score + (size_t)d * 2, even = found.even[d];
            assert_true(found.known[d] && !found.known[CLH_DETECT_GIVEN]);
            assert_true(fabs(score[0] - even) < 1e-6 && fabs(score[1] - even) < 1e-6);
            assert_true(even != 0);
            clh_detection_deinit(&found);
        }
    clh_model_close(model);
    clh_sample_deinit(&sample);
    clh_task_close(task);
}

/* One of three sequences has a token whose embedding is not a number. */
static void what_is_not_finite_is_named(void **state)
{
    (void)state;
    clh_task *task = task_open();
    clh_error err = {0};
    clh_sample sample = {0};
    clh_model *model = NULL;
    clh_model_config config = clh_model_config_default();
    config.n_ctx = LENGTH;
    config.d_vocab = config.d_vocab_out = clh_task_d_vocab(task);
    must(clh_sample_draw(&sample, task, CLH_SPLIT_TEST, 0, 3, &err), &err);
    must(clh_model_open(&model, &config, &err), &err);
    const clh_tensor E = clh_model_view(model, "embed.W_E");
    E.data[clh_sample_tokens(&sample, 2).ids[LENGTH - 2] * E.shape[1]] = (clh_real)NAN;
    const clh_detect_options options = {.measure = CLH_DETECT_MUL};
    clh_detection found = {0};
    assert_int_equal(clh_heads_detect(&found, model, &sample, NULL, &options, NULL, &err),
                     CLH_ENUMERIC);
    assert_non_null(strstr(err.message, "hook_embed"));
    assert_null(found.score);
    clh_model_close(model);
    clh_sample_deinit(&sample);
    clh_task_close(task);
}

/* A pattern of one's own: previous_token as a matrix scores as previous_token does, and a head's
 * mean is that of its sequences, at any number of threads. */
static void a_given_pattern_is_looked_for(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_task *task = task_of("n=3");
    clh_model *model = NULL;
    clh_sample sample = {0};
    clh_model_config config = clh_model_config_default();
    config.n_ctx = 26;
    config.d_vocab = config.d_vocab_out = 65;
    config.n_heads = 2;
    config.d_model = 16;
    config.d_head = 8;
    must(clh_sample_draw(&sample, task, CLH_SPLIT_TEST, 0, 9, &err), &err);
    must(clh_model_open(&model, &config, &err), &err);
    clh_model_init(model, 4);
    clh_real cells[30 * 30] = {0};
    for (size_t i = 1; i < 30; i++)
        cells[i * 30 + i - 1] = 1;
    clh_tensor given = {.data = cells, .rank = 2, .shape = {30, 30}};
    const clh_detect_options options = {.measure = CLH_DETECT_MUL};
    clh_detection one, three;
    must(clh_heads_detect(&one, model, &sample, &given, &options, NULL, &err), &err);
    must(clh_heads_detect(&three, model, &sample, &given, &options, &(clh_how){3, NULL}, &err),
         &err);
    assert_memory_equal(one.score, three.score, (size_t)(CLH_DETECTS + 1) * 2 * sizeof *one.score);
    for (size_t h = 0; h < 2; h++)
        assert_true(one.score[(size_t)CLH_DETECT_GIVEN * 2 + h] ==
                    one.score[(size_t)CLH_DETECT_PREVIOUS_TOKEN * 2 + h]);
    assert_true(one.even[CLH_DETECT_GIVEN] == one.even[CLH_DETECT_PREVIOUS_TOKEN]);
    clh_detection_deinit(&three);
    clh_detection_deinit(&one);
    cells[3 * 30 + 5] = (clh_real)0.25;
    assert_int_equal(clh_heads_detect(&one, model, &sample, &given, &options, NULL, &err),
                     CLH_EINPUT);
    assert_string_equal(err.message,
                        "the pattern is 0.25 at query 3, key 5, want 0 for keys behind "
                        "the query");
    cells[3 * 30 + 5] = 0;
    cells[3 * 30 + 2] = (clh_real)NAN;
    assert_int_equal(clh_heads_detect(&one, model, &sample, &given, &options, NULL, &err),
                     CLH_EINPUT);
    assert_string_equal(err.message, "the pattern is nan at query 3, key 2, want a finite number");
    given.shape[0] = given.shape[1] = 25;
    memset(cells, 0, sizeof cells);
    assert_int_equal(clh_heads_detect(&one, model, &sample, &given, &options, NULL, &err),
                     CLH_ESHAPE);
    assert_non_null(strstr(err.message, "[25, 25] and sequence 0 has 26 tokens"));
    clh_model_close(model);
    clh_sample_deinit(&sample);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_what_their_names_say),
        cmocka_unit_test(a_perfect_head_scores_1_and_an_idle_one_0),
        cmocka_unit_test(terms_need_a_task_that_has_them),
        cmocka_unit_test(a_model_of_zeros_scores_as_even_attention),
        cmocka_unit_test(what_is_not_finite_is_named),
        cmocka_unit_test(a_given_pattern_is_looked_for),
    };
    return cmocka_run_group_tests_name("heads", tests, NULL, NULL);
}
