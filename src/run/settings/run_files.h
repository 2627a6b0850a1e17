/** The files that a run remembers: what its configuration has a path of. Each is named by its content,
 *  a key of its own; the path is a hint, and the run's folder may have a copy.
 *
 *    in a folder's config.json    as it is reached from that folder
 *    in memory                    as this process reaches it; the copy where the hint leads nowhere
 *    in a file of weights         none: where data lies changes no number, so no byte
 *
 *  Of a path whose content is not known (runs from before it was) nothing is changed.
 */
#ifndef CLH_RUN_FILES_H
#define CLH_RUN_FILES_H

#include "clearhead/run_config.h"

/** The path of the file `name` in the run at `path`, a folder or weights in it, into *out, freed with
 *  clh_free(). CLH_ENOMEM. */
clh_status clh_run_files_beside(char **out, const char *path, const char *name, clh_error *err);

/** Paths of `config` that stand in a file of `folder`, as this process reaches them. CLH_ENOMEM. */
clh_status clh_run_files_place(clh_run_config *config, const char *folder, clh_error *err);

/** Paths of `config`, of a file of weights at `path`, by what the run says that the file is of, where
 *  there is one. */
clh_status clh_run_files_find(clh_run_config *config, const char *path, clh_error *err);

/** Paths as they are reached from `folder`: "" where they lead to no file there is. CLH_ERANGE when one
 *  is too long, CLH_EINPUT when it is no UTF-8 and so cannot be written. */
clh_status clh_run_files_write(clh_run_config *config, const char *folder, clh_error *err);

/** No paths. */
void clh_run_files_forget(clh_run_config *config);

/** Nor what is known of content: the configuration as somebody would write it by hand. */
void clh_run_files_unname(clh_run_config *config);

/** Whether two configurations train the same, whatever their threads: files by their content, and by
 *  their paths only where that is not known of both. */
bool clh_run_config_same(const clh_run_config *a, const clh_run_config *b);

/** The copy that the run at `path`, a folder or weights in it, has of what the task's path leads to,
 *  where it is not that path and has the content that is known, into *kept, freed with clh_free(); NULL
 *  where there is none. CLH_ENOMEM. */
clh_status clh_run_files_copy(char **kept, const clh_run_config *config, const char *path,
                              clh_error *err);

/** Write into `folder` copies of what the task keeps and what does not lie in it already. */
clh_status clh_run_files_keep(const clh_run_config *config, const clh_task *task,
                              const char *folder, clh_error *err);

/** That this would overwrite nothing, and that paths can be written down: CLH_EBUSY, or errors of
 *  clh_run_files_write(). */
clh_status clh_run_files_check(const clh_run_config *config, const clh_task *task,
                               const char *folder, clh_error *err);

/** Remove what a killed process left of a copy. */
void clh_run_files_sweep(const char *folder);

#endif
