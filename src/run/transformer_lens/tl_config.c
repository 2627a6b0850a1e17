#include "run/transformer_lens/tl_config.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/json_text.h"
#include "base/platform/file.h"
#include "base/quote.h"
#include "run/transformer_lens/tl_keys.h"

enum { FILE_MAX = 1 << 20 };

/* What is made of one config. */
typedef struct reading {
    const json_t *object;
    clh_model_config config;
    bool automatic[CLH_MODEL_KEY_COUNT];
    clh_strbuf notes;
} reading;

static bool has(const reading *r, const char *key)
{
    return json_object_get(r->object, key) != NULL;
}

static bool says(const reading *r, const char *key, const char *words)
{
    const json_t *value = json_object_get(r->object, key);
    return value && clh_tl_value_in(value, words);
}

/* ---- Keys --------------------------------------------------------------------------------------
 */

static clh_status take(reading *r, const clh_tl_key *key, clh_error *err)
{
    const json_t *value = json_object_get(r->object, key->name);
    const bool honoured = key->rule == CLH_TL_HONOURED;
    if (value && honoured)
        return clh_tl_key_honour(key, value, &r->config, r->automatic, err);
    if (value)
        return clh_tl_key_settle(key, value, &r->config, &r->notes, err);
    if (honoured && !clh_tl_key_default(key, &r->config, r->automatic))
        return clh_fail(err, CLH_ECONFIG, "%s is missing", key->name);
    return CLH_OK;
}

/** Every key of the table, from the object or its default: those that are honoured, or the others, of
 *  which some depend on them. */
static clh_status take_all(reading *r, bool honoured, clh_error *err)
{
    size_t count;
    const clh_tl_key *key = clh_tl_keys(&count);
    clh_status status = CLH_OK;
    for (size_t i = 0; i < count && !status; i++)
        if ((key[i].rule == CLH_TL_HONOURED) == honoured)
            status = take(r, &key[i], err);
    return status;
}

/** Keys that no TransformerLens has: all are refused by name, or listed. */
static clh_status settle_unknown(reading *r, bool ignore, clh_error *err)
{
    clh_strbuf names = {0};
    const char *near = NULL;
    size_t count = 0;
    json_t *seen = (json_t *)r->object; /* jansson iterates over what may change */
    for (void *at = json_object_iter(seen); at; at = json_object_iter_next(seen, at)) {
        const char *name = json_object_iter_key(at);
        if (clh_tl_key_find(name, near ? NULL : &near))
            continue;
        if (ignore)
            clh_strbuf_addf(&r->notes, "%s is no setting of TransformerLens: ignored\n",
                            clh_quoted_name(name).text);
        clh_strbuf_addf(&names, "%s%s", count++ ? ", " : "", clh_quoted_name(name).text);
    }
    clh_status status = clh_strbuf_check(&names, err);
    if (!status && count && !ignore)
        status = clh_fail(err, CLH_ECONFIG, "unknown key%s %s%s%s%s", count > 1 ? "s" : "",
                          clh_strbuf_view(&names), near ? "; did you mean " : "", near ? near : "",
                          near ? "?" : "; want TransformerLens' settings, or --ignore-keys");
    clh_strbuf_deinit(&names);
    return status;
}

/* Settings that 2.4 does not have, at what changes nothing: one line names them. */
static void list_inert(reading *r)
{
    size_t count, inert = 0;
    const clh_tl_key *key = clh_tl_keys(&count);
    for (size_t i = 0; i < count; i++)
        if (key[i].other && says(r, key[i].name, key[i].fallback))
            clh_strbuf_addf(&r->notes, "%s%s",
                            inert++ ? ", " : "at what changes nothing: ", key[i].name);
    if (inert)
        clh_strbuf_adds(&r->notes, "\n");
}

/* ---- What keys mean together -------------------------------------------------------------------
 */

/** Honoured keys that nothing reads because there is no MLP, and one that must be there if there
 *  is. */
static clh_status settle_mlp(reading *r, clh_error *err)
{
    static const char *const mlp[] = {"act_fn", "d_mlp", "use_hook_mlp_in"};
    if (!r->config.attn_only)
        return has(r, "act_fn") && !says(r, "act_fn", "null")
                   ? CLH_OK
                   : clh_fail(err, CLH_ECONFIG, "act_fn is missing, want it unless attn_only");
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(mlp) && !status; i++) {
        const json_t *value = json_object_get(r->object, mlp[i]);
        if (value && !clh_tl_value_in(value, "null|false"))
            status =
                clh_tl_note(mlp[i], value, "has no effect: the model is attn_only", &r->notes, err);
    }
    return status;
}

/* Before 1.12.1 there was no rotary_adjacent_pairs: which pairs are turned followed from where the model
 * came from. A whole config of that time lacks it; one that somebody wrote lacks much else. */
static void settle_old_rotary(reading *r)
{
    const bool whole = has(r, "n_params") && has(r, "init_weights") && has(r, "final_rms");
    if (!whole || has(r, "rotary_adjacent_pairs") ||
        r->config.positional_embedding_type != CLH_POSITIONS_ROTARY)
        return;
    r->config.rotary_adjacent_pairs =
        !says(r, "original_architecture", "\"GPTNeoXForCausalLM\"|\"LlamaForCausalLM\"");
    clh_strbuf_addf(&r->notes,
                    "rotary_adjacent_pairs is not given: %s, as in TransformerLens before 1.12.1\n",
                    r->config.rotary_adjacent_pairs ? "true" : "false");
}

