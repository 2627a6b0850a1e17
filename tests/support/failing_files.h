/** File operations that can fail, in the order in which a process makes them. In a program that is linked with
 *  `failing_link` of tests/meson.build its own, the library's and the command's go through here:
 *
 *    failing_files *f = failing_files_share();                     // seen by forked children too
 *    *f = (failing_files){.fail_at = 3, .reason = EIO};             // the third fails
 *    failing_files_begin(f); ...; failing_files_end();
 *    f->seen operations were asked for, f->failed is the name of the one that failed
 *
 *  Counted: open, read, write, sync, rename, mkdir, truncate, lock, list a folder, and what stdio does of
 *  that (of many small writes in a row a part); not what is done to standard streams, /proc and /sys, nor
 *  taking away: what failed has to be cleared up. Nothing is synced: that takes time, and no power is cut
 *  here.
 */
#ifndef CLH_FAILING_FILES_H
#define CLH_FAILING_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct failing_files {
    size_t fail_at;     /**< number of the operation that fails, from 1; 0: none does */
    bool writing;       /**< only those that change something count … */
    bool go_on;         /**< … and all behind it fail too: a disk that is full */
    int reason;         /**< errno */
    atomic_size_t seen; /**< operations counted so far */
    char failed[96];    /**< the first that failed, "rename r/config.json"; "" while none has */
} failing_files;

/** One that parent and children share; the parent's until it ends. */
failing_files *failing_files_share(void);

/** Count, and fail, from now on; and no more. `state` must stay until then. */
void failing_files_begin(failing_files *state);
void failing_files_end(void);

#endif
