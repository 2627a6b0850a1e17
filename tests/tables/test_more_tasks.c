/* A task that only the table of tasks knows (tests/tables/copy_task.c) has all that the others have: its
 * keys in configurations, sizes and defaults of its own, training, resuming, questions. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/ask.h"
#include "clearhead/run.h"
#include "clearhead/train.h"
#include "clearhead/variant.h"
#include "run/settings/run_keys.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/run_case.h"
#include "support/task_of.h"

static void it_is_in_the_table(void **state)
{
    (void)state;
    clh_task *task = NULL;
    clh_error err = {0};
    const clh_task_config wrong = {.name = "cpoy"};
    assert_int_equal(clh_task_open(&task, &wrong, &err), CLH_ECONFIG);
    assert_non_null(strstr(err.message, "task is \"cpoy\", want one of: permutations, lines, "));
    assert_non_null(strstr(err.message, "copy (did you mean copy?)"));
    const clh_task_config other = {.name = "copy", .settings = SETTINGS({"n", "3"})};
    assert_int_equal(clh_task_open(&task, &other, &err), CLH_ECONFIG); /* no key of its own */
    task = task_of("task=copy copy_length=2");
    assert_string_equal(clh_task_name(task), "copy");
    assert_int_equal(clh_task_length_max(task), 5);
    assert_int_equal(clh_task_d_vocab(task), 11);
    assert_int_equal(clh_task_d_vocab_out(task), 10);
    assert_int_equal(clh_task_mixture(task), 1);
    clh_task_close(task);
}

static void every_element_has_its_rank_and_one_split(void **state)
{
    (void)state;
    clh_task *task = task_of("task=copy seed=3");
    bool drawn[1000] = {false};
    uint32_t ids[7];
    clh_sequence s = {.tokens = ids, .capacity = 7};
    for (int split = CLH_SPLIT_TRAIN; split <= CLH_SPLIT_TEST; split++)
        for (uint64_t k = 0; k < clh_task_split_size(task, (clh_split)split); k++) {
            uint64_t rank = 0;
            clh_split found;
            assert_int_equal(clh_task_draw(task, (clh_split)split, k, &s, NULL), CLH_OK);
            assert_int_equal(clh_task_rank(task, ids, s.length, &rank, NULL), CLH_OK);
            assert_int_equal(clh_task_split_of(task, rank, &found, NULL), CLH_OK);
            assert_int_equal(found, split);
            assert_false(drawn[rank]);
            drawn[rank] = true;
        }
    for (size_t i = 0; i < CLH_COUNT(drawn); i++)
        assert_true(drawn[i]);
    clh_task_close(task);
}

static void its_text_is_words(void **state)
{
    (void)state;
    clh_task *task = task_of("task=copy");
    uint32_t ids[7], back[7];
    size_t length = 0;
    char *text = NULL, label[48];
    clh_sequence s = {.tokens = ids, .capacity = 7};
    assert_int_equal(clh_task_unrank(task, 314, &s, NULL), CLH_OK);
    assert_int_equal(clh_task_decode(task, ids, s.length, &text, NULL), CLH_OK);
    assert_string_equal(text, "3 1 4 | 3 1 4");
    assert_int_equal(clh_task_encode(task, text, back, 7, &length, NULL), CLH_OK);
    assert_int_equal(length, 7);
    assert_memory_equal(ids, back, sizeof ids);
    clh_task_label(task, 7, 3, label);
    assert_string_equal(label, "position 3");
    clh_free(text);
    clh_task_close(task);
}

static void sizes_and_defaults_are_its_own(void **state)
{
    (void)state;
    clh_run_config c = run_case_config("task=copy copy_length=2");
    assert_int_equal(c.model.n_ctx, 5);
    assert_int_equal(c.model.d_vocab, 11);
    assert_int_equal(c.model.d_vocab_out, 10);
    assert_int_equal(c.first_scored, 3);
    assert_int_equal(c.train.epoch_sequences, 80);
    assert_int_equal(c.train.test_sequences, 20);
    assert_int_equal(c.train.batch, 8);
    assert_int_equal(c.train.steps, 200);
    assert_int_equal(c.model.n_heads, 2);
    assert_true(c.train.weight_decay == 0.5);
    c = run_case_config("task=copy copy_length=4");
    assert_int_equal(c.train.epoch_sequences, 1000); /* of 8,000 */
    assert_int_equal(c.train.test_sequences, 100);   /* of 2,000 */
    assert_int_equal(c.model.d_head, 64);            /* follows from two heads */
}

