/* safetensors files: written to the byte as the format says, read back as they were. */
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "clearhead/safetensors.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/raw_safetensors.h"
#include "support/temp_folder.h"

/* The checksum of these bytes in place of its sixteen zeros. */
static void sum_up(unsigned char *bytes, size_t length)
{
    clh_checksum sum;
    char digits[CLH_CHECKSUM_TEXT];
    clh_checksum_begin(&sum);
    clh_checksum_add(&sum, bytes, length);
    clh_checksum_end(&sum, digits);
    unsigned char *zeros = memmem(bytes, length, CLH_CHECKSUM_ZEROS, CLH_CHECKSUM_DIGITS);
    assert_non_null(zeros);
    memcpy(zeros, digits, CLH_CHECKSUM_DIGITS);
}

/* The example of the format, by hand: little-endian numbers after a header padded with spaces. */
static void bytes_are_those_of_the_format(void **state)
{
    static const char header[] =
        "{\"__metadata__\":{\"task\":\"permutations\",\"q\":\"\\\"\",\"checksum\":\"xxh3:0000000000000000\"},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},"
        "\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[12,12]}}"
        "       ";
    static const unsigned char data[12] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0x80, 0x7f};
    clh_real b[] = {1, -2}, a[] = {INFINITY};
    const clh_tensor tensors[] = {
        {.data = b, .rank = 2, .shape = {2, 1}, .name = "b"},
        {.data = a, .rank = 0, .name = "a"},
        {.data = NULL, .rank = 2, .shape = {0, 3}, .name = "e"},
    };
    const clh_pair metadata[] = {{"task", "permutations"}, {"q", "\""}};
    unsigned char wanted[512], found[512];
    char path[TEMP_PATH_MAX];
    assert_int_equal(strlen(header) % 8, 0);
    size_t length = raw_safetensors(wanted, sizeof wanted, header, data, sizeof data);
    sum_up(wanted, length);
    temp_folder_path(*state, "a.safetensors", path);
    assert_int_equal(clh_safetensors_write(path, tensors, 3, metadata, 2, NULL), CLH_OK);
    assert_int_equal(temp_file_get(path, found, sizeof found), length);
    assert_memory_equal(found, wanted, length);
    assert_int_equal(temp_folder_count(*state), 1);
}

static void no_tensors_and_no_metadata_are_a_checksum(void **state)
{
    static const char header[] = "{\"__metadata__\":{\"checksum\":\"xxh3:0000000000000000\"}}   ";
    unsigned char wanted[128], found[128];
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.safetensors", path);
    assert_int_equal(strlen(header) % 8, 0);
    size_t length = raw_safetensors(wanted, sizeof wanted, header, NULL, 0);
    sum_up(wanted, length);
    assert_int_equal(clh_safetensors_write(path, NULL, 0, NULL, 0, NULL), CLH_OK);
    assert_int_equal(temp_file_get(path, found, sizeof found), length);
    assert_memory_equal(found, wanted, length);
    clh_safetensors *file = NULL;
    clh_error err = {0};
    assert_int_equal(clh_safetensors_open(&file, path, NULL), CLH_OK);
    assert_int_equal(clh_safetensors_count(file), 0);
    assert_null(clh_safetensors_metadata(file, "task"));
    clh_tensor shape;
    assert_int_equal(clh_safetensors_describe(file, "a", &shape, NULL, &err), CLH_EINPUT);
    clh_safetensors_close(file);
    clh_safetensors_close(NULL);
}

enum { MANY = 9001 }; /* past two pieces of reading and writing */

static void what_was_written_is_read(void **state)
{
    static clh_real many[MANY], back[MANY];
    clh_real edge[] = {(clh_real)FLT_MAX, (clh_real)-FLT_MIN, (clh_real)0x1p-149, (clh_real)-0.0},
             edge_back[4];
    for (size_t i = 0; i < MANY; i++)
        many[i] = (clh_real)((float)i / 7 - 500);
    const clh_tensor out[] = {
        {.data = many, .rank = 4, .shape = {1, 1, MANY, 1}, .name = "blocks.0.attn.W_Q"},
        {.data = edge, .rank = 1, .shape = {4}, .name = "a\n\"name\" é"},
    };
    const clh_pair metadata[] = {{"config", "{\"n\": 4}\n"}, {"", ""}};
    char path[TEMP_PATH_MAX];
    clh_safetensors *file = NULL;
    temp_folder_path(*state, "a.safetensors", path);
    assert_int_equal(clh_safetensors_write(path, out, 2, metadata, 2, NULL), CLH_OK);
    assert_int_equal(clh_safetensors_open(&file, path, NULL), CLH_OK);
    assert_int_equal(clh_safetensors_count(file), 2);
    clh_tensor in[] = {out[0], out[1]};
    in[0].data = back;
    in[1].data = edge_back;
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(clh_safetensors_name(file, i), out[i].name);
        assert_int_equal(clh_safetensors_read(file, &in[i], NULL), CLH_OK);
    }
    assert_memory_equal(back, many, sizeof many);
    assert_memory_equal(edge_back, edge, sizeof edge);
    assert_string_equal(clh_safetensors_metadata(file, "config"), "{\"n\": 4}\n");
    assert_string_equal(clh_safetensors_metadata(file, ""), "");
    assert_null(clh_safetensors_metadata(file, "none"));
    clh_safetensors_close(file);
}

