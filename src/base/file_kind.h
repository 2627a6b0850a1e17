/** What a file looks like that is not what it was taken for: told by its first bytes, in words.
 *
 *    status = clh_fail(err, CLH_EFORMAT, "%s: the header is said to be ...", path);
 *    return clh_file_kind_name(status, path, head, length, CLH_WANT_SAFETENSORS, err);
 *    // "model.safetensors is a Git LFS pointer, want a safetensors file: git lfs pull fetches it"
 *
 *  For who has failed already: a good file is never asked.
 */
#ifndef CLH_FILE_KIND_H
#define CLH_FILE_KIND_H

#include "base/base.h"

/** What was wanted. */
typedef enum clh_wanted {
    CLH_WANT_SAFETENSORS,
    CLH_WANT_JSON,
    CLH_WANT_LINES,
    CLH_WANT_TEXT
} clh_wanted;

/** How many of a file's first bytes tell its kind. */
enum { CLH_FILE_KIND_BYTES = 4096 };

/** `status`, and where the `length` bytes that `path` begins with (all, or the first
 *  CLH_FILE_KIND_BYTES) are recognised, a message in the place of the one in `err`. */
clh_status clh_file_kind_name(clh_status status, const char *path, const void *bytes, size_t length,
                              clh_wanted wanted, clh_error *err);

/** Where the text of a file's `length` bytes begins: behind the mark (BOM) that editors put before UTF-8.
 *  CLH_EFORMAT where it holds a zero byte, with its place or what the file looks like. */
clh_status clh_text_begin(const char **text, const char *bytes, size_t length, const char *path,
                          clh_error *err);

#endif
