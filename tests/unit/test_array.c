/* An array of a file is the numbers its indices name, whatever the dimensions and the writer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/npz.h"
#include "file/array_stream.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/temp_folder.h"

enum { A = 3, B = 4, C = 5, D = 2, COUNT = A * B * C * D };

static const size_t some[CLH_RANK_MAX][3] = {{2, 0, 2}, {3, 1, 0}, {4, 4, 0}, {1, 0, 1}};

typedef struct heap {
    unsigned char bytes[16384];
    size_t length;
} heap;

static void keep(void *user, const void *bytes, size_t length)
{
    heap *h = user;
    assert_true(h->length + length <= sizeof h->bytes);
    memcpy(h->bytes + h->length, bytes, length);
    h->length += length;
}

/* Index into the memory of number (a, b, c, d) of the selection; `mask` says which are selected. */
static size_t at(unsigned mask, size_t a, size_t b, size_t c, size_t d)
{
    const size_t place[4] = {mask & 1 ? some[0][a] : a, mask & 2 ? some[1][b] : b,
                             mask & 4 ? some[2][c] : c, mask & 8 ? some[3][d] : d};
    return ((place[0] * B + place[1]) * C + place[2]) * D + place[3];
}

static void every_selection_is_what_its_indices_name(void **state)
{
    int32_t numbers[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++)
        numbers[i] = i * 1000003;
    for (unsigned mask = 0; mask < 16; mask++) {
        clh_array array = clh_array_vector("x", CLH_I32, numbers, COUNT);
        const size_t shape[CLH_RANK_MAX] = {A, B, C, D};
        array.rank = 4;
        memcpy(array.shape, shape, sizeof shape);
        memcpy(array.extent, shape, sizeof shape);
        for (size_t d = 0; d < 4; d++)
            if (mask >> d & 1)
                clh_array_select(&array, d, some[d], 3);
        static heap h;
        h.length = 0;
        clh_array_stream(&array, keep, &h);
        assert_int_equal(h.length, clh_array_bytes(&array));
        const unsigned char *byte = h.bytes;
        for (size_t a = 0; a < array.shape[0]; a++)
            for (size_t b = 0; b < array.shape[1]; b++)
                for (size_t c = 0; c < array.shape[2]; c++)
                    for (size_t d = 0; d < array.shape[3]; d++, byte += 4) {
                        const uint32_t got = (uint32_t)byte[0] | (uint32_t)byte[1] << 8 |
                                             (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
                        assert_int_equal(got, (uint32_t)numbers[at(mask, a, b, c, d)]);
                    }
    }
}

static void doubles_are_narrowed_where_floats_are_wanted(void **state)
{
    const double numbers[] = {1.0 / 3, -2e300, 5};
    clh_array array = clh_array_vector("x", CLH_F64, numbers, 3);
    static heap h;
    float got[3];
    (void)state;
    array.dtype = CLH_F32;
    h.length = 0;
    clh_array_stream(&array, keep, &h);
    assert_int_equal(h.length, sizeof got);
    memcpy(got, h.bytes, sizeof got);
    assert_true(got[0] == 1.0F / 3 && isinf(got[1]) && got[2] == 5);
}

/* Row by row, and of each row the columns that are chosen. */
static void a_matrix_has_two_dimensions(void **state)
{
    const double numbers[2][3] = {{1, 2, 3}, {4, 5, 6}}, want[] = {3, 1, 6, 4};
    const size_t columns[] = {2, 0};
    clh_array array = clh_array_matrix("u", CLH_F64, numbers, 2, 3);
    static heap h;
    (void)state;
    assert_int_equal(array.rank, 2);
    assert_int_equal(clh_array_count(&array), 6);
    clh_array_select(&array, 1, columns, 2);
    h.length = 0;
    clh_array_stream(&array, keep, &h);
    assert_int_equal(h.length, sizeof want);
    assert_memory_equal(h.bytes, want, sizeof want);
}

/* Block by block, and of each block the rows that are chosen. */
static void a_cube_has_three_dimensions(void **state)
{
    const double numbers[2][2][2] = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}, want[] = {3, 4, 7, 8};
    const size_t rows[] = {1};
    clh_array array = clh_array_cube("u", CLH_F64, numbers, 2, 2, 2);
    static heap h;
    (void)state;
    assert_int_equal(array.rank, 3);
    assert_int_equal(clh_array_count(&array), 8);
    clh_array_select(&array, 1, rows, 1);
    h.length = 0;
    clh_array_stream(&array, keep, &h);
    assert_int_equal(h.length, sizeof want);
    assert_memory_equal(h.bytes, want, sizeof want);
}

