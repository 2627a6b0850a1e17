/* What a run's configuration takes from its task: sizes, a line that says it, the name of a folder, the
 * settings that fit a model. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "run/settings/run_keys.h"
#include "support/cmocka_all.h"
#include "support/run_case.h"
#include "support/temp_folder.h"

/* Ten lines of up to 40 tokens, ids up to 299. */
static void write_lines(void **state, char path[TEMP_PATH_MAX])
{
    clh_strbuf text = {0};
    for (size_t i = 0; i < 10; i++) {
        clh_strbuf_addf(&text, "[%zu", i < 9 ? i : 299);
        for (size_t k = 1; k < 31 + i; k++)
            clh_strbuf_adds(&text, ", 7");
        clh_strbuf_adds(&text, "]\n");
    }
    temp_folder_put(*state, "mine.jsonl", clh_strbuf_view(&text), strlen(clh_strbuf_view(&text)),
                    path);
    clh_strbuf_deinit(&text);
}

static void lines_take_their_sizes_from_the_file(void **state)
{
    clh_run_layer all, layer;
    clh_run_config c;
    clh_task *task = NULL;
    clh_error err = {0};
    char path[TEMP_PATH_MAX], *data = NULL;
    write_lines(state, path);
    clh_run_layer_default(&all);
    assert_int_equal(clh_run_layer_preset(&layer, "notebook", NULL), CLH_OK);
    clh_run_layer_apply(&all, &layer);
    clh_run_layer_init(&layer);
    clh_run_layer_set(&layer, "data", path, NULL);
    clh_run_layer_apply(&all, &layer);
    assert_int_equal(clh_run_config_resolve(&c, &all, NULL, &err), CLH_ECONFIG);
    assert_string_equal(err.message,
                        "n_ctx of task lines is not known before it is opened, want it given");
    assert_int_equal(clh_run_config_open(&c, &task, &all, NULL), CLH_OK);
    assert_string_equal(c.task, "lines");
    assert_int_equal(c.model.n_ctx, 40);
    assert_int_equal(c.model.d_vocab_out, 300);
    assert_int_equal(c.train.epoch_sequences, 10);
    assert_int_equal(c.train.test_sequences, 0);
    assert_int_equal(c.train.steps, 60);
    assert_int_equal(c.first_scored, 1);
    assert_string_equal(clh_task_name(task), "lines");
    data = clh_run_config_text(&c, "data", NULL);
    assert_memory_equal(data + 1, path, strlen(path)); /* in quotes */
    clh_free(data);
    clh_task_close(task);
    clh_run_layer_set(&layer, "test-sequences", "3", NULL);
    clh_run_layer_apply(&all, &layer);
    assert_int_equal(clh_run_config_open(&c, NULL, &all, &err), CLH_OK);
    assert_int_equal(c.train.epoch_sequences, 7);
    clh_run_layer_set(&layer, "test-sequences", "10", NULL);
    clh_run_layer_apply(&all, &layer);
    assert_int_equal(clh_run_config_open(&c, NULL, &all, &err), CLH_ERANGE);
    assert_non_null(strstr(err.message, "test_sequences is 10, but "));
    clh_run_layer_set(&layer, "test-sequences", "0", NULL);
    clh_run_layer_set(&layer, "first-scored", "0", NULL);
    clh_run_layer_apply(&all, &layer);
    assert_int_equal(clh_run_config_open(&c, NULL, &all, &err), CLH_ERANGE);
    assert_string_equal(err.message,
                        "first_scored is 0, want at least 1: nothing predicts the first token");
}

