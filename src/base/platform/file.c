#include "base/platform/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct clh_file {
    FILE *stream; /* NULL once it is synced */
    char *path, *temporary, *folder;
    size_t wanted;
    int failure;  /* errno of the first failure, 0 while all is well */
    bool settled; /* renamed, or failed and removed */
};

char *clh_path_join(const char *folder, const char *name, clh_error *err)
{
    assert(folder && name);
    size_t a = strlen(folder), b = strlen(name);
    bool slash = a > 0 && folder[a - 1] != '/';
    char *path = clh_alloc_array(a + b + 2, 1, err);
    if (path)
        (void)snprintf(path, a + b + 2, "%s%s%s", folder, slash ? "/" : "", name);
    return path;
}

/* The folder that `path` is in, as a new text: "runs/a" of "runs/a/config.json", "." of "a". */
static char *folder_of(const char *path, clh_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = clh_text_copy(slash ? path : ".", err);
    if (folder && slash)
        folder[slash > path ? slash - path : 1] = '\0';
    return folder;
}

/* That what was made, renamed or removed in a folder outlives a power cut. 0, or errno. A folder
 * that may not be read, or of a file system that syncs none, is as safe as it can be. */
static int folder_sync(const char *folder)
{
    const int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0)
        return errno == EACCES ? 0 : errno;
    const int failed = fsync(handle) ? errno : 0;
    (void)close(handle);
    return failed == EINVAL || failed == ENOTSUP ? 0 : failed;
}

static void file_free(clh_file *file)
{
    clh_free(file->folder);
    clh_free(file->path);
    clh_free(file->temporary);
    clh_free(file);
}

/* A name beside the target that nothing has yet: another thread or a killed run may have taken the
 * first, and a link planted there is not followed. */
static FILE *temporary_open(char *name, size_t size, const char *path)
{
    enum { ATTEMPTS = 1000 };
    int handle = -1;
    errno = EEXIST;
    for (int i = 0; i < ATTEMPTS && handle < 0 && errno == EEXIST; i++) {
        (void)snprintf(name, size, "%s.tmp-%ld-%d", path, (long)getpid(), i);
        handle = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    FILE *stream = handle < 0 ? NULL : fdopen(handle, "wb");
    if (!stream && handle >= 0) {
        int reason = errno;
        (void)close(handle);
        (void)unlink(name);
        errno = reason;
    }
    return stream;
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
    file->folder = file->path ? folder_of(path, err) : NULL;
    file->temporary = file->folder ? clh_alloc_array(size, 1, err) : NULL;
    if (!file->temporary) {
        file_free(file);
        return CLH_ENOMEM;
    }
    file->stream = temporary_open(file->temporary, size, path);
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
    assert(file && (bytes || length == 0));
    file->wanted += length;
    errno = 0;
    if (!file->failure && length > 0 && fwrite(bytes, 1, length, file->stream) != length)
        file->failure = errno ? errno : EIO;
}

bool clh_file_flush(clh_file *file)
{
    assert(file && !file->settled);
    if (!file->failure && fflush(file->stream))
        file->failure = errno;
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

bool clh_file_sync(clh_file *file)
{
    assert(file && !file->settled && file->stream);
    if (clh_file_flush(file) && fsync(fileno(file->stream)))
        file->failure = errno;
    if (fclose(file->stream) && !file->failure)
        file->failure = errno;
    file->stream = NULL;
    return !failed(file);
}

bool clh_file_place(clh_file *file)
{
    assert(file && !file->settled && !file->stream);
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
        file->failure = folder_sync(file->folder);
    return !file->failure;
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
    if (file->stream)
        (void)fclose(file->stream);
    if (!file->settled)
        (void)unlink(file->temporary);
    file_free(file);
}

/* Whether `name` is what temporary_open() makes for a target that matches `names`. */
static bool is_temporary(const char *name, const char *names)
{
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
    DIR *stream = opendir(folder);
    if (!stream)
        return;
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (is_temporary(entry->d_name, names))
            (void)unlinkat(dirfd(stream), entry->d_name, 0);
    (void)closedir(stream);
}

static clh_status too_large(const char *path, size_t limit, clh_error *err)
{
    char text[24];
    return clh_fail(err, CLH_EFORMAT, "%s is larger than %s, the most that is read", path,
                    clh_bytes_text(limit, text));
}

/* Grows as it reads, so that pipes and /proc files, which have no size, can be read too. */
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
        return used > limit ? too_large(path, limit, err)
                            : clh_fail(err, CLH_EIO, "cannot read %s: %s", path, strerror(reason));
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
    FILE *stream = fopen(path, "rbe");
    if (!stream)
        return clh_fail(err, CLH_EIO, "cannot read %s: %s", path, strerror(errno));
    errno = 0;
    clh_status status = read_stream(bytes, length, stream, path, limit, err);
    (void)fclose(stream);
    return status;
}

bool clh_path_exists(const char *path)
{
    assert(path);
    struct stat info;
    return stat(path, &info) == 0;
}

clh_status clh_folder_sync_above(const char *path, clh_error *err)
{
    assert(path);
    char *above = folder_of(path, err);
    if (!above)
        return CLH_ENOMEM;
    const int failed = folder_sync(above);
    clh_status status =
        failed ? clh_fail(err, CLH_EIO, "cannot sync the folder %s: %s", above, strerror(failed))
               : CLH_OK;
    clh_free(above);
    return status;
}

static clh_status make_one(const char *path, clh_error *err)
{
    struct stat info;
    if (mkdir(path, 0777) == 0)
        return clh_folder_sync_above(path, err);
    int reason = errno;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return CLH_OK;
    if (reason == EEXIST)
        return clh_fail(err, CLH_EIO, "%s is a file, want a folder or a name that is free", path);
    return clh_fail(err, CLH_EIO, "cannot make the folder %s: %s", path, strerror(reason));
}

clh_status clh_folder_make(const char *path, clh_error *err)
{
    assert(path);
    char *copy = clh_text_copy(path, err);
    if (!copy)
        return CLH_ENOMEM;
    clh_status status = CLH_OK;
    for (size_t end = strlen(copy); end > 1 && copy[end - 1] == '/'; end--)
        copy[end - 1] = '\0'; /* a name that ends in one has its folder above */
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
    assert(handle && path);
    *handle = -1;
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
