/* Files that lie: each is refused with one line that names the file, what was found and what was
 * wanted, and nothing is allocated on their word. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "clearhead/safetensors.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/raw_safetensors.h"
#include "support/temp_folder.h"

enum { FILE_MOST = 1 << 20, ALLOCATION_MOST = 1 << 12 };

static unsigned char file_bytes[FILE_MOST];

/* Open must fail with `status` and a line that holds the path and `text`. */
static void assert_refused(const char *path, clh_status status, const char *text)
{
    clh_safetensors *file = NULL;
    clh_error err = {0};
    clh_status found = clh_safetensors_open(&file, path, &err);
    if (found != status || !strstr(err.message, text) || !strstr(err.message, path))
        fail_msg("%d \"%s\", want %d \"%s\"", found, err.message, status, text);
    assert_null(file);
    assert_int_equal(err.status, status);
    for (const char *c = err.message; *c; c++)
        assert_true((unsigned char)*c >= 0x20);
    assert_int_equal(clh_safetensors_open(&file, path, NULL), status);
}

static void assert_header_refused(const temp_folder *folder, const char *header, size_t data,
                                  const char *text)
{
    char path[TEMP_PATH_MAX];
    size_t length = raw_safetensors(file_bytes, FILE_MOST, header, NULL, data);
    temp_folder_put(folder, "bad.safetensors", file_bytes, length, path);
    assert_refused(path, CLH_EFORMAT, text);
}

