#include "report/number.h"

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
        (void)snprintf(out, CLH_NUMBER_TEXT, "%.1e", value);
    else if (fabs(value) >= 1e9)
        (void)snprintf(out, CLH_NUMBER_TEXT, "%.4e", value);
    else
        (void)snprintf(out, CLH_NUMBER_TEXT, "%.*f", decimals,
                       fabs(value) < least / 2 ? 0.0 : value);
    return out;
}
