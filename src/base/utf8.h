/** UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF).
 *
 *    for (size_t length; *text; text += length ? length : 1)
 *        length = clh_utf8_length(text);               // 0: that byte begins no character
 */
#ifndef CLH_UTF8_H
#define CLH_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes of the well-formed character that begins at `text`, which ends with a zero byte; 0 when none
 *  does. */
size_t clh_utf8_length(const char *text);

/** The first byte of `text` that begins no character; NULL where all of it is UTF-8. */
const char *clh_utf8_wrong(const char *text);

/** Whether the character at `text` is a control character: C0, DEL or C1. */
bool clh_utf8_is_control(const char *text);

#endif
