/* Weights in one file, in several that an index names, in other types of numbers and under other names: the
 * same parameters, or a refusal that says what is wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "base/strbuf.h"
#include "clearhead/run.h"
#include "clearhead/safetensors.h"
#include "run/folder/weights.h"
#include "run/folder/weights_file.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/model_case.h"
#include "support/must.h"
#include "support/raw_safetensors.h"
#include "support/temp_folder.h"

enum { TENSORS_MAX = 64, PARTS = 3 };

static const char index_name[] = "model.safetensors.index.json";

static clh_model *drawn(void)
{
    return model_case_open(0, 5);
}

static clh_model *empty_like(const clh_model *model)
{
    clh_model *other = NULL;
    clh_error err = {0};
    must(clh_model_open(&other, clh_model_get_config(model), &err), &err);
    return other;
}

static void assert_same(const clh_model *a, const clh_model *b)
{
    for (size_t i = 0; i < clh_model_tensor_count(a); i++) {
        const clh_tensor x = clh_model_tensor(a, i), y = clh_model_tensor(b, i);
        assert_memory_equal(x.data, y.data, clh_tensor_count(&x) * sizeof *x.data);
    }
}

static void put_text(void **state, const char *name, const char *text)
{
    char path[TEMP_PATH_MAX];
    (void)temp_folder_put(*state, name, text, strlen(text), path);
}

/* Tensor i of the model goes to part i % PARTS; the index, with tensors of `skip` left out of it. */
static void save_parts(void **state, const clh_model *model, const char *skip)
{
    clh_strbuf index = {0};
    clh_error err = {0};
    clh_strbuf_adds(&index, "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
    size_t mapped = 0;
    for (size_t p = 0; p < PARTS; p++) {
        clh_tensor part[TENSORS_MAX];
        char name[64], path[TEMP_PATH_MAX];
        size_t count = 0;
        (void)snprintf(name, sizeof name, "model-%05zu-of-%05d.safetensors", p + 1, PARTS);
        for (size_t i = p; i < clh_model_tensor_count(model); i += PARTS) {
            part[count++] = clh_model_tensor(model, i);
            if (!skip || strcmp(part[count - 1].name, skip) != 0)
                clh_strbuf_addf(&index, "%s\n\"%s\": \"%s\"", mapped++ ? "," : "",
                                part[count - 1].name, name);
        }
        must(
            clh_safetensors_write(temp_folder_path(*state, name, path), part, count, NULL, 0, &err),
            &err);
    }
    clh_strbuf_adds(&index, "}}\n");
    put_text(state, index_name, clh_strbuf_view(&index));
    clh_strbuf_deinit(&index);
}

static clh_status load(void **state, const char *name, clh_model *model, clh_error *err)
{
    char path[TEMP_PATH_MAX];
    return clh_model_load(model, temp_folder_path(*state, name, path), err);
}

static void parts_are_joined_by_their_index(void **state)
{
    clh_model *model = drawn();
    const temp_folder *folder = *state;
    save_parts(state, model, NULL);
    for (int whole_folder = 0; whole_folder < 2; whole_folder++) {
        clh_model *back = empty_like(model);
        clh_error err = {0};
        must(whole_folder ? clh_model_load(back, folder->path, &err)
                          : load(state, index_name, back, &err),
             &err);
        assert_same(model, back);
        clh_model_close(back);
    }
    clh_model_close(model);
}

static void a_part_alone_is_said_to_be_one(void **state)
{
    clh_model *model = drawn(), *back = empty_like(model);
    clh_error err = {0};
    save_parts(state, model, NULL);
    assert_int_equal(load(state, "model-00001-of-00003.safetensors", back, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "model-00001-of-00003.safetensors has no tensor "));
    assert_non_null(strstr(
        err.message, ": it is one of 3 files, want their index, model.safetensors.index.json"));
    clh_model_close(back);
    clh_model_close(model);
}

static void what_an_index_lacks_is_named(void **state)
{
    clh_model *model = drawn(), *back = empty_like(model);
    clh_error err = {0};
    save_parts(state, model, "unembed.W_U");
    assert_int_equal(load(state, index_name, back, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "index.json has no tensor unembed.W_U"));
    clh_model_close(back);
    clh_model_close(model);
}

static void an_index_that_is_none_is_refused_by_name(void **state)
{
    static const struct {
        const char *text;
        clh_status status;
        const char *says;
    } row[] = {
        {"", CLH_EFORMAT, "index.json is empty, want JSON"},
        {"{", CLH_EFORMAT, "index.json line 1 is not JSON"},
        {"[]", CLH_EFORMAT, "has no weight_map, want the index of weights in several files"},
        {"{\"weight_map\": []}", CLH_EFORMAT, "has no weight_map"},
        {"{\"weight_map\": {}}", CLH_EFORMAT, "has no weight_map"},
        {"{\"weight_map\": {\"embed.W_E\": 3}}", CLH_EFORMAT,
         "embed.W_E is in 3, want the name of a file beside it"},
        {"{\"weight_map\": {\"embed.W_E\": \"../a.safetensors\"}}", CLH_EFORMAT,
         "embed.W_E is in \"../a.safetensors\", want the name of a file beside it"},
        {"{\"weight_map\": {\"embed.W_E\": \"gone.safetensors\"}}", CLH_EIO,
         "gone.safetensors: No such file"},
        {"{\"weight_map\": {\"made.up\": \"model-00001-of-00003.safetensors\"}}", CLH_EFORMAT,
         "made.up is said to be in model-00001-of-00003.safetensors, which has no such tensor"},
        {"{\"weight_map\": {\"embed.W_E\": \"model.safetensors.index.json\"}}", CLH_EFORMAT,
         "is the index of weights in several files, want a safetensors file"},
    };
    clh_model *model = drawn(), *back = empty_like(model);
    save_parts(state, model, NULL);
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_error err = {0};
        put_text(state, index_name, row[i].text);
        const clh_status status = load(state, index_name, back, &err);
        if (status != row[i].status || !strstr(err.message, row[i].says))
            fail_msg("%s: %d %s", row[i].text, status, err.message);
    }
    clh_model_close(back);
    clh_model_close(model);
}

