/* A file that is written is whole or not there, and what stood there before stays until then. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/platform/file.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/temp_folder.h"

static void assert_content(const char *path, const char *wanted)
{
    char bytes[64];
    assert_int_equal(temp_file_get(path, bytes, sizeof bytes), strlen(wanted));
    assert_memory_equal(bytes, wanted, strlen(wanted));
}

static void target_changes_at_commit_and_not_before(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_file *file = NULL;
    temp_folder_put(*state, "a.txt", "old", 3, path);
    assert_int_equal(clh_file_begin(&file, path, NULL), CLH_OK);
    clh_file_write(file, "new ", 4);
    clh_file_write(file, NULL, 0);
    clh_file_write(file, "text", 4);
    assert_content(path, "old");
    assert_int_equal(clh_file_commit(file, NULL), CLH_OK);
    assert_content(path, "new text");
    assert_int_equal(temp_folder_count(*state), 1);
}

static void abandoned_file_was_never_there(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_file *file = NULL;
    assert_int_equal(clh_file_begin(&file, temp_folder_path(*state, "a.txt", path), NULL), CLH_OK);
    clh_file_write(file, "x", 1);
    clh_file_abandon(file);
    clh_file_abandon(NULL);
    assert_int_equal(temp_folder_count(*state), 0);
}

static void new_file_has_the_mode_of_the_umask(void **state)
{
    char path[TEMP_PATH_MAX];
    struct stat info;
    mode_t before = umask(027);
    assert_int_equal(clh_file_write_text(temp_folder_path(*state, "a", path), "x", NULL), CLH_OK);
    (void)umask(before);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

enum { BLOCK = 100000, ROUNDS = 60 };

/* The writer alternates between two contents of different lengths. */
static int write_alternately(const char *path)
{
    static char block[2 * BLOCK];
    for (int i = 0; i < ROUNDS; i++) {
        clh_file *file = NULL;
        size_t length = i % 2 ? 2 * BLOCK : BLOCK;
        memset(block, i % 2 ? 'b' : 'a', length);
        if (clh_file_begin(&file, path, NULL))
            return 1;
        for (size_t at = 0; at < length; at += 1000)
            clh_file_write(file, block + at, 1000);
        if (clh_file_commit(file, NULL))
            return 2;
    }
    return 0;
}

static void reader_never_sees_half_a_file(void **state)
{
    static char bytes[2 * BLOCK], whole[2 * BLOCK];
    char path[TEMP_PATH_MAX];
    memset(whole, 'a', BLOCK);
    temp_folder_put(*state, "a.bin", whole, BLOCK, path);
    pid_t child = fork();
    if (child == 0)
        _exit(write_alternately(path));
    int result = -1;
    while (waitpid(child, &result, WNOHANG) == 0) {
        size_t length = temp_file_get(path, bytes, sizeof bytes);
        assert_true(length == BLOCK || length == sizeof bytes);
        memset(whole, length == BLOCK ? 'a' : 'b', length);
        assert_memory_equal(bytes, whole, length);
    }
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    assert_int_equal(temp_folder_count(*state), 1);
}

/* A limit on the size of files acts as a full disk: the write fails in the middle. */
static int write_to_full_disk(const char *path, size_t length)
{
    static char block[1000];
    const struct rlimit room = {20000, 20000};
    clh_file *file = NULL;
    clh_error err = {0};
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &room))
        return 1;
    if (clh_file_begin(&file, path, &err))
        return 2;
    for (size_t at = 0; at < length; at += sizeof block)
        clh_file_write(file, block, sizeof block);
    if (clh_file_commit(file, &err) != CLH_EIO || err.status != CLH_EIO)
        return 3;
    return strstr(err.message, path) && strstr(err.message, "File too large") &&
                   strstr(err.message, length > 50000 ? "(100 kB)" : "(21.0 kB)")
               ? 0
               : 4;
}

