/** Figures of a model, as a file or in the terminal, from plain numbers and labels.
 *
 *    clh_series loss = {.name = "training", .y = losses, .count = steps};
 *    clh_curve_data data = {.series = &loss, .series_count = 1, .x_label = "step",
 *                           .y_label = "loss"};
 *    if (clh_figure_curve("loss.svg", &data, NULL, &err)) ...
 *
 *  A figure's file is PNG, SVG or PDF by its ending, drawn by one code path, written whole or not
 *  at all. The same data gives the same PNG bytes. Each kind exists twice: clh_figure_<kind>()
 *  writes a file, clh_terminal_<kind>() hands out text, freed with clh_free(); but rows, which are
 *  a table already, only as a file. Everything passed in is borrowed for the call. Texts are
 *  UTF-8; what is not is shown as U+FFFD. A token that is a space is shown as a middle dot.
 *  Numbers that are not finite are drawn as neutral grey, or left out of a line.
 */
#ifndef CLEARHEAD_FIGURE_H
#define CLEARHEAD_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "clearhead/api.h"
#include "clearhead/error.h"
#include "clearhead/tensor.h"

CLH_BEGIN_DECLS

/** How a figure file looks; NULL stands for all zero. */
typedef struct clh_figure_style {
    size_t width, height; /**< pixels, 64 … 20000; in PDF 1/96 inch; 0: what suits the data */
    bool dark;            /**< light on dark */
    const char *title;    /**< above; NULL for none */
    const char *caption;  /**< below, small, e.g. the run's name; NULL for none */
} clh_figure_style;

/** What colours a terminal can show. */
typedef enum clh_colour_depth {
    CLH_COLOUR_NONE = 0, /**< no escape codes: NO_COLOR, or not a terminal */
    CLH_COLOUR_256 = 1,  /**< the 6 x 6 x 6 cube of xterm */
    CLH_COLOUR_TRUE = 2, /**< 24 bit */
} clh_colour_depth;

/** How a terminal rendering looks; NULL stands for all zero. */
typedef struct clh_terminal_style {
    size_t width;            /**< columns, 20 … 1000; 0: 80 */
    size_t height;           /**< lines of the plot, 2 … 500; 0: what suits the data */
    clh_colour_depth colour; /**< see above */
    bool ascii;              /**< only ASCII: any other character becomes an underscore */
    bool dark;               /**< the terminal's background is dark */
    const char *title;       /**< first line; NULL for none */
} clh_terminal_style;

/** CLH_OK when this build writes figure files; else CLH_ESUPPORT and the package it would need. */
CLH_API clh_status clh_figure_available(clh_error *err);

/** "token,position" for each of `count` tokens, e.g. "p,2", as the notebook labels its heat map;
 *  a space becomes a middle dot. One block, freed with clh_free(); NULL with ENOMEM filled in. */
CLH_API char **clh_position_labels_make(const char *const *tokens, size_t count, clh_error *err);

/** One line of a curve. Points whose y is not finite, or not above 0 on a log axis, break it. */
typedef struct clh_series {
    const char *name; /**< for the legend; NULL for none */
    const double *x;  /**< [count], ascending; NULL stands for 0, 1, 2 … */
    const double *y;  /**< [count] */
    size_t count;
    bool points; /**< mark every point (few points, as from evaluations) */
    bool right;  /**< read on the right axis, which is linear */
} clh_series;

typedef struct clh_curve_data {
    const clh_series *series; /**< [series_count], at most 6 */
    size_t series_count;
    const char *x_label, *y_label, *right_label; /**< axis names; NULL for none */
    bool linear_y;                               /**< the left axis is logarithmic unless set */
    bool log_x;   /**< a logarithmic x axis; 0 has a place left of the least x above it, behind a
                       break */
    bool whole_x; /**< x are whole numbers: so are the ticks */
    bool share_y, share_right; /**< what stands on that axis are shares: it goes from 0 to 1 */
} clh_curve_data;

