/* A list of numbers, a bar, and the list sorted: "11 2 5 | 2 5 11", as the sorted list of ARENA's
 * monthly algorithmic problems (October 2023). The sorted half is what is scored. Which set of
 * different numbers a list has decides its side of the split, so no set that is held out was ever
 * trained on, in whatever order and however repeated. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/random.h"
#include "task/letter_domain.h"
#include "task/task_ops.h"

enum { SPARE = 5 /* values beyond the length: of any set size then a fifth can be held out */ };

typedef struct sorting_settings {
    size_t length, values;
    bool repeats;
} sorting_settings;

static const clh_key keys[] = {
    {.name = "sort_length",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(sorting_settings, length),
     .fallback = "10",
     .values = "[2, 10]",
     .resets = "n_ctx first_scored epoch_sequences test_sequences steps",
     .help = "numbers in a list"},
    {.name = "sort_values",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(sorting_settings, values),
     .fallback = "51",
     .values = "[7, 62]",
     .resets = "d_vocab d_vocab_out epoch_sequences test_sequences steps",
     .help = "numbers are 0 to this - 1; at least sort_length + 5"},
    {.name = "sort_repeats",
     .kind = CLH_KEY_BOOL,
     CLH_SETTING(sorting_settings, repeats),
     .fallback = "true",
     .help = "a number may stand in a list more than once"},
};

/* ARENA's model: attention only, two heads of 48. */
static const clh_task_setting defaults[] = {{"n_heads", "2"},  {"d_model", "96"},
                                            {"batch", "64"},   {"schedule", "cosine"},
                                            {"epochs", "400"}, {NULL, NULL}};

typedef struct sorting_task {
    size_t length;
    uint32_t bar;
    size_t first_scored;
    clh_letter_domain lists;
} sorting_task;

static clh_status check(const sorting_settings *set, const clh_task_given *given, clh_error *err)
{
    if (set->values < set->length + SPARE)
        return clh_fail(err, CLH_ERANGE,
                        "sort_values is %zu, want at least %zu for lists of %zu numbers, so that "
                        "sets can be held out",
                        set->values, set->length + SPARE, set->length);
    if (given->first_scored &&
        (given->first_scored <= set->length || given->first_scored > 2 * set->length))
        return clh_fail(err, CLH_ERANGE, "first_scored is %zu, want %zu to %zu, behind the bar",
                        given->first_scored, set->length + 1, 2 * set->length);
    return CLH_OK;
}

static clh_status sorting_open(void **state, clh_task_facts *facts, const void *settings,
                               const clh_task_given *given, clh_error *err)
{
    const sorting_settings *set = settings;
    clh_status status = check(set, given, err);
    sorting_task *task = status ? NULL : clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return status ? status : CLH_ENOMEM;
    task->length = set->length;
    task->bar = (uint32_t)set->values;
    task->first_scored = given->first_scored ? given->first_scored : set->length + 1;
    task->lists = clh_letter_domain_make(set->repeats ? CLH_LETTERS_TUPLES : CLH_LETTERS_ORDERED,
                                         (unsigned)set->length, (unsigned)set->values, given->seed);
    *facts = (clh_task_facts){
        .vocab = {.numbers = set->values, .symbols = "|", .size = set->values + 1},
        .length_max = 2 * set->length + 1,
        .domain_size = task->lists.size,
        .split_size = {task->lists.split_size[CLH_SPLIT_TRAIN],
                       task->lists.split_size[CLH_SPLIT_TEST]},
        .d_vocab_out = set->values,
        .first_scored = set->length + 1,
        .defaults = defaults,
    };
    *state = task;
    return CLH_OK;
}

