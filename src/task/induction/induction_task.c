/* Random tokens, and the same again, with a bar between or without: "7 30 2 | 7 30 2". What a model needs is
 * induction (Elhage et al. 2021, Olsson et al. 2022: to look for the token it stands on, earlier, and to
 * predict what followed); the second half is scored. Halves have several lengths, so that looking a fixed
 * number of tokens back does not do.
 *
 * A half of m tokens is split and visited by its first `ranked` tokens, as many as can be counted: all of
 * them, or, where repeat_vocab^m passes 2^62, a beginning, behind which tokens are drawn at random. The
 * domain then is not counted; held-out halves have beginnings that were never trained on. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "task/letter_domain.h"
#include "task/rank_split.h"
#include "task/task_ops.h"

enum { HALF_MOST = CLH_RANK_SPLIT_TAGS, HELD_OUT_ONE_IN = 5 };
static const uint64_t count_most = (uint64_t)1 << 62;

typedef struct induction_settings {
    size_t length, least, vocabulary;
    bool separator;
} induction_settings;

static const clh_key keys[] = {
    {.name = "repeat_length",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(induction_settings, length),
     .fallback = "32",
     .values = "[2, 128]",
     .resets = "n_ctx first_scored epoch_sequences test_sequences steps",
     .help = "tokens of the longest half"},
    {.name = "repeat_least",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(induction_settings, least),
     .fallback = "0",
     .values = "[0, 128]",
     .resets = "first_scored epoch_sequences test_sequences steps",
     .help = "tokens of the shortest half; 0: an eighth of the longest, at least 2"},
    {.name = "repeat_vocab",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(induction_settings, vocabulary),
     .fallback = "64",
     .values = "[2, 1000000]",
     .resets = "d_vocab d_vocab_out epoch_sequences test_sequences steps",
     .help = "how many tokens there are to repeat"},
    {.name = "repeat_separator",
     .kind = CLH_KEY_BOOL,
     CLH_SETTING(induction_settings, separator),
     .fallback = "false",
     .resets = "n_ctx d_vocab first_scored steps",
     .help = "a bar between the halves; without it the second's first token is not scored"},
};

static const clh_task_setting defaults[] = {{"n_layers", "2"}, {"n_heads", "2"},  {"d_model", "64"},
                                            {"batch", "32"},   {"epochs", "200"}, {NULL, NULL}};

/* Halves of one length. */
typedef struct halves {
    size_t length, ranked;
    clh_rank_split split;
} halves;

typedef struct induction_task {
    uint64_t seed, vocabulary;
    size_t bar;          /* 1 with a separator, else 0: tokens of it */
    size_t first_scored; /* 0: each sequence's own */
    size_t count;
    halves of[HALF_MOST]; /* ascending in length */
} induction_task;

static size_t length_of(const induction_task *task, size_t half)
{
    return 2 * half + task->bar;
}

/* The token after the first of the second half, or with a bar that first one, which the bar announces. */
static size_t scored_from(const induction_task *task, size_t half)
{
    return task->first_scored ? task->first_scored : half + 1;
}

static halves make_halves(const induction_task *task, size_t length)
{
    halves h = {.length = length};
    uint64_t size = 1;
    for (; h.ranked < length && size <= count_most / task->vocabulary; h.ranked++)
        size *= task->vocabulary;
    const uint64_t held_out = size / HELD_OUT_ONE_IN;
    h.split =
        clh_rank_split_make(task->seed, (unsigned)(length - 1), size, held_out ? held_out : 1);
    return h;
}

static clh_status check(const induction_settings *set, size_t least, const clh_task_given *given,
                        clh_error *err)
{
    const size_t shortest = 2 * least + set->separator;
    if (least > set->length)
        return clh_fail(err, CLH_ERANGE,
                        "repeat_least is %zu, want at most repeat_length, which is %zu", least,
                        set->length);
    if (given->first_scored &&
        (given->first_scored <= set->length || given->first_scored >= shortest))
        return clh_fail(err, CLH_ERANGE,
                        "first_scored is %zu, want an index in the second half of every sequence, "
                        "behind %zu and before %zu",
                        given->first_scored, set->length, shortest);
    return CLH_OK;
}

/* Sizes of the domain and its sides; of halves that are not counted, those of their beginnings. */
static void fill_sizes(clh_task_facts *facts, const induction_task *task)
{
    bool counted = true;
    for (size_t i = 0; i < task->count; i++) {
        const uint64_t size = task->of[i].split.places.size;
        counted = counted && task->of[i].ranked == task->of[i].length &&
                  size <= count_most - facts->domain_size;
        facts->domain_size = counted ? facts->domain_size + size : 0;
        for (int side = CLH_SPLIT_TRAIN; side <= CLH_SPLIT_TEST; side++) {
            const uint64_t more = clh_rank_split_size(&task->of[i].split, (clh_split)side);
            uint64_t *sum = &facts->split_size[side];
            *sum = more < count_most - *sum ? *sum + more : count_most;
        }
    }
}

