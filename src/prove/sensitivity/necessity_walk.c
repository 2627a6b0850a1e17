#include "prove/sensitivity/necessity_walk.h"

#include <string.h>

#include "base/base.h"

/* Whether these letters are among those that change the prediction already. */
static bool known(const clh_failures *f, const uint8_t *letters, unsigned mask)
{
    for (unsigned part = mask;; part = (part - 1) & mask) {
        if (clh_failures_has(f, letters, part))
            return true;
        if (part == 0)
            return false;
    }
}

/* Compare models whose letters are all there. */
static void compare(clh_necessity_walk *w, const clh_removed_node *at)
{
    uint32_t whole = 0, says = 0;
    const bool sure = clh_removed_predict_last(&w->models, at, 0, &whole);
    for (unsigned left = at->open; left; left &= left - 1) {
        const size_t m = (size_t)__builtin_ctz(left);
        if (known(&w->changed[m - 1], at->letters, at->mask))
            continue;
        if (!clh_removed_predict_last(&w->models, at, m, &says) || !sure)
            clh_failures_add(&w->doubtful[m - 1], at->letters, at->mask);
        else if (says != whole)
            clh_failures_add(&w->changed[m - 1], at->letters, at->mask);
    }
}

/* The letters of the last slot that change already, of each open model: one that has them all is open no
 * more, and that is said of the letters before. */
static void skip_last(clh_necessity_walk *w, clh_removed_node *at, size_t slot, uint64_t which,
                      uint64_t skip[CLH_MODELS])
{
    for (unsigned models = at->open; models; models &= models - 1) {
        const size_t m = (size_t)__builtin_ctz(models);
        clh_failures *set = &w->changed[m - 1];
        skip[m] = clh_failures_last(set, at->letters, at->mask, slot, which);
        if (skip[m] != which)
            continue;
        clh_failures_add(set, at->letters, at->mask);
        at->open &= ~(1u << m);
    }
}

static void walk_last(clh_necessity_walk *w, clh_removed_node *at)
{
    const clh_removed *r = &w->models.rows;
    const size_t slot = r->order[at->level];
    const unsigned mask = at->mask;
    const bool aimed = at->target != UINT32_MAX;
    uint64_t changed[CLH_MODELS] = {0}, skip[CLH_MODELS] = {0};
    const uint64_t which = clh_removed_fitting(r->tables->asked, at->letters, mask, slot);
    skip_last(w, at, slot, which, skip);
    clh_removed_node leaf = *at;
    leaf.mask = mask | 1u << slot;
    for (uint64_t left = at->open ? which : 0; left; left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        clh_removed_verdict whole = CLH_REMOVED_OPEN;
        if (aimed)
            whole = at->certain ? CLH_REMOVED_HOLDS : clh_removed_decide_last(&w->models, at, 0, x);
        leaf.open = 0;
        for (unsigned models = at->open; models; models &= models - 1) {
            const size_t m = (size_t)__builtin_ctz(models);
            if (skip[m] >> x & 1)
                continue;
            const clh_removed_verdict is =
                aimed ? clh_removed_decide_last(&w->models, at, m, x) : CLH_REMOVED_OPEN;
            if ((whole == CLH_REMOVED_HOLDS && is == CLH_REMOVED_FAILS) ||
                (whole == CLH_REMOVED_FAILS && is == CLH_REMOVED_HOLDS))
                changed[m] |= (uint64_t)1 << x;
            else if (whole != CLH_REMOVED_HOLDS || is != CLH_REMOVED_HOLDS)
                leaf.open |= 1u << m;
        }
        leaf.letters[slot] = (uint8_t)x;
        if (leaf.open)
            compare(w, &leaf);
    }
    for (size_t m = 1; m < CLH_MODELS; m++)
        if (changed[m])
            clh_failures_add_last(&w->changed[m - 1], at->letters, mask, slot, changed[m]);
}

/* Settle what bounds settle; what stays open is in at->open. */
static void settle(clh_necessity_walk *w, clh_removed_node *at)
{
    if (!at->certain) {
        clh_removed_walk_aim(&w->models, at);
        at->certain =
            at->target != UINT32_MAX && clh_removed_decide(&w->models, at, 0) == CLH_REMOVED_HOLDS;
    }
    for (unsigned left = at->open; left; left &= left - 1) {
        const size_t m = (size_t)__builtin_ctz(left);
        clh_removed_verdict is = CLH_REMOVED_OPEN;
        if (known(&w->changed[m - 1], at->letters, at->mask)) {
            at->open &= ~(1u << m);
            continue;
        }
        if (at->target != UINT32_MAX)
            is = clh_removed_decide(&w->models, at, m);
        if (!at->certain || is == CLH_REMOVED_OPEN)
            continue;
        at->open &= ~(1u << m);
        if (is == CLH_REMOVED_FAILS)
            clh_failures_add(&w->changed[m - 1], at->letters, at->mask);
    }
}

static void walk(clh_necessity_walk *w, clh_removed_node *at)
{
    const clh_removed *r = &w->models.rows;
    if (r->slots == 0) {
        compare(w, at);
        return;
    }
    settle(w, at);
    if (!at->open)
        return;
    if (at->level + 1 == r->slots) {
        walk_last(w, at);
        return;
    }
    const size_t slot = r->order[at->level];
    for (uint64_t left = clh_removed_fitting(r->tables->asked, at->letters, at->mask, slot); left;
         left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        clh_removed_node next = clh_removed_walk_letter(&w->models, at, x);
        walk(w, &next);
    }
}

void clh_necessity_walk_position(clh_necessity_walk *w, size_t position, clh_stop *stop,
                                 size_t worker)
{
    clh_removed *r = &w->models.rows;
    const clh_letters_asked *a = r->tables->asked;
    const size_t own = a->slot[position];
    uint64_t which = 1;
    clh_removed_place(r, position);
    if (own < a->n)
        which = clh_removed_fitting(a, r->letters, 0, own);
    for (; which && !r->means.lost && !clh_stop_now(stop, worker); which &= which - 1) {
        const size_t x = (size_t)__builtin_ctzll(which);
        clh_removed_node root =
            clh_removed_walk_token(&w->models, own < a->n ? a->token[x] : a->fixed[position]);
        walk(w, &root);
    }
}
