/** Where the parts of a heat map stand: panels in a grid, labels left of and below them, the scale
 *  of colours at the right.
 *
 *    clh_page page = clh_heat_page(data, shades, style);               // a size that suits the matrix
 *    clh_heat_layout l = clh_heat_layout_base(data, shades);
 *    if (!clh_heat_layout_fit(&l, data, canvas->body)) no room;
 *
 *  Plain structs. Invariant after a fit: cells have whole pixels, and all panels fit the body.
 */
#ifndef CLH_HEAT_LAYOUT_H
#define CLH_HEAT_LAYOUT_H

#include "report/figure/canvas.h"

enum { CLH_HEAT_GAP = 22, CLH_HEAT_NAME = 22, CLH_HEAT_PLOT_MIN = 32 };

#define CLH_HEAT_FONT_MAX 12.0

/** Lengths in px. */
typedef struct clh_heat_layout {
    size_t grid_cols, grid_rows, block, cells_x, cells_y;
    double cell_x, cell_y, left, bottom, title;
    double scale;                   /**< gap, colours, numbers, what they are */
    double plot_width, plot_height; /**< of one panel */
} clh_heat_layout;

/** The size the style asks for, else one whose cells are large enough to see. */
clh_page clh_heat_page(const clh_heatmap_data *data, const clh_shades *shades,
                       const clh_figure_style *style);

/** The parts that do not depend on the page: the grid, the room for labels and titles. */
clh_heat_layout clh_heat_layout_base(const clh_heatmap_data *data, const clh_shades *shades);

/** Largest cells of whole pixels that fit `body`; where a pixel is too large, blocks of cells.
 *  False when there is no room for a plot. */
bool clh_heat_layout_fit(clh_heat_layout *l, const clh_heatmap_data *data, clh_rect body);

/** `body` shrunk to what the layout takes, in its middle. */
clh_rect clh_heat_layout_centre(const clh_heat_layout *l, clh_rect body);

/** Characters of the widest label shown. */
size_t clh_heat_label_columns(const char *const *labels, size_t count);

#endif
