#include "base/base.h"

#include <stdio.h>
#include <string.h>

static const struct {
    int exit_code;
    const char *text;
} status_table[] = {
#define STATUS_ROW(name, exit_code, text) {exit_code, text},
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

clh_status clh_fail(clh_error *err, clh_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        (void)vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return status;
}

clh_status clh_fail_context(clh_error *err, clh_status status, const char *format, ...)
{
    if (err) {
        char inner[sizeof err->message];
        memcpy(inner, err->message, sizeof inner);
        va_list args;
        va_start(args, format);
        int used = vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        size_t at = used < 0 ? 0 : (size_t)used;
        if (at < sizeof err->message)
            (void)snprintf(err->message + at, sizeof err->message - at, ": %s", inner);
        err->status = status;
    }
    return status;
}
