#include "base/platform/file.h"

#include <assert.h>
#include <string.h>

#include "base/file_kind.h"

clh_status clh_file_read_text(char **text, const char *path, size_t limit, clh_error *err)
{
    assert(text && path);
    char *bytes = NULL;
    size_t length = 0;
    clh_status status = clh_file_read(&bytes, &length, path, limit, err);
    if (status)
        return status;
    const char *begin = NULL;
    status = clh_text_begin(&begin, bytes, length, path, err);
    if (status) {
        clh_free(bytes);
        return status;
    }
    memmove(bytes, begin, length + 1 - (size_t)(begin - bytes));
    *text = bytes;
    return CLH_OK;
}

clh_status clh_file_write_text(const char *path, const char *text, clh_error *err)
{
    assert(path && text);
    clh_file *file = NULL;
    clh_status status = clh_file_begin(&file, path, err);
    if (status)
        return status;
    clh_file_write(file, text, strlen(text));
    return clh_file_commit(file, err);
}
