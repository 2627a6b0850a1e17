/* What every failure promises: one line, both sides named, an exit code from the one table. */
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"

static void exit_codes_are_those_of_the_table(void **state)
{
    (void)state;
    assert_int_equal(clh_status_exit_code(CLH_OK), 0);
    assert_int_equal(clh_status_exit_code(CLH_NO), 1);
    assert_int_equal(clh_status_exit_code(CLH_EUSAGE), 2);
    assert_int_equal(clh_status_exit_code(CLH_ERANGE), 2);
    assert_int_equal(clh_status_exit_code(CLH_EFORMAT), 3);
    assert_int_equal(clh_status_exit_code(CLH_ESUPPORT), 3);
    assert_int_equal(clh_status_exit_code(CLH_STOPPED), 130);
    assert_string_equal(clh_status_text(CLH_EFORMAT), "bad file format");
    assert_string_equal(clh_status_text(CLH_STOPPED), "stopped on request");
}

static void unknown_status_is_a_failure_with_a_text(void **state)
{
    (void)state;
    const clh_status beyond = (clh_status)(CLH_STOPPED + 1), below = (clh_status)-1;
    assert_string_equal(clh_status_text(beyond), "unknown status");
    assert_string_equal(clh_status_text(below), "unknown status");
    assert_int_equal(clh_status_exit_code(beyond), 3);
    assert_int_equal(clh_status_exit_code(below), 3);
}

static void fail_fills_the_error_and_returns_its_status(void **state)
{
    (void)state;
    clh_error err = {0};
    assert_int_equal(clh_fail(&err, CLH_ESHAPE, "W_OV is [%d, %d], want square", 3, 4), CLH_ESHAPE);
    assert_int_equal(err.status, CLH_ESHAPE);
    assert_string_equal(err.message, "W_OV is [3, 4], want square");
    assert_int_equal(clh_fail(NULL, CLH_EIO, "nobody listens"), CLH_EIO);
}

static void message_is_one_line_of_printable_bytes(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_fail(&err, CLH_EFORMAT, "tensor %s",
             "a\nb\x1b[31m\x7f"
             "é");
    assert_string_equal(err.message, "tensor a?b?[31m?é");
}

static void long_message_ends_in_dots_after_a_whole_character(void **state)
{
    (void)state;
    clh_error err;
    char name[3 * sizeof err.message];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(name, 'x', shift);
        for (size_t i = shift; i + 2 < sizeof name; i += 2)
            memcpy(name + i, "é", 2);
        name[sizeof name - 2 + shift % 2] = '\0';
        clh_fail(&err, CLH_EFORMAT, "%s", name);
        size_t length = strlen(err.message);
        assert_true(length >= sizeof err.message - 5 && length < sizeof err.message);
        assert_string_equal(err.message + length - 3, "...");
        assert_int_equal((length - 3 - shift) % 2, 0);
        assert_memory_equal(err.message, name, length - 3);
    }
}

static void message_that_just_fits_is_not_cut(void **state)
{
    (void)state;
    clh_error err;
    char name[sizeof err.message];
    memset(name, 'y', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    clh_fail(&err, CLH_EFORMAT, "%s", name);
    assert_string_equal(err.message, name);
}

static void context_comes_before_the_message(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_fail(&err, CLH_EIO, "no space left");
    assert_int_equal(clh_fail_context(&err, CLH_EFORMAT, "step %d", 7), CLH_EFORMAT);
    assert_string_equal(err.message, "step 7: no space left");
    assert_int_equal(err.status, CLH_EFORMAT);
    assert_int_equal(clh_fail_context(NULL, CLH_EIO, "x"), CLH_EIO);
}

static void message_may_quote_itself(void **state)
{
    (void)state;
    clh_error err = {0};
    clh_fail(&err, CLH_EIO, "inner");
    clh_fail(&err, CLH_EIO, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_those_of_the_table),
        cmocka_unit_test(unknown_status_is_a_failure_with_a_text),
        cmocka_unit_test(fail_fills_the_error_and_returns_its_status),
        cmocka_unit_test(message_is_one_line_of_printable_bytes),
        cmocka_unit_test(long_message_ends_in_dots_after_a_whole_character),
        cmocka_unit_test(message_that_just_fits_is_not_cut),
        cmocka_unit_test(context_comes_before_the_message),
        cmocka_unit_test(message_may_quote_itself),
    };
    return cmocka_run_group_tests_name("base error", tests, NULL, NULL);
}
