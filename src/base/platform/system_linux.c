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

/* What the control group of a container leaves this process, SIZE_MAX where there is no limit. */
static size_t group_limit(void)
{
    static const char *const file[] = {"/sys/fs/cgroup/memory.max",
                                       "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    size_t limit = SIZE_MAX;
    for (size_t i = 0; i < CLH_COUNT(file); i++) {
        FILE *stream = fopen(file[i], "re");
        if (!stream)
            continue;
        char line[32] = "", *end = line; /* digits, or "max" */
        uintmax_t bytes = fgets(line, sizeof line, stream) ? strtoumax(line, &end, 10) : 0;
        if (end != line && bytes < limit)
            limit = (size_t)bytes;
        (void)fclose(stream);
    }
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

/* "1024K" and the like; 0 where that is not what the file says, or it is not there. */
static size_t kilobytes_in(const char *file)
{
    FILE *stream = fopen(file, "re");
    if (!stream)
        return 0;
    char line[32] = "", *end = line;
    const uintmax_t count = fgets(line, sizeof line, stream) ? strtoumax(line, &end, 10) : 0;
    (void)fclose(stream);
    return end != line && *end == 'K' && count <= SIZE_MAX >> 10 ? (size_t)count << 10 : 0;
}

/* As the kernel numbers caches: data and instructions of the first level, then the second. */
size_t clh_system_second_cache(void)
{
    const int before = errno;
    const size_t bytes = kilobytes_in("/sys/devices/system/cpu/cpu0/cache/index2/size");
    errno = before;
    return bytes;
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
