#include "run/tl_config.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_keys.h"
#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/quote.h"
#include "model/model_keys.h"

enum { FILE_MAX = 1 << 20 };

typedef enum tl_rule { RULE_HONOURED, RULE_FIXED, RULE_NOT_POSITIVE, RULE_IGNORED } tl_rule;

static const struct tl_key {
    const char *name;
    tl_rule rule;
    const char *fallback; /* JSON; NULL: the key must be there */
    const char *also;     /* JSON, accepted too */
    bool other;           /* not TransformerLens 2.4's: never written */
} tl_keys[] = {
#define TL(name_, rule_, fallback_, also_) {#name_, RULE_##rule_, fallback_, also_, false},
#define TL_OTHER(name_, rule_, fallback_) {#name_, RULE_##rule_, fallback_, NULL, true},
#include "run/tl_keys.def"
#undef TL_OTHER
#undef TL
};

/** A literal of the table. */
static clh_status parse(json_t **out, const char *literal, clh_error *err)
{
    return clh_json_parse(out, literal, strlen(literal), JSON_DECODE_ANY, "the table", NULL, err);
}

/** Whether `value` is the literal, which may be NULL: nothing is. */
static clh_status compare(bool *equal, const json_t *value, const char *literal, clh_error *err)
{
    json_t *wanted = NULL;
    const clh_status status = literal ? parse(&wanted, literal, err) : CLH_OK;
    *equal = json_is_number(value) && json_is_number(wanted)
                 ? json_number_value(value) == json_number_value(wanted)
                 : json_equal(value, wanted);
    json_decref(wanted);
    return status;
}

/** The model's own row of an honoured key. */
static clh_model_key model_key(const struct tl_key *key)
{
    const clh_key *row = clh_key_find(clh_model_keys(), CLH_MODEL_KEY_COUNT, key->name, NULL);
    assert(row);
    return (clh_model_key)(row - clh_model_keys());
}

/** What TransformerLens lets stand for "follows from the others": null or a negative number. */
static bool stands_open(const struct tl_key *key, const json_t *value)
{
    bool follows = key->fallback &&
                   (strncmp(key->fallback, "-1", 2) == 0 ||
                    (strcmp(key->fallback, "null") == 0 && model_key(key) != CLH_MODEL_KEY_act_fn));
    return follows &&
           (json_is_null(value) || (json_is_number(value) && json_number_value(value) < 0));
}

static clh_status honour(const struct tl_key *key, const json_t *value, clh_model_config *config,
                         bool *automatic, clh_error *err)
{
    clh_model_key place = model_key(key);
    if (stands_open(key, value)) {
        automatic[place] = true;
        return CLH_OK;
    }
    if (place == CLH_MODEL_KEY_act_fn && json_is_null(value))
        return CLH_OK;
    return clh_key_from_json(&clh_model_keys()[place], config, value, err);
}

/** "KEY = VALUE because": that it has no effect. */
static clh_status note(const char *key, const json_t *value, const char *because, clh_strbuf *notes,
                       clh_error *err)
{
    char *text = NULL;
    const clh_status status = clh_json_text(&text, value, JSON_ENCODE_ANY | JSON_COMPACT, err);
    if (!status)
        clh_strbuf_addf(notes, "%s = %s %s\n", key, clh_quoted_text(text).text, because);
    free(text);
    return status;
}

static clh_status take(const struct tl_key *key, const json_t *value, clh_model_config *config,
                       bool *automatic, clh_strbuf *notes, clh_error *err)
{
    bool first = false, second = false;
    clh_status status = CLH_OK;
    switch (key->rule) {
    case RULE_HONOURED:
        return honour(key, value, config, automatic, err);
    case RULE_FIXED:
        status = compare(&first, value, key->fallback, err);
        if (!status)
            status = compare(&second, value, key->also, err);
        if (status || first || second)
            return status;
        return clh_fail(err, CLH_ESUPPORT, "%s is %s, only %s is supported", key->name,
                        clh_quoted_json(value).text, key->fallback);
    case RULE_NOT_POSITIVE:
        if (json_is_number(value) && json_number_value(value) <= 0)
            return CLH_OK;
        return clh_fail(err, CLH_ESUPPORT, "%s is %s, only -1 (no cap) is supported", key->name,
                        clh_quoted_json(value).text);
    case RULE_IGNORED:
        status = compare(&first, value, key->fallback, err);
        return status || first ? status
                               : note(key->name, value, "does not matter here", notes, err);
    }
    return CLH_OK;
}

/** Every key of the table from `object` or its default. */
static clh_status take_all(const json_t *object, clh_model_config *config, bool *automatic,
                           clh_strbuf *notes, clh_error *err)
{
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(tl_keys) && !status; i++) {
        const char *fallback = tl_keys[i].fallback;
        json_t *value = json_incref(json_object_get(object, tl_keys[i].name));
        if (!value && fallback)
            status = parse(&value, fallback, err);
        if (value)
            status = take(&tl_keys[i], value, config, automatic, notes, err);
        else if (!status)
            status = clh_fail(err, CLH_ECONFIG, "%s is missing", tl_keys[i].name);
        json_decref(value);
    }
    return status;
}

