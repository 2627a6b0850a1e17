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

#endif
