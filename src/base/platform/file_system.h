/** Paths and folders: what stands where, and what is done to names.
 *
 *    char *path = clh_path_join(run, "checkpoints", err);
 *    if (path && clh_is_folder(path)) clh_folder_look(path, count_one, &count, err);
 *    clh_free(path);
 */
#ifndef CLH_FILE_SYSTEM_H
#define CLH_FILE_SYSTEM_H

#include "base/base.h"

/** "folder/name" as a new text the caller frees with clh_free(); NULL with ENOMEM filled in. */
char *clh_path_join(const char *folder, const char *name, clh_error *err);

/** The folder that `path` is in, likewise: "runs/a" of "runs/a/config.json", "." of "a". */
char *clh_path_above(const char *path, clh_error *err);

/** `path` from the root on, links followed, likewise; as it is where nothing is there, or where the
 *  system does not say. */
char *clh_path_whole(const char *path, clh_error *err);

/** `path` as it is reached from `folder`, links followed, likewise: "../data/mine.jsonl". From the root
 *  on where they have no other folder in common. `folder` need not be there yet. */
char *clh_path_from(const char *folder, const char *path, clh_error *err);

/** Whether something exists at `path`, whether that is a folder, and whether it is a regular file that has
 *  a name, so that it will be there again. */
bool clh_path_exists(const char *path);
bool clh_path_taken(const char *path); /**< also by a link that leads nowhere */
bool clh_is_folder(const char *path);
bool clh_is_file(const char *path);

/** Give the file `from` the name `to` of the same file system, whatever had it. CLH_EIO. */
clh_status clh_path_rename(const char *from, const char *to, clh_error *err);

/** Remove the file, or the folder if it is empty, if it is there and one may. */
void clh_path_remove(const char *path);
void clh_folder_remove_empty(const char *path);

/** Make `path` and the folders above it, each synced into the one above; fine when they exist. */
clh_status clh_folder_make(const char *path, clh_error *err);

/** That the name `path`, which is new, outlives a power cut: sync the folder it is in. CLH_EIO with
 *  folder and reason. A file system that does not sync folders is no failure. */
clh_status clh_folder_sync_above(const char *path, clh_error *err);

/** Show `look` every name in a folder, in no order; none where the folder is not there. CLH_EIO. */
clh_status clh_folder_look(const char *folder, void (*look)(const char *name, void *user),
                           void *user, clh_error *err);

/** Remove the files of a folder that `drop` says yes to, as far as one may. */
void clh_folder_drop(const char *folder, bool (*drop)(const char *name, const void *user),
                     const void *user);

/** A lock that ends with the process, however it ends: flock on `path`, created when absent.
 *  CLH_EBUSY when another process holds it; *handle is then -1. A forked child shares the lock. Where
 *  the system has no locks the file is made and nothing held. */
clh_status clh_lock_take(int *handle, const char *path, clh_error *err);

/** Let go. A negative handle is fine. */
void clh_lock_release(int handle);

#endif
