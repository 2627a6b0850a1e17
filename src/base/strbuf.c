#include "base/strbuf.h"
#include "base/platform/decimal.h"
#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_size_t lost; /* texts of this process that an addition failed of */

static void fail(clh_strbuf *buf)
{
    if (!buf->failed)
        atomic_fetch_add(&lost, 1);
    buf->failed = true;
}

size_t clh_strbuf_lost(void)
{
    return atomic_load(&lost);
}

clh_status clh_strbuf_check_lost(size_t before, clh_error *err)
{
    return clh_strbuf_lost() == before
               ? CLH_OK
               : clh_fail(err, CLH_ENOMEM, "out of memory: a text could not be put together");
}

static bool reserve(clh_strbuf *buf, size_t extra)
{
    size_t need;
    if (buf->failed || !clh_add_ok(buf->length, extra, &need) || !clh_add_ok(need, 1, &need)) {
        fail(buf);
        return false;
    }
    if (need <= buf->capacity)
        return true;
    size_t capacity = need > SIZE_MAX / 2 ? need : need * 2;
    char *data = clh_alloc_array(capacity, 1, NULL);
    if (!data) {
        fail(buf);
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
    assert(buf && (bytes || length == 0));
    if (length == 0 || !reserve(buf, length))
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
    assert(buf && format);
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = clh_vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        fail(buf);
    else if (reserve(buf, (size_t)length)) {
        (void)clh_vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void clh_strbuf_add_json(clh_strbuf *buf, const char *text)
{
    assert(buf && text);
    clh_strbuf_adds(buf, "\"");
    for (size_t length; *text; text += length ? length : 1) {
        unsigned char c = (unsigned char)*text;
        length = clh_utf8_length(text);
        if (length == 0)
            clh_strbuf_adds(buf, "\\ufffd");
        else if (c == '"' || c == '\\')
            clh_strbuf_addf(buf, "\\%c", c);
        else if (c < 0x20)
            clh_strbuf_addf(buf, "\\u%04x", c);
        else
            clh_strbuf_add(buf, text, length);
    }
    clh_strbuf_adds(buf, "\"");
}

void clh_strbuf_add_number(clh_strbuf *buf, double value, int digits)
{
    assert(digits >= 1 && digits <= 17);
    if (isfinite(value))
        clh_strbuf_addf(buf, "%.*g", digits, value);
    else
        clh_strbuf_adds(buf, "null");
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
    assert(buf);
    buf->length = 0;
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
