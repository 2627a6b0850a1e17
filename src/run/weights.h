/** A model's weights, written but not in their place yet: clh_file_commit() or a clh_keeper brings
 *  them there.
 */
#ifndef CLH_WEIGHTS_H
#define CLH_WEIGHTS_H

#include "base/platform/file.h"
#include "base/sha256.h"
#include "clearhead/run.h"

/** As clh_model_save(). */
clh_status clh_model_stage(clh_file **out, const clh_model *model, const char *path,
                           const clh_run_config *config, size_t step, clh_error *err);

/** SHA-256 of the parameters in the order of the layout, by which results name weights. */
void clh_model_sha256(const clh_model *model, char hex[CLH_SHA256_TEXT]);

#endif
