#include "report/number.h"
#include "base/platform/decimal.h"

#include <math.h>
#include <stdio.h>

const char *clh_number_text(char out[CLH_NUMBER_TEXT], double value, int decimals, bool small)
{
    const double least = pow(10, -decimals); /* the last place that is shown */
    if (isnan(value))
        (void)snprintf(out, CLH_NUMBER_TEXT, "-");
    else if (isinf(value))
        (void)snprintf(out, CLH_NUMBER_TEXT, value < 0 ? "-inf" : "inf");
    else if (small && fabs(value) < 10 * least && (value < 0 || value > 0))
        (void)clh_snprintf(out, CLH_NUMBER_TEXT, "%.1e", value);
    else if (fabs(value) >= 1e9)
        (void)clh_snprintf(out, CLH_NUMBER_TEXT, "%.4e", value);
    else
        (void)clh_snprintf(out, CLH_NUMBER_TEXT, "%.*f", decimals,
                           fabs(value) < least / 2 ? 0.0 : value);
    return out;
}

void clh_number_add(clh_strbuf *out, double value, const char *none)
{
    const double size = fabs(value); /* nine digits say those below 1e9 */
    const bool whole = size >= 1e9 && size <= 0x1p53 && floor(value) >= value;
    if (!isfinite(value))
        clh_strbuf_adds(out, none);
    else if (whole)
        clh_strbuf_addf(out, "%.0f", value);
    else
        clh_strbuf_addf(out, "%.9g", value);
}
