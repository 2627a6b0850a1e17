/** In a build without cairo each figure says that figures were left out and what to install.
 *  Compiled together with src/report/figures.c, also where cairo is there. */
#include <string.h>

#include "clearhead/figure.h"
#include "support/cmocka_all.h"

static void assert_absent(clh_status status, clh_error *err)
{
    assert_int_equal(status, CLH_ESUPPORT);
    assert_non_null(strstr(err->message, "left out of this build"));
    assert_non_null(strstr(err->message, "libcairo2-dev"));
    *err = (clh_error){0};
}

static void every_figure_says_what_is_missing(void **state)
{
    (void)state;
    clh_error err = {0};
    assert_absent(clh_figure_available(&err), &err);
    assert_absent(clh_figure_curve("a.png", NULL, NULL, &err), &err);
    assert_absent(clh_figure_positions("a.png", NULL, NULL, &err), &err);
    assert_absent(clh_figure_heatmap("a.png", NULL, NULL, &err), &err);
    assert_absent(clh_figure_tokens("a.png", NULL, NULL, &err), &err);
    assert_absent(clh_figure_table("a.png", NULL, NULL, &err), &err);
    assert_absent(clh_figure_rows("a.png", NULL, NULL, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
