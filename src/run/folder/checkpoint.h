/** Checkpoints of a run folder: where training can go on.
 *
 *    checkpoints/step-00000025.safetensors         parameters after step 25
 *    checkpoints/optimizer-00000025.safetensors    moments after it
 *
 *  Two moments are there: those of the newest checkpoint, and of the one before it that the run keeps. A
 *  step's moments come into their place once its parameters are in theirs, and older ones go after that: so
 *  whenever the process dies a pair is there, and two are once there were.
 */
#ifndef CLH_CHECKPOINT_H
#define CLH_CHECKPOINT_H

#include "base/platform/file.h"
#include "clearhead/run.h"
#include "clearhead/safetensors.h"

/** The files of a checkpoint, in the order in which they come into their places. */
enum { CLH_CHECKPOINT_FILES = 2 };

/** Optimizer moments laid out as clh_model_data(). */
typedef struct clh_moments {
    clh_real *m, *v;
} clh_moments;

/** Path of the parameters after `step`, owned by the caller; NULL with ENOMEM filled in. */
char *clh_checkpoint_path(const char *run, size_t step, clh_error *err);

/** Write both files, which are not in their places yet (file/stage.h); none on failure.
 *  CLH_ENUMERIC, with nothing written, when a number is not finite: the checkpoint before stays the
 *  newest. */
clh_status clh_checkpoint_stage(clh_file *files[CLH_CHECKPOINT_FILES], const char *run,
                                const clh_run_config *config, const clh_model *model,
                                const clh_moments *moments, size_t step, clh_error *err);

/** Step that the weights file at `path` was saved after. CLH_EFORMAT when it does not say. */
clh_status clh_checkpoint_step(const char *path, size_t *step, clh_error *err);

/** The same of an open file. */
clh_status clh_checkpoint_read_step(const clh_safetensors *file, const char *path, size_t *step,
                                    clh_error *err);

/** Step of the newest checkpoint; CLH_NO when there is none yet. */
clh_status clh_checkpoint_newest(const char *run, size_t *step, clh_error *err);

/** Read both files of the newest checkpoint. CLH_EFORMAT when one is damaged or not of its step, naming
 *  the checkpoint before it; with `passed_over` that one is read instead, and *passed_over says why the
 *  newest was not (untouched where it was). CLH_NO when there is none yet. */
clh_status clh_checkpoint_load(const char *run, clh_model *model, const clh_moments *moments,
                               size_t *step, clh_error *passed_over, clh_error *err);

/** Steps whose parameters are there, ascending, *count of them, into memory of the caller
 *  (clh_free()); none where there is no folder of them. CLH_EIO when it cannot be read. */
clh_status clh_checkpoint_list(const char *run, size_t **steps, size_t *count, clh_error *err);

/** Whether a run keeps the parameters after `step`: the untrained, every checkpoint_every steps,
 *  the last, and with checkpoint_log 1, 2, 4, 8, … */
bool clh_checkpoint_keeps(const clh_train_config *config, size_t step);

/** Remove the moments after `step`, and the parameters where the run does not keep them: what only an
 *  interruption needed. */
void clh_checkpoint_forget(const char *run, const clh_train_config *config, size_t step);

/** Remove what the run does not need with `newest` as its newest checkpoint: all moments but those of it
 *  and of the last one before it that the run keeps, which is returned (SIZE_MAX: none), and parameters of
 *  steps that it does not keep. */
size_t clh_checkpoint_tidy(const char *run, const clh_train_config *config, size_t newest);

#endif
