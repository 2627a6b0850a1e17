#include "clearhead/task.h"

#include <assert.h>
#include <stdio.h>

#include "base/base.h"
#include "base/utf8.h"
#include "task/task_ops.h"

clh_status clh_task_open_row(clh_task **out, const clh_task_row *row, const void *settings,
                             const clh_task_given *given, clh_error *err)
{
    assert(out && row && settings && given);
    clh_status status = clh_task_settings_check(row->ops, settings, err);
    clh_task *task = status ? NULL : clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return status ? status : CLH_ENOMEM;
    task->name = row->name;
    task->ops = row->ops;
    status = row->ops->open(&task->state, &task->facts, settings, given, err);
    if (status) {
        clh_free(task);
        return status;
    }
    assert(row->ops->unrank || task->facts.domain_size == 0);
    assert(task->facts.d_vocab_out <= task->facts.vocab.size);
    *out = task;
    return CLH_OK;
}

clh_status clh_task_open(clh_task **out, const clh_task_config *config, clh_error *err)
{
    CLH_REQUIRE(out && config, err, "a config, and room for the task");
    size_t count, row = 0;
    const clh_task_row *rows = clh_task_rows(&count);
    clh_task_settings settings;
    clh_status status = config->name ? clh_task_row_find(&row, config->name, err) : CLH_OK;
    if (!status)
        status = clh_task_settings_take(rows[row].ops, settings.bytes, config->settings, err);
    const clh_task_given given = {.seed = config->seed,
                                  .first_scored = config->first_scored,
                                  .test_sequences = config->test_sequences};
    return status ? status : clh_task_open_row(out, &rows[row], settings.bytes, &given, err);
}

void clh_task_close(clh_task *task)
{
    if (!task)
        return;
    task->ops->close(task->state);
    clh_vocab_close(task->vocab);
    clh_free(task);
}

const char *clh_task_name(const clh_task *task)
{
    return task ? task->name : NULL;
}

size_t clh_task_d_vocab(const clh_task *task)
{
    return task ? task->facts.vocab.size : 0;
}

size_t clh_task_d_vocab_out(const clh_task *task)
{
    if (!task)
        return 0;
    return task->facts.d_vocab_out ? task->facts.d_vocab_out : task->facts.vocab.size;
}

size_t clh_task_length_max(const clh_task *task)
{
    return task ? task->facts.length_max : 0;
}

/* Whether a split is one there is; else CLH_ERANGE. */
static clh_status check_split(clh_split split, clh_error *err)
{
    return clh_check_enum((unsigned)split, CLH_SPLIT_TEST + 1, "split", err);
}

size_t clh_task_mixture(const clh_task *task)
{
    return task && task->facts.mixture ? task->facts.mixture : 1;
}

uint64_t clh_task_split_size(const clh_task *task, clh_split split)
{
    return task && !check_split(split, NULL) ? task->facts.split_size[split] : 0;
}

uint64_t clh_task_domain_size(const clh_task *task)
{
    return task ? task->facts.domain_size : 0;
}

static const char a_sequence[] = "a task, and a sequence with room for its tokens";

static clh_status check_room(const clh_task *task, const clh_sequence *out, clh_error *err)
{
    if (out->capacity < task->facts.length_max)
        return clh_fail(err, CLH_ESHAPE, "the sequence has room for %zu tokens, want %zu",
                        out->capacity, task->facts.length_max);
    return CLH_OK;
}

static clh_status check_there(const clh_task *task, clh_error *err)
{
    const clh_error *away = task->facts.away;
    return away ? clh_fail(err, away->status, "%s", away->message) : CLH_OK;
}

static clh_status check_ranks(const clh_task *task, clh_error *err)
{
    return task->facts.domain_size
               ? CLH_OK
               : clh_fail(err, CLH_ESUPPORT,
                          "task %s has too many sequences to be counted, want those of a split",
                          task->name);
}

static clh_status check_rank(const clh_task *task, uint64_t rank, clh_error *err)
{
    clh_status status = check_ranks(task, err);
    if (status)
        return status;
    if (rank >= task->facts.domain_size)
        return clh_fail(err, CLH_ERANGE, "rank is %llu, want less than %llu, the domain's size",
                        (unsigned long long)rank, (unsigned long long)task->facts.domain_size);
    return CLH_OK;
}

clh_status clh_task_draw(const clh_task *task, clh_split split, uint64_t k, clh_sequence *out,
                         clh_error *err)
{
    CLH_REQUIRE(task && out && out->tokens, err, a_sequence);
    clh_status status = check_split(split, err);
    if (!status)
        status = check_room(task, out, err);
    if (!status)
        status = check_there(task, err);
    if (status)
        return status;
    if (clh_task_split_size(task, split) == 0)
        return clh_fail(err, CLH_ERANGE, "the %s split of task %s is empty, want a sequence of it",
                        split == CLH_SPLIT_TEST ? "test" : "train", task->name);
    task->ops->draw(task->state, split, k, out);
    return CLH_OK;
}

