/* What is not finite is said in words, in every format; an array that may have no gaps is refused. */
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clearhead/alloc.h"
#include "clearhead/report.h"
#include "clearhead/safetensors.h"
#include "math/algebra/vector_norm.h"
#include "result/finite.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/temp_folder.h"

static const clh_field numbers[] = {
    {"loss", "nats/token", "a loss", .decimals = 3},
    {"band", NULL, "with an interval", .decimals = 3, .band = CLH_BAND_BOOTSTRAP},
    {0}};
static const clh_field columns[] = {{"norm", NULL, "of it", .decimals = 3}, {0}};
static const clh_field verdicts[] = {{"right", NULL, "Is it right?", "", .decimals = 0}, {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_VERDICTS, "verdicts", NULL, .fields = verdicts},
    {CLH_PART_TABLE, "heads", "a row each", .keys = "#layer,name", .fields = columns},
    {CLH_PART_ARRAY, "gaps", "NaN: nothing there", .flags = CLH_GAPS},
    {CLH_PART_ARRAY, "whole", "every number", .draw = "heat"},
    {0}};

static const double gaps[] = {1, NAN, -INFINITY, 4};

/* A result whose numbers are `value`, and whose array without gaps holds `in_array` at [1, 0]. */
static clh_result *make(double value, double in_array)
{
    static double whole[4];
    clh_result *r = NULL;
    clh_error err = {0};
    const clh_axis axes[] = {{"row", NULL}, {"col", NULL}};
    memcpy(whole, (double[]){1, 2, in_array, 4}, sizeof whole);
    clh_array view = clh_array_matrix("whole", CLH_F64, whole, 2, 2);
    const clh_array holes = clh_array_matrix("gaps", CLH_F64, gaps, 2, 2);
    view.dtype = CLH_F32;
    must(clh_result_open(&r, "sample", schema, &err), &err);
    clh_result_put_number(r, "loss", value);
    clh_result_put(r, "band", (clh_value){1, 0, value});
    clh_result_row(r, "heads", "0", "first");
    clh_row_put_number(r, "norm", 1);
    clh_result_row(r, "heads", "1", "second");
    clh_row_put_number(r, "norm", value);
    clh_result_row(r, "heads", "2", "third");
    clh_row_put_number(r, "norm", -value);
    clh_result_decide(r, "right", "no", "share 0.5, wanted 0.9");
    clh_result_array(r, &holes, axes, NULL, NULL);
    clh_result_array(r, &view, axes, NULL, NULL);
    must(clh_result_check(r, &err), &err);
    return r;
}

static char *shown(clh_result *r, const char *format)
{
    clh_error err = {0};
    char *text = NULL;
    must(clh_report_text(&text, r, format, NULL, &err), &err);
    return text;
}

static size_t times(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        count++;
    return count;
}

static void every_text_names_the_first(void **state)
{
    static const struct {
        double value;
        const char *word;
    } row[] = {{INFINITY, "inf"}, {-INFINITY, "-inf"}};
    static const char *const formats[] = {"text", "json", "markdown"};
    char wanted[128];
    (void)state;
    for (size_t v = 0; v < CLH_COUNT(row); v++)
        for (size_t f = 0; f < CLH_COUNT(formats); f++) {
            clh_result *r = make(row[v].value, 3);
            char *text = shown(r, formats[f]);
            (void)snprintf(wanted, sizeof wanted, "Not finite: loss is %s.", row[v].word);
            assert_int_equal(times(text, wanted), 1);
            assert_int_equal(
                times(text, "Not finite: band is a number with an end of its interval."), 1);
            (void)snprintf(wanted, sizeof wanted,
                           "Not finite: heads.norm in 2 of 3 rows, the first 1, second: %s.",
                           row[v].word);
            assert_int_equal(times(text, wanted), 1);
            char *again = shown(r, formats[f]); /* said once, however often it is shown */
            assert_string_equal(text, again);
            clh_free(again);
            clh_free(text);
            clh_result_close(r);
        }
}

/* JSON has no infinities; where one would stand is null, and why. */
static void json_is_json(void **state)
{
    static const double values[] = {INFINITY, -INFINITY, NAN};
    static const char *const why[] = {"not finite: inf", "not finite: -inf", NULL};
    (void)state;
    for (size_t v = 0; v < CLH_COUNT(values); v++) {
        clh_result *r = make(values[v], 3);
        char *text = shown(r, "json");
        json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(all);
        json_t *loss = json_object_get(json_object_get(all, "numbers"), "loss");
        assert_true(json_is_null(json_object_get(loss, "value")));
        const char *said = json_string_value(json_object_get(loss, "absent"));
        assert_true(why[v] ? said && strcmp(said, why[v]) == 0 : !said);
        assert_int_equal(json_array_size(json_object_get(all, "notes")), why[v] ? 3 : 0);
        json_decref(all);
        clh_free(text);
        clh_result_close(r);
    }
}

