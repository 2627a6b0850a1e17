/** How strong the colour of a value is: the range of a heat map, worked out for its numbers.
 *
 *    clh_shades shades = {0};
 *    status = clh_shades_make(&shades, data, err);
 *    clh_rgb cell = clh_colormap_at(clh_shades_at(&shades, value), dark);
 *    clh_shades_deinit(&shades);
 *
 *  With CLH_RANGE_ROW values are parts of the largest magnitude of their row: clh_matrix_cell() divides.
 */
#ifndef CLH_SHADES_H
#define CLH_SHADES_H

#include "base/base.h"
#include "clearhead/figure.h"

enum { CLH_SHADES_PERCENT = 99, CLH_SHADES_LABEL = 192 };

typedef struct clh_shades {
    double low,
        high; /**< the ends of the scale; low < 0 when a value below 0 is shown, or may be */
    double gamma;
    double
        *row; /**< [panels, rows] largest magnitude of each; owned; NULL: values are as they are */
} clh_shades;

/** Work out the range of `data` for its finite numbers outside the future. CLH_ENOMEM. */
clh_status clh_shades_make(clh_shades *out, const clh_heatmap_data *data, clh_error *err);

/** As clh_shades_make() for the tokens up to the destination, which are one row. */
clh_status clh_shades_of_tokens(clh_shades *out, const clh_tokens_data *data, clh_error *err);

void clh_shades_deinit(clh_shades *shades);

/** -1 … 1 for clh_colormap_at(): 0 is no colour, beyond the ends is as the end. NaN gives NaN. */
double clh_shades_at(const clh_shades *shades, double value);

/** Of the numbers outside the future: how many there are, are not finite, and lie beyond the ends. */
typedef struct clh_shades_counts {
    size_t all, missing, beyond;
} clh_shades_counts;

clh_shades_counts clh_shades_count(const clh_shades *shades, const clh_heatmap_data *data);

/** What stands beside the scale: "attention, of each row's largest, gamma 0.5". `name` may be NULL. */
const char *clh_shades_label(char out[CLH_SHADES_LABEL], const char *name,
                             const clh_colour_range *range);

#endif
