/* One path as it is reached from another: where both are, where the folder is not made yet, and with each allocation
 * failing. */
#include <string.h>
#include <sys/stat.h>

#include "base/platform/file_system.h"
#include "clearhead/alloc.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/temp_folder.h"

typedef struct asked {
    char from[TEMP_PATH_MAX], to[TEMP_PATH_MAX];
    const char *wanted;
} asked;

static clh_status ask(void *context)
{
    const asked *a = context;
    clh_error err = {0};
    char *found = clh_path_from(a->from, a->to, &err);
    if (found && strcmp(found, a->wanted) != 0)
        fail_msg("from %s: %s, want %s", a->from, found, a->wanted);
    assert_true(!found == !!err.status);
    clh_free(found);
    return err.status;
}

static void a_path_is_reached_from_a_folder(void **state)
{
    static const struct {
        const char *from, *wanted;
    } rows[] = {
        {"x", "f"},
        {"x/", "f"},
        {"x/z", "../f"},
        {"y", "../x/f"},
        {"none", "../x/f"},
        {"none/deep//", "../../x/f"},
        {"x/none/deep", "../../f"},
        {"xx", "../x/f"}, /* the same letters are not the same folder */
        {".", "x/f"},
        {"y/../x", "f"},
    };
    const temp_folder *folder = *state;
    static const char *const made[] = {"x", "x/z", "y"};
    asked a;
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        assert_int_equal(mkdir(temp_folder_path(folder, made[i], a.from), 0777), 0);
    (void)temp_folder_put(folder, "x/f", "1", 1, a.to);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        a.wanted = rows[i].wanted;
        (void)temp_folder_path(folder, rows[i].from, a.from);
        assert_true(failing_alloc_each(ask, &a) > 2);
    }
}

/* Nothing in common but the root: the whole path. */
static void far_away_it_is_the_whole_path(void **state)
{
    const temp_folder *folder = *state;
    asked a = {.from = "/proc"};
    (void)temp_folder_put(folder, "f", "1", 1, a.to);
    char *whole = clh_path_whole(a.to, NULL);
    a.wanted = whole;
    assert_true(failing_alloc_each(ask, &a) > 1);
    clh_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_path_is_reached_from_a_folder),
        FOLDER_TEST(far_away_it_is_the_whole_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
