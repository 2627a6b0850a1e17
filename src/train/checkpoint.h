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

#include "clearhead/run.h"

/** Optimizer moments laid out as clh_model_data(). */
typedef struct clh_moments {
    clh_real *m, *v;
} clh_moments;

/** Path of the parameters after `step`, owned by the caller; NULL with ENOMEM filled in. */
char *clh_checkpoint_path(const char *run, size_t step, clh_error *err);

/** Write both files. */
clh_status clh_checkpoint_save(const char *run, const clh_run_config *config,
                               const clh_model *model, const clh_moments *moments, size_t step,
                               clh_error *err);

/** Step of the newest checkpoint; CLH_NO when there is none yet. */
clh_status clh_checkpoint_newest(const char *run, size_t *step, clh_error *err);

/** Read both files of the newest checkpoint. */
clh_status clh_checkpoint_load(const char *run, clh_model *model, const clh_moments *moments,
                               size_t *step, clh_error *err);

/** Whether a run keeps the parameters after `step`: every checkpoint_every steps, the last, and
 * with checkpoint_log 0, 1, 2, 4, 8, … */
bool clh_checkpoint_due(const clh_train_config *config, size_t step);

#endif