static clh_status induction_open(void **state, clh_task_facts *facts, const void *settings,
                                 const clh_task_given *given, clh_error *err)
{
    const induction_settings *set = settings;
    const size_t least = set->least ? set->least : set->length < 16 ? 2 : set->length / 8;
    clh_status status = check(set, least, given, err);
    induction_task *task = status ? NULL : clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return status ? status : CLH_ENOMEM;
    task->seed = given->seed;
    task->vocabulary = set->vocabulary;
    task->bar = set->separator;
    task->first_scored = given->first_scored;
    for (size_t m = least; m <= set->length; m++)
        task->of[task->count++] = make_halves(task, m);
    *facts = (clh_task_facts){
        .vocab = {.numbers = set->vocabulary, .symbols = "|", .size = set->vocabulary + task->bar},
        .length_max = length_of(task, set->length),
        .mixture = task->count,
        .d_vocab_out = set->vocabulary,
        .first_scored = task->count == 1 ? set->length + 1 : 0,
        .scores_itself = true,
        .defaults = defaults,
    };
    fill_sizes(facts, task);
    *state = task;
    return CLH_OK;
}

/* The rest of the sequence, after the half of m tokens that ends before `end`. */
static void finish(const induction_task *task, size_t m, size_t end, clh_sequence *out)
{
    assert(out->capacity >= end + task->bar + m);
    if (task->bar)
        out->tokens[end] = (uint32_t)task->vocabulary;
    memmove(out->tokens + end + task->bar, out->tokens + end - m, m * sizeof *out->tokens);
    out->length = end + task->bar + m;
}

/* Writes the half with the first tokens of `rank`; the others are those of draw `k` of a side. */
static void write_half(const induction_task *task, const halves *h, uint64_t rank, clh_split side,
                       uint64_t k, clh_sequence *out)
{
    const uint64_t stream = CLH_STREAM_TASK | (uint64_t)side << 8 | (uint64_t)h->length << 9;
    for (size_t i = h->ranked; i-- > 0; rank /= task->vocabulary)
        out->tokens[i] = (uint32_t)(rank % task->vocabulary);
    for (size_t i = h->ranked; i < h->length; i++)
        out->tokens[i] =
            (uint32_t)(((clh_random_word(task->seed, stream, k * HALF_MOST + i) >> 32) *
                        task->vocabulary) >>
                       32);
    finish(task, h->length, h->length, out);
    out->first_scored = scored_from(task, h->length);
}

/* Of a mixture every length comes once in each `count` draws, in shuffled order. */
static void induction_draw(const void *state, clh_split split, uint64_t k, clh_sequence *out)
{
    const induction_task *task = state;
    const uint64_t block = k / task->count;
    const clh_shuffle mix = clh_shuffle_make(
        task->seed, clh_letter_round_stream(CLH_STREAM_MIX, split, 0, block), task->count);
    const halves *h = &task->of[clh_shuffle_at(&mix, k % task->count)];
    write_half(task, h, clh_rank_split_draw(&h->split, split, block), split, block, out);
}

/* The lengths that a rank of the mixture falls in; *rank becomes the rank within. */
static const halves *halves_at(const induction_task *task, uint64_t *rank)
{
    const halves *h = task->of;
    for (; *rank >= h->split.places.size; h++) {
        assert(h + 1 < task->of + task->count);
        *rank -= h->split.places.size;
    }
    return h;
}

static void induction_unrank(const void *state, uint64_t rank, clh_sequence *out)
{
    const halves *h = halves_at(state, &rank);
    write_half(state, h, rank, CLH_SPLIT_TRAIN, 0, out);
}

static clh_split induction_split_of(const void *state, uint64_t rank)
{
    const halves *h = halves_at(state, &rank);
    return clh_rank_split_of(&h->split, rank);
}

static clh_status check_repeat(const induction_task *task, const uint32_t *tokens, size_t half,
                               clh_error *err)
{
    for (size_t i = 0; i < half; i++) {
        if (tokens[i] >= task->vocabulary)
            return clh_fail(err, CLH_NO, "token %zu is %u, want one below %llu", i + 1, tokens[i],
                            (unsigned long long)task->vocabulary);
        if (tokens[half + task->bar + i] != tokens[i])
            return clh_fail(err, CLH_NO, "token %zu is %u, want %u as token %zu",
                            half + task->bar + i + 1, tokens[half + task->bar + i], tokens[i],
                            i + 1);
    }
    if (task->bar && tokens[half] != task->vocabulary)
        return clh_fail(err, CLH_NO, "token %zu is %u, want the bar, %llu", half + 1, tokens[half],
                        (unsigned long long)task->vocabulary);
    return CLH_OK;
}

