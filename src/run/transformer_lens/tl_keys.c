#include "run/transformer_lens/tl_keys.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/platform/decimal.h"
#include "base/quote.h"

static const clh_tl_key tl_keys[] = {
#define TL(name_, rule_, fallback_, more_) {#name_, CLH_TL_##rule_, fallback_, more_, false},
#define TL_OTHER(name_, rule_, fallback_, more_) {#name_, CLH_TL_##rule_, fallback_, more_, true},
#include "run/transformer_lens/tl_keys.def"
#undef TL_OTHER
#undef TL
};

const char clh_tl_since_3[] = "uses_rms_norm";

const clh_tl_key *clh_tl_keys(size_t *count)
{
    assert(count);
    *count = CLH_COUNT(tl_keys);
    return tl_keys;
}

const clh_tl_key *clh_tl_key_find(const char *name, const char **nearest)
{
    const char *names[CLH_COUNT(tl_keys)];
    assert(name);
    for (size_t i = 0; i < CLH_COUNT(tl_keys); i++) {
        if (strcmp(tl_keys[i].name, name) == 0)
            return &tl_keys[i];
        names[i] = tl_keys[i].name;
    }
    if (nearest)
        *nearest = clh_nearest_name(name, names, CLH_COUNT(names));
    return NULL;
}

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool is_word(const char *word, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(word, text, length) == 0;
}

/* One literal of the table, without a parser: nothing that could run out of memory. */
static bool equals(const json_t *value, const char *literal, size_t length)
{
    if (json_is_null(value) || json_is_boolean(value))
        return is_word(literal, length,
                       json_is_null(value)   ? "null"
                       : json_is_true(value) ? "true"
                                             : "false");
    if (json_is_string(value))
        return length >= 2 && literal[0] == '"' &&
               is_word(literal + 1, length - 2, json_string_value(value));
    char *end = NULL;
    const double number = clh_read_double(literal, &end);
    return json_is_number(value) && end == literal + length && json_number_value(value) == number;
}

bool clh_tl_value_in(const json_t *value, const char *words)
{
    for (size_t length; words; words = words[length] ? words + length + 1 : NULL) {
        length = strcspn(words, "|");
        if (equals(value, words, length))
            return true;
    }
    return false;
}

clh_status clh_tl_note(const char *key, const json_t *value, const char *because, clh_strbuf *notes,
                       clh_error *err)
{
    char *text = NULL;
    const clh_status status = clh_json_text(&text, value, JSON_ENCODE_ANY | JSON_COMPACT, err);
    if (!status)
        clh_strbuf_addf(notes, "%s = %s %s\n", key, clh_quoted_text(text).text, because);
    free(text);
    return status;
}

/* ---- Honoured keys ------------------------------------------------------------------------------
 */

clh_model_key clh_tl_model_key(const clh_tl_key *key)
{
    assert(key && key->rule == CLH_TL_HONOURED);
    const clh_key *row = clh_key_find(clh_model_keys(), CLH_MODEL_KEY_COUNT, key->name, NULL);
    assert(row);
    return (clh_model_key)(row - clh_model_keys());
}

/** What TransformerLens lets stand for "follows from the others": null or a negative number. */
static bool stands_open(const clh_tl_key *key, const json_t *value)
{
    bool follows =
        key->fallback &&
        (strncmp(key->fallback, "-1", 2) == 0 ||
         (strcmp(key->fallback, "null") == 0 && clh_tl_model_key(key) != CLH_MODEL_KEY_act_fn));
    return follows &&
           (json_is_null(value) || (json_is_number(value) && json_number_value(value) < 0));
}

clh_status clh_tl_key_honour(const clh_tl_key *key, const json_t *value, clh_model_config *config,
                             bool automatic[CLH_MODEL_KEY_COUNT], clh_error *err)
{
    assert(key && value && config && automatic);
    clh_model_key place = clh_tl_model_key(key);
    if (stands_open(key, value)) {
        automatic[place] = true;
        return CLH_OK;
    }
    if (place == CLH_MODEL_KEY_act_fn && json_is_null(value))
        return CLH_OK;
    return clh_key_from_json(&clh_model_keys()[place], config, value, err);
}

