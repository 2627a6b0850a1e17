/** A whole file in memory, and the name of its content: SHA-256, lines and bytes, whatever the file is
 *  called and wherever it is.
 *
 *    clh_content content = {0};
 *    if (clh_content_read(&content, "mine.jsonl", 1 << 30, err)) ...
 *    parse(content.bytes, content.length);
 *    clh_content_deinit(&content);
 *
 *  The caller owns the struct; all zero is an empty one.
 */
#ifndef CLH_CONTENT_H
#define CLH_CONTENT_H

#include "base/sha256.h"

typedef struct clh_content {
    char *bytes; /**< with a zero byte after the end */
    size_t length;
    size_t lines; /**< line feeds, and a last line that has none */
    char sha256[CLH_SHA256_TEXT];
} clh_content;

/** Read the whole file into an empty `content`; errors of clh_file_read(). */
clh_status clh_content_read(clh_content *content, const char *path, size_t limit, clh_error *err);

/** Free what it holds. */
void clh_content_deinit(clh_content *content);

#endif
