/** Files of numbers that are written but not in their place yet: clh_file_commit() or a clh_keeper
 *  brings them there. Each is what the public function of its name would have made.
 */
#ifndef CLH_STAGE_H
#define CLH_STAGE_H

#include "base/platform/file.h"
#include "clearhead/run.h"
#include "clearhead/safetensors.h"

/** As clh_safetensors_write(). */
clh_status clh_safetensors_stage(clh_file **out, const char *path, const clh_tensor *tensors,
                                 size_t count, const clh_pair *metadata, size_t pairs,
                                 clh_error *err);

/** As clh_model_save(). */
clh_status clh_model_stage(clh_file **out, const clh_model *model, const char *path,
                           const clh_run_config *config, size_t step, clh_error *err);

#endif
