/* Held-out sequences with one thing changed, each kind a row of the table at the end. */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/permutations.h"
#include "task/permutations/permutation_task.h"

/* One sequence being changed, and the random words that are its own. */
typedef struct change {
    uint32_t *ids; /* "> " letters … */
    size_t n, unseen, *length, *first_scored;
    uint64_t seed, index, drawn;
} change;

/* What a row does. */
typedef struct rule {
    size_t n_least;
    void (*apply)(change *c);
    bool expands; /* the letters change, and the answer with them */
} rule;

enum { TRIES = 1000 };

/* Uniform below `end`, up to 2^-32. */
static size_t draw(change *c, size_t end)
{
    const uint64_t word = clh_random_word(c->seed, CLH_STREAM_VARIANT, c->index << 24 | c->drawn++);
    return (size_t)(((word >> 32) * end) >> 32);
}

/* Another order of `letters`, one that differs unless all are the same (Fisher and Yates). */
static void reorder(change *c, uint32_t *letters)
{
    uint32_t before[CLH_TASK_N_MAX];
    memcpy(before, letters, c->n * sizeof *letters);
    for (size_t tries = 0; tries < TRIES; tries++) {
        for (size_t i = c->n - 1; i > 0; i--) {
            const size_t j = draw(c, i + 1);
            const uint32_t held = letters[i];
            letters[i] = letters[j];
            letters[j] = held;
        }
        if (memcmp(before, letters, c->n * sizeof *letters) != 0)
            return;
    }
}

static void shuffled(change *c)
{
    reorder(c, c->ids + 2);
}

static void reversed(change *c)
{
    uint32_t *letters = c->ids + 2;
    for (size_t i = 0, j = c->n - 1; i < j; i++, j--) {
        const uint32_t held = letters[i];
        letters[i] = letters[j];
        letters[j] = held;
    }
}

/* `times` neighbouring slots get the letter of the first of them. */
static void repeat(change *c, size_t first, size_t times)
{
    for (size_t i = 1; i < times; i++)
        c->ids[2 + first + i] = c->ids[2 + first];
}

static void one_pair(change *c)
{
    repeat(c, draw(c, c->n - 1), 2);
}

static void two_pairs(change *c)
{
    const size_t first = draw(c, c->n - 3);
    repeat(c, first, 2);
    repeat(c, first + 2 + draw(c, c->n - 3 - first), 2);
}

static void triple(change *c)
{
    repeat(c, draw(c, c->n - 2), 3);
}

static void all_same(change *c)
{
    repeat(c, 0, c->n);
}

/* n of the last letters of the vocabulary, as sorted as the notebook's (Knuth's algorithm S). */
static void unseen(change *c)
{
    size_t chosen = 0;
    for (size_t i = 0; chosen < c->n; i++)
        if (draw(c, c->unseen - i) < c->n - chosen)
            c->ids[2 + chosen++] = (uint32_t)(CLH_VOCAB_SIZE - c->unseen + i);
}

static void no_start(change *c)
{
    memmove(c->ids, c->ids + 1, (*c->length - 1) * sizeof *c->ids);
    --*c->length;
    --*c->first_scored;
}

/* A term that is neither the first, which is the prompt, nor the last, which nothing follows. */
static void wrong_term(change *c)
{
    const size_t terms = (*c->length - 2) / (c->n + 1);
    const size_t begin = 2 + (1 + draw(c, terms - 2)) * (c->n + 1);
    reorder(c, c->ids + begin);
    *c->first_scored = begin + c->n;
}

static bool distinct(const uint32_t *letters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (letters[i] == letters[j])
                return false;
    return true;
}

/* A held-out sequence of different letters. Where the task draws repeats of its own: other draws
 * than those of the sample, until the letters differ. */
static clh_status draw_distinct(const permutations *task, const clh_variant_ask *ask,
                                clh_sequence *out, clh_error *err)
{
    clh_permutations_draw(task, CLH_SPLIT_TEST, ask->index, out);
    for (size_t t = 0; t < TRIES; t++) {
        if (distinct(out->tokens + 2, clh_permutations_n(task, out->length)))
            return CLH_OK;
        clh_permutations_draw(task, CLH_SPLIT_TEST, ask->count + ask->index * TRIES + t, out);
    }
    return clh_fail(err, CLH_EINPUT, "no held-out sequence of different letters in %d draws",
                    TRIES);
}