static void written_bytes_do_not_depend_on_what_was_there(void **state)
{
    clh_real value[] = {1, 2, 3};
    const clh_tensor tensor = {.data = value, .rank = 1, .shape = {3}, .name = "w"};
    unsigned char first[256], second[256];
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.safetensors", path);
    assert_int_equal(clh_safetensors_write(path, &tensor, 1, NULL, 0, NULL), CLH_OK);
    size_t length = temp_file_get(path, first, sizeof first);
    assert_int_equal(clh_safetensors_write(path, &tensor, 1, NULL, 0, NULL), CLH_OK);
    assert_int_equal(temp_file_get(path, second, sizeof second), length);
    assert_memory_equal(first, second, length);
}

static void numbers_that_are_not_finite_are_refused_unless_wanted(void **state)
{
    static const struct {
        clh_real number;
        const char *text;
    } row[] = {{INFINITY, "inf"}, {-INFINITY, "-inf"}, {NAN, "nan"}};
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.safetensors", path);
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_real value[6] = {0, 1, 2, 3, 4, row[i].number}, back[6];
        clh_tensor tensor = {.data = value, .rank = 2, .shape = {2, 3}, .name = "W_OV"};
        clh_safetensors *file = NULL;
        clh_error err = {0};
        char wanted[64];
        assert_int_equal(clh_safetensors_write(path, &tensor, 1, NULL, 0, NULL), CLH_OK);
        assert_int_equal(clh_safetensors_open(&file, path, NULL), CLH_OK);
        tensor.data = back;
        assert_int_equal(clh_safetensors_read(file, &tensor, &err), CLH_ENUMERIC);
        (void)snprintf(wanted, sizeof wanted, "W_OV is %s at [1, 2]", row[i].text);
        assert_non_null(strstr(err.message, wanted));
        assert_non_null(strstr(err.message, path));
        assert_int_equal(clh_safetensors_read_any(file, &tensor, NULL), CLH_OK);
        assert_true(isnan(row[i].number) ? isnan(back[5]) : back[5] == row[i].number);
        clh_safetensors_close(file);
    }
}

static void names_that_clash_are_not_written(void **state)
{
    clh_real value = 1;
    static const char *const clash[][3] = {
        {"a", "b", "a"}, {"b", "__metadata__", "a"}, {"x", "x", "y"}};
    char path[TEMP_PATH_MAX], kept[3];
    temp_folder_put(*state, "a.safetensors", "old", 3, path);
    for (size_t i = 0; i < CLH_COUNT(clash); i++) {
        clh_tensor tensors[3];
        clh_error err = {0};
        for (size_t k = 0; k < 3; k++)
            tensors[k] = (clh_tensor){.data = &value, .name = clash[i][k]};
        assert_int_equal(clh_safetensors_write(path, tensors, 3, NULL, 0, &err), CLH_EINPUT);
        assert_non_null(strstr(err.message, path));
        assert_non_null(strstr(err.message, i == 1 ? "__metadata__" : i == 0 ? "a of" : "x of"));
        assert_int_equal(temp_file_get(path, kept, 3), 3);
        assert_memory_equal(kept, "old", 3);
    }
    assert_int_equal(temp_folder_count(*state), 1);
}

static clh_status write_open_read(void *context)
{
    const char *path = context;
    clh_real value[] = {1, 2}, back[2];
    const clh_tensor tensors[] = {
        {.data = value, .rank = 1, .shape = {2}, .name = "a"},
        {.data = value, .rank = 2, .shape = {1, 2}, .name = "a longer name than the others"}};
    const clh_tensor into = {.data = back, .rank = 1, .shape = {2}, .name = "a"};
    const clh_pair pair = {"key", "value"};
    clh_safetensors *file = NULL;
    clh_error err = {0};
    clh_status status = clh_safetensors_write(path, tensors, 2, &pair, 1, &err);
    if (!status)
        status = clh_safetensors_open(&file, path, &err);
    if (!status)
        status = clh_safetensors_read(file, &into, &err);
    assert_true(!status || err.message[0]);
    clh_safetensors_close(file);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.safetensors", path);
    assert_true(failing_alloc_each(write_open_read, path) > 10);
    assert_int_equal(temp_folder_count(*state), 1);
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

static void no_memory_for_the_header_is_not_called_bad_json(void **state)
{
    unsigned char bytes[64];
    char path[TEMP_PATH_MAX];
    clh_safetensors *file = NULL;
    clh_error err = {0};
    size_t length = raw_safetensors(bytes, sizeof bytes, "{}", NULL, 0);
    temp_folder_put(*state, "a.safetensors", bytes, length, path);
    json_set_alloc_funcs(no_memory, free);
    clh_status status = clh_safetensors_open(&file, path, &err);
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(status, CLH_ENOMEM);
    assert_non_null(strstr(err.message, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(bytes_are_those_of_the_format),
        FOLDER_TEST(no_tensors_and_no_metadata_are_a_checksum),
        FOLDER_TEST(what_was_written_is_read),
        FOLDER_TEST(written_bytes_do_not_depend_on_what_was_there),
        FOLDER_TEST(numbers_that_are_not_finite_are_refused_unless_wanted),
        FOLDER_TEST(names_that_clash_are_not_written),
        FOLDER_TEST(every_allocation_may_fail),
        FOLDER_TEST(no_memory_for_the_header_is_not_called_bad_json),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