#define T(name, dtype, shape, offsets)                                                             \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
    const char *header;
    size_t data; /* bytes after the header */
    const char *text;
} lies[] = {
    /* not JSON, or not this JSON */
    {"", 0, "begins with nothing, want '{'"},
    {"[]", 0, "begins with another byte, want '{'"},
    {" {}", 0, "begins with another byte, want '{'"},
    {"{", 0, "not JSON"},
    {"{}}", 0, "not JSON"},
    {"{'a':1}", 0, "not JSON"},
    {"{\"a\":1,}", 0, "not JSON"},
    {"{\"a\xff\":1}", 0, "not JSON: unable to decode byte 0xff"},
    {"{\"\xc0\x80\":1}", 0, "not JSON: unable to decode"},
    {"{\"a\\u0000b\":1}", 0, "not JSON"},
    {"{\"a\nb\":1}", 0, "not JSON"},
    {"{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8, "duplicate"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F64\"}}", 4, "duplicate"},
    /* entries */
    {"{\"a\":7}", 0, "tensor a is 7, want an object"},
    {"{\"a\":null}", 0, "tensor a is null, want an object"},
    {"{\"a\":[1,2]}", 0, "tensor a is a list of 2, want an object"},
    {"{\"a\":{}}", 0, "tensor a: dtype is missing"},
    {"{\"a\":{\"dtype\":32}}", 0, "tensor a: dtype is 32, want text"},
    {"{" T("a", "F31", "[1]", "[0,4]") "}", 4, "tensor a: dtype is \"F31\", want F32"},
    {"{" T("a", "f32", "[1]", "[0,4]") "}", 4, "tensor a: dtype is \"f32\", want F32"},
    /* shapes */
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor a: shape is missing"},
    {"{" T("a", "F32", "1", "[0,4]") "}", 4, "tensor a: shape is 1, want a list"},
    {"{" T("a", "F32", "[-1]", "[0,4]") "}", 4, "tensor a: shape[0] is -1, want an integer"},
    {"{" T("a", "F32", "[1,1.0]", "[0,4]") "}", 4,
     "tensor a: shape[1] is the real 1, want an integer"},
    {"{" T("a", "F32", "[\"1\"]", "[0,4]") "}", 4, "tensor a: shape[0] is text, want an integer"},
    {"{" T("a", "F32", "[9223372036854775807]", "[0,4]") "}", 4, "more bytes than can be counted"},
    {"{" T("a", "F32", "[9223372036854775808]", "[0,4]") "}", 4, "not JSON: too big integer"},
    {"{" T("a", "U8", "[4294967296,4294967296,1]", "[0,0]") "}", 0,
     "tensor a: shape[1] is 4294967296, with which it has more bytes than can be counted"},
    {"{" T("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4, "more bytes than can be counted"},
    /* offsets */
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor a: data_offsets is missing"},
    {"{" T("a", "F32", "[1]", "{}") "}", 4, "data_offsets is an object, want [begin, end]"},
    {"{" T("a", "F32", "[1]", "[4]") "}", 4, "data_offsets is a list of 1, want [begin, end]"},
    {"{" T("a", "F32", "[1]", "[0,4,8]") "}", 4, "data_offsets is a list of 3, want [begin, end]"},
    {"{" T("a", "F32", "[1]", "[-4,0]") "}", 4, "data_offsets[0] is -4, want an integer from 0"},
    {"{" T("a", "F32", "[1]", "[0,4.5]") "}", 4,
     "data_offsets[1] is the real 4.5, want an integer"},
    {"{" T("a", "F32", "[1]", "[0,4e0]") "}", 4, "data_offsets[1] is the real 4, want an integer"},
    {"{" T("a", "F32", "[1]", "[0,1e999]") "}", 4, "not JSON: real number overflow"},
    {"{" T("a", "F32", "[1]", "[0,99999999999999999999]") "}", 4, "not JSON: too big integer"},
    {"{" T("a", "F32", "[1]", "[4,0]") "}", 4, "data_offsets are [4, 0], want 4 bytes"},
    {"{" T("a", "U8", "[9223372036854775807,2]", "[2,0]") "}", 0, /* 0 - 2 wraps to its size */
     "data_offsets are [2, 0], want 18446744073709551614 bytes"},
    {"{" T("a", "F32", "[3]", "[0,8]") "}", 8, "data_offsets are [0, 8], want 12 bytes"},
    {"{" T("a", "F64", "[1]", "[0,4]") "}", 4, "[0, 4], want 8 bytes as its dtype F64"},
    {"{" T("a", "F32", "[0]", "[0,4]") "}", 4, "[0, 4], want 0 bytes"},
    {"{" T("a", "F32", "[]", "[0,0]") "}", 0, "[0, 0], want 4 bytes"},
    {"{" T("a", "F32", "[2]", "[0,8]") "}", 4,
     "tensor a ends at byte 8 of the data, the file has 4"},
    {"{" T("a", "F32", "[1]", "[9223372036854775803,9223372036854775807]") "}", 4,
     "tensor a ends at byte 9223372036854775807 of the data, the file has 4"},
    /* all together */
    {"{" T("a", "F32", "[1]", "[4,8]") "}", 8, "tensor a begins at byte 4 of the data, want 0"},
    {"{" T("b", "F32", "[1]", "[8,12]") "," T("a", "F32", "[1]", "[0,4]") "}", 12,
     "tensor b begins at byte 8 of the data, want 4"},
    {"{" T("a", "F32", "[2]", "[0,8]") "," T("b", "F32", "[1]", "[4,8]") "}", 8,
     "tensor b begins at byte 4 of the data, want 8"},
    {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4,
     "tensor b begins at byte 0 of the data, want 4"},
    {"{" T("a", "F32", "[2]", "[0,8]") "," T("e", "F32", "[0]", "[4,4]") "}", 8,
     "tensor e begins at byte 4 of the data, want 8"},
    {"{" T("a", "F32", "[1]", "[0,4]") "}", 5,
     "the tensors end at byte 4 of the data, the file has 5"},
    {"{}", 1, "the tensors end at byte 0 of the data, the file has 1"},
    /* metadata */
    {"{\"__metadata__\":[]}", 0, "__metadata__ is a list of 0, want an object"},
    {"{\"__metadata__\":{\"a\":\"b\",\"n\":4}}", 0, "__metadata__ n is 4, want text"},
    {"{\"__metadata__\":{\"c\":{\"d\":\"e\"}}}", 0, "__metadata__ c is an object, want text"},
};

static void every_lie_is_named(void **state)
{
    for (size_t i = 0; i < CLH_COUNT(lies); i++)
        assert_header_refused(*state, lies[i].header, lies[i].data, lies[i].text);
}

/* Depth alone must not use up the stack. */
static void nesting_without_end_is_refused(void **state)
{
    static const char *const opening[] = {"[", "{\"a\":"};
    for (size_t k = 0; k < CLH_COUNT(opening); k++) {
        static char header[FILE_MOST / 2];
        size_t used = (size_t)snprintf(header, sizeof header, "{\"a\":");
        while (used + 8 < sizeof header)
            used += (size_t)snprintf(header + used, sizeof header - used, "%s", opening[k]);
        assert_header_refused(*state, header, 0, "not JSON: maximum parsing depth reached");
    }
}

/* Nor are they cut inside a character, here of two bytes, wherever it begins. */
static void names_from_outside_stay_short_and_printable(void **state)
{
    static const char *const ends[] = {"end", "end "};
    for (size_t i = 0; i < CLH_COUNT(ends); i++) {
        static char header[4096];
        char text[64], name[2001];
        for (size_t k = 0; k + 1 < sizeof name; k += 2)
            memcpy(name + k, "é", 2);
        name[sizeof name - 1] = '\0';
        (void)snprintf(header, sizeof header, "{\"%s\\u001b[2J\\n%s%s\":1}", ends[i], name,
                       ends[i]);
        (void)snprintf(text, sizeof text, "éé%s is 1, want an object", ends[i]);
        assert_header_refused(*state, header, 0, text);
        (void)snprintf(text, sizeof text, "tensor %s?[2J?éé", ends[i]);
        assert_header_refused(*state, header, 0, text);
        assert_header_refused(*state, header, 0, "éé...éé");
    }
}

static void short_files_are_refused(void **state)
{
    char path[TEMP_PATH_MAX], text[64];
    for (size_t length = 1; length < 8; length++) {
        temp_folder_put(*state, "short.safetensors", "\x02\0\0\0\0\0\0", length, path);
        (void)snprintf(text, sizeof text, "%zu bytes long, want at least 8", length);
        assert_refused(path, CLH_EFORMAT, text);
    }
}

/* Every prefix of a good file is bad. */
static void truncated_files_are_refused(void **state)
{
    char path[TEMP_PATH_MAX];
    const char *header = "{\"__metadata__\":{\"a\":\"b\"}," T("w", "F32", "[2]", "[0,8]") "}  ";
    size_t whole = raw_safetensors(file_bytes, FILE_MOST, header, NULL, 8);
    clh_safetensors *file = NULL;
    for (size_t length = 0; length < whole; length++) {
        temp_folder_put(*state, "cut.safetensors", file_bytes, length, path);
        assert_refused(path, CLH_EFORMAT, "");
    }
    temp_folder_put(*state, "cut.safetensors", file_bytes, whole, path);
    assert_int_equal(clh_safetensors_open(&file, path, NULL), CLH_OK);
    clh_safetensors_close(file);
}

static void header_length_is_checked_before_it_is_believed(void **state)
{
    static const struct {
        uint64_t length;
        off_t size; /* of the file, with a hole after the length */
        const char *text;
    } row[] = {
        {(uint64_t)1 << 60, 100, "said to be 1152921504606846976 bytes, the file has 92"},
        {UINT64_MAX, 100, "said to be 18446744073709551615 bytes, the file has 92"},
        {93, 100, "said to be 93 bytes, the file has 92"},
        {(uint64_t)1 << 60, (off_t)1 << 32, "said to be 1152921504606846976 bytes"},
        {100000001, (off_t)1 << 32, "is 100000001 bytes, want at most 100000000"},
    };
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        unsigned char bytes[8];
        char path[TEMP_PATH_MAX];
        failing_alloc alloc;
        for (size_t k = 0; k < 8; k++)
            bytes[k] = (unsigned char)(row[i].length >> 8 * k & 0xff);
        temp_folder_put(*state, "lie.safetensors", bytes, 8, path);
        assert_int_equal(truncate(path, row[i].size), 0);
        failing_alloc_install(&alloc, 0);
        assert_refused(path, CLH_EFORMAT, row[i].text);
        failing_alloc_remove(&alloc);
        assert_true(alloc.largest < ALLOCATION_MOST);
        assert_int_equal(alloc.live, 0);
    }
}

/* A header within the limits, of a file as long as it says, may still be too much once parsed. */
static void header_too_large_for_the_process_is_refused(void **state)
{
    char path[TEMP_PATH_MAX];
    struct rlimit before, low;
    temp_folder_put(*state, "large.safetensors", "\0\xe1\xf5\x05\0\0\0\0", 8, path); /* 10^8 */
    assert_int_equal(truncate(path, 8 + 100000000), 0);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    low = before;
    low.rlim_cur = 1000000000;
    clh_safetensors *file = NULL;
    clh_error err = {0};
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    const clh_status status = clh_safetensors_open(&file, path, &err);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(status, CLH_ENOMEM);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "its header needs 8.0 GB of memory"));
}

