/* What a safetensors file holds is listed, described and read as its header says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "clearhead/safetensors.h"
#include "support/cmocka_all.h"
#include "support/raw_safetensors.h"
#include "support/temp_folder.h"

static clh_safetensors *open_raw(temp_folder *folder, const char *header, const void *data,
                                 size_t length)
{
    static unsigned char bytes[1 << 18];
    char path[TEMP_PATH_MAX];
    clh_safetensors *file = NULL;
    clh_error err = {0};
    size_t size = raw_safetensors(bytes, sizeof bytes, header, data, length);
    temp_folder_put(folder, "raw.safetensors", bytes, size, path);
    if (clh_safetensors_open(&file, path, &err))
        fail_msg("%s", err.message);
    return file;
}

static void tensors_are_listed_in_the_order_of_their_data(void **state)
{
    clh_safetensors *file =
        open_raw(*state,
                 "{\"z\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]},"
                 "\"empty2\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[4,4]},"
                 "\"empty1\":{\"dtype\":\"F64\",\"shape\":[5,0],\"data_offsets\":[4,4]},"
                 "\"a\":{\"shape\":[2],\"extra\":null,\"dtype\":\"F16\",\"data_offsets\":[0,4]}}",
                 NULL, 7);
    static const char *const order[] = {"a", "empty2", "empty1", "z"};
    assert_int_equal(clh_safetensors_count(file), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(clh_safetensors_name(file, i), order[i]);
    clh_safetensors_close(file);
}

static void header_describes_every_dtype(void **state)
{
    static const struct {
        const char *name;
        size_t size;
    } row[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
               {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
               {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        char header[128];
        (void)snprintf(header, sizeof header,
                       "{\"t\":{\"dtype\":\"%s\",\"shape\":[2,3],\"data_offsets\":[0,%zu]}}",
                       row[i].name, 6 * row[i].size);
        clh_safetensors *file = open_raw(*state, header, NULL, 6 * row[i].size);
        clh_tensor shape = {.data = (clh_real[1]){0}};
        const char *dtype = NULL;
        assert_int_equal(clh_safetensors_describe(file, "t", &shape, &dtype, NULL), CLH_OK);
        assert_string_equal(dtype, row[i].name);
        assert_null(shape.data);
        assert_string_equal(shape.name, "t");
        assert_int_equal(shape.rank, 2);
        assert_int_equal(shape.shape[0], 2);
        assert_int_equal(shape.shape[1], 3);
        clh_real number[6];
        clh_error err = {0};
        const clh_tensor into = {.data = number, .rank = 2, .shape = {2, 3}, .name = "t"};
        const bool readable = strcmp(row[i].name, "F32") == 0 || strcmp(row[i].name, "F64") == 0 ||
                              strcmp(row[i].name, "F16") == 0 || strcmp(row[i].name, "BF16") == 0;
        assert_int_equal(clh_safetensors_read(file, &into, &err), readable ? CLH_OK : CLH_EFORMAT);
        assert_true(readable || (strstr(err.message, row[i].name) && strstr(err.message, "F32")));
        clh_safetensors_close(file);
    }
}

static void doubles_are_read_whole_or_rounded_to_the_nearest(void **state)
{
    const unsigned char numbers[] = {
        0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5, 0x3f,  /* 1/3 */
        0x1,  0,    0,    0,    0,    0,    0xf0, 0x3f}; /* 1 + 2^-52 */
    clh_safetensors *file =
        open_raw(*state, "{\"t\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}",
                 numbers, sizeof numbers);
    clh_real read[2] = {0};
    const clh_tensor into = {.data = read, .rank = 1, .shape = {2}, .name = "t"};
    assert_int_equal(clh_safetensors_read(file, &into, NULL), CLH_OK);
    assert_true(read[0] == (clh_real)(1.0 / 3.0));
    assert_true(read[1] == (clh_real)(1.0 + ldexp(1, -52)));
    clh_safetensors_close(file);
}

