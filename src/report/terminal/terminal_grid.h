/** A grid of characters to draw a plot on: dots (2 x 4 in a character, as braille) and marks.
 *
 *    clh_grid grid = {0};
 *    if (clh_grid_init(&grid, 60, 16, err)) ...
 *    clh_grid_line(&grid, x0, y0, x1, y1, 0);                  // in dots, y downwards
 *    clh_grid_mark(&grid, x, y, 'o', 1);
 *    clh_grid_paint(&grid, &painter, line);
 *    clh_grid_deinit(&grid);
 */
#ifndef CLH_TERMINAL_GRID_H
#define CLH_TERMINAL_GRID_H

#include "base/base.h"
#include "report/terminal/terminal_paint.h"

typedef struct clh_grid_cell {
    unsigned char dots, mark, series;
} clh_grid_cell;

typedef struct clh_grid {
    size_t columns, lines;
    clh_grid_cell *cells; /**< [lines, columns] */
} clh_grid;

enum { CLH_GRID_DOTS_X = 2, CLH_GRID_DOTS_Y = 4 };

/** An empty grid. */
clh_status clh_grid_init(clh_grid *grid, size_t columns, size_t lines, clh_error *err);

/** Free it. All zero is fine. */
void clh_grid_deinit(clh_grid *grid);

/** Dots along a line between two places in dots, both inside the grid, in the series' colour. */
void clh_grid_line(clh_grid *grid, long x0, long y0, long x1, long y1, size_t series);

/** A character over the dots of the cell that holds dot (x, y). */
void clh_grid_mark(clh_grid *grid, long x, long y, char mark, size_t series);

/** Write one line of the grid. */
void clh_grid_paint(const clh_grid *grid, clh_painter *painter, size_t line);

#endif