static clh_status induction_rank(const void *state, const uint32_t *tokens, size_t length,
                                 uint64_t *rank, clh_error *err)
{
    const induction_task *task = state;
    uint64_t before = 0, within = 0;
    size_t i = 0;
    for (; i < task->count && length_of(task, task->of[i].length) != length; i++)
        before += task->of[i].split.places.size;
    if (i == task->count)
        return clh_fail(err, CLH_NO, "the sequence has %zu tokens, want twice %zu to %zu%s", length,
                        task->of[0].length, task->of[task->count - 1].length,
                        task->bar ? " and the bar" : "");
    clh_status status = check_repeat(task, tokens, task->of[i].length, err);
    for (size_t t = 0; t < task->of[i].length && !status; t++)
        within = within * task->vocabulary + tokens[t];
    if (!status)
        *rank = before + within;
    return status;
}

static size_t half_of(const induction_task *task, size_t length)
{
    return (length - task->bar) / 2;
}

static const clh_token_row kinds[] = {{"first", "first half", NULL, false},
                                      {"bar", "bar", NULL, false},
                                      {"repeat", "repeated", "repeat_accuracy", false}};

static clh_token_kind induction_kind(const void *state, size_t length, size_t position)
{
    const induction_task *task = state;
    const size_t half = half_of(task, length);
    return position < half ? 1 : position < half + task->bar ? 2 : 3;
}

static void induction_label(const void *state, size_t length, size_t position, char out[48])
{
    const induction_task *task = state;
    const size_t half = half_of(task, length);
    if (position < half)
        (void)snprintf(out, 48, "first %zu", position + 1);
    else if (position < half + task->bar)
        (void)snprintf(out, 48, "bar");
    else
        (void)snprintf(out, 48, "repeat %zu", position - half - task->bar + 1);
}

/* As long as the held-out sequence, but only the last half of its tokens is repeated, so that the
 * distance to look back is another. */
static clh_status draw_nearer(const void *state, const clh_variant_row *row,
                              const clh_variant_ask *ask, clh_sequence *out, clh_error *err)
{
    const induction_task *task = state;
    (void)row, (void)err;
    induction_draw(state, CLH_SPLIT_TEST, ask->index, out);
    const size_t whole = half_of(task, out->length), m = (whole + 1) / 2, end = 2 * whole - m;
    memmove(out->tokens + end - whole, out->tokens, whole * sizeof *out->tokens);
    for (size_t i = 0; i < end - whole; i++)
        out->tokens[i] =
            (uint32_t)(((clh_random_word(ask->seed, CLH_STREAM_VARIANT, ask->index << 24 | i) >>
                         32) *
                        task->vocabulary) >>
                       32);
    finish(task, m, end, out);
    out->first_scored = out->length - m + !task->bar;
    return CLH_OK;
}

static clh_status draw_one_token(const void *state, const clh_variant_row *row,
                                 const clh_variant_ask *ask, clh_sequence *out, clh_error *err)
{
    const induction_task *task = state;
    (void)row, (void)err;
    induction_draw(state, CLH_SPLIT_TEST, ask->index, out);
    const size_t half = half_of(task, out->length);
    for (size_t i = 1; i < half; i++)
        out->tokens[i] = out->tokens[0];
    finish(task, half, half, out);
    return CLH_OK;
}

static clh_status has_nearer(const void *state, const clh_variant_row *row, clh_error *err)
{
    const size_t least = ((const induction_task *)state)->of[0].length;
    return least >= 4 ? CLH_OK
                      : clh_fail(err, CLH_ERANGE, "%s: a half has %zu tokens, want at least 4",
                                 row->name, least);
}

static const clh_variant_row variants[] = {
    {.name = "held out", .text = "tokens never trained on in this order"},
    {.name = "nearer",
     .text = "as long, but only the last half of the tokens is repeated: another distance back",
     .check = has_nearer,
     .draw = draw_nearer},
    {.name = "one token", .text = "all tokens are the first one", .draw = draw_one_token}};

const clh_task_ops clh_induction_ops = {
    .keys = keys,
    .key_count = CLH_COUNT(keys),
    .settings_size = sizeof(induction_settings),
    .open = induction_open,
    .close = clh_free,
    .draw = induction_draw,
    .unrank = induction_unrank,
    .rank = induction_rank,
    .split_of = induction_split_of,
    .kinds = kinds,
    .kind_count = CLH_COUNT(kinds),
    .kind = induction_kind,
    .label = induction_label,
    .variants = variants,
    .variant_count = CLH_COUNT(variants),
};
