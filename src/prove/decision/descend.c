#include "prove/decision/descend.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

static const clh_letters_asked *asked(const clh_descent *d)
{
    return d->query.tables->asked;
}

clh_status clh_descent_open(clh_descent *d, const clh_tables *t, clh_failures *failures,
                            const clh_target *targets, const double *margins, clh_error *err)
{
    *d = (clh_descent){.failures = failures, .targets = targets, .margins = margins != NULL};
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        d->decided.best[c].margin = NAN;
        d->decided.at_most[c] = margins ? margins[c] : INFINITY;
    }
    clh_status status = clh_query_open(&d->query, t, err);
    for (size_t l = 0; l <= t->asked->n && !status; l++) {
        clh_real **rows[] = {&d->base[l], &d->least[l], &d->most[l],  &d->low[l],
                             &d->high[l], &d->ahead[l], &d->behind[l]};
        for (size_t i = 0; i < CLH_COUNT(rows) && !status; i++)
            if (!(*rows[i] = clh_alloc_zeroed(t->columns, sizeof **rows[i], err)))
                status = CLH_ENOMEM;
    }
    if (!status && !(d->spare = clh_alloc_zeroed(t->columns, sizeof *d->spare, err)))
        status = CLH_ENOMEM;
    if (!status && !(d->sized = clh_alloc_zeroed(t->columns, sizeof *d->sized, err)))
        status = CLH_ENOMEM;
    if (!status && margins)
        status = clh_aims_open(d, err);
    if (status)
        clh_descent_deinit(d);
    return status;
}

void clh_descent_deinit(clh_descent *d)
{
    if (!d)
        return;
    clh_query_deinit(&d->query);
    for (size_t l = 0; l <= CLH_CERTIFY_LETTERS; l++) {
        clh_real *rows[] = {d->base[l], d->least[l], d->most[l],  d->low[l],
                            d->high[l], d->ahead[l], d->behind[l]};
        for (size_t i = 0; i < CLH_COUNT(rows); i++)
            clh_free(rows[i]);
    }
    clh_free(d->spare);
    clh_free(d->sized);
    clh_free(d->decided.pending);
    clh_free(d->decided.proved);
    clh_free(d->decided.histogram);
    clh_aims_deinit(d);
    *d = (clh_descent){0};
}

/* ---- One by one --------------------------------------------------------------------------------
 */

static void keep_pending(clh_descent *d, const clh_node *at, bool right, bool decided)
{
    clh_decided *out = &d->decided;
    if (out->pending_count == out->pending_room) {
        const size_t room = out->pending_room ? 2 * out->pending_room : 64;
        clh_pending *more = clh_alloc_array(room, sizeof *more, NULL);
        if (!more) {
            out->status = CLH_ENOMEM;
            return;
        }
        if (out->pending)
            memcpy(more, out->pending, out->pending_count * sizeof *more);
        clh_free(out->pending);
        out->pending = more;
        out->pending_room = room;
    }
    clh_pending *p = &out->pending[out->pending_count++];
    *p = (clh_pending){.position = (uint32_t)d->query.position, .right = right, .decided = decided};
    memcpy(p->letters, at->letters, sizeof p->letters);
}

static void fail(clh_descent *d, const clh_node *at)
{
    uint64_t count[CLH_CERTIFY_CLASSES] = {0};
    clh_failures_add(d->failures, at->letters, at->mask);
    clh_letters_count(asked(d), at->letters, at->mask, 1, count);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        d->decided.tokens[c] += count[c];
        d->failed += count[c];
    }
}

/* All letters are there, and floats could not tell. */
static void decide_exactly(clh_descent *d, const clh_node *at)
{
    double scale;
    const double margin = clh_query_margin(&d->query, at->letters, at->target, &scale);
    const double error = clh_query_exact_error(&d->query, margin, scale);
    const double passed = d->query.passed / scale + error;
    d->decided.exact++;
    clh_descent_prove(d, at, margin > error, margin < -error);
    if (margin > passed)
        return;
    if (margin < -passed)
        fail(d, at);
    else
        keep_pending(d, at, margin > 0, fabs(margin) > error);
}

/* ---- The walk ----------------------------------------------------------------------------------
 */

/* The token to be written, once the letters that say it are there: that of letter x, the last of them. */
static uint32_t target_of(const clh_descent *d, const clh_node *at, size_t x)
{
    if (!d->mixture)
        return asked(d)->token[x];
    return clh_target_mask(d->mixture) & ~at->mask
               ? UINT32_MAX
               : clh_target_token(d->mixture, asked(d), at->letters);
}

uint64_t clh_descent_fitting(const clh_descent *d, const clh_node *at, size_t slot)
{
    const clh_letters_asked *a = asked(d);
    size_t begin, end;
    clh_letters_range(a, at->letters, at->mask, slot, &begin, &end);
    uint64_t which =
        end - begin < 64 ? (((uint64_t)1 << (end - begin)) - 1) << begin : ~(uint64_t)0;
    for (size_t s = 0; s < a->n && a->domain == CLH_DOMAIN_ORDERED; s++)
        if (at->mask >> s & 1)
            which &= ~((uint64_t)1 << at->letters[s]);
    return which;
}