/** Refuse keys that TransformerLens does not have. */
static clh_status check_names(const json_t *object, clh_error *err)
{
    const char *names[CLH_COUNT(tl_keys)];
    for (size_t i = 0; i < CLH_COUNT(tl_keys); i++)
        names[i] = tl_keys[i].name;
    return clh_json_keys_check(object, names, CLH_COUNT(names), CLH_ECONFIG, err);
}

/** Honoured keys that nothing reads because there is no MLP, and one that must be there if there
 *  is. */
static clh_status settle_mlp(const json_t *object, const clh_model_config *config,
                             clh_strbuf *notes, clh_error *err)
{
    static const char *const mlp[] = {"act_fn", "d_mlp", "use_hook_mlp_in"};
    const json_t *act_fn = json_object_get(object, "act_fn");
    if (!config->attn_only)
        return act_fn && !json_is_null(act_fn)
                   ? CLH_OK
                   : clh_fail(err, CLH_ECONFIG, "act_fn is missing, want it unless attn_only");
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(mlp) && !status; i++) {
        const json_t *value = json_object_get(object, mlp[i]);
        if (value && !json_is_null(value) && !json_is_false(value))
            status = note(mlp[i], value, "has no effect: the model is attn_only", notes, err);
    }
    return status;
}

/* No positions are rotary positions that turn nothing, in TransformerLens. */
static void name_positions(clh_model_config *config, bool *automatic)
{
    if (config->positional_embedding_type != CLH_POSITIONS_ROTARY || config->rotary_dim > 0 ||
        automatic[CLH_MODEL_KEY_rotary_dim])
        return;
    config->positional_embedding_type = CLH_POSITIONS_NONE;
    automatic[CLH_MODEL_KEY_rotary_dim] = true;
}

static clh_model_config in_their_words(const clh_model_config *config)
{
    clh_model_config theirs = *config;
    if (config->positional_embedding_type != CLH_POSITIONS_NONE)
        return theirs;
    theirs.positional_embedding_type = CLH_POSITIONS_ROTARY;
    theirs.rotary_dim = 0;
    return theirs;
}

/* Whether nothing follows from a key in this model, so that its default is written. */
static bool is_idle(clh_model_key key, const clh_model_config *theirs)
{
    return (key == CLH_MODEL_KEY_d_mlp && theirs->attn_only && theirs->d_mlp == 0) ||
           (key == CLH_MODEL_KEY_rotary_dim &&
            theirs->positional_embedding_type != CLH_POSITIONS_ROTARY);
}

static clh_status from_object(clh_model_config *out, char **notes, json_t *object, clh_error *err)
{
    clh_model_config config = clh_model_config_default();
    bool automatic[CLH_MODEL_KEY_COUNT] = {0};
    clh_strbuf lines = {0};
    char *text = NULL;
    clh_status status = check_names(object, err);
    if (!status)
        status = take_all(object, &config, automatic, &lines, err);
    if (!status)
        status = settle_mlp(object, &config, &lines, err);
    if (!status && automatic[CLH_MODEL_KEY_n_heads])
        config.n_heads = config.d_model / config.d_head; /* as __post_init__ */
    if (!status) {
        name_positions(&config, automatic);
        clh_model_config_fill(&config, automatic);
        status = clh_model_config_check(&config, err);
    }
    if (!status && !(text = clh_strbuf_take(&lines, err)))
        status = CLH_ENOMEM;
    clh_strbuf_deinit(&lines);
    if (!status) {
        *out = config;
        *notes = text;
    }
    return status;
}

clh_status clh_tl_config_from_json(clh_model_config *out, char **notes, const char *text,
                                   const char *origin, clh_error *err)
{
    assert(out && notes && text && origin);
    json_t *object = NULL;
    clh_status status =
        clh_json_parse(&object, text, strlen(text), JSON_REJECT_DUPLICATES, origin, NULL, err);
    if (status)
        return status;
    if (!json_is_object(object))
        status = clh_fail(err, CLH_EFORMAT, "%s is JSON but no object, want cfg.to_dict()", origin);
    else if ((status = from_object(out, notes, object, err)))
        clh_fail_context(err, status, "%s", origin);
    json_decref(object);
    return status;
}

clh_status clh_tl_config_read(clh_model_config *out, char **notes, const char *path, clh_error *err)
{
    assert(out && notes && path);
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (!status)
        status = clh_tl_config_from_json(out, notes, text, path, err);
    clh_free(text);
    return status;
}

char *clh_tl_config_json(const clh_model_config *config, clh_error *err)
{
    assert(config);
    clh_strbuf text = {0};
    const clh_model_config theirs = in_their_words(config);
    for (size_t i = 0; i < CLH_COUNT(tl_keys); i++) {
        if (tl_keys[i].other || strcmp(tl_keys[i].name, "dtype") == 0)
            continue;
        clh_strbuf_adds(&text, i ? ",\n  " : "{\n  ");
        clh_strbuf_add_json(&text, tl_keys[i].name);
        clh_strbuf_adds(&text, ": ");
        if (tl_keys[i].rule == RULE_HONOURED && !is_idle(model_key(&tl_keys[i]), &theirs))
            clh_key_to_json(&clh_model_keys()[model_key(&tl_keys[i])], &theirs, &text);
        else
            clh_strbuf_adds(&text, tl_keys[i].fallback);
    }
    clh_strbuf_adds(&text, "\n}\n");
    return clh_strbuf_take(&text, err);
}
