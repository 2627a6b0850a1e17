/** A safetensors file that is written but not in its place yet: clh_file_commit() or a clh_keeper
 *  brings it there.
 */
#ifndef CLH_STAGE_H
#define CLH_STAGE_H

#include "base/platform/file.h"
#include "clearhead/safetensors.h"

/** As clh_safetensors_write(). */
clh_status clh_safetensors_stage(clh_file **out, const char *path, const clh_tensor *tensors,
                                 size_t count, const clh_pair *metadata, size_t pairs,
                                 clh_error *err);

#endif
