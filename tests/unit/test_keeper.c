/* Checkpoints brought into their places while something else goes on: all of them, or those before
 * the first that fails, with the reason; a state always beside its own file, those of the last two in any
 * case; and as many together as were given while the disk was busy. The disk is a slow one here. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/folder/keeper.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/temp_folder.h"

static atomic_size_t syncs;
static atomic_uint delay; /* of each sync, microseconds */
static atomic_bool held;  /* syncs wait for as long as this is set */

static void take_time(void)
{
    atomic_fetch_add(&syncs, 1);
    do
        (void)usleep(delay);
    while (held);
}

int fsync(int fd)
{
    (void)fd;
    take_time();
    return 0;
}

int fdatasync(int fildes)
{
    take_time();
    return fcntl(fildes, F_GETFD) < 0 ? -1 : 0;
}

typedef struct bench {
    temp_folder *folder;
    clh_keeper *keeper;
    char log_path[TEMP_PATH_MAX];
    int log;
} bench;

static bench bench_open(void *folder)
{
    bench b = {.folder = folder};
    delay = 0;
    temp_folder_put(folder, "log", "line\n", 5, b.log_path);
    b.log = open(b.log_path, O_WRONLY | O_CLOEXEC);
    assert_true(b.log >= 0);
    assert_int_equal(clh_keeper_open(&b.keeper, NULL), CLH_OK);
    return b;
}

static void bench_close(bench *b)
{
    clh_keeper_close(b->keeper);
    (void)close(b->log);
}

static const char *own_path(const bench *b, size_t step, char out[TEMP_PATH_MAX])
{
    char name[32];
    (void)snprintf(name, sizeof name, "step-%zu", step);
    return temp_folder_path(b->folder, name, out);
}

static const char *state_path(const bench *b, size_t step, char out[TEMP_PATH_MAX])
{
    char name[32];
    (void)snprintf(name, sizeof name, "state-%zu", step);
    return temp_folder_path(b->folder, name, out);
}

enum { STEPS_MOST = 30 };

/* The newest state, 0 when there is none; *count of them. */
static size_t newest_state(const bench *b, size_t *count)
{
    char path[TEMP_PATH_MAX];
    size_t newest = 0;
    *count = 0;
    for (size_t step = 1; step <= STEPS_MOST; step++)
        if (clh_path_exists(state_path(b, step, path))) {
            newest = step;
            ++*count;
        }
    return newest;
}

/* The last that the keeper tells of; 0 when there is none. */
static size_t told(const bench *b)
{
    size_t step = 0;
    while (clh_keeper_next(b->keeper, &step))
        continue;
    return step;
}

/* A folder stands where a file should go. */
static void put_in_the_way(const char *path)
{
    (void)unlink(path);
    assert_int_equal(mkdir(path, 0777), 0);
}

/* Both files of a checkpoint say its step; `obstacle` comes before they have their places. */
static clh_status give_with(const bench *b, size_t step, const char *obstacle, clh_error *err)
{
    char path[TEMP_PATH_MAX], text[32];
    clh_kept kept = {.step = step, .log = b->log, .log_path = b->log_path};
    const size_t length = (size_t)snprintf(text, sizeof text, "%zu", step);
    assert_int_equal(clh_file_begin(&kept.own, own_path(b, step, path), NULL), CLH_OK);
    assert_int_equal(clh_file_begin(&kept.state, state_path(b, step, path), NULL), CLH_OK);
    clh_file_write(kept.own, text, length);
    clh_file_write(kept.state, text, length);
    if (obstacle)
        put_in_the_way(obstacle);
    return clh_keeper_give(b->keeper, &kept, err);
}

static clh_status give(const bench *b, size_t step)
{
    return give_with(b, step, NULL, NULL);
}

/* The step that a file says; 0 when it is not there. */
static size_t step_in(const char *path)
{
    char text[32] = {0};
    return temp_file_get(path, text, sizeof text - 1) < sizeof text ? strtoul(text, NULL, 10) : 0;
}

static void assert_kept(const bench *b, size_t step)
{
    char path[TEMP_PATH_MAX];
    assert_int_equal(step_in(own_path(b, step, path)), step);
}

