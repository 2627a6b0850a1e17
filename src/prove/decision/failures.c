#include "prove/decision/failures.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"

enum { BITS_MOST = 1u << 30 };

size_t clh_failures_words(const clh_failures *failures, unsigned mask)
{
    return (size_t)(clh_letters_numbers(failures->asked, mask) / 64 + 1);
}

clh_status clh_failures_open(clh_failures *out, const clh_letters_asked *asked, clh_error *err)
{
    *out = (clh_failures){.asked = asked};
    if (asked->n > 6)
        return clh_fail(err, CLH_ERANGE, "inputs of %zu letters, want at most 6", asked->n);
    const unsigned masks = 1u << asked->n;
    if (clh_letters_numbers(asked, masks - 1) > BITS_MOST)
        return clh_fail(err, CLH_ERANGE, "%zu letters of %zu make %llu inputs, want at most %u",
                        asked->n, asked->letters,
                        (unsigned long long)clh_letters_numbers(asked, masks - 1), BITS_MOST);
    for (unsigned mask = 0; mask < masks; mask++) {
        const size_t words = clh_failures_words(out, mask);
        out->bits[mask] = clh_alloc_zeroed(words, sizeof *out->bits[mask], err);
        if (!out->bits[mask]) {
            clh_failures_deinit(out);
            return CLH_ENOMEM;
        }
    }
    return CLH_OK;
}

void clh_failures_deinit(clh_failures *f)
{
    if (!f)
        return;
    for (unsigned mask = 0; mask < CLH_MASKS; mask++)
        clh_free((void *)f->bits[mask]);
    memset(f, 0, sizeof *f);
}

/* Most words are there already where much fails: looking costs less than writing. */
static void set(clh_failures *f, unsigned mask, uint64_t word, uint64_t bits)
{
    if (bits & ~atomic_load_explicit(&f->bits[mask][word], memory_order_relaxed))
        atomic_fetch_or_explicit(&f->bits[mask][word], bits, memory_order_relaxed);
}

static void set_any(clh_failures *f, unsigned mask)
{
    if (!atomic_load_explicit(&f->any[mask], memory_order_relaxed))
        atomic_store_explicit(&f->any[mask], true, memory_order_relaxed);
}

/* Of a slot behind which others have letters: numbers lie as far apart as these have choices. */
static void add_apart(clh_failures *f, uint8_t *letters, unsigned mask, size_t slot, uint64_t which)
{
    const clh_letters_asked *a = f->asked;
    if (a->domain == CLH_DOMAIN_SORTED) {
        for (; which; which &= which - 1) {
            letters[slot] = (uint8_t)__builtin_ctzll(which);
            clh_failures_add(f, letters, mask);
        }
        return;
    }
    uint64_t step = 1;
    for (unsigned behind = mask >> (slot + 1); behind; behind &= behind - 1)
        step *= a->letters;
    letters[slot] = 0;
    const uint64_t first = clh_letters_number(a, letters, mask);
    for (; which; which &= which - 1) {
        const uint64_t at = first + (uint64_t)__builtin_ctzll(which) * step;
        set(f, mask, at / 64, (uint64_t)1 << at % 64);
    }
    set_any(f, mask);
}

void clh_failures_add_last(clh_failures *f, const uint8_t *letters, unsigned mask, size_t slot,
                           uint64_t which)
{
    uint8_t of[CLH_CERTIFY_LETTERS];
    const unsigned more = mask | 1u << slot;
    if (!which)
        return;
    memcpy(of, letters, sizeof of);
    if (more >> (slot + 1)) {
        add_apart(f, of, more, slot, which);
        return;
    }
    of[slot] = (uint8_t)__builtin_ctzll(which);
    const uint64_t at = clh_letters_number(f->asked, of, more), bits = which >> of[slot];
    set(f, more, at / 64, bits << at % 64);
    if (at % 64 && bits >> (64 - at % 64))
        set(f, more, at / 64 + 1, bits >> (64 - at % 64));
    set_any(f, more);
}

