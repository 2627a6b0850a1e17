/* Keys: text and JSON go through one reader, wrong values are refused with both sides named, and
 * what is written reads back to the same bits. */
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keys.h"
#include "support/cmocka_all.h"

struct sample {
    size_t size;
    uint64_t seed;
    double real;
    bool flag;
    unsigned choice;
    char text[8];
    unsigned list[3];
    size_t list_count;
};

#define ROW(kind_, field_, values_)                                                                \
    {                                                                                              \
        .name = #field_ "_key", .kind = CLH_KEY_##kind_,                                           \
        .offset = offsetof(struct sample, field_), .size = sizeof(((struct sample *)0)->field_),   \
        .count_offset = offsetof(struct sample, list_count), .values = values_                     \
    }

static const clh_key keys[] = {
    ROW(SIZE, size, "[1, 6]"),          ROW(SEED, seed, "[0, 9223372036854775807]"),
    ROW(REAL, real, "[0, 1)"),          ROW(BOOL, flag, NULL),
    ROW(CHOICE, choice, "None|LN|RMS"), ROW(TEXT, text, "FILE"),
    ROW(LIST, list, "[1, 6]"),
};
enum { SIZE, SEED, REAL, FLAG, CHOICE, TEXT, LIST };

static clh_status from_json(size_t key, struct sample *sample, const char *text, clh_error *err)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    clh_status status = clh_key_from_json(&keys[key], sample, value, err);
    json_decref(value);
    return status;
}

static void text_sets_the_field(void **state)
{
    (void)state;
    struct sample s = {0};
    static const char *const value[] = {
        "6", "9223372036854775807", "1e-3", "yes", "RMS", "abcdefg", "4,2,3"};
    for (size_t i = 0; i < CLH_COUNT(keys); i++)
        assert_int_equal(clh_key_from_text(&keys[i], &s, value[i], NULL), CLH_OK);
    assert_int_equal(s.size, 6);
    assert_int_equal(s.seed, INT64_MAX);
    assert_true(s.real == 1e-3);
    assert_true(s.flag);
    assert_int_equal(s.choice, 2);
    assert_string_equal(s.text, "abcdefg");
    assert_int_equal(s.list_count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(s.list[i], i + 2);
}

static void wrong_text_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t key;
        const char *text, *line;
    } wrong[] = {
        {SIZE, "0", "size_key is 0, want a whole number in [1, 6]"},
        {SIZE, "-1", "size_key is -1, want a whole number in [1, 6]"},
        {SIZE, "", "size_key is empty, want a whole number in [1, 6]"},
        {SIZE, "2.5", "size_key is 2.5, want a whole number in [1, 6]"},
        {SIZE, "99999999999999999999999", NULL},
        {SEED, "9223372036854775808", NULL},
        {REAL, "1", "real_key is 1, want a number in [0, 1)"},
        {REAL, "nan", NULL},
        {REAL, "inf", NULL},
        {REAL, "0.5x", NULL},
        {FLAG, "maybe", "flag_key is maybe, want true or false"},
        {CHOICE, "LNPre", "choice_key is LNPre, want one of None|LN|RMS"},
        {CHOICE, "", NULL},
        {TEXT, "abcdefgh", "text_key has 8 characters, want at most 7"},
        {LIST, "1,2,3,4", "list_key is 1,2,3,4, want at most 3 different numbers"},
        {LIST, "2,2", "list_key is 2,2, want at most 3 different numbers"},
        {LIST, "2,", NULL},
        {LIST, "7", "list_key is 7, want whole numbers in [1, 6]"},
    };
    for (size_t i = 0; i < CLH_COUNT(wrong); i++) {
        struct sample s, before;
        clh_error err = {0};
        memset(&s, 1, sizeof s);
        before = s;
        assert_int_not_equal(clh_key_from_text(&keys[wrong[i].key], &s, wrong[i].text, &err),
                             CLH_OK);
        assert_memory_equal(&s, &before, sizeof s);
        if (wrong[i].line)
            assert_string_equal(err.message, wrong[i].line);
        assert_int_equal(clh_status_exit_code(err.status), 2);
    }
}

