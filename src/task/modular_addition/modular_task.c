/* Arithmetic modulo p, as Nanda et al. 2023 ("Progress measures for grokking via mechanistic
 * interpretability") have it: "a b = c". Their models read a b = and are scored on the last position.
 * Here the answer c is the next token, so it stands in the sequence and is the one that is scored; a
 * causal model reads it at a position that nothing is asked of. The domain is all p^2 pairs. */
#include <assert.h>
#include <stdio.h>

#include "base/base.h"
#include "task/rank_split.h"
#include "task/task_ops.h"

enum { A = 0, B = 1, EQUALS = 2, C = 3, LENGTH = 4, TEST_MOST = 1000 };

typedef struct modular_settings {
    size_t p;
    unsigned operation;
    double train_fraction;
} modular_settings;

static const clh_key keys[] = {
    {.name = "p",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(modular_settings, p),
     .fallback = "113",
     .values = "[2, 10000]",
     .resets = "d_vocab d_vocab_out epoch_sequences test_sequences steps",
     .help = "the modulus: numbers are 0 to p - 1"},
    {.name = "operation",
     .kind = CLH_KEY_CHOICE,
     CLH_SETTING(modular_settings, operation),
     .fallback = "add",
     .values = "add|subtract|multiply",
     .help = "what c is of a and b, modulo p"},
    {.name = "train_fraction",
     .kind = CLH_KEY_REAL,
     CLH_SETTING(modular_settings, train_fraction),
     .fallback = "0.3",
     .values = "(0, 1)",
     .resets = "epoch_sequences test_sequences steps",
     .help = "share of all pairs that is trained on; the others are held out"},
};

enum operation { ADD, SUBTRACT, MULTIPLY };

static uint64_t add(uint64_t a, uint64_t b, uint64_t p)
{
    return (a + b) % p;
}

static uint64_t subtract(uint64_t a, uint64_t b, uint64_t p)
{
    return (a + p - b) % p;
}

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t p)
{
    return a * b % p;
}

/* The operations, in the order of the setting's values. */
static uint64_t (*const operations[])(uint64_t a, uint64_t b, uint64_t p) = {
    [ADD] = add, [SUBTRACT] = subtract, [MULTIPLY] = multiply};

enum { DEFAULTS = 10 };

typedef struct modular_task {
    uint64_t p;
    enum operation operation;
    clh_rank_split pairs;
    char batch[24]; /* all pairs that are trained on */
    clh_task_setting defaults[DEFAULTS];
} modular_task;

/* Nanda et al.'s model and training: one layer of four heads and 512 neurons without norms, the whole
 * training set a step, weight decay 1, the gradient not clipped. */
static void set_defaults(modular_task *task)
{
    const clh_task_setting wanted[] = {{"n_heads", "4"},       {"attn_only", "false"},
                                       {"act_fn", "relu"},     {"weight_decay", "1"},
                                       {"beta2", "0.98"},      {"normalization_type", "None"},
                                       {"max_grad_norm", "0"}, {"batch", task->batch},
                                       {"epochs", "10000"},    {NULL, NULL}};
    static_assert(CLH_COUNT(wanted) == DEFAULTS, "one place for each");
    (void)snprintf(task->batch, sizeof task->batch, "%llu",
                   (unsigned long long)clh_rank_split_size(&task->pairs, CLH_SPLIT_TRAIN));
    for (size_t i = 0; i < DEFAULTS; i++)
        task->defaults[i] = wanted[i];
}

static clh_status check(const modular_settings *set, const clh_task_given *given, uint64_t train,
                        clh_error *err)
{
    if (given->first_scored && given->first_scored != C)
        return clh_fail(err, CLH_ERANGE,
                        "first_scored is %zu, want %d: only the answer follows from what is read",
                        given->first_scored, C);
    if (train == 0)
        return clh_fail(err, CLH_ERANGE,
                        "train_fraction is %g, of %zu pairs that is none, want at least one",
                        set->train_fraction, set->p * set->p);
    return CLH_OK;
}

static clh_status modular_open(void **state, clh_task_facts *facts, const void *settings,
                               const clh_task_given *given, clh_error *err)
{
    const modular_settings *set = settings;
    const uint64_t size = (uint64_t)set->p * set->p;
    const uint64_t train = (uint64_t)(set->train_fraction * (double)size);
    clh_status status = check(set, given, train, err);
    modular_task *task = status ? NULL : clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return status ? status : CLH_ENOMEM;
    task->p = set->p;
    task->operation = (enum operation)set->operation;
    task->pairs = clh_rank_split_make(given->seed, 0, size, size - train);
    set_defaults(task);
    *facts = (clh_task_facts){
        .vocab = {.numbers = set->p, .symbols = "=", .size = set->p + 1},
        .length_max = LENGTH,
        .domain_size = size,
        .split_size = {train, size - train},
        .d_vocab_out = set->p,
        .first_scored = C,
        .epoch_sequences = (size_t)train == train ? (size_t)train : SIZE_MAX,
        .test_sequences = size - train < TEST_MOST ? (size_t)(size - train) : TEST_MOST,
        .defaults = task->defaults,
    };
    *state = task;
    return CLH_OK;
}

