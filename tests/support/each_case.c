#include "support/each_case.h"

#include <stdio.h>
#include <stdlib.h>

enum { TITLE_SIZE = 160 };

int each_case_run(const char *group, const each_truth *truths, size_t truth_count,
                  const char *const *names, size_t case_count, CMFixtureFunction setup,
                  CMFixtureFunction teardown)
{
    size_t count = 0, most = truth_count * case_count;
    struct CMUnitTest *tests = calloc(most, sizeof *tests);
    each_case *cases = calloc(case_count, sizeof *cases);
    char *titles = calloc(most, TITLE_SIZE);
    int failed = -1;
    if (!tests || !cases || !titles)
        goto done;
    for (size_t c = 0; c < case_count; c++) {
        cases[c] = (each_case){names[c], c};
        for (size_t t = 0; t < truth_count; t++, count++) {
            char *title = titles + count * TITLE_SIZE;
            (void)snprintf(title, TITLE_SIZE, "%s: %s", names[c], truths[t].name);
            tests[count] = (struct CMUnitTest){.name = title,
                                               .test_func = truths[t].test,
                                               .setup_func = setup,
                                               .teardown_func = teardown,
                                               .initial_state = &cases[c]};
        }
    }
    failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
done:
    free(titles);
    free(cases);
    free(tests);
    return failed;
}
