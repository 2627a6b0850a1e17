#include "base/base.h"
#include "base/platform/decimal.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int exit_code;
    const char *text;
} status_table[] = {
#define STATUS_ROW(name, number, exit_code, text) [number] = {exit_code, text},
    CLH_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

const char *clh_status_text(clh_status status)
{
    return (size_t)status < CLH_COUNT(status_table) ? status_table[status].text : "unknown status";
}

int clh_status_exit_code(clh_status status)
{
    return (size_t)status < CLH_COUNT(status_table) ? status_table[status].exit_code : 3;
}

/* Whatever names from outside brought in: what is no UTF-8, or controls a terminal, becomes '?'. */
static void clean(char *line)
{
    for (size_t length; *line; line += length) {
        length = clh_utf8_length(line);
        const bool good = length > 0 && !clh_utf8_is_control(line);
        length = length > 0 ? length : 1;
        if (!good)
            memset(line, '?', length);
    }
}

/* One line of UTF-8 and terminated; one that was cut says so with dots, after a whole character.
 * `length` is what the whole line would have had. */
static clh_status store(clh_error *err, clh_status status, char *line, size_t length)
{
    size_t end = length;
    if (length >= sizeof err->message) {
        end = clh_text_fit(line, sizeof err->message - 1, sizeof err->message - sizeof "...");
        memcpy(line + end, "...", sizeof "...");
        end += strlen("...");
    }
    clean(line);
    memcpy(err->message, line, end + 1);
    err->status = status;
    return status;
}

/* Format into `line`, as large as a message; the length the whole would have. */
static size_t lay_out(char *line, const char *format, va_list args)
{
    line[0] = '\0';
    int length = clh_vsnprintf(line, sizeof((clh_error *)0)->message, format, args);
    return length < 0 ? strlen(line) : (size_t)length;
}

clh_status clh_fail(clh_error *err, clh_status status, const char *format, ...)
{
    assert(status != CLH_OK && format);
    if (!err)
        return status;
    char line[sizeof err->message];
    va_list args;
    va_start(args, format);
    size_t length = lay_out(line, format, args);
    va_end(args);
    return store(err, status, line, length);
}

clh_status clh_fail_context(clh_error *err, clh_status status, const char *format, ...)
{
    assert(status != CLH_OK && format);
    if (!err)
        return status;
    char line[sizeof err->message];
    va_list args;
    va_start(args, format);
    size_t at = lay_out(line, format, args);
    va_end(args);
    if (at < sizeof line) {
        int rest = snprintf(line + at, sizeof line - at, ": %s", err->message);
        at += rest < 0 ? 0 : (size_t)rest;
    }
    return store(err, status, line, at);
}

clh_status clh_fail_null(clh_error *err, const char *function, const char *wanted)
{
    return clh_fail(err, CLH_EUSAGE, "%s() was given NULL, want %s", function, wanted);
}

clh_status clh_check_enum(unsigned value, unsigned count, const char *name, clh_error *err)
{
    return value < count ? CLH_OK
                         : clh_fail(err, CLH_ERANGE, "%s is %d, want a whole number less than %u",
                                    name, (int)value, count);
}
