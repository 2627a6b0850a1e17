/** What one operating system has and another has not, one small function each. Two builds, chosen with
 *  the platform (meson option `platform`): system_linux.c, and system_plain.c, which asks the C library
 *  and POSIX files for no more than WebAssembly's has. Threads are in thread.h.
 */
#ifndef CLH_SYSTEM_H
#define CLH_SYSTEM_H

#include <stddef.h>

/** Bytes of memory that this process may have: what the machine has, its own limit and that of its
 *  control group; SIZE_MAX where nobody says. */
size_t clh_system_memory(void);

/** Bytes of the cache between a processor's first one and those it shares; 0 where nobody says. */
size_t clh_system_second_cache(void);

/** That this memory is best held in large pages, as its numbers are read row by row with much between. No
 *  more than a hint; `memory` begins a page. */
void clh_system_large_pages(void *memory, size_t size);

/** The number of this process among those that write the same files. */
long clh_system_process(void);

/** The environment's `name`, borrowed; NULL where there is none, or where this process has more rights
 *  than who started it. */
const char *clh_system_setting(const char *name);

/** That what was made, renamed or removed in a folder outlives a power cut. 0, or errno. A folder
 *  that may not be read, or of a file system that syncs none, is as safe as it can be. */
int clh_system_sync_folder(const char *folder);

/** Lock an open file for this process; 0, or errno: EWOULDBLOCK when another process holds it. */
int clh_system_lock(int handle);

/** `path` from the root on, for free(); NULL when nothing is there or nobody says. */
char *clh_system_whole_path(const char *path);

/** As qsort(), with a `context` for the comparison. Equal elements come in any order. */
void clh_system_sort(void *base, size_t count, size_t size,
                     int (*compare)(const void *a, const void *b, void *context), void *context);

#endif
