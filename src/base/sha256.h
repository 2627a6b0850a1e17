/** SHA-256, by which content is named: of bytes that come piece by piece, as the 64 hexadecimal digits
 *  that sha256sum prints.
 *
 *    clh_sha256 sum;
 *    char hex[CLH_SHA256_TEXT];
 *    clh_sha256_begin(&sum);
 *    clh_sha256_add(&sum, bytes, length);      // as often as there is more
 *    clh_sha256_end(&sum, hex);
 *
 *  The caller owns the struct, which holds no memory. Computed by libmd.
 */
#ifndef CLH_SHA256_H
#define CLH_SHA256_H

#include <sha256.h>

#include "base/base.h"

/** Digits, and the end. */
enum { CLH_SHA256_TEXT = SHA256_DIGEST_STRING_LENGTH };

typedef struct clh_sha256 {
    SHA2_CTX context;
} clh_sha256;

/** Begin a sum, of nothing yet. */
void clh_sha256_begin(clh_sha256 *sum);

/** Add the next `length` bytes. */
void clh_sha256_add(clh_sha256 *sum, const void *bytes, size_t length);

/** The sum of all that was added; `sum` is then over until it is begun again. */
void clh_sha256_end(clh_sha256 *sum, char hex[CLH_SHA256_TEXT]);

/** The sum of `length` bytes at once. */
void clh_sha256_of(const void *bytes, size_t length, char hex[CLH_SHA256_TEXT]);

/** Whether `text` is a sum as clh_sha256_end() writes one. */
bool clh_sha256_is(const char *text);

#endif
