/** Which task a configuration means, and opening it. */
#ifndef CLH_RUN_TASK_H
#define CLH_RUN_TASK_H

#include "clearhead/run_config.h"
#include "task/task_ops.h"

/** Name of the task that all layers mean: as given; else the first with a setting that asks for it
 *  (`resets` names task) and is not at its default; else the first of all. Borrowed. */
const char *clh_run_task_name(const clh_run_layer *layer);

/** Whether a task is named none: weights that fit no task. */
bool clh_run_task_none(const char *name);

/** The settings of the task at `row`. */
const void *clh_run_task_settings(const clh_run_config *config, size_t row);

#endif
