#include "edit/reference.h"

#include <assert.h>

#include "base/base.h"
#include "base/random.h"

static size_t find(const clh_reference *r, size_t length)
{
    size_t g = 0;
    while (g < r->count && r->group[g].length < length)
        g++;
    return g;
}

/* Count a sequence of `length`; there is room for another group. */
static void count_one(clh_reference *r, size_t length)
{
    const size_t g = find(r, length);
    if (g == r->count || r->group[g].length != length) {
        for (size_t at = r->count++; at > g; at--)
            r->group[at] = r->group[at - 1];
        r->group[g] = (clh_reference_group){.length = length};
    }
    r->group[g].count++;
}

/* A length first in the sample decides nothing: groups ascend, members too. */
static void list_members(clh_reference *r)
{
    size_t *at = r->member;
    for (size_t g = 0; g < r->count; g++) {
        r->group[g].member = at;
        for (size_t i = 0; i < r->sample->count; i++)
            if (r->sample->length[i] == r->group[g].length)
                *at++ = i;
        assert(at == r->group[g].member + r->group[g].count);
    }
}

clh_status clh_reference_open(clh_reference *out, const clh_sample *sample, clh_error *err)
{
    assert(out && sample && sample->count > 0);
    size_t lengths = 0; /* at most: a run of one length counts once */
    for (size_t i = 0; i < sample->count; i++)
        lengths += i == 0 || sample->length[i] != sample->length[i - 1];
    clh_reference r = {.sample = sample};
    r.group = clh_alloc_zeroed(lengths, sizeof *r.group, err);
    r.member = clh_alloc_array(sample->count, sizeof *r.member, err);
    if (!r.group || !r.member) {
        clh_reference_close(&r);
        return CLH_ENOMEM;
    }
    for (size_t i = 0; i < sample->count; i++)
        count_one(&r, sample->length[i]);
    list_members(&r);
    *out = r;
    return CLH_OK;
}

const clh_reference_group *clh_reference_of(const clh_reference *reference, size_t length)
{
    const size_t g = find(reference, length);
    return g < reference->count ? &reference->group[g] : NULL;
}

clh_tokens clh_reference_draw(const clh_reference *reference, size_t length, uint64_t seed,
                              size_t index)
{
    const clh_reference_group *group = clh_reference_of(reference, length);
    assert(group);
    const uint64_t word = clh_random_word(seed, CLH_STREAM_EDIT, index);
    clh_tokens tokens = clh_sample_tokens(reference->sample, group->member[word % group->count]);
    tokens.pos = length;
    return tokens;
}

void clh_reference_close(clh_reference *reference)
{
    clh_free(reference->member);
    clh_free(reference->group);
    *reference = (clh_reference){0};
}