/* ---- Types of numbers --------------------------------------------------------------------------
 */

static size_t put_number(unsigned char *to, const char *dtype, double value)
{
    const float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    if (strcmp(dtype, "F64") == 0)
        memcpy(to, &value, sizeof value);
    else if (strcmp(dtype, "F32") == 0)
        memcpy(to, &single, sizeof single);
    else if (strcmp(dtype, "BF16") == 0)
        memcpy(to, (unsigned char *)&bits + 2, 2);
    else { /* F16 of a multiple of 1/8 below 1: its fraction and exponent, by hand */
        int exponent = 0;
        const double part = value == 0 ? 0 : frexp(value < 0 ? -value : value, &exponent);
        const unsigned half =
            value == 0 ? 0 : (unsigned)(exponent + 14) << 10 | (unsigned)((part * 2 - 1) * 1024);
        const uint16_t word = (uint16_t)(half | (value < 0 ? 0x8000U : 0));
        memcpy(to, &word, sizeof word);
    }
    return strcmp(dtype, "F64") == 0 ? 8 : strcmp(dtype, "F32") == 0 ? 4 : 2;
}

/* The model's parameters as file `name`, numbers of `dtype`. */
static void save_as(void **state, const clh_model *model, const char *name, const char *dtype)
{
    clh_strbuf header = {0};
    char path[TEMP_PATH_MAX];
    unsigned char *data = malloc(1 << 16), *file = malloc(1 << 17);
    size_t at = 0;
    assert_true(data && file);
    for (size_t i = 0; i < clh_model_tensor_count(model); i++) {
        const clh_tensor t = clh_model_tensor(model, i);
        const size_t begin = at;
        clh_strbuf_addf(&header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "{", t.name,
                        dtype);
        for (size_t d = 0; d < t.rank; d++)
            clh_strbuf_addf(&header, "%s%zu", d ? "," : "", t.shape[d]);
        for (size_t k = 0; k < clh_tensor_count(&t); k++)
            at += put_number(data + at, dtype, (double)t.data[k]);
        clh_strbuf_addf(&header, "],\"data_offsets\":[%zu,%zu]}", begin, at);
    }
    clh_strbuf_adds(&header, "}");
    const size_t length = raw_safetensors(file, 1 << 17, clh_strbuf_view(&header), data, at);
    (void)temp_folder_put(*state, name, file, length, path);
    clh_strbuf_deinit(&header);
    free(file);
    free(data);
}

