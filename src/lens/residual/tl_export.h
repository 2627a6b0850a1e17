/** Weights and config as TransformerLens reads them, with the script that does, in a folder.
 *
 *    clh_tl_export export = {0};
 *    if (clh_tl_export_plan(&export, run, "theirs", CLH_FOLD_ALL, false, &err)) ...
 *    ... export.path[i], export.proof.change                // what is going to be there
 *    if (clh_tl_export_write(&export, &err)) ...
 *    clh_tl_export_deinit(&export);
 *
 *  The run is borrowed; the caller owns the struct.
 */
#ifndef CLH_TL_EXPORT_H
#define CLH_TL_EXPORT_H

#include "clearhead/fold.h"
#include "clearhead/run.h"

enum { CLH_TL_EXPORT_FILES = 3 };

typedef struct clh_tl_export {
    const clh_run *run;
    const char *folder;
    char *path[CLH_TL_EXPORT_FILES]; /**< weights, config, script */
    bool fresh;                      /**< the folder was not there */
    clh_run_config config;           /**< of what is written */
    clh_model *folded;               /**< NULL: written as it is */
    clh_fold_proof proof;            /**< by how much log-probabilities changed */
} clh_tl_export;

/** Fold what `what` joins of clh_fold, prove it over n_ctx positions and every token that fits, and find that
 *  nothing of what will be written is there; `force`: the folder may have other files. CLH_EBUSY; errors of
 *  clh_model_fold() and clh_fold_prove(). */
clh_status clh_tl_export_plan(clh_tl_export *out, const clh_run *run, const char *folder,
                              unsigned what, bool force, clh_error *err);

/** Write the three files, or none. CLH_EIO. */
clh_status clh_tl_export_write(const clh_tl_export *export, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_tl_export_deinit(clh_tl_export *export);

#endif
