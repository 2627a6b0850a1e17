/* Checkpoints as files: the step one names is a whole number, and a run
 * without memory has one or is not there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/train.h"
#include "run/folder/checkpoint.h"
#include "run/folder/folder.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/raw_safetensors.h"
#include "support/run_case.h"
#include "train/plan.h"

static clh_status step_of(const temp_folder *folder, const char *metadata, size_t *step,
                          clh_error *err)
{
    unsigned char bytes[512];
    char header[256], path[TEMP_PATH_MAX];
    (void)snprintf(header, sizeof header, "{\"__metadata__\":{%s}}", metadata);
    size_t size = raw_safetensors(bytes, sizeof bytes, header, NULL, 0);
    temp_folder_put(folder, "weights.safetensors", bytes, size, path);
    errno = ERANGE; /* what went wrong before is none of its business */
    return clh_checkpoint_step(path, step, err);
}

static void a_step_is_a_whole_number(void **state)
{
    static const char *const none[] = {"",
                                       "\"step\":\"\"",
                                       "\"step\":\"-1\"",
                                       "\"step\":\"last\"",
                                       "\"step\":\"12x\"",
                                       "\"step\":\"+7\"",
                                       "\"step\":\" 7\"",
                                       "\"step\":\"1.5\"",
                                       "\"step\":\"99999999999999999999\""};
    size_t step = 77;
    clh_error err = {0};
    must(step_of(*state, "\"step\":\"0\"", &step, &err), &err);
    assert_int_equal(step, 0);
    must(step_of(*state, "\"step\":\"1234567\"", &step, &err), &err);
    assert_int_equal(step, 1234567);
    for (size_t i = 0; i < CLH_COUNT(none); i++) {
        assert_int_equal(step_of(*state, none[i], &step, &err), CLH_EFORMAT);
        assert_non_null(strstr(err.message, "want a number of steps"));
    }
}

static void steps_are_listed_in_order(void **state)
{
    static const char *const name[] = {
        "step-00000100.safetensors",  "step-00000020.safetensors",
        "step-123456789.safetensors", /* more than eight digits */
        "step-00000003.safetensors",  "step-00000004.safetensors.tmp-1-1",
        "step-x.safetensors",         "optimizer-00000002.safetensors",
        "step-+7.safetensors",        "step-8.safetensors"};
    static const size_t want[] = {3, 20, 100, 123456789};
    const temp_folder *folder = *state;
    char path[TEMP_PATH_MAX], file[64];
    clh_error err = {0};
    size_t *steps = NULL, count = 0;
    must(clh_folder_make(temp_folder_path(folder, "checkpoints", path), &err), &err);
    for (size_t i = 0; i < CLH_COUNT(name); i++) {
        (void)snprintf(file, sizeof file, "checkpoints/%s", name[i]);
        temp_folder_put(folder, file, "", 0, path);
    }
    must(clh_checkpoint_list(folder->path, &steps, &count, &err), &err);
    assert_int_equal(count, CLH_COUNT(want));
    assert_memory_equal(steps, want, sizeof want);
    clh_free(steps);
}

static clh_status list_steps(void *context)
{
    const temp_folder *folder = context;
    size_t *steps = NULL, count = 0;
    clh_status status = clh_checkpoint_list(folder->path, &steps, &count, NULL);
    assert_int_equal(count, status ? 0 : 1);
    clh_free(steps);
    return status;
}

static void a_list_needs_memory_and_may_be_empty(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    size_t *steps = NULL, count = 1;
    must(clh_checkpoint_list(((const temp_folder *)*state)->path, &steps, &count, &err), &err);
    assert_null(steps); /* there is no folder */
    assert_int_equal(count, 0);
    must(clh_folder_make(temp_folder_path(*state, "checkpoints", path), &err), &err);
    temp_folder_put(*state, "checkpoints/step-00000001.safetensors", "", 0, path);
    assert_true(failing_alloc_each(list_steps, *state) > 1);
}

/* Where memory ends: one folder for each try. */
typedef struct tries {
    const temp_folder *folder;
    clh_run_config config;
    size_t count;
} tries;

static const char *path_of_try(const tries *t, size_t number, char out[TEMP_PATH_MAX])
{
    char name[48];
    (void)snprintf(name, sizeof name, "%zu-%zu", t->config.model.n_layers, number);
    return temp_folder_path(t->folder, name, out);
}

