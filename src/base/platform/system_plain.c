/* A process by itself: what it cannot ask, it does without. */
#include "base/platform/system.h"

#include <stdint.h>
#include <stdlib.h>

size_t clh_system_memory(void)
{
    return SIZE_MAX;
}

size_t clh_system_second_cache(void)
{
    return 0;
}

void clh_system_large_pages(void *memory, size_t size)
{
    (void)memory;
    (void)size;
}

long clh_system_process(void)
{
    return 0;
}

const char *clh_system_setting(const char *name)
{
    return getenv(name);
}

int clh_system_sync_folder(const char *folder)
{
    (void)folder;
    return 0;
}

int clh_system_lock(int handle)
{
    (void)handle;
    return 0;
}

char *clh_system_whole_path(const char *path)
{
    (void)path;
    return NULL;
}

static void exchange(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

/* Heap sort: in place, n log n whatever the order. The largest of `top` and what is below it comes to
 * the top; children of i are 2i + 1 and 2i + 2. */
static void sift(char *base, size_t top, size_t count, size_t size,
                 int (*compare)(const void *a, const void *b, void *context), void *context)
{
    for (size_t child; top < count / 2; top = child) {
        child = 2 * top + 1;
        if (child + 1 < count &&
            compare(base + child * size, base + (child + 1) * size, context) < 0)
            child++;
        if (compare(base + top * size, base + child * size, context) >= 0)
            return;
        exchange(base + top * size, base + child * size, size);
    }
}

void clh_system_sort(void *base, size_t count, size_t size,
                     int (*compare)(const void *a, const void *b, void *context), void *context)
{
    for (size_t top = count / 2; top-- > 0;)
        sift(base, top, count, size, compare, context);
    for (size_t left = count; left > 1; left--) {
        exchange(base, (char *)base + (left - 1) * size, size);
        sift(base, 0, left - 1, size, compare, context);
    }
}
