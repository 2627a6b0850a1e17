#include "measure/sequences/place.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

/* Groups of destinations, before those that do not occur are left out: slots, then the task's kinds
 * of token, then whatever it has no name for. */
enum { SLOTS = CLH_SLOTS_MAX - CLH_TOKEN_KINDS, OTHER = CLH_SLOTS_MAX - 1 };

size_t clh_places_find(clh_place *at, const clh_task *task, size_t pos)
{
    size_t found = 0;
    assert(at || pos == 0);
    for (size_t i = 0; i < pos; i++) {
        char label[48] = "";
        if (task)
            clh_task_label(task, pos, i, label);
        if (sscanf(label, "term %zu slot %zu", &at[i].term, &at[i].slot) == 2)
            found++;
        else
            at[i] = (clh_place){0};
    }
    return found;
}

clh_status clh_key_slots(uint32_t *out, const clh_sample *sample, clh_error *err)
{
    assert(out && sample && sample->count > 0);
    const size_t length = sample->length[0], skip = sample->skip;
    clh_place *at = clh_alloc_zeroed(length + skip, sizeof *at, err);
    if (!at)
        return CLH_ENOMEM;
    (void)clh_places_find(at, sample->task, length + skip);
    for (size_t j = 0; j < length; j++) {
        const size_t slot = at[j + skip].slot;
        out[j] = slot > 0 && slot <= CLH_SLOTS_MAX
                     ? (uint32_t)slot - 1
                     : CLH_SLOTS_MAX + (uint32_t)clh_sample_kind(sample, 0, j);
    }
    clh_free(at);
    return CLH_OK;
}

static uint32_t group_of(const clh_sample *sample, const clh_place *place, size_t position)
{
    const clh_token_kind kind = clh_sample_kind(sample, 0, position);
    if (place->slot > 0 && place->slot <= SLOTS)
        return (uint32_t)(place->slot - 1);
    return kind == CLH_TOKEN_OTHER ? OTHER : SLOTS + kind - 1;
}

static void name_group(const clh_task *task, uint32_t group, char out[16])
{
    size_t count;
    const clh_token_row *kinds = clh_task_kinds(task, &count);
    if (group < SLOTS)
        (void)snprintf(out, 16, "slot %u", group + 1);
    else
        (void)snprintf(out, 16, "%s", group < SLOTS + count ? kinds[group - SLOTS].name : "other");
}

clh_status clh_slots_find(clh_slots *out, uint32_t *group, const clh_sample *sample, clh_error *err)
{
    assert(out && group && sample && sample->count > 0);
    const size_t length = sample->length[0], whole = length + sample->skip;
    clh_place *at = clh_alloc_zeroed(whole, sizeof *at, err);
    uint32_t number[CLH_SLOTS_MAX] = {0};
    if (!at)
        return CLH_ENOMEM;
    *out = (clh_slots){0};
    (void)clh_places_find(at, sample->task, whole);
    for (size_t p = sample->first_scored[0]; p < length; p++) {
        group[p] = group_of(sample, &at[p + sample->skip], p);
        number[group[p]]++;
    }
    for (uint32_t kind = 0; kind < CLH_SLOTS_MAX; kind++) {
        if (number[kind] == 0)
            continue;
        out->rows[out->count] = number[kind];
        name_group(sample->task, kind, out->name[out->count]);
        number[kind] = (uint32_t)out->count++;
    }
    for (size_t p = sample->first_scored[0]; p < length; p++)
        group[p] = number[group[p]];
    clh_free(at);
    return CLH_OK;
}
