/** Checkpoints of a run folder: where training can go on.
 *
 *    checkpoints/step-00000025.safetensors    parameters after step 25
 *    checkpoints/optimizer.safetensors        moments of the newest, its step in the metadata
 *
 *  The optimizer's file is written last and replaced whole, so the step it names always has its
 *  parameters beside it: whenever the process dies, the pair is there.
 */
#ifndef CLH_CHECKPOINT_H
#define CLH_CHECKPOINT_H

#include "base/platform/file.h"
#include "clearhead/run.h"

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

/** Step of the newest checkpoint; CLH_NO when there is none yet. */
clh_status clh_checkpoint_newest(const char *run, size_t *step, clh_error *err);

/** Read both files of the newest checkpoint. CLH_EFORMAT when they are not of the same step. */
clh_status clh_checkpoint_load(const char *run, clh_model *model, const clh_moments *moments,
                               size_t *step, clh_error *err);

/** Steps whose parameters are there, ascending, *count of them, into memory of the caller
 *  (clh_free()); none where there is no folder of them. CLH_EIO when it cannot be read. */
clh_status clh_checkpoint_list(const char *run, size_t **steps, size_t *count, clh_error *err);

/** Whether a run keeps the parameters after `step`: the untrained, every checkpoint_every steps,
 *  the last, and with checkpoint_log 1, 2, 4, 8, … */
bool clh_checkpoint_keeps(const clh_train_config *config, size_t step);

/** Remove the parameters of steps that the run does not keep, but for those of `newest`: what only
 *  an interruption needed. */
void clh_checkpoint_tidy(const char *run, const clh_train_config *config, size_t newest);

#endif
