/** Text that grows.
 *
 *    clh_strbuf text = {0};
 *    clh_strbuf_addf(&text, "%s is [%zu, %zu]", name, m, n);
 *    puts(clh_strbuf_view(&text));
 *    clh_strbuf_deinit(&text);
 *
 *  Invariants: all zero is a valid empty buffer; data, when not NULL, is terminated at
 *  data[length]. A failed addition sets `failed` and later additions do nothing, so a builder
 *  checks once, at the end. What is added must not lie in the buffer itself. The caller owns
 *  the struct.
 */
#ifndef CLH_STRBUF_H
#define CLH_STRBUF_H

#include "base/base.h"

typedef struct clh_strbuf {
    char *data;
    size_t length, capacity;
    bool failed;
} clh_strbuf;

/** Append formatted text. */
void clh_strbuf_addf(clh_strbuf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Append `length` bytes. */
void clh_strbuf_add(clh_strbuf *buf, const char *bytes, size_t length);

/** Append a terminated text. */
void clh_strbuf_adds(clh_strbuf *buf, const char *text);

/** Append `text` as a JSON string with its quotes; a byte that is not UTF-8 becomes U+FFFD, so that
 *  the string is valid whatever a path held. */
void clh_strbuf_add_json(clh_strbuf *buf, const char *text);

/** Append a number as JSON with `digits` significant digits; null for what JSON has not, infinities
 *  and NaN. */
void clh_strbuf_add_number(clh_strbuf *buf, double value, int digits);

/** The text so far, "" when empty; borrowed until the next addition. */
const char *clh_strbuf_view(const clh_strbuf *buf);

/** CLH_ENOMEM when an addition failed, else CLH_OK. */
clh_status clh_strbuf_check(const clh_strbuf *buf, clh_error *err);

/** Forget the text, keep the memory; a failure stays, as what was added before may be in use. */
void clh_strbuf_clear(clh_strbuf *buf);

/** How many texts of this process, of any thread, an addition failed of: a builder may have been given up without
 *  a look at `failed`, as that of a message is. Whoever answers for a whole compares this with what it was before:
 *
 *    const size_t before = clh_strbuf_lost();
 *    ...
 *    return clh_strbuf_check_lost(before, err); // CLH_ENOMEM where one was lost meanwhile
 */
size_t clh_strbuf_lost(void);
clh_status clh_strbuf_check_lost(size_t before, clh_error *err);

/** Hand the text to the caller, who frees it with clh_free(); the buffer is empty after. NULL with
 *  ENOMEM filled in when building it failed. */
char *clh_strbuf_take(clh_strbuf *buf, clh_error *err);

/** Free what the buffer holds. */
void clh_strbuf_deinit(clh_strbuf *buf);

#endif
