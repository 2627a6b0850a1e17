#include "clearhead/task.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/strbuf.h"
#include "task/task_ops.h"

/* The registry: tasks.def declares every table of functions, and lists it under its name. */
#define CLH_TASK(name) extern const clh_task_ops clh_##name##_ops;
#include "task/tasks.def"
#undef CLH_TASK

typedef struct task_row {
    const char *name;
    const clh_task_ops *ops;
} task_row;

static const task_row tasks[] = {
#define CLH_TASK(name) {#name, &clh_##name##_ops},
#include "task/tasks.def"
#undef CLH_TASK
};

static clh_status fail_name(const char *name, clh_error *err)
{
    const char *names[CLH_COUNT(tasks)];
    clh_strbuf list = {0};
    for (size_t i = 0; i < CLH_COUNT(tasks); i++) {
        names[i] = tasks[i].name;
        clh_strbuf_addf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = clh_nearest_name(name, names, CLH_COUNT(names));
    clh_fail(err, CLH_ECONFIG, "task is \"%s\", want one of: %s%s%s%s", name,
             clh_strbuf_view(&list), nearest ? " (did you mean " : "", nearest ? nearest : "",
             nearest ? "?)" : "");
    clh_strbuf_deinit(&list);
    return CLH_ECONFIG;
}

clh_status clh_task_open(clh_task **out, const clh_task_config *config, clh_error *err)
{
    assert(out && config);
    const char *name = config->name ? config->name : tasks[0].name;
    const task_row *row = NULL;
    for (size_t i = 0; i < CLH_COUNT(tasks) && !row; i++)
        if (strcmp(tasks[i].name, name) == 0)
            row = &tasks[i];
    if (!row)
        return fail_name(name, err);
    clh_task *task = clh_alloc_zeroed(1, sizeof *task, err);
    if (!task)
        return CLH_ENOMEM;
    task->name = row->name;
    task->ops = row->ops;
    clh_status status = row->ops->open(&task->state, &task->facts, config, err);
    if (status) {
        clh_free(task);
        return status;
    }
    *out = task;
    return CLH_OK;
}

void clh_task_close(clh_task *task)
{
    if (!task)
        return;
    task->ops->close(task->state);
    clh_free(task);
}

const char *clh_task_name(const clh_task *task)
{
    return task->name;
}

size_t clh_task_d_vocab(const clh_task *task)
{
    return task->facts.vocab.size;
}

size_t clh_task_length_max(const clh_task *task)
{
    return task->facts.length_max;
}

uint64_t clh_task_split_size(const clh_task *task, clh_split split)
{
    assert(split == CLH_SPLIT_TRAIN || split == CLH_SPLIT_TEST);
    return task->facts.split_size[split];
}

uint64_t clh_task_domain_size(const clh_task *task)
{
    return task->facts.domain_size;
}

static clh_status check_room(const clh_task *task, const clh_sequence *out, clh_error *err)
{
    assert(out && out->tokens);
    if (out->capacity < task->facts.length_max)
        return clh_fail(err, CLH_ESHAPE, "the sequence has room for %zu tokens, want %zu",
                        out->capacity, task->facts.length_max);
    return CLH_OK;
}

static clh_status check_rank(const clh_task *task, uint64_t rank, clh_error *err)
{
    if (rank >= task->facts.domain_size)
        return clh_fail(err, CLH_ERANGE, "rank is %llu, want less than %llu, the domain's size",
                        (unsigned long long)rank, (unsigned long long)task->facts.domain_size);
    return CLH_OK;
}

clh_status clh_task_draw(const clh_task *task, clh_split split, uint64_t k, clh_sequence *out,
                         clh_error *err)
{
    assert(task && out);
    clh_status status = check_room(task, out, err);
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
    assert(task && out);
    clh_status status = check_room(task, out, err);
    if (!status)
        status = check_rank(task, rank, err);
    if (!status)
        task->ops->unrank(task->state, rank, out);
    return status;
}

clh_status clh_task_rank(const clh_task *task, const uint32_t *tokens, size_t length,
                         uint64_t *rank, clh_error *err)
{
    assert(rank && (tokens || length == 0));
    return task->ops->rank(task->state, tokens, length, rank, err);
}

clh_status clh_task_split_of(const clh_task *task, uint64_t rank, clh_split *split, clh_error *err)
{
    assert(split);
    clh_status status = check_rank(task, rank, err);
    if (!status)
        *split = task->ops->split_of(task->state, rank);
    return status;
}

clh_status clh_task_encode(const clh_task *task, const char *text, uint32_t *tokens,
                           size_t capacity, size_t *length, clh_error *err)
{
    return clh_vocab_encode(&task->facts.vocab, text, tokens, capacity, length, err);
}

clh_status clh_task_decode(const clh_task *task, const uint32_t *tokens, size_t length, char **text,
                           clh_error *err)
{
    return clh_vocab_decode(&task->facts.vocab, tokens, length, text, err);
}

void clh_task_symbol(const clh_task *task, uint32_t token, char out[16])
{
    clh_vocab_symbol(&task->facts.vocab, token, out);
}

clh_status clh_task_expand(const clh_task *task, const char *letters, clh_sequence *out,
                           clh_error *err)
{
    assert(letters && out && out->tokens);
    if (!task->ops->expand)
        return clh_fail(err, CLH_ESUPPORT, "task %s has no letters to expand, want permutations",
                        task->name);
    return task->ops->expand(task->state, letters, out, err);
}

void clh_task_label(const clh_task *task, size_t length, size_t position, char out[48])
{
    assert(position < length);
    task->ops->label(task->state, length, position, out);
}

clh_token_kind clh_task_kind(const clh_task *task, size_t length, size_t position)
{
    assert(position < length);
    return task->ops->kind ? task->ops->kind(task->state, length, position) : CLH_TOKEN_OTHER;
}

const clh_token_row *clh_task_kinds(const clh_task *task, size_t *count)
{
    assert(count);
    *count = task ? task->ops->kind_count : 0;
    assert(*count < CLH_TOKEN_KINDS);
    return task ? task->ops->kinds : NULL;
}

clh_token_kind clh_task_letter_kind(const clh_task *task)
{
    assert(!task->ops->letter == !task->ops->expand);
    return task->ops->letter;
}
