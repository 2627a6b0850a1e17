#include "file/content.h"

#include <assert.h>
#include <string.h>

#include "base/platform/file.h"

static size_t count_lines(const char *bytes, size_t length)
{
    size_t lines = 0;
    const char *past = bytes + length;
    for (const char *at = bytes; at < past; lines++) {
        const char *end = memchr(at, '\n', (size_t)(past - at));
        at = end ? end + 1 : past;
    }
    return lines;
}

clh_status clh_content_read(clh_content *content, const char *path, size_t limit, clh_error *err)
{
    assert(content && !content->bytes && path);
    clh_status status = clh_file_read(&content->bytes, &content->length, path, limit, err);
    if (status)
        return status;
    content->lines = count_lines(content->bytes, content->length);
    clh_sha256_of(content->bytes, content->length, content->sha256);
    return CLH_OK;
}

void clh_content_deinit(clh_content *content)
{
    clh_free(content->bytes);
    *content = (clh_content){0};
}
