/* The permutation task behind the task interface: a mixture of letter domains, written as text.
 *
 * Of a mixture every n comes once in each n_count draws, in shuffled order, and visits its own
 * split: draws number k with k / n_count = b are the b-th draw of each n. So each n is as likely as
 * another at any k, no element of an n repeats before all of that n have been seen, and the k-th
 * draw is still a function of (seed, k) alone. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/permutations.h"
#include "task/permutations/permutation_task.h"
#include "task/permutations/permutation_text.h"

enum { LENGTH_MAX = 5042 };

typedef struct permutation_settings {
    unsigned n[CLH_TASK_N_MAX]; /* ascending */
    size_t n_count;
    clh_letters letters;
    size_t letters_unseen;
} permutation_settings;

static const clh_key keys[] = {
    {.name = "n",
     .kind = CLH_KEY_LIST,
     CLH_SETTING(permutation_settings, n),
     .count_offset = offsetof(permutation_settings, n_count),
     .fallback = "4",
     .values = "[1, 6]",
     .resets = "n_ctx first_scored epoch_sequences test_sequences steps",
     .help = "number of letters; several (2,3,4) make a mixture"},
    {.name = "letters",
     .kind = CLH_KEY_CHOICE,
     CLH_SETTING(permutation_settings, letters),
     .fallback = "sorted",
     .values = "sorted|ordered|tuples",
     .help = "letters drawn: sorted combinations (the notebook), any order, or with repeats"},
    {.name = "letters_unseen",
     .kind = CLH_KEY_SIZE,
     CLH_SETTING(permutation_settings, letters_unseen),
     .fallback = "0",
     .values = "[0, 50]",
     .help = "how many letters, the last of the vocabulary, no sequence has (10: the digits)"},
};

size_t clh_permutations_length(const permutations *task, unsigned n)
{
    return n == task->domain[task->count - 1].n ? task->length : clh_permutation_length(n);
}

/* Of the largest n as much as the model reads into *length. At least one token is predicted, and sequences
 * of two n are never of one length. */
static clh_status cut(size_t *length, const permutation_settings *set, size_t n_ctx, clh_error *err)
{
    const unsigned n = set->n[set->n_count - 1];
    const size_t shorter = set->n_count > 1 ? clh_permutation_length(set->n[set->n_count - 2]) : 0;
    const size_t least = shorter > n + 2 ? shorter + 1 : n + 3;
    *length = clh_permutation_length(n);
    if (n_ctx == 0 || n_ctx >= *length)
        return CLH_OK;
    if (n_ctx < least)
        return clh_fail(err, CLH_ERANGE,
                        shorter
                            ? "n_ctx is %zu, want at least %zu: a sequence of n = %u, of which the "
                              "model may read a beginning, is longer than all others"
                            : "n_ctx is %zu, want at least %zu, so that of n = %u something is "
                              "predicted after the first term",
                        n_ctx, least, n);
    *length = n_ctx;
    return CLH_OK;
}

static clh_status check_first_scored(size_t first_scored, unsigned n_least, size_t shortest,
                                     clh_error *err)
{
    return first_scored < shortest
               ? CLH_OK
               : clh_fail(err, CLH_ERANGE,
                          "first_scored is %zu, but a sequence of n = %u has %zu tokens: want 1 to "
                          "%zu, or 0 for n + 2",
                          first_scored, n_least, shortest, shortest - 1);
}

/* Sizes, and the sequences of a run as the notebook has them: torch's random_split(lengths=[.2, .8])
 * of a data set as long as the longest sequence (floor of each, the remainder to the first). */