/* What somebody gave goes before the task's defaults, and so does what follows from it. */
static void its_defaults_are_for_what_nobody_gave(void **state)
{
    (void)state;
    clh_run_config c = run_case_config("task=copy batch=4 n_heads=1 weight_decay=0");
    assert_int_equal(c.train.batch, 4);
    assert_int_equal(c.model.n_heads, 1);
    assert_true(c.train.weight_decay == 0);
    assert_true(run_case_config("task=copy optimizer=sgd").train.weight_decay == 0);
    clh_run_layer all, layer;
    clh_run_layer_default(&all);
    assert_int_equal(clh_run_layer_preset(&layer, "notebook", NULL), CLH_OK);
    clh_run_layer_apply(&all, &layer);
    clh_run_layer_init(&layer);
    assert_int_equal(clh_run_layer_set(&layer, "task", "copy", NULL), CLH_OK);
    clh_run_layer_apply(&all, &layer);
    assert_int_equal(clh_run_config_resolve(&c, &all, NULL, NULL), CLH_OK);
    assert_int_equal(c.train.batch, 4); /* the preset's */
    assert_int_equal(c.model.n_ctx, 7);
    assert_int_equal(c.first_scored, 4);
    assert_true(run_case_config("").train.weight_decay == 0.01); /* no other task's */
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const char *const pair[][2] = {{"n_ctx", "6"},        {"d_vocab", "10"},
                                          {"d_vocab_out", "9"},  {"first_scored", "0"},
                                          {"first_scored", "3"}, {"copy_length", "9"}};
    for (size_t i = 0; i < CLH_COUNT(pair); i++) {
        clh_run_layer all, layer;
        clh_run_config c;
        clh_error err = {0};
        clh_run_layer_default(&all);
        clh_run_layer_init(&layer);
        assert_int_equal(clh_run_layer_set(&layer, "task", "copy", NULL), CLH_OK);
        clh_status status = clh_run_layer_set(&layer, pair[i][0], pair[i][1], &err);
        clh_run_layer_apply(&all, &layer);
        if (!status)
            status = clh_run_config_open(&c, NULL, &all, &err);
        assert_int_equal(status, CLH_ERANGE);
        assert_non_null(strstr(err.message, pair[i][0]));
    }
}

/* A complete file says what is, not what the user wants. */
static void assert_asks_nothing(const char *text)
{
    clh_run_layer layer;
    assert_int_equal(clh_run_layer_json(&layer, text, "config.json", NULL), CLH_OK);
    const size_t n_ctx =
        clh_run_key_place(CLH_RUN_KEY_n_ctx); /* of a run of beginnings: it is taken as asked for */
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (layer.state[i] == CLH_KEY_ASKED && i != n_ctx)
            fail_msg("%s is said to be asked for", clh_run_keys()[i].name);
}

static void its_settings_stand_in_its_own_configs_only(void **state)
{
    (void)state;
    clh_run_config c = run_case_config("task=copy copy_length=5"), back;
    char *text = clh_run_config_json(&c, NULL), *again = NULL;
    assert_non_null(strstr(text, "\n  \"copy_length\": 5,\n"));
    assert_int_equal(clh_run_config_from_json(&back, text, "config.json", NULL), CLH_OK);
    again = clh_run_config_json(&back, NULL);
    assert_string_equal(text, again);
    clh_free(again);
    assert_asks_nothing(text);
    clh_free(text);
    c = run_case_config("");
    text = clh_run_config_json(&c, NULL);
    assert_null(strstr(text, "copy_length"));
    assert_asks_nothing(text);
    clh_free(text);
}

static void a_setting_of_another_task_is_said_to_have_no_effect(void **state)
{
    (void)state;
    static const char *const row[][3] = {
        {"permutations", "copy_length", "copy_length has no effect: the task is permutations\n"},
        {"copy", "n", "n has no effect: the task is copy\n"},
        {"copy", "copy_length", ""},
    };
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_run_layer layer;
        char words[64];
        (void)snprintf(words, sizeof words, "task=%s %s=2", row[i][0], row[i][1]);
        clh_run_config c = run_case_config(words);
        clh_run_layer_init(&layer);
        assert_int_equal(clh_run_layer_set(&layer, row[i][1], "2", NULL), CLH_OK);
        char *notes = clh_run_config_notes(&c, &layer, NULL);
        assert_string_equal(notes, row[i][2]);
        clh_free(notes);
    }
}

static void no_two_keys_have_a_name(void **state)
{
    (void)state;
    const clh_key *keys = clh_run_keys();
    size_t own = 0;
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        own += clh_run_key_task(i) && strcmp(clh_run_key_task(i), "copy") == 0;
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(keys[i].name, keys[k].name);
    }
    assert_int_equal(own, 1);
    const char *const last = strstr(clh_run_keys()[0].values, "|copy|none");
    assert_true(last && strlen(last) == strlen("|copy|none"));
}

