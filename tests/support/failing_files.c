/* The linker calls these where open() and the like are called (--wrap), under both names that the C library
 * has for a file offset of 64 bits. Where the real one has two names, the kernel is asked. */
#include "support/failing_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static failing_files *now;

failing_files *failing_files_share(void)
{
    failing_files *f =
        mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return f == MAP_FAILED ? NULL : f;
}

void failing_files_begin(failing_files *state)
{
    now = state;
}

void failing_files_end(void)
{
    now = NULL;
}

enum { ROW = 32 }; /* of small writes one after the other, one is counted */

/* Whether this operation fails; errno then says why. */
static bool fails(const char *what, const char *path, bool writes)
{
    static _Thread_local unsigned row;
    failing_files *f = now;
    if (!f || (f->writing && !writes))
        return false;
    row = strcmp(what, "fwrite") == 0 ? row + 1 : 0;
    if (row > 1 && row % ROW)
        return false;
    const size_t number = atomic_fetch_add(&f->seen, 1) + 1;
    const bool failing = number == f->fail_at || (f->go_on && f->fail_at && number > f->fail_at);
    if (!failing)
        return false;
    if (number == f->fail_at)
        (void)snprintf(f->failed, sizeof f->failed, "%s %.70s", what, path);
    errno = f->reason;
    return true;
}

static bool is_outside(const char *path)
{
    return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0 ||
           strncmp(path, "/dev/", 5) == 0;
}

/* A stream of a file, not of memory and not standard. */
static bool is_file(FILE *stream)
{
    return stream && stream != stdout && stream != stderr && stream != stdin && fileno(stream) >= 0;
}

/* ---- Names -----------------------------------------------------------------------------------*/

#define OPEN(name)                                                                                 \
    int __wrap_##name(const char *path, int flags, ...);                                           \
    int __wrap_##name(const char *path, int flags, ...)                                            \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                            \
        va_end(more);                                                                              \
        if (!is_outside(path) && fails("open", path, (flags & O_ACCMODE) != O_RDONLY))             \
            return -1;                                                                             \
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);                              \
    }
OPEN(open)
OPEN(open64)
#undef OPEN

FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode)
{
    return fails("fdopen", mode, *mode != 'r') ? NULL : __real_fdopen(fd, mode);
}

/* Modes are "r…" and "w…". */
static FILE *open_stream(const char *path, const char *mode)
{
    const bool writes = *mode != 'r';
    if (!is_outside(path) && fails("fopen", path, writes))
        return NULL;
    const int flags = (writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0666);
    return fd < 0 ? NULL : __real_fdopen(fd, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    return open_stream(path, mode);
}

FILE *__wrap_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode)
{
    return open_stream(path, mode);
}

int __real_rename(const char *old, const char *new);
int __wrap_rename(const char *old, const char *new);
int __wrap_rename(const char *old, const char *new)
{
    return fails("rename", new, true) ? -1 : __real_rename(old, new);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    return fails("mkdir", path, true) ? -1 : __real_mkdir(path, mode);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    return fails("opendir", path, false) ? NULL : __real_opendir(path);
}

/* ---- Descriptors -----------------------------------------------------------------------------*/

ssize_t __real_read(int fd, void *bytes, size_t length);
ssize_t __wrap_read(int fd, void *bytes, size_t length);
ssize_t __wrap_read(int fd, void *bytes, size_t length)
{
    return fails("read", "", false) ? -1 : __real_read(fd, bytes, length);
}

#define PREAD(name)                                                                                \
    ssize_t __wrap_##name(int fd, void *bytes, size_t length, off_t offset);                       \
    ssize_t __wrap_##name(int fd, void *bytes, size_t length, off_t offset)                        \
    {                                                                                              \
        if (fails("pread", "", false))                                                             \
            return -1;                                                                             \
        return (ssize_t)syscall(SYS_pread64, fd, bytes, length, offset);                           \
    }
PREAD(pread)
PREAD(pread64)
#undef PREAD

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    return fd > STDERR_FILENO && fails("write", "", true) ? -1 : __real_write(fd, bytes, length);
}

#define TRUNCATE(name)                                                                             \
    int __wrap_##name(int fd, off_t length);                                                       \
    int __wrap_##name(int fd, off_t length)                                                        \
    {                                                                                              \
        return fails("ftruncate", "", true) ? -1 : (int)syscall(SYS_ftruncate, fd, length);        \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)
#undef TRUNCATE

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return fails("fsync", "", true) ? -1 : 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    (void)fd;
    return fails("fdatasync", "", true) ? -1 : 0;
}

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __wrap_flock(int fd, int operation)
{
    return fails("flock", "", true) ? -1 : __real_flock(fd, operation);
}

/* ---- Streams ---------------------------------------------------------------------------------*/

size_t __real_fread(void *bytes, size_t size, size_t count, FILE *stream);
size_t __wrap_fread(void *bytes, size_t size, size_t count, FILE *stream);
size_t __wrap_fread(void *bytes, size_t size, size_t count, FILE *stream)
{
    if (!is_file(stream) || !fails("fread", "", false))
        return __real_fread(bytes, size, count, stream);
    /* a stream shows an error by reading where nothing may be read */
    const int reason = errno;
    (void)close(fileno(stream));
    const size_t got = __real_fread(bytes, size, count, stream);
    errno = reason;
    return got;
}

size_t __real_fwrite(const void *bytes, size_t size, size_t count, FILE *stream);
size_t __wrap_fwrite(const void *bytes, size_t size, size_t count, FILE *stream);
size_t __wrap_fwrite(const void *bytes, size_t size, size_t count, FILE *stream)
{
    return is_file(stream) && fails("fwrite", "", true) ? 0
                                                        : __real_fwrite(bytes, size, count, stream);
}

int __real_fflush(FILE *stream);
int __wrap_fflush(FILE *stream);
int __wrap_fflush(FILE *stream)
{
    return is_file(stream) && fails("fflush", "", true) ? EOF : __real_fflush(stream);
}

/* It is closed all the same. What was only read has nothing to lose. */
int __real_fclose(FILE *stream);
int __wrap_fclose(FILE *stream);
int __wrap_fclose(FILE *stream)
{
    const bool failing = __fwritable(stream) && is_file(stream) && fails("fclose", "", true);
    const int reason = errno, result = __real_fclose(stream);
    errno = failing ? reason : errno;
    return failing ? EOF : result;
}