static void full_disk_leaves_what_was_there(void **state)
{
    static const size_t length[] = {21000, 100000}; /* fails when flushed; while written */
    char path[TEMP_PATH_MAX];
    temp_folder_put(*state, "a.txt", "old", 3, path);
    for (size_t i = 0; i < CLH_COUNT(length); i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(write_to_full_disk(path, length[i]));
        int result = -1;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), 0);
        assert_content(path, "old");
        assert_int_equal(temp_folder_count(*state), 1);
    }
}

static void target_that_cannot_be_is_named(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    const temp_folder *folder = *state;
    assert_int_equal(clh_file_write_text(temp_folder_path(folder, "no/a", path), "x", &err),
                     CLH_EIO);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "No such file or directory"));
    assert_int_equal(clh_file_write_text(folder->path, "x", &err), CLH_EIO);
    assert_non_null(strstr(err.message, "it is a folder, want a regular file"));
    assert_int_equal(temp_folder_count(folder), 0);
}

/* As root, renaming over /dev/null would replace it. */
static void pipe_or_device_is_not_replaced(void **state)
{
    char path[TEMP_PATH_MAX];
    struct stat info;
    clh_error err = {0};
    assert_int_equal(mkfifo(temp_folder_path(*state, "pipe", path), 0600), 0);
    assert_int_equal(clh_file_write_text(path, "x", &err), CLH_EIO);
    assert_non_null(strstr(err.message, "want a regular file"));
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(temp_folder_count(*state), 1);
}

static void two_writers_of_one_target_do_not_mix(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_file *one = NULL, *two = NULL;
    temp_folder_path(*state, "a.txt", path);
    assert_int_equal(clh_file_begin(&one, path, NULL), CLH_OK);
    assert_int_equal(clh_file_begin(&two, path, NULL), CLH_OK);
    clh_file_write(one, "first", 5);
    clh_file_write(two, "second", 6);
    assert_int_equal(clh_file_commit(two, NULL), CLH_OK);
    assert_content(path, "second");
    assert_int_equal(clh_file_commit(one, NULL), CLH_OK);
    assert_content(path, "first");
    assert_int_equal(temp_folder_count(*state), 1);
}

/* Nor one that a killed run of the same process number left behind. */
static void link_planted_at_the_temporary_name_is_not_followed(void **state)
{
    char path[TEMP_PATH_MAX], victim[TEMP_PATH_MAX], name[64], temporary[TEMP_PATH_MAX];
    temp_folder_put(*state, "victim", "safe", 4, victim);
    (void)snprintf(name, sizeof name, "a.tmp-%ld-0", (long)getpid());
    assert_int_equal(symlink(victim, temp_folder_path(*state, name, temporary)), 0);
    assert_int_equal(clh_file_write_text(temp_folder_path(*state, "a", path), "x", NULL), CLH_OK);
    assert_content(victim, "safe");
    assert_content(path, "x");
}

static clh_status write_a_file(void *path)
{
    return clh_file_write_text(path, "text", NULL);
}

static void every_allocation_of_a_write_may_fail(void **state)
{
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.txt", path);
    assert_int_equal(failing_alloc_each(write_a_file, path), 4);
    assert_content(path, "text");
    assert_int_equal(temp_folder_count(*state), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(target_changes_at_commit_and_not_before),
        FOLDER_TEST(abandoned_file_was_never_there),
        FOLDER_TEST(new_file_has_the_mode_of_the_umask),
        FOLDER_TEST(reader_never_sees_half_a_file),
        FOLDER_TEST(full_disk_leaves_what_was_there),
        FOLDER_TEST(target_that_cannot_be_is_named),
        FOLDER_TEST(pipe_or_device_is_not_replaced),
        FOLDER_TEST(two_writers_of_one_target_do_not_mix),
        FOLDER_TEST(link_planted_at_the_temporary_name_is_not_followed),
        FOLDER_TEST(every_allocation_of_a_write_may_fail),
    };
    return cmocka_run_group_tests_name("base file", tests, NULL, NULL);
}