clh_status clh_task_unrank(const clh_task *task, uint64_t rank, clh_sequence *out, clh_error *err)
{
    CLH_REQUIRE(task && out && out->tokens, err, a_sequence);
    clh_status status = check_room(task, out, err);
    if (!status)
        status = check_rank(task, rank, err);
    if (!status)
        status = check_there(task, err);
    if (!status)
        task->ops->unrank(task->state, rank, out);
    return status;
}

clh_status clh_task_rank(const clh_task *task, const uint32_t *tokens, size_t length,
                         uint64_t *rank, clh_error *err)
{
    CLH_REQUIRE(task && rank && (tokens || length == 0), err,
                "a task, a sequence, and room for its rank");
    clh_status status = check_ranks(task, err);
    if (!status)
        status = check_there(task, err);
    return status ? status : task->ops->rank(task->state, tokens, length, rank, err);
}

clh_status clh_task_split_of(const clh_task *task, uint64_t rank, clh_split *split, clh_error *err)
{
    CLH_REQUIRE(task && split, err, "a task, and room for the split");
    clh_status status = check_rank(task, rank, err);
    if (!status)
        *split = task->ops->split_of(task->state, rank);
    return status;
}

clh_status clh_task_encode(const clh_task *task, const char *text, uint32_t *tokens,
                           size_t capacity, size_t *length, clh_error *err)
{
    CLH_REQUIRE(task && text && length && (tokens || capacity == 0), err,
                "a task, a text, and room for its tokens and their number");
    return clh_vocab_encode(&task->facts.vocab, text, tokens, capacity, length, err);
}

clh_status clh_task_decode(const clh_task *task, const uint32_t *tokens, size_t length, char **text,
                           clh_error *err)
{
    CLH_REQUIRE(task && text && (tokens || length == 0), err,
                "a task, tokens, and room for their text");
    return clh_vocab_decode(&task->facts.vocab, tokens, length, text, err);
}

void clh_task_symbol(const clh_task *task, uint32_t token, char out[16])
{
    if (!out)
        return;
    out[0] = '\0';
    char symbol[CLH_SYMBOL_MAX];
    if (task)
        (void)snprintf(out, 16, "%.15s", clh_vocab_symbol(&task->facts.vocab, token, symbol));
    const char *cut = clh_utf8_wrong(out); /* inside a character */
    if (cut)
        out[cut - out] = '\0';
}

const clh_vocab *clh_task_vocab(const clh_task *task)
{
    return task ? &task->facts.vocab : NULL;
}

clh_status clh_task_expand(const clh_task *task, const char *letters, clh_sequence *out,
                           clh_error *err)
{
    CLH_REQUIRE(task && letters && out && out->tokens, err,
                "a task, letters, and a sequence with room for its tokens");
    if (!task->ops->expand)
        return clh_fail(err, CLH_ESUPPORT, "task %s has no letters to expand, want a task that has",
                        task->name);
    return task->ops->expand(task->state, letters, out, err);
}

clh_status clh_task_example(const clh_task *task, clh_sequence *out, clh_error *err)
{
    CLH_REQUIRE(task && out && out->tokens, err, a_sequence);
    clh_status status = check_room(task, out, err);
    if (status)
        return status;
    if (!task->ops->example)
        return clh_fail(err, CLH_ESUPPORT, "task %s has no sequence that stands for all",
                        task->name);
    task->ops->example(task->state, out);
    return CLH_OK;
}

void clh_task_label(const clh_task *task, size_t length, size_t position, char out[48])
{
    if (!out)
        return;
    out[0] = '\0';
    if (task && position < length && task->ops->label)
        task->ops->label(task->state, length, position, out);
    else if (task && position < length)
        (void)snprintf(out, 48, "position %zu", position);
}

clh_token_kind clh_task_kind(const clh_task *task, size_t length, size_t position)
{
    if (!task || position >= length)
        return CLH_TOKEN_OTHER;
    return task->ops->kind ? task->ops->kind(task->state, length, position) : CLH_TOKEN_OTHER;
}

const clh_token_row *clh_task_kinds(const clh_task *task, size_t *count)
{
    assert(!task || task->ops->kind_count < CLH_TOKEN_KINDS);
    if (count)
        *count = task ? task->ops->kind_count : 0;
    return task ? task->ops->kinds : NULL;
}

clh_token_kind clh_task_letter_kind(const clh_task *task)
{
    assert(!task || !task->ops->letter == !task->ops->expand);
    return task ? task->ops->letter : CLH_TOKEN_OTHER;
}

clh_status clh_task_get_sum(const clh_task *task, clh_task_sum *out, clh_error *err)
{
    assert(task && out);
    return task->ops->sum
               ? task->ops->sum(task->state, out, err)
               : clh_fail(err, CLH_ESUPPORT, "the task is %s, want sums or differences modulo p",
                          task->name);
}
