/** Checksums of what is written and read back, so that damage is noticed: XXH3 of 64 bits (xxhash), in 16
 *  hexadecimal digits. It tells chance from content; against intent SHA-256 names content (sha256.h).
 *
 *  A file's checksum stands in the file itself, among 16 digits that count as zeros when it is computed:
 *
 *    clh_checksum sum;
 *    char digits[CLH_CHECKSUM_TEXT];
 *    clh_checksum_begin(&sum);
 *    clh_checksum_add(&sum, bytes, length);           // CLH_CHECKSUM_ZEROS where the digits will stand
 *    clh_checksum_end(&sum, digits);
 *
 *  The caller owns the struct, which holds no memory.
 */
#ifndef CLH_CHECKSUM_H
#define CLH_CHECKSUM_H

#include "base/base.h"
#include "base/strbuf.h"

/** The key under which a file has its checksum, what its value begins with, and the digits that follow
 *  before they are known. */
#define CLH_CHECKSUM_KEY "checksum"
#define CLH_CHECKSUM_MARK "xxh3:"
#define CLH_CHECKSUM_ZEROS "0000000000000000"

/** Digits, and the end. */
enum { CLH_CHECKSUM_TEXT = sizeof CLH_CHECKSUM_ZEROS, CLH_CHECKSUM_DIGITS = CLH_CHECKSUM_TEXT - 1 };

typedef struct clh_checksum {
    _Alignas(64) unsigned char state[576]; /* xxhash's */
} clh_checksum;

void clh_checksum_begin(clh_checksum *sum);
void clh_checksum_add(clh_checksum *sum, const void *bytes, size_t length);
void clh_checksum_end(const clh_checksum *sum, char digits[CLH_CHECKSUM_TEXT]);

/* ---- A text of JSON ----------------------------------------------------------------------------
 */

/** `text`, an object that begins "{\n" and is not empty, into `out`, with its checksum as its first key:
 *  a line of its own, which can be taken out. */
void clh_checksum_seal(clh_strbuf *out, const char *text);

/** Check a text that has one: CLH_EFORMAT names `path`. */
clh_status clh_checksum_check_text(const char *text, size_t length, const char *path,
                                   clh_error *err);

/* ---- A line of JSON ----------------------------------------------------------------------------
 *
 *  {"type": "step", "step": 1, "sum": "1f00ba42"}
 *
 *  The last 8 digits of the checksum of what stands before `, "sum"`.
 */

/** End the line that began at `begin` of `text`, an object without its brace: with sum, brace, newline. */
void clh_checksum_end_line(clh_strbuf *text, size_t begin);

typedef enum clh_line_state { CLH_LINE_BARE, CLH_LINE_WHOLE, CLH_LINE_DAMAGED } clh_line_state;

/** What a line, without its newline, is: one without a sum, one whose sum is right, or damaged. With any
 *  bit wrong a line that had a sum is damaged, in its end too. */
clh_line_state clh_checksum_line(const char *line, size_t length);

#endif
