#include "base/utf8.h"

#include <assert.h>

#include "base/base.h"

size_t clh_utf8_length(const char *text)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t length;
    } form[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    assert(text);
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < CLH_COUNT(form); i++) {
        if (at[0] < form[i].first_min || at[0] > form[i].first_max)
            continue;
        if (at[1] < form[i].second_min || at[1] > form[i].second_max)
            return 0;
        for (size_t k = 2; k < form[i].length; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return form[i].length;
    }
    return 0;
}

const char *clh_utf8_wrong(const char *text)
{
    assert(text);
    for (size_t length; *text; text += length) {
        length = clh_utf8_length(text);
        if (length == 0)
            return text;
    }
    return NULL;
}

bool clh_utf8_is_control(const char *text)
{
    const unsigned char a = (unsigned char)text[0], b = a ? (unsigned char)text[1] : 0;
    return a < 0x20 || a == 0x7f || (a == 0xc2 && b >= 0x80 && b < 0xa0);
}
