/** Which task a configuration means, and opening it. */
#ifndef CLH_RUN_TASK_H
#define CLH_RUN_TASK_H

#include "clearhead/run.h"
#include "clearhead/run_config.h"
#include "task/task_ops.h"

/** Name of the task that all layers mean: as given; else the first with a setting that asks for it
 *  (`resets` names task) and is not at its default; else the first of all. Borrowed. */
const char *clh_run_task_name(const clh_run_layer *layer);

/** Whether a task is named none: weights that fit no task. */
bool clh_run_task_none(const char *name);

/** The settings of the task at `row`. */
const void *clh_run_task_settings(const clh_run_config *config, size_t row);

/** As clh_run_config_task(), with the path of the run and what is known of it; NULL: the task is of none. */
clh_status clh_run_task_open(clh_task **out, const clh_run_config *config, const char *path,
                             const clh_task_of_run *run, clh_error *err);

/** The task of the run at `path`, a folder or a file of weights, with its data where it is said to be,
 *  which `config` is told. `away`: it is opened without its data too. Errors of clh_run_open_data(). */
clh_status clh_run_task_open_at(clh_task **out, clh_run_config *config, const char *path,
                                const clh_run_data *data, bool away, clh_error *err);

/** SHA-256 of the file that the config's task reads; "" where it is not known, or reads none. */
const char *clh_run_task_content(const clh_run_config *config);

/** What an open task found in its files, into the records of `config`, after `step` steps on what they
 *  said before. */
void clh_run_task_record(clh_run_config *config, const clh_task *task, size_t step);

#endif
