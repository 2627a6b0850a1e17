/* Files brought into their places while something else goes on: all of them, or those before the
 * first that fails, with the reason. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/keeper.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/temp_folder.h"

enum { FILES = 2 };

typedef struct given {
    char path[FILES][TEMP_PATH_MAX], log_path[TEMP_PATH_MAX];
    clh_file *file[FILES];
    int log;
} given;

/* Two files that are written, "new" for "old", and a log. */
static given give(const temp_folder *folder)
{
    static const char *const name[] = {"a.txt", "b.txt"};
    given g;
    for (size_t i = 0; i < FILES; i++) {
        temp_folder_put(folder, name[i], "old", 3, g.path[i]);
        assert_int_equal(clh_file_begin(&g.file[i], g.path[i], NULL), CLH_OK);
        clh_file_write(g.file[i], "new", 3);
    }
    temp_folder_put(folder, "log", "line\n", 5, g.log_path);
    g.log = open(g.log_path, O_WRONLY | O_CLOEXEC);
    assert_true(g.log >= 0);
    return g;
}

static void assert_content(const char *path, const char *wanted)
{
    char bytes[16];
    assert_int_equal(temp_file_get(path, bytes, sizeof bytes), strlen(wanted));
    assert_memory_equal(bytes, wanted, strlen(wanted));
}

static void files_are_there_after_the_wait(void **state)
{
    clh_keeper *keeper = NULL;
    given g = give(*state);
    assert_int_equal(clh_keeper_open(&keeper, NULL), CLH_OK);
    assert_int_equal(clh_keeper_wait(keeper, NULL), CLH_OK); /* for nothing */
    assert_false(clh_keeper_busy(keeper));
    assert_content(g.path[0], "old");
    clh_keeper_give(keeper, g.log, g.log_path, g.file, FILES);
    assert_true(clh_keeper_busy(keeper));
    assert_int_equal(clh_keeper_wait(keeper, NULL), CLH_OK);
    assert_false(clh_keeper_busy(keeper));
    for (size_t i = 0; i < FILES; i++)
        assert_content(g.path[i], "new");
    assert_int_equal(temp_folder_count(*state), FILES + 1);
    clh_keeper_close(keeper);
    clh_keeper_close(NULL);
    (void)close(g.log);
}

static void closing_waits(void **state)
{
    clh_keeper *keeper = NULL;
    given g = give(*state);
    assert_int_equal(clh_keeper_open(&keeper, NULL), CLH_OK);
    clh_keeper_give(keeper, g.log, g.log_path, g.file, FILES);
    clh_keeper_close(keeper);
    for (size_t i = 0; i < FILES; i++)
        assert_content(g.path[i], "new");
    (void)close(g.log);
}

/* A folder now stands where a file should go. */
static void put_in_the_way(const char *path)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void nothing_comes_after_the_first_failure(void **state)
{
    for (size_t bad = 0; bad < FILES; bad++) {
        clh_keeper *keeper = NULL;
        clh_error err = {0};
        given g = give(*state);
        put_in_the_way(g.path[bad]);
        assert_int_equal(clh_keeper_open(&keeper, NULL), CLH_OK);
        clh_keeper_give(keeper, g.log, g.log_path, g.file, FILES);
        assert_int_equal(clh_keeper_wait(keeper, &err), CLH_EIO);
        assert_non_null(strstr(err.message, g.path[bad]));
        assert_content(g.path[1 - bad], bad == 0 ? "old" : "new");
        assert_int_equal(temp_folder_count(*state), FILES + 1);
        assert_int_equal(clh_keeper_wait(keeper, NULL), CLH_OK); /* it was said once */
        clh_keeper_close(keeper);
        (void)close(g.log);
        assert_int_equal(rmdir(g.path[bad]), 0);
    }
}

static void files_wait_for_the_log(void **state)
{
    clh_keeper *keeper = NULL;
    clh_error err = {0};
    given g = give(*state);
    (void)close(g.log);
    assert_int_equal(clh_keeper_open(&keeper, NULL), CLH_OK);
    clh_keeper_give(keeper, -1, g.log_path, g.file, FILES);
    assert_int_equal(clh_keeper_wait(keeper, &err), CLH_EIO);
    assert_non_null(strstr(err.message, g.log_path));
    for (size_t i = 0; i < FILES; i++)
        assert_content(g.path[i], "old");
    assert_int_equal(temp_folder_count(*state), FILES + 1);
    clh_keeper_close(keeper);
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
        FOLDER_TEST(files_are_there_after_the_wait),        FOLDER_TEST(closing_waits),
        FOLDER_TEST(nothing_comes_after_the_first_failure), FOLDER_TEST(files_wait_for_the_log),
        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
