#include "prove/decision/target.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"

/* The first item of the token that gathers most; items of one token have equal `group`. */
static size_t winner(const clh_target *t, const uint32_t *group)
{
    size_t best = 0;
    double most = 0;
    for (size_t i = 0; i < t->count; i++) {
        double sum = 0;
        for (size_t k = 0; k < t->count; k++)
            sum += group[k] == group[i] ? t->weight[k] : 0;
        if (i == 0 || sum > most) {
            best = i;
            most = sum;
        }
    }
    return best;
}

uint32_t clh_target_token(const clh_target *t, const clh_letters_asked *asked,
                          const uint8_t *letters)
{
    uint32_t group[CLH_CERTIFY_LETTERS] = {0};
    for (size_t i = 0; i < t->count; i++)
        group[i] = asked->token[letters[t->slot[i]]];
    return t->count ? group[winner(t, group)] : t->token;
}

uint32_t clh_target_read(const clh_target *t, const uint32_t *ids)
{
    uint32_t group[CLH_CERTIFY_LETTERS] = {0};
    for (size_t i = 0; i < t->count; i++)
        group[i] = ids[t->position[i]];
    return t->count ? group[winner(t, group)] : t->token;
}

uint32_t clh_target_fresh(const clh_target *t, const clh_letters_asked *asked,
                          const uint8_t *letters, size_t slot)
{
    uint32_t group[CLH_CERTIFY_LETTERS] = {0};
    for (size_t i = 0; i < t->count; i++)
        group[i] = t->slot[i] == slot ? UINT32_MAX : asked->token[letters[t->slot[i]]];
    return group[winner(t, group)];
}

static clh_target without(const clh_target *t, size_t item)
{
    clh_target less = *t;
    less.count--;
    for (size_t i = item; i < less.count; i++) {
        less.slot[i] = t->slot[i + 1];
        less.position[i] = t->position[i + 1];
        less.weight[i] = t->weight[i + 1];
    }
    return less;
}

/* Whether the outcome without `item` is the same for every way in which letters can be equal: group[i] of
 * item i is 0 … the most before it plus 1. */
static bool never_matters(const clh_target *t, size_t item, uint32_t *group, size_t filled,
                          uint32_t groups)
{
    if (filled == t->count) {
        uint32_t left[CLH_CERTIFY_LETTERS] = {0};
        const clh_target less = without(t, item);
        for (size_t i = 0; i < less.count; i++)
            left[i] = group[i < item ? i : i + 1];
        return group[winner(t, group)] == left[winner(&less, left)];
    }
    for (uint32_t g = 0; g <= groups; g++) {
        group[filled] = g;
        if (!never_matters(t, item, group, filled + 1, g == groups ? groups + 1 : groups))
            return false;
    }
    return true;
}

void clh_target_reduce(clh_target *t, bool distinct)
{
    uint32_t group[CLH_CERTIFY_LETTERS] = {0};
    assert(t->count <= CLH_CERTIFY_LETTERS);
    if (distinct && t->count > 1) {
        for (uint32_t i = 0; i < t->count; i++)
            group[i] = i;
        const size_t best = winner(t, group);
        t->slot[0] = t->slot[best];
        t->position[0] = t->position[best];
        t->weight[0] = t->weight[best];
        t->count = 1;
    }
    for (bool less = true; less && t->count > 1;) {
        size_t least = 0;
        less = false;
        for (size_t i = 1; i < t->count; i++)
            least = t->weight[i] <= t->weight[least] ? i : least;
        if (never_matters(t, least, group, 0, 0)) {
            *t = without(t, least);
            less = true;
        }
    }
}

unsigned clh_target_mask(const clh_target *t)
{
    unsigned mask = 0;
    for (size_t i = 0; i < t->count; i++)
        mask |= 1u << t->slot[i];
    return mask;
}
