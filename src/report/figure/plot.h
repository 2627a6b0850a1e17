/** A plot's frame: grid, ticks, axis names around the rectangle that the data fill.
 *
 *    clh_plot plot;
 *    if (clh_plot_init(&plot, canvas, area, &want)) no room;
 *    clh_plot_draw(&plot, canvas);
 *    double px = clh_plot_x(&plot, step), py = clh_plot_y(&plot, loss, false);
 *
 *  A plain struct over borrowed texts.
 */
#ifndef CLH_PLOT_H
#define CLH_PLOT_H

#include "report/figure/canvas.h"

/** One axis as wanted. */
typedef struct clh_plot_axis {
    bool on;
    double low, high;
    clh_scale_want want; /**< but for ticks, which the room decides */
    const char *label;   /**< NULL for none */
} clh_plot_axis;

typedef struct clh_plot {
    clh_rect area; /**< what the data fill */
    clh_scale x, y, right;
    clh_scale_room along; /**< of the labels of x */
    clh_plot_axis want_x, want_y, want_right;
    double below; /**< kept free between the plot and its x ticks, e.g. for symbols */
} clh_plot;

/** Lay a plot out in `room`, axes as in plot->want_x, want_y, want_right, with `below` px kept
 *  free under it. False when less than 40 px are left for the data. */
bool clh_plot_init(clh_plot *plot, clh_canvas *canvas, clh_rect room);

/** Grid, ticks, names. */
void clh_plot_draw(const clh_plot *plot, clh_canvas *canvas);

/** Page x of a value. */
double clh_plot_x(const clh_plot *plot, double value);

/** Page y of a value on the left or right axis. */
double clh_plot_y(const clh_plot *plot, double value, bool right);

#endif