static void assert_not_kept(const bench *b, size_t step)
{
    char path[TEMP_PATH_MAX];
    assert_false(clh_path_exists(own_path(b, step, path)));
}

/* ---- What is given is kept --------------------------------------------------------------------*/

static void files_are_there_after_the_wait(void **state)
{
    bench b = bench_open(*state);
    size_t step = 77, count;
    assert_int_equal(clh_keeper_wait(b.keeper, NULL), CLH_OK); /* for nothing */
    assert_false(clh_keeper_next(b.keeper, &step));
    assert_int_equal(step, 77);
    for (step = 1; step <= 2; step++) {
        char path[TEMP_PATH_MAX];
        assert_int_equal(give(&b, step), CLH_OK);
        assert_int_equal(clh_keeper_wait(b.keeper, NULL), CLH_OK);
        assert_kept(&b, step);
        assert_int_equal(newest_state(&b, &count), step);
        assert_int_equal(step_in(state_path(&b, step, path)), step);
        assert_int_equal(told(&b), step);
    }
    assert_int_equal(temp_folder_count(*state), 5); /* the log, two of each kind */
    bench_close(&b);
    clh_keeper_close(NULL);
    assert_int_equal(clh_keeper_wait(NULL, NULL), CLH_OK);
    assert_false(clh_keeper_next(NULL, &step));
}

static void closing_waits(void **state)
{
    bench b = bench_open(*state);
    delay = 2000;
    assert_int_equal(give(&b, 1), CLH_OK);
    assert_int_equal(give(&b, 2), CLH_OK);
    bench_close(&b);
    assert_kept(&b, 1);
    assert_kept(&b, 2);
    size_t count;
    assert_int_equal(newest_state(&b, &count), 2);
}

/* Those given while the disk is busy take fewer syncs than one by one. */
static void many_are_taken_together(void **state)
{
    enum { STEPS = 8, ONE_BY_ONE = 5 };
    bench b = bench_open(*state);
    syncs = 0;
    held = true;
    for (size_t step = 1; step <= STEPS; step++)
        assert_int_equal(give(&b, step), CLH_OK);
    held = false;
    assert_int_equal(clh_keeper_wait(b.keeper, NULL), CLH_OK);
    for (size_t step = 1; step <= STEPS; step++)
        assert_kept(&b, step);
    size_t count, before = 0, last = 0;
    char path[TEMP_PATH_MAX];
    assert_int_equal(newest_state(&b, &count), STEPS);
    assert_true(clh_path_exists(state_path(&b, STEPS - 1, path)) && count < STEPS);
    for (; clh_keeper_next(b.keeper, &last); count--) {
        assert_true(last > before);
        before = last;
    }
    assert_true(count == 0 && last == STEPS); /* it tells of all, in their order */
    assert_true(syncs < STEPS * ONE_BY_ONE / 2);
    bench_close(&b);
}

/* More than it holds, on a slow disk: every one is kept, and whenever one looks the newest has its own
 * file beside it. */
static void more_are_given_than_it_holds(void **state)
{
    enum { STEPS = STEPS_MOST };
    bench b = bench_open(*state);
    size_t seen = 0, count;
    delay = 1000;
    for (size_t step = 1; step <= STEPS; step++) {
        assert_int_equal(give(&b, step), CLH_OK);
        const size_t newest = newest_state(&b, &count);
        assert_true(newest >= seen && newest <= step);
        if (newest)
            assert_kept(&b, newest);
        seen = newest;
    }
    assert_int_equal(clh_keeper_wait(b.keeper, NULL), CLH_OK);
    for (size_t step = 1; step <= STEPS; step++)
        assert_kept(&b, step);
    assert_int_equal(newest_state(&b, &count), STEPS);
    assert_int_equal(temp_folder_count(*state), STEPS + 1 + count);
    bench_close(&b);
}

