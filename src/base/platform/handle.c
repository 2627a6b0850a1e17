#include "base/platform/handle.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static clh_status cannot(const char *what, const char *path, clh_error *err)
{
    return clh_fail(err, CLH_EIO, "cannot %s %s: %s", what, path, strerror(errno));
}

clh_status clh_fail_read(const char *path, int reason, clh_error *err)
{
    return reason == EINTR ? clh_fail(err, CLH_STOPPED, "stopped while reading %s", path)
                           : clh_fail(err, CLH_EIO, "cannot read %s: %s", path, strerror(reason));
}

static clh_status look_at(clh_reading *file, clh_error *err)
{
    struct stat info;
    if (fstat(file->handle, &info))
        return cannot("read", file->path, err);
    if (!S_ISREG(info.st_mode))
        return clh_fail(err, CLH_EIO, "cannot read %s: it is %s, want a regular file", file->path,
                        S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
    file->size = (size_t)info.st_size;
    return CLH_OK;
}

/* Without O_NONBLOCK opening a pipe would wait for its other end. */
clh_status clh_reading_open(clh_reading *file, const char *path, clh_error *err)
{
    assert(file && path);
    *file = (clh_reading){.handle = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), .path = path};
    if (file->handle < 0)
        return clh_fail_read(path, errno, err);
    clh_status status = look_at(file, err);
    if (status) {
        clh_handle_close(file->handle);
        file->handle = -1;
    }
    return status;
}

clh_status clh_reading_get(const clh_reading *file, void *into, size_t length, size_t offset,
                           clh_error *err)
{
    assert(file && (into || length == 0));
    for (size_t done = 0; done < length;) {
        ssize_t got =
            pread(file->handle, (char *)into + done, length - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot("read", file->path, err);
        if (got == 0)
            return clh_fail(err, CLH_EIO,
                            "cannot read %s: it ends at byte %zu, had %zu when opened", file->path,
                            offset + done, file->size);
        done += (size_t)got;
    }
    return CLH_OK;
}

clh_status clh_appending_open(int *handle, const char *path, clh_error *err)
{
    assert(handle && path);
    struct stat info;
    *handle = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    if (*handle < 0 || (fstat(*handle, &info) == 0 && S_ISREG(info.st_mode)))
        return *handle < 0 ? cannot("write", path, err) : CLH_OK;
    clh_handle_close(*handle);
    *handle = -1;
    return clh_fail(err, CLH_EIO, "cannot write %s: it is no regular file", path);
}

clh_status clh_appending_put(int handle, const void *bytes, size_t length, const char *path,
                             clh_error *err)
{
    assert(bytes || length == 0);
    for (const char *at = bytes; length > 0;) {
        ssize_t done = write(handle, at, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return cannot("write", path, err);
        at += done;
        length -= (size_t)done;
    }
    return CLH_OK;
}

clh_status clh_appending_cut(int handle, uint64_t length, const char *path, clh_error *err)
{
    struct stat info;
    if (fstat(handle, &info) ||
        ((uint64_t)info.st_size != length && ftruncate(handle, (off_t)length)))
        return cannot("write", path, err);
    return CLH_OK;
}

int clh_handle_sync(int handle)
{
    int result;
    do
        result = fdatasync(handle);
    while (result && errno == EINTR);
    return result ? errno : 0;
}

void clh_handle_close(int handle)
{
    if (handle >= 0)
        (void)close(handle);
}
