/** The figure files' functions in a build without cairo: each says what is missing. */
#include "base/base.h"
#include "clearhead/figure.h"

clh_status clh_figure_available(clh_error *err)
{
    return clh_fail(err, CLH_ESUPPORT,
                    "figures were left out of this build: install libcairo2-dev and build again");
}

#define ABSENT(kind, data_type, data)                                                              \
    clh_status clh_figure_##kind(const char *path, const data_type *data,                          \
                                 const clh_figure_style *style, clh_error *err)                    \
    {                                                                                              \
        (void)path;                                                                                \
        (void)data;                                                                                \
        (void)style;                                                                               \
        return clh_figure_available(err);                                                          \
    }

ABSENT(curve, clh_curve_data, data)
ABSENT(positions, clh_positions_data, data)
ABSENT(heatmap, clh_heatmap_data, data)
ABSENT(tokens, clh_tokens_data, data)
ABSENT(table, clh_table_data, data)
ABSENT(rows, clh_rows_data, data)
