#include "cli/cli_slice.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/decimal.h"
#include "base/slice.h"

/* Parts with commas between, their places added up in `out` (only counted where it has no index).
 */
static bool read_parts(const char *at, size_t size, clh_cli_slice *out)
{
    size_t begin, end;
    out->count = 0;
    while (clh_slice_read(&at, size, &begin, &end)) {
        for (size_t i = begin; i < end; i++, out->count++)
            if (out->index)
                out->index[out->count] = i;
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
    double value = clh_read_double(text, &end);
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
