/** Every truth for every case as a test of its own, so that a failure names both.
 *
 *    static const each_truth truths[] = {{"pattern rows sum to 1", pattern_rows_sum_to_1}};
 *    return each_case_run("model", truths, 1, names, count, open_bench, close_bench);
 *
 *  The set-up finds in *state an each_case, borrowed, and may replace it.
 */
#ifndef CLH_EACH_CASE_H
#define CLH_EACH_CASE_H

#include "support/cmocka_all.h"

typedef struct each_truth {
    const char *name;
    CMUnitTestFunction test;
} each_truth;

typedef struct each_case {
    const char *name;
    size_t index;
} each_case;

/** Run `truth_count` truths for each of `case_count` cases; returns how many tests failed. */
int each_case_run(const char *group, const each_truth *truths, size_t truth_count,
                  const char *const *names, size_t case_count, CMFixtureFunction setup,
                  CMFixtureFunction teardown);

#endif
