/** A zip file whose members are stored as they are, written front to back.
 *
 *    clh_zip *zip = NULL;
 *    if (clh_zip_begin(&zip, "a.npz", err)) return err->status;
 *    clh_zip_add(zip, "x.npy", give_x, &x);         // remembers the first failure
 *    return clh_zip_commit(zip, err);               // or clh_zip_abandon(zip)
 *
 *  The file, as APPNOTE.TXT of PKWARE has it (4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3):
 *
 *    1. of each member a local header with sizes and CRC-32, its name, its bytes;
 *    2. the directory: of each member the same again and where it begins;
 *    3. where the directory is.
 *
 *  Sizes stand before the bytes, so that a reader may take the file front to back; for that each
 *  member is asked for its bytes twice. What has no place in 32 bits (16 of a count) stands in
 *  zip64's fields, which small files have not. No time is written: the same content, the same bytes.
 */
#ifndef CLH_ZIP_H
#define CLH_ZIP_H

#include "base/platform/file.h"
#include "base/strbuf.h"
#include "file/array_stream.h"
#include "file/crc32.h"

enum { CLH_ZIP_NAME_MAX = 65535 };

/** Gives all bytes of a member to `sink`, each time the same. */
typedef void clh_zip_member(const void *member, clh_bytes_fn *sink, void *user);

typedef struct clh_zip {
    clh_file *file;
    uint64_t at, members;
    uint64_t most;        /**< sizes and places from here on are zip64's; a test makes it small */
    clh_strbuf directory; /**< of the members so far; keeps that memory failed */
    clh_crc32 crc;
} clh_zip;

/** Begin the file that will become `path`; errors as clh_file_begin(). */
clh_status clh_zip_begin(clh_zip **out, const char *path, clh_error *err);

/** A member of at most CLH_ZIP_NAME_MAX bytes of name. */
void clh_zip_add(clh_zip *zip, const char *name, clh_zip_member *give, const void *member);

/** The directory, then the file into its place; free. CLH_ENOMEM, or errors as clh_file_commit(),
 *  and no file. */
clh_status clh_zip_commit(clh_zip *zip, clh_error *err);

/** Remove what is written, free. NULL is fine. */
void clh_zip_abandon(clh_zip *zip);

#endif
