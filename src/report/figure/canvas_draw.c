#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/both/label.h"
#include "report/figure/canvas.h"

/* Half the height of capitals over the font's size in DejaVu: puts y through the letters' middle.
 */
#define HALF_CAPITAL 0.365

/* Of an upright scale: width of the colours, at least of the labels, from there to the name's middle. */
enum { SCALE_COLOURS = 14, SCALE_TICKS = 28, SCALE_NAME = 18 };

void clh_canvas_colour(clh_canvas *canvas, clh_rgb colour)
{
    cairo_set_source_rgb(canvas->cr, colour.r / 255.0, colour.g / 255.0, colour.b / 255.0);
}

static void choose_font(cairo_t *cr, clh_text_style style)
{
    cairo_select_font_face(cr, style.mono ? "DejaVu Sans Mono" : "DejaVu Sans",
                           CAIRO_FONT_SLANT_NORMAL,
                           style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, style.size);
}

static double advance(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

/* Shorten `text` in place, character by character, until it fits with an ellipsis. */
static double cut_to_width(cairo_t *cr, char text[CLH_LABEL_BYTES], double width_max)
{
    double width = advance(cr, text);
    if (width_max <= 0.0 || width <= width_max)
        return width;
    size_t length = strlen(text);
    char tried[CLH_LABEL_BYTES + 4];
    while (length > 0 && width > width_max) {
        do
            length--;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80);
        (void)snprintf(tried, sizeof tried, "%.*s…", (int)length, text);
        width = advance(cr, tried);
    }
    size_t bytes = strlen(tried) < CLH_LABEL_BYTES ? strlen(tried) : 0;
    memcpy(text, tried, bytes);
    text[bytes] = '\0';
    return width;
}

void clh_canvas_text(clh_canvas *canvas, const char *text, double x, double y, clh_text_style style)
{
    assert(style.size > 0.0);
    char shown[CLH_LABEL_BYTES];
    if (clh_text_clean(shown, sizeof shown, text) == 0)
        return;
    cairo_t *cr = canvas->cr;
    cairo_save(cr);
    choose_font(cr, style);
    double width = cut_to_width(cr, shown, style.width_max);
    cairo_translate(cr, x, y);
    if (style.upright)
        cairo_rotate(cr, -acos(0.0));
    clh_canvas_colour(canvas, style.colour ? *style.colour : canvas->theme->ink);
    cairo_move_to(cr, -style.anchor * width, HALF_CAPITAL * style.size);
    cairo_show_text(cr, shown);
    cairo_restore(cr);
}

double clh_canvas_text_width(clh_canvas *canvas, const char *text, clh_text_style style)
{
    assert(style.size > 0.0);
    char shown[CLH_LABEL_BYTES];
    if (clh_text_clean(shown, sizeof shown, text) == 0)
        return 0.0;
    cairo_save(canvas->cr);
    choose_font(canvas->cr, style);
    double width = advance(canvas->cr, shown);
    cairo_restore(canvas->cr);
    return width;
}

void clh_canvas_fill(clh_canvas *canvas, clh_rect rect, clh_rgb colour)
{
    assert(canvas);
    clh_canvas_colour(canvas, colour);
    cairo_rectangle(canvas->cr, rect.x, rect.y, rect.width, rect.height);
    cairo_fill(canvas->cr);
}

void clh_canvas_outline(clh_canvas *canvas, clh_rect rect, double width, clh_rgb colour)
{
    assert(canvas && width > 0);
    clh_canvas_colour(canvas, colour);
    cairo_set_line_width(canvas->cr, width);
    cairo_rectangle(canvas->cr, rect.x + width / 2.0, rect.y + width / 2.0, rect.width - width,
                    rect.height - width);
    cairo_stroke(canvas->cr);
}

static double on_pixel(double at)
{
    return floor(at) + 0.5;
}

void clh_canvas_line(clh_canvas *canvas, double x0, double y0, double x1, double y1, double width,
                     clh_rgb colour)
{
    assert(canvas && width > 0);
    bool thin = fabs(width - 1.0) < 1e-9;
    if (thin && x0 == x1)
        x0 = x1 = on_pixel(x0);
    if (thin && y0 == y1)
        y0 = y1 = on_pixel(y0);
    clh_canvas_colour(canvas, colour);
    cairo_set_line_width(canvas->cr, width);
    cairo_move_to(canvas->cr, x0, y0);
    cairo_line_to(canvas->cr, x1, y1);
    cairo_stroke(canvas->cr);
}

void clh_canvas_dot(clh_canvas *canvas, double x, double y, double radius, clh_rgb colour)
{
    assert(canvas && radius > 0);
    clh_canvas_colour(canvas, colour);
    cairo_new_sub_path(canvas->cr);
    cairo_arc(canvas->cr, x, y, radius, 0.0, 4.0 * acos(0.0));
    cairo_fill(canvas->cr);
}

/* A gradient in proportion with the map's own anchors as stops is the map itself, in every format; a
 * power is drawn by as many as it takes to look smooth. */
