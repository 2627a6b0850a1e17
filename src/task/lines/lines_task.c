/* The lines task: the user's own sequences. The domain is the lines by index; the last of them are the
 * test split. Either split is drawn in rounds, each in an order of its own, or in file order. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/system.h"
#include "task/lines/lines_data.h"
#include "task/rank_split.h"
#include "task/task_ops.h"

enum { ORDER_SEED, ORDER_FILE }; /* order */

#define RECORD(name_, kind_, help_)                                                                \
    {                                                                                              \
        .name = #name_, .kind = CLH_KEY_##kind_, CLH_SETTING(clh_lines_settings, name_),           \
        .automatic = "what is read", .help = help_, .record = true                                 \
    }

static const clh_key keys[] = {
    {.name = "data",
     .kind = CLH_KEY_TEXT,
     CLH_SETTING(clh_lines_settings, data),
     .fallback = "",
     .values = "FILE",
     .resets = "task n_ctx d_vocab d_vocab_out first_scored epoch_sequences test_sequences steps "
               "data_sha256 data_lines data_bytes data_text data_before",
     .content = "data_sha256",
     .kept = "data.jsonl",
     .help = "JSONL file of your own sequences, each line a text or an array of token ids"},
    RECORD(data_sha256, TEXT, "SHA-256 of the file's bytes, by which it is known"),
    RECORD(data_lines, SIZE, "how many lines it has"),
    RECORD(data_bytes, SIZE, "how many bytes it has"),
    RECORD(data_text, BOOL, "whether any line is a text, so that ids stand for symbols"),
    RECORD(data_before, TEXT,
           "what was trained on before it was changed on purpose, to which step"),
    {.name = "order",
     .kind = CLH_KEY_CHOICE,
     CLH_SETTING(clh_lines_settings, order),
     .fallback = "seed",
     .before = "file",
     .values = "seed|file",
     .help = "lines in an order from seed, another in each round, or as they stand in the file"},
};

typedef struct lines_task {
    clh_lines_data data;
    clh_lines lines;
    clh_error away; /* why there are none; CLH_OK: they are there */
    size_t first_scored;
    unsigned order;
    uint64_t seed;
    size_t train;   /* lines before this one are the train split */
    size_t *sorted; /* [count] line numbers by (length, tokens, number) */
} lines_task;

static size_t line_length(const clh_lines *lines, size_t index)
{
    assert(index < lines->count);
    return lines->start[index + 1] - lines->start[index];
}

/* Order of tokens [length] against line `index`: by length, then by tokens. */
static int compare_tokens(const uint32_t *tokens, size_t length, const clh_lines *lines,
                          size_t index)
{
    size_t other = line_length(lines, index);
    if (length != other)
        return length < other ? -1 : 1;
    return memcmp(tokens, lines->tokens + lines->start[index], length * sizeof *tokens);
}

static int compare_lines(const void *a, const void *b, void *context)
{
    const clh_lines *lines = context;
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    int order =
        compare_tokens(lines->tokens + lines->start[left], line_length(lines, left), lines, right);
    return order ? order : (left > right) - (left < right);
}

/* Sorts the lines, and refuses a held-out line that is also trained on. Equal lines stand together
 * in file order, so such a pair is neighbours with the split between them. */
static clh_status sort_lines(lines_task *task, const char *path, clh_error *err)
{
    const clh_lines *lines = &task->lines;
    task->sorted = clh_alloc_array(lines->count, sizeof *task->sorted, err);
    if (!task->sorted)
        return CLH_ENOMEM;
    for (size_t i = 0; i < lines->count; i++)
        task->sorted[i] = i;
    clh_system_sort(task->sorted, lines->count, sizeof *task->sorted, compare_lines, &task->lines);
    for (size_t i = 1; i < lines->count; i++) {
        size_t left = task->sorted[i - 1], right = task->sorted[i];
        if (left < task->train && right >= task->train &&
            compare_tokens(lines->tokens + lines->start[left], line_length(lines, left), lines,
                           right) == 0)
            return clh_fail(err, CLH_EINPUT,
                            "%s line %zu is held out for testing but is the same as line %zu, "
                            "which is trained on: want no line in both",
                            path, right + 1, left + 1);
    }
    return CLH_OK;
}

static void lines_close(void *state)
{
    lines_task *task = state;
    clh_lines_data_deinit(&task->data);
    clh_lines_deinit(&task->lines);
    clh_free(task->sorted);
    clh_free(task);
}

static clh_status fill(lines_task *task, const clh_lines_settings *set, const clh_task_given *given,
                       clh_error *err)
{
    clh_status status = clh_lines_data_read(&task->data, set, given, err);
    if (!status)
        status = clh_lines_read(&task->lines, &task->data.content, set->data, task->first_scored,
                                given->vocab, err);
    if (!status && given->vocab && task->lines.d_vocab > given->vocab->size)
        status = clh_fail(
            err, CLH_EINPUT,
            clh_vocab_is_ids(given->vocab)
                ? "%s has token ids up to %zu, the model takes less than %zu (d_vocab)"
                : "%s has token ids up to %zu, want less than %zu, the size of the vocabulary",
            set->data, task->lines.d_vocab - 1, given->vocab->size);
    if (status)
        return status;
    clh_lines_data_done(&task->data);
    if (given->test_sequences >= task->lines.count)
        return clh_fail(
            err, CLH_ERANGE,
            "test_sequences is %zu, but %s has %zu lines: want at least one to train on",
            given->test_sequences, set->data, task->lines.count);
    task->train = task->lines.count - given->test_sequences;
    return sort_lines(task, set->data, err);
}

