/** An open file by its number: read anywhere, or appended to.
 *
 *    clh_reading file;
 *    if (clh_reading_open(&file, path, err)) ...
 *    clh_reading_get(&file, bytes, length, offset, err);
 *    clh_handle_close(file.handle);
 */
#ifndef CLH_HANDLE_H
#define CLH_HANDLE_H

#include "base/base.h"

/** "cannot read `path`: the system's words for `reason`", an errno, and CLH_EIO. Where a signal broke
 *  it off that the process catches and does not want to wait behind (sigaction() without SA_RESTART):
 *  CLH_STOPPED. */
clh_status clh_fail_read(const char *path, int reason, clh_error *err);

/** A regular file that is read here and there. */
typedef struct clh_reading {
    int handle;
    const char *path; /**< borrowed, for messages */
    size_t size;      /**< bytes it had when it was opened */
} clh_reading;

/** Open `path`, which must last as long. CLH_EIO with path and reason, also when it is a folder, device
 *  or pipe; file->handle is then -1. */
clh_status clh_reading_open(clh_reading *file, const char *path, clh_error *err);

/** `length` bytes from `offset` on. CLH_EIO with path and reason, or where it ends too early. */
clh_status clh_reading_get(const clh_reading *file, void *into, size_t length, size_t offset,
                           clh_error *err);

/** Open `path` to append to it, made when it is not there. CLH_EIO with path and reason; *handle is then
 *  -1. */
clh_status clh_appending_open(int *handle, const char *path, clh_error *err);

/** Append all of it. CLH_EIO naming `path`. */
clh_status clh_appending_put(int handle, const void *bytes, size_t length, const char *path,
                             clh_error *err);

/** Leave only the first `length` bytes, of which there are as many. CLH_EIO naming `path`. */
clh_status clh_appending_cut(int handle, uint64_t length, const char *path, clh_error *err);

/** Bring what was written down to the disk; 0, or errno. */
int clh_handle_sync(int handle);

/** Close. A negative handle is fine. */
void clh_handle_close(int handle);

#endif