static void fill_scale(clh_canvas *canvas, clh_rect rect, bool upright, const clh_shades *shades)
{
    const bool plain = fabs(shades->gamma - 1.0) < 1e-9 && fmax(shades->low, -shades->high) <= 0.0;
    const int stops = plain ? 10 : 120;
    cairo_pattern_t *gradient =
        upright ? cairo_pattern_create_linear(0.0, rect.y + rect.height, 0.0, rect.y)
                : cairo_pattern_create_linear(rect.x, 0.0, rect.x + rect.width, 0.0);
    for (int i = 0; i <= stops; i++) {
        const double part = (double)i / stops;
        const double value = shades->low + part * (shades->high - shades->low);
        const clh_rgb c = clh_colormap_at(clh_shades_at(shades, value), canvas->dark);
        cairo_pattern_add_color_stop_rgb(gradient, part, c.r / 255.0, c.g / 255.0, c.b / 255.0);
    }
    cairo_rectangle(canvas->cr, rect.x, rect.y, rect.width, rect.height);
    cairo_set_source(canvas->cr, gradient);
    cairo_fill(canvas->cr);
    cairo_pattern_destroy(gradient);
    clh_canvas_outline(canvas, rect, 1.0, canvas->theme->frame);
}

void clh_canvas_tick_labels(clh_canvas *canvas, const clh_scale *axis, const clh_scale_room *room,
                            double x, double y)
{
    assert(canvas && axis && room);
    const clh_text_style text = {.size = CLH_TICK_FONT, .anchor = 0.5};
    for (size_t i = 0; i < axis->count; i++) {
        const double width = clh_canvas_text_width(canvas, axis->label[i], text);
        clh_canvas_text(canvas, axis->label[i],
                        x + clh_scale_label_place(axis, axis->value[i], width, room), y, text);
    }
}

/* Ticks that an upright scale as long as this may have. */
static clh_scale fit_upright(const clh_shades *shades, double length)
{
    return clh_scale_fit(shades->low, shades->high,
                         (clh_scale_want){.ticks = length > 240.0 ? 8 : 4},
                         (clh_scale_room){.length = length, .gap = 18.0});
}

double clh_canvas_scale_width(const clh_shades *shades)
{
    size_t most = 0;
    assert(shades);
    for (int length = 200; length <= 400; length += 200) {
        const clh_scale axis = fit_upright(shades, length);
        for (size_t i = 0; i < axis.count; i++)
            most = strlen(axis.label[i]) > most ? strlen(axis.label[i]) : most;
    }
    return SCALE_COLOURS + fmax(SCALE_TICKS, CLH_TICK_CHARACTER * (double)most) + SCALE_NAME + 8.0;
}

static void draw_scale_upright(clh_canvas *canvas, clh_rect rect, const clh_shades *shades,
                               const char *label)
{
    const clh_scale axis = fit_upright(shades, rect.height);
    const clh_text_style text = {.size = CLH_TICK_FONT};
    const double x = rect.x + rect.width;
    double widest = SCALE_TICKS;
    for (size_t i = 0; i < axis.count; i++) {
        const double place = clh_scale_place(&axis, axis.value[i]) * (rect.height - 1.0);
        const double y = rect.y + rect.height - 1.0 - place;
        widest = fmax(widest, clh_canvas_text_width(canvas, axis.label[i], text));
        clh_canvas_line(canvas, x, y, x + 4.0, y, 1.0, canvas->theme->frame);
        clh_canvas_text(canvas, axis.label[i], x + 7.0, y + 0.5, text);
    }
    clh_canvas_text(
        canvas, label, x + widest + SCALE_NAME, rect.y + rect.height / 2.0,
        (clh_text_style){.size = 12.0, .anchor = 0.5, .width_max = rect.height, .upright = true});
}

static void draw_scale_level(clh_canvas *canvas, clh_rect rect, const clh_shades *shades,
                             const char *label)
{
    const double end = canvas->page->width - CLH_PAGE_EDGE, right = rect.x + rect.width;
    const clh_scale_room room = {rect.width - 1.0, CLH_TICK_CHARACTER, .gap = 10.0,
                                 .before = rect.x - CLH_PAGE_EDGE, .after = end - right};
    const clh_scale axis = clh_scale_fit(
        shades->low, shades->high, (clh_scale_want){.ticks = rect.width > 240.0 ? 8 : 4}, room);
    for (size_t i = 0; i < axis.count; i++) {
        const double x = rect.x + clh_scale_place(&axis, axis.value[i]) * room.length;
        const double y = rect.y + rect.height;
        clh_canvas_line(canvas, x, y, x, y + 4.0, 1.0, canvas->theme->frame);
    }
    clh_canvas_tick_labels(canvas, &axis, &room, rect.x, rect.y + rect.height + 12.0);
    clh_canvas_text(canvas, label, right + 16.0, rect.y + rect.height / 2.0,
                    (clh_text_style){.size = 12.0, .width_max = fmax(end - right - 16.0, 1.0)});
}

void clh_canvas_scale(clh_canvas *canvas, clh_rect rect, const clh_shades *shades,
                      const char *label)
{
    assert(shades && label);
    const bool upright = rect.height > rect.width;
    fill_scale(canvas, rect, upright, shades);
    (upright ? draw_scale_upright : draw_scale_level)(canvas, rect, shades, label);
}