/** Lines over steps, e.g. loss, held-out loss and (right axis) held-out accuracy. A legend stands
 *  above the plot when there is more than one series.
 *  CLH_EINPUT without a drawable point, CLH_EUSAGE for an unknown ending, CLH_ERANGE for a size
 *  outside the limits, CLH_ESUPPORT without cairo, CLH_EIO, CLH_ENOMEM. */
CLH_API clh_status clh_figure_curve(const char *path, const clh_curve_data *data,
                                    const clh_figure_style *style, clh_error *err);

/** The same in characters: the first series in braille, the others as marks. Errors as above. */
CLH_API clh_status clh_terminal_curve(char **text, const clh_curve_data *data,
                                      const clh_terminal_style *style, clh_error *err);

typedef struct clh_positions_data {
    const double *values; /**< [count], e.g. the loss of each prediction; NaN where there is none */
    size_t count;
    const char *const
        *tokens;           /**< [count] symbols written under the axis where they fit; or NULL */
    size_t first_position; /**< position of values[0] in its sequence */
    const char *y_label;   /**< NULL for none */
    bool linear_y;         /**< bars from zero; else stems on a logarithmic axis */
} clh_positions_data;

/** One value for each token position, e.g. loss per position. Errors as clh_figure_curve(). */
CLH_API clh_status clh_figure_positions(const char *path, const clh_positions_data *data,
                                        const clh_figure_style *style, clh_error *err);

/** The same as a column chart; where columns are fewer than positions each shows its largest. */
CLH_API clh_status clh_terminal_positions(char **text, const clh_positions_data *data,
                                          const clh_terminal_style *style, clh_error *err);

/** Which value has the strongest colour. */
typedef enum clh_range_kind {
    CLH_RANGE_MAX = 0,        /**< the largest magnitude there is */
    CLH_RANGE_ENDS = 1,       /**< `low` and `high`; what lies beyond is as they are */
    CLH_RANGE_ROW = 2,        /**< the largest magnitude of its row */
    CLH_RANGE_PERCENTILE = 3, /**< the least magnitude that 99 % of all do not exceed */
} clh_range_kind;

/** From values to colours; all zero: in proportion to the largest magnitude. It is said beside the scale
 *  of colours. */
typedef struct clh_colour_range {
    clh_range_kind kind;
    double low, high; /**< CLH_RANGE_ENDS: low < high, below 1e30 */
    double gamma; /**< a colour is as strong as (value / end) ^ gamma: below 1 small values show.
                           0.05 … 20; 0: 1 */
} clh_colour_range;

/** Read "max", "row", "percentile" or two numbers, "0:1". CLH_EUSAGE says what was found. */
CLH_API clh_status clh_colour_range_read(clh_colour_range *range, const char *text, clh_error *err);

/** One matrix of a heat map: values[r * stride + c]. */
typedef struct clh_heatmap_panel {
    const char *title;      /**< e.g. "head 3"; NULL for none */
    const clh_real *values; /**< [rows, cols] */
    size_t stride;          /**< numbers from one row to the next; 0: cols */
} clh_heatmap_panel;

typedef struct clh_heatmap_data {
    const clh_heatmap_panel *panels; /**< [panel_count], at most 64, one colour scale for all */
    size_t panel_count;
    size_t rows, cols;
    const char *const *row_labels; /**< [rows]; NULL: the numbers 0, 1, 2 … */
    const char *const *col_labels; /**< [cols]; NULL: the numbers */
    const char *x_label, *y_label; /**< e.g. "src_token", "dst_token"; NULL for none */
    const char *value_label;       /**< beside the colour bar, e.g. "attention"; NULL for none */
    bool causal;                   /**< column > row is the future: left blank */
    bool strip;                    /**< few rows, many columns: cells need not be square */
    clh_colour_range range;        /**< of all panels */
} clh_heatmap_data;

/** Any real matrix, row 0 on top, in plotly's RdBu centred on zero (negative red, zero white,
 *  positive blue; on a dark page the same hues from a dark centre). Cells have whole pixels, at
 *  least one; of a matrix with more cells than pixels each pixel is the largest magnitude of a block, which
 *  the title says. Labels are thinned until none touch. Errors as clh_figure_curve(). */
CLH_API clh_status clh_figure_heatmap(const char *path, const clh_heatmap_data *data,
                                      const clh_figure_style *style, clh_error *err);