static void claimed_data_is_not_allocated(void **state)
{
    failing_alloc alloc;
    failing_alloc_install(&alloc, 0);
    assert_header_refused(*state, "{" T("a", "U8", "[1099511627776]", "[0,1099511627776]") "}", 4,
                          "ends at byte 1099511627776 of the data, the file has 4");
    failing_alloc_remove(&alloc);
    assert_true(alloc.largest < ALLOCATION_MOST);
    assert_int_equal(alloc.live, 0);
}

static void what_is_not_a_file_is_refused(void **state)
{
    const temp_folder *folder = *state;
    char path[TEMP_PATH_MAX];
    assert_refused(temp_folder_path(folder, "none", path), CLH_EIO, "No such file or directory");
    assert_refused(folder->path, CLH_EIO, "a folder, want a regular file");
    assert_refused("/dev/zero", CLH_EIO, "a device or pipe, want a regular file");
    assert_int_equal(mkfifo(temp_folder_path(folder, "pipe", path), 0600), 0);
    (void)alarm(600); /* opening a pipe must not wait for a writer */
    assert_refused(path, CLH_EIO, "a device or pipe, want a regular file");
    (void)alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_lie_is_named),
        FOLDER_TEST(nesting_without_end_is_refused),
        FOLDER_TEST(names_from_outside_stay_short_and_printable),
        FOLDER_TEST(short_files_are_refused),
        FOLDER_TEST(truncated_files_are_refused),
        FOLDER_TEST(header_length_is_checked_before_it_is_believed),
        FOLDER_TEST(header_too_large_for_the_process_is_refused),
        FOLDER_TEST(claimed_data_is_not_allocated),
        FOLDER_TEST(what_is_not_a_file_is_refused),
    };
    return cmocka_run_group_tests_name("safetensors bad", tests, NULL, NULL);
}
