/* A folder may be filled when nothing of anybody's is in it, or when that is wanted; a file, the root and
 * what the current folder is in never. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "run/folder/folder.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/temp_folder.h"

static void may(const char *path, clh_status plain, clh_status forced, const char *said)
{
    clh_error err = {0};
    assert_int_equal(clh_folder_check_empty(path, false, &err), plain);
    if (said)
        assert_non_null(strstr(err.message, said));
    assert_int_equal(clh_folder_check_empty(path, true, &err), forced);
}

static void what_is_above_is_never_filled(void **state)
{
    (void)state;
    may("/", CLH_EBUSY, CLH_EBUSY, "/ is the root of all folders");
    may("//", CLH_EBUSY, CLH_EBUSY, "// is the root of all folders");
    may("/..", CLH_EBUSY, CLH_EBUSY, "the root");
    may("..", CLH_EBUSY, CLH_EBUSY, "which holds the folder you are in");
    may("../", CLH_EBUSY, CLH_EBUSY, "which holds the folder you are in");
}

static void what_somebody_has_in_it_is_asked_for(void **state)
{
    static const char *const ours[] = {".lock", "config.json.tmp-7-0"};
    char path[TEMP_PATH_MAX], inner[TEMP_PATH_MAX], file[TEMP_PATH_MAX];
    temp_folder_path(*state, "run", path);
    may(path, CLH_OK, CLH_OK, NULL);
    assert_int_equal(mkdir(path, 0777), 0);
    may(path, CLH_OK, CLH_OK, NULL);
    for (size_t i = 0; i < CLH_COUNT(ours); i++) {
        (void)snprintf(inner, sizeof inner, "run/%s", ours[i]);
        (void)temp_folder_put(*state, inner, "x", 1, file);
        may(path, CLH_OK, CLH_OK, NULL);
    }
    temp_folder_path(*state, "run/checkpoints", inner);
    assert_int_equal(mkdir(inner, 0777), 0);
    may(path, CLH_OK, CLH_OK, NULL);
    (void)temp_folder_put(*state, "run/checkpoints/x", "x", 1, file);
    may(path, CLH_EBUSY, CLH_OK, "is not empty (checkpoints): name another folder");
    (void)temp_folder_put(*state, "run/b", "x", 1, file);
    (void)temp_folder_put(*state, "run/a", "x", 1, file);
    may(path, CLH_EBUSY, CLH_OK, "is not empty (a and more): name another folder");
    may(file, CLH_EIO, CLH_EIO, "is a file");
}

static clh_status look(void *path)
{
    return clh_folder_check_empty(path, false, NULL);
}

static void memory_that_fails_is_said(void **state)
{
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "run", path);
    assert_int_equal(mkdir(path, 0777), 0);
    temp_folder_path(*state, "run/figures", path);
    assert_int_equal(mkdir(path, 0777), 0);
    temp_folder_path(*state, "run", path);
    assert_true(failing_alloc_each(look, path) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_above_is_never_filled),
        FOLDER_TEST(what_somebody_has_in_it_is_asked_for),
        FOLDER_TEST(memory_that_fails_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