/* Letter x in the slot of this level; its row on top of the sums so far. */
void clh_descent_place(const clh_descent *d, clh_node *at, size_t x)
{
    const size_t slot = d->order[at->level++];
    at->mask |= 1u << slot;
    at->letters[slot] = (uint8_t)x;
}

void clh_descent_add(clh_descent *d, const clh_node *at, size_t x)
{
    const size_t columns = d->query.tables->columns;
    clh_real *sum = d->base[at->level + 1];
    memcpy(sum, d->base[at->level], columns * sizeof *sum);
    d->query.kernel->axpy(columns, 1, d->query.row[d->order[at->level]] + x * columns, sum);
}

void clh_descent_letters(clh_descent *d, const clh_node *at, clh_walk *walk)
{
    for (uint64_t left = clh_descent_fitting(d, at, d->order[at->level]);
         left && !clh_descent_stopped(d); left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        clh_node next = *at;
        clh_descent_place(d, &next, x);
        clh_descent_add(d, at, x);
        if (next.target == UINT32_MAX) /* the letter that is to be predicted */
            next.target = target_of(d, &next, x);
        walk(d, &next);
    }
}

static void walk(clh_descent *d, clh_node *at);
static void walk_mixture(clh_descent *d, clh_node *at);

/* The last letter fails for a set of letters. */
static void fail_last(clh_descent *d, const clh_node *at, uint64_t fails)
{
    uint64_t count[CLH_CERTIFY_CLASSES] = {0};
    const size_t slot = d->order[at->level];
    clh_letters_count_last(asked(d), at->letters, slot, fails, count);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        d->decided.tokens[c] += count[c];
        d->failed += count[c];
    }
    clh_failures_add_last(d->failures, at->letters, at->mask, slot, fails);
}

/* A letter of the last slot, of which sizes said whether it holds, at least for the real function. Its row of
 * the proof is its own: to check it as one of a set would take sizes. */
static void take_sized(clh_descent *d, const clh_node *at, const clh_last *of, size_t x)
{
    clh_node next = *at;
    clh_descent_place(d, &next, x);
    const bool holds = (of->holds | of->really_holds) >> x & 1;
    clh_descent_prove(d, &next, holds, !holds);
    if ((of->really_holds | of->really_fails) >> x & 1)
        keep_pending(d, &next, holds, true);
}

/* The last slot, letters `which` of it: by bounds, by the size of the stream, and one by one. */
static void walk_last(clh_descent *d, const clh_node *at, uint64_t which)
{
    clh_last of = {0};
    uint64_t holds, fails;
    clh_descent_decide_letters(d, at, which, &holds, &fails);
    if (holds | fails)
        clh_descent_prove(d, at, holds, fails);
    uint64_t left = which & ~(holds | fails);
    if (left && clh_descent_sizes(d, &d->open[0], left))
        of = clh_descent_decide_sized(d, at, left);
    const uint64_t sized = of.holds | of.fails | of.really_holds | of.really_fails;
    for (uint64_t x = sized; x; x &= x - 1)
        take_sized(d, at, &of, (size_t)__builtin_ctzll(x));
    holds |= of.holds;
    fails |= of.fails;
    if (holds | fails)
        d->decided.by_depth[0] += (uint64_t)__builtin_popcountll(holds | fails);
    if (fails)
        fail_last(d, at, fails);
    for (left &= ~sized; left && !clh_descent_stopped(d); left &= left - 1) {
        clh_node next = *at;
        clh_descent_place(d, &next, (size_t)__builtin_ctzll(left));
        decide_exactly(d, &next);
    }
}

/* Some letters of the slots left hold, some do not: one slot more, with the letters of `which`. */
static void walk_letters(clh_descent *d, const clh_node *at, uint64_t which)
{
    if (at->level + 1 == d->slots) {
        walk_last(d, at, which);
        return;
    }
    uint64_t holds, fails;
    clh_descent_decide_letters(d, at, which, &holds, &fails);
    if (holds | fails)
        clh_descent_prove(d, at, holds, fails);
    for (uint64_t left = which; left && !clh_descent_stopped(d); left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        clh_node next = *at;
        clh_descent_place(d, &next, x);
        if (holds >> x & 1 || fails >> x & 1) {
            d->decided.by_depth[d->slots - next.level] +=
                clh_letters_below(asked(d), next.letters, next.mask);
            if (fails >> x & 1)
                fail(d, &next);
            continue;
        }
        clh_descent_add(d, at, x);
        walk_letters(d, &next, clh_descent_fitting(d, &next, d->order[next.level]));
    }
}

