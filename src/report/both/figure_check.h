/** What a figure or a terminal rendering refuses before it draws, shared by both homes. Each gives
 *  CLH_OK, or one line that names what was found and what was wanted.
 */
#ifndef CLH_FIGURE_CHECK_H
#define CLH_FIGURE_CHECK_H

#include "base/base.h"
#include "clearhead/figure.h"
#include "report/both/scale.h"

/** File formats by ending. */
typedef enum clh_figure_format { CLH_FIGURE_PNG, CLH_FIGURE_SVG, CLH_FIGURE_PDF } clh_figure_format;

enum { CLH_FIGURE_SIDE_MIN = 64, CLH_FIGURE_SIDE_MAX = 20000, CLH_PANELS_MAX = 64 };

/** Format from the ending of `path`, in either case; CLH_EUSAGE for any other. */
clh_status clh_check_format(clh_figure_format *format, const char *path, clh_error *err);

/** Sizes within limits; NULL is fine. */
clh_status clh_check_figure_style(const clh_figure_style *style, clh_error *err);

/** Columns and lines within limits; NULL is fine. */
clh_status clh_check_terminal_style(const clh_terminal_style *style, clh_error *err);

/** A range that there is: its kind, ends, gamma. */
clh_status clh_check_range(const clh_colour_range *range, clh_error *err);

/** Of the data of each kind: that there is something to draw, and no more than is drawn. */
typedef clh_status clh_check(const void *data, clh_error *err);
clh_check clh_check_curve;     /**< at least one drawable point; 1 … 6 series */
clh_check clh_check_positions; /**< at least one drawable value */
clh_check clh_check_heatmap;   /**< a panel and a cell; strides that hold a row; a finite limit */
clh_check clh_check_tokens;    /**< a token; a destination inside the text; a finite limit */
clh_check clh_check_table;     /**< 1 … 40 columns */
clh_check clh_check_rows; /**< 1 … 200 rows, 1 … 8 panels, series within limits, a number to draw */

/** Least and greatest value, ends of intervals too, that a panel of points can show; false when
 *  there is none. */
bool clh_rows_range(const clh_rows_data *data, const clh_rows_panel *panel, double *low,
                    double *high);

/** Least and greatest value an axis can show of the series on one side, of shares 0 and 1 too; false
 *  when none can. */
bool clh_curve_range(const clh_curve_data *data, bool right, double *low, double *high);

/** x of point `i`: the series' own, or i. */
double clh_series_x(const clh_series *series, size_t i);

/** Whether point `i` can be drawn on its axes. */
bool clh_series_shows(const clh_curve_data *data, const clh_series *series, size_t i);

/** Least and greatest x of all points that can be drawn (on a logarithmic axis of those above 0), and
 *  the axis they want but for its ticks. There is at least one. */
clh_scale_want clh_curve_want_x(const clh_curve_data *data, double *low, double *high);

/** Range of the values an axis can show; on a linear axis zero is in it. False when none can. */
bool clh_positions_range(const clh_positions_data *data, double *low, double *high);

#endif