static int compare_values(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* The rest of the sequence, after the list in out->tokens. */
static void finish(const sorting_task *task, clh_sequence *out)
{
    uint32_t *sorted = out->tokens + task->length + 1;
    out->length = 2 * task->length + 1;
    out->first_scored = task->first_scored;
    assert(out->capacity >= out->length);
    out->tokens[task->length] = task->bar;
    for (size_t i = 0; i < task->length; i++)
        sorted[i] = out->tokens[i];
    qsort(sorted, task->length, sizeof *sorted, compare_values);
}

static void write_list(const sorting_task *task, const uint8_t *values, clh_sequence *out)
{
    for (size_t i = 0; i < task->length; i++)
        out->tokens[i] = values[i];
    finish(task, out);
}

static void sorting_draw(const void *state, clh_split split, uint64_t k, clh_sequence *out)
{
    const sorting_task *task = state;
    uint8_t values[CLH_LETTERS_MOST];
    clh_letter_domain_draw(&task->lists, split, k, values);
    write_list(task, values, out);
}

static void sorting_unrank(const void *state, uint64_t rank, clh_sequence *out)
{
    const sorting_task *task = state;
    uint8_t values[CLH_LETTERS_MOST];
    clh_letter_domain_unrank(&task->lists, rank, values);
    write_list(task, values, out);
}

static clh_status sorting_rank(const void *state, const uint32_t *tokens, size_t length,
                               uint64_t *rank, clh_error *err)
{
    const sorting_task *task = state;
    uint8_t values[CLH_LETTERS_MOST];
    uint32_t whole[2 * CLH_LETTERS_MOST + 1];
    clh_sequence want = {.tokens = whole, .capacity = CLH_COUNT(whole)};
    if (length != 2 * task->length + 1)
        return clh_fail(err, CLH_NO, "the sequence has %zu tokens, want %zu", length,
                        2 * task->length + 1);
    for (size_t i = 0; i < task->length; i++) {
        if (tokens[i] >= task->bar)
            return clh_fail(err, CLH_NO, "token %zu is %u, want a number below %u", i + 1,
                            tokens[i], task->bar);
        values[i] = (uint8_t)tokens[i];
    }
    const char *objection = clh_letter_domain_objection(&task->lists, values);
    if (objection)
        return clh_fail(err, CLH_NO, "a number is repeated, which sort_repeats does not allow");
    write_list(task, values, &want);
    for (size_t i = task->length; i < length; i++)
        if (tokens[i] != whole[i])
            return clh_fail(err, CLH_NO, "token %zu is %u, want %u after this list", i + 1,
                            tokens[i], whole[i]);
    *rank = clh_letter_domain_rank(&task->lists, values);
    return CLH_OK;
}

static clh_split sorting_split_of(const void *state, uint64_t rank)
{
    const sorting_task *task = state;
    uint8_t values[CLH_LETTERS_MOST];
    clh_letter_domain_unrank(&task->lists, rank, values);
    return clh_letter_domain_split_of(&task->lists, values);
}

static const clh_token_row kinds[] = {{"unsorted", "unsorted", NULL, false},
                                      {"bar", "bar", NULL, false},
                                      {"sorted", "sorted", "sorted_accuracy", false}};

static clh_token_kind sorting_kind(const void *state, size_t length, size_t position)
{
    const sorting_task *task = state;
    (void)length;
    return position < task->length ? 1 : position == task->length ? 2 : 3;
}

static void sorting_label(const void *state, size_t length, size_t position, char out[48])
{
    const sorting_task *task = state;
    (void)length;
    if (position == task->length)
        (void)snprintf(out, 48, "bar");
    else if (position < task->length)
        (void)snprintf(out, 48, "unsorted %zu", position + 1);
    else
        (void)snprintf(out, 48, "sorted %zu", position - task->length);
}

/* What a row does to a held-out list, before it is sorted. */
static void ascending(uint32_t *list, size_t length, uint64_t word)
{
    (void)word;
    qsort(list, length, sizeof *list, compare_values);
}

static void descending(uint32_t *list, size_t length, uint64_t word)
{
    ascending(list, length, word);
    for (size_t i = 0, j = length - 1; i < j; i++, j--) {
        const uint32_t held = list[i];
        list[i] = list[j];
        list[j] = held;
    }
}

static void one_pair(uint32_t *list, size_t length, uint64_t word)
{
    const size_t from = word % length, to = (from + 1 + (word >> 32) % (length - 1)) % length;
    list[to] = list[from];
}

static void all_the_same(uint32_t *list, size_t length, uint64_t word)
{
    (void)word;
    for (size_t i = 1; i < length; i++)
        list[i] = list[0];
}

typedef struct rule {
    void (*apply)(uint32_t *list, size_t length, uint64_t word);
} rule;

static clh_status vary(const void *state, const clh_variant_row *row, const clh_variant_ask *ask,
                       clh_sequence *out, clh_error *err)
{
    const sorting_task *task = state;
    (void)err;
    sorting_draw(state, CLH_SPLIT_TEST, ask->index, out);
    ((const rule *)row->how)
        ->apply(out->tokens, task->length,
                clh_random_word(ask->seed, CLH_STREAM_VARIANT, ask->index));
    finish(task, out);
    return CLH_OK;
}

#define ROW(name_, text_, apply_)                                                                  \
    {                                                                                              \
        .name = name_, .text = text_, .draw = vary, .how = &(const rule)                           \
        {                                                                                          \
            apply_                                                                                 \
        }                                                                                          \
    }
static const clh_variant_row variants[] = {
    {.name = "held out", .text = "lists of sets of numbers never trained on"},
    ROW("sorted", "the list is in order already", ascending),
    ROW("descending", "the list is in reverse order", descending),
    ROW("one pair", "a number of the list stands for another too, which may be a set trained on",
        one_pair),
    ROW("all the same", "every number is the first, which may be a set trained on", all_the_same)};

const clh_task_ops clh_sorting_ops = {
    .keys = keys,
    .key_count = CLH_COUNT(keys),
    .settings_size = sizeof(sorting_settings),
    .open = sorting_open,
    .close = clh_free,
    .draw = sorting_draw,
    .unrank = sorting_unrank,
    .rank = sorting_rank,
    .split_of = sorting_split_of,
    .kinds = kinds,
    .kind_count = CLH_COUNT(kinds),
    .kind = sorting_kind,
    .label = sorting_label,
    .variants = variants,
    .variant_count = CLH_COUNT(variants),
};
