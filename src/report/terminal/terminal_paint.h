/** Text with colours for a terminal: escape codes only where a colour changes, none at all where
 *  the style has no colour.
 *
 *    clh_painter painter = clh_painter_make(style);
 *    clh_painter_back(&painter, &blue);
 *    clh_painter_add(&painter, "p");
 *    clh_painter_end_line(&painter);
 *    return clh_painter_take(&painter, text, err);
 *
 *  The caller owns the struct; clh_painter_take() empties it.
 */
#ifndef CLH_TERMINAL_PAINT_H
#define CLH_TERMINAL_PAINT_H

#include "base/strbuf.h"
#include "clearhead/figure.h"
#include "report/both/colormap.h"
#include "report/both/shades.h"

typedef struct clh_painter {
    clh_strbuf text;
    clh_terminal_style style; /**< with the default width filled in */
    const clh_theme *theme;
    size_t column; /**< characters on this line so far, at most style.width */
    bool has_fore, has_back, fore_on, back_on;
    clh_rgb fore, back, fore_now, back_now;
} clh_painter;

/** Each kind of figure in characters, its data checked already: a row each in report/figures.c. */
typedef clh_status clh_paint(clh_painter *painter, const void *data, clh_error *err);
clh_paint clh_paint_curve, clh_paint_positions, clh_paint_heatmap, clh_paint_tokens,
    clh_paint_table;

/** A painter for `style` (may be NULL), its title already written. */
clh_painter clh_painter_make(const clh_terminal_style *style);

/** Colour of the letters from here on; NULL: the terminal's own. */
void clh_painter_fore(clh_painter *painter, const clh_rgb *colour);

/** Colour behind the letters from here on; NULL: the terminal's own. */
void clh_painter_back(clh_painter *painter, const clh_rgb *colour);

/** Append `text` in the current colours. Here alone text is made harmless: what is not UTF-8
 *  becomes U+FFFD, a control character (an escape code in a label) a space, in ASCII style
 *  everything else an underscore; what does not fit the width is dropped. */
void clh_painter_add(clh_painter *painter, const char *text);

/** The same, formatted; at most 255 bytes. */
void clh_painter_addf(clh_painter *painter, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Append `text` cut or filled with spaces to exactly `columns` characters, at the right when
 *  `right` is set. */
void clh_painter_field(clh_painter *painter, const char *text, size_t columns, bool right);

/** Append `text` `count` times. */
void clh_painter_repeat(clh_painter *painter, const char *text, size_t count);

/** `fancy`, or `plain` where the style asks for ASCII. */
const char *clh_painter_pick(const clh_painter *painter, const char *fancy, const char *plain);

/** Back to the terminal's own colours, and a line feed without spaces before it. */
void clh_painter_end_line(clh_painter *painter);

/** The scale of values from end to end: colours, or `mark` (count of them, from no colour up). */
void clh_painter_scale(clh_painter *painter, const clh_shades *shades, const char *label,
                       const char *const *mark, size_t count);

/** A line under a plot with an axis' tick labels centred at their columns: `gutter` spaces, then
 *  `columns` characters; column of tick i is columns_at[i]. */
void clh_painter_ticks(clh_painter *painter, size_t gutter, size_t columns,
                       const char (*labels)[24], const size_t *columns_at, size_t count);

/** Hand the text over, freed by the caller with clh_free(). CLH_ENOMEM when building it failed. */
clh_status clh_painter_take(clh_painter *painter, char **text, clh_error *err);

#endif
