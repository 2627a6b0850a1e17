/* Held-out sequences with one thing changed, each kind a row of the table at the end. */
#include "clearhead/variant.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/permutations.h"

/* One sequence being changed, and the words that are its own. */
typedef struct change {
    uint32_t *ids; /* "> " letters … */
    size_t n, unseen, d_vocab, *length, *first_scored;
    uint64_t seed, index, drawn;
} change;

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

static void nothing(change *c)
{
    (void)c;
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
            c->ids[2 + chosen++] = (uint32_t)(c->d_vocab - c->unseen + i);
}

static void no_start(change *c)
{
    memmove(c->ids, c->ids + 1, (*c->length - 1) * sizeof *c->ids);
    c->ids[--*c->length] = 0;
    --*c->first_scored;
}

/* A term that is neither the first, which is the prompt, nor the last, which nothing follows. */
static void corrupted(change *c)
{
    const size_t terms = (*c->length - 2) / (c->n + 1);
    const size_t begin = 2 + (1 + draw(c, terms - 2)) * (c->n + 1);
    reorder(c, c->ids + begin);
    *c->first_scored = begin + c->n;
}

static const struct {
    const char *name, *text;
    size_t n_least;
    void (*apply)(change *c);
    bool expands; /* the letters change, and the answer with them */
} variants[CLH_VARIANTS] = {
    {"held out", "letters as the task draws them, sets never trained on", 1, nothing, false},
    {"shuffled", "the same letters in another order", 2, shuffled, true},
    {"reversed", "the same letters in reverse order", 2, reversed, true},
    {"one pair", "two neighbouring slots have one letter", 2, one_pair, true},
    {"two pairs", "twice two neighbouring slots have one letter", 4, two_pairs, true},
    {"triple", "three neighbouring slots have one letter", 3, triple, true},
    {"all the same", "every slot has the first letter", 2, all_same, true},
    {"unseen", "letters that were kept from training", 1, unseen, true},
    {"no start", "without the leading >, so all positions are one less", 1, no_start, false},
    {"corrupted", "one earlier term in a wrong order; what follows it counts", 3, corrupted, false},
};

const char *clh_variant_name(clh_variant variant)
{
    assert(variant < CLH_VARIANTS);
    return variants[variant].name;
}

const char *clh_variant_text(clh_variant variant)
{
    assert(variant < CLH_VARIANTS);
    return variants[variant].text;
}

/* The number of letters of a sequence: how many stand between "> " and the next space. */
static size_t letters_of(const clh_task *task, const clh_sample *s, size_t index)
{
    size_t n = 0;
    while (2 + n < s->length[index] &&
           clh_task_kind(task, s->length[index], 2 + n) == CLH_TOKEN_LETTER)
        n++;
    return n;
}

static bool distinct(const uint32_t *letters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (letters[i] == letters[j])
                return false;
    return true;
}

/* Tasks that draw repeats of their own: other draws, until the letters differ. */
static clh_status make_distinct(clh_sample *s, size_t index, clh_error *err)
{
    uint32_t *ids = s->ids + index * s->stride;
    for (size_t t = 0; t < TRIES; t++) {
        if (distinct(ids + 2, letters_of(s->task, s, index)))
            return CLH_OK;
        clh_sequence sequence = {.tokens = ids, .capacity = s->stride};
        clh_status status =
            clh_task_draw(s->task, CLH_SPLIT_TEST, s->count + index * TRIES + t, &sequence, err);
        if (status)
            return status;
        memset(ids + sequence.length, 0, (s->stride - sequence.length) * sizeof *ids);
        s->length[index] = sequence.length;
        s->first_scored[index] = sequence.first_scored;
    }
    return clh_fail(err, CLH_EINPUT, "no held-out sequence of different letters in %d draws",
                    TRIES);
}

static clh_status change_one(clh_sample *s, clh_variant variant, size_t index, uint64_t seed,
                             clh_error *err)
{
    clh_status status = variant == CLH_VARIANT_NONE ? CLH_OK : make_distinct(s, index, err);
    if (status)
        return status;
    change c = {.ids = s->ids + index * s->stride,
                .n = letters_of(s->task, s, index),
                .unseen = clh_task_unseen(s->task),
                .d_vocab = clh_task_d_vocab(s->task),
                .length = &s->length[index],
                .first_scored = &s->first_scored[index],
                .seed = seed,
                .index = index};
    if (c.n < variants[variant].n_least)
        return clh_fail(err, CLH_ERANGE, "%s: a sequence has %zu letters, want at least %zu",
                        variants[variant].name, c.n, variants[variant].n_least);
    if (variant == CLH_VARIANT_UNSEEN && c.n > c.unseen)
        return clh_fail(err, CLH_ERANGE,
                        "%zu letters were kept from training (letters_unseen), want at least %zu",
                        c.unseen, c.n);
    variants[variant].apply(&c);
    if (!variants[variant].expands)
        return CLH_OK;
    char letters[CLH_TASK_N_MAX + 1] = "", symbol[16];
    for (size_t i = 0; i < c.n; i++) {
        clh_task_symbol(s->task, c.ids[2 + i], symbol);
        letters[i] = symbol[0];
    }
    clh_sequence whole = {.tokens = c.ids, .capacity = s->stride};
    return clh_task_expand(s->task, letters, &whole, err);
}

clh_status clh_variant_draw(clh_sample *out, clh_variant variant, const clh_task *task,
                            size_t count, uint64_t seed, clh_error *err)
{
    assert(out && task && variant < CLH_VARIANTS);
    if (strcmp(clh_task_name(task), "permutations") != 0)
        return clh_fail(err, CLH_ESUPPORT, "task %s has no letters to vary, want permutations",
                        clh_task_name(task));
    clh_sample sample = {0};
    clh_status status = clh_sample_draw(&sample, task, CLH_SPLIT_TEST, 0, count, err);
    for (size_t i = 0; i < count && !status; i++)
        status = change_one(&sample, variant, i, seed, err);
    sample.skip = variant == CLH_VARIANT_NO_START;
    if (status)
        clh_sample_deinit(&sample);
    else
        *out = sample;
    return status;
}
