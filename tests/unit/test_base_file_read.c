/* Files are read to their end or their limit; folders are made; locks end with their process. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/platform/file.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/temp_folder.h"

static void file_reads_whole_and_terminated(void **state)
{
    char path[TEMP_PATH_MAX], *bytes = NULL;
    static char big[200001];
    size_t length = 0;
    memset(big, 'z', sizeof big);
    temp_folder_put(*state, "a", big, sizeof big, path);
    assert_int_equal(clh_file_read(&bytes, &length, path, SIZE_MAX, NULL), CLH_OK);
    assert_int_equal(length, sizeof big);
    assert_memory_equal(bytes, big, sizeof big);
    assert_int_equal(bytes[length], '\0');
    clh_free(bytes);
    temp_folder_put(*state, "a", "", 0, path);
    assert_int_equal(clh_file_read(&bytes, &length, path, 0, NULL), CLH_OK);
    assert_int_equal(length, 0);
    assert_string_equal(bytes, "");
    clh_free(bytes);
}

static void text_has_no_zero_byte(void **state)
{
    char path[TEMP_PATH_MAX], *text = NULL;
    clh_error err = {0};
    temp_folder_put(*state, "a", "one\0two", 7, path);
    assert_int_equal(clh_file_read_text(&text, path, 7, &err), CLH_EFORMAT);
    assert_null(text);
    assert_non_null(strstr(err.message, "has a zero byte at byte 3, want text"));
    assert_int_equal(clh_file_write_text(path, "one", NULL), CLH_OK);
    assert_int_equal(clh_file_read_text(&text, path, 3, NULL), CLH_OK);
    assert_string_equal(text, "one");
    clh_free(text);
}

static void limit_is_kept_to_the_byte(void **state)
{
    char path[TEMP_PATH_MAX], *bytes = NULL;
    size_t length = 0;
    clh_error err = {0};
    temp_folder_put(*state, "a", "0123456789", 10, path);
    assert_int_equal(clh_file_read(&bytes, &length, path, 10, NULL), CLH_OK);
    clh_free(bytes);
    bytes = NULL;
    assert_int_equal(clh_file_read(&bytes, &length, path, 9, &err), CLH_EFORMAT);
    assert_null(bytes);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "larger than 9 bytes"));
}

/* Without a size to know beforehand: an endless device up to the limit, /proc to its end. */
static void file_without_a_size_is_read_to_its_end_or_limit(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t length = 0;
    assert_int_equal(clh_file_read(&bytes, &length, "/dev/zero", 300000, NULL), CLH_EFORMAT);
    failing_alloc alloc;
    failing_alloc_install(&alloc, 0);
    const clh_status status = clh_file_read(&bytes, &length, "/dev/zero", 100, NULL);
    failing_alloc_remove(&alloc);
    assert_int_equal(status, CLH_EFORMAT);
    assert_int_equal(alloc.live, 0);
    assert_true(alloc.largest <= 1 << 16);
    assert_int_equal(clh_file_read(&bytes, &length, "/proc/self/status", 1 << 20, NULL), CLH_OK);
    assert_int_equal(strncmp(bytes, "Name:", 5), 0);
    assert_int_equal(bytes[length], '\0');
    clh_free(bytes);
}

static void what_cannot_be_read_is_named(void **state)
{
    const temp_folder *folder = *state;
    char path[TEMP_PATH_MAX], *bytes = NULL;
    size_t length = 0;
    clh_error err = {0};
    temp_folder_path(folder, "none", path);
    assert_int_equal(clh_file_read(&bytes, &length, path, 10, &err), CLH_EIO);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(clh_file_read(&bytes, &length, folder->path, 10, &err), CLH_EIO);
    assert_non_null(strstr(err.message, "Is a directory"));
    assert_null(bytes);
}

static clh_status read_status_file(void *context)
{
    (void)context;
    char *bytes = NULL;
    size_t length = 0;
    clh_status status = clh_file_read(&bytes, &length, "/proc/self/status", 1 << 20, NULL);
    if (!status)
        clh_free(bytes);
    return status;
}