void clh_failures_add(clh_failures *f, const uint8_t *letters, unsigned mask)
{
    const uint64_t at = clh_letters_number(f->asked, letters, mask);
    set(f, mask, at / 64, (uint64_t)1 << at % 64);
    set_any(f, mask);
}

static bool has(const clh_failures *f, uint64_t at, unsigned mask)
{
    return atomic_load_explicit(&f->bits[mask][at / 64], memory_order_relaxed) >> at % 64 & 1;
}

bool clh_failures_has(const clh_failures *f, const uint8_t *letters, unsigned mask)
{
    return atomic_load_explicit(&f->any[mask], memory_order_relaxed) &&
           has(f, clh_letters_number(f->asked, letters, mask), mask);
}

void clh_failures_join(clh_failures *to, const clh_failures *from)
{
    for (unsigned mask = 0; mask < CLH_MASKS && mask < 1u << to->asked->n; mask++) {
        const size_t words = clh_failures_words(to, mask);
        if (!atomic_load_explicit(&from->any[mask], memory_order_relaxed))
            continue;
        for (size_t i = 0; i < words; i++)
            set(to, mask, i, atomic_load_explicit(&from->bits[mask][i], memory_order_relaxed));
        atomic_store_explicit(&to->any[mask], true, memory_order_relaxed);
    }
}

typedef struct walk {
    const clh_failures *failures;
    uint64_t *count;
    clh_counterexample *keep;
    size_t most, kept;
    bool ends; /* with the last that is kept */
    uint8_t letters[CLH_CERTIFY_LETTERS];
    bool any[CLH_MASKS];
    uint64_t number[CLH_MASKS]; /* of the letters so far, of each mask of their slots */
} walk;

/* The number of a mask whose last slot is the last that has a letter. */
static uint64_t number(const walk *w, unsigned mask, size_t slot)
{
    const clh_letters_asked *a = w->failures->asked;
    return a->domain == CLH_DOMAIN_SORTED
               ? clh_letters_number(a, w->letters, mask)
               : w->number[mask & ~(1u << slot)] * a->letters + w->letters[slot];
}

/* `count` <= 64 bits from `at` on. */
static uint64_t bits_from(const clh_failures *f, unsigned mask, uint64_t at, size_t count)
{
    uint64_t bits = atomic_load_explicit(&f->bits[mask][at / 64], memory_order_relaxed) >> at % 64;
    if (at % 64 + count > 64)
        bits |= atomic_load_explicit(&f->bits[mask][at / 64 + 1], memory_order_relaxed)
                << (64 - at % 64);
    return count < 64 ? bits & (((uint64_t)1 << count) - 1) : bits;
}

/* All slots but the last have letters: those of the last with which an input fails. Its numbers follow each
 * other, in every mask. */
static void walk_last(walk *w)
{
    const clh_letters_asked *a = w->failures->asked;
    const size_t slot = a->n - 1;
    const unsigned given = (1u << slot) - 1;
    size_t begin, end;
    uint64_t fails = 0;
    clh_letters_range(a, w->letters, given, slot, &begin, &end);
    w->letters[slot] = (uint8_t)begin;
    for (unsigned mask = 1u << slot; mask < 2u << slot && begin < end; mask++)
        if (w->any[mask])
            fails |= bits_from(w->failures, mask, number(w, mask, slot), end - begin) << begin;
    for (size_t s = 0; s < slot && a->domain == CLH_DOMAIN_ORDERED; s++)
        fails &= ~((uint64_t)1 << w->letters[s]);
    if (fails)
        clh_letters_count_last(a, w->letters, slot, fails, w->count);
    for (; fails && w->kept < w->most; fails &= fails - 1) {
        w->letters[slot] = (uint8_t)__builtin_ctzll(fails);
        memcpy(w->keep[w->kept++].letters, w->letters, sizeof w->letters);
    }
}

