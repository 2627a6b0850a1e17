#include "base/slice.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A number up to `most`, or `fallback` where there is none (SIZE_MAX: there must be one). */
static bool read_place(const char **at, size_t size, size_t most, size_t fallback, size_t *out)
{
    char *end;
    const long long value = strtoll(*at, &end, 10);
    const bool none = end == *at;
    const long long from_start = value < 0 ? value + (long long)size : value;
    *at = end;
    *out = none ? fallback : (size_t)from_start;
    return none ? fallback != SIZE_MAX : from_start >= 0 && (size_t)from_start <= most;
}

bool clh_slice_read(const char **at, size_t size, size_t *begin, size_t *end)
{
    assert(at && *at && begin && end);
    const bool slice = (*at)[strcspn(*at, ":,]")] == ':';
    if (size == 0 || !read_place(at, size, slice ? size : size - 1, slice ? 0 : SIZE_MAX, begin))
        return false;
    *end = *begin + 1;
    if (!slice)
        return true;
    return *(*at)++ == ':' && read_place(at, size, size, size, end) && *begin < *end;
}
