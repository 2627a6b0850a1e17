/* Runs of one's own lines: their order, and where they go on after an interruption. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/run_case.h"

enum { LINES = 23, HELD_OUT = 5, STEPS = 14 };

/* Lines no two of which are alike, into a file of that name. */
static void write_lines(void **state, const char *name, size_t count, char path[TEMP_PATH_MAX])
{
    clh_strbuf text = {0};
    for (size_t i = 0; i < count; i++)
        clh_strbuf_addf(&text, "[%zu, %zu, 7, %zu]\n", i % 9, i / 9, i * i % 11);
    temp_folder_put(*state, name, clh_strbuf_view(&text), text.length, path);
    clh_strbuf_deinit(&text);
}

static clh_run_config config_of(const char *data, const char *words)
{
    clh_run_layer all;
    clh_run_config config;
    clh_error err = {0};
    char copy[256];
    clh_run_layer_default(&all);
    assert_int_equal(clh_run_layer_set(&all, "data", data, &err), CLH_OK);
    (void)snprintf(copy, sizeof copy, "%s d_model=8 d_head=4 batch=3 test_sequences=%d steps=%d",
                   words, HELD_OUT, STEPS);
    for (char *save = NULL, *word = strtok_r(copy, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        assert_int_equal(clh_run_layer_set(&all, word, value, &err), CLH_OK);
    }
    if (clh_run_config_open(&config, NULL, &all, &err))
        fail_msg("%s", err.message);
    return config;
}

static bool until(const clh_progress *progress, void *user)
{
    return progress->step < *(const size_t *)user;
}

/* 18 lines are trained on, three at a time: STEPS steps are more than two rounds. */
static void a_run_goes_on_in_its_order_from_any_step(void **state)
{
    static const char *const orders[] = {"order=seed seed=3", "order=file"};
    char data[TEMP_PATH_MAX], whole[TEMP_PATH_MAX], cut[TEMP_PATH_MAX], name[64];
    write_lines(state, "lines.jsonl", LINES, data);
    for (size_t i = 0; i < CLH_COUNT(orders); i++) {
        const clh_run_config config = config_of(data, orders[i]);
        (void)snprintf(name, sizeof name, "whole-%zu", i);
        run_case_train(&config, temp_folder_path(*state, name, whole));
        for (size_t stop = 1; stop < STEPS; stop++) {
            clh_error err = {0};
            const clh_train_watch watch = {.progress = until, .user = &stop};
            (void)snprintf(name, sizeof name, "cut-%zu-%zu", i, stop);
            (void)temp_folder_path(*state, name, cut);
            assert_int_equal(clh_train(&config, cut, &watch, &err), CLH_STOPPED);
            assert_int_equal(clh_train_resume(cut, 0, NULL, &err), CLH_OK);
            run_case_assert_same(whole, cut);
        }
    }
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_run_goes_on_in_its_order_from_any_step),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
