/* What was decided by which bound, for somebody else to check. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "prove/decision/descend.h"

static clh_proof_row *new_row(clh_decided *d)
{
    if (d->proved_count == d->proved_room) {
        const size_t room = d->proved_room ? 2 * d->proved_room : 1024;
        clh_proof_row *more = clh_alloc_array(room, sizeof *more, NULL);
        if (!more) {
            d->status = CLH_ENOMEM;
            return NULL;
        }
        if (d->proved)
            memcpy(more, d->proved, d->proved_count * sizeof *more);
        clh_free(d->proved);
        d->proved = more;
        d->proved_room = room;
    }
    return &d->proved[d->proved_count];
}

void clh_descent_prove(clh_descent *descent, const clh_node *at, uint64_t holds, uint64_t fails)
{
    clh_decided *d = &descent->decided;
    const bool own = descent->query.own < descent->query.tables->asked->n;
    clh_proof_row *row = d->proof ? new_row(d) : NULL;
    if (row) {
        *row = (clh_proof_row){.position = (int64_t)descent->query.position,
                               .slots = (int64_t)(own + at->level),
                               .holds = (int64_t)holds,
                               .fails = (int64_t)fails};
        for (size_t l = at->level; l-- > 0;)
            row->letters = row->letters << 6 | at->letters[descent->order[l]];
        if (own)
            row->letters = row->letters << 6 | at->letters[descent->query.own];
    }
    if (row || !d->proof)
        d->proved_count++;
}

static int by_place(const void *a, const void *b)
{
    const clh_proof_row *x = a, *y = b;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    if (x->slots != y->slots)
        return x->slots < y->slots ? -1 : 1;
    return (x->letters > y->letters) - (x->letters < y->letters);
}

void clh_proof_sort(clh_certificate *out)
{
    if (out->proof)
        qsort(out->proof, out->proof_count, sizeof *out->proof, by_place);
}

clh_status clh_proof_take(clh_certificate *out, clh_decided *decided, clh_error *err)
{
    const size_t before = out->proof_count, count = decided->proved_count;
    clh_proof_row *all = NULL;
    if (decided->proof && count) {
        all = clh_alloc_array(before + count, sizeof *all, err);
        if (!all)
            return CLH_ENOMEM;
        if (before)
            memcpy(all, out->proof, before * sizeof *all);
        memcpy(all + before, decided->proved, count * sizeof *all);
        clh_free(out->proof);
        out->proof = all;
    }
    out->proof_count = before + count;
    decided->proved_count = 0;
    return CLH_OK;
}
