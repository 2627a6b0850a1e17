#include "prove/tables/letters.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"

/* ---- Where letters stand -----------------------------------------------------------------------
 */

/* The sequence of these symbols into `out`; false where there is none, and where memory ran out: *trouble. */
static bool expand(const clh_task *task, const char *symbols, clh_sequence *out, clh_error *trouble)
{
    clh_error why = {0};
    const clh_status status = clh_task_expand(task, symbols, out, &why);
    if (status == CLH_ENOMEM)
        *trouble = why;
    return status == CLH_OK;
}

static void repeat(char *text, char symbol, size_t n)
{
    memset(text, symbol, n);
    text[n] = 0;
}

/* The letters are the symbols the task takes; n, how many of them make its one length. */
static clh_status find_letters(clh_letters_asked *a, const clh_task *task, clh_sequence *room,
                               clh_error *trouble, clh_error *err)
{
    char text[CLH_CERTIFY_LETTERS + 1], symbol[16];
    for (uint32_t t = 0; t < clh_task_d_vocab(task); t++) {
        clh_task_symbol(task, t, symbol);
        if (strlen(symbol) != 1)
            continue;
        repeat(text, symbol[0], 1);
        if (!expand(task, text, room, trouble))
            continue;
        if (a->letters == CLH_LETTER_ROW)
            return clh_fail(err, CLH_ESUPPORT, "the task has more than %d letters", CLH_LETTER_ROW);
        a->token[a->letters++] = t;
        for (size_t n = 1; n <= CLH_CERTIFY_LETTERS && a->letters == 1; n++) {
            repeat(text, symbol[0], n);
            if (expand(task, text, room, trouble) && room->length == clh_task_length_max(task))
                a->n = n;
        }
    }
    if (a->n == 0 || a->letters < a->n)
        return clh_fail(err, CLH_ESUPPORT, "task %s has no choices of letters to go through",
                        clh_task_name(task));
    return CLH_OK;
}

/* Ask for the letters first, first + 1, …, one for each slot. */
static bool ask_from(const clh_letters_asked *a, const clh_task *task, size_t first,
                     clh_sequence *room, clh_error *trouble)
{
    assert(a->letters > 0);
    char text[CLH_CERTIFY_LETTERS + 1] = {0}, symbol[16];
    for (size_t s = 0; s < a->n; s++) {
        clh_task_symbol(task, a->token[(first + s) % a->letters], symbol);
        text[s] = symbol[0];
    }
    return expand(task, text, room, trouble);
}

/* The slot of each position from one choice, held against another. */
static clh_status find_slots(clh_letters_asked *a, const clh_task *task, clh_sequence *room,
                             clh_error *trouble, clh_error *err)
{
    assert(a->letters > 0);
    bool same = ask_from(a, task, 0, room, trouble);
    a->length = room->length;
    a->first_scored = room->first_scored;
    for (size_t i = 0; i < a->length; i++) {
        a->slot[i] = (uint8_t)a->n;
        a->fixed[i] = room->tokens[i];
        for (size_t s = 0; s < a->n; s++)
            if (room->tokens[i] == a->token[s])
                a->slot[i] = (uint8_t)s;
    }
    same = same && ask_from(a, task, a->n, room, trouble) && room->length == a->length;
    for (size_t i = 0; i < a->length && same; i++)
        same = room->tokens[i] ==
               (a->slot[i] < a->n ? a->token[(a->n + a->slot[i]) % a->letters] : a->fixed[i]);
    if (!same || a->first_scored == 0)
        return clh_fail(err, CLH_ESUPPORT,
                        "the sequences of task %s are not made of slots that hold a letter each",
                        clh_task_name(task));
    return CLH_OK;
}

static void count_sets(clh_letters_asked *a)
{
    for (size_t k = 0; k <= a->n; k++)
        for (size_t x = 0; x <= a->letters; x++)
            a->sets[k][x] = clh_choose((unsigned)(a->letters - x), (unsigned)k);
}

