/** The run folder on disk: making it, locking it, finding weights in it. clearhead/run.h says what
 *  is in one. */
#ifndef CLH_FOLDER_H
#define CLH_FOLDER_H

#include "base/platform/file_system.h"
#include "clearhead/run.h"

/** That a run may be made at `path`: CLH_EBUSY when it holds one or a file that one
 *  would overwrite, CLH_EIO when it is a file itself. */
clh_status clh_folder_check(const char *path, clh_error *err);

/** That a command may fill `path` with files of its own: there is nothing, or an empty folder (but for
 *  what the beginning of a run leaves that was killed). CLH_EBUSY names what else is there, unless
 *  `force`; CLH_EBUSY for the root and for a folder that the current one is in, CLH_EIO for a file,
 *  whatever `force` says. */
clh_status clh_folder_check_empty(const char *path, bool force, clh_error *err);

/** The first free one of runs/<name>, runs/<name>-2, …; owned by the caller, clh_free(). CLH_EBUSY. */
clh_status clh_folder_free(char **folder, const char *name, clh_error *err);

/** Take the folder's lock and remove the temporary files that killed processes left. CLH_EBUSY when
 *  another process writes this run. */
clh_status clh_folder_lock(const char *path, int *lock, clh_error *err);

/** Make a run folder: lock it, write config.json, make checkpoints/ and figures/. CLH_EBUSY when it
 *  holds a run. What was not there before is removed again on failure. */
clh_status clh_folder_begin(const char *path, const clh_run_config *config, int *lock,
                            clh_error *err);

/** Write the config.json of the run folder `path`, in which paths are as they are reached from there;
 *  errors of clh_run_files_write() and clh_file_write_text(). */
clh_status clh_folder_write_config(const char *path, const clh_run_config *config, clh_error *err);

/** Undo clh_folder_begin() when what was to follow failed: config.json goes, and the folders that
 *  are empty. The lock is still to be released. */
void clh_folder_remove(const char *path);

/** Path of the weights that `path` means, owned by the caller: `path` itself when it is a file; of
 *  a run its model.safetensors, or its newest checkpoint. CLH_NO when a run has none yet, CLH_EINPUT when
 *  nothing is there. */
clh_status clh_folder_weights(const char *path, char **weights, clh_error *err);

#endif
