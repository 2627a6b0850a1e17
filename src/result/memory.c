/* The memory of a result. What is small lies in blocks: a row of a table is a dozen small pieces, and a table may have
 * a million rows. */
#include <stdalign.h>
#include <stddef.h>
#include <string.h>

#include "result/result_parts.h"

enum {
    BLOCK_LEAST = 1 << 11,
    BLOCK_MOST = 1 << 20,
    SMALL = 256, /* bytes; a larger piece has memory of its own */
    ALIGNMENT = alignof(max_align_t)
};

/** Something that is closed with the result; itself a piece of a block. */
struct clh_owned {
    struct clh_owned *next;
    void *owner;
    void (*close)(void *); /**< NULL: of a block, which begins with this */
};

enum { OWNED = (sizeof(struct clh_owned) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT };

static bool failed(const clh_result *r)
{
    return r->failure.status != CLH_OK;
}

/* The next block. What lies in it is closed before it is freed, since that was kept after it. */
static bool begin_block(clh_result *r)
{
    const size_t size = r->block_size == 0           ? BLOCK_LEAST
                        : r->block_size < BLOCK_MOST ? 2 * r->block_size
                                                     : BLOCK_MOST;
    char *block = clh_alloc_array(size, 1, &r->failure);
    if (!block)
        return false;
    struct clh_owned *self = (struct clh_owned *)(void *)block;
    *self = (struct clh_owned){r->owned, block, NULL};
    r->owned = self;
    r->block = block + OWNED;
    r->block_room = size - OWNED;
    r->block_size = size;
    return true;
}

/* A piece of at most SMALL bytes; NULL when there is none, remembered. */
static void *take(clh_result *r, size_t bytes)
{
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (failed(r) || (bytes > r->block_room && !begin_block(r)))
        return NULL;
    void *piece = r->block;
    r->block += bytes;
    r->block_room -= bytes;
    return piece;
}

clh_status clh_result_keep(clh_result *r, void *owner, void (*close)(void *), clh_error *err)
{
    struct clh_owned *more = take(r, sizeof *more);
    if (!more) {
        close(owner);
        return clh_result_check(r, err);
    }
    *more = (struct clh_owned){r->owned, owner, close};
    r->owned = more;
    return CLH_OK;
}

void *clh_result_memory(clh_result *r, size_t count, size_t size)
{
    size_t bytes;
    if (clh_mul_ok(count, size, &bytes) && bytes <= SMALL) {
        void *piece = take(r, bytes);
        return piece ? memset(piece, 0, bytes) : NULL;
    }
    void *memory = failed(r) ? NULL : clh_alloc_zeroed(count, size, &r->failure);
    return memory && !clh_result_keep(r, memory, clh_free, NULL) ? memory : NULL;
}

void *clh_result_make(clh_result *r, size_t size, void (*deinit)(void *), clh_error *err)
{
    void *made = clh_result_memory(r, 1, size);
    clh_status status = clh_result_check(r, err);
    if (!status)
        status = clh_result_keep(r, made, deinit, err);
    return status ? NULL : made;
}

const char *clh_result_copy(clh_result *r, const char *text)
{
    if (!text)
        return NULL;
    const size_t length = strlen(text) + 1;
    char *copy = clh_result_memory(r, length, 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

void *clh_result_grown(clh_result *r, const void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return (void *)list;
    const size_t more = *room ? 2 * *room : 8;
    void *bigger = clh_result_memory(r, more, size);
    if (!bigger)
        return NULL;
    if (count > 0)
        memcpy(bigger, list, count * size);
    *room = more;
    return bigger;
}

void clh_result_close(clh_result *r)
{
    if (!r)
        return;
    while (r->owned) {
        const struct clh_owned first = *r->owned;
        r->owned = first.next;
        (first.close ? first.close : clh_free)(first.owner);
    }
    clh_free(r);
}