static void json_of_the_wrong_type_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t key;
        const char *json, *line;
    } wrong[] = {
        {SIZE, "\"4\"", "size_key is \"4\", want a whole number"},
        {SIZE, "4.0", "size_key is 4.0, want a whole number"},
        {SIZE, "null", "size_key is null, want a whole number"},
        {REAL, "\"x\"", "real_key is \"x\", want a number"},
        {FLAG, "1", "flag_key is 1, want true or false"},
        {CHOICE, "1", "choice_key is 1, want a string"},
        {TEXT, "[]", "text_key is [], want a string"},
        {LIST, "[]", "list_key is [], want a whole number or an array of them"},
        {LIST, "[1, \"2\"]", "list_key is [1,\"2\"], want a whole number or an array of them"},
    };
    for (size_t i = 0; i < CLH_COUNT(wrong); i++) {
        struct sample s = {0};
        clh_error err = {0};
        assert_int_equal(from_json(wrong[i].key, &s, wrong[i].json, &err), CLH_ECONFIG);
        assert_string_equal(err.message, wrong[i].line);
    }
}

static void what_is_written_reads_back_to_the_same_bits(void **state)
{
    (void)state;
    static const double real[] = {
        0, 0.1, 1e-3, 0.99, 1.0 / 3, 0.8 / 11.313708498984761, DBL_MIN, 0x1.fffffffffffffp-1};
    for (size_t i = 0; i < CLH_COUNT(real); i++) {
        struct sample s = {.size = 3,
                           .seed = INT64_MAX,
                           .real = real[i],
                           .flag = true,
                           .choice = 0,
                           .text = "a\"\\\n",
                           .list = {2, 4},
                           .list_count = 1 + i % 2};
        s.list[1] = s.list_count > 1 ? 4 : 0;
        struct sample back = {0};
        for (size_t k = 0; k < CLH_COUNT(keys); k++) {
            clh_strbuf text = {0};
            clh_key_to_json(&keys[k], &s, &text);
            assert_int_equal(from_json(k, &back, clh_strbuf_view(&text), NULL), CLH_OK);
            assert_true(clh_key_equal(&keys[k], &s, &back));
            clh_strbuf_deinit(&text);
        }
    }
}

static void numbers_are_written_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } row[] = {{0.9, "0.9"}, {1, "1.0"}, {1e-8, "1e-08"}, {0, "0.0"}};
    for (size_t i = 0; i < CLH_COUNT(row); i++) {
        clh_strbuf text = {0};
        clh_real_to_json(row[i].value, &text);
        assert_string_equal(clh_strbuf_view(&text), row[i].text);
        clh_strbuf_deinit(&text);
    }
}

static void none_is_null(void **state)
{
    (void)state;
    struct sample s = {.choice = 1};
    assert_int_equal(from_json(CHOICE, &s, "null", NULL), CLH_OK);
    assert_int_equal(s.choice, 0);
}

static void check_finds_what_a_program_put_there(void **state)
{
    (void)state;
    struct sample s = {.size = 7, .real = (double)NAN, .choice = 9, .list = {1}, .list_count = 1};
    clh_error err = {0};
    assert_int_equal(clh_key_check(&keys[SIZE], &s, &err), CLH_ERANGE);
    assert_int_equal(clh_key_check(&keys[REAL], &s, &err), CLH_ERANGE);
    assert_string_equal(err.message, "real_key is nan, want a finite number");
    s.real = (double)-INFINITY;
    assert_int_equal(clh_key_check(&keys[REAL], &s, &err), CLH_ERANGE);
    assert_string_equal(err.message, "real_key is -inf, want a finite number");
    assert_int_equal(clh_key_check(&keys[CHOICE], &s, NULL), CLH_ECONFIG);
    assert_int_equal(clh_key_check(&keys[LIST], &s, NULL), CLH_OK);
    assert_int_equal(clh_key_check(&keys[SEED], &s, NULL), CLH_OK);
}

static void unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    clh_error err = {0};
    assert_ptr_equal(clh_key_find(keys, CLH_COUNT(keys), "real-key", NULL), &keys[REAL]);
    assert_null(clh_key_find(keys, CLH_COUNT(keys), "rael_key", &err));
    assert_string_equal(err.message,
                        "unknown key rael_key; did you mean real_key? The keys are size_key, "
                        "seed_key, real_key, flag_key, choice_key, text_key, list_key");
    assert_null(clh_key_find(keys, CLH_COUNT(keys), "zzz", &err));
    assert_string_equal(err.message, "unknown key zzz; the keys are size_key, seed_key, real_key, "
                                     "flag_key, choice_key, text_key, list_key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_sets_the_field),
        cmocka_unit_test(wrong_text_is_refused_and_changes_nothing),
        cmocka_unit_test(json_of_the_wrong_type_is_refused),
        cmocka_unit_test(what_is_written_reads_back_to_the_same_bits),
        cmocka_unit_test(numbers_are_written_short),
        cmocka_unit_test(none_is_null),
        cmocka_unit_test(check_finds_what_a_program_put_there),
        cmocka_unit_test(unknown_keys_name_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
