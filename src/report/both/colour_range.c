/* A range of colours, as text and as it is given. */
#include <math.h>
#include <string.h>

#include "base/platform/decimal.h"
#include "base/quote.h"
#include "report/both/figure_check.h"

/* Ends that a scale can be drawn between. */
static bool are_ends(double low, double high)
{
    const double size = fmax(fabs(low), fabs(high));
    return isfinite(low) && isfinite(high) && size < 1e30 && high - low > 1e-6 * size;
}

clh_status clh_check_range(const clh_colour_range *range, clh_error *err)
{
    clh_status status =
        clh_check_enum(range->kind, CLH_RANGE_PERCENTILE + 1, "the range's kind", err);
    if (!status && (range->kind == CLH_RANGE_ENDS ? !are_ends(range->low, range->high)
                                                  : isnan(range->low) || isnan(range->high)))
        status =
            clh_fail(err, CLH_ERANGE,
                     "the range of colours is %g to %g, want numbers below 1e30, the lower first",
                     range->low, range->high);
    if (!status && range->gamma != 0.0 && !(range->gamma >= 0.05 && range->gamma <= 20.0))
        status = clh_fail(err, CLH_ERANGE, "gamma is %g, want it in [0.05, 20]", range->gamma);
    return status;
}

clh_status clh_colour_range_read(clh_colour_range *range, const char *text, clh_error *err)
{
    static const char *const words[] = {
        [CLH_RANGE_MAX] = "max", [CLH_RANGE_ROW] = "row", [CLH_RANGE_PERCENTILE] = "percentile"};
    CLH_REQUIRE(range && text, err, "a text, and room for the range");
    clh_colour_range read = {.kind = CLH_RANGE_ENDS, .gamma = range->gamma};
    for (size_t i = 0; i < CLH_COUNT(words); i++)
        if (words[i] && strcmp(words[i], text) == 0)
            read.kind = (clh_range_kind)i;
    char *end = NULL;
    if (read.kind == CLH_RANGE_ENDS) {
        read.low = clh_read_double(text, &end);
        if (end == text || *end != ':')
            return clh_fail(
                err, CLH_EUSAGE,
                "the range of colours is %s, want max, row, percentile or two numbers: 0:1",
                *text ? clh_quoted_text(text).text : "empty");
        const char *second = end + 1;
        read.high = clh_read_double(second, &end);
        if (end == second || *end)
            return clh_fail(err, CLH_EUSAGE, "the range of colours is %s, want two numbers: 0:1",
                            clh_quoted_text(text).text);
    }
    clh_status status = clh_check_range(&read, err);
    if (!status)
        *range = read;
    return status;
}
