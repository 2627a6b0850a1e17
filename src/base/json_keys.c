#include "base/json_keys.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/quote.h"
#include "base/strbuf.h"

enum { LISTED_MOST = 16 };

clh_status clh_key_unknown(const char *key, const char *const *keys, size_t count,
                           clh_status status, clh_error *err)
{
    clh_strbuf line = {0};
    const char *near = clh_nearest_name(key, keys, count);
    if (near)
        clh_strbuf_addf(&line, "; did you mean %s?", near);
    if (count <= LISTED_MOST) {
        clh_strbuf_adds(&line, near ? " The keys are" : "; the keys are");
        for (size_t i = 0; i < count; i++)
            clh_strbuf_addf(&line, "%s %s", i ? "," : "", keys[i]);
    }
    status = clh_fail(err, status, "unknown key %s%s", clh_quoted_text(key).text,
                      clh_strbuf_view(&line));
    clh_strbuf_deinit(&line);
    return status;
}

clh_status clh_json_keys_check(const json_t *object, const char *const *keys, size_t count,
                               clh_status status, clh_error *err)
{
    assert(keys && status != CLH_OK);
    json_t *seen = (json_t *)object; /* jansson iterates over what may change */
    for (void *at = json_object_iter(seen); at; at = json_object_iter_next(seen, at)) {
        const char *key = json_object_iter_key(at);
        size_t i = 0;
        while (i < count && strcmp(keys[i], key) != 0)
            i++;
        if (i == count)
            return clh_key_unknown(key, keys, count, status, err);
    }
    return CLH_OK;
}
