#include "base/platform/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform/handle.h"
#include "base/platform/system.h"

enum { BUFFER = 1 << 13 };

struct clh_file {
    int handle; /* negative once it is synced */
    char *path, *temporary, *folder;
    size_t wanted, used; /* bytes appended; of those, in the buffer */
    int failure;         /* errno of the first failure, 0 while all is well */
    bool settled;        /* renamed, or failed and removed */
    char buffer[BUFFER];
};

static void file_free(clh_file *file)
{
    clh_free(file->folder);
    clh_free(file->path);
    clh_free(file->temporary);
    clh_free(file);
}

/* A name beside the target that nothing has yet: another thread or a killed run may have taken the
 * first, and a link planted there is not followed. Negative, with errno, where none can be had. */
static int temporary_open(char *name, size_t size, const char *path)
{
    enum { ATTEMPTS = 1000 };
    int handle = -1;
    errno = EEXIST;
    for (int i = 0; i < ATTEMPTS && handle < 0 && (errno == EEXIST || errno == EINTR); i++) {
        (void)snprintf(name, size, "%s.tmp-%ld-%d", path, clh_system_process(), i);
        handle = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    return handle;
}

clh_status clh_file_begin(clh_file **out, const char *path, clh_error *err)
{
    assert(out && path);
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* renaming would replace the device */
        return clh_fail(err, CLH_EIO, "cannot write %s: it is %s, want a regular file", path,
                        S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
    clh_file *file = clh_alloc_zeroed(1, sizeof *file, err);
    if (!file)
        return CLH_ENOMEM;
    size_t size = strlen(path) + 48;
    file->path = clh_text_copy(path, err);
    file->folder = file->path ? clh_path_above(path, err) : NULL;
    file->temporary = file->folder ? clh_alloc_array(size, 1, err) : NULL;
    if (!file->temporary) {
        file_free(file);
        return CLH_ENOMEM;
    }
    file->handle = temporary_open(file->temporary, size, path);
    if (file->handle < 0) {
        clh_status status = clh_fail(err, CLH_EIO, "cannot write %s: %s", path, strerror(errno));
        file_free(file);
        return status;
    }
    *out = file;
    return CLH_OK;
}

/* To the system, all of it; a signal that comes meanwhile breaks nothing off. */
static void put(clh_file *file, const char *bytes, size_t length)
{
    while (length > 0 && !file->failure) {
        const ssize_t done = write(file->handle, bytes, length);
        if (done < 0 && errno != EINTR)
            file->failure = errno;
        bytes += done > 0 ? done : 0;
        length -= done > 0 ? (size_t)done : 0;
    }
}

static void empty(clh_file *file)
{
    put(file, file->buffer, file->used);
    file->used = 0;
}

void clh_file_write(clh_file *file, const void *bytes, size_t length)
{
    assert(file && (bytes || length == 0));
    file->wanted += length;
    if (length > BUFFER - file->used)
        empty(file);
    if (length > BUFFER) {
        put(file, bytes, length);
    } else if (length > 0) {
        memcpy(file->buffer + file->used, bytes, length);
        file->used += length;
    }
}

void clh_file_patch(clh_file *file, size_t offset, const void *bytes, size_t length)
{
    assert(file && bytes && offset <= file->wanted && length <= file->wanted - offset);
    empty(file);
    while (length > 0 && !file->failure) {
        const ssize_t done = pwrite(file->handle, bytes, length, (off_t)offset);
        if (done < 0 && errno != EINTR)
            file->failure = errno;
        const size_t more = done > 0 ? (size_t)done : 0;
        bytes = (const char *)bytes + more;
        offset += more;
        length -= more;
    }
}

bool clh_file_flush(clh_file *file)
{
    assert(file && !file->settled);
    empty(file);
    return !file->failure;
}

/* A failed file has nothing left on the disk and nothing left to do. */
static bool failed(clh_file *file)
{
    if (file->failure && !file->settled)
        (void)unlink(file->temporary);
    file->settled = file->settled || file->failure;
    return file->failure;
}

static int sync_all(int handle)
{
    int result;
    do
        result = fsync(handle);
    while (result && errno == EINTR);
    return result ? errno : 0;
}

bool clh_file_sync(clh_file *file)
{
    assert(file && !file->settled && file->handle >= 0);
    if (clh_file_flush(file))
        file->failure = sync_all(file->handle);
    if (close(file->handle) && !file->failure && errno != EINTR) /* it is closed all the same */
        file->failure = errno;
    file->handle = -1;
    return !failed(file);
}

bool clh_file_place(clh_file *file)
{
    assert(file && !file->settled && file->handle < 0);
    if (rename(file->temporary, file->path))
        file->failure = errno;
    else
        file->settled = true;
    return !failed(file);
}

bool clh_file_sync_folder(clh_file *file)
{
    assert(file && file->settled);
    if (!file->failure)
        file->failure = clh_system_sync_folder(file->folder);
    return !file->failure;
}

bool clh_file_is_settled(const clh_file *file)
{
    assert(file);
    return file->settled;
}

clh_status clh_file_commit(clh_file *file, clh_error *err)
{
    assert(file);
    clh_status status = CLH_OK;
    if (!file->settled)
        (void)(clh_file_sync(file) && clh_file_place(file) && clh_file_sync_folder(file));
    if (file->failure) {
        char text[24];
        status = clh_fail(err, CLH_EIO, "cannot write %s (%s): %s", file->path,
                          clh_bytes_text(file->wanted, text), strerror(file->failure));
    }
    file_free(file);
    return status;
}

void clh_file_abandon(clh_file *file)
{
    if (!file)
        return;
    clh_handle_close(file->handle);
    if (!file->settled)
        (void)unlink(file->temporary);
    file_free(file);
}

/* Whether `name` is what temporary_open() makes for a target that matches `names`. */
bool clh_file_is_temporary(const char *name, const void *names)
{
    assert(name && names);
    static const char mark[] = ".tmp-";
    char target[256];
    const char *last = NULL;
    for (const char *at = name; (at = strstr(at, mark)); at++)
        last = at;
    if (!last || (size_t)(last - name) >= sizeof target)
        return false;
    memcpy(target, name, (size_t)(last - name));
    target[last - name] = '\0';
    const char *process = last + strlen(mark), *number = process + strspn(process, "0123456789");
    if (number == process || *number != '-' || !number[1] ||
        number[1 + strspn(number + 1, "0123456789")])
        return false;
    return fnmatch(names, target, 0) == 0;
}

void clh_file_sweep(const char *folder, const char *names)
{
    assert(folder && names);
    clh_folder_drop(folder, clh_file_is_temporary, names);
}

static clh_status too_large(const char *path, size_t limit, clh_error *err)
{
    char text[24];
    return clh_fail(err, CLH_EFORMAT, "%s is larger than %s, the most that is read", path,
                    clh_bytes_text(limit, text));
}

/* Grows as it reads, so that /proc files, which have no size, can be read too. */
static clh_status read_stream(char **bytes, size_t *length, FILE *stream, const char *path,
                              size_t limit, clh_error *err)
{
    size_t capacity = 1 << 16, used = 0;
    struct stat info;
    if (fstat(fileno(stream), &info) == 0 && S_ISREG(info.st_mode)) {
        if ((uintmax_t)info.st_size > limit)
            return too_large(path, limit, err);
        capacity = (size_t)info.st_size + 2;
    }
    char *data = clh_alloc_array(capacity, 1, err);
    while (data) {
        size_t room = capacity - 1 - used;
        if (room > limit - used)
            room = limit - used + 1;
        used += fread(data + used, 1, room, stream);
        if (used > limit || ferror(stream) || feof(stream))
            break;
        char *larger = clh_alloc_array(capacity, 2, err);
        if (larger)
            memcpy(larger, data, used);
        clh_free(data);
        data = larger;
        capacity *= 2;
    }
    if (!data)
        return CLH_ENOMEM;
    if (ferror(stream) || used > limit) {
        int reason = errno;
        clh_free(data);
        return used > limit ? too_large(path, limit, err) : clh_fail_read(path, reason, err);
    }
    data[used] = '\0';
    *bytes = data;
    *length = used;
    return CLH_OK;
}

/* No pipe, which would wait for who writes it, and could be read once; O_NONBLOCK is for opening alone. */
static clh_status open_stream(FILE **stream, const char *path, clh_error *err)
{
    struct stat info;
    const int handle = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (handle < 0)
        return clh_fail_read(path, errno, err);
    clh_status status = CLH_OK;
    if (fstat(handle, &info) || fcntl(handle, F_SETFL, 0))
        status = clh_fail_read(path, errno, err);
    else if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))
        status = clh_fail(err, CLH_EIO, "cannot read %s: it is a pipe, want a regular file", path);
    else if (!(*stream = fdopen(handle, "rb")))
        status = clh_fail_read(path, errno, err);
    if (status)
        clh_handle_close(handle);
    return status;
}

clh_status clh_file_read(char **bytes, size_t *length, const char *path, size_t limit,
                         clh_error *err)
{
    assert(bytes && length && path);
    FILE *stream = NULL;
    clh_status status = open_stream(&stream, path, err);
    if (status)
        return status;
    errno = 0;
    status = read_stream(bytes, length, stream, path, limit, err);
    (void)fclose(stream);
    return status;
}
