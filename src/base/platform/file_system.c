#include "base/platform/file_system.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform/system.h"

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

char *clh_path_above(const char *path, clh_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = clh_text_copy(slash ? path : ".", err);
    if (folder && slash)
        folder[slash > path ? slash - path : 1] = '\0';
    return folder;
}

bool clh_path_exists(const char *path)
{
    assert(path);
    struct stat info;
    return stat(path, &info) == 0;
}

bool clh_path_taken(const char *path)
{
    struct stat info;
    assert(path);
    return lstat(path, &info) == 0;
}

bool clh_is_folder(const char *path)
{
    struct stat info;
    assert(path);
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool clh_is_file(const char *path)
{
    struct stat info;
    assert(path);
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink > 0;
}

char *clh_path_whole(const char *path, clh_error *err)
{
    assert(path);
    char *found = clh_system_whole_path(path);
    const char *from = found ? found : path;
    while (from[0] == '/' && from[1] == '/') /* which musl keeps */
        from++;
    char *whole = clh_text_copy(from, err);
    free(found);
    return whole;
}

clh_status clh_path_rename(const char *from, const char *to, clh_error *err)
{
    assert(from && to);
    return rename(from, to)
               ? clh_fail(err, CLH_EIO, "cannot rename %s to %s: %s", from, to, strerror(errno))
               : CLH_OK;
}

void clh_path_remove(const char *path)
{
    assert(path);
    (void)unlink(path);
}

void clh_folder_remove_empty(const char *path)
{
    assert(path);
    (void)rmdir(path);
}

clh_status clh_folder_sync_above(const char *path, clh_error *err)
{
    assert(path);
    char *above = clh_path_above(path, err);
    if (!above)
        return CLH_ENOMEM;
    const int failed = clh_system_sync_folder(above);
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

/* ---- What is in a folder -----------------------------------------------------------------------
 */

clh_status clh_folder_look(const char *folder, void (*look)(const char *name, void *user),
                           void *user, clh_error *err)
{
    assert(folder && look);
    DIR *stream = opendir(folder);
    if (!stream)
        return errno == ENOENT ? CLH_OK : clh_fail(err, CLH_EIO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(stream));)
        look(entry->d_name, user);
    (void)closedir(stream);
    return CLH_OK;
}

void clh_folder_drop(const char *folder, bool (*drop)(const char *name, const void *user),
                     const void *user)
{
    assert(folder && drop);
    DIR *stream = opendir(folder);
    for (const struct dirent *entry; stream && (entry = readdir(stream));)
        if (drop(entry->d_name, user))
            (void)unlinkat(dirfd(stream), entry->d_name, 0);
    if (stream)
        (void)closedir(stream);
}

clh_status clh_lock_take(int *handle, const char *path, clh_error *err)
{
    assert(handle && path);
    *handle = -1;
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0)
        return clh_fail(err, CLH_EIO, "cannot write %s: %s", path, strerror(errno));
    const int reason = clh_system_lock(lock);
    if (reason) {
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
