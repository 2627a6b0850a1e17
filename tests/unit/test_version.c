/* The version that the headers, the library and the build tell is one. */
#include <stdio.h>

#include "clearhead/version.h"
#include "support/cmocka_all.h"

static void text_is_that_of_the_headers_and_of_the_build(void **state)
{
    (void)state;
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "%d.%d.%d", CLH_VERSION_MAJOR, CLH_VERSION_MINOR,
                   CLH_VERSION_PATCH);
    assert_string_equal(clh_version(), wanted);
    assert_string_equal(clh_version(), CLH_PROJECT_VERSION);
}

static void number_orders_versions(void **state)
{
    (void)state;
    assert_int_equal(clh_version_number() / 1000000, CLH_VERSION_MAJOR);
    assert_int_equal(clh_version_number() / 1000 % 1000, CLH_VERSION_MINOR);
    assert_int_equal(clh_version_number() % 1000, CLH_VERSION_PATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_that_of_the_headers_and_of_the_build),
        cmocka_unit_test(number_orders_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
