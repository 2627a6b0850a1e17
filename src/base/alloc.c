#include "base/base.h"
#include "base/platform/decimal.h"
#include "base/platform/system.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT ((size_t)64)

/* Memory of LARGE bytes or more begins a large page and asks for such pages: a column of a matrix has a number
 * on each small one, more of them than a processor keeps track of. */
#define LARGE_PAGE ((size_t)2 << 20)
#define LARGE (2 * LARGE_PAGE)

static void *default_allocate(void *context, size_t size)
{
    (void)context;
    const size_t alignment = size < LARGE ? ALIGNMENT : LARGE_PAGE;
    if (size > SIZE_MAX - alignment)
        return NULL;
    const size_t whole = (size / alignment + 1) * alignment;
    void *memory = aligned_alloc(alignment, whole);
    if (memory && size >= LARGE)
        clh_system_large_pages(memory, size / LARGE_PAGE * LARGE_PAGE);
    return memory;
}

static void default_release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static const clh_allocator default_allocator = {default_allocate, default_release, NULL};
static clh_allocator current = {default_allocate, default_release, NULL};

void clh_allocator_set(const clh_allocator *allocator)
{
    if (!allocator)
        current = default_allocator;
    else if (allocator->allocate && allocator->release)
        current = *allocator;
}

void *clh_alloc_array(size_t count, size_t size, clh_error *err)
{
    size_t bytes;
    if (!clh_mul_ok(count, size, &bytes)) {
        clh_fail(err, CLH_ENOMEM, "%zu elements of %zu bytes are more than can be addressed", count,
                 size);
        return NULL;
    }
    void *memory = current.allocate(current.context, bytes ? bytes : 1);
    if (!memory) {
        char text[24];
        clh_fail(err, CLH_ENOMEM, "out of memory: wanted %s", clh_bytes_text(bytes, text));
    }
    return memory;
}

void *clh_alloc_zeroed(size_t count, size_t size, clh_error *err)
{
    void *memory = clh_alloc_array(count, size, err);
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

char *clh_text_copy(const char *text, clh_error *err)
{
    assert(text);
    size_t size = strlen(text) + 1;
    char *copy = clh_alloc_array(size, 1, err);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void clh_free(void *memory)
{
    if (memory)
        current.release(current.context, memory);
}

const char *clh_bytes_text(size_t bytes, char out[24])
{
    static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t i = 0;
    for (; value >= 999.5 && i + 1 < CLH_COUNT(unit); i++)
        value /= 1000;
    (void)clh_snprintf(out, 24, i == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, unit[i]);
    return out;
}

clh_status clh_bytes_read(const char *text, const char *name, size_t *bytes, clh_error *err)
{
    static const char units[] = "kMGT";
    char *end = NULL;
    assert(text && name && bytes);
    double value = clh_read_double(text, &end);
    const char *unit = end > text && *end ? strchr(units, *end == 'K' ? 'k' : *end) : NULL;
    for (const char *u = units; unit && u <= unit; u++)
        value *= 1000;
    end += unit != NULL;
    end += end > text && *end == 'B';
    if (end == text || *end || !(value >= 1) || !(value < 1e18))
        return clh_fail(err, CLH_EUSAGE, "%s is %s, want bytes such as 500M, 1.5G or 4096", name,
                        text);
    *bytes = (size_t)value;
    return CLH_OK;
}

clh_status clh_memory_check(size_t bytes, const char *what, clh_error *err)
{
    assert(what);
    const size_t limit = clh_system_memory();
    if (bytes <= limit)
        return CLH_OK;
    char want[24], have[24];
    return clh_fail(err, CLH_ENOMEM, "%s needs %s of memory, this process may have %s", what,
                    clh_bytes_text(bytes, want), clh_bytes_text(limit, have));
}