static void fill_facts(clh_task_facts *facts, const permutations *task)
{
    const clh_letter_domain *longest = &task->domain[task->count - 1];
    const size_t length = clh_permutation_length(longest->n), train = length * 4 / 5;
    *facts = (clh_task_facts){.vocab = clh_vocab_letters(),
                              .length_max = task->length,
                              .mixture = task->count,
                              .first_scored = task->count == 1 ? longest->n + 2 : 0,
                              .scores_itself = true,
                              .epoch_sequences = train,
                              .test_sequences = length - train};
    for (size_t i = 0; i < task->count; i++) {
        facts->domain_size += task->domain[i].size;
        facts->split_size[CLH_SPLIT_TRAIN] += task->domain[i].split_size[CLH_SPLIT_TRAIN];
        facts->split_size[CLH_SPLIT_TEST] += task->domain[i].split_size[CLH_SPLIT_TEST];
    }
}

static clh_status permutations_open(void **state, clh_task_facts *facts, const void *settings,
                                    const clh_task_given *given, clh_error *err)
{
    const permutation_settings *set = settings;
    size_t length = 0;
    clh_status status = cut(&length, set, given->n_ctx, err);
    if (!status)
        status =
            check_first_scored(given->first_scored, set->n[0],
                               set->n_count == 1 ? length : clh_permutation_length(set->n[0]), err);
    permutations *task = status ? NULL : clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return status ? status : CLH_ENOMEM;
    task->seed = given->seed;
    task->first_scored = given->first_scored;
    task->unseen = set->letters_unseen;
    task->length = length;
    task->count = set->n_count;
    for (size_t i = 0; i < set->n_count; i++)
        task->domain[i] = clh_letter_domain_make(
            set->letters, set->n[i], (unsigned)(CLH_VOCAB_LETTERS - set->letters_unseen),
            given->seed);
    fill_facts(facts, task);
    *state = task;
    return CLH_OK;
}

void clh_permutations_write(const permutations *task, const uint8_t *letters, unsigned n,
                            clh_sequence *out)
{
    uint32_t tokens[CLH_TASK_N_MAX];
    for (unsigned i = 0; i < n; i++)
        tokens[i] = CLH_VOCAB_LETTER + (uint32_t)letters[i];
    out->length = clh_permutations_length(task, n);
    out->first_scored = task->first_scored ? task->first_scored : n + 2;
    assert(out->capacity >= out->length);
    clh_permutation_write(tokens, n, out->length, out->tokens);
}

void clh_permutations_draw(const permutations *task, clh_split split, uint64_t k, clh_sequence *out)
{
    uint64_t block = k / task->count;
    uint64_t stream = clh_letter_round_stream(CLH_STREAM_MIX, split, 0, block);
    clh_shuffle mix = clh_shuffle_make(task->seed, stream, task->count);
    const clh_letter_domain *domain = &task->domain[clh_shuffle_at(&mix, k % task->count)];
    uint8_t letters[CLH_TASK_N_MAX];
    clh_letter_domain_draw(domain, split, block, letters);
    clh_permutations_write(task, letters, domain->n, out);
}

static void permutations_draw(const void *state, clh_split split, uint64_t k, clh_sequence *out)
{
    clh_permutations_draw(state, split, k, out);
}

/* The domain that a rank of the mixture falls in; *rank becomes the rank within it. */
static const clh_letter_domain *domain_at(const permutations *task, uint64_t *rank)
{
    const clh_letter_domain *domain = task->domain;
    for (; *rank >= domain->size; domain++) {
        assert(domain + 1 < task->domain + task->count);
        *rank -= domain->size;
    }
    return domain;
}

static void permutations_unrank(const void *state, uint64_t rank, clh_sequence *out)
{
    const permutations *task = state;
    const clh_letter_domain *domain = domain_at(task, &rank);
    uint8_t letters[CLH_TASK_N_MAX];
    clh_letter_domain_unrank(domain, rank, letters);
    clh_permutations_write(task, letters, domain->n, out);
}

static clh_split permutations_split_of(const void *state, uint64_t rank)
{
    const clh_letter_domain *domain = domain_at(state, &rank);
    uint8_t letters[CLH_TASK_N_MAX];
    clh_letter_domain_unrank(domain, rank, letters);
    return clh_letter_domain_split_of(domain, letters);
}

