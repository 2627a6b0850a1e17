/* Metrics read back: what was noted is what is read, and every allocation may fail. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "run/folder/metrics.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/temp_folder.h"

/** Two steps and two evaluations as the trainer notes them; the second loss is infinite. */
static void write_metrics(const char *path)
{
    clh_metrics *metrics = NULL;
    clh_metrics_before before;
    double losses[2][3] = {{NAN, 3, 2}, {NAN, 0.5, 0.25}};
    assert_int_equal(clh_metrics_open(&metrics, path, SIZE_MAX, &before, NULL), CLH_OK);
    for (size_t i = 0; i < 2; i++) {
        const clh_evaluation evaluation = {.sequences = 1,
                                           .loss = 2.5 - 2 * (double)i,
                                           .token_accuracy = 0.5 + 0.5 * (double)i,
                                           .positions = 3,
                                           .loss_per_position = losses[i]};
        const clh_progress step = {.step = i + 1, .epoch = 1, .loss = i ? INFINITY : 0.125};
        clh_metrics_evaluation(metrics, i, &evaluation);
        clh_metrics_step(metrics, &step);
    }
    assert_int_equal(clh_metrics_flush(metrics, NULL), CLH_OK);
    clh_metrics_close(metrics);
}

/* Opened again, the lines before a step are kept, and what they say is told. */
static void what_is_kept_is_told(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_metrics *metrics = NULL;
    clh_metrics_before before;
    write_metrics(temp_folder_path(*state, "metrics.jsonl", path));
    static const size_t next[] = {3, 2, 1, 0};
    static const bool evaluated[] = {false, true, true, false};
    for (size_t i = 0; i < CLH_COUNT(next); i++) {
        assert_int_equal(clh_metrics_open(&metrics, path, next[i], &before, NULL), CLH_OK);
        assert_int_equal(before.evaluated, evaluated[i]);
        clh_metrics_close(metrics);
    }
}

static void what_was_noted_is_read(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_metrics_log log;
    write_metrics(temp_folder_path(*state, "metrics.jsonl", path));
    assert_int_equal(clh_metrics_read(&log, path, NULL), CLH_OK);
    assert_int_equal(log.steps, 2);
    assert_true(log.step[0] == 1 && log.step[1] == 2 && log.loss[0] == 0.125);
    assert_true(isnan(log.loss[1])); /* JSON has no infinity */
    assert_int_equal(log.evaluations, 2);
    assert_true(log.eval_step[1] == 1 && log.eval_loss[0] == 2.5 && log.eval_loss[1] == 0.5);
    assert_true(log.token_accuracy[0] == 0.5 && log.token_accuracy[1] == 1);
    assert_int_equal(log.positions, 3);
    assert_true(isnan(log.loss_per_position[0]) && log.loss_per_position[1] == 0.5 &&
                log.loss_per_position[2] == 0.25);
    clh_metrics_log_deinit(&log);
}

/** Reads `text` as a metrics file; returns the line of the error. */
static const char *read_text(void **state, const char *text, clh_metrics_log *log, clh_error *err)
{
    static const char name[] = "text.jsonl";
    char path[TEMP_PATH_MAX];
    *err = (clh_error){0};
    temp_folder_put(*state, name, text, strlen(text), path);
    if (!clh_metrics_read(log, path, err))
        return "";
    assert_null(log->step);
    const char *at = strstr(err->message, name);
    assert_non_null(at);
    return at;
}

static void other_lines_are_passed_over(void **state)
{
    clh_metrics_log log;
    clh_error err;
    assert_string_equal(read_text(state, "", &log, &err), "");
    assert_int_equal(log.steps + log.evaluations + log.positions, 0);
    clh_metrics_log_deinit(&log);
    assert_string_equal(read_text(state,
                                  "{\"type\": \"note\"}\n{\"type\": \"step\", \"step\": 9}\n"
                                  "{\"type\": \"st",
                                  &log, &err),
                        "");
    assert_int_equal(log.steps, 1);
    assert_true(log.step[0] == 9 && isnan(log.loss[0]));
    clh_metrics_log_deinit(&log);
}

static void a_wrong_line_is_named(void **state)
{
    clh_metrics_log log;
    clh_error err;
    assert_string_equal(read_text(state, "{\"type\": \"step\"}\n[1]\n", &log, &err),
                        "text.jsonl: line 2: want an object with a type");
    assert_int_equal(err.status, CLH_EFORMAT);
    assert_string_equal(read_text(state, "{\"type\": 3}\n", &log, &err),
                        "text.jsonl: line 1: want an object with a type");
    assert_non_null(strstr(read_text(state, "\n", &log, &err), "text.jsonl: line 1: "));
    assert_int_equal(clh_metrics_read(&log, "/proc/nowhere", &err), CLH_EIO);
}

static clh_status read_and_forget(void *path)
{
    clh_metrics_log log;
    clh_status status = clh_metrics_read(&log, path, NULL);
    if (!status)
        clh_metrics_log_deinit(&log);
    return status;
}

static void memory_may_run_out(void **state)
{
    char path[TEMP_PATH_MAX];
    write_metrics(temp_folder_path(*state, "metrics.jsonl", path));
    assert_true(failing_alloc_each(read_and_forget, path) > 6);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_kept_is_told),        IN_FOLDER(what_was_noted_is_read),
        IN_FOLDER(other_lines_are_passed_over), IN_FOLDER(a_wrong_line_is_named),
        IN_FOLDER(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
