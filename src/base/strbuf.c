#include "base/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool reserve(clh_strbuf *buf, size_t extra)
{
    size_t need;
    if (buf->failed || !clh_add_ok(buf->length, extra, &need) || !clh_add_ok(need, 1, &need)) {
        buf->failed = true;
        return false;
    }
    if (need <= buf->capacity)
        return true;
    size_t capacity = need > SIZE_MAX / 2 ? need : need * 2;
    char *data = clh_alloc_array(capacity, 1, NULL);
    if (!data) {
        buf->failed = true;
        return false;
    }
    if (buf->data)
        memcpy(data, buf->data, buf->length + 1);
    clh_free(buf->data);
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void clh_strbuf_add(clh_strbuf *buf, const char *bytes, size_t length)
{
    if (!reserve(buf, length))
        return;
    memcpy(buf->data + buf->length, bytes, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void clh_strbuf_adds(clh_strbuf *buf, const char *text)
{
    clh_strbuf_add(buf, text, strlen(text));
}

void clh_strbuf_addf(clh_strbuf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0 && reserve(buf, (size_t)length)) {
        (void)vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void clh_strbuf_add_json(clh_strbuf *buf, const char *text)
{
    clh_strbuf_adds(buf, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            clh_strbuf_addf(buf, "\\%c", c);
        else if (c < 0x20)
            clh_strbuf_addf(buf, "\\u%04x", c);
        else
            clh_strbuf_add(buf, text, 1);
    }
    clh_strbuf_adds(buf, "\"");
}

const char *clh_strbuf_view(const clh_strbuf *buf)
{
    return buf->data ? buf->data : "";
}

clh_status clh_strbuf_check(const clh_strbuf *buf, clh_error *err)
{
    return buf->failed ? clh_fail(err, CLH_ENOMEM, "out of memory while building a text") : CLH_OK;
}

void clh_strbuf_clear(clh_strbuf *buf)
{
    buf->length = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

char *clh_strbuf_take(clh_strbuf *buf, clh_error *err)
{
    if (buf->failed || (!buf->data && !reserve(buf, 0))) {
        clh_fail(err, CLH_ENOMEM, "out of memory while building a text");
        clh_strbuf_deinit(buf);
        return NULL;
    }
    assert(buf->data);
    buf->data[buf->length] = '\0';
    char *data = buf->data;
    *buf = (clh_strbuf){0};
    return data;
}

void clh_strbuf_deinit(clh_strbuf *buf)
{
    clh_free(buf->data);
    *buf = (clh_strbuf){0};
}