/* It says what the last norm is where the others are LN. */
static void settle_final_rms(reading *r)
{
    clh_model_config *c = &r->config;
    if (!c->final_rms || c->normalization_type == CLH_NORM_LN ||
        c->normalization_type == CLH_NORM_LNPRE)
        return;
    c->final_rms = false;
    clh_strbuf_adds(&r->notes, "final_rms = true has no effect: the norms are not LN or LNPre\n");
}

/* boot_native() of 4.x reads some settings in its own way. */
static clh_status settle_native(reading *r, clh_error *err)
{
    static const char native[] = "in TransformerLens' native model";
    clh_model_config *c = &r->config;
    if (!says(r, "architecture", "\"TransformerLensNative\""))
        return CLH_OK;
    if (c->final_rms && c->normalization_type == CLH_NORM_NONE)
        return clh_fail(err, CLH_ESUPPORT,
                        "final_rms is true, only false is supported without norms");
    if (c->positional_embedding_type == CLH_POSITIONS_ROTARY) {
        c->rotary_adjacent_pairs = true;
        clh_strbuf_addf(&r->notes, "rotary positions turn adjacent pairs %s\n", native);
    }
    if (!c->use_attn_scale) {
        c->use_attn_scale = r->automatic[CLH_MODEL_KEY_attn_scale] = true;
        clh_strbuf_addf(&r->notes, "use_attn_scale = false has no effect %s\n", native);
    }
    if (c->parallel_attn_mlp) {
        c->parallel_attn_mlp = false;
        clh_strbuf_addf(&r->notes, "parallel_attn_mlp = true has no effect %s\n", native);
    }
    return CLH_OK;
}

static void settle_version(reading *r)
{
    if (!has(r, clh_tl_since_3))
        return;
    r->config.tl_version = CLH_TL_3_0;
    if (r->config.normalization_type == CLH_NORM_LN)
        clh_strbuf_adds(&r->notes, "tl_version 3.0: hook_normalized lies before w and b\n");
}

/* No positions are rotary positions that turn nothing, in TransformerLens. */
static void name_positions(reading *r)
{
    clh_model_config *c = &r->config;
    if (c->positional_embedding_type != CLH_POSITIONS_ROTARY || c->rotary_dim > 0 ||
        r->automatic[CLH_MODEL_KEY_rotary_dim])
        return;
    c->positional_embedding_type = CLH_POSITIONS_NONE;
    r->automatic[CLH_MODEL_KEY_rotary_dim] = true;
}

static clh_status settle_together(reading *r, clh_error *err)
{
    clh_status status = settle_mlp(r, err);
    if (status)
        return status;
    if (r->automatic[CLH_MODEL_KEY_n_heads])
        r->config.n_heads = r->config.d_model / r->config.d_head; /* as __post_init__ */
    name_positions(r);
    settle_old_rotary(r);
    status = settle_native(r, err);
    if (status)
        return status;
    settle_final_rms(r);
    settle_version(r);
    clh_model_config_fill(&r->config, r->automatic);
    return clh_model_config_check(&r->config, err);
}

/* ---- The whole ---------------------------------------------------------------------------------
 */

static clh_status from_object(clh_model_config *out, char **notes, const json_t *object,
                              bool ignore_unknown, clh_error *err)
{
    reading r = {.object = object, .config = clh_model_config_default()};
    clh_status status = settle_unknown(&r, ignore_unknown, err);
    if (!status)
        status = take_all(&r, true, err);
    if (!status)
        status = settle_together(&r, err);
    if (!status)
        status = take_all(&r, false, err);
    if (!status)
        list_inert(&r);
    char *text = status ? NULL : clh_strbuf_take(&r.notes, err);
    if (!status && !text)
        status = CLH_ENOMEM;
    clh_strbuf_deinit(&r.notes);
    if (!status) {
        *out = r.config;
        *notes = text;
    }
    return status;
}

clh_status clh_tl_config_from_json(clh_model_config *out, char **notes, const char *text,
                                   const char *origin, bool ignore_unknown, clh_error *err)
{
    assert(out && notes && text && origin);
    json_t *object = NULL;
    clh_status status =
        clh_json_parse(&object, text, strlen(text), JSON_REJECT_DUPLICATES, origin, NULL, err);
    if (status)
        return status;
    if (!json_is_object(object))
        status = clh_fail(err, CLH_EFORMAT, "%s is JSON but no object, want cfg.to_dict()", origin);
    else if ((status = from_object(out, notes, object, ignore_unknown, err)))
        clh_fail_context(err, status, "%s", origin);
    json_decref(object);
    return status;
}

clh_status clh_tl_config_read(clh_model_config *out, char **notes, const char *path,
                              bool ignore_unknown, clh_error *err)
{
    assert(out && notes && path);
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, path, FILE_MAX, err);
    if (!status)
        status = clh_tl_config_from_json(out, notes, text, path, ignore_unknown, err);
    clh_free(text);
    return status;
}