static void other_types_are_converted_and_said(void **state)
{
    static const struct {
        const char *dtype, *says; /* behind the number of tensors */
    } row[] = {{"F32", NULL},
               {"BF16", "of BF16: converted to F32, exactly\n"},
               {"F16", "of F16: converted to F32, exactly\n"},
               {"F64", "of F64: converted to F32, rounded\n"}};
    clh_model *model = drawn();
    for (size_t i = 0; i < clh_model_tensor_count(model); i++) {
        const clh_tensor t = clh_model_tensor(model, i);
        for (size_t k = 0; k < clh_tensor_count(&t);
             k++) /* what every type holds: eighths below 1 */
            t.data[k] = (clh_real)((double)((long)((i + k) * 5 % 15) - 7) / 8);
    }
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_model *back = empty_like(model);
        clh_weights_file *file = NULL;
        clh_strbuf notes = {0};
        clh_error err = {0};
        char path[TEMP_PATH_MAX];
        save_as(state, model, "typed.safetensors", row[i].dtype);
        must(clh_weights_open(&file, temp_folder_path(*state, "typed.safetensors", path), &err),
             &err);
        must(clh_model_load_from(back, file, &notes, &err), &err);
        assert_same(model, back);
        if (row[i].says)
            assert_non_null(strstr(clh_strbuf_view(&notes), row[i].says));
        else
            assert_string_equal(clh_strbuf_view(&notes), "");
        clh_strbuf_deinit(&notes);
        clh_weights_close(file);
        clh_model_close(back);
    }
    save_as(state, model, "typed.safetensors", "I32");
    clh_error err = {0};
    assert_int_equal(load(state, "typed.safetensors", model, &err), CLH_EFORMAT);
    clh_model_close(model);
}

/* ---- Names -------------------------------------------------------------------------------------
 */

/* Of grouped queries where each head has keys and values of its own. */
static void names_of_grouped_queries_are_taken(void **state)
{
    static const char *const grouped[] = {"W_K", "W_V", "b_K", "b_V"};
    clh_model *model = drawn(), *back = empty_like(model);
    clh_tensor tensors[TENSORS_MAX];
    char name[TENSORS_MAX][96], path[TEMP_PATH_MAX];
    clh_error err = {0};
    size_t renamed = 0;
    const size_t count = clh_model_tensor_count(model);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = clh_model_tensor(model, i);
        const char *last = strrchr(tensors[i].name, '.') + 1;
        bool is_grouped = false;
        for (size_t g = 0; g < CLH_COUNT(grouped); g++)
            is_grouped = is_grouped || strcmp(last, grouped[g]) == 0;
        renamed += is_grouped;
        (void)snprintf(name[i], sizeof name[i], "%.*s%s%s", (int)(last - tensors[i].name),
                       tensors[i].name, is_grouped ? "_" : "", last);
        tensors[i].name = name[i];
    }
    assert_int_equal(renamed, CLH_COUNT(grouped));
    must(clh_safetensors_write(temp_folder_path(*state, "g.safetensors", path), tensors, count,
                               NULL, 0, &err),
         &err);
    must(clh_model_load(back, path, &err), &err);
    assert_same(model, back);
    clh_model_close(back);
    clh_model_close(model);
}

typedef struct loading {
    char path[TEMP_PATH_MAX];
    clh_model *model;
} loading;

static clh_status load_again(void *context)
{
    loading *l = context;
    return clh_model_load(l->model, l->path, NULL);
}

static void no_allocation_fails_unseen(void **state)
{
    clh_model *model = drawn();
    loading l = {.model = empty_like(model)};
    save_parts(state, model, NULL);
    (void)temp_folder_path(*state, index_name, l.path);
    assert_true(failing_alloc_each(load_again, &l) > 10);
    assert_same(model, l.model);
    clh_model_close(l.model);
    clh_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(parts_are_joined_by_their_index),
        FOLDER_TEST(a_part_alone_is_said_to_be_one),
        FOLDER_TEST(what_an_index_lacks_is_named),
        FOLDER_TEST(an_index_that_is_none_is_refused_by_name),
        FOLDER_TEST(other_types_are_converted_and_said),
        FOLDER_TEST(names_of_grouped_queries_are_taken),
        FOLDER_TEST(no_allocation_fails_unseen),
    };
    return cmocka_run_group_tests_name("weights file", tests, NULL, NULL);
}
