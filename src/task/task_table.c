/* The table of tasks, and nothing else. A program that has more of them compiles this file once more
 * with -DCLH_MORE_TASKS="\"rows.def\"" and links it before the library: rows.def has rows as
 * tasks.def, whose tables of functions the program defines. So do the tests (tests/meson.build). */
#include "task/task_ops.h"

#define CLH_TASK(name) extern const clh_task_ops clh_##name##_ops;
#include "task/tasks.def"
#ifdef CLH_MORE_TASKS
#include CLH_MORE_TASKS
#endif
#undef CLH_TASK

static const clh_task_row rows[] = {
#define CLH_TASK(name) {#name, &clh_##name##_ops},
#include "task/tasks.def"
#ifdef CLH_MORE_TASKS
#include CLH_MORE_TASKS
#endif
#undef CLH_TASK
};

const clh_task_row *clh_task_rows(size_t *count)
{
    *count = CLH_COUNT(rows);
    return rows;
}
