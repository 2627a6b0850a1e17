/** JSON read and written by jansson, with a decimal point whatever locale the caller has set.
 *
 *    json_error_t where;
 *    json_t *root = clh_json_read(text, length, JSON_REJECT_DUPLICATES, &where);
 */
#ifndef CLH_JSON_TEXT_H
#define CLH_JSON_TEXT_H

#include <stddef.h>

struct json_t;
struct json_error_t;

/** As json_loadb(); the caller owns what it returns. */
struct json_t *clh_json_read(const char *text, size_t length, size_t flags,
                             struct json_error_t *where);

/** As json_dumps(): the caller frees it with free(); NULL where it cannot be written. */
char *clh_json_text(const struct json_t *value, size_t flags);

#endif
