/** A model's weights, read with what is to be said of them; written but not in their place yet:
 *  clh_file_commit() or a clh_keeper brings them there.
 */
#ifndef CLH_WEIGHTS_H
#define CLH_WEIGHTS_H

#include "base/platform/file.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "clearhead/run.h"

struct clh_weights_file;

/** As clh_model_load(), from what is open already. `notes` (may be NULL) gets a line for each type of
 *  numbers that was converted. */
clh_status clh_model_load_from(clh_model *model, const struct clh_weights_file *file,
                               clh_strbuf *notes, clh_error *err);

/** As clh_model_save(). */
clh_status clh_model_stage(clh_file **out, const clh_model *model, const char *path,
                           const clh_run_config *config, size_t step, clh_error *err);

/** SHA-256 of the parameters in the order of the layout, by which results name weights. */
void clh_model_sha256(const clh_model *model, char hex[CLH_SHA256_TEXT]);

#endif
