#include "base/quote.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/platform/decimal.h"
#include "base/strbuf.h"

static const char dots[] = "...";

enum { SIZE = sizeof((clh_quote *)0)->text, HEAD = SIZE - sizeof dots, TAIL = 32 };

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t clh_text_fit(const char *text, size_t length, size_t most)
{
    assert(text || length == 0);
    if (length <= most)
        return length;
    const size_t least = most < 3 ? 0 : most - 3;
    while (most > least && continues(text[most]))
        most--;
    return most;
}

/* At most the first `head` bytes of it and the last `tail`, where it is too long. */
static clh_quote quote(const char *bytes, size_t length, size_t head, size_t tail)
{
    clh_quote out;
    if (length < SIZE) {
        memcpy(out.text, bytes, length);
        out.text[length] = '\0';
        return out;
    }
    const size_t first = clh_text_fit(bytes, length, head);
    size_t last = length - tail;
    for (size_t i = 0; i < 3 && last < length && continues(bytes[last]); i++)
        last++;
    memcpy(out.text, bytes, first);
    memcpy(out.text + first, dots, sizeof dots);
    memcpy(out.text + first + sizeof dots - 1, bytes + last, length - last);
    out.text[first + sizeof dots - 1 + length - last] = '\0';
    return out;
}

clh_quote clh_quoted_bytes(const char *bytes, size_t length)
{
    return quote(bytes, length, HEAD, 0);
}

clh_quote clh_quoted_text(const char *text)
{
    assert(text);
    return quote(text, strlen(text), HEAD, 0);
}

clh_quote clh_quoted_name(const char *name)
{
    assert(name);
    return quote(name, strlen(name), HEAD - TAIL, TAIL);
}

/* As much of a value as a quote can need: it is then known whether there is more. */
typedef struct beginning {
    char text[SIZE];
    size_t length;
} beginning;

/* Jansson ends where this says so: the rest of a large value is never written. */
static int add(const char *bytes, size_t length, void *user)
{
    beginning *b = user;
    const size_t room = sizeof b->text - b->length, more = length < room ? length : room;
    memcpy(b->text + b->length, bytes, more);
    b->length += more;
    return b->length < sizeof b->text ? 0 : -1;
}

clh_quote clh_quoted_json(const struct json_t *value)
{
    beginning b = {.length = 0};
    if (!value)
        return clh_quoted_text("missing");
    void *before = clh_decimal_begin();
    const int result = json_dump_callback(value, add, &b, JSON_ENCODE_ANY | JSON_COMPACT);
    clh_decimal_end(before);
    if (result && b.length < sizeof b.text)
        return clh_quoted_text("a value that cannot be shown");
    return quote(b.text, b.length, HEAD, 0);
}

void clh_shell_word(struct clh_strbuf *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%";
    const bool quote = text[strspn(text, plain)] != '\0';
    clh_strbuf_adds(out, quote ? "'" : "");
    for (; *text; text++)
        clh_strbuf_addf(out, quote && *text == '\'' ? "'\\%c'" : "%c", *text);
    clh_strbuf_adds(out, quote ? "'" : "");
}