clh_status clh_letters_asked_open(clh_letters_asked *out, const clh_task *task,
                                  clh_domain_kind domain, clh_error *err)
{
    assert(out && task && domain < CLH_DOMAIN_TASK);
    *out = (clh_letters_asked){.domain = domain};
    if (clh_task_mixture(task) > 1)
        return clh_fail(err, CLH_ESUPPORT, "the task mixes %zu lengths, want one n",
                        clh_task_mixture(task));
    if (clh_task_letter_kind(task) == CLH_TOKEN_OTHER)
        return clh_fail(err, CLH_ESUPPORT, "task %s has no letters, want one of letters",
                        clh_task_name(task));
    const size_t most = clh_task_length_max(task);
    clh_error trouble = {0};
    clh_sequence room = {.tokens = clh_alloc_array(most, sizeof *room.tokens, err),
                         .capacity = most};
    out->slot = clh_alloc_zeroed(most, sizeof *out->slot, err);
    out->fixed = clh_alloc_zeroed(most, sizeof *out->fixed, err);
    clh_status status = room.tokens && out->slot && out->fixed ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = find_letters(out, task, &room, &trouble, err);
    if (!status)
        status = find_slots(out, task, &room, &trouble, err);
    if (!status)
        count_sets(out);
    clh_free(room.tokens);
    if (trouble.status) /* what was found then is not so */
        status = clh_fail(err, trouble.status, "%s", trouble.message);
    if (status)
        clh_letters_asked_deinit(out);
    return status;
}

void clh_letters_asked_deinit(clh_letters_asked *asked)
{
    if (!asked)
        return;
    clh_free(asked->slot);
    clh_free(asked->fixed);
    *asked = (clh_letters_asked){0};
}

void clh_letters_write(const clh_letters_asked *asked, const uint8_t *letters, uint32_t *tokens)
{
    for (size_t i = 0; i < asked->length; i++)
        tokens[i] =
            asked->slot[i] < asked->n ? asked->token[letters[asked->slot[i]]] : asked->fixed[i];
}

/* ---- Kinds of choices --------------------------------------------------------------------------
 */

/* Class of choices whose letters occur `times` [different] often; in order or not where all differ. */
static clh_certify_class class_of(const uint8_t *times, size_t different, size_t n, bool in_order)
{
    size_t twice = 0, thrice = 0, more = 0;
    if (different == n)
        return in_order ? CLH_CLASS_SORTED : CLH_CLASS_UNSORTED;
    if (different == 1)
        return CLH_CLASS_SAME;
    for (size_t i = 0; i < different; i++) {
        twice += times[i] == 2;
        thrice += times[i] == 3;
        more += times[i] > 3;
    }
    if (more || (thrice && (twice || thrice > 1)) || twice > 2)
        return CLH_CLASS_OTHER;
    return thrice ? CLH_CLASS_TRIPLE : twice == 2 ? CLH_CLASS_TWO_PAIRS : CLH_CLASS_PAIR;
}

/* How often each letter of the slots of `mask` occurs; *in_order: they ascend. */
static size_t tally(const uint8_t *letters, unsigned mask, size_t n, uint8_t *times, bool *in_order)
{
    uint8_t seen[CLH_CERTIFY_LETTERS];
    size_t different = 0;
    int last = -1;
    *in_order = true;
    for (size_t s = 0; s < n; s++) {
        if (!(mask >> s & 1))
            continue;
        size_t at = 0;
        while (at < different && seen[at] != letters[s])
            at++;
        if (at == different) {
            seen[different] = letters[s];
            times[different++] = 0;
        }
        times[at]++;
        *in_order = *in_order && (int)letters[s] > last;
        last = letters[s];
    }
    return different;
}

clh_certify_class clh_letters_class(const uint8_t *letters, size_t n)
{
    uint8_t times[CLH_CERTIFY_LETTERS];
    bool in_order;
    const size_t different = tally(letters, (1u << n) - 1, n, times, &in_order);
    return class_of(times, different, n, in_order);
}

/* Choices that fill `free` more slots: each gets a letter there is already, or one of those left. */
static void fill(const clh_letters_asked *a, uint8_t *times, size_t different, size_t left,
                 uint64_t ways, uint64_t count[CLH_CERTIFY_CLASSES])
{
    if (left == 0) {
        count[class_of(times, different, a->n, false)] += ways;
        return;
    }
    for (size_t i = 0; i < different && a->domain == CLH_DOMAIN_TUPLES; i++) {
        times[i]++;
        fill(a, times, different, left - 1, ways, count);
        times[i]--;
    }
    times[different] = 1;
    if (a->letters > different)
        fill(a, times, different + 1, left - 1, ways * (a->letters - different), count);
}

