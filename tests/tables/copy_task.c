/* A task that is not part of the library, as a new one would be written: a few digits, a bar, and the
 * digits again. "3 1 4 | 3 1 4" */
#include <assert.h>
#include <string.h>

#include "base/shuffle.h"
#include "task/task_ops.h"

enum { DIGITS = 10, BAR = DIGITS, SYMBOLS, LENGTH_MOST = 8 };

typedef struct copy_settings {
    size_t copy_length;
} copy_settings;

static const clh_key keys[] = {
    {.name = "copy_length",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(copy_settings, copy_length),
     .fallback = "3",
     .values = "[1, 8]",
     .resets = "n_ctx first_scored epoch_sequences test_sequences steps",
     .help = "how many digits are copied"},
};

/* What suits it, where nobody says otherwise. */
static const clh_task_setting defaults[] = {
    {"batch", "8"}, {"n_heads", "2"}, {"weight_decay", "0.5"}, {NULL, NULL}};

typedef struct copy_task {
    size_t length, first_scored;
    uint64_t test;      /* elements held out: those whose place in the shuffle is below it */
    clh_shuffle places; /* place -> rank */
} copy_task;

static clh_status copy_open(void **state, clh_task_facts *facts, const void *settings,
                            const clh_task_given *given, clh_error *err)
{
    const copy_settings *set = settings;
    if (given->first_scored && given->first_scored <= set->copy_length)
        return clh_fail(err, CLH_ERANGE, "first_scored is %zu, want at least %zu, behind the bar",
                        given->first_scored, set->copy_length + 1);
    copy_task *task = clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return CLH_ENOMEM;
    uint64_t size = 1;
    for (size_t i = 0; i < set->copy_length; i++)
        size *= DIGITS;
    task->length = set->copy_length;
    task->first_scored = given->first_scored ? given->first_scored : task->length + 1;
    task->test = size / 5;
    task->places = clh_shuffle_make(given->seed, 1000, size);
    *facts = (clh_task_facts){.vocab = {.numbers = DIGITS, .symbols = "|", .size = SYMBOLS},
                              .length_max = 2 * task->length + 1,
                              .domain_size = size,
                              .split_size = {size - task->test, task->test},
                              .d_vocab_out = DIGITS,
                              .first_scored = task->length + 1,
                              .defaults = defaults};
    *state = task;
    return CLH_OK;
}

static void copy_unrank(const void *state, uint64_t rank, clh_sequence *out)
{
    const copy_task *task = state;
    for (size_t i = task->length; i-- > 0; rank /= DIGITS)
        out->tokens[i] = out->tokens[task->length + 1 + i] = (uint32_t)(rank % DIGITS);
    out->tokens[task->length] = BAR;
    out->length = 2 * task->length + 1;
    out->first_scored = task->first_scored;
}

static void copy_draw(const void *state, clh_split split, uint64_t k, clh_sequence *out)
{
    const copy_task *task = state;
    const uint64_t train = task->places.size - task->test;
    const uint64_t place = split == CLH_SPLIT_TEST ? k % task->test : task->test + k % train;
    copy_unrank(state, clh_shuffle_at(&task->places, place), out);
}

static clh_status copy_rank(const void *state, const uint32_t *tokens, size_t length,
                            uint64_t *rank, clh_error *err)
{
    const copy_task *task = state;
    uint32_t whole[2 * LENGTH_MOST + 1];
    clh_sequence want = {.tokens = whole, .capacity = 2 * LENGTH_MOST + 1};
    *rank = 0;
    for (size_t i = 0; i < task->length && i < length; i++)
        *rank = *rank * DIGITS + tokens[i] % DIGITS;
    copy_unrank(state, *rank, &want);
    return want.length == length && memcmp(whole, tokens, length * sizeof *tokens) == 0
               ? CLH_OK
               : clh_fail(err, CLH_NO, "no copy of %zu digits", task->length);
}

static clh_split copy_split_of(const void *state, uint64_t rank)
{
    const copy_task *task = state;
    return clh_shuffle_index(&task->places, rank) < task->test ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN;
}

static const clh_token_row kinds[] = {{"digit", "digits", "digit_accuracy", false},
                                      {"bar", "bars", NULL, false}};

static clh_token_kind copy_kind(const void *state, size_t length, size_t position)
{
    (void)length;
    return position == ((const copy_task *)state)->length ? 2 : 1;
}

/* The same digit all over. */
static clh_status draw_same(const void *state, const clh_variant_row *row,
                            const clh_variant_ask *ask, clh_sequence *out, clh_error *err)
{
    (void)row, (void)err;
    copy_draw(state, CLH_SPLIT_TEST, ask->index, out);
    for (size_t i = 0; i < out->length; i++)
        out->tokens[i] = out->tokens[i] == BAR ? BAR : out->tokens[0];
    return CLH_OK;
}

static clh_status two_digits(const void *state, const clh_variant_row *row, clh_error *err)
{
    const copy_task *task = state;
    return task->length >= 2 ? CLH_OK
                             : clh_fail(err, CLH_ERANGE, "%s: %zu digits, want at least 2",
                                        row->name, task->length);
}

static const clh_variant_row variants[] = {
    {.name = "held out", .text = "digits never trained on"},
    {.name = "one digit", .text = "all the first", .check = two_digits, .draw = draw_same}};

const clh_task_ops clh_copy_ops = {
    .keys = keys,
    .key_count = CLH_COUNT(keys),
    .settings_size = sizeof(copy_settings),
    .open = copy_open,
    .close = clh_free,
    .draw = copy_draw,
    .unrank = copy_unrank,
    .rank = copy_rank,
    .split_of = copy_split_of,
    .kinds = kinds,
    .kind_count = CLH_COUNT(kinds),
    .kind = copy_kind,
    .variants = variants,
    .variant_count = CLH_COUNT(variants),
};
