/* A resumed run cuts its metrics back to its checkpoint, at once and in little memory however many
 * steps it has: a run of nine million goes on, whose metrics are larger than what is read at once of
 * any file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/platform/file.h"
#include "clearhead/train.h"
#include "run/folder/checkpoint.h"
#include "run/folder/folder.h"
#include "run/folder/metrics.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/run_case.h"

static size_t size_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseeko(file, 0, SEEK_END), 0);
    const size_t size = (size_t)ftello(file);
    assert_int_equal(fclose(file), 0);
    return size;
}

/* ---- Small files: cut at every step ------------------------------------------------------------
 */

enum { STEPS = 30, EVERY = 7 };

/* A file as the trainer writes it, evaluations after some steps; where[s] is how long it was before
 * the lines of step s. */
static void write_small(const char *path, size_t where[STEPS + 2])
{
    clh_metrics *metrics = NULL;
    clh_metrics_before before;
    double losses[2] = {1, 2};
    clh_error err = {0};
    const clh_evaluation e = {.sequences = 1, .positions = 2, .loss_per_position = losses};
    (void)unlink(path);
    must(clh_metrics_open(&metrics, path, 0, &before, &err), &err);
    for (size_t s = 0; s <= STEPS; s++) {
        where[s] = size_of(path);
        if (s > 0)
            clh_metrics_step(metrics, &(clh_progress){.step = s, .seconds = 0.5 * (double)s});
        if (s % EVERY == 0)
            clh_metrics_evaluation(metrics, s, &e);
        must(clh_metrics_flush(metrics, &err), &err);
    }
    where[STEPS + 1] = size_of(path);
    clh_metrics_close(metrics);
}

/* Lines of steps from `next` on are gone, and what a killed process left of one; the others are as
 * they were. */
static void only_lines_before_the_next_step_stay(void **state)
{
    static const char *const left[] = {"", "{\"type\": \"step\", \"st", "\n", "{}\nnonsense\n"};
    static char was[1 << 14], is[1 << 14];
    char path[TEMP_PATH_MAX];
    size_t where[STEPS + 2];
    (void)temp_folder_path(*state, "metrics.jsonl", path);
    for (size_t i = 0; i < CLH_COUNT(left); i++)
        for (size_t next = 0; next <= STEPS + 1; next++) {
            clh_metrics *metrics = NULL;
            clh_error err = {0};
            clh_metrics_before before;
            write_small(path, where);
            FILE *file = fopen(path, "ab");
            assert_true(fputs(left[i], file) >= 0 && fclose(file) == 0);
            (void)temp_file_get(path, was, sizeof was);
            must(clh_metrics_open(&metrics, path, next, &before, &err), &err);
            assert_int_equal(temp_file_get(path, is, sizeof is), where[next]);
            assert_memory_equal(was, is, where[next]);
            assert_true(before.seconds == (next < 2 ? 0 : 0.5 * (double)(next - 1)));
            assert_int_equal(before.evaluated, next > 0 && (next - 1) % EVERY == 0);
            clh_metrics_step(metrics, &(clh_progress){.step = next});
            must(clh_metrics_flush(metrics, &err), &err);
            assert_true(size_of(path) > where[next]);
            clh_metrics_close(metrics);
        }
}

/* ---- Large files ------------------------------------------------------------------------------*/

enum {
    LINES = 9000000,
    BLOCK_LINES = 10000,
    FIRST = 10000000,
    DROPPED = 20000,
    READ_MOST = 1 << 30
};

static const char one[] =
    "{\"type\": \"step\", \"step\": 10000000, \"epoch\": 1, \"samples\": 4, \"loss\""
    ": 0.1, \"grad_norm\": 1, \"lr\": 0.001, \"seconds\": 10000000}\n";
enum { LINE = sizeof one - 1, AT_STEP = 25, DIGITS = 8, AT_SECONDS = LINE - 2 - DIGITS };
_Static_assert(LINES > READ_MOST / LINE, "they are more than is read at once");

/* The `digits` digits of `number` in front of `end`. */
static void put(char *end, size_t number, size_t digits)
{
    for (; digits > 0; digits--, number /= 10)
        *--end = (char)('0' + number % 10);
}

/* Lines of one length, from step FIRST on, a block of them at a time, in which only the first half
 * of each number is another than in the block before. */
static void write_large(const char *path)
{
    static char block[BLOCK_LINES * LINE];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < BLOCK_LINES; i++) {
        memcpy(block + i * LINE, one, LINE);
        put(block + i * LINE + AT_STEP + DIGITS, i, DIGITS / 2);
        put(block + i * LINE + AT_SECONDS + DIGITS, i, DIGITS / 2);
    }
    for (size_t b = 0; b < LINES / BLOCK_LINES; b++) {
        const size_t high = FIRST / BLOCK_LINES + b;
        for (char *line = block; line < block + sizeof block; line += LINE) {
            put(line + AT_STEP + DIGITS / 2, high, DIGITS / 2);
            put(line + AT_SECONDS + DIGITS / 2, high, DIGITS / 2);
        }
        assert_int_equal(fwrite(block, 1, sizeof block, file), sizeof block);
    }
    assert_int_equal(fclose(file), 0);
}

