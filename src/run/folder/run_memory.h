/** A run that has no folder: what training in memory ends with.
 *
 *    if (clh_run_in_memory(&run, &config, model, task, step, err)) ...    // owns model and task from here on
 *    clh_run_close(run);
 */
#ifndef CLH_RUN_MEMORY_H
#define CLH_RUN_MEMORY_H

#include "clearhead/run_config.h"

/** As clh_run_open() of a folder with these weights, but its path is "". CLH_ENOMEM; model and task are the run's also
 *  then: they are closed. */
clh_status clh_run_in_memory(clh_run **out, const clh_run_config *config, clh_model *model,
                             clh_task *task, size_t step, clh_error *err);

#endif
