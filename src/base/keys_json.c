#include "base/json_text.h"
#include "base/keys.h"
#include "base/platform/decimal.h"
#include "base/quote.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool none_is_null(const clh_key *key)
{
    return key->kind == CLH_KEY_CHOICE && strncmp(key->values, "None|", 5) == 0;
}

/** One number of JSON as text; false when `value` is none, or has a fraction and must not. */
static bool number_to_text(const json_t *value, bool whole, char *out, size_t size)
{
    if (json_is_integer(value))
        (void)snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value) && !whole)
        (void)clh_snprintf(out, size, "%.17g", json_real_value(value));
    else
        return false;
    return true;
}

static bool list_to_text(const json_t *value, char *out, size_t size)
{
    if (!json_is_array(value))
        return number_to_text(value, true, out, size);
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char number[32];
        if (!number_to_text(json_array_get(value, i), true, number, sizeof number))
            return false;
        int more = snprintf(out + used, size - used, "%s%s", i ? "," : "", number);
        if (more < 0 || (size_t)more >= size - used)
            return false;
        used += (size_t)more;
    }
    return used > 0;
}

/* The value's text goes through the one reader there is, so that a config file and the command line
 * take the same values and say the same about wrong ones. */
clh_status clh_key_from_json(const clh_key *key, void *config, const struct json_t *value,
                             clh_error *err)
{
    assert(key && config && value);
    char number[256];
    const char *text = NULL;
    bool whole = key->kind == CLH_KEY_SIZE || key->kind == CLH_KEY_SEED;
    if (whole || key->kind == CLH_KEY_REAL)
        text = number_to_text(value, whole, number, sizeof number) ? number : NULL;
    else if (key->kind == CLH_KEY_LIST)
        text = list_to_text(value, number, sizeof number) ? number : NULL;
    else if (key->kind == CLH_KEY_BOOL)
        text = json_is_boolean(value) ? (json_is_true(value) ? "true" : "false") : NULL;
    else if (none_is_null(key) && json_is_null(value))
        text = "None";
    else
        text = json_string_value(value);
    if (text)
        return clh_key_from_text(key, config, text, err);
    static const char *const wanted[] = {
        [CLH_KEY_SIZE] = "a whole number",
        [CLH_KEY_SEED] = "a whole number",
        [CLH_KEY_REAL] = "a number",
        [CLH_KEY_BOOL] = "true or false",
        [CLH_KEY_CHOICE] = "a string",
        [CLH_KEY_TEXT] = "a string",
        [CLH_KEY_LIST] = "a whole number or an array of them",
    };
    return clh_fail(err, CLH_ECONFIG, "%s is %s, want %s", key->name, clh_quoted_json(value).text,
                    wanted[key->kind]);
}

void clh_real_to_json(double value, clh_strbuf *out)
{
    assert(out);
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        (void)clh_snprintf(text, sizeof text, "%.*g", digits, value);
        if (clh_read_double(text, NULL) == value)
            break;
    }
    clh_strbuf_adds(out, text);
    if (!strpbrk(text, ".e"))
        clh_strbuf_adds(out, ".0");
}

static const char *choice_name(const clh_key *key, unsigned place, char *out, size_t size)
{
    const char *word = key->values;
    for (; place > 0 && *word; place--) {
        word = strchrnul(word, '|');
        word += *word == '|';
    }
    (void)snprintf(out, size, "%.*s", (int)(strchrnul(word, '|') - word), word);
    return out;
}

void clh_key_to_json(const clh_key *key, const void *config, clh_strbuf *out)
{
    assert(key && config && out);
    const void *field = (const char *)config + key->offset;
    char name[64];
    switch (key->kind) {
    case CLH_KEY_SIZE:
        clh_strbuf_addf(out, "%zu", *(const size_t *)field);
        break;
    case CLH_KEY_SEED:
        clh_strbuf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
        break;
    case CLH_KEY_REAL:
        clh_real_to_json(*(const double *)field, out);
        break;
    case CLH_KEY_BOOL:
        clh_strbuf_adds(out, *(const bool *)field ? "true" : "false");
        break;
    case CLH_KEY_CHOICE:
        choice_name(key, *(const unsigned *)field, name, sizeof name);
        if (none_is_null(key) && strcmp(name, "None") == 0)
            clh_strbuf_adds(out, "null");
        else
            clh_strbuf_add_json(out, name);
        break;
    case CLH_KEY_TEXT:
        clh_strbuf_add_json(out, field);
        break;
    case CLH_KEY_LIST: {
        size_t count = *(const size_t *)(const void *)((const char *)config + key->count_offset);
        clh_strbuf_adds(out, count == 1 ? "" : "[");
        for (size_t i = 0; i < count; i++)
            clh_strbuf_addf(out, "%s%u", i ? ", " : "", ((const unsigned *)field)[i]);
        clh_strbuf_adds(out, count == 1 ? "" : "]");
        break;
    }
    }
}

/* Texts that end and lists that fit their arrays can be read at all; JSON holds finite reals. */
static clh_status check_bounds(const clh_key *key, const void *config, clh_error *err)
{
    const char *field = (const char *)config + key->offset;
    size_t count = 0;
    double value = 0;
    if (key->kind == CLH_KEY_REAL)
        memcpy(&value, field, sizeof value);
    if (!isfinite(value))
        return clh_fail(err, CLH_ERANGE, "%s is %g, want a finite number", key->name,
                        isnan(value) ? NAN : value);
    if (key->kind == CLH_KEY_TEXT && !memchr(field, '\0', key->size))
        return clh_fail(err, CLH_ERANGE, "%s does not end, want at most %zu characters", key->name,
                        key->size - 1);
    if (key->kind == CLH_KEY_LIST)
        memcpy(&count, (const char *)config + key->count_offset, sizeof count);
    if (count > key->size / sizeof(unsigned))
        return clh_fail(err, CLH_ERANGE, "%s has %zu numbers, want at most %zu", key->name, count,
                        key->size / sizeof(unsigned));
    return CLH_OK;
}

clh_status clh_key_check(const clh_key *key, const void *config, clh_error *err)
{
    assert(key && config);
    clh_status bounds = check_bounds(key, config, err);
    if (bounds || key->kind == CLH_KEY_TEXT)
        return bounds;
    _Alignas(16) char scratch[256];
    clh_key moved = *key;
    moved.offset = 0;
    moved.count_offset = sizeof scratch - sizeof(size_t);
    assert(key->size <= moved.count_offset);
    clh_strbuf text = {0};
    clh_key_to_json(key, config, &text);
    clh_status status = clh_strbuf_check(&text, err);
    if (!status && (key->kind == CLH_KEY_SIZE || key->kind == CLH_KEY_SEED)) {
        status = clh_key_from_text(&moved, scratch, clh_strbuf_view(&text), err);
        clh_strbuf_deinit(&text); /* JSON readers end at 2^63 */
        return status;
    }
    json_t *value = NULL;
    if (!status)
        status = clh_json_parse(&value, clh_strbuf_view(&text), text.length, JSON_DECODE_ANY,
                                key->name, NULL, err);
    if (!status)
        status = clh_key_from_json(&moved, scratch, value, err);
    if (!status && key->kind == CLH_KEY_LIST &&
        memcmp(scratch, (const char *)config + key->offset,
               json_array_size(value) * sizeof(unsigned)) != 0)
        status = clh_fail(err, CLH_ERANGE, "%s is %s, want the numbers ascending", key->name,
                          clh_strbuf_view(&text));
    json_decref(value);
    clh_strbuf_deinit(&text);
    return status;
}
