/* The platform without threads and locks, here: this program brings its sources, and those of what waits
 * for threads, which are then not the library's. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/platform/pool_try.h"
#include "base/platform/system.h"
#include "base/platform/thread.h"
#include "base/random.h"
#include "run/folder/keeper.h"
#include "support/cmocka_all.h"
#include "support/temp_folder.h"

static void there_are_no_threads(void **state)
{
    (void)state;
    assert_false(clh_thread_exists());
    assert_true(clh_processor_here() < 0);
    assert_int_equal(clh_system_memory(), SIZE_MAX);
}

static int once_calls;

static void once(void)
{
    once_calls++;
}

static void once_is_once(void **state)
{
    (void)state;
    static clh_once done = CLH_ONCE_INIT;
    for (int i = 0; i < 3; i++)
        clh_once_do(&done, once);
    assert_int_equal(once_calls, 1);
}

/* ---- Sorting -----------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b)
{
    const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static int by_size_counted(const void *a, const void *b, void *context)
{
    ++*(size_t *)context;
    return by_size(a, b);
}

/* Few values, so that many are equal; one value; ascending; descending. */
static unsigned drawn(int kind, size_t i, size_t count)
{
    return kind == 0   ? (unsigned)clh_random_word(1, 2, i) % 16
           : kind == 1 ? 7
           : kind == 2 ? (unsigned)i
                       : (unsigned)(count - i);
}

static void a_sort_is_that_of_the_c_library(void **state)
{
    (void)state;
    enum { MOST = 1000, COMPARISONS = 24 }; /* of an element: 2 log2 of 1000 is 20 */
    static const size_t counts[] = {0, 1, 2, 3, 4, 17, 64, MOST};
    for (size_t c = 0; c < CLH_COUNT(counts); c++)
        for (int kind = 0; kind < 4; kind++) {
            unsigned own[MOST], want[MOST];
            size_t comparisons = 0;
            for (size_t i = 0; i < counts[c]; i++)
                own[i] = want[i] = drawn(kind, i, counts[c]);
            qsort(want, counts[c], sizeof *want, by_size);
            clh_system_sort(own, counts[c], sizeof *own, by_size_counted, &comparisons);
            assert_memory_equal(own, want, counts[c] * sizeof *own);
            assert_true(comparisons <= COMPARISONS * counts[c]);
        }
}

/* ---- Tasks -------------------------------------------------------------------------------------
 */

typedef struct order {
    size_t count, workers;
} order;

static void next_task(void *context, size_t task, size_t worker)
{
    order *o = context;
    assert_int_equal(task, o->count++);
    o->workers = worker > o->workers ? worker : o->workers;
}

static clh_status odd_fails(void *context, size_t task, size_t worker, clh_error *err)
{
    next_task(context, task, worker);
    return task % 2 ? clh_fail(err, CLH_EIO, "task %zu", task) : CLH_OK;
}

static bool stop_at_five(size_t done, size_t count, void *user)
{
    (void)count, (void)user;
    return done < 5;
}

static void count_step(void *context, size_t task, size_t worker)
{
    (void)task, (void)worker;
    clh_stop_step(context);
}

static void the_caller_does_every_task_in_order(void **state)
{
    (void)state;
    clh_pool *pool = NULL;
    clh_error err = {0};
    order o = {0};
    assert_int_equal(clh_pool_open(&pool, 4, &err), CLH_OK);
    assert_int_equal(clh_pool_size(pool), 4);
    clh_pool_run(pool, 100, next_task, &o);
    assert_int_equal(o.count, 100);
    assert_int_equal(o.workers, 0);
    o = (order){0};
    assert_int_equal(clh_pool_try(pool, 10, odd_fails, &o, &err), CLH_EIO);
    assert_string_equal(err.message, "task 1");
    assert_int_equal(o.count, 10);
    clh_stop stop;
    const clh_watch watch = {stop_at_five, NULL};
    clh_stop_init(&stop, &watch, 100, "tasks");
    clh_pool_run_watched(pool, 100, count_step, &stop, &stop);
    assert_int_equal(clh_stop_end(&stop, &err), CLH_STOPPED);
    assert_string_equal(err.message, "stopped after 5 of 100 tasks");
    clh_pool_close(pool);
}

/* ---- Files -------------------------------------------------------------------------------------
 */

static void a_checkpoint_is_there_when_it_was_given(void **state)
{
    const temp_folder *folder = *state;
    clh_keeper *keeper = NULL;
    clh_error err = {0};
    char log[TEMP_PATH_MAX], own[TEMP_PATH_MAX], state_path[TEMP_PATH_MAX], text[2];
    size_t step = 0;
    temp_folder_put(folder, "log", "line\n", 5, log);
    const int handle = open(log, O_WRONLY | O_CLOEXEC);
    assert_int_equal(clh_keeper_open(&keeper, &err), CLH_OK);
    for (size_t i = 1; i <= 20; i++) {
        clh_kept kept = {.step = i, .log = handle, .log_path = log};
        char name[24];
        (void)snprintf(name, sizeof name, "step-%zu", i);
        assert_int_equal(clh_file_begin(&kept.own, temp_folder_path(folder, name, own), &err), 0);
        assert_int_equal(
            clh_file_begin(&kept.state, temp_folder_path(folder, "n", state_path), &err), 0);
        clh_file_write(kept.state, name, strlen(name));
        assert_int_equal(clh_keeper_give(keeper, &kept, &err), CLH_OK);
        assert_true(clh_path_exists(own));
        assert_int_equal(temp_file_get(state_path, text, sizeof text), strlen(name));
    }
    assert_int_equal(clh_keeper_wait(keeper, &err), CLH_OK);
    while (clh_keeper_next(keeper, &step))
        continue;
    assert_int_equal(step, 16);                      /* the first that nobody asked for */
    assert_int_equal(temp_folder_count(folder), 22); /* nothing temporary */
    clh_keeper_close(keeper);
    (void)close(handle);
}

static void a_lock_holds_nobody(void **state)
{
    char path[TEMP_PATH_MAX];
    int one, other;
    (void)temp_folder_path(*state, ".lock", path);
    assert_int_equal(clh_lock_take(&one, path, NULL), CLH_OK);
    assert_int_equal(clh_lock_take(&other, path, NULL), CLH_OK);
    clh_lock_release(one);
    clh_lock_release(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_no_threads),
        cmocka_unit_test(once_is_once),
        cmocka_unit_test(a_sort_is_that_of_the_c_library),
        cmocka_unit_test(the_caller_does_every_task_in_order),
        FOLDER_TEST(a_checkpoint_is_there_when_it_was_given),
        FOLDER_TEST(a_lock_holds_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
