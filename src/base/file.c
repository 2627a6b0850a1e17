#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct clh_file {
    FILE *stream;
    char *path, *temporary;
    size_t wanted;
    int failure; /* errno of the first failure, 0 while all is well */
};

char *clh_path_join(const char *folder, const char *name, clh_error *err)
{
    size_t a = strlen(folder), b = strlen(name);
    bool slash = a > 0 && folder[a - 1] != '/';
    char *path = clh_alloc_array(a + b + 2, 1, err);
    if (path)
        (void)snprintf(path, a + b + 2, "%s%s%s", folder, slash ? "/" : "", name);
    return path;
}

static void file_free(clh_file *file)
{
    clh_free(file->path);
    clh_free(file->temporary);
    clh_free(file);
}

clh_status clh_file_begin(clh_file **out, const char *path, clh_error *err)
{
    assert(out && path);
    clh_file *file = clh_alloc_zeroed(1, sizeof *file, err);
    if (!file)
        return CLH_ENOMEM;
    size_t size = strlen(path) + 32;
    file->path = clh_text_copy(path, err);
    file->temporary = clh_alloc_array(size, 1, err);
    if (!file->path || !file->temporary) {
        file_free(file);
        return CLH_ENOMEM;
    }
    (void)snprintf(file->temporary, size, "%s.tmp-%ld", path, (long)getpid());
    file->stream = fopen(file->temporary, "wb");
    if (!file->stream) {
        clh_status status = clh_fail(err, CLH_EIO, "cannot write %s: %s", path, strerror(errno));
        file_free(file);
        return status;
    }
    *out = file;
    return CLH_OK;
}

void clh_file_write(clh_file *file, const void *bytes, size_t length)
{
    file->wanted += length;
    if (!file->failure && length > 0 && fwrite(bytes, 1, length, file->stream) != length)
        file->failure = errno ? errno : EIO;
}

clh_status clh_file_commit(clh_file *file, clh_error *err)
{
    if (!file->failure && (fflush(file->stream) || fsync(fileno(file->stream))))
        file->failure = errno;
    if (fclose(file->stream) && !file->failure)
        file->failure = errno;
    if (!file->failure && rename(file->temporary, file->path))
        file->failure = errno;
    clh_status status = CLH_OK;
    if (file->failure) {
        char text[24];
        (void)unlink(file->temporary);
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
    (void)fclose(file->stream);
    (void)unlink(file->temporary);
    file_free(file);
}

/* Grows as it reads, so that pipes and /proc files, which have no size, can be read too. */
static clh_status read_stream(char **bytes, size_t *length, FILE *stream, const char *path,
                              size_t limit, clh_error *err)
{
    size_t capacity = 1 << 16, used = 0;
    struct stat info;
    if (fstat(fileno(stream), &info) == 0 && S_ISREG(info.st_mode) && (size_t)info.st_size <= limit)
        capacity = (size_t)info.st_size + 2;
    char *data = clh_alloc_array(capacity, 1, err);
    while (data) {
        used += fread(data + used, 1, capacity - 1 - used, stream);
        if (used > limit || ferror(stream) || feof(stream))
            break;
        char *larger = clh_alloc_array(capacity * 2, 1, err);
        if (larger)
            memcpy(larger, data, used);
        clh_free(data);
        data = larger;
        capacity *= 2;
    }
    if (!data)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    char text[24];
    if (ferror(stream))
        status = clh_fail(err, CLH_EIO, "cannot read %s: %s", path, strerror(errno));
    else if (used > limit)
        status = clh_fail(err, CLH_EFORMAT, "%s is larger than %s, the most that is read", path,
                          clh_bytes_text(limit, text));
    if (status) {
        clh_free(data);
        return status;
    }
    data[used] = '\0';
    *bytes = data;
    *length = used;
    return CLH_OK;
}

clh_status clh_file_read(char **bytes, size_t *length, const char *path, size_t limit,
                         clh_error *err)
{
    assert(bytes && length && path);
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return clh_fail(err, CLH_EIO, "cannot read %s: %s", path, strerror(errno));
    errno = 0;
    clh_status status = read_stream(bytes, length, stream, path, limit, err);
    (void)fclose(stream);
    return status;
}

bool clh_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static clh_status make_one(const char *path, clh_error *err)
{
    struct stat info;
    if (mkdir(path, 0777) == 0)
        return CLH_OK;
    int reason = errno;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return CLH_OK;
    return clh_fail(err, CLH_EIO, "cannot make the folder %s: %s", path, strerror(reason));
}

clh_status clh_folder_make(const char *path, clh_error *err)
{
    char *copy = clh_text_copy(path, err);
    if (!copy)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    for (char *slash = copy + 1; *copy && !status && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        status = make_one(copy, err);
        *slash = '/';
    }
    if (!status)
        status = make_one(copy, err);
    clh_free(copy);
    return status;
}

clh_status clh_lock_take(int *handle, const char *path, clh_error *err)
{
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0)
        return clh_fail(err, CLH_EIO, "cannot write %s: %s", path, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB)) {
        int reason = errno;
        (void)close(lock);
        return reason == EWOULDBLOCK
                   ? clh_fail(err, CLH_EBUSY, "%s is locked: another process is writing this run",
                              path)
                   : clh_fail(err, CLH_EIO, "cannot lock %s: %s", path, strerror(reason));
    }
    *handle = lock;
    return CLH_OK;
}

void clh_lock_release(int handle)
{
    if (handle >= 0)
        (void)close(handle);
}
