/** The pieces of text of an SVG as boxes that their ink is in, read from what cairo writes: each glyph
 *  is a <use> of an outline at a point, and those of one text stand together.
 *
 *    point page;
 *    size_t count = read_texts(svg, &page);                  // text[0] … text[count - 1]
 *
 *  One text[] of the program, filled anew by each call.
 */
#ifndef FIGURE_TEXTS_H
#define FIGURE_TEXTS_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"

enum { TEXTS_MAX = 512, SYMBOLS_MAX = 512 };

typedef struct point {
    double x, y;
} point;

/* A piece of text as it is drawn: the box that its ink is in. */
typedef struct text_box {
    double left, top, right, bottom;
    size_t glyphs;
} text_box;

/* Box of a glyph's outline, read from its path, about the point it is drawn at. */
typedef struct symbol {
    char id[32];
    text_box box;
} symbol;

static symbol symbols[SYMBOLS_MAX];
static text_box text[TEXTS_MAX];

static inline text_box no_box(void)
{
    return (text_box){INFINITY, INFINITY, -INFINITY, -INFINITY, 0};
}

static inline void box_add(text_box *box, text_box more)
{
    *box = (text_box){fmin(box->left, more.left), fmin(box->top, more.top),
                      fmax(box->right, more.right), fmax(box->bottom, more.bottom),
                      box->glyphs + more.glyphs};
}

static inline double number_after(const char *at, const char *name)
{
    const char *found = strstr(at, name);
    assert_non_null(found);
    return strtod(found + strlen(name), NULL);
}

/* All numbers of a path in pairs: corners, and the control points that curves stay between. */
static inline text_box box_of_path(const char *at)
{
    text_box box = no_box();
    const char *end = strchr(at, '"');
    double pair[2];
    for (size_t k = 0; at < end;) {
        char *after;
        pair[k] = strtod(at, &after);
        if (after == at) {
            at++;
            continue;
        }
        at = after;
        k = 1 - k;
        if (k == 0)
            box_add(&box, (text_box){pair[0], pair[1], pair[0], pair[1], 0});
    }
    return box;
}

static inline size_t read_symbols(const char *svg)
{
    size_t count = 0;
    for (const char *at = svg; (at = strstr(at, " id=\"glyph")); at++) {
        assert_true(count < SYMBOLS_MAX);
        assert_int_equal(sscanf(at, " id=\"%31[^\"]", symbols[count].id), 1);
        symbols[count++].box = box_of_path(strstr(at, " d=\"") + 4);
    }
    return count;
}

static inline text_box box_of_glyph(const char *use, size_t count)
{
    char id[32];
    assert_int_equal(sscanf(use, "<use xlink:href=\"#%31[^\"]", id), 1);
    for (size_t i = 0; i < count; i++)
        if (strcmp(symbols[i].id, id) == 0) {
            const text_box b = symbols[i].box;
            const double x = number_after(use, " x=\""), y = number_after(use, " y=\"");
            return (text_box){x + b.left, y + b.top, x + b.right, y + b.bottom, 1};
        }
    fail_msg("no outline of %s", id);
    return no_box();
}

/* The pieces of text of an SVG into text[]: glyphs with nothing between them are one. */
static inline size_t read_texts(const char *svg, point *page)
{
    const char *use = "<use xlink:href=\"#glyph", *before = svg;
    const size_t outlines = read_symbols(svg);
    size_t count = 0;
    *page = (point){number_after(svg, " width=\""), number_after(svg, " height=\"")};
    for (const char *at = svg; (at = strstr(at, use)); at++) {
        const char *between = strstr(before, "</g>");
        if (count == 0 || (between && between < at)) {
            assert_true(count < TEXTS_MAX);
            text[count++] = no_box();
        }
        box_add(&text[count - 1], box_of_glyph(at, outlines));
        before = at;
    }
    return count;
}

static inline bool apart(text_box a, text_box b, double gap)
{
    return a.right + gap <= b.left || b.right + gap <= a.left || a.bottom <= b.top ||
           b.bottom <= a.top;
}

#endif
