/** Tasks in a line.
 *
 *    clh_task *task = task_of("n=2,3 letters=tuples seed=5");        // the test fails if it cannot
 *    clh_task_config config = {.settings = SETTINGS({"n", "4"}), .seed = 7};
 *
 *  Words are "key=value": task, seed, first_scored, test_sequences, or a setting of the task.
 */
#ifndef CLH_TASK_OF_H
#define CLH_TASK_OF_H

#include "clearhead/task.h"

/** Settings of a clh_task_config, for as long as the block. */
#define SETTINGS(...) ((const clh_task_setting[]){__VA_ARGS__, {NULL, NULL}})

/** The task that a line of words means, made as by printf(); the caller closes it. */
clh_task *task_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