bool clh_tl_key_default(const clh_tl_key *key, clh_model_config *config,
                        bool automatic[CLH_MODEL_KEY_COUNT])
{
    assert(key && config && automatic);
    const clh_model_key place = clh_tl_model_key(key);
    const char *text = key->fallback;
    if (!text)
        return false;
    if (strncmp(text, "-1", 2) == 0 || strcmp(text, "null") == 0) {
        automatic[place] = place != CLH_MODEL_KEY_act_fn;
        return true;
    }
    char word[32];
    const bool quoted = text[0] == '"';
    (void)snprintf(word, sizeof word, "%.*s", (int)(strlen(text) - (quoted ? 2 : 0)),
                   text + quoted);
    const clh_status status = clh_key_from_text(&clh_model_keys()[place], config, word, NULL);
    assert(!status);
    (void)status;
    return true;
}

/* ---- The others ---------------------------------------------------------------------------------
 */

/* "null or "TransformerLensNative"", as a message wants it. */
static const char *wanted_text(const clh_tl_key *key, clh_strbuf *text)
{
    clh_strbuf_adds(text, key->fallback);
    for (const char *at = key->more; at && *at; at += *at == '|') {
        const size_t length = strcspn(at, "|");
        clh_strbuf_addf(text, " or %.*s", (int)length, at);
        at += length;
    }
    return clh_strbuf_view(text);
}

static clh_status fixed(const clh_tl_key *key, const json_t *value, const char *where,
                        clh_error *err)
{
    clh_strbuf wanted = {0};
    if (clh_tl_value_in(value, key->fallback) || clh_tl_value_in(value, key->more))
        return CLH_OK;
    const clh_status status =
        clh_fail(err, CLH_ESUPPORT, "%s is %s, only %s is supported%s", key->name,
                 clh_quoted_json(value).text, wanted_text(key, &wanted), where);
    clh_strbuf_deinit(&wanted);
    return status;
}

static clh_status ignored(const clh_tl_key *key, const json_t *value, clh_strbuf *notes,
                          clh_error *err)
{
    return clh_tl_value_in(value, key->fallback)
               ? CLH_OK
               : clh_tl_note(key->name, value, "does not matter here", notes, err);
}

static clh_status heads(const clh_tl_key *key, const json_t *value, const clh_model_config *config,
                        clh_error *err)
{
    const json_int_t number = json_integer_value(value);
    if (json_is_null(value) ||
        (json_is_integer(value) && number >= 0 && (uintmax_t)number == (uintmax_t)config->n_heads))
        return CLH_OK;
    return clh_fail(err, CLH_ESUPPORT, "%s is %s, only null or n_heads, which is %zu, is supported",
                    key->name, clh_quoted_json(value).text, config->n_heads);
}

static clh_status floats(const clh_tl_key *key, const json_t *value, clh_strbuf *notes,
                         clh_error *err)
{
    static const char prefix[] = "torch.";
    const char *name = json_string_value(value);
    if (name && strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    if (json_is_null(value) || (name && strcmp(name, "float32") == 0))
        return CLH_OK;
    if (!name || !clh_word_in("float64|float16|bfloat16", '|', name))
        return clh_fail(err, CLH_ESUPPORT,
                        "%s is %s, only torch.float32, float64, float16 and bfloat16 are supported",
                        key->name, clh_quoted_json(value).text);
    return clh_tl_note(key->name, value, "is read as float32", notes, err);
}

clh_status clh_tl_key_settle(const clh_tl_key *key, const json_t *value,
                             const clh_model_config *config, clh_strbuf *notes, clh_error *err)
{
    assert(key && value && config && notes && key->rule != CLH_TL_HONOURED);
    const clh_normalization norm = config->normalization_type;
    switch (key->rule) {
    case CLH_TL_ROTARY:
        return config->positional_embedding_type == CLH_POSITIONS_ROTARY
                   ? fixed(key, value, " with rotary positions", err)
                   : ignored(key, value, notes, err);
    case CLH_TL_RMS:
        return norm == CLH_NORM_RMS || norm == CLH_NORM_RMSPRE
                   ? fixed(key, value, " with RMS norms", err)
                   : ignored(key, value, notes, err);
    case CLH_TL_NOT_POSITIVE:
        if (json_is_number(value) && json_number_value(value) <= 0)
            return CLH_OK;
        return clh_fail(err, CLH_ESUPPORT, "%s is %s, only -1 (no cap) is supported", key->name,
                        clh_quoted_json(value).text);
    case CLH_TL_HEADS:
        return heads(key, value, config, err);
    case CLH_TL_FLOATS:
        return floats(key, value, notes, err);
    case CLH_TL_IGNORED:
        if (clh_tl_value_in(value, key->more))
            return clh_fail(err, CLH_ESUPPORT, "%s is %s, which is another kind of block, want %s",
                            key->name, clh_quoted_json(value).text, key->fallback);
        return ignored(key, value, notes, err);
    default:
        return fixed(key, value, "", err);
    }
}
