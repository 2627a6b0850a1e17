/* The settings of tasks: where each task's stand, their defaults, and whether they can be. */
#include <assert.h>
#include <string.h>

#include "base/strbuf.h"
#include "task/task_ops.h"

static size_t room_of(const clh_task_ops *ops)
{
    const size_t unit = sizeof(uint64_t);
    return (ops->settings_size + unit - 1) / unit * unit;
}

size_t clh_task_settings_place(size_t row)
{
    size_t count, place = 0;
    const clh_task_row *rows = clh_task_rows(&count);
    assert(row < count);
    for (size_t i = 0; i < row; i++)
        place += room_of(rows[i].ops);
    assert(place + room_of(rows[row].ops) <= sizeof(clh_task_settings));
    return place;
}

void clh_task_settings_default(const clh_task_ops *ops, void *settings)
{
    memset(settings, 0, ops->settings_size);
    for (size_t i = 0; i < ops->key_count; i++) {
        if (ops->keys[i].record)
            continue;
        assert(ops->keys[i].fallback);
        clh_status status = clh_key_from_text(&ops->keys[i], settings, ops->keys[i].fallback, NULL);
        assert(!status);
        (void)status;
    }
}

clh_status clh_task_settings_take(const clh_task_ops *ops, void *settings,
                                  const clh_task_setting *given, clh_error *err)
{
    clh_task_settings_default(ops, settings);
    for (const clh_task_setting *s = given; s && s->name; s++) {
        if (!s->text)
            return clh_fail(err, CLH_ECONFIG, "setting %s has no text", s->name);
        const clh_key *key = clh_key_find(ops->keys, ops->key_count, s->name, err);
        clh_status status = key ? clh_key_from_text(key, settings, s->text, err) : CLH_ECONFIG;
        if (status)
            return status;
    }
    return CLH_OK;
}

clh_status clh_task_settings_check(const clh_task_ops *ops, const void *settings, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < ops->key_count && !status; i++)
        status = clh_key_check(&ops->keys[i], settings, err);
    return status;
}

static clh_status fail_name(const char *name, clh_error *err)
{
    enum { NAMES_MAX = 64 };
    size_t count;
    const char *names[NAMES_MAX];
    const clh_task_row *rows = clh_task_rows(&count);
    clh_strbuf list = {0};
    assert(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        names[i] = rows[i].name;
        clh_strbuf_addf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = clh_nearest_name(name, names, count);
    clh_fail(err, CLH_ECONFIG, "task is \"%s\", want one of: %s%s%s%s", name,
             clh_strbuf_view(&list), nearest ? " (did you mean " : "", nearest ? nearest : "",
             nearest ? "?)" : "");
    clh_strbuf_deinit(&list);
    return CLH_ECONFIG;
}

clh_status clh_task_row_find(size_t *row, const char *name, clh_error *err)
{
    size_t count;
    const clh_task_row *rows = clh_task_rows(&count);
    assert(row && name);
    for (*row = 0; *row < count; ++*row)
        if (strcmp(rows[*row].name, name) == 0)
            return CLH_OK;
    return fail_name(name, err);
}