static clh_status train_once(void *context)
{
    tries *t = context;
    char run[TEMP_PATH_MAX];
    return clh_train(&t->config, path_of_try(t, t->count++, run), NULL, NULL);
}

/* Without memory a run is not there at all, or has a checkpoint from which it goes on: on the fused
 * path and on the general one. */
static void no_memory_leaves_no_half_of_a_run(void **state)
{
    const char *const words[] = {"n=1 steps=1 test_sequences=1 d_model=2 d_head=2",
                                 "n=1 steps=1 test_sequences=1 d_model=2 d_head=2 n_layers=2"};
    for (size_t w = 0; w < CLH_COUNT(words); w++) {
        tries t = {.folder = *state, .config = run_case_config(words[w])};
        size_t failures = failing_alloc_each(train_once, &t), begun = 0, step;
        for (size_t i = 0; i < failures; i++) {
            char run[TEMP_PATH_MAX];
            clh_error err = {0};
            if (!clh_path_exists(path_of_try(&t, i, run)))
                continue;
            if (begun++ % 16 == 0)
                must(clh_train_resume(run, 0, NULL, &err), &err);
            must(clh_checkpoint_newest(run, &step, &err), &err);
        }
        assert_true(begun > 0 && begun < failures);
    }
}

/* The folder of a run that has ended: its parts, and nothing half-written. */
static void a_run_has_its_parts(void **state)
{
    static const char *const part[] = {"config.json",
                                       "metrics.jsonl",
                                       "model.safetensors",
                                       "figures",
                                       "checkpoints",
                                       "checkpoints/optimizer-00000000.safetensors",
                                       "checkpoints/optimizer-00000001.safetensors",
                                       "checkpoints/step-00000000.safetensors",
                                       "checkpoints/step-00000001.safetensors"};
    clh_run_config config = run_case_config("n=1 steps=1 d_model=2 d_head=2");
    char run[TEMP_PATH_MAX];
    clh_error err = {0};
    run_case_train(&config, temp_folder_path(*state, "run", run));
    for (size_t i = 0; i < CLH_COUNT(part); i++) {
        char *path = clh_path_join(run, part[i], &err);
        assert_true(clh_path_exists(path));
        assert_int_equal(clh_is_folder(path), !strchr(part[i], '.'));
        clh_free(path);
    }
    run_case_assert_tidy(run);
}

/* Who watches a run, until it is to stop after step `last`. */
typedef struct watcher {
    const clh_train_config *config;
    size_t next, last;
} watcher;

static bool watch_step(const clh_progress *p, void *user)
{
    watcher *w = user;
    assert_int_equal(p->step, w->next++);
    assert_int_equal(p->steps, w->config->steps);
    assert_int_equal(p->samples, clh_plan_samples(w->config, p->step));
    assert_int_equal(p->epoch, clh_plan_epoch(w->config, p->step));
    return p->step < w->last;
}

/* Wherever it is stopped, that step is the newest checkpoint; after the last there is nothing to
 * stop. */
static void a_run_stops_where_it_is_asked_to(void **state)
{
    enum { STEPS = 3 };
    const clh_run_config config =
        run_case_config("n=1 steps=3 batch=2 epoch_sequences=3 d_model=2 d_head=2");
    for (size_t last = 0; last <= STEPS; last++) {
        watcher user = {&config.train, 0, last}, rest = {&config.train, last + 1, STEPS};
        const clh_train_watch watch = {watch_step, &user}, again = {watch_step, &rest};
        char run[TEMP_PATH_MAX], name[16];
        clh_error err = {0};
        size_t step = 77;
        (void)snprintf(name, sizeof name, "run-%zu", last);
        assert_int_equal(clh_train(&config, temp_folder_path(*state, name, run), &watch, &err),
                         last < STEPS ? CLH_STOPPED : CLH_OK);
        assert_int_equal(user.next, last + 1);
        must(clh_checkpoint_newest(run, &step, &err), &err);
        assert_int_equal(step, last);
        must(clh_train_resume(run, 0, &again, &err), &err);
        assert_int_equal(rest.next, STEPS + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_step_is_a_whole_number),
        FOLDER_TEST(steps_are_listed_in_order),
        FOLDER_TEST(a_list_needs_memory_and_may_be_empty),
        FOLDER_TEST(no_memory_leaves_no_half_of_a_run),
        FOLDER_TEST(a_run_has_its_parts),
        FOLDER_TEST(a_run_stops_where_it_is_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
