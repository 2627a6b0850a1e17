#include "base/checksum.h"
#include "base/json_text.h"
#include "clearhead/run_config.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/platform/file.h"
#include "file/verify.h"
#include "model/description/model_keys.h"
#include "run/settings/run_files.h"
#include "run/settings/run_keys.h"

enum { FILE_MAX = 1 << 20 };

/* Presets, as the config files they stand for. */
static const struct {
    const char *name, *json;
} presets[] = {
    {"notebook",
     "{\"task\": \"permutations\", \"n\": 4, \"letters\": \"sorted\", \"seed\": 0,"
     " \"first_scored\": 6, \"n_layers\": 1, \"n_heads\": 1, \"d_model\": 128, \"d_head\": 64,"
     " \"attn_only\": true, \"act_fn\": \"solu\", \"normalization_type\": \"LN\", \"eps\": 1e-5,"
     " \"n_ctx\": 122, \"d_vocab\": 65, \"optimizer\": \"adamw\", \"lr\": 1e-3, \"beta1\": 0.9,"
     " \"beta2\": 0.99, \"optimizer_eps\": 1e-8, \"weight_decay\": 0.01, \"max_grad_norm\": 1,"
     " \"schedule\": \"constant\", \"batch\": 4, \"epoch_sequences\": 97, \"epochs\": 20,"
     " \"steps\": 500, \"test_sequences\": 25}"},
};

void clh_run_layer_init(clh_run_layer *layer)
{
    if (layer)
        memset(layer, 0, sizeof *layer);
}

void clh_run_layer_default(clh_run_layer *layer)
{
    const clh_key *keys = clh_run_keys();
    clh_run_layer_init(layer);
    for (size_t i = 0; layer && i < clh_run_key_count(); i++) {
        layer->state[i] = keys[i].fallback ? CLH_KEY_DEFAULT : CLH_KEY_AUTOMATIC;
        if (!keys[i].fallback)
            continue;
        clh_status status = clh_key_from_text(&keys[i], &layer->config, keys[i].fallback, NULL);
        assert(!status);
        (void)status;
    }
}

/** The values are a preset's, or of a complete config that a run wrote: none of them says that the
 *  user wants this one in particular. But of n_ctx: a run may be one of beginnings that long, which
 *  weights alone (CLH_KEY_GIVEN) never are. */
static void nobody_asked(clh_run_layer *layer)
{
    const size_t n_ctx = clh_run_key_place(CLH_RUN_KEY_n_ctx);
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (layer->state[i] == CLH_KEY_ASKED && i != n_ctx)
            layer->state[i] = CLH_KEY_GIVEN;
}

clh_status clh_run_layer_preset(clh_run_layer *layer, const char *name, clh_error *err)
{
    CLH_REQUIRE(layer && name, err, "a layer, and the name of a preset");
    for (size_t i = 0; i < CLH_COUNT(presets); i++) {
        if (strcmp(presets[i].name, name) != 0)
            continue;
        clh_status status = clh_run_layer_json(layer, presets[i].json, name, err);
        nobody_asked(layer);
        return status;
    }
    return clh_fail(err, CLH_EUSAGE, "preset is %s, want %s", name, presets[0].name);
}

/** Whether the layer is a config that clh_run_config_json() wrote, now or before there were all keys: it
 *  has every one that would follow from others, which nobody writes by hand. */
static bool is_complete(const clh_run_layer *layer)
{
    const clh_key *keys = clh_run_keys();
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (layer->state[i] == CLH_KEY_ABSENT && !keys[i].fallback && !keys[i].before &&
            !keys[i].record && clh_run_key_written(i, layer->config.task))
            return false;
    return true;
}

/** Keys that a whole config does not have are what they were when it was written. */
static void as_before(clh_run_layer *layer)
{
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        const clh_key *key = &clh_run_keys()[i];
        if (layer->state[i] != CLH_KEY_ABSENT || !key->before ||
            !clh_run_key_written(i, layer->config.task))
            continue;
        clh_status status = clh_key_from_text(key, &layer->config, key->before, NULL);
        assert(!status);
        (void)status;
        layer->state[i] = CLH_KEY_GIVEN;
    }
}

void clh_run_layer_model(clh_run_layer *layer, const clh_model_config *model)
{
    if (!layer || !model)
        return;
    const clh_key *keys = clh_run_keys();
    clh_run_layer_init(layer);
    layer->config.model = clh_model_config_resolved(model);
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (strcmp(keys[i].section, "model") == 0)
            layer->state[i] = CLH_KEY_GIVEN;
}

