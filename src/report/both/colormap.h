/** Colours: of values, of a page, of series.
 *
 *    clh_rgb cell = clh_colormap_at(value / limit, dark);      // -1 red … 0 white … 1 blue
 *    const clh_theme *theme = clh_theme_get(dark);
 *
 *  Nothing is owned; themes are constant tables.
 */
#ifndef CLH_COLORMAP_H
#define CLH_COLORMAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct clh_rgb {
    unsigned char r, g, b;
} clh_rgb;

enum { CLH_SERIES_MAX = 6 };

/** The colours of a page. */
typedef struct clh_theme {
    clh_rgb page, ink, muted, grid, frame;
    clh_rgb missing; /**< a value that is not finite */
    clh_rgb outline; /**< around the chosen token */
    clh_rgb series[CLH_SERIES_MAX];
} clh_theme;

/** The light or the dark page. Series colours are Okabe & Ito's, told apart by every eye. */
const clh_theme *clh_theme_get(bool dark);

/** Colour of t in -1 … 1 (outside is clamped), linear between eleven anchors: plotly's RdBu
 *  (ColorBrewer), (103,0,31) … (247,247,247) … (5,48,97); on a dark page the same hues away from a
 *  dark centre. NaN gives the theme's `missing`. */
clh_rgb clh_colormap_at(double t, bool dark);

/** Black or white, whichever reads better on `back` (relative luminance, WCAG 2). */
clh_rgb clh_colormap_ink(clh_rgb back);

/** Nearest of xterm's 256 colours, from the cube and the grey ramp (16 … 255). */
unsigned clh_colormap_xterm(clh_rgb colour);

#endif