/* Choices in ascending order with these letters in the slots of `mask`. */
static uint64_t in_order_count(const clh_letters_asked *a, const uint8_t *letters, unsigned mask)
{
    uint64_t count = 1;
    size_t low = 0, slots = 0;
    for (size_t s = 0; s <= a->n; s++) {
        if (s < a->n && !(mask >> s & 1)) {
            slots++;
            continue;
        }
        const size_t high = s < a->n ? letters[s] : a->letters;
        if (high < low)
            return 0;
        count *= a->sets[slots][a->letters - (high - low)];
        low = high + 1;
        slots = 0;
    }
    return count;
}

void clh_letters_count(const clh_letters_asked *a, const uint8_t *letters, unsigned mask,
                       uint64_t times, uint64_t count[CLH_CERTIFY_CLASSES])
{
    uint8_t often[CLH_CERTIFY_LETTERS + 1];
    bool in_order;
    const size_t different = tally(letters, mask, a->n, often, &in_order);
    const uint64_t sorted = in_order ? times * in_order_count(a, letters, mask) : 0;
    const size_t given = (size_t)__builtin_popcount(mask);
    count[CLH_CLASS_SORTED] += sorted;
    if (a->domain == CLH_DOMAIN_SORTED)
        return;
    uint64_t more[CLH_CERTIFY_CLASSES] = {0};
    fill(a, often, different, a->n - given, times, more);
    more[CLH_CLASS_UNSORTED] -= sorted;
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        count[c] += more[c];
}

uint64_t clh_letters_below(const clh_letters_asked *a, const uint8_t *letters, unsigned mask)
{
    const unsigned given = (unsigned)__builtin_popcount(mask), left = (unsigned)a->n - given;
    if (a->domain == CLH_DOMAIN_SORTED)
        return in_order_count(a, letters, mask);
    return a->domain == CLH_DOMAIN_TUPLES
               ? clh_tuple_count((unsigned)a->letters, left)
               : clh_arrangement_count((unsigned)a->letters - given, left);
}

void clh_letters_classes_last(const clh_letters_asked *a, const uint8_t *letters, size_t slot,
                              uint64_t which, uint64_t set[CLH_CERTIFY_CLASSES])
{
    uint8_t of[CLH_CERTIFY_LETTERS], times[CLH_CERTIFY_LETTERS + 1];
    const unsigned others = ((1u << a->n) - 1) & ~(1u << slot);
    bool in_order;
    memset(set, 0, CLH_CERTIFY_CLASSES * sizeof *set);
    memcpy(of, letters, sizeof of);
    for (size_t s = 0; s < a->n; s++) { /* letters that there are already, one by one */
        if (s == slot || !(which >> letters[s] & 1))
            continue;
        of[slot] = letters[s];
        set[clh_letters_class(of, a->n)] |= (uint64_t)1 << letters[s];
        which &= ~((uint64_t)1 << letters[s]);
    }
    const size_t different = tally(letters, others, a->n, times, &in_order);
    if (in_order) {
        const size_t low = slot > 0 ? letters[slot - 1] + 1u : 0;
        const size_t high = slot + 1 < a->n ? letters[slot + 1] : a->letters;
        const uint64_t below = high < 64 ? ((uint64_t)1 << high) - 1 : ~(uint64_t)0;
        const uint64_t between = low < high ? which & below & ~(((uint64_t)1 << low) - 1) : 0;
        set[CLH_CLASS_SORTED] |= between;
        which &= ~between;
    }
    times[different] = 1;
    if (which)
        set[class_of(times, different + 1, a->n, false)] |= which;
}

void clh_letters_count_last(const clh_letters_asked *a, const uint8_t *letters, size_t slot,
                            uint64_t which, uint64_t count[CLH_CERTIFY_CLASSES])
{
    uint64_t set[CLH_CERTIFY_CLASSES];
    clh_letters_classes_last(a, letters, slot, which, set);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        count[c] += set[c] ? (uint64_t)__builtin_popcountll(set[c]) : 0;
}

/* Classes that `left` more letters can make of these, of choices that are not in order. */
static unsigned reached(const clh_letters_asked *a, uint8_t *times, size_t different, size_t left)
{
    if (left == 0)
        return 1u << class_of(times, different, a->n, false);
    unsigned classes = 0;
    for (size_t i = 0; i < different && a->domain == CLH_DOMAIN_TUPLES; i++) {
        times[i]++;
        classes |= reached(a, times, different, left - 1);
        times[i]--;
    }
    times[different] = 1;
    return a->letters > different ? classes | reached(a, times, different + 1, left - 1) : classes;
}

