#include <jansson.h>

#include "base/json_keys.h"
#include "support/cmocka_all.h"

static const char *const keys[] = {"format", "edits", "reference"};

static clh_status check(const char *text, clh_error *err)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    clh_status status = clh_json_keys_check(object, keys, CLH_COUNT(keys), CLH_EINPUT, err);
    json_decref(object);
    return status;
}

static void keys_that_there_are_pass(void **state)
{
    (void)state;
    assert_int_equal(check("{}", NULL), CLH_OK);
    assert_int_equal(check("{\"edits\": 1, \"format\": 2, \"reference\": 3}", NULL), CLH_OK);
}

static void another_is_named_with_all_there_are(void **state)
{
    (void)state;
    clh_error err = {0};
    assert_int_equal(check("{\"format\": 1, \"edit\": 2}", &err), CLH_EINPUT);
    assert_string_equal(
        err.message, "unknown key edit; did you mean edits? The keys are format, edits, reference");
    assert_int_equal(check("{\"hook\": 1}", &err), CLH_EINPUT);
    assert_string_equal(err.message, "unknown key hook; the keys are format, edits, reference");
}

/* A line that lists eighty names is not read. */
static void a_long_list_is_left_out(void **state)
{
    (void)state;
    static const char *const many[] = {"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8",
                                       "a9", "b0", "b1", "b2", "b3", "b4", "b5", "b6"};
    clh_error err = {0};
    assert_int_equal(clh_key_unknown("site", many, CLH_COUNT(many), CLH_ECONFIG, &err),
                     CLH_ECONFIG);
    assert_string_equal(err.message, "unknown key site");
    assert_int_equal(clh_key_unknown("a10", many, CLH_COUNT(many), CLH_ECONFIG, &err), CLH_ECONFIG);
    assert_string_equal(err.message, "unknown key a10; did you mean a0?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_there_are_pass),
        cmocka_unit_test(another_is_named_with_all_there_are),
        cmocka_unit_test(a_long_list_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
