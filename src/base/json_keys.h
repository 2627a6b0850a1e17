/** Objects of JSON files a user writes: they hold the keys their format has, and no other.
 *
 *    static const char *const keys[] = {"format", "edits", "reference"};
 *    status = clh_json_keys_check(root, keys, CLH_COUNT(keys), CLH_EINPUT, err);
 *    // "unknown key edit; did you mean edits? The keys are format, edits, reference"
 */
#ifndef CLH_JSON_KEYS_H
#define CLH_JSON_KEYS_H

#include "base/base.h"

struct json_t;

/** That `object` has no key but these `count`; else `status`, as clh_key_unknown(). Whether a key
 *  is missing the caller says. */
clh_status clh_json_keys_check(const struct json_t *object, const char *const *keys, size_t count,
                               clh_status status, clh_error *err);

/** Refuse `key`, which is none of these: `status`, with a message that names the nearest and, where
 *  they fit a line (16 at most), all. */
clh_status clh_key_unknown(const char *key, const char *const *keys, size_t count,
                           clh_status status, clh_error *err);

#endif