/* A run of lines can be looked at when its file is gone. */
static void a_complete_config_of_lines_needs_no_file(void **state)
{
    clh_run_layer all;
    clh_run_config a, b;
    clh_error err = {0};
    char path[TEMP_PATH_MAX];
    write_lines(state, path);
    clh_run_layer_default(&all);
    assert_int_equal(clh_run_layer_set(&all, "data", path, NULL), CLH_OK);
    assert_int_equal(clh_run_config_open(&a, NULL, &all, &err), CLH_OK);
    char *json = clh_run_config_json(&a, NULL);
    assert_int_equal(remove(path), 0);
    if (clh_run_config_from_json(&b, json, "config.json", &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < clh_run_key_count(); i++)
        assert_true(clh_key_equal(&clh_run_keys()[i], &a, &b));
    clh_free(json);
}

static void a_value_is_read_by_its_name(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"n", "[2, 4]"}, {"letters", "\"tuples\""}, {"seed", "7"}, {"attn_only", "true"}};
    clh_run_config c = run_case_config("n=4,2 letters=tuples seed=7");
    clh_error err = {0};
    for (size_t i = 0; i < CLH_COUNT(pair); i++) {
        char *text = clh_run_config_text(&c, pair[i][0], &err);
        assert_string_equal(text, pair[i][1]);
        clh_free(text);
    }
    assert_null(clh_run_config_text(&c, "lettres", &err));
    assert_string_equal(err.message, "unknown key lettres; did you mean letters?");
    char *line = clh_run_config_describe(&c, NULL);
    assert_string_equal(line, "permutations, n 2,4, letters tuples, letters_unseen 0");
    clh_free(line);
}

static void runs_are_named_after_their_task(void **state)
{
    (void)state;
    static const char *const pair[][2] = {{"", "notebook"},
                                          {"seed=3", "n4-seed3"},
                                          {"n=2,5", "n5-seed0"},
                                          {"letters=tuples", "n4-seed0"}};
    for (size_t i = 0; i < CLH_COUNT(pair); i++) {
        char name[64];
        clh_run_config c = run_case_config(pair[i][0]);
        clh_run_config_name(&c, name);
        assert_string_equal(name, pair[i][1]);
    }
}

/* The settings of the first task that fit a model; none where no letter fits, but for those given. */
static void a_model_has_the_most_letters_that_fit_where_they_are_said(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t n_ctx, d_vocab;
        const char *task, *n;
    } row[] = {{"", 722, 65, "none", NULL}, /* a task only where it is said */
               {"", 721, 66, "none", NULL},
               {"task=permutations", 722, 65, "permutations", "5"},
               {"task=permutations", 721, 66, "permutations", "4"},
               {"task=permutations", 4, 65, "permutations", "1"},
               {"task=permutations", 3, 65, "permutations", NULL},
               {"task=permutations", 722, 64, "permutations", NULL},
               {"task=sorting", 722, 65, "sorting", NULL},
               {"n=2", 722, 65, NULL, "2"},
               {"letters=tuples", 26, 65, NULL, "3"},
               {"n=3", 3, 65, NULL, "3"}};
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_run_layer layer, all;
        clh_model_config model = clh_model_config_default();
        model.n_ctx = row[i].n_ctx;
        model.d_vocab = model.d_vocab_out = row[i].d_vocab;
        clh_run_layer_init(&layer);
        if (row[i].line[0]) {
            const char *equal = strchr(row[i].line, '=');
            char key[32];
            (void)snprintf(key, sizeof key, "%.*s", (int)(equal - row[i].line), row[i].line);
            assert_int_equal(clh_run_layer_set(&layer, key, equal + 1, NULL), CLH_OK);
        }
        assert_int_equal(clh_run_layer_suit(&layer, &model, NULL), CLH_OK);
        clh_run_layer_default(&all);
        clh_run_layer_apply(&all, &layer);
        assert_string_equal(layer.config.task, row[i].task ? row[i].task : "");
        char *n = clh_run_config_text(&all.config, "n", NULL);
        assert_string_equal(n, row[i].n ? row[i].n : "4");
        clh_free(n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_take_their_sizes_from_the_file, temp_folder_setup,
                                        temp_folder_teardown),
        cmocka_unit_test_setup_teardown(a_complete_config_of_lines_needs_no_file, temp_folder_setup,
                                        temp_folder_teardown),
        cmocka_unit_test(a_value_is_read_by_its_name),
        cmocka_unit_test(runs_are_named_after_their_task),
        cmocka_unit_test(a_model_has_the_most_letters_that_fit_where_they_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
