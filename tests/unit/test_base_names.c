/* "did you mean": near names are found, far ones are not offered. */
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"

static const char *const options[] = {"n",     "seed",  "steps",        "batch",
                                      "beta1", "beta2", "weight-decay", "max-grad-norm"};

static void near_names_are_found(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"sede", "seed"},
        {"seeds", "seed"},
        {"seed", "seed"},
        {"step", "steps"},
        {"bacth", "batch"},
        {"weight_decay", "weight-decay"},
        {"maxgradnorm", "max-grad-norm"},
    };
    for (size_t i = 0; i < CLH_COUNT(pair); i++)
        assert_string_equal(clh_nearest_name(pair[i][0], options, CLH_COUNT(options)), pair[i][1]);
}

static void first_of_equally_near_names_wins(void **state)
{
    (void)state;
    assert_string_equal(clh_nearest_name("beta3", options, CLH_COUNT(options)), "beta1");
}

static void far_names_are_not_offered(void **state)
{
    (void)state;
    static const char *const name[] = {"", "x", "zzzz", "learning-rate", "seeeeeed"};
    for (size_t i = 0; i < CLH_COUNT(name); i++)
        assert_null(clh_nearest_name(name[i], options, CLH_COUNT(options)));
    assert_null(clh_nearest_name("seed", options, 0));
}

static void overlong_names_are_far(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const char *const list[] = {name};
    assert_null(clh_nearest_name(name, list, 1));
    name[128] = '\0';
    assert_string_equal(clh_nearest_name(name, list, 1), name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_names_are_found),
        cmocka_unit_test(first_of_equally_near_names_wins),
        cmocka_unit_test(far_names_are_not_offered),
        cmocka_unit_test(overlong_names_are_far),
    };
    return cmocka_run_group_tests_name("base names", tests, NULL, NULL);
}
