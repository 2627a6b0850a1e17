/** cmocka with what it wants included before it. */
#ifndef CLH_CMOCKA_ALL_H
#define CLH_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A failing assertion leaves the test: cmocka.h does not say so. */
_Noreturn void _fail(const char *file, int line);

/* What cannot be tested here, and why; then return from the test. cmocka's skip() writes "not ok …
 * # SKIP", which those who read TAP take for a failure. scripts/count_tests.py reads this line. */
#define say_skipped(why) print_message("# SKIP %s\n", why)

#endif