static void a_double_that_f32_does_not_hold_is_named(void **state)
{
    const unsigned char large[] = {0x9c, 0x75, 0x00, 0x88, 0x3c, 0xe4, 0x37, 0x7e}; /* 1e300 */
    clh_safetensors *file = open_raw(
        *state, "{\"t\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", large, 8);
    clh_real read = 0;
    clh_error err = {0};
    const clh_tensor into = {.data = &read, .rank = 1, .shape = {1}, .name = "t"};
    if (sizeof(clh_real) == sizeof(double)) {
        assert_int_equal(clh_safetensors_read(file, &into, &err), CLH_OK);
        assert_true((double)read == 1e300);
    } else {
        assert_int_equal(clh_safetensors_read(file, &into, &err), CLH_ENUMERIC);
        assert_non_null(
            strstr(err.message, "tensor t is 1e+300 at [0], want numbers that F32 holds"));
        assert_int_equal(clh_safetensors_read_any(file, &into, &err), CLH_ENUMERIC);
    }
    clh_safetensors_close(file);
}

enum { HALVES = 1 << 16 };

/* Every number of 16 bits, in the order of its bits. */
static clh_real *read_halves(void **state, const char *dtype)
{
    char header[128];
    unsigned char *bytes = malloc((size_t)2 * HALVES);
    clh_real *read = malloc(HALVES * sizeof *read);
    assert_true(bytes && read);
    for (size_t i = 0; i < HALVES; i++) {
        bytes[2 * i] = (unsigned char)(i & 0xff);
        bytes[2 * i + 1] = (unsigned char)(i >> 8);
    }
    (void)snprintf(header, sizeof header,
                   "{\"t\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%d]}}", dtype,
                   HALVES, 2 * HALVES);
    clh_safetensors *file = open_raw(*state, header, bytes, (size_t)2 * HALVES);
    const clh_tensor into = {.data = read, .rank = 1, .shape = {HALVES}, .name = "t"};
    assert_int_equal(clh_safetensors_read(file, &into, NULL), CLH_ENUMERIC); /* infinities */
    assert_int_equal(clh_safetensors_read_any(file, &into, NULL), CLH_OK);
    clh_safetensors_close(file);
    free(bytes);
    return read;
}

/* Signs, the exponents 0 and 31, and that one bit more is one step more (IEEE 754, binary16). */
static void half_floats_are_read_exactly(void **state)
{
    clh_real *half = read_halves(state, "F16");
    for (size_t i = 0; i < HALVES / 2; i++) {
        const double x = (double)half[i], minus = (double)half[HALVES / 2 + i];
        assert_true(isnan(x) ? isnan(minus) : minus == -x && signbit(minus));
        const int exponent = (int)(i >> 10);
        if (exponent == 31)
            assert_true(i & 0x3ff ? isnan(x) : isinf(x));
        else if (i & 0x3ff)
            assert_true(x - (double)half[i - 1] == ldexp(1, (exponent ? exponent : 1) - 25));
    }
    assert_true(half[0x3c00] == 1 && half[0x7bff] == 65504 && half[0xc000] == -2);
    assert_true((double)half[1] == ldexp(1, -24) && (double)half[0x400] == ldexp(1, -14));
    free(half);
}

/* The upper half of an F32. */
static void brain_floats_are_read_exactly(void **state)
{
    clh_real *half = read_halves(state, "BF16");
    for (size_t i = 0; i < HALVES; i++) {
        const uint32_t bits = (uint32_t)i << 16;
        float want;
        memcpy(&want, &bits, sizeof want);
        assert_true(isnan(want) ? isnan(half[i]) : (double)half[i] == (double)want);
    }
    free(half);
}

static void metadata_may_be_null(void **state)
{
    clh_safetensors *file = open_raw(
        *state,
        "{\"__metadata__\":null,\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
        NULL, 4);
    assert_int_equal(clh_safetensors_count(file), 1);
    assert_null(clh_safetensors_metadata(file, "config"));
    clh_safetensors_close(file);
}