static void write_pair(const modular_task *task, uint64_t a, uint64_t b, clh_sequence *out)
{
    out->tokens[A] = (uint32_t)a;
    out->tokens[B] = (uint32_t)b;
    out->tokens[EQUALS] = (uint32_t)task->p;
    out->tokens[C] = (uint32_t)operations[task->operation](a, b, task->p);
    out->length = LENGTH;
    out->first_scored = C;
}

static void modular_unrank(const void *state, uint64_t rank, clh_sequence *out)
{
    const modular_task *task = state;
    write_pair(task, rank / task->p, rank % task->p, out);
}

static void modular_draw(const void *state, clh_split split, uint64_t k, clh_sequence *out)
{
    const modular_task *task = state;
    modular_unrank(state, clh_rank_split_draw(&task->pairs, split, k), out);
}

static clh_status modular_rank(const void *state, const uint32_t *tokens, size_t length,
                               uint64_t *rank, clh_error *err)
{
    const modular_task *task = state;
    uint32_t whole[LENGTH];
    clh_sequence want = {.tokens = whole, .capacity = LENGTH};
    if (length != LENGTH)
        return clh_fail(err, CLH_NO, "the sequence has %zu tokens, want %d: a b = c", length,
                        LENGTH);
    if (tokens[A] >= task->p || tokens[B] >= task->p)
        return clh_fail(err, CLH_NO, "the operands are %u and %u, want numbers below %llu",
                        tokens[A], tokens[B], (unsigned long long)task->p);
    write_pair(task, tokens[A], tokens[B], &want);
    for (size_t i = EQUALS; i < LENGTH; i++)
        if (tokens[i] != whole[i])
            return clh_fail(err, CLH_NO, "token %zu is %u, want %u after these operands", i + 1,
                            tokens[i], whole[i]);
    *rank = tokens[A] * task->p + tokens[B];
    return CLH_OK;
}

static clh_split modular_split_of(const void *state, uint64_t rank)
{
    return clh_rank_split_of(&((const modular_task *)state)->pairs, rank);
}

static void modular_label(const void *state, size_t length, size_t position, char out[48])
{
    static const char *const names[LENGTH] = {"a", "b", "equals", "answer"};
    (void)state, (void)length;
    if (position < LENGTH)
        (void)snprintf(out, 48, "%s", names[position]);
    else
        (void)snprintf(out, 48, "position %zu", position);
}

static const clh_token_row kinds[] = {{"operand", "operands", NULL, false},
                                      {"equals", "equals", NULL, false},
                                      {"answer", "answers", "answer_accuracy", false}};

static clh_token_kind modular_kind(const void *state, size_t length, size_t position)
{
    static const clh_token_kind of[LENGTH] = {1, 1, 2, 3};
    (void)state, (void)length;
    return position < LENGTH ? of[position] : CLH_TOKEN_OTHER;
}

static clh_status modular_sum(const void *state, clh_task_sum *out, clh_error *err)
{
    const modular_task *task = state;
    if (task->operation == MULTIPLY)
        return clh_fail(err, CLH_ESUPPORT, "the operation is multiply, want add or subtract");
    *out = (clh_task_sum){(size_t)task->p, A, B, C};
    return CLH_OK;
}

static clh_status draw_swapped(const void *state, const clh_variant_row *row,
                               const clh_variant_ask *ask, clh_sequence *out, clh_error *err)
{
    (void)row, (void)err;
    modular_draw(state, CLH_SPLIT_TEST, ask->index, out);
    write_pair(state, out->tokens[B], out->tokens[A], out);
    return CLH_OK;
}

static clh_status draw_equal(const void *state, const clh_variant_row *row,
                             const clh_variant_ask *ask, clh_sequence *out, clh_error *err)
{
    (void)row, (void)err;
    modular_draw(state, CLH_SPLIT_TEST, ask->index, out);
    write_pair(state, out->tokens[A], out->tokens[A], out);
    return CLH_OK;
}

static const clh_variant_row variants[] = {
    {.name = "held out", .text = "pairs never trained on"},
    {.name = "swapped",
     .text = "held-out pairs in the other order, which may have been trained on",
     .draw = draw_swapped},
    {.name = "equal operands",
     .text = "b is a, a pair that may have been trained on",
     .draw = draw_equal}};

const clh_task_ops clh_modular_addition_ops = {
    .keys = keys,
    .key_count = CLH_COUNT(keys),
    .settings_size = sizeof(modular_settings),
    .open = modular_open,
    .close = clh_free,
    .draw = modular_draw,
    .unrank = modular_unrank,
    .rank = modular_rank,
    .split_of = modular_split_of,
    .kinds = kinds,
    .kind_count = CLH_COUNT(kinds),
    .kind = modular_kind,
    .label = modular_label,
    .sum = modular_sum,
    .variants = variants,
    .variant_count = CLH_COUNT(variants),
};