static clh_status vary(const void *state, const clh_variant_row *row, const clh_variant_ask *ask,
                       clh_sequence *out, clh_error *err)
{
    const permutations *task = state;
    const rule *how = row->how;
    clh_status status = draw_distinct(task, ask, out, err);
    if (status)
        return status;
    change c = {.ids = out->tokens,
                .n = clh_permutations_n(task, out->length),
                .unseen = task->unseen,
                .length = &out->length,
                .first_scored = &out->first_scored,
                .seed = ask->seed,
                .index = ask->index};
    assert(c.n >= how->n_least);
    how->apply(&c);
    if (how->expands) {
        uint8_t letters[CLH_TASK_N_MAX];
        for (size_t i = 0; i < c.n; i++)
            letters[i] = (uint8_t)(c.ids[2 + i] - CLH_VOCAB_LETTER);
        clh_permutations_write(task, letters, (unsigned)c.n, out);
    }
    return CLH_OK;
}

static clh_status has_letters(const void *state, const clh_variant_row *row, clh_error *err)
{
    const permutations *task = state;
    const rule *how = row->how;
    const unsigned least = task->domain[0].n;
    return least >= how->n_least
               ? CLH_OK
               : clh_fail(err, CLH_ERANGE, "%s: a sequence has %u letters, want at least %zu",
                          row->name, least, how->n_least);
}

/* A wrong term has one before and one behind it. */
static clh_status has_terms(const void *state, const clh_variant_row *row, clh_error *err)
{
    const permutations *task = state;
    clh_status status = has_letters(state, row, err);
    for (size_t i = 0; i < task->count && !status; i++) {
        const unsigned n = task->domain[i].n;
        const size_t terms = (clh_permutations_length(task, n) - 2) / (n + 1);
        if (terms < 3)
            status = clh_fail(err, CLH_ERANGE,
                              "%s: a sequence of n = %u has %zu whole terms in n_ctx, "
                              "want at least 3",
                              row->name, n, terms);
    }
    return status;
}

/* With a fifth of the sets held out every letter is trained on, unless some are kept from it. */
static clh_status has_unseen(const void *state, const clh_variant_row *row, clh_error *err)
{
    (void)row;
    const permutations *task = state;
    const unsigned most = task->domain[task->count - 1].n;
    return most <= task->unseen
               ? CLH_OK
               : clh_fail(err, CLH_ERANGE,
                          "%zu letters were kept from training (letters_unseen), want at least %u",
                          task->unseen, most);
}

#define ROW(name_, text_, skip_, check_, ...)                                                      \
    {                                                                                              \
        .name = name_, .text = text_, .skip = skip_, .check = check_, .draw = vary,                \
        .how = &(const rule)                                                                       \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

const clh_variant_row clh_permutation_variants[CLH_PERMUTATION_VARIANTS] = {
    {.name = "held out", .text = "letters as the task draws them, sets never trained on"},
    ROW("shuffled", "the same letters in another order", 0, has_letters, 2, shuffled, true),
    ROW("reversed", "the same letters in reverse order", 0, has_letters, 2, reversed, true),
    ROW("one pair", "two neighbouring slots have one letter", 0, has_letters, 2, one_pair, true),
    ROW("two pairs", "twice two neighbouring slots have one letter", 0, has_letters, 4, two_pairs,
        true),
    ROW("triple", "three neighbouring slots have one letter", 0, has_letters, 3, triple, true),
    ROW("all the same", "every slot has the first letter", 0, has_letters, 2, all_same, true),
    ROW("unseen", "letters that were kept from training", 0, has_unseen, 1, unseen, true),
    ROW("no start", "without the leading >, so all positions are one less", 1, has_letters, 1,
        no_start, false),
    ROW("wrong term", "one earlier term in a wrong order; what follows it counts", 0, has_terms, 3,
        wrong_term, false),
};