/* More than one piece, a single number, nothing at all: both writers, and what is there after. */
static void files_hold_what_is_streamed(void **state)
{
    static clh_real large[9001];
    const int64_t one = -5;
    clh_error err = {0};
    char path[TEMP_PATH_MAX];
    for (size_t i = 0; i < CLH_COUNT(large); i++)
        large[i] = (clh_real)i;
    clh_array arrays[3] = {
        clh_array_vector("one", CLH_I64, &one, 1),
        clh_array_of(
            &(clh_tensor){.data = large, .rank = 1, .shape = {CLH_COUNT(large)}, .name = "large"}),
        clh_array_of(&(clh_tensor){.rank = 2, .shape = {0, 3}, .name = "none"})};
    arrays[0].rank = 0;
    arrays[1].dtype = arrays[2].dtype = CLH_F32;
    temp_folder_path(*state, "a.safetensors", path);
    must(clh_safetensors_write_arrays(path, arrays, 3, NULL, 0, &err), &err);
    clh_safetensors *file = NULL;
    must(clh_safetensors_open(&file, path, &err), &err);
    const char *dtype = NULL;
    clh_tensor shape;
    must(clh_safetensors_describe(file, "one", &shape, &dtype, &err), &err);
    assert_string_equal(dtype, "I64");
    assert_int_equal(shape.rank, 0);
    static clh_real back[CLH_COUNT(large)];
    must(clh_safetensors_read(
             file,
             &(clh_tensor){.data = back, .rank = 1, .shape = {CLH_COUNT(large)}, .name = "large"},
             &err),
         &err);
    assert_memory_equal(back, large, sizeof large);
    clh_safetensors_close(file);
    char *bytes = NULL;
    size_t length = 0;
    temp_folder_path(*state, "a.npz", path);
    must(clh_npz_write(path, arrays, 3, NULL, 0, &err), &err);
    must(clh_file_read(&bytes, &length, path, 1 << 20, &err), &err);
    assert_true(length > sizeof(float) * CLH_COUNT(large) && memcmp(bytes, "PK", 2) == 0);
    clh_free(bytes);
}

static void a_failed_npz_leaves_what_was_there(void **state)
{
    const int64_t one = 1;
    const clh_array twice[2] = {clh_array_vector("x", CLH_I64, &one, 1),
                                clh_array_vector("x", CLH_I64, &one, 1)};
    const clh_array taken = clh_array_vector("__metadata__", CLH_I64, &one, 1);
    clh_error err = {0};
    char path[TEMP_PATH_MAX], *text = NULL;
    temp_folder_path(*state, "a.npz", path);
    must(clh_file_write_text(path, "before", &err), &err);
    assert_int_equal(clh_npz_write(path, twice, 2, NULL, 0, &err), CLH_EINPUT);
    assert_int_equal(clh_npz_write(path, &taken, 1, NULL, 0, &err), CLH_EINPUT);
    assert_int_equal(clh_npz_write("/dev/full", twice, 1, NULL, 0, &err), CLH_EIO);
    static char endless[65533];
    memset(endless, 'n', sizeof endless - 1);
    const clh_array named = clh_array_vector(endless, CLH_I64, &one, 1);
    assert_int_equal(clh_npz_write(path, &named, 1, NULL, 0, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "the name of array 0 has 65532 bytes, a zip holds 65531"));
    must(clh_file_read_text(&text, path, 100, &err), &err);
    assert_string_equal(text, "before");
    clh_free(text);
    assert_int_equal(temp_folder_count(*state), 1);
}

static clh_status write_array(void *path)
{
    const int64_t one = 1;
    const clh_array array = clh_array_vector("x", CLH_I64, &one, 1);
    const clh_pair pair = {"key", "value"};
    clh_error err = {0};
    return clh_npz_write(path, &array, 1, &pair, 1, &err);
}

static void no_memory_leaves_nothing(void **state)
{
    char path[TEMP_PATH_MAX];
    temp_folder_path(*state, "a.npz", path);
    assert_true(failing_alloc_each(write_array, path) > 10);
    assert_int_equal(temp_folder_count(*state), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_selection_is_what_its_indices_name),
        cmocka_unit_test(doubles_are_narrowed_where_floats_are_wanted),
        cmocka_unit_test(a_matrix_has_two_dimensions),
        cmocka_unit_test(a_cube_has_three_dimensions),
        FOLDER_TEST(files_hold_what_is_streamed),
        FOLDER_TEST(a_failed_npz_leaves_what_was_there),
        FOLDER_TEST(no_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
