#include "base/json_text.h"

#include <jansson.h>

#include "base/platform/decimal.h"

json_t *clh_json_read(const char *text, size_t length, size_t flags, json_error_t *where)
{
    void *before = clh_decimal_begin();
    json_t *root = json_loadb(text, length, flags, where);
    clh_decimal_end(before);
    return root;
}

char *clh_json_text(const json_t *value, size_t flags)
{
    void *before = clh_decimal_begin();
    char *text = json_dumps(value, flags);
    clh_decimal_end(before);
    return text;
}
