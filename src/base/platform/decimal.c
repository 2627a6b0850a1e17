#include "base/platform/decimal.h"

#include <assert.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The locale "C" is there from the start: to ask for it takes no memory. */
void *clh_decimal_begin(void)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    assert(plain);
    return uselocale(plain);
}

void clh_decimal_end(void *before)
{
    const locale_t plain = uselocale(before);
    if (plain != LC_GLOBAL_LOCALE)
        freelocale(plain);
}

int clh_vsnprintf(char *out, size_t size, const char *format, va_list args)
{
    void *before = clh_decimal_begin();
    const int length = vsnprintf(out, size, format, args);
    clh_decimal_end(before);
    return length;
}

int clh_snprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = clh_vsnprintf(out, size, format, args);
    va_end(args);
    return length;
}

double clh_read_double(const char *text, char **end)
{
    void *before = clh_decimal_begin();
    const double value = strtod(text, end);
    clh_decimal_end(before);
    return value;
}

size_t clh_read_size(const char *text, char **end)
{
    const unsigned long long value = strtoull(text, end, 10);
    return (size_t)value == value ? (size_t)value : SIZE_MAX;
}
