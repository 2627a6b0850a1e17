/* What was decided by which bound, for somebody else to check. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "prove/descend.h"

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

clh_status clh_proof_gather(clh_certificate *out, const clh_descent *descent, size_t workers,
                            clh_error *err)
{
    size_t count = 0;
    for (size_t w = 0; w < workers; w++)
        count += descent[w].decided.proved_count;
    out->proof_count = count;
    if (!descent[0].decided.proof)
        return CLH_OK;
    out->proof = clh_alloc_array(count, sizeof *out->proof, err);
    if (!out->proof)
        return CLH_ENOMEM;
    for (size_t w = 0, at = 0; w < workers; w++) {
        const clh_decided *d = &descent[w].decided;
        if (d->proved_count)
            memcpy(out->proof + at, d->proved, d->proved_count * sizeof *d->proved);
        at += d->proved_count;
    }
    qsort(out->proof, count, sizeof *out->proof, by_place);
    return CLH_OK;
}