/* Slots below `slots` have letters; `fails`: that is enough to fail. */
static void walk_on(walk *w, size_t slots, bool fails)
{
    const clh_letters_asked *a = w->failures->asked;
    const unsigned before = slots ? 1u << (slots - 1) : 0; /* masks whose last slot is this one */
    for (unsigned mask = before; mask < 2 * before && mask < CLH_MASKS && !fails; mask++) {
        w->number[mask] = number(w, mask, slots - 1);
        fails = w->any[mask] && has(w->failures, w->number[mask], mask);
    }
    if (fails && w->kept >= w->most) {
        clh_letters_count(a, w->letters, (1u << slots) - 1, 1, w->count);
        return;
    }
    if (slots == a->n) { /* with `fails` alone */
        w->count[clh_letters_class(w->letters, a->n)]++;
        memcpy(w->keep[w->kept++].letters, w->letters, sizeof w->letters);
        return;
    }
    if (slots + 1 == a->n && !fails) {
        walk_last(w);
        return;
    }
    size_t begin, end;
    clh_letters_range(a, w->letters, (1u << slots) - 1, slots, &begin, &end);
    for (size_t x = begin; x < end && !(w->ends && w->kept == w->most); x++) {
        if (!clh_letters_fit(a, w->letters, (1u << slots) - 1, (uint8_t)x))
            continue;
        w->letters[slots] = (uint8_t)x;
        walk_on(w, slots + 1, fails);
    }
}

static size_t walk_all(walk *w)
{
    for (unsigned mask = 0; mask < CLH_MASKS; mask++)
        w->any[mask] = atomic_load_explicit(&w->failures->any[mask], memory_order_relaxed);
    walk_on(w, 0, w->any[0]); /* no slot need have a letter: all fail */
    return w->kept;
}

void clh_failures_count(const clh_failures *failures, uint64_t count[CLH_CERTIFY_CLASSES],
                        clh_counterexample *keep, size_t most, size_t *kept)
{
    assert(failures && count && (keep || most == 0));
    walk w = {.failures = failures, .count = count, .keep = keep, .most = most};
    const size_t found = walk_all(&w);
    if (kept)
        *kept = found;
}

void clh_failures_first(const clh_failures *failures, clh_counterexample *keep, size_t most,
                        size_t *kept)
{
    uint64_t count[CLH_CERTIFY_CLASSES] = {0};
    assert(failures && keep && kept);
    walk w = {.failures = failures, .count = count, .keep = keep, .most = most, .ends = true};
    *kept = most ? walk_all(&w) : 0;
}

uint64_t clh_failures_all(const clh_failures *failures, clh_counterexample *first, size_t *kept)
{
    uint64_t of[CLH_CERTIFY_CLASSES] = {0}, all = 0;
    clh_failures_count(failures, of, first, 1, kept);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        all += of[c];
    return all;
}

uint64_t clh_failures_last(const clh_failures *f, const uint8_t *letters, unsigned mask,
                           size_t slot, uint64_t which)
{
    const unsigned more = mask | 1u << slot;
    uint8_t of[CLH_CERTIFY_LETTERS];
    uint64_t found = 0;
    if (!which || !atomic_load_explicit(&f->any[more], memory_order_relaxed))
        return 0;
    memcpy(of, letters, sizeof of);
    if (!(more >> (slot + 1))) { /* no slot behind it has a letter: numbers follow each other */
        const unsigned first = (unsigned)__builtin_ctzll(which);
        of[slot] = (uint8_t)first;
        return bits_from(f, more, clh_letters_number(f->asked, of, more),
                         64 - (size_t)__builtin_clzll(which) - first)
                   << first &
               which;
    }
    for (uint64_t left = which; left; left &= left - 1) {
        of[slot] = (uint8_t)__builtin_ctzll(left);
        found |= clh_failures_has(f, of, more) ? left & -left : 0;
    }
    return found;
}
