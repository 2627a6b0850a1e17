/** Where the parts of a figure of rows stand. From the top: titles of the panels, names of columns and
 *  legends, the rows with their headings, axes of points.
 *
 *    clh_page page = clh_rows_page(data, style);             // a size that suits the data
 *    clh_rows_layout l;
 *    if (!clh_rows_layout_fit(&l, data, &page)) no room;
 *
 *  A plain struct. Invariant after a fit: what stands within `before` and `after` of a panel's sides
 *  touches nothing of its neighbours.
 */
#ifndef CLH_ROWS_LAYOUT_H
#define CLH_ROWS_LAYOUT_H

#include "report/figure/canvas.h"

enum {
    CLH_ROWS_PANELS = 8,
    CLH_ROWS_MAX = 200,
    CLH_ROWS_TITLE = 24,
    CLH_ROWS_LEGEND = 20,
    CLH_ROWS_LEGEND_KEY = 26,
    CLH_ROWS_HEADING = 24,
    CLH_ROWS_AXIS = 24,
    CLH_ROWS_AXIS_NAME = 18
};

#define CLH_ROWS_FONT 12.0
#define CLH_ROWS_LEGEND_FONT 11.0

/** Lengths in px. */
typedef struct clh_rows_layout {
    double label, row;               /**< width of the labels, height of a row */
    clh_rect panel[CLH_ROWS_PANELS]; /**< from the first row to the last */
    double before[CLH_ROWS_PANELS], after[CLH_ROWS_PANELS]; /**< beside each, its own too */
    clh_scale axis[CLH_ROWS_PANELS];       /**< of points; no ticks: nothing to show */
    clh_scale_room along[CLH_ROWS_PANELS]; /**< of their labels */
    double y[CLH_ROWS_MAX];                /**< middle of each row */
} clh_rows_layout;

/** The size the style asks for, else one in which all is as wide as it likes to be. */
clh_page clh_rows_page(const clh_rows_data *data, const clh_figure_style *style);

/** False when there is no room for the rows and panels. */
bool clh_rows_layout_fit(clh_rows_layout *l, const clh_rows_data *data, const clh_page *page);

#endif