unsigned clh_letters_reached(const clh_letters_asked *a, const uint8_t *letters, unsigned mask)
{
    uint8_t times[CLH_CERTIFY_LETTERS + 1];
    bool in_order;
    const size_t different = tally(letters, mask, a->n, times, &in_order);
    const size_t given = (size_t)__builtin_popcount(mask);
    const unsigned sorted =
        in_order && in_order_count(a, letters, mask) > 0 ? 1u << CLH_CLASS_SORTED : 0;
    return a->domain == CLH_DOMAIN_SORTED ? sorted
                                          : sorted | reached(a, times, different, a->n - given);
}

/* ---- Numbers of choices ------------------------------------------------------------------------
 */

void clh_letters_range(const clh_letters_asked *a, const uint8_t *letters, unsigned mask,
                       size_t slot, size_t *begin, size_t *end)
{
    *begin = 0;
    *end = a->letters;
    if (a->domain != CLH_DOMAIN_SORTED)
        return;
    *begin = slot; /* room for the slots before and after */
    *end = a->letters - (a->n - 1 - slot);
    for (size_t s = 0; s < a->n; s++) {
        if (!(mask >> s & 1))
            continue;
        if (s < slot && letters[s] + (slot - s) > *begin)
            *begin = letters[s] + (slot - s);
        if (s > slot && letters[s] + 1u < *end + (s - slot))
            *end = letters[s] + 1u > s - slot ? letters[s] + 1u - (s - slot) : 0;
    }
    *end = *end > *begin ? *end : *begin;
}

/* clh_combination_rank(): all sets less those behind this one, which have its first letters up to some one,
 * and there a later letter. */
static uint64_t rank_in_order(const clh_letters_asked *a, const uint8_t *of, unsigned k)
{
    uint64_t behind = 0;
    for (unsigned i = 0; i < k; i++)
        behind += a->sets[k - i][of[i] + 1];
    return a->sets[k][0] - 1 - behind;
}

uint64_t clh_letters_number(const clh_letters_asked *a, const uint8_t *letters, unsigned mask)
{
    uint8_t of[CLH_CERTIFY_LETTERS];
    unsigned k = 0;
    for (size_t s = 0; s < a->n; s++)
        if (mask >> s & 1)
            of[k++] = letters[s];
    return a->domain == CLH_DOMAIN_SORTED ? rank_in_order(a, of, k)
                                          : clh_tuple_rank((unsigned)a->letters, of, k);
}

uint64_t clh_letters_numbers(const clh_letters_asked *a, unsigned mask)
{
    const unsigned k = (unsigned)__builtin_popcount(mask);
    return a->domain == CLH_DOMAIN_SORTED ? clh_choose((unsigned)a->letters, k)
                                          : clh_tuple_count((unsigned)a->letters, k);
}

uint64_t clh_letters_inputs(const clh_letters_asked *a)
{
    const unsigned letters = (unsigned)a->letters, n = (unsigned)a->n;
    return a->domain == CLH_DOMAIN_SORTED    ? clh_choose(letters, n)
           : a->domain == CLH_DOMAIN_ORDERED ? clh_arrangement_count(letters, n)
                                             : clh_tuple_count(letters, n);
}

void clh_letters_unrank(const clh_letters_asked *asked, uint64_t rank, uint8_t *letters)
{
    const unsigned size = (unsigned)asked->letters, n = (unsigned)asked->n;
    if (asked->domain == CLH_DOMAIN_SORTED)
        clh_combination_unrank(size, rank, n, letters);
    else if (asked->domain == CLH_DOMAIN_ORDERED)
        clh_arrangement_unrank(size, rank, n, letters);
    else
        clh_tuple_unrank(size, rank, n, letters);
}

uint64_t clh_letters_rank(const clh_letters_asked *asked, const uint8_t *letters)
{
    const unsigned size = (unsigned)asked->letters, n = (unsigned)asked->n;
    return asked->domain == CLH_DOMAIN_SORTED    ? clh_combination_rank(size, letters, n)
           : asked->domain == CLH_DOMAIN_ORDERED ? clh_arrangement_rank(size, letters, n)
                                                 : clh_tuple_rank(size, letters, n);
}
