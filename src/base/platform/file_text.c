#include "base/platform/file.h"

#include <assert.h>
#include <string.h>

clh_status clh_file_read_text(char **text, const char *path, size_t limit, clh_error *err)
{
    assert(text && path);
    char *bytes = NULL;
    size_t length = 0;
    clh_status status = clh_file_read(&bytes, &length, path, limit, err);
    if (status)
        return status;
    if (strlen(bytes) != length) {
        clh_free(bytes);
        return clh_fail(err, CLH_EFORMAT, "%s has a zero byte, want text", path);
    }
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
