/** A page to draw on that becomes a PNG, SVG or PDF file, whole or not at all.
 *
 *    static clh_status draw(clh_canvas *canvas, const void *context, clh_error *err) { ... }
 *    clh_page page = {.width = 800, .height = 500, .style = style};
 *    return clh_canvas_write("a.svg", &page, draw, &plan, err);
 *
 *  Units are pixels (1/96 inch), the origin the upper left corner, y downwards. The canvas lives
 *  for the call of `draw` and owns the cairo context. Only the figure_*.c files include this.
 */
#ifndef CLH_CANVAS_H
#define CLH_CANVAS_H

#include <cairo.h>

#include "base/base.h"
#include "clearhead/figure.h"
#include "report/both/colormap.h"
#include "report/both/scale.h"
#include "report/both/shades.h"

typedef struct clh_rect {
    double x, y, width, height;
} clh_rect;

/** Size and style of a figure once defaults are filled in. */
typedef struct clh_page {
    double width, height;
    const clh_figure_style *style; /**< may be NULL */
} clh_page;

typedef struct clh_canvas {
    cairo_t *cr;
    const clh_page *page;
    const clh_theme *theme;
    bool dark;
    size_t image_side; /**< px a picture of cells should have at least, for viewers that smooth */
    clh_rect body;     /**< the page without margins, title and caption */
} clh_canvas;

/** Draws; a failure leaves no file. */
typedef clh_status clh_canvas_draw(clh_canvas *canvas, const void *context, clh_error *err);

/** Each kind of figure as a file, its data checked already: a row each in report/figures.c. */
typedef clh_status clh_page_write(const char *path, const void *data, const clh_figure_style *style,
                                  clh_error *err);
clh_page_write clh_page_curve, clh_page_positions, clh_page_heatmap, clh_page_tokens,
    clh_page_table, clh_page_rows;

/** A piece of text. Zero means: from the left, level, regular, as wide as it comes, theme's ink. */
typedef struct clh_text_style {
    double size;      /**< of the font, px */
    double anchor;    /**< part of the width left of x: 0, 0.5 or 1 */
    double width_max; /**< cut with an ellipsis beyond; 0 for no limit */
    bool bold, mono;
    bool upright;          /**< reads from bottom to top */
    const clh_rgb *colour; /**< NULL for the theme's ink */
} clh_text_style;

/** Heights a page needs beside its body, for choosing a default size. */
#define CLH_PAGE_MARGIN 16.0
#define CLH_PAGE_TITLE 30.0
#define CLH_PAGE_CAPTION 22.0

/** Labels of ticks may stand in the margin, so far from the page's edge at least. */
#define CLH_PAGE_EDGE 4.0

/** The font of ticks, px, and the most that a character of their labels takes. */
#define CLH_TICK_FONT 11.0
#define CLH_TICK_CHARACTER 7.2

/** What the page takes from the height: margins, title and caption if there are any. */
double clh_page_frame_height(const clh_figure_style *style);

/** The style's width or height; where it says 0 what is given, wider where title and caption need it. */
clh_page clh_page_make(const clh_figure_style *style, double width, double height);

/** The page without margins, title and caption: what clh_canvas_draw finds as `body`. */
clh_rect clh_page_body(const clh_page *page);

/** Open by the ending of `path`, paint the page, title and caption, call `draw`, and move the file
 *  into place. CLH_EUSAGE, CLH_ERANGE, CLH_ENOMEM, CLH_EIO, or what `draw` returned. */
clh_status clh_canvas_write(const char *path, const clh_page *page, clh_canvas_draw *draw,
                            const void *context, clh_error *err);

/** The line for a page too small for what it must hold: CLH_ERANGE with its size. */
clh_status clh_canvas_no_room(const clh_page *page, clh_error *err);

/** Set the source colour. */
void clh_canvas_colour(clh_canvas *canvas, clh_rgb colour);

/** Text with its middle (between base line and capitals) at y, anchored at x. */
void clh_canvas_text(clh_canvas *canvas, const char *text, double x, double y,
                     clh_text_style style);

/** Width of the text as clh_canvas_text() draws it, without width_max. */
double clh_canvas_text_width(clh_canvas *canvas, const char *text, clh_text_style style);

/** Width of the widest of the texts, NULL among them none, while there is no page yet. */
double clh_texts_width(const char *const *texts, size_t count, clh_text_style style);

/** A filled rectangle. */
void clh_canvas_fill(clh_canvas *canvas, clh_rect rect, clh_rgb colour);

/** The rectangle's outline, `width` px wide, inside its edges. */
void clh_canvas_outline(clh_canvas *canvas, clh_rect rect, double width, clh_rgb colour);

/** A straight line; level and upright ones of 1 px are set on whole pixels. */
void clh_canvas_line(clh_canvas *canvas, double x0, double y0, double x1, double y1, double width,
                     clh_rgb colour);

/** A filled circle. */
void clh_canvas_dot(clh_canvas *canvas, double x, double y, double radius, clh_rgb colour);

/** Labels of the ticks of a level axis that begins at x, their middle at y. */
void clh_canvas_tick_labels(clh_canvas *canvas, const clh_scale *axis, const clh_scale_room *room,
                            double x, double y);

/** What an upright scale of colours takes from its left edge on: colours, ticks, its name. */
double clh_canvas_scale_width(const clh_shades *shades);

/** The scale of colours from end to end, in `rect`, upright when taller than wide, ticks right of or
 *  below it, `label` at its end, cut at the page's edge. */
void clh_canvas_scale(clh_canvas *canvas, clh_rect rect, const clh_shades *shades,
                      const char *label);

#endif
