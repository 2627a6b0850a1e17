/** Files that are whole or not there: written to a temporary name beside the target, synced,
 *  renamed, and the folder synced, so that the new name outlives a power cut. A reader never sees
 *  half a file, and a failed write leaves what was there before.
 *
 *    clh_file *file = NULL;
 *    if (clh_file_begin(&file, "runs/a/config.json", err)) return err->status;
 *    clh_file_write(file, text, length);            // remembers the first failure
 *    return clh_file_commit(file, err);             // or clh_file_abandon(file)
 */
#ifndef CLH_FILE_H
#define CLH_FILE_H

#include "base/base.h"
#include "base/platform/file_system.h"

typedef struct clh_file clh_file;

/** Open a temporary file that will become `path`. CLH_EIO when that cannot be made, or when `path`
 *  is a folder, device or pipe, which a rename would replace. A link at `path` is replaced. */
clh_status clh_file_begin(clh_file **out, const char *path, clh_error *err);

/** Append bytes; a failure is kept and reported by clh_file_commit(). */
void clh_file_write(clh_file *file, const void *bytes, size_t length);

/** Write over `length` bytes from `offset` on, which were appended before. */
void clh_file_patch(clh_file *file, size_t offset, const void *bytes, size_t length);

/** Hand what was appended to the system, so that a full disk shows now; false after a failure, which
 *  clh_file_commit() then reports. */
bool clh_file_flush(clh_file *file);

/** The three parts of a commit that take time, in this order: sync; rename to the final name; sync the
 *  folder, for this file and all that were renamed there before. They may run on another thread than
 *  what came before and clh_file_commit(), which then has nothing but the outcome left. False when
 *  something failed: the next part is then not to be called. */
bool clh_file_sync(clh_file *file);
bool clh_file_place(clh_file *file);
bool clh_file_sync_folder(clh_file *file);

/** Whether it is renamed, or failed and is gone: there is nothing left but to commit it. */
bool clh_file_is_settled(const clh_file *file);

/** Sync, rename to the final name, sync the folder, or what of it is not done yet; free. On failure the temporary file is gone, the
 *  target as it was (the new one where only the folder's sync failed), and the line names the path,
 *  the system's reason and how much was to be written. */
clh_status clh_file_commit(clh_file *file, clh_error *err);

/** Remove the temporary file, free. NULL is fine. */
void clh_file_abandon(clh_file *file);

/** Whether `name` is of a temporary file whose target matches the shell pattern `names`. */
bool clh_file_is_temporary(const char *name, const void *names);

/** Remove what killed processes left in `folder`: temporary files whose targets' names match the
 *  shell pattern `names`. For who knows that nobody writes there now. */
void clh_file_sweep(const char *folder, const char *names);

/** The whole file into memory the caller frees with clh_free(), with a zero byte after the end.
 *  CLH_EIO with path and reason, also when it is a pipe; CLH_EFORMAT when it is larger than `limit` bytes, of which no more
 *  than that is read. */
clh_status clh_file_read(char **bytes, size_t *length, const char *path, size_t limit,
                         clh_error *err);

/** As clh_file_read(), for what must be text, without the mark (BOM) that editors put before it:
 *  CLH_EFORMAT when it holds a zero byte, with its place or what the file looks like (UTF-16, a zip). */
clh_status clh_file_read_text(char **text, const char *path, size_t limit, clh_error *err);

/** A whole file that holds `text`; errors as clh_file_begin() and clh_file_commit(). */
clh_status clh_file_write_text(const char *path, const char *text, clh_error *err);

#endif
