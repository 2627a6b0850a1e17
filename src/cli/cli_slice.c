#include "cli/cli_slice.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* Where a number is up to `most`: "3", "-1", or `fallback` where there is none. */
static bool read_place(const char **at, size_t size, size_t most, size_t fallback, size_t *out)
{
    char *end;
    const long long value = strtoll(*at, &end, 10);
    const bool none = end == *at;
    const long long from_start = value < 0 ? value + (long long)size : value;
    *at = end;
    *out = none ? fallback : (size_t)from_start;
    return none ? fallback != SIZE_MAX : from_start >= 0 && (size_t)from_start <= most;
}

/* One part, its places added to `out` (only counted where that has no index yet). */
static bool read_part(const char **at, size_t size, clh_cli_slice *out)
{
    size_t begin, end;
    const bool slice = (*at)[strcspn(*at, ":,")] == ':';
    if (slice) {
        if (!read_place(at, size, size, 0, &begin) || **at != ':')
            return false;
        ++*at;
        if (!read_place(at, size, size, size, &end) || begin >= end)
            return false;
    } else {
        if (!read_place(at, size, size - 1, SIZE_MAX, &begin))
            return false;
        end = begin + 1;
    }
    for (size_t i = begin; i < end; i++, out->count++)
        if (out->index)
            out->index[out->count] = i;
    return true;
}

static bool read_parts(const char *at, size_t size, clh_cli_slice *out)
{
    out->count = 0;
    while (read_part(&at, size, out)) {
        if (*at == '\0')
            return true;
        if (*at++ != ',')
            return false;
    }
    return false;
}

clh_status clh_cli_slice_init(clh_cli_slice *out, const clh_invocation *inv, const char *name,
                              size_t size, clh_error *err)
{
    assert(out && inv && name && size > 0);
    const char *text = clh_opt_text(inv, name);
    *out = (clh_cli_slice){.count = size};
    if (!text)
        return CLH_OK;
    if (!read_parts(text, size, out))
        return clh_fail(err, CLH_EUSAGE,
                        "--%s is %s, want numbers in [-%zu, %zu] and slices a:b, commas between: "
                        "0:5,-1",
                        name, text, size, size - 1);
    out->index = clh_alloc_array(out->count, sizeof *out->index, err);
    if (!out->index)
        return CLH_ENOMEM;
    (void)read_parts(text, size, out);
    return CLH_OK;
}

void clh_cli_slice_deinit(clh_cli_slice *slice)
{
    clh_free(slice->index);
    *slice = (clh_cli_slice){0};
}

clh_status clh_cli_bytes(const clh_invocation *inv, const char *name, size_t *bytes, clh_error *err)
{
    static const char units[] = "kMGT";
    const char *text = clh_opt_text(inv, name);
    if (!text)
        return CLH_OK;
    char *end;
    double value = strtod(text, &end);
    const char *unit = *end ? strchr(units, *end == 'K' ? 'k' : *end) : NULL;
    if (unit) {
        value *= pow(1000, (double)(unit - units + 1));
        end++;
    }
    if (*end == 'B')
        end++;
    if (end == text || *end || !(value >= 1) || !(value < 1e18))
        return clh_fail(err, CLH_EUSAGE, "--%s is %s, want bytes such as 500M, 1.5G or 4096", name,
                        text);
    *bytes = (size_t)value;
    return CLH_OK;
}