static void every_allocation_of_a_read_may_fail(void **state)
{
    (void)state;
    assert_true(failing_alloc_each(read_status_file, NULL) > 3);
}

static void folders_are_made_down_to_the_last(void **state)
{
    const temp_folder *folder = *state;
    char path[TEMP_PATH_MAX], file[TEMP_PATH_MAX], below[TEMP_PATH_MAX];
    clh_error err = {0};
    temp_folder_path(folder, "a//b/c/", path);
    assert_false(clh_path_exists(path));
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(clh_folder_make(path, NULL), CLH_OK);
        assert_true(clh_path_exists(path));
    }
    assert_int_equal(clh_folder_make("/", NULL), CLH_OK);
    temp_folder_put(folder, "file", "x", 1, file);
    assert_int_equal(clh_folder_make(temp_folder_path(folder, "file/x", below), &err), CLH_EIO);
    assert_non_null(strstr(err.message, file));
    assert_int_equal(clh_folder_make("", &err), CLH_EIO);
}

static clh_status join_a_path(void *context)
{
    (void)context;
    clh_error err = {0};
    clh_free(clh_path_join("a", "b", &err));
    return err.status;
}

static void joined_path_has_one_slash(void **state)
{
    (void)state;
    static const char *const row[][3] = {
        {"runs", "a", "runs/a"}, {"runs/", "a", "runs/a"}, {"/", "a", "/a"}, {"", "a", "a"}};
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        char *path = clh_path_join(row[i][0], row[i][1], NULL);
        assert_string_equal(path, row[i][2]);
        clh_free(path);
    }
    assert_int_equal(failing_alloc_each(join_a_path, NULL), 1);
}

/* Child: take the lock, say so, wait to be killed. */
static void hold_lock(const char *path, int say)
{
    int handle;
    char answer = clh_lock_take(&handle, path, NULL) ? 'n' : 'y';
    if (write(say, &answer, 1) == 1)
        (void)pause();
    _exit(0);
}

static void lock_is_refused_to_others_until_its_process_dies(void **state)
{
    char path[TEMP_PATH_MAX], answer = 0;
    int pipe_ends[2], handle = 7, other = 7;
    clh_error err = {0};
    temp_folder_path(*state, "lock", path);
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0)
        hold_lock(path, pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &answer, 1), 1);
    const clh_status refused = clh_lock_take(&handle, path, &err);
    const int while_refused = handle;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
    assert_int_equal(answer, 'y');
    assert_int_equal(refused, CLH_EBUSY);
    assert_int_equal(while_refused, -1);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(clh_lock_take(&handle, path, NULL), CLH_OK);
    assert_int_equal(clh_lock_take(&other, path, NULL), CLH_EBUSY);
    clh_lock_release(handle);
    assert_int_equal(clh_lock_take(&handle, path, NULL), CLH_OK);
    clh_lock_release(handle);
    clh_lock_release(-1);
}

static void lock_that_cannot_be_is_named(void **state)
{
    char path[TEMP_PATH_MAX];
    int handle = 7;
    clh_error err = {0};
    temp_folder_path(*state, "no/lock", path);
    assert_int_equal(clh_lock_take(&handle, path, &err), CLH_EIO);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(handle, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(file_reads_whole_and_terminated),
        FOLDER_TEST(text_has_no_zero_byte),
        FOLDER_TEST(limit_is_kept_to_the_byte),
        FOLDER_TEST(file_without_a_size_is_read_to_its_end_or_limit),
        FOLDER_TEST(what_cannot_be_read_is_named),
        FOLDER_TEST(every_allocation_of_a_read_may_fail),
        FOLDER_TEST(folders_are_made_down_to_the_last),
        FOLDER_TEST(joined_path_has_one_slash),
        FOLDER_TEST(lock_is_refused_to_others_until_its_process_dies),
        FOLDER_TEST(lock_that_cannot_be_is_named),
    };
    return cmocka_run_group_tests_name("base file read", tests, NULL, NULL);
}
