/** JSON read and written by jansson, with a decimal point whatever locale the caller has set.
 *
 *    json_t *root = NULL;
 *    status = clh_json_parse(&root, text, length, JSON_REJECT_DUPLICATES, path, NULL, err);
 */
#ifndef CLH_JSON_TEXT_H
#define CLH_JSON_TEXT_H

#include <stddef.h>

#include "base/base.h"

struct json_t;
struct json_error_t;

/** Parse `length` bytes into *out, which the caller owns; `flags` as of json_loadb(). CLH_EFORMAT with
 *  the line "`origin` line 3 is not JSON: reason", or what it looks like instead ("`origin` is an HTML
 *  page, want JSON"), and the place in *where (may be NULL) for who says it in other words. CLH_ENOMEM when an allocation failed, whatever jansson made of that: it blames the
 *  text, or drops the byte it has no room for and goes on. *out is NULL after a failure. */
clh_status clh_json_parse(struct json_t **out, const char *text, size_t length, size_t flags,
                          const char *origin, struct json_error_t *where, clh_error *err);

/** `value` as text into *out, `flags` as of json_dumps(). The caller frees it with free(). CLH_ENOMEM. */
clh_status clh_json_text(char **out, const struct json_t *value, size_t flags, clh_error *err);

#endif