static bool until_seven(const clh_progress *progress, void *user)
{
    (void)user;
    return progress->step < 7;
}

static void it_trains_and_resumes_to_the_same_bytes(void **state)
{
    char whole[TEMP_PATH_MAX], parts[TEMP_PATH_MAX];
    const clh_run_config c = run_case_config("task=copy copy_length=2 d_model=16 d_head=8 lr=0.02 "
                                             "steps=20 threads=2");
    const clh_train_watch watch = {until_seven, NULL};
    clh_error err = {0};
    double loss[20];
    run_case_train(&c, temp_folder_path(*state, "whole", whole));
    (void)temp_folder_path(*state, "parts", parts);
    assert_int_equal(clh_train(&c, parts, &watch, &err), CLH_STOPPED);
    must(clh_train_resume(parts, 0, NULL, &err), &err);
    run_case_assert_same(whole, parts);
    assert_int_equal(run_case_metrics(whole, "step", "loss", loss, 20), 20);
    assert_true(loss[19] < 0.9 * loss[0]);
}

static void questions_name_its_kinds(void **state)
{
    char path[TEMP_PATH_MAX];
    const clh_run_config c =
        run_case_config("task=copy copy_length=2 d_model=8 d_head=4 steps=5 test_sequences=3");
    clh_subject *subject = NULL;
    clh_result *result = NULL;
    clh_value value;
    clh_error err = {0};
    run_case_train(&c, temp_folder_path(*state, "run", path));
    must(clh_subject_open(&subject, path, &err), &err);
    must(clh_ask(&result, subject, "generalise", NULL, NULL, &err), &err);
    must(clh_result_get(&value, result, "one digit.digit_accuracy", &err), &err);
    assert_true(value.value >= 0 && value.value <= 1);
    assert_int_not_equal(clh_result_get(&value, result, "held out.letter_accuracy", &err), CLH_OK);
    assert_int_not_equal(clh_result_get(&value, result, "shuffled.loss", &err), CLH_OK);
    clh_result_close(result);
    result = NULL;
    must(clh_ask(&result, subject, "causal", NULL, NULL, &err), &err);
    assert_true(isfinite(clh_result_number(result, "attn_zero.digit_accuracy")));
    assert_true(
        isnan(clh_result_number(result, "only_first_term.loss"))); /* there are no letters */
    clh_result_close(result);
    clh_subject_close(subject);
}

static void a_kind_of_input_it_has_not_is_left_out_with_a_reason(void **state)
{
    (void)state;
    clh_task *task = task_of("task=copy copy_length=1");
    clh_sample sample = {0};
    clh_error err = {0};
    assert_int_equal(clh_variant_count(task), 2);
    assert_int_equal(clh_variant_check(task, CLH_VARIANT_NONE, &err), CLH_OK);
    assert_int_equal(clh_variant_check(task, 1, &err), CLH_ERANGE);
    assert_string_equal(err.message, "one digit: 1 digits, want at least 2");
    assert_int_equal(clh_variant_draw(&sample, 1, task, 5, 0, &err), CLH_ERANGE);
    assert_int_equal(clh_variant_check(task, 2, &err), CLH_ERANGE);
    assert_string_equal(err.message, "task copy has no kind of input 2, want less than 2");
    assert_null(clh_variant_name(task, 2));
    clh_task_close(task);
    task = task_of("task=copy");
    must(clh_variant_draw(&sample, 1, task, 5, 0, &err), &err);
    for (size_t i = 0; i < 5; i++)
        for (size_t p = 0; p < 7; p++)
            assert_int_equal(sample.ids[7 * i + p], p == 3 ? 10 : sample.ids[7 * i]);
    clh_sample_deinit(&sample);
    clh_task_close(task);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_in_the_table),
        cmocka_unit_test(every_element_has_its_rank_and_one_split),
        cmocka_unit_test(its_text_is_words),
        cmocka_unit_test(sizes_and_defaults_are_its_own),
        cmocka_unit_test(its_defaults_are_for_what_nobody_gave),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(its_settings_stand_in_its_own_configs_only),
        cmocka_unit_test(a_setting_of_another_task_is_said_to_have_no_effect),
        cmocka_unit_test(no_two_keys_have_a_name),
        IN_FOLDER(it_trains_and_resumes_to_the_same_bytes),
        IN_FOLDER(questions_name_its_kinds),
        cmocka_unit_test(a_kind_of_input_it_has_not_is_left_out_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