/* The letters of the first term, and that the rest is what they ask for; NO says where not. */
static clh_status read_sequence(const uint32_t *tokens, unsigned n, size_t length, uint8_t *letters,
                                clh_error *err)
{
    uint32_t expected[LENGTH_MAX];
    assert(length <= LENGTH_MAX);
    for (unsigned i = 0; i < n; i++) {
        uint32_t token = tokens[2 + i];
        if (token < CLH_VOCAB_LETTER || token >= CLH_VOCAB_SIZE)
            return clh_fail(err, CLH_NO, "token %u is %u, want a letter, %d to %d", i + 3, token,
                            CLH_VOCAB_LETTER, CLH_VOCAB_SIZE - 1);
        letters[i] = (uint8_t)(token - CLH_VOCAB_LETTER);
    }
    clh_permutation_write(tokens + 2, n, length, expected);
    for (size_t i = 0; i < length; i++)
        if (tokens[i] != expected[i])
            return clh_fail(err, CLH_NO, "token %zu is %u, want %u after these letters", i + 1,
                            tokens[i], expected[i]);
    return CLH_OK;
}

static clh_status permutations_rank(const void *state, const uint32_t *tokens, size_t length,
                                    uint64_t *rank, clh_error *err)
{
    const permutations *task = state;
    uint64_t before = 0;
    size_t i = 0;
    for (; i < task->count && clh_permutations_length(task, task->domain[i].n) != length; i++)
        before += task->domain[i].size;
    if (i == task->count)
        return clh_fail(err, CLH_NO, "the sequence has %zu tokens, want %zu%s", length,
                        clh_permutations_length(task, task->domain[0].n),
                        task->count > 1 ? " or that of another n of the mixture" : "");
    uint8_t letters[CLH_TASK_N_MAX];
    clh_status status = read_sequence(tokens, task->domain[i].n, length, letters, err);
    if (status)
        return status;
    const char *objection = clh_letter_domain_objection(&task->domain[i], letters);
    if (objection)
        return clh_fail(err, CLH_NO, "%s, which the domain of %s letters does not have", objection,
                        task->domain[i].letters == CLH_LETTERS_SORTED ? "sorted" : "ordered");
    *rank = before + clh_letter_domain_rank(&task->domain[i], letters);
    return CLH_OK;
}

static clh_status permutations_expand(const void *state, const char *letters, clh_sequence *out,
                                      clh_error *err)
{
    clh_vocab vocab = clh_vocab_letters();
    uint8_t chosen[CLH_TASK_N_MAX];
    size_t n = strlen(letters);
    for (size_t i = 0; i < n; i++) {
        uint32_t token;
        if (!clh_vocab_find_byte(&vocab, letters[i], &token) || token < CLH_VOCAB_LETTER) {
            char quoted[16];
            return clh_fail(err, CLH_EINPUT, "letter %zu of \"%s\" is %s, want a-z, A-Z or 0-9",
                            i + 1, letters, clh_vocab_quote(letters + i, quoted));
        }
        if (i < CLH_TASK_N_MAX)
            chosen[i] = (uint8_t)(token - CLH_VOCAB_LETTER);
    }
    if (n < 1 || n > CLH_TASK_N_MAX)
        return clh_fail(err, CLH_EINPUT, "\"%s\" has %zu letters, want 1 to %d", letters, n,
                        CLH_TASK_N_MAX);
    size_t length = clh_permutations_length(state, (unsigned)n);
    if (out->capacity < length)
        return clh_fail(err, CLH_ESHAPE, "%zu letters make %zu tokens, want at most %zu", n, length,
                        out->capacity);
    clh_permutations_write(state, chosen, (unsigned)n, out);
    return CLH_OK;
}

unsigned clh_permutations_n(const permutations *task, size_t length)
{
    unsigned longer = 0;
    for (size_t i = task->count; i-- > 0;) {
        size_t own = clh_permutations_length(task, task->domain[i].n);
        if (own == length)
            return task->domain[i].n;
        if (own > length)
            longer = task->domain[i].n;
    }
    for (unsigned n = 1; n <= CLH_TASK_N_MAX && !longer; n++)
        if (clh_permutation_length(n) == length)
            return n;
    return longer;
}

