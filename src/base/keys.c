#include "base/keys.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_keys.h"
#include "base/platform/decimal.h"
#include "base/quote.h"

enum { LIST_MAX = 16, NAMES_MAX = 256 };

static const char *kind_text(clh_key_kind kind)
{
    static const char *const text[] = {
        [CLH_KEY_SIZE] = "a whole number", [CLH_KEY_SEED] = "a whole number",
        [CLH_KEY_REAL] = "a number",       [CLH_KEY_BOOL] = "true or false",
        [CLH_KEY_CHOICE] = "one of",       [CLH_KEY_TEXT] = "text",
        [CLH_KEY_LIST] = "whole numbers",
    };
    assert((size_t)kind < CLH_COUNT(text));
    return text[kind];
}

static clh_status refuse(const clh_key *key, const char *found, clh_status status, clh_error *err)
{
    return clh_fail(err, status, "%s is %s, want %s%s%s", key->name,
                    *found ? clh_quoted_text(found).text : "empty", kind_text(key->kind),
                    !key->values                  ? ""
                    : key->kind == CLH_KEY_CHOICE ? " "
                                                  : " in ",
                    key->values ? key->values : "");
}

/* An interval is written as in mathematics: "[0, 1)", "(0, inf)". Its ends are read as what is to lie in
 * it: whole numbers of 64 bits are exact, and so is every double. */
static uint64_t whole_end(const char *text, char **end)
{
    text += strspn(text, " ");
    if (strncmp(text, "inf", 3) != 0)
        return strtoull(text, end, 10);
    *end = strchr(text, 'f') + 1;
    return UINT64_MAX;
}

static bool whole_inside(const char *interval, uint64_t value)
{
    if (!interval)
        return true;
    char *end = NULL;
    const uint64_t least = whole_end(interval + 1, &end), most = whole_end(end + 1, &end);
    return (*interval == '[' ? value >= least : value > least) &&
           (*end == ']' ? value <= most : value < most);
}

static bool real_inside(const char *interval, double value)
{
    if (!interval)
        return true;
    char *end = NULL;
    const double least = clh_read_double(interval + 1, &end);
    const double most = clh_read_double(end + 1, &end);
    return (*interval == '[' ? value >= least : value > least) &&
           (*end == ']' ? value <= most : value < most);
}

static clh_status whole_from_text(const clh_key *key, const char *text, uint64_t *out,
                                  clh_error *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end)
        return refuse(key, text, CLH_ECONFIG, err);
    if (errno || !whole_inside(key->values, value))
        return refuse(key, text, CLH_ERANGE, err);
    *out = value;
    return CLH_OK;
}

static clh_status real_from_text(const clh_key *key, const char *text, double *out, clh_error *err)
{
    char *end = NULL;
    double value = clh_read_double(text, &end);
    if (end == text || *end)
        return refuse(key, text, CLH_ECONFIG, err);
    if (!isfinite(value) || !real_inside(key->values, value))
        return refuse(key, text, CLH_ERANGE, err);
    *out = value;
    return CLH_OK;
}

static clh_status bool_from_text(const clh_key *key, const char *text, bool *out, clh_error *err)
{
    static const char *const name[] = {"false", "true", "no", "yes", "0", "1", "off", "on"};
    for (size_t i = 0; i < CLH_COUNT(name); i++)
        if (strcmp(text, name[i]) == 0) {
            *out = i % 2;
            return CLH_OK;
        }
    return refuse(key, text, CLH_ECONFIG, err);
}

/** Place of `name` among the words of `list`; SIZE_MAX when it is none of them. */
static size_t word_place(const char *list, char separator, const char *name)
{
    size_t length = strlen(name), place = 0;
    while (list && *list) {
        size_t word = (size_t)(strchrnul(list, separator) - list);
        if (word == length && memcmp(list, name, length) == 0)
            return place;
        list += word + (list[word] != '\0');
        place++;
    }
    return SIZE_MAX;
}

bool clh_word_in(const char *list, char separator, const char *name)
{
    return word_place(list, separator, name) != SIZE_MAX;
}

/** Put `value` where it belongs in an ascending list; false when it is there already. */
static bool list_insert(unsigned *list, size_t count, unsigned value)
{
    size_t place = count;
    for (; place > 0 && list[place - 1] > value; place--)
        list[place] = list[place - 1];
    list[place] = value;
    return place == 0 || list[place - 1] != value;
}

