/** Training and evaluation of a run.
 *
 *    if (clh_train(&config, "runs/five", NULL, &err)) ...  // clearhead/run_config.h fills a config
 *    if (clh_train_resume("runs/five", 2, NULL, &err)) ... // after an interruption: same bytes
 *
 *  The same config gives the same bytes at any number of threads and after any interruption, as
 *  docs/architecture.md explains.
 */
#ifndef CLEARHEAD_TRAIN_H
#define CLEARHEAD_TRAIN_H

#include "clearhead/api.h"
#include "clearhead/config.h"
#include "clearhead/model.h"
#include "clearhead/progress.h"
#include "clearhead/run.h"
#include "clearhead/task.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

/** Evaluate on sequences first … first+count-1 of a split. CLH_EINPUT when nothing is scored in them;
 *  CLH_ENUMERIC when the loss is not finite, naming the first sequence and the first activation in
 *  it that is not; CLH_STOPPED. CLH_ERANGE for 0 sequences, for more than 1024 threads and for a
 *  split that there is not; CLH_EUSAGE for NULL. *out is written on success only;
 *  clh_evaluation_deinit() frees what it holds. */
CLH_API clh_status clh_evaluate(clh_evaluation *out, const clh_model *model, const clh_task *task,
                                clh_split split, uint64_t first, size_t count, const clh_how *how,
                                clh_error *err);

/** Called after every step, and while an evaluation is under way that takes long; `progress` may be
 *  NULL. Return false from it to stop: what was done is saved, and the call returns CLH_STOPPED. */
typedef struct clh_train_watch {
    bool (*progress)(const clh_progress *progress, void *user);
    void *user;
} clh_train_watch;

/** Train into the folder `path`, which must not hold a run yet (CLH_EBUSY). The memory it takes is
 *  checked before anything is written. A loss that is not finite ends it with CLH_ENUMERIC, naming
 *  the step; the last checkpoint stays. CLH_ERANGE or CLH_ECONFIG for a config that cannot be
 *  (clh_run_config_check()), CLH_ESHAPE for one whose task does not fit its model, CLH_EUSAGE for
 *  NULL; nothing is written then. `watch` may be NULL. */
CLH_API clh_status clh_train(const clh_run_config *config, const char *path,
                             const clh_train_watch *watch, clh_error *err);

/** Train in memory: *out, the caller's, is the run as it would be opened then, to the bit, but it has no folder: its path
 *  is "". Nothing is written, and nothing is evaluated on the way. Errors as clh_train(); what was done until it is
 *  stopped is lost. */
CLH_API clh_status clh_train_in_memory(clh_run **out, const clh_run_config *config,
                                       const clh_train_watch *watch, clh_error *err);

/** Go on where the newest checkpoint of `path` is, with `threads` threads (0: as configured). A run
 *  that has ended is left as it is. Errors as clh_train(). */
CLH_API clh_status clh_train_resume(const char *path, size_t threads, const clh_train_watch *watch,
                                    clh_error *err);

/** The same, of a run whose data is elsewhere, or has changed and is to be gone on with all the same:
 *  config.json says so from then on. `data` NULL: where the run says. CLH_EINPUT, with both hashes and
 *  numbers of lines, for changed data that is not to be.
 *
 *  `passed_over` NULL: CLH_EFORMAT or CLH_EIO names what is damaged of the newest checkpoint or of the
 *  weights of a run that has ended, and the checkpoint before. Else *passed_over gets that, its status is
 *  CLH_OK where there was nothing, and training goes on from the checkpoint before, or the weights are written
 *  again. */
CLH_API clh_status clh_train_resume_as(const char *path, size_t threads, const clh_run_data *data,
                                       clh_error *passed_over, const clh_train_watch *watch,
                                       clh_error *err);

/** Bytes that training with this config takes at its peak; SIZE_MAX when they cannot be counted, and
 *  for NULL or a config that cannot be. */
CLH_API size_t clh_train_bytes(const clh_run_config *config);

/** Learning rate of step `step` (from 1) under the config's schedule; NaN for step 0 and for NULL. */
CLH_API double clh_learning_rate(const clh_train_config *config, size_t step);

CLH_END_DECLS

#endif