static void wrong_shape_or_name_is_named_and_nothing_is_read(void **state)
{
    clh_safetensors *file =
        open_raw(*state,
                 "{\"embed.W_E\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                 "\"deep\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[24,28]}}",
                 NULL, 28);
    static const struct {
        clh_tensor tensor;
        clh_status status;
        const char *text;
    } row[] = {
        {{.rank = 2, .shape = {3, 2}, .name = "embed.W_E"}, CLH_ESHAPE, "is [2, 3], want [3, 2]"},
        {{.rank = 1, .shape = {6}, .name = "embed.W_E"}, CLH_ESHAPE, "is [2, 3], want [6]"},
        {{.rank = 0, .name = "embed.W_E"}, CLH_ESHAPE, "is [2, 3], want []"},
        {{.rank = 2, .shape = {2, 3}, .name = "embed.W_e"}, CLH_EINPUT, "nearest is embed.W_E"},
        {{.rank = 1, .shape = {6}, .name = "zzzzzzzz"}, CLH_EINPUT, "among its 2"},
        {{.rank = 1, .shape = {1}, .name = "deep"}, CLH_ESUPPORT, "5 dimensions, want at most 4"},
    };
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_real number[6] = {7, 7, 7, 7, 7, 7};
        clh_tensor into = row[i].tensor;
        clh_error err = {0};
        into.data = number;
        assert_int_equal(clh_safetensors_read(file, &into, &err), row[i].status);
        assert_non_null(strstr(err.message, row[i].text));
        assert_non_null(strstr(err.message, into.name));
        assert_non_null(strstr(err.message, "raw.safetensors"));
        assert_true(number[0] == 7 && number[5] == 7);
    }
    clh_safetensors_close(file);
}

/* As many numbers in another order of sizes, or more in any one of them, are another tensor. */
static void every_size_of_a_shape_is_held_to(void **state)
{
    enum { COUNT = 2 * 3 * 4 * 5 };
    static const size_t shape[] = {2, 3, 4, 5};
    clh_safetensors *file =
        open_raw(*state, "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,3,4,5],\"data_offsets\":[0,480]}}",
                 NULL, (size_t)COUNT * 4);
    clh_real number[2 * COUNT];
    clh_tensor into = {.data = number, .rank = 4, .name = "t"};
    memcpy(into.shape, shape, sizeof shape);
    assert_int_equal(clh_safetensors_read(file, &into, NULL), CLH_OK);
    for (size_t d = 0; d < 4; d++) {
        into.shape[d] = shape[d] + 1;
        assert_int_equal(clh_safetensors_read(file, &into, NULL), CLH_ESHAPE);
        into.shape[d] = shape[d];
        for (size_t e = 0; e < d; e++) {
            into.shape[d] = shape[e];
            into.shape[e] = shape[d];
            assert_int_equal(clh_safetensors_read(file, &into, NULL), CLH_ESHAPE);
            memcpy(into.shape, shape, sizeof shape);
        }
    }
    clh_safetensors_close(file);
}

static void file_cut_after_it_was_opened_is_an_error(void **state)
{
    char path[TEMP_PATH_MAX], wanted[64];
    struct stat info;
    clh_real number[6];
    clh_error err = {0};
    const clh_tensor into = {.data = number, .rank = 1, .shape = {6}, .name = "t"};
    clh_safetensors *file = open_raw(
        *state, "{\"t\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]}}", NULL, 24);
    temp_folder_path(*state, "raw.safetensors", path);
    assert_int_equal(clh_safetensors_read(file, &into, NULL), CLH_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, 80), 0);
    assert_int_equal(clh_safetensors_read(file, &into, &err), CLH_EIO);
    (void)snprintf(wanted, sizeof wanted, "it ends at byte 80, had %lld when opened",
                   (long long)info.st_size);
    assert_non_null(strstr(err.message, wanted));
    clh_safetensors_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(tensors_are_listed_in_the_order_of_their_data),
        FOLDER_TEST(header_describes_every_dtype),
        FOLDER_TEST(doubles_are_read_whole_or_rounded_to_the_nearest),
        FOLDER_TEST(a_double_that_f32_does_not_hold_is_named),
        FOLDER_TEST(half_floats_are_read_exactly),
        FOLDER_TEST(brain_floats_are_read_exactly),
        FOLDER_TEST(metadata_may_be_null),
        FOLDER_TEST(wrong_shape_or_name_is_named_and_nothing_is_read),
        FOLDER_TEST(every_size_of_a_shape_is_held_to),
        FOLDER_TEST(file_cut_after_it_was_opened_is_an_error),
    };
    return cmocka_run_group_tests_name("safetensors read", tests, NULL, NULL);
}