static void permutations_label(const void *state, size_t length, size_t position, char out[48])
{
    unsigned n = clh_permutations_n(state, length);
    if (n)
        clh_permutation_label(n, position, out);
    else
        (void)snprintf(out, 48, "position %zu", position);
}

static clh_token_kind permutations_kind(const void *state, size_t length, size_t position)
{
    unsigned n = clh_permutations_n(state, length);
    return n ? clh_permutation_kind(n, position) : CLH_TOKEN_OTHER;
}

/* The first letters there are. */
static void permutations_example(const void *state, clh_sequence *out)
{
    static const uint8_t letters[CLH_TASK_N_MAX] = {0, 1, 2, 3, 4, 5};
    const permutations *task = state;
    clh_permutations_write(task, letters, task->domain[task->count - 1].n, out);
}

/* A model made for n has exactly n_ctx = (n + 1)! + 2. */
static bool permutations_fit(void *settings, size_t n_ctx, size_t d_vocab, size_t d_vocab_out)
{
    permutation_settings *set = settings;
    unsigned n = 0;
    while (n < CLH_TASK_N_MAX && clh_permutation_length(n + 1) <= n_ctx)
        n++;
    if (n == 0 || d_vocab < CLH_VOCAB_SIZE || d_vocab_out < CLH_VOCAB_SIZE)
        return false;
    set->n[0] = n;
    set->n_count = 1;
    return true;
}

static clh_status permutations_narrow(void *settings, size_t n, clh_error *err)
{
    permutation_settings *set = settings;
    char there[4 * CLH_TASK_N_MAX] = "";
    for (size_t i = 0, used = 0; i < set->n_count; i++) {
        if (set->n[i] == n) {
            set->n[0] = (unsigned)n;
            set->n_count = 1;
            return CLH_OK;
        }
        used += (size_t)snprintf(there + used, sizeof there - used, i ? ", %u" : "%u", set->n[i]);
    }
    return clh_fail(err, CLH_EUSAGE, "ask_n is %zu, but the run was trained on n = %s", n, there);
}

static void permutations_run_name(const void *settings, uint64_t seed, char out[48])
{
    const permutation_settings *set = settings;
    const bool one = set->letters == CLH_LETTERS_SORTED && set->n_count == 1;
    if (one && set->n[0] == 4 && seed == 0)
        (void)snprintf(out, 48, "notebook");
    else
        (void)snprintf(out, 48, "n%u-seed%llu", set->n[set->n_count - 1], (unsigned long long)seed);
}

static const clh_token_row kinds[] = {
    [CLH_TOKEN_START - 1] = {"start", "start", NULL, false},
    [CLH_TOKEN_LETTER - 1] = {"letter", "letters", "letter_accuracy", false},
    [CLH_TOKEN_SPACE - 1] = {"space", "spaces", "space_accuracy", false},
    [CLH_TOKEN_PERIOD - 1] = {"period", "period", "period_accuracy", true},
};

const clh_task_ops clh_permutations_ops = {
    .keys = keys,
    .key_count = CLH_COUNT(keys),
    .settings_size = sizeof(permutation_settings),
    .in_every_config = CLH_COUNT(keys),
    .open = permutations_open,
    .close = clh_free,
    .draw = permutations_draw,
    .unrank = permutations_unrank,
    .rank = permutations_rank,
    .split_of = permutations_split_of,
    .expand = permutations_expand,
    .label = permutations_label,
    .variants = clh_permutation_variants,
    .variant_count = CLH_PERMUTATION_VARIANTS,
    .kinds = kinds,
    .kind_count = CLH_COUNT(kinds),
    .letter = CLH_TOKEN_LETTER,
    .example = permutations_example,
    .fit = permutations_fit,
    .narrow = permutations_narrow,
    .run_name = permutations_run_name,
    .kind = permutations_kind,
};