/** One key of a config file into the layer. */
static clh_status layer_set_json(clh_run_layer *layer, const char *name, const json_t *value,
                                 clh_error *err)
{
    const clh_key *key = clh_key_find(clh_run_keys(), clh_run_key_count(), name, err);
    if (!key)
        return CLH_ECONFIG;
    unsigned char *state = &layer->state[key - clh_run_keys()];
    if (json_is_null(value) && key->automatic) {
        *state = CLH_KEY_AUTOMATIC;
        return CLH_OK;
    }
    *state = CLH_KEY_ASKED;
    return clh_key_from_json(key, &layer->config, value, err);
}

clh_status clh_run_layer_json(clh_run_layer *layer, const char *text, const char *origin,
                              clh_error *err)
{
    CLH_REQUIRE(layer && text && origin, err, "a layer, JSON, and where it is from");
    const char *name;
    json_t *value;
    clh_run_layer_init(layer);
    json_t *object = NULL;
    clh_status status =
        clh_json_parse(&object, text, strlen(text), JSON_REJECT_DUPLICATES, origin, NULL, err);
    if (status)
        return status;
    if (!json_is_object(object))
        status = clh_fail(err, CLH_EFORMAT, "%s is JSON but no object, want {\"key\": value, ...}",
                          origin);
    else if (json_object_get(object, CLH_CHECKSUM_KEY) && clh_verifies())
        status = clh_checksum_check_text(text, strlen(text), origin, err);
    json_object_foreach(object, name, value)
    {
        if (status)
            break;
        if (strcmp(name, CLH_CHECKSUM_KEY) == 0)
            continue;
        status = layer_set_json(layer, name, value, err);
        if (status) {
            clh_fail_context(err, status, "%s", origin);
            break;
        }
    }
    if (!status && is_complete(layer)) {
        nobody_asked(layer);
        as_before(layer);
    }
    json_decref(object);
    return status;
}

clh_status clh_run_layer_file(clh_run_layer *layer, const char *path, clh_error *err)
{
    CLH_REQUIRE(layer && path, err, "a layer, and the path of a config file");
    char *text = NULL, *folder = clh_path_above(path, err);
    clh_status status = folder ? clh_file_read_text(&text, path, FILE_MAX, err) : CLH_ENOMEM;
    if (!status)
        status = clh_run_layer_json(layer, text, path, err);
    if (!status)
        status = clh_run_files_place(&layer->config, folder, err);
    clh_free(folder);
    clh_free(text);
    return status;
}

clh_status clh_run_layer_set(clh_run_layer *layer, const char *key, const char *text,
                             clh_error *err)
{
    CLH_REQUIRE(layer && key && text, err, "a layer, a key and its value");
    const clh_key *row = clh_key_find(clh_run_keys(), clh_run_key_count(), key, err);
    if (!row)
        return CLH_ECONFIG;
    unsigned char *state = &layer->state[row - clh_run_keys()];
    if (row->automatic && strcmp(text, "auto") == 0) {
        *state = CLH_KEY_AUTOMATIC;
        return CLH_OK;
    }
    clh_status status = clh_key_from_text(row, &layer->config, text, err);
    if (!status)
        *state = CLH_KEY_ASKED;
    return status;
}

/** The key follows from another that changed; what was found under that is not known any more. */
static void reset(clh_run_layer *layer, size_t place)
{
    const clh_key *key = &clh_run_keys()[place];
    layer->state[place] = CLH_KEY_AUTOMATIC;
    if (key->record)
        memset((char *)&layer->config + key->offset, 0, key->size);
}

void clh_run_layer_apply(clh_run_layer *onto, const clh_run_layer *layer)
{
    if (!onto || !layer || onto == layer)
        return;
    const clh_key *keys = clh_run_keys();
    for (size_t i = 0; i < clh_run_key_count(); i++) {
        if (layer->state[i] == CLH_KEY_ABSENT)
            continue;
        onto->state[i] = layer->state[i];
        clh_key_copy(&keys[i], &onto->config, &layer->config);
        for (size_t k = 0; k < clh_run_key_count(); k++)
            if (layer->state[k] == CLH_KEY_ABSENT && clh_word_in(keys[i].resets, ' ', keys[k].name))
                reset(onto, k);
    }
}

void clh_run_layer_fill(clh_run_layer *onto, const clh_run_layer *layer)
{
    if (!onto || !layer || onto == layer)
        return;
    for (size_t i = 0; i < clh_run_key_count(); i++)
        if (onto->state[i] <= CLH_KEY_AUTOMATIC && layer->state[i] > CLH_KEY_AUTOMATIC) {
            onto->state[i] = layer->state[i];
            clh_key_copy(&clh_run_keys()[i], &onto->config, &layer->config);
        }
}
