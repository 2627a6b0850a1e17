#include "report/text_parts.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "report/both/label.h"
#include "report/shown.h"

size_t clh_text_width(const char *text)
{
    size_t width = 0;
    for (bool valid; text && *text; width++)
        text += clh_utf8_next(text, &valid);
    return width;
}

const char *clh_text_seen(const char *text)
{
    return text && strcmp(text, " ") == 0 ? "·" : text;
}

void clh_text_add(clh_strbuf *out, const char *text, size_t bytes)
{
    bool valid;
    for (size_t i = 0, length; i < bytes && text[i]; i += length) {
        length = clh_utf8_next(text + i, &valid);
        if (!valid)
            clh_strbuf_adds(out, "\xef\xbf\xbd");
        else if (clh_utf8_is_control(text + i))
            clh_strbuf_adds(out, " ");
        else
            clh_strbuf_add(out, text + i, length);
    }
}

void clh_text_padded(clh_strbuf *out, const char *text, size_t width, bool left)
{
    const size_t own = clh_text_width(text);
    const int pad = own < width ? (int)(width - own) : 0;
    clh_strbuf_addf(out, "%*s", left ? 0 : pad, "");
    clh_text_add(out, text, SIZE_MAX);
    clh_strbuf_addf(out, "%*s", left ? pad : 0, "");
}

void clh_text_wrapped(clh_strbuf *out, const char *text, size_t at, size_t indent, size_t width)
{
    bool fresh = true;
    while (*text) {
        const size_t bytes = strcspn(text, " \n");
        char word[256];
        (void)snprintf(word, sizeof word, "%.*s", (int)bytes, text);
        const size_t length = clh_text_width(word);
        if (!fresh && at + 1 + length > width) {
            clh_strbuf_addf(out, "\n%*s", (int)indent, "");
            at = indent;
            fresh = true;
        }
        clh_strbuf_adds(out, fresh ? "" : " ");
        clh_text_add(out, text, bytes);
        at += length + !fresh;
        fresh = false;
        text += bytes + (text[bytes] != '\0');
    }
    clh_strbuf_adds(out, "\n");
}

size_t clh_text_page(const clh_show *show)
{
    return show->width ? show->width : 100;
}

void clh_text_value(char *out, size_t size, const clh_field *field, const clh_cell *cell,
                    bool interval)
{
    char value[CLH_NUMBER_TEXT], low[CLH_NUMBER_TEXT], high[CLH_NUMBER_TEXT];
    const clh_value *v = &cell->value;
    const bool small = field->flags & CLH_LOG;
    if (field->flags & CLH_TEXT)
        (void)snprintf(out, size, "%s", cell->text ? cell->text : "-");
    else if (interval && field->band && !isnan(v->low))
        (void)snprintf(out, size, "%s [%s, %s]",
                       clh_number_text(value, v->value, field->decimals, small),
                       clh_number_text(low, v->low, field->decimals, small),
                       clh_number_text(high, v->high, field->decimals, small));
    else
        (void)snprintf(out, size, "%s", clh_number_text(value, v->value, field->decimals, small));
}