static void millions_of_lines_are_cut_back(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_metrics *metrics = NULL;
    clh_error err = {0};
    failing_alloc counted;
    clh_metrics_before before;
    (void)temp_folder_path(*state, "metrics.jsonl", path);
    write_large(path);
    assert_int_equal(size_of(path), (size_t)LINES * LINE);
    failing_alloc_install(&counted, 0);
    clh_status status = clh_metrics_open(&metrics, path, FIRST + LINES - DROPPED, &before, &err);
    clh_metrics_close(metrics);
    assert_false(failing_alloc_remove(&counted));
    must(status, &err);
    assert_true(size_of(path) == (size_t)(LINES - DROPPED) * LINE);
    assert_true(before.seconds == FIRST + LINES - DROPPED - 1);
    assert_true(counted.largest < 1 << 20);
}

/* ---- A run of millions of steps ----------------------------------------------------------------
 */

enum { KEPT_STEP = LINES, LAST_STEP = LINES + 10 };

/* A run as if it had been trained up to KEPT_STEP: its checkpoint, and of its metrics, as large as
 * they would be, the last lines; the others take no room on the disk. */
static void make_long_run(const char *path, const clh_run_config *config)
{
    clh_error err = {0};
    clh_model *model = NULL;
    clh_file *files[CLH_CHECKPOINT_FILES];
    char metrics[TEMP_PATH_MAX + 16], last[64];
    size_t n;
    int lock = -1;
    must(clh_model_open(&model, &config->model, &err), &err);
    clh_model_init(model, 1);
    (void)clh_model_data(model, &n);
    clh_moments moments = {clh_alloc_zeroed(n, sizeof(clh_real), NULL),
                           clh_alloc_zeroed(n, sizeof(clh_real), NULL)};
    must(clh_folder_begin(path, config, &lock, &err), &err);
    must(clh_checkpoint_stage(files, path, config, model, &moments, KEPT_STEP, &err), &err);
    for (size_t i = 0; i < CLH_CHECKPOINT_FILES; i++)
        must(clh_file_commit(files[i], &err), &err);
    clh_lock_release(lock);
    (void)snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", path);
    FILE *file = fopen(metrics, "wb");
    assert_non_null(file);
    assert_int_equal(fseeko(file, (off_t)LINES * LINE, SEEK_SET), 0);
    for (size_t step = KEPT_STEP - 5; step < KEPT_STEP + 5; step++) {
        (void)snprintf(last, sizeof last, "\n{\"type\": \"step\", \"step\": %zu, \"seconds\": 7}",
                       step);
        assert_true(fputs(last, file) >= 0);
    }
    assert_int_equal(fclose(file), 0);
    clh_free(moments.m);
    clh_free(moments.v);
    clh_model_close(model);
}

static void a_run_of_millions_of_steps_goes_on(void **state)
{
    char path[TEMP_PATH_MAX], metrics[TEMP_PATH_MAX + 16], tail[4096];
    clh_error err = {0};
    const clh_run_config config =
        run_case_config("n=1 d_model=4 d_head=2 steps=9000010 checkpoint_every=0 checkpoint_log=no "
                        "eval_every=0 test_sequences=1");
    assert_int_equal(config.train.steps, LAST_STEP);
    (void)temp_folder_path(*state, "long", path);
    make_long_run(path, &config);
    must(clh_train_resume(path, 1, NULL, &err), &err);
    (void)snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", path);
    assert_true(size_of(metrics) > READ_MOST);
    FILE *file = fopen(metrics, "rb");
    assert_non_null(file);
    assert_int_equal(fseeko(file, (off_t)LINES * LINE, SEEK_SET), 0);
    const size_t length = fread(tail, 1, sizeof tail - 1, file);
    tail[length] = '\0';
    assert_int_equal(fclose(file), 0);
    size_t step = KEPT_STEP - 5; /* each once, up to the last */
    for (const char *at = tail; (at = strstr(at, "\"type\": \"step\", \"step\": ")); step++) {
        at += strlen("\"type\": \"step\", \"step\": ");
        assert_int_equal(strtoull(at, NULL, 10), step);
    }
    assert_int_equal(step, LAST_STEP + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(only_lines_before_the_next_step_stay),
        FOLDER_TEST(millions_of_lines_are_cut_back),
        FOLDER_TEST(a_run_of_millions_of_steps_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