static clh_status list_from_text(const clh_key *key, const char *text, unsigned *out, size_t *count,
                                 clh_error *err)
{
    size_t capacity = key->size / sizeof *out, used = 0;
    unsigned list[LIST_MAX] = {0};
    assert(capacity < LIST_MAX);
    for (const char *at = text, *end; at; at = *end ? end + 1 : NULL) {
        char word[24] = {0};
        uint64_t value = 0;
        end = strchrnul(at, ',');
        if ((size_t)(end - at) >= sizeof word)
            return refuse(key, text, CLH_ECONFIG, err);
        memcpy(word, at, (size_t)(end - at));
        clh_status status = whole_from_text(key, word, &value, err);
        if (status)
            return status;
        if (used == capacity || !list_insert(list, used, (unsigned)value))
            return clh_fail(err, CLH_ECONFIG, "%s is %s, want at most %zu different numbers",
                            key->name, clh_quoted_text(text).text, capacity);
        used++;
    }
    memcpy(out, list, key->size);
    *count = used;
    return CLH_OK;
}

clh_status clh_key_from_text(const clh_key *key, void *config, const char *text, clh_error *err)
{
    assert(key && config && text);
    char *field = (char *)config + key->offset;
    switch (key->kind) {
    case CLH_KEY_SIZE: {
        uint64_t value = 0;
        clh_status status = whole_from_text(key, text, &value, err);
        if (!status && (size_t)value != value)
            return refuse(key, text, CLH_ERANGE, err);
        if (!status)
            *(size_t *)(void *)field = (size_t)value;
        return status;
    }
    case CLH_KEY_SEED:
        return whole_from_text(key, text, (uint64_t *)(void *)field, err);
    case CLH_KEY_REAL:
        return real_from_text(key, text, (double *)(void *)field, err);
    case CLH_KEY_BOOL:
        return bool_from_text(key, text, (bool *)field, err);
    case CLH_KEY_CHOICE: {
        size_t place = word_place(key->values, '|', text);
        assert(key->size == sizeof(unsigned));
        if (place == SIZE_MAX)
            return refuse(key, text, CLH_ECONFIG, err);
        *(unsigned *)(void *)field = (unsigned)place;
        return CLH_OK;
    }
    case CLH_KEY_TEXT:
        if (strlen(text) >= key->size)
            return clh_fail(err, CLH_ERANGE, "%s has %zu characters, want at most %zu", key->name,
                            strlen(text), key->size - 1);
        memset(field, 0, key->size);
        memcpy(field, text, strlen(text) + 1);
        return CLH_OK;
    case CLH_KEY_LIST:
        return list_from_text(key, text, (unsigned *)(void *)field,
                              (size_t *)(void *)((char *)config + key->count_offset), err);
    }
    return clh_fail(err, CLH_ECONFIG, "%s has no kind", key->name);
}

void clh_key_copy(const clh_key *key, void *to, const void *from)
{
    assert(key && to && from);
    memcpy((char *)to + key->offset, (const char *)from + key->offset, key->size);
    if (key->kind == CLH_KEY_LIST)
        memcpy((char *)to + key->count_offset, (const char *)from + key->count_offset,
               sizeof(size_t));
}

bool clh_key_equal(const clh_key *key, const void *a, const void *b)
{
    assert(key && a && b);
    const char *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;
    if (key->kind == CLH_KEY_TEXT)
        return strncmp(x, y, key->size) == 0;
    if (key->kind == CLH_KEY_LIST &&
        memcmp((const char *)a + key->count_offset, (const char *)b + key->count_offset,
               sizeof(size_t)) != 0)
        return false;
    return memcmp(x, y, key->size) == 0;
}

const clh_key *clh_key_find(const clh_key *keys, size_t count, const char *name, clh_error *err)
{
    clh_quote given = clh_quoted_text(name); /* a cut one is no key: it has dots */
    char *const wanted = given.text;
    const char *names[NAMES_MAX];
    assert(count <= NAMES_MAX);
    for (char *c = wanted; *c; c++)
        if (*c == '-')
            *c = '_';
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, wanted) == 0)
            return &keys[i];
        names[i] = keys[i].name;
    }
    clh_key_unknown(wanted, names, count, CLH_ECONFIG, err);
    return NULL;
}