/** The same in half blocks, two rows a line; without colour in five shades of magnitude. */
CLH_API clh_status clh_terminal_heatmap(char **text, const clh_heatmap_data *data,
                                        const clh_terminal_style *style, clh_error *err);

/** No destination is chosen. */
#define CLH_NO_DESTINATION ((size_t)-1)

typedef struct clh_tokens_data {
    const char *const *tokens; /**< [count] */
    const clh_real *values;    /**< [count], e.g. the destination's row of a pattern */
    size_t count;
    size_t destination;      /**< outlined; what follows it is the future, muted, its values not
                                  shown. CLH_NO_DESTINATION for none */
    clh_colour_range range;  /**< as in clh_heatmap_data; the text is one row */
    const char *value_label; /**< e.g. "attention from 57"; NULL for none */
} clh_tokens_data;

/** The text with every token on the colour of its value (as circuitsvis' colored_tokens_multi),
 *  each line led by the position of its first token. CLH_EINPUT also for a destination that is
 *  not in the text; else errors as clh_figure_curve(). */
CLH_API clh_status clh_figure_tokens(const char *path, const clh_tokens_data *data,
                                     const clh_figure_style *style, clh_error *err);

/** The same in background colours; without colour a line of tenths (0 … 9) under each line. */
CLH_API clh_status clh_terminal_tokens(char **text, const clh_tokens_data *data,
                                       const clh_terminal_style *style, clh_error *err);

/** A column of a table. */
typedef struct clh_table_column {
    const char *name;
    bool number; /**< against the right edge; else a text, which may go on in a line below */
} clh_table_column;

typedef struct clh_table_data {
    const clh_table_column *column; /**< [columns], at most 40 */
    size_t columns;
    const char *const *cell; /**< [rows, columns]; NULL: nothing there */
    size_t rows;
    const char *none; /**< said where there are no rows; NULL: "no rows" */
    const char *more; /**< what the rows are called that do not fit; NULL: "rows" */
} clh_table_data;

/** A table of texts. Rows that do not fit the height (default: 40 rows) are counted in a last line.
 *  CLH_EINPUT without a column or with too many; else errors as clh_figure_curve(). */
CLH_API clh_status clh_figure_table(const char *path, const clh_table_data *data,
                                    const clh_figure_style *style, clh_error *err);

/** The same as aligned text; height 0: all rows. */
CLH_API clh_status clh_terminal_table(char **text, const clh_table_data *data,
                                      const clh_terminal_style *style, clh_error *err);

/** Numbers beside each row: points on an axis of their own, or coloured cells that say them. */
typedef struct clh_rows_panel {
    const char *title;        /**< above; NULL for none */
    bool cells;               /**< cells; else points */
    size_t count;             /**< columns of cells (at most 64), or series of points (at most 6) */
    const char *const *names; /**< [count] above the columns, or in a legend; NULL for none */
    const double *value;      /**< [rows, count]; NaN: none */
    const double *low, *high; /**< points: ends of intervals, the same shape; NULL: none */
    const char *label;        /**< points: name of the axis; NULL for none */
    bool log;                 /**< points: logarithmic axis */
    double least, most;       /**< points: the axis; both 0: what the values need */
} clh_rows_panel;

/** Rows with labels on the left and panels beside them that share the rows. */
typedef struct clh_rows_data {
    size_t rows;                   /**< at most 200 */
    const char *const *row_labels; /**< [rows] */
    const char *const *headings;   /**< [rows] a line above that row; NULL, all or one: none */
    const clh_rows_panel *panels;  /**< [panel_count], at most 8 */
    size_t panel_count;
} clh_rows_data;

/** A table to look at: measures of several things side by side, with intervals where there are any.
 *  Cells are coloured from -1 (red) to 1 (blue), whatever the limits of the others. CLH_EINPUT
 *  without a drawable number; else errors as clh_figure_curve(). */
CLH_API clh_status clh_figure_rows(const char *path, const clh_rows_data *data,
                                   const clh_figure_style *style, clh_error *err);

CLH_END_DECLS

#endif