static void csv_has_the_words_of_readers(void **state)
{
    (void)state;
    clh_result *r = make(INFINITY, 3);
    char *text = shown(r, "csv");
    assert_int_equal(times(text, "loss,inf,,"), 1);
    assert_int_equal(times(text, "norm,-inf,,"), 1);
    clh_free(text);
    clh_result_close(r);
    r = make(NAN, 3);
    text = shown(r, "csv");
    assert_int_equal(times(text, "loss,,,"), 1);
    assert_int_equal(times(text, "nan"), 0);
    clh_free(text);
    clh_result_close(r);
}

/* Refused with the first of them named; nothing is written, nothing printed. */
static void an_array_without_gaps_is_refused(void **state)
{
    static const double values[] = {NAN, INFINITY, -INFINITY};
    static const char *const words[] = {"nan", "inf", "-inf"};
    static const char *const files[] = {"a.npz", "a.safetensors", "a.json", "a.csv"};
    char path[TEMP_PATH_MAX], wanted[160], *text = NULL;
    for (size_t v = 0; v < CLH_COUNT(values); v++) {
        clh_result *r = make(1, values[v]);
        (void)snprintf(
            wanted, sizeof wanted,
            "whole of sample: 1 of 4 are not finite, the first %s at [1, 0], want finite "
            "numbers",
            words[v]);
        for (size_t f = 0; f < CLH_COUNT(files); f++) {
            clh_error err = {0};
            const clh_show show = {.part = strcmp(files[f], "a.csv") == 0 ? "whole" : NULL};
            temp_folder_path(*state, files[f], path);
            assert_int_equal(clh_report_save(r, path, &show, &err), CLH_ENUMERIC);
            assert_string_equal(err.message, wanted);
        }
        clh_error err = {0};
        assert_int_equal(clh_report_text(&text, r, "json", NULL, &err), CLH_ENUMERIC);
        clh_result_close(r);
    }
    assert_int_equal(temp_folder_count(*state), 0);
}

static void files_of_arrays_say_it_in_their_metadata(void **state)
{
    clh_error err = {0};
    char path[TEMP_PATH_MAX];
    clh_safetensors *file = NULL;
    clh_result *r = make(INFINITY, 1e60);
    clh_tensor shape;
    const char *dtype = NULL;
    must(clh_report_save(r, temp_folder_path(*state, "a.safetensors", path), NULL, &err), &err);
    must(clh_report_save(r, temp_folder_path(*state, "a.npz", path), NULL, &err), &err);
    temp_folder_path(*state, "a.safetensors", path);
    must(clh_safetensors_open(&file, path, &err), &err);
    assert_string_equal(clh_safetensors_metadata(file, "not_finite"),
                        "{\"gaps\": \"2 of 4 are not finite, the first nan at [0, 1]\"}");
    assert_int_equal(times(clh_safetensors_metadata(file, "notes"), "Not finite: "), 3);
    /* 1e60 would be an infinity of F32 */
    must(clh_safetensors_describe(file, "whole", &shape, &dtype, &err), &err);
    assert_string_equal(dtype, "F64");
    clh_safetensors_close(file);
    clh_result_close(r);
    r = make(1, (double)FLT_MAX);
    must(clh_report_save(r, path, &(clh_show){.part = "whole"}, &err), &err);
    must(clh_safetensors_open(&file, path, &err), &err);
    must(clh_safetensors_describe(file, "whole", &shape, &dtype, &err), &err);
    assert_string_equal(dtype, "F32");
    assert_null(clh_safetensors_metadata(file, "not_finite"));
    assert_null(clh_safetensors_metadata(file, "notes"));
    clh_safetensors_close(file);
    clh_result_close(r);
}

static void what_decided_a_verdict_explains_it(void **state)
{
    static const struct {
        const char *by;
        bool explained;
    } row[] = {{"share nan, wanted 0.9", true},
               {"loss -nan.", true},
               {"inf (of 3)", true},
               {"at -inf; more", true},
               {"infinite, nano", false},
               {"a banana.", false},
               {"0.5 of nan", true},
               {"", false}};
    (void)state;
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_result *r = make(1, 3);
        clh_result_decide(r, "right", "no", row[i].by);
        char *text = shown(r, "csv"), *json = shown(r, "json");
        assert_int_equal(times(json, "nan: no number"), row[i].explained);
        clh_free(json);
        clh_free(text);
        clh_result_close(r);
    }
}

/* The length of a vector does not overflow before it must. */
static void a_norm_of_large_numbers_is_a_number(void **state)
{
    (void)state;
    for (int power = -300; power <= 300; power += 50) {
        const double scale = pow(10, power), x[] = {3 * scale, 0, -4 * scale};
        assert_true(fabs(clh_norm(x, 3) / (5 * scale) - 1) < 1e-15);
    }
    assert_true(isinf(clh_norm((const double[]){INFINITY, 1}, 2)));
    assert_true(isnan(clh_norm((const double[]){NAN, 1}, 2)));
    assert_true(clh_norm((const double[]){0, 0}, 2) == 0 && clh_norm(NULL, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_names_the_first),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(csv_has_the_words_of_readers),
        FOLDER_TEST(an_array_without_gaps_is_refused),
        FOLDER_TEST(files_of_arrays_say_it_in_their_metadata),
        cmocka_unit_test(what_decided_a_verdict_explains_it),
        cmocka_unit_test(a_norm_of_large_numbers_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