/* The target is known: one bound for all letters of the slots left, else by letters. */
static void walk(clh_descent *d, clh_node *at)
{
    if (at->target == UINT32_MAX) {
        if (d->mixture)
            walk_mixture(d, at);
        else
            clh_descent_letters(d, at, walk);
        return;
    }
    const clh_verdict all = clh_descent_decide(d, at);
    if (all != CLH_OPEN) {
        const uint64_t which =
            at->level < d->slots ? clh_descent_fitting(d, at, d->order[at->level]) : 1;
        clh_descent_prove(d, at, all == CLH_HOLDS ? which : 0, all == CLH_FAILS ? which : 0);
        d->decided.by_depth[d->slots - at->level] +=
            clh_letters_below(asked(d), at->letters, at->mask);
    }
    if (all == CLH_FAILS)
        fail(d, at);
    else if (all == CLH_OPEN && at->level == d->slots)
        decide_exactly(d, at);
    else if (all == CLH_OPEN)
        walk_letters(d, at, clh_descent_fitting(d, at, d->order[at->level]));
}

/* Several slots decide what is to be written. Once all but one are there it is the same token for every
 * letter that is another than theirs. */
static void walk_mixture(clh_descent *d, clh_node *at)
{
    const size_t slot = d->order[at->level];
    const bool last = (clh_target_mask(d->mixture) & ~at->mask) == 1u << slot;
    clh_node fresh = *at;
    fresh.target = last ? clh_target_fresh(d->mixture, asked(d), at->letters, slot) : UINT32_MAX;
    if (fresh.target == UINT32_MAX) {
        clh_descent_letters(d, at, walk);
        return;
    }
    uint64_t there = 0;
    for (size_t s = 0; s < asked(d)->n; s++)
        there |= at->mask >> s & 1 ? (uint64_t)1 << at->letters[s] : 0;
    const uint64_t which = clh_descent_fitting(d, at, slot);
    clh_descent_leads(d, &fresh);
    walk_letters(d, &fresh, which & ~there);
    for (uint64_t left = which & there; left && !clh_descent_stopped(d); left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        clh_node next = *at;
        clh_descent_place(d, &next, x);
        clh_descent_add(d, at, x);
        next.target = target_of(d, &next, x);
        walk(d, &next);
    }
}

/* What the query is to write, and the order of the free slots: those that decide it first. */
static void set_target(clh_descent *d, clh_node *at, uint32_t token)
{
    const clh_letters_asked *a = asked(d);
    const size_t p = d->query.position + 1;
    const clh_target own = {.token = a->fixed[p], .count = a->slot[p] < a->n, .slot = {a->slot[p]}};
    const clh_target *target = d->targets ? &d->targets[p] : &own;
    const unsigned reads = clh_target_mask(target);
    d->mixture = target->count > 1 ? target : NULL;
    at->target = target->count == 0                                      ? target->token
                 : target->count == 1 && target->slot[0] == d->query.own ? token
                                                                         : UINT32_MAX;
    d->slots = 0;
    for (size_t s = 0; s < a->n; s++)
        if (s != d->query.own && reads >> s & 1)
            d->order[d->slots++] = s;
    for (size_t s = 0; s < a->n; s++)
        if (s != d->query.own && !(reads >> s & 1))
            d->order[d->slots++] = s;
}

/* One query: a position and a token. */
static void one_query(clh_descent *d, clh_node *at, uint32_t token)
{
    at->level = 0;
    set_target(d, at, token);
    d->stopped = clh_stop_now(d->stop, d->worker);
    if (d->stopped)
        return;
    for (size_t i = 0; i < CLH_COUNT(d->open); i++)
        d->open[i] = (clh_open_letters){.many = d->open[i].many && d->open[i].count > 0};
    clh_query_token(&d->query, token, d->order, d->slots);
    d->stopped = clh_stop_now(d->stop, d->worker);
    if (d->stopped)
        return;
    clh_descent_ends(d, at);
    memcpy(d->base[0], d->query.base, d->query.tables->columns * sizeof(clh_real));
    walk(d, at);
    if (d->margins)
        clh_descent_margins(d, at);
    if (d->decided.histogram)
        clh_descent_histogram(d, at);
}

void clh_descent_position(clh_descent *d, size_t position, clh_stop *stop, size_t worker)
{
    const clh_letters_asked *a = asked(d);
    clh_query_place(&d->query, position);
    clh_node at = {0};
    d->failed = 0;
    memset(d->open, 0, sizeof d->open);
    d->stop = stop;
    d->worker = worker;
    d->stopped = false;
    if (d->query.own == a->n) {
        one_query(d, &at, a->fixed[position]);
        return;
    }
    size_t begin, end;
    clh_letters_range(a, at.letters, 0, d->query.own, &begin, &end);
    for (size_t x = begin; x < end && !d->stopped; x++) {
        at = (clh_node){.mask = 1u << d->query.own};
        at.letters[d->query.own] = (uint8_t)x;
        one_query(d, &at, a->token[x]);
    }
}
