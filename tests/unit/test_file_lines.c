/* Lines of a file, from its beginning and from its end: the same lines, whatever their lengths and
 * wherever blocks of the reader end. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/platform/file_lines.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/temp_folder.h"

enum { BLOCK = 1 << 16, TEXT_MOST = 8 * BLOCK };

static char text[TEXT_MOST];

/* Where the whole lines of text[0 … length-1] begin and end, newlines not counted. */
typedef struct line {
    size_t begin, end;
} line;

static size_t cut(size_t length, line *out)
{
    size_t count = 0, begin = 0;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\n') {
            out[count++] = (line){begin, i};
            begin = i + 1;
        }
    return count;
}

static void assert_lines(void **state, size_t length)
{
    static line want[TEXT_MOST];
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_lines *lines = NULL;
    const char *at;
    size_t got;
    uint64_t end;
    const size_t count = cut(length, want);
    temp_folder_put(*state, "lines", text, length, path);
    must(clh_lines_open(&lines, path, &err), &err);
    for (size_t i = 0; i < count; i++) {
        must(clh_lines_next(lines, &at, &got, &err), &err);
        assert_int_equal(got, want[i].end - want[i].begin);
        assert_memory_equal(at, text + want[i].begin, got);
    }
    assert_int_equal(clh_lines_next(lines, &at, &got, &err), CLH_NO);
    assert_int_equal(clh_lines_next(lines, &at, &got, &err), CLH_NO);
    clh_lines_close(lines);
    must(clh_lines_open(&lines, path, &err), &err);
    for (size_t i = count; i-- > 0;) {
        must(clh_lines_last(lines, &at, &got, &end, &err), &err);
        assert_int_equal(got, want[i].end - want[i].begin);
        assert_int_equal(end, want[i].end + 1);
        assert_memory_equal(at, text + want[i].begin, got);
    }
    assert_int_equal(clh_lines_last(lines, &at, &got, &end, &err), CLH_NO);
    assert_int_equal(clh_lines_last(lines, &at, &got, &end, &err), CLH_NO);
    clh_lines_close(lines);
}

static void small_files(void **state)
{
    static const char *const whole[] = {"",         "\n",     "a",       "a\n",   "a\nb",
                                        "a\n\nb\n", "\n\n\n", "\na\n\n", "\nhalf"};
    for (size_t i = 0; i < CLH_COUNT(whole); i++) {
        memcpy(text, whole[i], strlen(whole[i]));
        assert_lines(state, strlen(whole[i]));
    }
}

/* Lines that end just before, at and behind the ends of blocks, and lines of several blocks. */
static void lines_at_the_ends_of_blocks(void **state)
{
    for (size_t newline = BLOCK - 2; newline <= BLOCK + 2; newline++)
        for (size_t length = 2 * BLOCK - 2; length <= 2 * BLOCK + 2; length++) {
            memset(text, 'x', length);
            text[newline] = '\n';
            assert_lines(state, length); /* half a line behind it */
            text[length - 1] = '\n';
            assert_lines(state, length);
        }
    memset(text, 'y', TEXT_MOST);
    assert_lines(state, TEXT_MOST);
    text[TEXT_MOST - 1] = '\n';
    assert_lines(state, TEXT_MOST);
    text[5] = '\n';
    assert_lines(state, TEXT_MOST);
}

static void lines_of_all_lengths(void **state)
{
    for (uint64_t round = 0; round < 12; round++) {
        uint32_t word[4];
        size_t length = 0;
        clh_random_words(3, 0, round, word);
        const size_t total = 1 + word[0] % (TEXT_MOST - 1);
        for (uint64_t i = 0; length < total; i++) {
            clh_random_words(3, 1 + round, i, word);
            size_t more = word[0] % (word[1] % 50 ? 200 : 3 * BLOCK);
            more = more < total - length ? more : total - length;
            memset(text + length, 'a' + (int)(i % 26), more);
            length += more;
            if (length < total)
                text[length++] = '\n';
        }
        assert_lines(state, total);
    }
}

static clh_status read_both_ways(void *path)
{
    clh_lines *lines = NULL;
    const char *at;
    size_t got;
    uint64_t end;
    clh_status status = clh_lines_open(&lines, path, NULL);
    while (!status)
        status = clh_lines_next(lines, &at, &got, NULL);
    clh_lines_close(lines);
    lines = NULL;
    status = status == CLH_NO ? clh_lines_open(&lines, path, NULL) : status;
    while (!status)
        status = clh_lines_last(lines, &at, &got, &end, NULL);
    clh_lines_close(lines);
    return status == CLH_NO ? CLH_OK : status;
}

static void memory_may_run_out(void **state)
{
    char path[TEMP_PATH_MAX];
    memset(text, 'z', TEXT_MOST);
    text[TEXT_MOST - 1] = '\n';
    temp_folder_put(*state, "lines", text, TEXT_MOST, path);
    assert_true(failing_alloc_each(read_both_ways, path) > 8);
}

/* Of a large file no more than a block and a line is in memory. */
static void memory_is_that_of_a_line(void **state)
{
    char path[TEMP_PATH_MAX];
    failing_alloc counted;
    memset(text, 'w', TEXT_MOST);
    for (size_t i = 999; i < TEXT_MOST; i += 1000)
        text[i] = '\n';
    temp_folder_put(*state, "lines", text, TEXT_MOST, path);
    failing_alloc_install(&counted, 0);
    assert_int_equal(read_both_ways(path), CLH_OK);
    assert_false(failing_alloc_remove(&counted));
    assert_true(counted.largest <= (size_t)2 * BLOCK);
}

static void what_cannot_be_read_is_named(void **state)
{
    clh_error err = {0};
    clh_lines *lines = NULL;
    char pipe[TEMP_PATH_MAX];
    assert_int_equal(clh_lines_open(&lines, "/proc/nowhere", &err), CLH_EIO);
    assert_non_null(strstr(err.message, "/proc/nowhere"));
    assert_int_equal(clh_lines_open(&lines, ((temp_folder *)*state)->path, &err), CLH_EIO);
    assert_non_null(strstr(err.message, "it is a folder, want a regular file"));
    assert_int_equal(mkfifo(temp_folder_path(*state, "pipe", pipe), 0600), 0);
    assert_int_equal(clh_lines_open(&lines, pipe, &err), CLH_EIO); /* and waits for nobody */
    assert_non_null(strstr(err.message, "it is a device or pipe, want a regular file"));
    clh_lines_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(small_files),
        FOLDER_TEST(lines_at_the_ends_of_blocks),
        FOLDER_TEST(lines_of_all_lengths),
        FOLDER_TEST(memory_may_run_out),
        FOLDER_TEST(memory_is_that_of_a_line),
        FOLDER_TEST(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