/* Ids of a file without a text stand for nothing but themselves, unless it is said for what. */
static clh_vocab vocab_of(const clh_vocab *given, bool text, size_t d_vocab)
{
    if (given)
        return *given;
    clh_vocab vocab = text ? clh_vocab_letters() : clh_vocab_ids(d_vocab);
    vocab.size = d_vocab;
    return vocab;
}

/* The task of a run whose lines are not there, for what can be asked without them. */
static void be_away(lines_task *task, clh_task_facts *facts, const clh_lines_settings *set,
                    const clh_task_given *given)
{
    const clh_task_of_run *run = given->run;
    const size_t held_out = given->test_sequences;
    size_t count = *set->data_sha256 ? set->data_lines : run->epoch_sequences + held_out;
    count = count > held_out ? count : held_out + 1;
    task->train = count - held_out;
    *facts = (clh_task_facts){
        .vocab = vocab_of(given->vocab, set->data_text, run->d_vocab),
        .length_max = run->n_ctx,
        .domain_size = count,
        .split_size = {task->train, held_out},
        .first_scored = 1,
        .epoch_sequences = task->train,
        .away = &task->away,
    };
}

static clh_status lines_open(void **state, clh_task_facts *facts, const void *settings,
                             const clh_task_given *given, clh_error *err)
{
    const clh_lines_settings *set = settings;
    if (!set->data[0] && !set->data_sha256[0])
        return clh_fail(err, CLH_ECONFIG, "task lines has no data, want the path of a JSONL file");
    lines_task *task = clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return CLH_ENOMEM;
    task->first_scored = given->first_scored ? given->first_scored : 1;
    task->order = set->order;
    task->seed = given->seed;
    clh_status status = fill(task, set, given, &task->away);
    *state = task;
    if (status && status != CLH_ENOMEM && given->run && given->run->away) {
        be_away(task, facts, set, given);
        return CLH_OK;
    }
    if (status) {
        if (err)
            *err = task->away;
        lines_close(task);
        return status;
    }
    *facts = (clh_task_facts){
        .vocab = vocab_of(given->vocab, task->lines.text, task->lines.d_vocab),
        .length_max = task->lines.length_max,
        .domain_size = task->lines.count,
        .split_size = {task->train, given->test_sequences},
        .first_scored = 1,
        .epoch_sequences = task->train,
        .changed = *task->data.changed ? task->data.changed : NULL,
    };
    return CLH_OK;
}

static void lines_record(const void *state, void *settings, size_t step)
{
    const lines_task *task = state;
    clh_lines_settings *set = settings;
    if (task->away.status)
        return;
    clh_lines_data_record(&task->data, set, step);
    set->data_text = task->lines.text;
}

static bool lines_content(const void *state, const clh_key *key, const char **bytes, size_t *length)
{
    const lines_task *task = state;
    if (!task->data.kept || strcmp(key->name, "data") != 0)
        return false;
    *bytes = task->data.content.bytes;
    *length = task->data.content.length;
    return true;
}

static void lines_unrank(const void *state, uint64_t rank, clh_sequence *out)
{
    const lines_task *task = state;
    out->length = line_length(&task->lines, (size_t)rank);
    out->first_scored = task->first_scored;
    assert(out->capacity >= out->length);
    memcpy(out->tokens, task->lines.tokens + task->lines.start[rank],
           out->length * sizeof *out->tokens);
}

static void lines_draw(const void *state, clh_split split, uint64_t k, clh_sequence *out)
{
    const lines_task *task = state;
    const bool test = split == CLH_SPLIT_TEST;
    const uint64_t size = test ? task->lines.count - task->train : task->train;
    const uint64_t place =
        task->order == ORDER_FILE ? k % size : clh_round_place(task->seed, 0, split, size, k);
    lines_unrank(state, test ? task->train + place : place, out);
}

static clh_split lines_split_of(const void *state, uint64_t rank)
{
    const lines_task *task = state;
    return rank < task->train ? CLH_SPLIT_TRAIN : CLH_SPLIT_TEST;
}

/* Halves the sorted lines until the first that is not before the sequence is left. */
static clh_status lines_rank(const void *state, const uint32_t *tokens, size_t length,
                             uint64_t *rank, clh_error *err)
{
    const lines_task *task = state;
    size_t low = 0, high = task->lines.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_tokens(tokens, length, &task->lines, task->sorted[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == task->lines.count ||
        compare_tokens(tokens, length, &task->lines, task->sorted[low]) != 0)
        return clh_fail(err, CLH_NO, "none of the %zu lines is this sequence of %zu tokens",
                        task->lines.count, length);
    *rank = task->sorted[low];
    return CLH_OK;
}

const clh_task_ops clh_lines_ops = {
    .keys = keys,
    .key_count = CLH_COUNT(keys),
    .settings_size = sizeof(clh_lines_settings),
    .in_every_config = 1,
    .reads_file = true,
    .takes_vocab = true,
    .record = lines_record,
    .content = lines_content,
    .open = lines_open,
    .close = lines_close,
    .draw = lines_draw,
    .unrank = lines_unrank,
    .rank = lines_rank,
    .split_of = lines_split_of,
};
