#include "base/platform/system.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base.h"

/* The number that a file of the kernel begins with, and the character behind it; false where there is none. */
static bool number_in(const char *file, uintmax_t *number, char *behind)
{
    FILE *stream = fopen(file, "re");
    if (!stream)
        return false;
    char line[32] = "", *end = line;
    *number = fgets(line, sizeof line, stream) ? strtoumax(line, &end, 10) : 0;
    *behind = *end;
    (void)fclose(stream);
    return end != line;
}

/* What the control group of a container leaves this process, SIZE_MAX where there is no limit ("max"). */
static size_t group_limit(void)
{
    static const char *const file[] = {"/sys/fs/cgroup/memory.max",
                                       "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    size_t limit = SIZE_MAX;
    uintmax_t bytes;
    char behind;
    for (size_t i = 0; i < CLH_COUNT(file); i++)
        if (number_in(file[i], &bytes, &behind) && bytes < limit)
            limit = (size_t)bytes;
    return limit;
}

size_t clh_system_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t limit = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
    struct rlimit process;
    if (getrlimit(RLIMIT_AS, &process) == 0 && process.rlim_cur != RLIM_INFINITY &&
        (size_t)process.rlim_cur < limit)
        limit = (size_t)process.rlim_cur;
    size_t group = group_limit();
    return group < limit ? group : limit;
}

/* As the kernel numbers caches: data and instructions of the first level, then the second; "1024K". */
size_t clh_system_second_cache(void)
{
    const int before = errno;
    uintmax_t kilobytes = 0;
    char behind = '\0';
    const bool said =
        number_in("/sys/devices/system/cpu/cpu0/cache/index2/size", &kilobytes, &behind);
    errno = before;
    return said && behind == 'K' && kilobytes <= SIZE_MAX >> 10 ? (size_t)kilobytes << 10 : 0;
}

void clh_system_large_pages(void *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
    const int before = errno; /* a kernel without them says so, and nothing is lost */
    (void)madvise(memory, size, MADV_HUGEPAGE);
    errno = before;
#else
    (void)memory;
    (void)size;
#endif
}

long clh_system_process(void)
{
    return getpid();
}

const char *clh_system_setting(const char *name)
{
    return secure_getenv(name);
}

int clh_system_sync_folder(const char *folder)
{
    const int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0)
        return errno == EACCES ? 0 : errno;
    const int failed = fsync(handle) ? errno : 0;
    (void)close(handle);
    return failed == EINVAL || failed == ENOTSUP ? 0 : failed;
}

int clh_system_lock(int handle)
{
    return flock(handle, LOCK_EX | LOCK_NB) ? errno : 0;
}

char *clh_system_whole_path(const char *path)
{
    return realpath(path, NULL);
}

void clh_system_sort(void *base, size_t count, size_t size,
                     int (*compare)(const void *a, const void *b, void *context), void *context)
{
    qsort_r(base, count, size, compare, context);
}
