/* Sequences of a sample that come more than once. A copy tells nothing new of a model, and makes every
 * interval narrower than it is: sequences beyond those a task has are drawn again, and kinds of input
 * may have only a few. */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "measure/sequences/sample_make.h"

static const uint32_t *ids_of(const clh_sample *s, size_t i)
{
    return s->ids + i * s->stride;
}

/* Fowler, Noll and Vo's hash (FNV-1a) of a sequence, a token at a time. */
static uint64_t hash_of(const clh_sample *s, size_t i)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t t = 0; t < s->length[i]; t++)
        hash = (hash ^ ids_of(s, i)[t]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static bool is_same(const clh_sample *s, size_t a, size_t b)
{
    return s->length[a] == s->length[b] && s->first_scored[a] == s->first_scored[b] &&
           memcmp(ids_of(s, a), ids_of(s, b), s->length[a] * sizeof *s->ids) == 0;
}

/* Whether a sequence before `i` that is kept is the same; else it is remembered in `slot` [mask + 1],
 * which holds numbers of sequences from 1, and 0 where there is none. */
static bool is_copy(const clh_sample *s, size_t i, size_t *slot, size_t mask)
{
    size_t at = (size_t)hash_of(s, i) & mask;
    for (; slot[at]; at = (at + 1) & mask)
        if (is_same(s, slot[at] - 1, i))
            return true;
    slot[at] = i + 1;
    return false;
}

static void move(clh_sample *s, size_t to, size_t from)
{
    memmove(s->ids + to * s->stride, ids_of(s, from), s->stride * sizeof *s->ids);
    s->length[to] = s->length[from];
    s->first_scored[to] = s->first_scored[from];
}

clh_status clh_sample_drop_copies(clh_sample *sample, clh_error *err)
{
    assert(sample && sample->ids);
    size_t size = 2, kept = 0;
    while (size / 2 < sample->count && size <= SIZE_MAX / 2)
        size *= 2;
    size_t *slot = clh_alloc_zeroed(size, sizeof *slot, err);
    if (!slot)
        return CLH_ENOMEM;
    for (size_t i = 0; i < sample->count; i++) {
        if (kept < i)
            move(sample, kept, i);
        kept += !is_copy(sample, kept, slot, size - 1);
    }
    sample->count = kept;
    clh_free(slot);
    return CLH_OK;
}
