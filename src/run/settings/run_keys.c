#include "run/settings/run_keys.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/platform/thread.h"
#include "run/settings/run_vocab.h"
#include "task/task_ops.h"

static const clh_key own[] = {
#define RUN(section_, name_, kind_, field_, fallback_, values_, automatic_, resets_, help_)        \
    {.section = section_,                                                                          \
     .name = #name_,                                                                               \
     .kind = CLH_KEY_##kind_,                                                                      \
     .offset = offsetof(clh_run_config, field_),                                                   \
     .size = sizeof(((clh_run_config *)0)->field_),                                                \
     .fallback = fallback_,                                                                        \
     .automatic = automatic_,                                                                      \
     .values = values_,                                                                            \
     .resets = resets_,                                                                            \
     .help = help_},
#include "run/settings/options.def"
#undef RUN
};

_Static_assert((int)CLH_RUN_KEY_task == 0, "the keys of tasks follow the first row");

/* Set once. */
static clh_once once = CLH_ONCE_INIT;
static clh_key keys[CLH_RUN_KEYS_MAX];
static const char *task_of[CLH_RUN_KEYS_MAX];
static size_t count, task_keys;
static char task_names[256], task_automatic[256];

static void add(const clh_key *key, const char *task)
{
    assert(count < CLH_RUN_KEYS_MAX);
    keys[count] = *key;
    task_of[count++] = task;
}

/* The keys of the task at `row`, whose settings stand among those of the others. */
static void add_task(const clh_task_row *task, size_t row)
{
    const size_t place = offsetof(clh_run_config, settings) + clh_task_settings_place(row);
    for (size_t i = 0; i < task->ops->key_count; i++) {
        clh_key key = task->ops->keys[i];
        key.section = task->name;
        key.offset += place;
        if (key.kind == CLH_KEY_LIST)
            key.count_offset += place;
        add(&key, task->name);
    }
}

static void append(char text[256], const char *before, const char *more)
{
    const size_t used = strlen(text);
    (void)snprintf(text + used, 256 - used, "%s%s", before, more);
}

/* What --task may be, and what it is without it. */
static void name_tasks(const clh_task_row *tasks, size_t number)
{
    for (size_t t = 0; t < number; t++) {
        append(task_names, t ? "|" : "", tasks[t].name);
        for (size_t k = 0; k < tasks[t].ops->key_count; k++)
            if (clh_word_in(tasks[t].ops->keys[k].resets, ' ', keys[0].name)) {
                append(task_automatic, tasks[t].name, " with ");
                append(task_automatic, tasks[t].ops->keys[k].name, ", ");
            }
    }
    append(task_names, "|", "none");
    append(task_automatic, task_automatic[0] ? "else " : "", tasks[0].name);
    keys[0].values = task_names;
    keys[0].automatic = task_automatic;
}

/* Of a run's own keys: which are found and not set, and how the weights it starts from are known. Its
 * first checkpoint has the same. */
static void name_records(void)
{
    clh_key *init = NULL, *vocab = NULL;
    for (size_t i = 0; i < count; i++) {
        keys[i].record =
            keys[i].record || (strcmp(keys[i].section, "record") == 0 && !keys[i].fallback);
        init = strcmp(keys[i].name, "init") == 0 ? &keys[i] : init;
        vocab = strcmp(keys[i].name, "vocab") == 0 ? &keys[i] : vocab;
    }
    assert(init && vocab);
    vocab->content = "vocab_sha256";
    vocab->kept = CLH_RUN_VOCAB_KEPT;
    init->content = "init_weights";
    init->kept = "checkpoints/step-00000000.safetensors";
}

static void build(void)
{
    size_t number;
    const clh_task_row *tasks = clh_task_rows(&number);
    add(&own[0], NULL);
    for (size_t t = 0; t < number; t++)
        add_task(&tasks[t], t);
    task_keys = count - 1;
    for (size_t i = 1; i < CLH_COUNT(own); i++)
        add(&own[i], NULL);
    name_tasks(tasks, number);
    name_records();
}

const clh_key *clh_run_keys(void)
{
    clh_once_do(&once, build);
    return keys;
}

size_t clh_run_key_count(void)
{
    clh_once_do(&once, build);
    return count;
}

size_t clh_run_key_place(clh_run_key key)
{
    clh_once_do(&once, build);
    return key == CLH_RUN_KEY_task ? 0 : (size_t)key + task_keys;
}

const char *clh_run_key_task(size_t place)
{
    clh_once_do(&once, build);
    assert(place < count);
    return task_of[place];
}