/* One at a time it is five: the log, its two files, the folder before the newest and after it. */
static void one_takes_five_syncs(void **state)
{
    bench b = bench_open(*state);
    syncs = 0;
    assert_int_equal(give(&b, 1), CLH_OK);
    assert_int_equal(clh_keeper_wait(b.keeper, NULL), CLH_OK);
    assert_int_equal(syncs, 5);
    bench_close(&b);
}

/* ---- What fails -------------------------------------------------------------------------------*/

/* The file of step 3 has no place: those before it are kept, it and those behind it are not, whether
 * they are taken together or one by one. It is said once; what is given then is kept again. */
static void nothing_comes_after_the_first_failure(void **state)
{
    enum { STEPS = 5, BAD = 3 };
    for (unsigned slow = 0; slow <= 3000; slow += 1000) {
        char bad[TEMP_PATH_MAX];
        clh_error err = {0};
        clh_status status = CLH_OK;
        size_t step = 1, count;
        bench b = bench_open(*state);
        (void)own_path(&b, BAD, bad);
        delay = slow;
        for (; step <= STEPS && !status; step++)
            status = give_with(&b, step, step == BAD ? bad : NULL, &err);
        if (!status)
            status = clh_keeper_wait(b.keeper, &err);
        assert_int_equal(status, CLH_EIO);
        assert_non_null(strstr(err.message, bad));
        assert_int_equal(told(&b), BAD - 1);
        assert_int_equal(newest_state(&b, &count), BAD - 1);
        assert_int_equal(clh_keeper_wait(b.keeper, NULL), CLH_OK);
        for (step = 1; step < BAD; step++)
            assert_kept(&b, step);
        for (step = BAD + 1; step <= STEPS; step++)
            assert_not_kept(&b, step);
        assert_int_equal(temp_folder_count(*state),
                         BAD + 1 + count); /* no temporary file is left */
        assert_int_equal(rmdir(bad), 0);
        assert_int_equal(give(&b, STEPS), CLH_OK);
        assert_int_equal(clh_keeper_wait(b.keeper, NULL), CLH_OK);
        assert_kept(&b, STEPS);
        assert_int_equal(newest_state(&b, &count), STEPS);
        bench_close(&b);
        for (step = 1; step <= STEPS; step++) {
            (void)unlink(own_path(&b, step, bad));
            (void)unlink(state_path(&b, step, bad));
        }
    }
}

static void a_state_without_a_place_is_named(void **state)
{
    clh_error err = {0};
    char path[TEMP_PATH_MAX];
    bench b = bench_open(*state);
    assert_int_equal(give_with(&b, 1, state_path(&b, 1, path), NULL), CLH_OK);
    assert_int_equal(clh_keeper_wait(b.keeper, &err), CLH_EIO);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(told(&b), 0);
    assert_kept(&b, 1);
    assert_int_equal(temp_folder_count(*state), 3);
    bench_close(&b);
    assert_int_equal(rmdir(path), 0);
}

static void files_wait_for_the_log(void **state)
{
    clh_error err = {0};
    bench b = bench_open(*state);
    (void)close(b.log);
    b.log = -1;
    assert_int_equal(give(&b, 1), CLH_OK);
    assert_int_equal(clh_keeper_wait(b.keeper, &err), CLH_EIO);
    assert_non_null(strstr(err.message, b.log_path));
    assert_int_equal(told(&b), 0);
    assert_not_kept(&b, 1);
    assert_int_equal(temp_folder_count(*state), 1);
    clh_keeper_close(b.keeper);
}

static clh_status open_and_close(void *unused)
{
    (void)unused;
    clh_keeper *keeper = NULL;
    clh_status status = clh_keeper_open(&keeper, NULL);
    clh_keeper_close(keeper);
    return status;
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    assert_true(failing_alloc_each(open_and_close, NULL) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(files_are_there_after_the_wait),
        FOLDER_TEST(closing_waits),
        FOLDER_TEST(many_are_taken_together),
        FOLDER_TEST(more_are_given_than_it_holds),
        FOLDER_TEST(one_takes_five_syncs),
        FOLDER_TEST(nothing_comes_after_the_first_failure),
        FOLDER_TEST(a_state_without_a_place_is_named),
        FOLDER_TEST(files_wait_for_the_log),
        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
