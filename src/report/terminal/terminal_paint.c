#include "report/terminal/terminal_paint.h"
#include "base/platform/decimal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "report/both/label.h"

enum { WIDTH_DEFAULT = 80, SCALE_STEPS = 20 };

clh_painter clh_painter_make(const clh_terminal_style *style)
{
    clh_painter painter = {0};
    if (style)
        painter.style = *style;
    if (painter.style.width == 0)
        painter.style.width = WIDTH_DEFAULT;
    painter.theme = clh_theme_get(painter.style.dark);
    if (painter.style.title && *painter.style.title) {
        clh_painter_add(&painter, painter.style.title);
        clh_painter_end_line(&painter);
    }
    return painter;
}

static bool same(clh_rgb a, clh_rgb b)
{
    return a.r == b.r && a.g == b.g && a.b == b.b;
}

void clh_painter_fore(clh_painter *painter, const clh_rgb *colour)
{
    painter->has_fore = colour != NULL;
    painter->fore = colour ? *colour : painter->fore;
}

void clh_painter_back(clh_painter *painter, const clh_rgb *colour)
{
    painter->has_back = colour != NULL;
    painter->back = colour ? *colour : painter->back;
}

/* Bring the terminal from the colours it has (`on`, `now`) to those that are wanted. `code` is 38
 * for letters and 48 for what is behind them; one more restores the terminal's own. */
static void emit(clh_painter *painter, int code, bool wanted, clh_rgb colour, bool *on,
                 clh_rgb *now)
{
    if (painter->style.colour == CLH_COLOUR_NONE || (!wanted && !*on) ||
        (wanted && *on && same(colour, *now)))
        return;
    if (!wanted)
        clh_strbuf_addf(&painter->text, "\033[%dm", code + 1);
    else if (painter->style.colour == CLH_COLOUR_256)
        clh_strbuf_addf(&painter->text, "\033[%d;5;%um", code, clh_colormap_xterm(colour));
    else
        clh_strbuf_addf(&painter->text, "\033[%d;2;%d;%d;%dm", code, colour.r, colour.g, colour.b);
    *on = wanted;
    *now = colour;
}

void clh_painter_add(clh_painter *painter, const char *text)
{
    assert(painter && text);
    emit(painter, 38, painter->has_fore, painter->fore, &painter->fore_on, &painter->fore_now);
    emit(painter, 48, painter->has_back, painter->back, &painter->back_on, &painter->back_now);
    bool ascii = painter->style.ascii;
    for (size_t length; *text && painter->column < painter->style.width; text += length) {
        bool valid;
        length = clh_utf8_next(text, &valid);
        if (clh_utf8_is_control(text))
            clh_strbuf_adds(&painter->text, " ");
        else if (valid && (length == 1 || !ascii))
            clh_strbuf_add(&painter->text, text, length);
        else
            clh_strbuf_adds(&painter->text, ascii ? "_" : "\xef\xbf\xbd");
        painter->column++;
    }
}

void clh_painter_addf(clh_painter *painter, const char *format, ...)
{
    assert(painter && format);
    char text[256];
    va_list args;
    va_start(args, format);
    (void)clh_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    clh_painter_add(painter, text);
}

void clh_painter_repeat(clh_painter *painter, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clh_painter_add(painter, text);
}

void clh_painter_field(clh_painter *painter, const char *text, size_t columns, bool right)
{
    assert(painter && text);
    char shown[CLH_LABEL_BYTES];
    size_t used = clh_text_clean(shown, sizeof shown, text);
    if (used > columns) {
        clh_text_cut(shown, text, columns);
        used = columns;
    }
    if (right)
        clh_painter_repeat(painter, " ", columns - used);
    clh_painter_add(painter, shown);
    if (!right)
        clh_painter_repeat(painter, " ", columns - used);
}

const char *clh_painter_pick(const clh_painter *painter, const char *fancy, const char *plain)
{
    return painter->style.ascii ? plain : fancy;
}

void clh_painter_end_line(clh_painter *painter)
{
    assert(painter);
    bool coloured = painter->back_on;
    painter->has_fore = painter->has_back = false;
    clh_painter_add(painter, "");
    clh_strbuf *text = &painter->text;
    while (!coloured && text->length > 0 && text->data[text->length - 1] == ' ')
        text->data[--text->length] = '\0';
    clh_strbuf_adds(text, "\n");
    painter->column = 0;
}

void clh_painter_scale(clh_painter *painter, const clh_shades *shades, const char *label,
                       const char *const *mark, size_t count)
{
    assert(painter && shades && label && (mark || painter->style.colour != CLH_COLOUR_NONE));
    bool coloured = painter->style.colour != CLH_COLOUR_NONE;
    const bool both = shades->low < 0.0 && shades->high > 0.0;
    size_t room = painter->style.width - painter->column;
    size_t steps = room / 2 < SCALE_STEPS ? room / 2 : SCALE_STEPS;
    clh_painter_addf(painter, "%.3g ", both && !coloured ? 0.0 : shades->low);
    for (size_t i = 0; coloured && i < steps; i++) {
        const double part = ((double)i + 0.5) / (double)steps;
        const double value = shades->low + part * (shades->high - shades->low);
        const clh_rgb c = clh_colormap_at(clh_shades_at(shades, value), painter->style.dark);
        clh_painter_back(painter, &c);
        clh_painter_add(painter, " ");
    }
    clh_painter_back(painter, NULL);
    for (size_t i = 0; !coloured && i < count; i++)
        clh_painter_add(painter, mark[i]);
    clh_painter_addf(painter, " %.3g  ", shades->high);
    clh_painter_add(painter, label);
    if (both && !coloured)
        clh_painter_add(painter, " (magnitude; signs are not shown)");
    clh_painter_end_line(painter);
}

void clh_painter_ticks(clh_painter *painter, size_t gutter, size_t columns,
                       const char (*labels)[24], const size_t *columns_at, size_t count)
{
    assert(painter && (count == 0 || (labels && columns_at)));
    size_t at = 0;
    clh_painter_repeat(painter, " ", gutter);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(labels[i]), half = length / 2;
        size_t start = columns_at[i] > half ? columns_at[i] - half : 0;
        if (start + length > columns)
            start = columns > length ? columns - length : 0;
        if (start < at + (at > 0) || start + length > columns)
            continue;
        clh_painter_repeat(painter, " ", start - at);
        clh_painter_add(painter, labels[i]);
        at = start + length;
    }
    clh_painter_end_line(painter);
}

clh_status clh_painter_take(clh_painter *painter, char **text, clh_error *err)
{
    assert(painter && text);
    char *taken = clh_strbuf_take(&painter->text, err);
    if (!taken)
        return CLH_ENOMEM;
    *text = taken;
    return CLH_OK;
}
