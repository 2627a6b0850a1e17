/** A result with every kind of part, for the tests of what shows results.
 *
 *    clh_result *result = result_case_make();
 *    ... clh_report_save(result, "sample.csv", NULL, &err)
 *    clh_result_close(result);
 *
 *  A question "sample" of "runs/a, b": numbers with and without intervals, absent and of text; a
 *  verdict with and one without an answer; tables of every hint, long, empty and absent; arrays of
 *  every hint, one computed when it is asked for.
 */
#ifndef RESULT_CASE_H
#define RESULT_CASE_H

#include "result/build.h"

/** What its parts are. */
extern const clh_schema result_case_schema[];

/** The result; fails the program when memory is out. */
clh_result *result_case_make(void);

/** How often its "pattern" was computed since it was made. */
size_t result_case_computed(void);

#endif
